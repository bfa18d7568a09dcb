//! Risks of a card and their tickets, as tables (R67, R68, D9).

use super::testing::script::{check, check_from};
use super::testing::wallet::Wallet;

/// R67, R68, D9: only payments are declined, and a ticket opens once.
#[test]
fn r67_r68_d9_a_shared_card_is_declined_and_opens_one_ticket() {
    check_from(
        Wallet::verified(),
        "share
         look => tickets 0
         quote 1.00 => RISK_CARD_SHARED, layer Risk, retry OtherMethod
         look => tickets 0
         pay 1.00 times 3 => RISK_CARD_SHARED, layer Risk, retry OtherMethod
         look => tickets 1, month 0.00
         unshare
         pay 1.00 => approved
         look => tickets 1",
    );
}

#[test]
fn r68_d9_a_cleared_card_pays_until_yet_another_person_binds_it() {
    check_from(
        Wallet::verified(),
        "share
         pay 1.00 => RISK_CARD_SHARED
         clear => cleared true
         look => tickets 0
         clear => no ticket
         pay 1.00 times 2 => approved
         share
         pay 1.00 => RISK_CARD_SHARED
         look => tickets 1
         clear => cleared true
         pay 1.00 => approved",
    );
}

#[test]
fn r68_d9_a_risk_that_is_upheld_stands_and_opens_another_ticket() {
    check_from(
        Wallet::verified(),
        "share
         pay 1.00 => RISK_CARD_SHARED
         uphold => cleared false
         look => tickets 0
         pay 1.00 times 2 => RISK_CARD_SHARED
         look => tickets 1",
    );
}

/// R6, R67: risk B. Behind a shared card it is named once that one is cleared.
#[test]
fn r6_r67_d9_a_card_in_another_name_is_declined_until_it_is_cleared() {
    check(
        "code => sent
         bind card 1 holder other => bound
         pay 1.00 => RISK_HOLDER_MISMATCH
         share
         pay 1.00 times 2 => RISK_CARD_SHARED
         look => tickets 2
         clear => cleared true
         look => tickets 1
         pay 1.00 => RISK_CARD_SHARED
         clear => cleared true
         pay 1.00 => approved
         look => tickets 0",
    );
}

/// A password that is wrong is told before the risk: no ticket.
#[test]
fn c1_a_payment_that_a_higher_rung_stops_opens_no_ticket() {
    check_from(
        Wallet::verified(),
        "share
         pay 1.00 password 2 => PASSWORD_WRONG
         look => tickets 0",
    );
}
