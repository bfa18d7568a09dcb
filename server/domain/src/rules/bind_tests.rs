//! Rules of binding, as tables. The order of the ladder is in `bind_ladder_tests.rs`.

use super::*;
use crate::rules::testing::script::{check, check_from};
use crate::rules::testing::wallet::{Wallet, application, at, bind_facts, bind_refusal, phone};

/// R35, R44, D6: the six steps at once; the first bind sets the password.
#[test]
fn r35_r44_d6_the_first_bind_verifies_the_wallet_and_sets_its_password() {
    check(
        "pay 1.00 => WALLET_NOT_VERIFIED
         code => sent
         look => cards 0, password 0
         bind card 1 password 4 => bound, review NotRequired
         look => cards 1, password 4, slots held 0
         pay 1.00 password 4 => approved
         pay 1.00 password 1 => PASSWORD_WRONG",
    );
}

/// R41: paying is possible at once where no review is due.
#[test]
fn r44_d7_a_later_bind_verifies_the_password_and_does_not_set_it() {
    check(
        "at 2024-01-10 12:00
         code => sent
         bind card 1 password 4 => bound
         at 2024-01-10 12:01
         code => sent
         bind card 2 password 5 => PASSWORD_WRONG
         look => cards 1, password 4, wrong passwords 1
         at 2024-01-10 12:02
         code => sent
         bind card 2 password 4 => bound
         look => cards 2, password 4, wrong passwords 0",
    );
}

/// R39, R40: three cards at a time.
#[test]
fn r39_a_fourth_card_is_refused() {
    check(
        "at 2024-01-10 12:00
         code phone 1 => sent
         code phone 2 => sent
         code phone 3 => sent
         code phone 4 => sent
         bind card 1 phone 1 => bound
         bind card 2 phone 2 => bound
         bind card 3 phone 3 => bound
         bind card 4 phone 4 => CARD_CAP_REACHED, 3 of 3
         look => cards 3",
    );
}

/// C2: cards that are bound and cards that are being bound together.
#[test]
fn r39_c2_a_card_that_is_being_bound_holds_a_slot() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         code phone 3 => sent
         code phone 4 => sent
         bind card 1 phone 1 => bound
         begin card 2 phone 2 => held
         begin card 3 phone 3 => held
         look => cards 1, slots held 2
         begin card 4 phone 4 => CARD_CAP_REACHED, 3 of 3
         finish card 2 issuer do_not_honour => ISSUER_DO_NOT_HONOUR
         begin card 4 phone 4 => held
         finish card 4 => bound
         finish card 3 => bound
         look => cards 3, slots held 0",
    );
}

/// D23: the same number twice.
#[test]
fn d23_a_card_that_is_bound_or_being_bound_is_not_bound_again() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         begin card 1 phone 1 => held
         begin card 1 phone 2 => CARD_ALREADY_BOUND
         finish card 1 => bound
         begin card 1 phone 2 => CARD_ALREADY_BOUND
         look => cards 1, slots held 0",
    );
}

/// R37, R38, R70, D6: the verification debit's eight refusals leave nothing behind.
#[test]
fn r38_d6_when_the_issuer_refuses_nothing_remains() {
    for (answer, said) in [
        ("expired_card", "ISSUER_EXPIRED_CARD"),
        ("locked_card", "ISSUER_LOCKED_CARD"),
        ("lost_card", "ISSUER_LOST_CARD"),
        ("stolen_card", "ISSUER_STOLEN_CARD"),
        ("pickup_card", "ISSUER_PICKUP_CARD"),
        ("insufficient_funds", "ISSUER_INSUFFICIENT_FUNDS"),
        ("do_not_honour", "ISSUER_DO_NOT_HONOUR"),
        ("unavailable", "ISSUER_UNAVAILABLE"),
    ] {
        check(&format!(
            "code phone 1 => sent
             code phone 2 => sent
             bind card 1 phone 1 document passport issuer {answer} => {said}
             look => cards 0, slots held 0, password 0, review NotRequired
             pay 1.00 => WALLET_NOT_VERIFIED
             bind card 1 phone 1 => PHONE_CODE_SPENT
             bind card 1 phone 2 password 6 => bound
             look => cards 1, password 6"
        ));
    }
}

/// D6: the server stopped while the issuer was asked.
#[test]
fn d6_a_bind_that_is_given_up_frees_its_slot() {
    check(
        "code => sent
         begin card 1 => held
         look => slots held 1
         abandon card 1 => ISSUER_UNAVAILABLE
         look => slots held 0, cards 0, password 0",
    );
}

#[test]
fn d6_another_person_s_bind_that_came_first_is_found_at_completion() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         begin card 1 phone 1 person 1 => held
         begin card 2 phone 2 person 2 => held
         finish card 2 => bound
         finish card 1 => IDENTITY_DIFFERS
         look => cards 1, slots held 0",
    );
}

#[test]
fn d7_another_password_that_came_first_is_found_at_completion() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         begin card 1 phone 1 password 1 => held
         begin card 2 phone 2 password 2 => held
         finish card 1 => bound
         finish card 2 => PASSWORD_WRONG
         look => cards 1, slots held 0, password 1, wrong passwords 1",
    );
}

#[test]
fn d6_two_first_binds_with_one_password_both_succeed_and_set_it_once() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         begin card 1 phone 1 password 3 => held
         begin card 2 phone 2 password 3 => held
         finish card 2 => bound
         finish card 1 => bound
         look => cards 2, password 3, wrong passwords 0",
    );
}

/// D7: a password that was never looked at before the lock is not looked at under it.
#[test]
fn d7_a_lock_that_came_first_is_found_at_completion() {
    check(
        "at 2024-01-10 12:00
         code phone 1 => sent
         code phone 2 => sent
         begin card 1 phone 1 password 1 => held
         begin card 2 phone 2 password 1 => held
         finish card 1 => bound
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         finish card 2 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         look => cards 1, slots held 0",
    );
}

/// R49: only passports are reviewed, and only once.
#[test]
fn r49_d5_only_a_passport_asks_for_a_review() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         bind card 1 phone 1 document passport => bound, review Required
         page => taken
         face => taken
         approve => resolved
         bind card 2 phone 2 document passport => bound, review Approved
         look => review Approved",
    );
}

/// R67, D9: risk B is found at payment, not at binding.
#[test]
fn r67_d9_a_card_in_another_name_is_bound_and_cannot_pay() {
    check(
        "code => sent
         bind card 1 holder other => bound
         pay 1.00 => RISK_HOLDER_MISMATCH, retry OtherMethod, layer Risk
         look => month 0.00",
    );
}

/// D7: Bind counts in the same counter as paying.
#[test]
fn d7_one_counter_for_bind_and_pay() {
    check(
        "at 2024-01-10 12:00
         code => sent
         bind card 1 => bound
         pay 1.00 password 2 times 4 => PASSWORD_WRONG
         at 2024-01-10 12:01
         code => sent
         bind card 2 password 2 => PASSWORD_WRONG
         pay 1.00 => PASSWORD_LOCKED, until 2024-01-10 12:31:00
         at 2024-01-10 12:02
         code => sent
         bind card 2 => PASSWORD_LOCKED, until 2024-01-10 12:31:00",
    );
}

/// D8: a code that was right is spent, whatever the password's rung says.
#[test]
fn d8_a_code_that_was_right_is_spent_by_a_bind_that_is_refused_later() {
    check(
        "at 2024-01-10 12:00
         code phone 1 => sent
         code phone 2 => sent
         bind card 1 phone 1 => bound
         bind card 2 phone 2 password 2 => PASSWORD_WRONG
         bind card 2 phone 2 password 1 => PHONE_CODE_SPENT",
    );
}

/// What the ladder says of an application that was changed, in a wallet with a code.
fn refusal_of(change: impl FnOnce(&mut Application)) -> Option<Refused<Reason>> {
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    wallet.code_sent(phone(1));
    let mut application = application(1);
    change(&mut application);
    let facts = bind_facts();
    let event = reserve(
        &wallet.account,
        &application,
        &facts,
        &wallet.policy,
        wallet.now,
    );
    bind_refusal(&event)
}

/// R1, R10 to R16: each document of the list, from the mainland and from abroad.
#[test]
fn r10_r11_r12_r13_r14_r15_r16_documents_and_who_issues_them() {
    use DocumentType::{
        ForeignPermanentResidentCard, HongKongMacaoResidencePermit, HongKongMacaoTravelPermit,
        Passport, TaiwanResidencePermit, TaiwanTravelPermit,
    };
    for (document, from_abroad) in [
        (Some(Passport), None), // R11
        (
            Some(HongKongMacaoTravelPermit), // R12
            Some(Reason::IdentityIssuerInvalid),
        ),
        (
            Some(TaiwanTravelPermit), // R13
            Some(Reason::IdentityIssuerInvalid),
        ),
        (
            Some(HongKongMacaoResidencePermit), // R14
            Some(Reason::IdentityIssuerInvalid),
        ),
        (
            Some(TaiwanResidencePermit), // R15
            Some(Reason::IdentityIssuerInvalid),
        ),
        (
            Some(ForeignPermanentResidentCard), // R16
            Some(Reason::IdentityIssuerInvalid),
        ),
        (None, Some(Reason::IdentityTypeUnsupported)), // R1, R10
    ] {
        let abroad = refusal_of(|application| {
            application.document = document;
            application.issuing_country = CountryCode::parse("GB").unwrap();
        });
        let reason = abroad.map(|refused| refused.reason);
        assert_eq!(reason, from_abroad, "{document:?}");
        let mainland = refusal_of(|application| application.document = document);
        assert_eq!(mainland.is_none(), document.is_some(), "{document:?}");
    }
}

/// R17, R18, R35: five schemes, each only as itself.
#[test]
fn r17_r18_r35_a_card_is_of_the_scheme_that_was_chosen() {
    for by_number in Scheme::ALL {
        for chosen in Scheme::ALL {
            let refused = refusal_of(|application| {
                (application.card_scheme, application.chosen_scheme) = (Some(by_number), chosen);
            });
            let reason = refused.map(|refused| refused.reason);
            let expected = (by_number != chosen).then_some(Reason::SchemeMismatch);
            assert_eq!(reason, expected, "{by_number:?} as {chosen:?}");
        }
    }
    let unlisted = refusal_of(|application| application.card_scheme = None);
    assert_eq!(
        unlisted,
        Some(Refused::because(Reason::SchemeUnsupported)),
        "R17"
    );
}

/// R38, D29: a card serves through its month, a document through its day.
#[test]
fn r5_r38_d29_the_evidence_of_what_is_out_of_date() {
    let january = CardExpiry::new(2024, 1).unwrap();
    assert_eq!(
        refusal_of(|application| application.card_expiry = january),
        None
    );
    let december = CardExpiry::new(2023, 12).unwrap();
    let refused = refusal_of(|application| application.card_expiry = december).unwrap();
    assert_eq!(refused.reason, Reason::CardExpired);
    assert_eq!(refused.evidence, Evidence::Expiry { observed: december });

    let today = at("2024-01-10 12:00").day();
    assert_eq!(
        refusal_of(|application| application.document_expires_on = today),
        None
    );
    let yesterday = Day::from_number(today.number() - 1);
    let refused = refusal_of(|application| application.document_expires_on = yesterday).unwrap();
    assert_eq!(refused.reason, Reason::IdentityExpired);
    let evidence = Evidence::Date {
        observed: yesterday,
        required: today,
    };
    assert_eq!(refused.evidence, evidence);
}

/// D19, D27: the region of the account decides, not that of a later call.
#[test]
fn d19_r30_r32_only_the_mainland_wallet_may_bind() {
    for region in [
        WalletRegion::HongKong,
        WalletRegion::Malaysia,
        WalletRegion::Other,
    ] {
        check_from(
            Wallet::open(region),
            "code => sent
             bind card 1 => WALLET_REGION
             look => cards 0, codes 1
             pay 1.00 => WALLET_REGION",
        );
    }
}
