//! Pure: what a run is expected to spend, to meet and to leave behind, before it is sent.
//!
//! Means, and no more: they tell whether a plan can be what it is meant to be. A skewed plan takes
//! its popular accounts to their limits within seconds, and from then on measures refusals.

use super::{MOST_FEN, Shape, Spread, WHOLE, Workload};
use crate::figures::{count_as_real, share};

/// What an account may spend in a calendar month, in fen (R64).
const MONTH_FEN: f64 = 5_000_000.0;

/// What it may spend in a calendar year (R65).
const YEAR_FEN: f64 = 6_000_000.0;

/// The mean part of a payment that a reversal gives back: half of them all of it, the rest half.
const GIVEN_BACK: f64 = 0.75;

/// What a number of requests comes to, if all accounts begin with nothing used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Payments that may be approved: neither repetitions nor with a wrong password.
    pub(crate) payments: f64,
    /// What they take from the limits less what is given back, each, in fen.
    pub(crate) net_fen: f64,
    /// Idempotency keys that are used up.
    pub(crate) keys: f64,
    /// The share of the requests that meets an account's limit for a month or a year, 0 to 1.
    pub(crate) limit_share: f64,
}

impl Workload {
    /// What so many requests come to.
    pub(crate) fn expected(&self, requests: u64) -> Expected {
        let shape = self.shape();
        let mix = shape.mix;
        let [code, reversals, refunds, churn, wrong] = [
            mix.payment_code,
            mix.reversals,
            mix.refunds,
            mix.churn,
            shape.wrong_passwords,
        ]
        .map(of_whole);
        let first_times = first_times(shape, count_as_real(requests));
        let payments = first_times * (1.0 - churn) * (1.0 - wrong);
        let reversed = reversals / (1.0 - churn).max(f64::MIN_POSITIVE);
        let net_fen = self.mean_fen() * (1.0 - GIVEN_BACK * reversed);
        // One key for each call that changes something.
        let calls = 1.0 + code + reversals + 2.0 * refunds + 2.0 * churn;
        Expected {
            payments,
            net_fen,
            keys: first_times * calls,
            limit_share: beyond(shape, payments, net_fen) / count_as_real(requests.max(1)),
        }
    }

    /// The share of `requests` that is expected to meet an account's limit, 0 to 1, if all accounts
    /// begin with nothing used.
    pub(crate) fn expected_limit_share(&self, requests: u64) -> f64 {
        self.expected(requests).limit_share
    }
}

fn of_whole(parts: u32) -> f64 {
    share(parts.into(), WHOLE.into())
}

/// Requests that repeat no earlier one.
fn first_times(shape: &Shape, requests: f64) -> f64 {
    match shape.keys {
        // Keys are drawn evenly, so that some come late.
        Some(keys) => {
            let keys = count_as_real(keys.get());
            keys * -(-requests / keys).exp_m1()
        }
        None if shape.mix.pay() == 0 => requests,
        None => requests * (1.0 - of_whole(shape.duplicates)),
    }
}

/// Payments that are beyond their account's limits.
fn beyond(shape: &Shape, payments: f64, net_fen: f64) -> f64 {
    // No payment is too small for a fen, even if all of it is given back.
    let net_fen = net_fen.clamp(f64::MIN_POSITIVE, MOST_FEN.into());
    let excess = |payments: f64| {
        let spent = payments * net_fen;
        let allowed = match shape.month_ends_after.map(of_whole) {
            None => spent.min(MONTH_FEN),
            // The month begins anew, and the year goes on.
            Some(before) => {
                let first = (spent * before).min(MONTH_FEN);
                let second = (spent * (1.0 - before)).min(MONTH_FEN);
                (first + second).min(YEAR_FEN)
            }
        };
        (spent - allowed) / net_fen
    };
    let accounts = count_as_real(shape.accounts);
    let exponent = match shape.spread {
        Spread::One => return excess(payments),
        Spread::InTurn => return excess(payments / accounts) * accounts,
        Spread::Zipf(exponent) => exponent,
    };
    let total = sum_of_weights(shape.accounts, exponent);
    (1..=shape.accounts)
        .map(|rank| excess(payments * weight(rank, exponent) / total))
        .take_while(|&excess| excess > 0.0)
        // From zero: the sum of nothing is a negative zero, and is shown as one.
        .fold(0.0, |sum, excess| sum + excess)
}

fn weight(rank: u64, exponent: f64) -> f64 {
    count_as_real(rank).powf(-exponent)
}

/// One after the other where it matters, and beyond that the integral, which is the same to ten
/// digits: there may be a hundred million.
fn sum_of_weights(accounts: u64, exponent: f64) -> f64 {
    const SINGLY: u64 = 10_000;
    let first: f64 = (1..=accounts.min(SINGLY))
        .map(|rank| weight(rank, exponent))
        .sum();
    if accounts <= SINGLY {
        return first;
    }
    let [from, to] = [SINGLY, accounts].map(|rank| count_as_real(rank) + 0.5);
    let power = 1.0 - exponent;
    let rest = if power.abs() < f64::EPSILON {
        (to / from).ln()
    } else {
        (to.powf(power) - from.powf(power)) / power
    };
    first + rest
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroU64};

    use super::super::{Amounts, Mix};
    use super::*;

    /// Hundred accounts that each pay 100 yuan at a time.
    fn hundred() -> Shape {
        Shape {
            seed: 1,
            accounts: 100,
            merchants: 10,
            spread: Spread::InTurn,
            amounts: Amounts::Fixed(NonZeroU32::new(10_000).unwrap()),
            mix: Mix::default(),
            keys: None,
            duplicates: 0,
            wrong_passwords: 0,
            month_ends_after: None,
        }
    }

    fn share_of(shape: Shape, requests: u64) -> f64 {
        Workload::new(shape).unwrap().expected_limit_share(requests)
    }

    #[test]
    fn limits_are_seen_coming() {
        let check = |shape: Shape, requests: u64, expected: f64| {
            let found = share_of(shape, requests);
            assert!(
                (found - expected).abs() < 1e-6,
                "{requests} of {shape:?}: {found}"
            );
        };
        // 500 payments each, and no more.
        check(hundred(), 50_000, 0.0);
        check(hundred(), 100_000, 0.5);
        // A month's end in the middle: 600 in the year.
        let two_months = Shape {
            month_ends_after: Some(500_000),
            ..hundred()
        };
        check(two_months, 60_000, 0.0);
        check(two_months, 80_000, 0.25);
        let late = Shape {
            month_ends_after: Some(900_000),
            ..hundred()
        };
        check(late, 60_000, (540.0 - 500.0) / 600.0);
        // Duplicates and wrong passwords spend nothing.
        let repeated = Shape {
            duplicates: 500_000,
            ..hundred()
        };
        check(repeated, 100_000, 0.0);
        let mistaken = Shape {
            wrong_passwords: 250_000,
            ..hundred()
        };
        check(mistaken, 100_000, 0.25);
        // All is reversed, and three quarters of it given back.
        let reversed = Shape {
            mix: Mix {
                reversals: WHOLE,
                ..Mix::default()
            },
            ..hundred()
        };
        check(reversed, 200_000, 0.0);
        check(reversed, 400_000, 0.5);
        // Half of the arrivals pay nothing.
        let churning = Shape {
            mix: Mix {
                churn: 500_000,
                ..Mix::default()
            },
            ..hundred()
        };
        check(churning, 100_000, 0.0);
        let storm = Shape {
            keys: NonZeroU64::new(1_000),
            ..hundred()
        };
        check(storm, 10_000_000, 0.0);
        let hot = Shape {
            spread: Spread::One,
            ..hundred()
        };
        check(hot, 1_000, 0.5);
    }

    #[test]
    fn popular_accounts_meet_their_limits_first() {
        let zipf = |exponent| Shape {
            spread: Spread::Zipf(exponent),
            ..hundred()
        };
        assert!(share_of(zipf(0.5), 30_000) > 0.1);
        assert!(share_of(zipf(1.2), 30_000) > share_of(zipf(0.5), 30_000));
    }

    #[test]
    fn many_weights_are_summed_as_few_are() {
        for exponent in [0.0, 0.5, 1.0, 2.5] {
            let singly: f64 = (1..=300_000).map(|rank| weight(rank, exponent)).sum();
            let off = sum_of_weights(300_000, exponent) / singly - 1.0;
            assert!(off.abs() < 1e-9, "exponent {exponent}: off by {off}");
        }
    }

    #[test]
    fn every_call_that_changes_something_has_a_key() {
        let keys = |mix, duplicates| {
            let shape = Shape {
                mix,
                duplicates,
                ..hundred()
            };
            Workload::new(shape).unwrap().expected(1_000).keys
        };
        let check = |mix, duplicates, expected: f64| {
            let found = keys(mix, duplicates);
            assert!((found - expected).abs() < 1e-6, "{mix:?}: {found}");
        };
        let mix = Mix::default();
        check(mix, 0, 1_000.0);
        check(mix, 100_000, 900.0);
        let all = |set: fn(&mut Mix)| {
            let mut mix = Mix::default();
            set(&mut mix);
            mix
        };
        check(all(|mix| mix.payment_code = WHOLE), 0, 2_000.0);
        check(all(|mix| mix.reversals = WHOLE), 0, 2_000.0);
        check(all(|mix| mix.refunds = WHOLE), 0, 3_000.0);
        check(all(|mix| mix.churn = WHOLE), 0, 3_000.0);
    }
}
