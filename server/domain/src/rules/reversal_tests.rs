//! Reversals over months, years and midnights, as tables (D1, D13, D14, D25, D31, C3).

use super::testing::script::check_from;
use super::testing::wallet::Wallet;

#[test]
fn d13_d14_parts_and_the_whole_give_principal_and_fee_back() {
    check_from(
        Wallet::verified(),
        "pay 250.00 => approved, fee 7.50
         reverse 60.00 => reversed, amount 60.00, fee 1.80, remaining 190.00
         look => month 190.00, year 190.00
         reverse 190.01 => EXCEEDS_REMAINING, observed 190.01, remaining 190.00
         reverse 190.00 => reversed, fee 5.70, remaining 0.00
         look => month 0.00, year 0.00
         reverse 0.01 => ALREADY_REVERSED
         reverse => ALREADY_REVERSED
         pay 100.00 => approved, fee 0.00
         reverse 100.01 => EXCEEDS_REMAINING, observed 100.01, remaining 100.00
         reverse => reversed, amount 100.00, fee 0.00",
    );
}

/// D14: a fee of 6.01 over parts whose shares are no whole fen.
#[test]
fn d14_no_fen_of_the_fee_is_lost_over_uneven_parts() {
    check_from(
        Wallet::verified(),
        "pay 200.17 => approved, fee 6.01
         reverse 66.72 => fee 2.00
         reverse 66.72 => fee 2.01
         reverse 66.73 => fee 2.00, remaining 0.00",
    );
}

#[test]
fn d13_a_declined_payment_gives_nothing_back() {
    check_from(
        Wallet::verified(),
        "pay 6000.01 => LIMIT_SINGLE
         reverse => DECLINED_ORIGINAL
         pay 1.00 issuer lost_card => ISSUER_LOST_CARD
         reverse 1.00 => DECLINED_ORIGINAL
         hold 1.00 => held
         answer issuer unavailable => ISSUER_UNAVAILABLE
         reverse => DECLINED_ORIGINAL
         look => month 0.00",
    );
}

/// R63 to R65: what was given back can be spent again, and no fen more.
#[test]
fn r64_d13_a_full_month_has_room_again_for_what_was_given_back() {
    check_from(
        Wallet::verified(),
        "pay 6000.00 times 8 => approved
         pay 2000.00 => approved, month 50000.00
         pay 0.01 => LIMIT_MONTH, remaining 0.00
         reverse 0.01 payment 3 => reversed, month restored true
         pay 0.02 => LIMIT_MONTH, remaining 0.01, at most 0.01
         pay 0.01 => approved, month 50000.00
         reverse payment 9 => reversed, amount 2000.00
         pay 2000.00 => approved, month 50000.00, year 50000.00",
    );
}

/// R65: after a full month the next one of the same year takes what the year has left.
#[test]
fn r65_a_full_month_and_the_next() {
    check_from(
        Wallet::verified(),
        "at 2024-01-31 12:00
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved
         pay 0.01 => LIMIT_MONTH, until 2024-02-01 00:00:00
         at 2024-02-01 00:00
         pay 6000.00 => approved, month 6000.00, year 56000.00
         pay 4000.00 => approved, month 10000.00, year 60000.00
         pay 0.01 => LIMIT_YEAR, until 2025-01-01 00:00:00
         reverse 1000.00 payment 9 => month restored false, year restored true
         pay 1000.00 => approved, month 11000.00, year 60000.00",
    );
}

/// C3: 31 January, 1,000.00 reversed on 1 February.
#[test]
fn d13_a_january_payment_reversed_in_february_gives_back_to_the_year_only() {
    check_from(
        Wallet::verified(),
        "at 2024-01-31 23:59:59.999
         pay 1000.00 => approved
         at 2024-02-01 00:00:00.000
         pay 300.00 => approved, month 300.00, year 1300.00
         reverse payment 1 => month restored false, year restored true
         look => month 300.00, year 300.00",
    );
}

#[test]
fn d13_an_old_year_s_payment_gives_back_to_neither() {
    check_from(
        Wallet::verified(),
        "at 2023-12-31 23:59:59.999
         pay 1000.00 => approved
         at 2024-01-01 00:00
         reverse 500.00 => month restored false, year restored false
         look => month 0.00, year 0.00
         pay 10.00 => approved, month 10.00, year 10.00
         reverse 500.00 payment 1 => month restored false, year restored false
         look => month 10.00, year 10.00",
    );
}

/// D1: the reversal itself has closed January.
#[test]
fn d1_a_clock_that_steps_back_after_a_reversal_does_not_reopen_the_month() {
    check_from(
        Wallet::verified(),
        "at 2024-01-31 23:50
         pay 1000.00 => approved
         pay 500.00 => approved
         at 2024-02-01 00:01
         reverse payment 1 => month restored false, year restored true
         at 2024-01-31 23:56
         look => month 0.00, year 500.00
         reverse payment 2 => month restored false, year restored true
         pay 20.00 => approved, month 20.00, year 20.00
         at 2024-02-01 00:02
         look => month 20.00
         reverse payment 3 => month restored true",
    );
}

/// C3: 29 February, five minutes back over midnight.
#[test]
fn d1_a_leap_day_s_clock_that_steps_back_does_not_reopen_february() {
    check_from(
        Wallet::verified(),
        "at 2024-02-29 23:59
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved
         at 2024-03-01 00:00
         pay 1.00 => approved, month 1.00
         at 2024-02-29 23:55
         pay 2.00 => approved, month 3.00, year 50003.00
         reverse payment 1 => month restored false, year restored true
         look => month 3.00, year 44003.00",
    );
}

/// D25: the second midnight after it, whatever the clock did in between.
#[test]
fn d25_what_is_settled_can_no_longer_be_reversed() {
    check_from(
        Wallet::verified(),
        "at 2024-01-30 12:00
         pay 100.00 => approved
         reverse 10.00 => reversed
         at 2024-01-31 23:59:59.999
         reverse 10.00 => reversed, remaining 80.00
         at 2024-02-01 00:00:00.000
         reverse 10.00 => ALREADY_SETTLED
         reverse 1000.00 => ALREADY_SETTLED
         look => month 0.00, year 80.00",
    );
}

/// D31: a payment that was reversed before it came, and no other.
#[test]
fn d31_a_payment_reversed_ahead_is_declined_when_it_comes() {
    check_from(
        Wallet::verified(),
        "ahead key k1 => recorded ahead
         ahead key k1 => recorded ahead
         pay 1.00 key k1 password 2 => REVERSED_BEFORE_ARRIVAL, retry Never
         look => wrong passwords 0, month 0.00
         reverse => DECLINED_ORIGINAL
         pay 1.00 key k2 => approved",
    );
}

/// C2: what is given back while another payment is at its issuer.
#[test]
fn c2_d13_a_hold_keeps_its_place_while_another_payment_is_reversed() {
    check_from(
        Wallet::verified(),
        "pay 6000.00 times 8 => approved
         hold 2000.00 => held
         reverse payment 1 => reversed
         pay 6000.00 => approved, month 50000.00
         answer => approved
         look => month 50000.00, year 50000.00",
    );
}
