//! Rules of unbinding, as tables. The order of the ladder is in `ladder_tests.rs`.

use super::testing::script::{check, check_from};
use super::testing::wallet::Wallet;

/// R39, R40: at most three at a time, so an unbind frees a slot at once.
#[test]
fn r39_r40_an_unbind_frees_a_slot_at_once() {
    check(
        "code phone 1 => sent
         code phone 2 => sent
         code phone 3 => sent
         code phone 4 => sent
         bind card 1 phone 1 => bound
         bind card 2 phone 2 => bound
         bind card 3 phone 3 => bound
         bind card 4 phone 4 => CARD_CAP_REACHED, 3 of 3
         unbind card 2 => unbound
         look => cards 2
         bind card 4 phone 4 => bound
         look => cards 3
         pay 1.00 card 2 => CARD_NOT_BOUND
         pay 1.00 card 4 => approved",
    );
}

/// R48, D7: a wrong password counts in the one counter, and five lock every call.
#[test]
fn r48_d7_wrong_passwords_of_an_unbind_lock_payments_too() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         unbind password 2 times 3 => PASSWORD_WRONG
         look => wrong passwords 3, cards 1
         pay 1.00 password 2 => PASSWORD_WRONG, 4 of 5
         unbind password 2 => PASSWORD_WRONG, 5 of 5
         unbind password 1 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         pay 1.00 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         quote 1.00 => PASSWORD_LOCKED, until 2024-01-10 12:30:00
         at 2024-01-10 12:30
         unbind => unbound
         look => cards 0, wrong passwords 0",
    );
}

/// D2, D22: limits are the account's; verification and password stay when no card is left.
#[test]
fn d2_d22_limits_identity_and_password_outlive_the_last_card() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         pay 6000.00 times 8 => approved
         unbind => unbound
         unbind => CARD_NOT_BOUND
         look => cards 0, password 1, month 48000.00, year 48000.00
         code => sent
         bind card 1 person 2 => IDENTITY_DIFFERS
         bind card 1 password 2 => PASSWORD_WRONG
         at 2024-01-10 12:02
         code => sent
         bind card 1 => bound
         look => cards 1, password 1
         pay 2000.01 => LIMIT_MONTH, remaining 2000.00, at most 2000.00
         pay 2000.00 => approved, month 50000.00",
    );
}

/// D22: what was paid with a card that is gone can still be given back.
#[test]
fn d22_payments_of_an_unbound_card_can_be_reversed() {
    check_from(
        Wallet::verified(),
        "pay 1000.00 => approved, fee 30.00
         unbind => unbound
         reverse 400.00 => reversed, fee 12.00, remaining 600.00
         reverse => reversed, amount 600.00, fee 18.00, remaining 0.00
         look => month 0.00, year 0.00",
    );
}

/// D9, D22: tickets and verdicts are about the card as it was bound, and go with it.
#[test]
fn d9_d22_tickets_and_clearances_go_with_their_card() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         share
         pay 1.00 => RISK_CARD_SHARED
         clear => cleared true
         pay 1.00 => approved
         unbind => unbound
         code => sent
         bind card 1 => bound
         pay 1.00 => RISK_CARD_SHARED
         look => tickets 1
         unbind => unbound
         look => tickets 0
         clear => no ticket",
    );
}
