//! The ladder of `Bind` (RULES C1b), in two halves around the verification debit (R35, R37, D6).
//!
//! [`reserve`] climbs every rung of ours and holds a slot; then the issuer is asked without any
//! lock; [`complete`] binds the card or lets the slot go. Either all of it happens or nothing.

use super::password;
use super::phone_code::spend_code;
use super::refuse_if;
use crate::account::Account;
use crate::card::{BoundCard, CardExpiry, Scheme};
use crate::decline::{Evidence, IssuerRefusal};
use crate::event::{
    BindDecided, BindReserved, Binding, Event, OlderOfBinding, PasswordEffect, PasswordVerifier,
    PhoneCodeEffect, Review, Transaction, WalletRegion,
};
use crate::fingerprints::Fingerprints;
use crate::identifiers::Fingerprint;
use crate::identity::{CountryCode, DocumentType, Identity};
use crate::period::{Day, Timestamp};
use crate::policy::Policy;
use crate::refusal::{BindRefusal as Reason, Refused};
use crate::version::Client;

/// What was asked, without any secret.
#[derive(Debug, Clone, Copy)]
pub struct Application {
    /// The wallet's region, for an account that this opens.
    pub region: WalletRegion,
    /// The person's app; None for a server-side caller.
    pub client: Option<Client>,
    /// Agreement and privacy policy were both accepted (R34).
    pub agreements_accepted: bool,
    /// None for a document that is not on the list (R10).
    pub document: Option<DocumentType>,
    /// Where the document was issued.
    pub issuing_country: CountryCode,
    /// Digests of document type, issuing country and number.
    pub document_fingerprints: Fingerprints,
    /// The document's last day.
    pub document_expires_on: Day,
    /// Digests of the card's number.
    pub card_fingerprints: Fingerprints,
    /// The scheme by the number; None if it is not on the list (R17).
    pub card_scheme: Option<Scheme>,
    /// The scheme that the person chose (R35).
    pub chosen_scheme: Scheme,
    /// When the card expires.
    pub card_expiry: CardExpiry,
    /// The phone's digest.
    pub phone: Fingerprint,
}

/// What is true of the request beyond the account.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, looked up in a place of its own"
)]
pub struct Facts {
    /// The feature is rolled out to this wallet (D21).
    pub rolled_out: bool,
    /// The details match the document (R36).
    pub identity_confirmed: bool,
    /// The phone code given is the one that was sent.
    pub phone_code_matches: bool,
    /// The password given is the account's; ignored where none is set.
    pub password_matches: bool,
}

/// Climbs every rung before the issuer.
pub fn reserve(
    account: &Account,
    application: &Application,
    facts: &Facts,
    policy: &Policy,
    now: Timestamp,
) -> Event {
    let region = application.region;
    let (climbed, spent) = climb(account, application, *facts, policy, now);
    match climbed {
        Ok(()) => Event::BindReserved(Box::new(BindReserved {
            region,
            card: application.card_fingerprints,
            phone_code: spent.phone_code,
            password: spent.password,
            debit: None,
        })),
        Err(refused) => Event::BindDecided(Box::new(BindDecided {
            region,
            reserved_by: None,
            phone_code: spent.phone_code,
            password: spent.password,
            outcome: Err(refused),
            review: account.review(),
            debit: None,
        })),
    }
}

/// What a climb spent, whether it came to the top or not.
struct Spent {
    phone_code: PhoneCodeEffect,
    password: PasswordEffect,
}

fn climb(
    account: &Account,
    application: &Application,
    facts: Facts,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Refused<Reason>>, Spent) {
    let mut spent = Spent {
        phone_code: PhoneCodeEffect::Untouched,
        password: PasswordEffect::Untouched,
    };
    if let Err(refused) = check_application(account, application, facts, policy, now) {
        return (Err(refused), spent);
    }
    let (phone, matches) = (application.phone, facts.phone_code_matches);
    let (climbed, effect) = spend_code(account, phone, matches, &policy.phone_code, now);
    spent.phone_code = effect; // D8: it is spent whatever the password's rung says.
    if climbed.is_err() || account.password().is_none() {
        let climbed = climbed.map_err(|objection| Refused::because(objection.into()));
        return (climbed, spent); // R44: the first bind sets it.
    }
    let (climbed, effect) = check_password(account, facts.password_matches, policy, now);
    spent.password = effect; // D7
    (climbed, spent)
}

/// Every rung that spends nothing.
fn check_application(
    account: &Account,
    application: &Application,
    facts: Facts,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    refuse_if(!facts.rolled_out, because(Reason::NotRolledOut))?; // R3
    refuse_if(
        account.region() != WalletRegion::Mainland,
        because(Reason::WalletRegion),
    )?; // R30
    check_client(application.client, policy)?; // R7
    refuse_if(
        !application.agreements_accepted,
        because(Reason::AgreementNotAccepted),
    )?; // R34
    check_identity(account, application, facts, now)?;
    check_card(account, application, policy, now)
}

fn check_client(client: Option<Client>, policy: &Policy) -> Result<(), Refused<Reason>> {
    let Some(client) = client else { return Ok(()) };
    let required = policy.client.oldest_accepted(client.channel);
    refuse_if(client.version < required, || Refused {
        reason: Reason::ClientTooOld,
        evidence: Evidence::Version {
            observed: client.version,
            required,
        },
    })
}

fn check_identity(
    account: &Account,
    application: &Application,
    facts: Facts,
    now: Timestamp,
) -> Result<(), Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let Some(document) = application.document else {
        return Err(Refused::because(Reason::IdentityTypeUnsupported)); // R10
    };
    let may_issue = document.may_be_issued_by(application.issuing_country);
    refuse_if(!may_issue, because(Reason::IdentityIssuerInvalid))?; // R12 to R16
    refuse_if(now.day() > application.document_expires_on, || Refused {
        reason: Reason::IdentityExpired, // R5
        evidence: Evidence::Date {
            observed: application.document_expires_on,
            required: now.day(),
        },
    })?;
    refuse_if(!facts.identity_confirmed, because(Reason::IdentityRejected))?; // R36
    refuse_if(
        is_someone_else(account, application),
        because(Reason::IdentityDiffers),
    )
}

fn is_someone_else(account: &Account, application: &Application) -> bool {
    let given = &application.document_fingerprints;
    account
        .document_fingerprints()
        .is_some_and(|known| !known.are_those_of(given))
}

fn check_card(
    account: &Account,
    application: &Application,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let Some(scheme) = application.card_scheme else {
        return Err(Refused::because(Reason::SchemeUnsupported)); // R17
    };
    refuse_if(
        scheme != application.chosen_scheme,
        because(Reason::SchemeMismatch),
    )?; // R35
    refuse_if(application.card_expiry.is_over(now), || Refused {
        reason: Reason::CardExpired, // R38
        evidence: Evidence::Expiry {
            observed: application.card_expiry,
        },
    })?;
    let given = &application.card_fingerprints;
    let mut cards = account.cards().iter();
    let bound = cards.any(|card| account.fingerprints_of(card).are_those_of(given));
    let being_bound = account
        .pending_binds()
        .iter()
        .any(|pending| pending.card.are_those_of(given));
    refuse_if(bound || being_bound, because(Reason::CardAlreadyBound))?; // D23
    let slots = account.cards().len() + account.pending_binds().len();
    refuse_if(slots >= usize::from(policy.card_cap), || Refused {
        reason: Reason::CardCapReached, // R39: pending and bound together (C2)
        evidence: Evidence::Count {
            observed: u32::try_from(slots).unwrap_or(u32::MAX),
            required: u32::from(policy.card_cap),
        },
    })
}

fn check_password(
    account: &Account,
    matches: bool,
    policy: &Policy,
    now: Timestamp,
) -> (Result<(), Refused<Reason>>, PasswordEffect) {
    let reasons = password::Reasons {
        locked: Reason::PasswordLocked,
        wrong: Reason::PasswordWrong,
    };
    password::check(account, matches, policy, now, reasons)
}

/// What is known of a bind once the issuer has answered.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The sequence of its `BindReserved`.
    pub reserved_by: u64,
    /// The card as it would be bound, or why the issuer refused its verification debit.
    pub answer: Result<BoundCard, IssuerRefusal>,
    /// Who the person is.
    pub identity: Identity,
    /// The password as it would be kept, if this bind is the one that sets it.
    pub password_offered: PasswordVerifier,
    /// Whether the password given is the account's, asked again: another bind may have set
    /// one in the meantime.
    pub password_matches: bool,
    /// The verification debit that the issuer may have made.
    pub debit: Option<Transaction>,
}

/// Binds the card, or lets the slot go. While the issuer was asked another bind may have come
/// first, so what it has set is held against this one.
pub fn complete(
    account: &Account,
    application: &Application,
    completion: Completion,
    policy: &Policy,
    now: Timestamp,
) -> Event {
    let reserved_by = Some(completion.reserved_by);
    let debit = completion.debit;
    let (outcome, password) = conclude(account, application, completion, policy, now);
    let review = match (&outcome, account.identity()) {
        (Ok(binding), None) if binding.identity.document.needs_review() => Review::Required, // R49
        (Ok(_) | Err(_), _) => account.review(), // R41: all others go on to pay.
    };
    Event::BindDecided(Box::new(BindDecided {
        region: application.region,
        reserved_by,
        phone_code: PhoneCodeEffect::Untouched,
        password,
        outcome,
        review,
        debit,
    }))
}

fn conclude(
    account: &Account,
    application: &Application,
    completion: Completion,
    policy: &Policy,
    now: Timestamp,
) -> (Result<Binding, Refused<Reason>>, PasswordEffect) {
    let untouched = PasswordEffect::Untouched;
    let card = match completion.answer {
        Ok(card) => card,
        Err(refusal) => return (Err(Refused::because(refusal.into())), untouched), // R38
    };
    if is_someone_else(account, application) {
        return (Err(Refused::because(Reason::IdentityDiffers)), untouched);
    }
    let identity = completion.identity;
    let older = OlderOfBinding {
        card: application.card_fingerprints.older(),
        document: application.document_fingerprints.older(),
    };
    if account.password().is_none() {
        let password_set = Some(completion.password_offered); // D6
        let binding = Binding {
            card,
            identity,
            password_set,
            older,
        };
        return (Ok(binding), untouched);
    }
    // Set or locked in the meantime, perhaps: being early is no way round a lock (D7).
    let (outcome, effect) = check_password(account, completion.password_matches, policy, now);
    let binding = outcome.map(|()| Binding {
        card,
        identity,
        password_set: None,
        older,
    });
    (binding, effect)
}

/// Lets go of a slot whose issuer can no longer be asked: the server stopped in between. The
/// issuer may have made the verification debit.
pub fn abandon(account: &Account, reserved_by: u64, debit: Option<Transaction>) -> Event {
    Event::BindDecided(Box::new(BindDecided {
        region: account.region(),
        reserved_by: Some(reserved_by),
        phone_code: PhoneCodeEffect::Untouched,
        password: PasswordEffect::Untouched,
        outcome: Err(Refused::because(Reason::IssuerUnavailable)), // D6
        review: account.review(),
        debit,
    }))
}

#[cfg(test)]
#[path = "bind_tests.rs"]
mod tests;
