//! The order of the ladder of `ResetPassword`, by either route, is a promise (RULES C1b): of all
//! that is wrong with a call, the answer names the first.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::reset::{self, CardProof, NewPassword, Proof};
use super::testing::wallet::{Wallet, at, bound_card, card_number, person, phone, token, verifier};
use crate::card::Scheme;
use crate::event::{
    Event, PasswordEffect, PasswordResetDecided, PhoneCodeEffect, ResetStep, UnbindDecided,
    Unbound, WalletRegion,
};
use crate::refusal::{Refused, ResetRefusal as Reason};

/// The rungs of route 1, in the order of C1b.
const BY_IDENTITY: [Reason; 6] = [
    Reason::WalletNotVerified,
    Reason::TicketOpen,
    Reason::CardBound,
    Reason::PasswordsDiffer,
    Reason::IdentityDiffers,
    Reason::TicketRejected,
];

/// The rungs of route 2, in the order of C1b.
const BY_CARD: [Reason; 9] = [
    Reason::WalletNotVerified,
    Reason::ResetLocked,
    Reason::CardNotBound,
    Reason::CardDataWrong,
    Reason::PhoneCodeNone,
    Reason::PhoneCodeSpent,
    Reason::PhoneCodeWrong,
    Reason::PhoneCodeExpired,
    Reason::PasswordsDiffer,
];

fn new_password(wrong: &[Reason]) -> NewPassword {
    NewPassword {
        agree: !wrong.contains(&Reason::PasswordsDiffer),
        offered: verifier(2),
    }
}

fn decided(wallet: &Wallet, proof: &Proof, wrong: &[Reason]) -> PasswordResetDecided {
    let new = new_password(wrong);
    reset::decide(&wallet.account, proof, new, &wallet.policy, wallet.now)
}

/// A wallet whose owner has no card, and a ticket if one is wrong, else one that is approved.
fn by_identity(wrong: &[Reason]) -> PasswordResetDecided {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = Wallet::verified();
    if is(Reason::WalletNotVerified) {
        wallet = Wallet::open(WalletRegion::Mainland);
    }
    if !is(Reason::CardBound) {
        wallet.record(Event::UnbindDecided(Box::new(UnbindDecided {
            card: token(1),
            password: PasswordEffect::Untouched,
            outcome: Ok(Unbound {
                card: card_number(1).into(),
                bound_by: 1,
            }),
        })));
    }
    let opened = ResetStep::TicketOpened {
        document: person(1),
        matches: true,
    };
    wallet.record(Event::PasswordResetDecided(Box::new(
        PasswordResetDecided {
            wrong_proofs: PasswordEffect::Untouched,
            phone_code: PhoneCodeEffect::Untouched,
            outcome: Ok(opened),
        },
    )));
    if !is(Reason::TicketOpen) {
        let ticket = wallet.account.password_ticket().unwrap().id;
        let approve = !is(Reason::TicketRejected);
        let resolved = reset::resolve_ticket(&wallet.account, ticket, approve).unwrap();
        wallet.record(Event::PasswordTicketResolved(Box::new(resolved)));
    }
    let document = person(if is(Reason::IdentityDiffers) { 2 } else { 1 }).into();
    decided(&wallet, &Proof::Identity { document }, wrong)
}

/// A wallet with a card and an outstanding code, of which all of that is wrong.
fn by_card(wrong: &[Reason]) -> PasswordResetDecided {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = if is(Reason::WalletNotVerified) {
        Wallet::open(WalletRegion::Mainland)
    } else {
        Wallet::verified()
    };
    let reset = |wrong_proofs, phone_code| {
        Event::PasswordResetDecided(Box::new(PasswordResetDecided {
            wrong_proofs,
            phone_code,
            outcome: Err(Refused::because(Reason::PasswordsDiffer)),
        }))
    };
    if is(Reason::ResetLocked) {
        let locked_until = Some(at("2024-12-31 00:00"));
        let wrong = PasswordEffect::Wrong {
            tries: 5,
            locked_until,
        };
        wallet.record(reset(wrong, PhoneCodeEffect::Untouched));
    }
    let phone = phone(1);
    if !is(Reason::PhoneCodeNone) {
        wallet.code_sent(phone);
        if is(Reason::PhoneCodeSpent) {
            let used = PhoneCodeEffect::Used { phone };
            wallet.record(reset(PasswordEffect::Untouched, used));
        }
        if is(Reason::PhoneCodeExpired) {
            wallet.now = wallet.now.plus_seconds(300);
        }
    }
    let proof = Proof::Card(CardProof {
        card: token(if is(Reason::CardNotBound) { 9 } else { 1 }),
        number: card_number(if is(Reason::CardDataWrong) { 2 } else { 1 }).into(),
        scheme: Scheme::Visa,
        expiry: bound_card(1, wallet.now).expiry,
        phones: phone.into(),
        phone,
        phone_code_matches: !is(Reason::PhoneCodeWrong),
    });
    decided(&wallet, &proof, wrong)
}

/// One route: its rungs, and the answer to a call with which all of that is wrong.
type Route = (Vec<Reason>, fn(&[Reason]) -> PasswordResetDecided);

/// Documents matter to those whose request was approved, so a rejection is told whichever comes.
fn routes() -> [Route; 3] {
    let approved = BY_IDENTITY.into_iter();
    let rejected = BY_IDENTITY.into_iter();
    [
        (
            approved
                .filter(|&reason| reason != Reason::TicketRejected)
                .collect(),
            by_identity,
        ),
        (
            rejected
                .filter(|&reason| reason != Reason::IdentityDiffers)
                .collect(),
            by_identity,
        ),
        (BY_CARD.to_vec(), by_card),
    ]
}

fn reason(decided: &PasswordResetDecided) -> Option<Reason> {
    decided.outcome.err().map(|refused| refused.reason)
}

#[test]
fn c1b_every_reason_is_a_rung_of_a_route() {
    for &reason in Reason::ALL {
        let known = BY_IDENTITY.contains(&reason) || BY_CARD.contains(&reason);
        assert!(known, "{reason:?}");
    }
    assert!(BY_IDENTITY.is_sorted() && BY_CARD.is_sorted());
}

#[test]
fn c1b_of_two_that_are_wrong_with_a_reset_the_earlier_is_named() {
    for (rungs, answer) in routes() {
        assert_eq!(answer(&[]).outcome, Ok(ResetStep::Reset(verifier(2))));
        for (place, &earlier) in rungs.iter().enumerate() {
            assert_eq!(reason(&answer(&[earlier])), Some(earlier));
            for &later in &rungs[place + 1..] {
                let named = reason(&answer(&[earlier, later]));
                assert_eq!(named, Some(earlier), "{earlier:?} before {later:?}");
            }
        }
    }
}

#[test]
fn c1b_mending_one_thing_at_a_time_climbs_a_reset_s_ladder_in_its_order() {
    for (rungs, answer) in routes() {
        let mut wrong = rungs.clone();
        let mut named = Vec::new();
        while let Some(reason) = reason(&answer(&wrong)) {
            named.push(reason);
            wrong.remove(0);
        }
        assert_eq!(named, rungs);
    }
}

proptest! {
    #[test]
    fn c1b_of_all_that_is_wrong_with_a_reset_by_card_the_first_is_named(
        wrong in subsequence(BY_CARD.to_vec(), 1..=BY_CARD.len()),
    ) {
        prop_assert_eq!(reason(&by_card(&wrong)), wrong.first().copied());
    }
}
