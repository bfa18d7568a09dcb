//! The catalogue is whole, and each rule counts what depended on it and nothing else.

use waika::v1::{
    BindRefusalReason, DeclineReason, IdentityDocumentType, PaymentMode, PhoneCodeRefusalReason,
    ReversalRefusalReason, UnbindRefusalReason,
};

use super::*;
use crate::errand::Rpc;
use crate::outcome::{GrpcCode, Outcome};
use crate::scheme::CardScheme;

/// The rules that a tally exercised, by id.
fn exercised(tally: &Tally) -> Vec<&'static str> {
    let exercised = guide().chain(decisions()).filter(|r| r.count(tally) > 0);
    exercised.map(|rule| rule.id).collect()
}

fn count(tally: &Tally, id: &str) -> u64 {
    let mut rules = guide().chain(decisions());
    rules.find(|rule| rule.id == id).unwrap().count(tally)
}

fn paid(amount_fen: u64, mode: PaymentMode, outcome: Outcome) -> Tally {
    let mut tally = Tally::default();
    tally.note_payment(Paid { amount_fen, mode }, outcome);
    tally
}

fn approved(amount_fen: u64) -> Tally {
    paid(amount_fen, PaymentMode::OnlineApp, Outcome::Approved)
}

fn declined(reason: DeclineReason) -> Tally {
    let outcome = Outcome::Declined(reason.into());
    paid(5_000, PaymentMode::OnlineApp, outcome)
}

fn called(rpc: Rpc, said: Said) -> Tally {
    let mut tally = Tally::default();
    tally.note_call(rpc, said, 1);
    tally
}

fn refused(rpc: Rpc, reason: impl Into<i32>) -> Tally {
    called(rpc, Said::Refused(reason.into()))
}

/// What every approval exercises.
const APPROVAL: [&str; 14] = [
    "R2", "R5", "R29", "R30", "R41", "R42", "R43", "R56", "R58", "R60", "R64", "R65", "R71", "",
];

fn with_approval(more: &[&'static str]) -> Vec<&'static str> {
    let mut ids: Vec<&str> = APPROVAL.iter().chain(more).copied().collect();
    ids.retain(|id| !id.is_empty());
    ids
}

fn sorted(mut ids: Vec<&'static str>) -> Vec<&'static str> {
    ids.sort_by_key(|id| {
        let (letter, number) = id.split_at(1);
        (letter == "D", number.parse::<u32>().unwrap())
    });
    ids
}

#[test]
fn every_rule_is_there_once_and_in_order() {
    let ids = |rules: Vec<&'static Rule>| rules.iter().map(|rule| rule.id).collect::<Vec<_>>();
    let expected = |letter: char, last: u32| -> Vec<String> {
        (1..=last)
            .map(|number| format!("{letter}{number}"))
            .collect()
    };
    assert_eq!(ids(guide().collect()), expected('R', 72));
    assert_eq!(ids(decisions().collect()), expected('D', 32));
}

#[test]
fn the_rules_of_no_run_are_never_exercised() {
    assert_eq!(exercised(&Tally::default()), [""; 0]);
}

#[test]
fn names_are_not_used_twice() {
    for rules in [guide().collect::<Vec<_>>(), decisions().collect()] {
        let mut names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), rules.len());
    }
}

#[test]
fn an_approval_exercises_what_it_had_to_fulfil() {
    let check = |tally: &Tally, more: &[&'static str]| {
        assert_eq!(exercised(tally), sorted(with_approval(more)));
    };
    check(&approved(5_000), &[]);
    check(&approved(19_999), &[]);
    check(&approved(20_000), &["D4"]);
    check(&approved(20_001), &["D3", "D4"]);
    check(&approved(599_999), &["D3", "D4"]);
    check(&approved(600_000), &["R63", "D3", "D4"]);
    check(&approved(1), &["D15"]);
}

#[test]
fn a_payment_code_stands_for_the_password() {
    let by_code = paid(5_000, PaymentMode::PaymentCode, Outcome::Approved);
    let mut expected = with_approval(&["R57", "D10"]);
    expected.retain(|id| !["R42", "R43"].contains(id));
    assert_eq!(exercised(&by_code), sorted(expected));
    let made = called(Rpc::CreatePaymentCode, Said::Done);
    assert_eq!(exercised(&made), ["R42", "D10"]);
    let not_made = refused(Rpc::CreatePaymentCode, DeclineReason::PasswordWrong);
    assert_eq!(exercised(&not_made), ["R42", "R69", "D7"]);
}

#[test]
fn a_decline_exercises_what_it_is_for() {
    use DeclineReason as D;
    let check = |reason: D, expected: &[&str]| {
        assert_eq!(exercised(&declined(reason)), expected, "{reason:?}");
    };
    check(D::ReversedBeforeArrival, &["D31"]);
    check(D::NotRolledOut, &["R3", "D21"]);
    check(D::WalletRegion, &["R30"]);
    check(D::ClientTooOld, &["R7", "R25", "R26", "R27", "D20"]);
    check(D::WalletNotVerified, &["R29"]);
    check(D::IdentityExpired, &["R5", "D29"]);
    check(D::PasswordLocked, &["R42", "R69", "D7"]);
    check(D::PasswordWrong, &["R42", "R69", "D7"]);
    check(D::ReviewRequired, &["R49", "D5"]);
    check(D::ReviewRejected, &["D5"]);
    check(D::SceneNotPermitted, &["R72"]);
    check(D::MerchantUnknown, &["D11"]);
    check(D::MerchantOverseas, &["R2", "R61"]);
    check(D::MerchantNotEnabled, &["R60"]);
    check(D::PaymentCodeUsed, &["R57", "D10"]);
    check(D::RiskCardShared, &["R67", "R68", "D9"]);
    check(D::RiskHolderMismatch, &["R67", "R68", "D9"]);
    check(D::QuoteExpired, &["D32"]);
    check(D::LimitSingle, &["R63", "R66"]);
    check(D::LimitMonth, &["R64", "R66"]);
    check(D::LimitYear, &["R65", "R66"]);
    check(D::BalanceInsufficient, &["D12"]);
    check(D::IssuerStolenCard, &["R70"]);
    check(D::IssuerUnavailable, &["D16"]);
}

#[test]
fn what_was_not_decided_exercises_nothing_and_a_used_key_its_own_rule() {
    let check = |outcome: Outcome, expected: &[&str]| {
        let tally = paid(30_000, PaymentMode::MerchantQr, outcome);
        assert_eq!(exercised(&tally), expected, "{outcome:?}");
    };
    check(Outcome::TimedOut, &[]);
    check(Outcome::TransportError, &[]);
    check(Outcome::Grpc(GrpcCode::Unavailable), &[]);
    check(Outcome::Replayed, &["D18"]);
    check(Outcome::Grpc(GrpcCode::AlreadyExists), &["D18"]);
    check(Outcome::Grpc(GrpcCode::NotFound), &["D27"]);
}

#[test]
fn other_calls_exercise_what_they_do_or_are_refused_for() {
    let check = |tally: &Tally, expected: &[&str]| assert_eq!(exercised(tally), expected);
    let bound = called(Rpc::Bind, Said::Done);
    let bind = [
        "R1", "R5", "R6", "R10", "R17", "R30", "R34", "R35", "R36", "R37", "D26", "D30",
    ];
    check(&bound, &bind);
    check(&called(Rpc::Unbind, Said::Done), &["R40", "R48", "D2"]);
    check(
        &called(Rpc::SendPhoneCode, Said::Done),
        &["R8", "R19", "D8"],
    );
    check(&called(Rpc::Reverse, Said::Done), &["D13"]);
    check(&called(Rpc::Refund, Said::Done), &["D13"]);
    check(&called(Rpc::Settle, Said::Done), &["D25"]);
    check(&called(Rpc::Reverse, Said::Replayed), &["D18"]);
    let full = refused(Rpc::Bind, BindRefusalReason::CardCapReached);
    check(&full, &["R39"]);
    let no_funds = refused(Rpc::Bind, BindRefusalReason::IssuerInsufficientFunds);
    check(&no_funds, &["R6", "R37", "R38", "D6"]);
    let soon = refused(Rpc::SendPhoneCode, PhoneCodeRefusalReason::ResendTooSoon);
    check(&soon, &["R19", "D8"]);
    let wrong = refused(Rpc::Unbind, UnbindRefusalReason::PasswordWrong);
    check(&wrong, &["R48", "R69", "D7"]);
    let exceeds = ReversalRefusalReason::ExceedsRemaining;
    check(&refused(Rpc::Refund, exceeds), &["D13"]);
    let settled = ReversalRefusalReason::AlreadySettled;
    check(&refused(Rpc::Reverse, settled), &["D25"]);
    // The same number is another reason elsewhere.
    check(
        &refused(Rpc::Settle, ReversalRefusalReason::ExceedsRemaining),
        &["D13"],
    );
    check(
        &refused(Rpc::Unbind, BindRefusalReason::ClientTooOld),
        &["R48", "R69", "D7"],
    );
}

/// Three accounts: a passport's holder and two others, one of whom was there before.
fn provisioned() -> Provisioned {
    let mut provisioned = Provisioned::default();
    for _ in 0..2 {
        provisioned.note_call(Rpc::SendPhoneCode, Said::Done);
        provisioned.note_call(Rpc::Bind, Said::Done);
    }
    provisioned.note_call(Rpc::SendPhoneCode, Said::Replayed);
    provisioned.note_call(Rpc::Bind, Said::Replayed);
    provisioned.note_opened(IdentityDocumentType::Passport, CardScheme::Visa);
    provisioned.note_opened(IdentityDocumentType::TaiwanResidencePermit, CardScheme::Jcb);
    provisioned.recognised = 1;
    (provisioned.pages, provisioned.faces, provisioned.reviews) = (1, 1, 1);
    provisioned.merchants = 4;
    provisioned
}

fn before_the_run() -> Tally {
    let mut tally = Tally::default();
    tally.provisioned.merge(&provisioned());
    tally
}

#[test]
fn a_plain_run_exercises_what_it_should_and_nothing_that_it_cannot() {
    let mut tally = before_the_run();
    for amount in [2_800, 20_000, 42_000] {
        tally.merge(&approved(amount));
    }
    tally.merge(&paid(2_800, PaymentMode::OnlineApp, Outcome::Replayed));
    let never_in_it = [
        "R3", "R4", "R7", "R9", "R12", "R13", "R14", "R16", "R20", "R21", "R22", "R23", "R24",
        "R25", "R26", "R27", "R28", "R32", "R38", "R39", "R40", "R45", "R46", "R47", "R48", "R52",
        "R54", "R55", "R57", "R59", "R61", "R62", "R63", "R66", "R67", "R68", "R69", "R70", "R72",
        "D1", "D2", "D7", "D9", "D10", "D12", "D13", "D14", "D15", "D16", "D17", "D20", "D21",
        "D22", "D23", "D24", "D25", "D28", "D29", "D31", "D32",
    ];
    let exercised = exercised(&tally);
    for rule in guide().chain(decisions()) {
        let never = never_in_it.contains(&rule.id);
        assert_ne!(exercised.contains(&rule.id), never, "{}", rule.id);
    }
    let check = |id: &str, expected: u64| assert_eq!(count(&tally, id), expected, "{id}");
    check("R1", 2);
    check("R5", 2 + 3);
    check("R8", 2);
    check("R11", 1);
    check("R15", 1);
    check("R18", 2);
    check("R29", 3);
    check("R43", 2 + 3);
    check("R49", 2);
    check("R53", 1);
    check("R71", 3);
    check("D3", 1);
    check("D4", 2);
    check("D11", 4);
    check("D18", 1 + 2);
}

#[test]
fn tallies_are_merged_by_adding() {
    let parts = [
        approved(1),
        approved(42_000),
        declined(DeclineReason::LimitMonth),
        called(Rpc::Bind, Said::Done),
        before_the_run(),
    ];
    let mut once = Tally::default();
    (once.in_later_months, once.fees_given_back, once.proven) = (5, 6, 7);
    for part in &parts {
        once.merge(part);
    }
    let mut twice = once.clone();
    twice.merge(&once);
    for rule in guide().chain(decisions()) {
        let sum: u64 = parts.iter().map(|part| rule.count(part)).sum();
        let sum = match rule.id {
            "D1" => 5,
            "D14" => 6,
            "R59" => 7,
            _ => sum,
        };
        assert_eq!(rule.count(&once), sum, "{}", rule.id);
        assert_eq!(rule.count(&twice), 2 * sum, "{}", rule.id);
    }
    assert_eq!(twice.provisioned.recognised, 2);
}
