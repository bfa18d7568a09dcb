//! Pure: who pays whom, how much and how, as a function of (seed, index).
//!
//! Merchants are drawn evenly; each has a category, whose purchases follow a log-normal
//! distribution. Accounts follow Zipf's law, scattered by a fixed permutation so that the popular
//! ones are not neighbours. A closed loop instead goes round all accounts in turn, for there the
//! rate is not known beforehand and a popular account would soon be at its limit.

use rand_distr::{Distribution as _, LogNormal, Zipf};
use waika::v1::PaymentMode;

use crate::draw::{Draw, Permutation, Purpose};
use crate::figures::{count_as_real, real_as_count};
use crate::merchant;

/// The most that one purchase costs: the limit for one payment (R63), in fen.
const MOST_FEN: u64 = 600_000;

/// Spread of amounts within a category: the standard deviation of their logarithm.
const AMOUNT_SPREAD: f64 = 0.6;

/// A duplicate repeats one of so many requests before it.
const DUPLICATE_REACH: u64 = 4_096;

/// What an account may spend in a calendar month, in fen (R64): the limit that a run meets first.
const MONTH_LIMIT_FEN: f64 = 5_000_000.0;

/// How a purchase is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In an app.
    OnlineApp,
    /// In a mini-program.
    OnlineMiniProgram,
    /// The payer scans the merchant's code.
    MerchantQr,
}

impl Mode {
    /// Its number on the wire.
    pub(crate) fn wire(self) -> PaymentMode {
        match self {
            Self::OnlineApp => PaymentMode::OnlineApp,
            Self::OnlineMiniProgram => PaymentMode::OnlineMiniProgram,
            Self::MerchantQr => PaymentMode::MerchantQr,
        }
    }
}

/// How accounts take part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spread {
    /// By Zipf's law with this exponent; 0 is even.
    Zipf(f64),
    /// Each in turn.
    InTurn,
}

/// What shapes the traffic of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The seed of everything.
    pub(crate) seed: u64,
    /// How many accounts pay, at least 1.
    pub(crate) accounts: u64,
    /// How many merchants sell, at least 1.
    pub(crate) merchants: u64,
    /// How accounts take part.
    pub(crate) spread: Spread,
    /// Parts in a million that repeat an earlier request under its key.
    pub(crate) duplicates: u32,
    /// Parts in a million that come with a wrong password.
    pub(crate) wrong_passwords: u32,
}

/// One purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Names the idempotency key; a duplicate has that of the request it repeats.
    pub(crate) key: u64,
    /// Index of the account that pays.
    pub(crate) account: u64,
    /// Index of the merchant.
    pub(crate) merchant: u64,
    /// The price, in fen.
    pub(crate) amount_fen: u64,
    /// How it is begun.
    pub(crate) mode: Mode,
    /// The password is not the account's.
    pub(crate) wrong_password: bool,
}

/// The traffic of a run.
#[derive(Debug)]
pub(crate) struct Workload {
    shape: Shape,
    scatter: Permutation,
    zipf: Option<Zipf<f64>>,
    sellers: Vec<Seller>,
}

#[derive(Debug)]
struct Seller {
    amounts: LogNormal<f64>,
    mode: Mode,
}

/// A shape that no traffic can have.
#[derive(Debug, thiserror::Error)]
#[error("no traffic can be drawn with {accounts} accounts and a Zipf exponent of {exponent}")]
pub(crate) struct ImpossibleShape {
    accounts: u64,
    exponent: f64,
}

impl Workload {
    /// The traffic of this shape.
    pub(crate) fn new(shape: Shape) -> Result<Self, ImpossibleShape> {
        let exponent = match shape.spread {
            Spread::Zipf(exponent) => exponent,
            Spread::InTurn => 0.0,
        };
        let impossible = || ImpossibleShape {
            accounts: shape.accounts,
            exponent,
        };
        let zipf = match shape.spread {
            Spread::Zipf(_) => {
                Some(Zipf::new(count_as_real(shape.accounts), exponent).map_err(|_| impossible())?)
            }
            Spread::InTurn => None,
        };
        let sellers = (0..shape.merchants)
            .map(|index| {
                let category = merchant::category_of(shape.seed, index);
                LogNormal::new(f64::from(category.median_fen).ln(), AMOUNT_SPREAD).map(|amounts| {
                    Seller {
                        amounts,
                        mode: category.mode,
                    }
                })
            })
            .collect::<Result<_, _>>()
            .map_err(|_| impossible())?;
        Ok(Self {
            shape,
            scatter: Permutation::new(shape.seed, shape.accounts),
            zipf,
            sellers,
        })
    }

    /// The request with this index.
    pub(crate) fn request(&self, index: u64) -> Request {
        match self.repeats(index) {
            Some(original) => self.original(original),
            None => self.original(index),
        }
    }

    /// The mean price, in fen, over a sample of this very traffic.
    pub(crate) fn mean_fen(&self) -> f64 {
        const SAMPLE: u64 = 8_192;
        let sum: u64 = (0..SAMPLE)
            .map(|index| self.original(index).amount_fen)
            .sum();
        count_as_real(sum) / count_as_real(SAMPLE)
    }

    /// The share of `requests` that is expected to meet an account's monthly limit, 0 to 1, if all
    /// accounts begin with nothing used.
    pub(crate) fn expected_limit_share(&self, requests: u64) -> f64 {
        let accounts = self.shape.accounts;
        let paid = count_as_real(requests) * (1.0 - f64::from(self.shape.duplicates) / 1_000_000.0);
        let room = MONTH_LIMIT_FEN / self.mean_fen();
        let exponent = match self.shape.spread {
            Spread::Zipf(exponent) => exponent,
            Spread::InTurn => 0.0,
        };
        let weight = |rank: u64| count_as_real(rank).powf(-exponent);
        let total: f64 = (1..=accounts).map(weight).sum();
        let beyond: f64 = (1..=accounts)
            .map(|rank| paid * weight(rank) / total - room)
            .take_while(|&excess| excess > 0.0)
            // From zero: the sum of nothing is a negative zero, and is shown as one.
            .fold(0.0, |sum, excess| sum + excess);
        beyond / count_as_real(requests.max(1))
    }

    fn original(&self, index: u64) -> Request {
        let mut draw = Draw::new(self.shape.seed, Purpose::Request, index);
        let merchant = draw.below(self.shape.merchants);
        let account = match &self.zipf {
            Some(zipf) => real_as_count(zipf.sample(&mut draw)).saturating_sub(1),
            None => index % self.shape.accounts.max(1),
        };
        let (amount_fen, mode) = usize::try_from(merchant)
            .ok()
            .and_then(|place| self.sellers.get(place))
            .map_or((1, Mode::MerchantQr), |seller| {
                (real_as_count(seller.amounts.sample(&mut draw)), seller.mode)
            });
        Request {
            key: index,
            account: self.scatter.apply(account),
            merchant,
            amount_fen: amount_fen.clamp(1, MOST_FEN),
            mode,
            wrong_password: draw.chance(self.shape.wrong_passwords),
        }
    }

    /// The earlier request that this one repeats, if it is a duplicate. Never one that repeats
    /// another itself, so that the key it names was really used.
    fn repeats(&self, index: u64) -> Option<u64> {
        let mut draw = self.duplicate_draw(index)?;
        let reach = index.min(DUPLICATE_REACH);
        let mut original = index.checked_sub(1 + draw.below(reach))?;
        while self.duplicate_draw(original).is_some() && original > 0 {
            original -= 1;
        }
        Some(original)
    }

    fn duplicate_draw(&self, index: u64) -> Option<Draw> {
        let mut draw = Draw::new(self.shape.seed, Purpose::Duplicate, index);
        (index > 0 && draw.chance(self.shape.duplicates)).then_some(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(spread: Spread, duplicates: u32) -> Workload {
        Workload::new(Shape {
            seed: 1,
            accounts: 10_000,
            merchants: 100,
            spread,
            duplicates,
            wrong_passwords: 0,
        })
        .unwrap()
    }

    #[test]
    fn the_middle_purchase_is_about_sixty_yuan_and_most_have_no_fee() {
        let traffic = traffic(Spread::Zipf(0.5), 0);
        let mut amounts: Vec<u64> = (0..20_000).map(|i| traffic.request(i).amount_fen).collect();
        amounts.sort_unstable();
        let median = amounts[10_000];
        assert!((5_000..7_500).contains(&median), "median {median} fen");
        let free = amounts.partition_point(|&amount| amount <= 20_000);
        assert!(free > 17_000, "{free} of 20,000 at or below 200 yuan");
        assert!(amounts.iter().all(|amount| (1..=MOST_FEN).contains(amount)));
    }

    #[test]
    fn popular_accounts_have_the_share_that_zipf_gives_them() {
        for (exponent, top) in [(0.5, 100), (1.0, 10), (1.2, 1)] {
            let traffic = traffic(Spread::Zipf(exponent), 0);
            let mut counts = vec![0_u32; 10_000];
            for index in 0..100_000 {
                counts[usize::try_from(traffic.request(index).account).unwrap()] += 1;
            }
            counts.sort_unstable_by(|left, right| right.cmp(left));
            let weights: Vec<f64> = (1..=10_000).map(|r| f64::from(r).powf(-exponent)).collect();
            let expected = weights[..top].iter().sum::<f64>() / weights.iter().sum::<f64>();
            let found = f64::from(counts[..top].iter().sum::<u32>()) / 100_000.0;
            let error = (found / expected - 1.0).abs();
            assert!(
                error < 0.08,
                "exponent {exponent}: {found} instead of {expected}"
            );
        }
    }

    #[test]
    fn the_most_popular_accounts_are_not_neighbours() {
        let traffic = traffic(Spread::Zipf(1.2), 0);
        let first = traffic.scatter.apply(0);
        assert!(first.abs_diff(traffic.scatter.apply(1)) > 1);
    }

    #[test]
    fn in_turn_uses_every_account_once_before_any_twice() {
        let traffic = traffic(Spread::InTurn, 0);
        let mut accounts: Vec<u64> = (0..10_000).map(|i| traffic.request(i).account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        assert_eq!(accounts.len(), 10_000);
    }

    #[test]
    fn duplicates_are_as_many_as_asked_and_equal_what_they_repeat() {
        let traffic = traffic(Spread::Zipf(0.5), 20_000);
        let mut found = 0;
        for index in 0..50_000 {
            let request = traffic.request(index);
            if request.key != index {
                found += 1;
                assert!(request.key < index);
                assert_eq!(request, traffic.request(request.key));
            }
        }
        assert!(
            (850..1_150).contains(&found),
            "{found} duplicates of 50,000"
        );
    }

    #[test]
    fn wrong_passwords_are_as_many_as_asked() {
        let mut shape = traffic(Spread::InTurn, 0).shape;
        shape.wrong_passwords = 100_000;
        let traffic = Workload::new(shape).unwrap();
        let wrong = (0..10_000)
            .filter(|&i| traffic.request(i).wrong_password)
            .count();
        assert!((900..1_100).contains(&wrong), "{wrong}");
    }

    #[test]
    fn the_plan_sees_limits_coming() {
        let even = traffic(Spread::InTurn, 0);
        assert!(even.expected_limit_share(100_000) < f64::EPSILON);
        assert!(even.expected_limit_share(100_000_000) > 0.5);
        let default = traffic(Spread::Zipf(0.5), 10_000);
        assert!(default.expected_limit_share(110_000) < 0.01);
        let hot = traffic(Spread::Zipf(1.2), 0);
        assert!(hot.expected_limit_share(110_000) > 0.1);
    }
}
