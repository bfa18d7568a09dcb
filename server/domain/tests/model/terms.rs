//! The numbers of RULES as the reference model knows them, and the policy that is to say the same.

use rust_decimal::Decimal;
use waika_domain::money::Fen;
use waika_domain::policy::{PassportReview, Policy};

use crate::calendar::{MINUTE, Ms, SECOND};

/// R39.
pub(crate) const CARD_CAP: usize = 3;
/// D7.
pub(crate) const TRIES: i64 = 5;
/// D7.
pub(crate) const LOCK: Ms = 30 * MINUTE;
/// D8.
pub(crate) const PHONE_CODE_VALID: Ms = 5 * MINUTE;
/// D8, R19.
pub(crate) const RESEND: Ms = MINUTE;
/// How long after its end a code or token is told as late rather than unknown: not in RULES.
pub(crate) const REMEMBERED: Ms = 600 * SECOND;
/// Codes, and tokens, of one account that are remembered at once, and phones that may have a
/// code outstanding: not in RULES.
pub(crate) const MOST: usize = 16;
/// R71: up to this there is no fee.
pub(crate) const WAIVED: i64 = 20_000;
/// R25 to R27, in the order Android, iOS, Google Play.
pub(crate) const OLDEST_APPS: [[i64; 4]; 3] = [[8, 0, 40, 0], [8, 0, 39, 0], [8, 0, 37, 0]];

/// What a sequence may set differently, and change on its way (D24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// R63, in fen.
    pub(crate) single: i64,
    /// R64.
    pub(crate) month: i64,
    /// R65.
    pub(crate) year: i64,
    /// R71, in hundredths of a percent.
    pub(crate) fee: i64,
    /// D5: a passport holder may pay while the review is pending.
    pub(crate) deferred: bool,
    /// D13.
    pub(crate) refund_restores_limit: bool,
    /// D25.
    pub(crate) settle_after_days: u8,
    /// Of a payment token.
    pub(crate) token_seconds: u32,
    /// Of a payment code (D10).
    pub(crate) code_seconds: u32,
}

impl Terms {
    /// The guide's own numbers.
    pub(crate) const GUIDE: Self = Self {
        single: 600_000,
        month: 5_000_000,
        year: 6_000_000,
        fee: 300,
        deferred: false,
        refund_restores_limit: false,
        settle_after_days: 1,
        token_seconds: 300,
        code_seconds: 60,
    };

    /// The same numbers for the domain; what is not in [`Terms`] stays as the domain has it, so
    /// that its own numbers are compared with those above.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::weixin_2023();
        policy.limits.single = Fen::new(self.single);
        policy.limits.month = Fen::new(self.month);
        policy.limits.year = Fen::new(self.year);
        policy.fee.rate = Decimal::new(self.fee, 4);
        policy.passport_review = if self.deferred {
            PassportReview::Deferred
        } else {
            PassportReview::BeforePayment
        };
        policy.refund_restores_limit = self.refund_restores_limit;
        policy.settle_after_days = self.settle_after_days;
        policy.password.token_seconds = self.token_seconds;
        policy.payment_code_seconds = self.code_seconds;
        policy
    }
}
