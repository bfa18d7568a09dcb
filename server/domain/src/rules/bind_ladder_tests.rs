//! The order of the ladder of `Bind` is a promise (RULES C1b): of all that is wrong with an
//! application, the answer names the first.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::bind::reserve;
use super::testing::wallet::{
    Wallet, application, bind_facts, bind_refusal, bound_card, identity, person, phone,
};
use crate::card::{CardExpiry, Scheme};
use crate::event::{BindReserved, Event, PasswordEffect, PhoneCodeEffect, Review, WalletRegion};
use crate::identity::{CountryCode, DocumentType};
use crate::period::Day;
use crate::refusal::BindRefusal as Reason;
use crate::version::{Channel, Client, Version};

/// The rungs before the issuer, in the order of C1b.
const RUNGS: [Reason; 20] = [
    Reason::NotRolledOut,            // R3, D21
    Reason::WalletRegion,            // R30
    Reason::ClientTooOld,            // R7
    Reason::AgreementNotAccepted,    // R34, R35
    Reason::IdentityTypeUnsupported, // R1, R10
    Reason::IdentityIssuerInvalid,   // R16
    Reason::IdentityExpired,         // R5
    Reason::IdentityRejected,        // R36
    Reason::IdentityDiffers,
    Reason::SchemeUnsupported, // R17, R18
    Reason::SchemeMismatch,    // R35
    Reason::CardExpired,       // R38
    Reason::CardAlreadyBound,  // D23
    Reason::CardCapReached,    // R39
    Reason::PhoneCodeNone,     // R8, D8
    Reason::PhoneCodeSpent,    // D8
    Reason::PhoneCodeWrong,    // D8
    Reason::PhoneCodeExpired,  // D8
    Reason::PasswordLocked,    // D7
    Reason::PasswordWrong,     // D7, R44
];

/// A verified wallet with an outstanding code, of which all of that is wrong.
fn wallet_with(wrong: &[Reason]) -> Wallet {
    let is = |reason| wrong.contains(&reason);
    let region = if is(Reason::WalletRegion) {
        WalletRegion::Malaysia
    } else {
        WalletRegion::Mainland
    };
    let mut wallet = Wallet::open(region);
    let mut holder = identity(DocumentType::TaiwanTravelPermit);
    if is(Reason::IdentityDiffers) {
        holder.fingerprint = person(2);
    }
    let cards = if is(Reason::CardCapReached) { 3 } else { 1 };
    for card in 1..=cards {
        let card = bound_card(card, wallet.now);
        wallet.bound(card, holder, Review::NotRequired);
    }
    if is(Reason::PasswordLocked) {
        wallet.password_locked();
    }
    if !is(Reason::PhoneCodeNone) {
        wallet.code_sent(phone(1));
        if is(Reason::PhoneCodeSpent) {
            spend_code(&mut wallet);
        }
        if is(Reason::PhoneCodeExpired) {
            wallet.now = wallet.now.plus_seconds(300);
        }
    }
    wallet
}

/// A bind that used the code of phone 1 and was given up.
fn spend_code(wallet: &mut Wallet) {
    let reserved_by = wallet.record(Event::BindReserved(Box::new(BindReserved {
        region: WalletRegion::Mainland,
        card: person(9).into(),
        phone_code: PhoneCodeEffect::Used { phone: phone(1) },
        password: PasswordEffect::Untouched,
        debit: None,
    })));
    let given_up = super::bind::abandon(&wallet.account, reserved_by, None);
    wallet.record(given_up);
}

/// The answer to an application with which all of that is wrong.
fn answer(wrong: &[Reason]) -> Option<Reason> {
    let is = |reason| wrong.contains(&reason);
    let wallet = wallet_with(wrong);
    let mut application = application(if is(Reason::CardAlreadyBound) { 1 } else { 9 });
    let mut facts = bind_facts();
    facts.rolled_out = !is(Reason::NotRolledOut);
    facts.identity_confirmed = !is(Reason::IdentityRejected);
    facts.phone_code_matches = !is(Reason::PhoneCodeWrong);
    facts.password_matches = !is(Reason::PasswordWrong);
    application.agreements_accepted = !is(Reason::AgreementNotAccepted);
    if is(Reason::ClientTooOld) {
        let version = Version::new(8, 0, 36);
        let channel = Channel::GooglePlay;
        application.client = Some(Client { channel, version });
    }
    if is(Reason::IdentityTypeUnsupported) {
        application.document = None;
    }
    if is(Reason::IdentityIssuerInvalid) {
        application.issuing_country = CountryCode::parse("FR").unwrap();
    }
    if is(Reason::IdentityExpired) {
        application.document_expires_on = Day::from_number(wallet.now.day().number() - 1);
    }
    if is(Reason::SchemeMismatch) {
        application.chosen_scheme = Scheme::Jcb;
    }
    if is(Reason::SchemeUnsupported) {
        application.card_scheme = None;
    }
    if is(Reason::CardExpired) {
        application.card_expiry = CardExpiry::new(2023, 12).unwrap();
    }
    let policy = &wallet.policy;
    let event = reserve(&wallet.account, &application, &facts, policy, wallet.now);
    bind_refusal(&event).map(|refused| refused.reason)
}

#[test]
fn c1b_every_reason_is_a_rung_or_an_issuer_s() {
    let (issuer, ours): (Vec<Reason>, Vec<Reason>) = Reason::ALL
        .iter()
        .copied()
        .partition(|reason| reason.name().starts_with("ISSUER_"));
    assert_eq!(ours, RUNGS);
    assert_eq!(issuer.len(), 8, "R38, R70");
}

#[test]
fn c1b_with_nothing_wrong_the_issuer_is_asked() {
    assert_eq!(answer(&[]), None);
}

#[test]
fn c1b_each_rung_alone_gives_its_own_reason() {
    for reason in RUNGS {
        assert_eq!(answer(&[reason]), Some(reason));
    }
}

#[test]
fn c1b_of_two_that_are_wrong_the_earlier_is_named() {
    for (place, earlier) in RUNGS.into_iter().enumerate() {
        for &later in &RUNGS[place + 1..] {
            assert_eq!(
                answer(&[earlier, later]),
                Some(earlier),
                "{earlier:?} before {later:?}"
            );
        }
    }
}

#[test]
fn c1b_mending_one_thing_at_a_time_climbs_the_ladder_in_its_order() {
    let mut wrong = RUNGS.to_vec();
    let mut named = Vec::new();
    while let Some(reason) = answer(&wrong) {
        named.push(reason);
        wrong.remove(0);
    }
    assert_eq!(named, RUNGS);
}

proptest! {
    #[test]
    fn c1b_of_all_that_is_wrong_the_first_is_named(wrong in subsequence(RUNGS.to_vec(), 1..=20)) {
        prop_assert_eq!(answer(&wrong), wrong.first().copied());
    }
}
