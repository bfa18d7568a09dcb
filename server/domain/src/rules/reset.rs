//! The ladder of `ResetPassword`, by both routes of the guide, and its tickets (R45 to R47, D23).

use super::password::wrong_try;
use super::phone_code::spend_code;
use super::refuse_if;
use crate::account::Account;
use crate::card::{BoundCard, CardExpiry, Scheme};
use crate::decline::Evidence;
use crate::event::{
    PasswordEffect, PasswordResetDecided, PasswordTicketResolved, PasswordTicketState,
    PasswordVerifier, PhoneCodeEffect, ResetStep,
};
use crate::fingerprints::Fingerprints;
use crate::identifiers::{CardToken, Fingerprint, TicketId};
use crate::period::Timestamp;
use crate::policy::Policy;
use crate::refusal::{Refused, ResetRefusal as Reason};

/// What proves who asks.
#[derive(Debug, Clone, Copy)]
pub enum Proof {
    /// Route 1, where no card is bound: a document that an operator looks at. The call is made
    /// again once the operator has said yes.
    Identity {
        /// Digests of the document.
        document: Fingerprints,
    },
    /// Route 2: the whole data of a card that is bound, and a phone code.
    Card(CardProof),
}

/// A bound card's data, entered again.
#[derive(Debug, Clone, Copy)]
pub struct CardProof {
    /// The card that was chosen.
    pub card: CardToken,
    /// Digests of the number that was entered.
    pub number: Fingerprints,
    /// The scheme that was chosen.
    pub scheme: Scheme,
    /// When the card expires.
    pub expiry: CardExpiry,
    /// Digests of the phone, in the order of the number's: the one that the card was bound with, or whoever
    /// reads a card could have the code sent to a phone of their own.
    pub phones: Fingerprints,
    /// That of them which the phone code was sent under.
    pub phone: Fingerprint,
    /// The phone code given is the one that was sent.
    pub phone_code_matches: bool,
}

impl CardProof {
    fn is_of(&self, card: &BoundCard) -> bool {
        let mut given = self.number.iter().zip(self.phones.iter());
        // The mark is under the key of the card's own digest.
        let is_known =
            given.any(|(number, phone)| (number, phone.mark()) == (card.fingerprint, card.phone));
        is_known && (self.scheme, self.expiry) == (card.scheme, card.expiry)
    }
}

/// The new password.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword {
    /// It was given twice, the same both times.
    pub agree: bool,
    /// As it would be kept.
    pub offered: PasswordVerifier,
}

/// Decides one call to reset a forgotten password.
pub fn decide(
    account: &Account,
    proof: &Proof,
    new: NewPassword,
    policy: &Policy,
    now: Timestamp,
) -> PasswordResetDecided {
    if account.password().is_none() {
        return untouched(Err(Refused::because(Reason::WalletNotVerified)));
    }
    match proof {
        Proof::Identity { document } => by_identity(account, *document, new, policy, now),
        Proof::Card(proof) => by_card(account, proof, new, policy, now),
    }
}

fn untouched(outcome: Result<ResetStep, Refused<Reason>>) -> PasswordResetDecided {
    PasswordResetDecided {
        wrong_proofs: PasswordEffect::Untouched,
        phone_code: PhoneCodeEffect::Untouched,
        outcome,
    }
}

/// Route 1 (R46): opens a ticket, or ends one that an operator has resolved.
fn by_identity(
    account: &Account,
    given: Fingerprints,
    new: NewPassword,
    policy: &Policy,
    now: Timestamp,
) -> PasswordResetDecided {
    if let Err(refused) = check_form(account, new, now) {
        return untouched(Err(refused));
    }
    let Some(ticket) = account.password_ticket() else {
        let known = account.document_fingerprints();
        let matches = known.is_some_and(|known| known.are_those_of(&given));
        let document = given.active();
        return untouched(Ok(ResetStep::TicketOpened { document, matches }));
    };
    // Whoever mistyped the document hears of the rejection with the right one too.
    if ticket.state == PasswordTicketState::Rejected {
        return untouched(Err(Refused::because(Reason::TicketRejected)));
    }
    if given.contain(ticket.document) {
        return PasswordResetDecided {
            wrong_proofs: PasswordEffect::Matched,
            ..untouched(Ok(ResetStep::Reset(new.offered)))
        };
    }
    let refuse = |evidence| Refused {
        reason: Reason::IdentityDiffers,
        evidence,
    };
    let (evidence, wrong_proofs) = wrong_try(account.wrong_proofs(now), policy.password, now);
    PasswordResetDecided {
        wrong_proofs,
        ..untouched(Err(refuse(evidence)))
    }
}

/// The rungs of route 1 that say nothing of the document.
fn check_form(account: &Account, new: NewPassword, now: Timestamp) -> Result<(), Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let state = account.password_ticket().map(|ticket| ticket.state);
    let is_open = state == Some(PasswordTicketState::Open);
    refuse_if(is_open, because(Reason::TicketOpen))?;
    let has_card = !account.cards().is_empty();
    refuse_if(has_card, because(Reason::CardBound))?; // D23
    check_lock(account, now)?;
    refuse_if(!new.agree, because(Reason::PasswordsDiffer)) // R47
}

/// Card data and document numbers can be guessed, so they have a counter as the password has.
fn check_lock(account: &Account, now: Timestamp) -> Result<(), Refused<Reason>> {
    match account.reset_locked_until(now) {
        None => Ok(()),
        Some(until) => Err(Refused {
            reason: Reason::ResetLocked,
            evidence: Evidence::Until(until),
        }),
    }
}

/// Route 2 (R47): a card that is bound already is verified again and not bound again, so the cap
/// does not count it (D23).
fn by_card(
    account: &Account,
    proof: &CardProof,
    new: NewPassword,
    policy: &Policy,
    now: Timestamp,
) -> PasswordResetDecided {
    let (checked, wrong_proofs) = check_card(account, proof, policy, now);
    if let Err(refused) = checked {
        return PasswordResetDecided {
            wrong_proofs,
            ..untouched(Err(refused))
        };
    }
    let (phone, matches) = (proof.phone, proof.phone_code_matches);
    let (spent, phone_code) = spend_code(account, phone, matches, &policy.phone_code, now); // D8
    let spent = spent.map_err(|objection| Refused::because(objection.into()));
    let agreed = spent.and_then(|()| {
        refuse_if(!new.agree, || Refused::because(Reason::PasswordsDiffer)) // R47
    });
    PasswordResetDecided {
        wrong_proofs,
        phone_code,
        outcome: agreed.map(|()| ResetStep::Reset(new.offered)),
    }
}

fn check_card(
    account: &Account,
    proof: &CardProof,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Refused<Reason>>, PasswordEffect) {
    let untouched = PasswordEffect::Untouched;
    if let Err(refused) = check_lock(account, now) {
        return (Err(refused), untouched);
    }
    let Some(card) = account.card(proof.card) else {
        return (Err(Refused::because(Reason::CardNotBound)), untouched);
    };
    if proof.is_of(card) {
        return (Ok(()), PasswordEffect::Matched);
    }
    let (evidence, effect) = wrong_try(account.wrong_proofs(now), policy.password, now);
    let reason = Reason::CardDataWrong;
    (Err(Refused { reason, evidence }), effect)
}

/// An operator's verdict on a ticket; None if the account has no ticket of that name. One that
/// was resolved before stays as it is, and so does one whose document is not the wallet's where
/// the verdict is yes: the wallet would be somebody else's.
pub fn resolve_ticket(
    account: &Account,
    ticket: TicketId,
    approve: bool,
) -> Option<PasswordTicketResolved> {
    let mut ticket = *account
        .password_ticket()
        .filter(|known| known.id == ticket)?;
    let permitted = !approve || ticket.matches;
    let resolved = ticket.state == PasswordTicketState::Open && permitted;
    if resolved {
        ticket.state = if approve {
            PasswordTicketState::Approved
        } else {
            PasswordTicketState::Rejected
        };
    }
    Some(PasswordTicketResolved {
        approve,
        resolved,
        ticket,
    })
}
