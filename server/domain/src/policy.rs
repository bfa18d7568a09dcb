//! What can be set: every number of the guide, and every decision that has a value.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::money::Fen;
use crate::period::Timestamp;
use crate::version::{Channel, Version};

/// When a passport holder may pay (D5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassportReview {
    /// Not before the review is approved.
    BeforePayment,
    /// While the review is pending too, until it is rejected.
    Deferred,
}

/// The most that may be approved, in principal (R63 to R65, D3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one payment (R63).
    pub single: Fen,
    /// In a calendar month (R64).
    pub month: Fen,
    /// In a calendar year (R65).
    pub year: Fen,
}

/// What a payment costs the payer (R71, D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeRule {
    /// Share of the whole principal: 0.03 is 3 %.
    pub rate: Decimal,
    /// Principal up to which there is no fee, itself included.
    pub waived_up_to: Fen,
}

/// The payment password (R43, D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRule {
    /// Wrong tries that lock it.
    pub tries: u8,
    /// How long it stays locked, in seconds.
    pub lock_seconds: u32,
    /// Wrong passwords that one caller may send in a minute, over all accounts.
    pub caller_wrong_per_minute: u32,
    /// How long a payment token can be used, in seconds.
    pub token_seconds: u32,
}

/// Codes sent to phones (D8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCodeRule {
    /// How long a code can be used, in seconds.
    pub valid_seconds: u32,
    /// How long until another can be asked for, in seconds (R19).
    pub resend_seconds: u32,
    /// Wrong tries that spend it.
    pub tries: u8,
}

/// The oldest accepted version in each channel (R25 to R27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientRule {
    /// Android outside Google Play.
    pub android: Version,
    /// iOS.
    pub ios: Version,
    /// Google Play.
    pub google_play: Version,
}

impl ClientRule {
    /// The oldest version that this channel may have.
    pub fn oldest_accepted(&self, channel: Channel) -> Version {
        match channel {
            Channel::Android => self.android,
            Channel::Ios => self.ios,
            Channel::GooglePlay => self.google_play,
        }
    }
}

/// The hop to the issuer (D16), and what is done when it leads nowhere (D17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerRule {
    /// The most that an answer is waited for, in milliseconds.
    pub timeout_ms: u32,
    /// What is kept of a caller's remaining deadline for the answer itself, in milliseconds.
    pub reserve_ms: u32,
    /// Waika answers in the place of an issuer that is not reached.
    pub stand_in: bool,
    /// The largest payment, in principal, that it approves so.
    pub stand_in_single: Fen,
    /// The most of one account's that may be approved so and not be reconciled, in principal.
    pub stand_in_outstanding: Fen,
}

impl IssuerRule {
    /// True if Waika may approve a payment in the issuer's place (D17); `outstanding` is what the
    /// account has of such payments already.
    pub fn stands_in_for(&self, principal: Fen, outstanding: Fen) -> bool {
        self.stand_in
            && principal <= self.stand_in_single
            && outstanding.plus(principal) <= self.stand_in_outstanding
    }
}

/// One consistent set of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name, which every decision carries.
    pub name: Arc<str>,
    /// From when on it holds (D24); None for whenever it is activated.
    pub effective_from: Option<Timestamp>,
    /// Until when it holds (D24); None for ever. After it the one activated before holds again.
    pub effective_until: Option<Timestamp>,
    /// Amount limits.
    pub limits: Limits,
    /// Fee.
    pub fee: FeeRule,
    /// Cards that may be bound at once (R39).
    pub card_cap: u8,
    /// Payment password.
    pub password: PasswordRule,
    /// Phone codes.
    pub phone_code: PhoneCodeRule,
    /// App versions.
    pub client: ClientRule,
    /// Passport holders.
    pub passport_review: PassportReview,
    /// Share of wallets that have the feature, 0 to 100 (R3, D21).
    pub rollout_percent: u8,
    /// Whole days between the day of an authorisation and the midnight at which it settles (D25).
    pub settle_after_days: u8,
    /// A refund gives the limits back as a reversal does (D13).
    pub refund_restores_limit: bool,
    /// How long a quote holds, in seconds (D32).
    pub quote_seconds: u32,
    /// How long a payment code holds, in seconds (D10).
    pub payment_code_seconds: u32,
    /// The issuer.
    pub issuer: IssuerRule,
    /// Room in memory for idempotency keys, in keys; without room new work is refused (D18).
    pub most_keys: u64,
}

impl Policy {
    /// The guide's own numbers.
    pub fn weixin_2023() -> Self {
        Self {
            name: "weixin-2023".into(),
            effective_from: None,
            effective_until: None,
            limits: Limits {
                single: Fen::new(600_000),  // R63
                month: Fen::new(5_000_000), // R64
                year: Fen::new(6_000_000),  // R65
            },
            fee: FeeRule {
                rate: Decimal::new(3, 2),       // R71
                waived_up_to: Fen::new(20_000), // R71
            },
            card_cap: 3, // R39
            password: PasswordRule {
                tries: 5,
                lock_seconds: 30 * 60,
                caller_wrong_per_minute: 600,
                token_seconds: 300,
            },
            phone_code: PhoneCodeRule {
                valid_seconds: 300,
                resend_seconds: 60,
                tries: 5,
            },
            client: ClientRule {
                android: Version::new(8, 0, 40),     // R25
                ios: Version::new(8, 0, 39),         // R26
                google_play: Version::new(8, 0, 37), // R27
            },
            passport_review: PassportReview::BeforePayment,
            rollout_percent: 100,
            settle_after_days: 1,
            refund_restores_limit: false,
            quote_seconds: 300,
            payment_code_seconds: 60,
            issuer: IssuerRule {
                timeout_ms: 800,
                reserve_ms: 20,
                stand_in: false,
                stand_in_single: Fen::new(20_000),
                stand_in_outstanding: Fen::new(50_000),
            },
            most_keys: 1 << 26,
        }
    }

    /// True if its dates let it hold at an instant (D24).
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.effective_from.is_none_or(|from| from <= now)
            && self.effective_until.is_none_or(|until| now < until)
    }

    /// True if the feature is rolled out to this wallet. The hash is FNV-1a, which is stable
    /// through versions and machines, so a wallet that is in stays in as the share grows (D21).
    pub fn is_rolled_out_to(&self, account_id: &str) -> bool {
        if self.rollout_percent >= 100 {
            return true;
        }
        let hash = account_id
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        // The high half is the better mixed one.
        (hash >> 32) % 100 < u64::from(self.rollout_percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_d21_a_wallet_that_is_in_stays_in() {
        let with_share = |percent| Policy {
            rollout_percent: percent,
            ..Policy::weixin_2023()
        };
        let names: Vec<String> = (0..2_000).map(|number| format!("acct-{number}")).collect();
        let mut inside_before = 0;
        for percent in [0, 1, 10, 50, 99, 100] {
            let policy = with_share(percent);
            let inside = names
                .iter()
                .filter(|name| policy.is_rolled_out_to(name))
                .count();
            assert!(inside >= inside_before);
            assert!(
                inside.abs_diff(names.len() * usize::from(percent) / 100) < 80,
                "{inside}"
            );
            inside_before = inside;
        }
        for name in &names {
            let first_in = (0..=100).find(|&percent| with_share(percent).is_rolled_out_to(name));
            let later = first_in.unwrap()..=100;
            assert!(
                later
                    .into_iter()
                    .all(|percent| with_share(percent).is_rolled_out_to(name))
            );
        }
    }
}
