//! What the issuer's word, or its silence, comes to.

use super::testing::script::check_from;
use super::testing::wallet::Wallet;

/// D16, D17: no answer in time is a decline, and nobody answers for the issuer. What was held is
/// free again, so that a later try finds the whole limit.
#[test]
fn d16_d17_an_issuer_that_gives_no_answer_has_declined() {
    check_from(
        Wallet::verified(),
        "pay 100.00 issuer unavailable => ISSUER_UNAVAILABLE, retry Later, layer Issuer
         look => month 0.00, year 0.00
         hold 6000.00 => held
         look => month 6000.00, year 6000.00
         answer issuer unavailable => ISSUER_UNAVAILABLE, retry Later
         look => month 0.00, year 0.00
         pay 6000.00 => approved, month 6000.00",
    );
}
