//! Each kind of call, by what was before and what is after.

use waika_domain::account::AccountParts;
use waika_domain::event::WalletRegion;
use waika_domain::identifiers::MerchantId;
use waika_domain::merchant::CategoryCode;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_ms(1_709_164_800_007);

/// Holds what was found against triples of field, before and after.
fn check(found: &[Change], expected: &[[&str; 3]]) {
    let found: Vec<_> = found
        .iter()
        .map(|change| [&*change.field, &*change.before, &*change.after])
        .collect();
    assert_eq!(found, expected);
}

fn noodle_bar() -> Merchant {
    Merchant {
        id: MerchantId::parse("noodle-bar").unwrap(),
        name: "面馆".into(),
        region: MerchantRegion::Mainland,
        category: CategoryCode(763),
        international_cards: true,
    }
}

#[test]
fn d11_of_a_merchant_that_is_new_all_is_told_and_of_another_what_differs() {
    check(
        &merchant(None, &noodle_bar()),
        &[
            ["merchant.merchant_id", "", "noodle-bar"],
            ["merchant.name", "", "面馆"],
            ["merchant.region", "", "MAINLAND"],
            ["merchant.category_code", "", "0763"],
            ["merchant.international_cards", "", "true"],
        ],
    );
    let moved = Merchant {
        name: "Noodles".into(),
        region: MerchantRegion::Overseas,
        category: CategoryCode(5_812),
        international_cards: false,
        ..noodle_bar()
    };
    check(
        &merchant(Some(&noodle_bar()), &moved),
        &[
            ["merchant.name", "面馆", "Noodles"],
            ["merchant.region", "MAINLAND", "OVERSEAS"],
            ["merchant.category_code", "0763", "5812"],
            ["merchant.international_cards", "true", "false"],
        ],
    );
    check(&merchant(Some(&moved), &moved), &[]);
}

#[test]
fn every_card_status_has_its_name_of_the_contract() {
    for (status, name) in [
        (CardStatus::Expired, "EXPIRED"),
        (CardStatus::Locked, "LOCKED"),
        (CardStatus::Lost, "LOST"),
        (CardStatus::Stolen, "STOLEN"),
        (CardStatus::Pickup, "PICKUP"),
        (CardStatus::NoFunds, "NO_FUNDS"),
    ] {
        let changes = card_status(CardStatus::Normal, status);
        check(&changes, &[["status", "NORMAL", name]]);
        check(&card_status(status, status), &[]);
    }
}

#[test]
fn d5_a_review_and_r46_r68_a_ticket_tell_their_states() {
    use PasswordTicketState::{Approved, Open, Rejected};
    let to = |after| review(Review::UnderReview, after);
    check(
        &to(Review::Approved),
        &[["review", "UNDER_REVIEW", "APPROVED"]],
    );
    check(
        &to(Review::Rejected),
        &[["review", "UNDER_REVIEW", "REJECTED"]],
    );
    for left in [
        Review::NotRequired,
        Review::Required,
        Review::Approved,
        Review::Rejected,
        Review::PageReceived,
        Review::FaceFailed,
    ] {
        check(&review(left, left), &[]);
    }
    check(&risk_ticket(true), &[["ticket.state", "OPEN", "CLEARED"]]);
    check(&risk_ticket(false), &[["ticket.state", "OPEN", "UPHELD"]]);
    for (after, expected) in [(Approved, "APPROVED"), (Rejected, "REJECTED")] {
        let changes = password_ticket(Some(Open), after);
        check(&changes, &[["ticket.state", "OPEN", expected]]);
        check(&password_ticket(Some(after), after), &[]);
    }
    check(&password_ticket(Some(Open), Open), &[]);
}

#[test]
fn d7_an_unlocked_password_tells_its_lock_and_its_wrong_tries() {
    let account = |tries, locked_until| {
        let mut parts: AccountParts = Account::open(WalletRegion::Mainland).into_parts();
        parts.rare.wrong_passwords = tries;
        parts.rare.password_locked_until = locked_until;
        Account::from_parts(parts)
    };
    let locked = account(5, Some(NOW.plus_seconds(60)));
    check(
        &password_unlocked(&locked, NOW),
        &[
            ["password_locked_until", "2024-02-29T00:01:00.007Z", ""],
            ["wrong_passwords", "5", "0"],
        ],
    );
    let tried = password_unlocked(&account(2, None), NOW);
    check(&tried, &[["wrong_passwords", "2", "0"]]);
    check(&password_unlocked(&account(5, Some(NOW)), NOW), &[]);
    check(&password_unlocked(&account(0, None), NOW), &[]);
}

#[test]
fn a_clock_tells_what_it_showed_at_that_moment_and_what_it_shows() {
    let machine = ClockSetting::machine(NOW);
    let frozen = ClockSetting {
        set_at: NOW.plus_seconds(10),
        showed: Timestamp::from_unix_ms(0),
        rate: 0,
        follows_machine: false,
    };
    check(
        &clock(&machine, &frozen),
        &[
            [
                "clock.now",
                "2024-02-29T00:00:10.007Z",
                "1970-01-01T00:00:00.000Z",
            ],
            ["clock.rate", "1", "0"],
            ["clock.follows_machine", "true", "false"],
        ],
    );
    let hurried = ClockSetting {
        set_at: NOW.plus_seconds(20),
        rate: 3_600,
        ..frozen
    };
    check(&clock(&frozen, &hurried), &[["clock.rate", "0", "3600"]]);
    let again = ClockSetting::machine(NOW.plus_seconds(30));
    check(&clock(&machine, &again), &[]);
}

#[test]
fn d24_policies_tell_their_names() {
    check(&policy_put(false, "p"), &[["policy.name", "", "p"]]);
    check(&policy_put(true, "p"), &[]);
    let activated = |was_activated, will_hold: &str| {
        policy_activated(Activation {
            was_activated,
            holds: "weixin-2023".to_owned(),
            will_hold: will_hold.to_owned(),
        })
    };
    let first = ["policy.activated", "false", "true"];
    let holds = ["policy_in_force", "weixin-2023", "p"];
    check(&activated(false, "p"), &[first, holds]);
    check(&activated(false, "weixin-2023"), &[first]);
    check(&activated(true, "p"), &[holds]);
    check(&activated(true, "weixin-2023"), &[]);
    check(
        &shadow_policy(None, Some("p")),
        &[["shadow_policy", "", "p"]],
    );
    check(
        &shadow_policy(Some("p"), None),
        &[["shadow_policy", "p", ""]],
    );
    check(&shadow_policy(Some("p"), Some("p")), &[]);
}

#[test]
fn the_end_of_an_account_is_told_with_how_many_cards_it_had() {
    let now = "2024-02-29T00:00:00.007Z";
    check(
        &closed(Some(2), NOW),
        &[["closure.closed_at", "", now], ["cards_bound", "2", "0"]],
    );
    check(&closed(Some(0), NOW), &[["closure.closed_at", "", now]]);
    check(&closed(None, NOW), &[]);
    check(
        &erasure_begun(true, NOW),
        &[["closure.erasure_begun_at", "", now]],
    );
    check(&erasure_begun(false, NOW), &[]);
}
