//! Pure: who pays whom, how much and how, as a function of (seed, index).
//!
//! Merchants are drawn evenly; each has a category, whose purchases follow a log-normal
//! distribution. Accounts follow Zipf's law, scattered by a fixed permutation so that the popular
//! ones are not neighbours. A closed loop instead goes round all accounts in turn, for there the
//! rate is not known beforehand and a popular account would soon be at its limit.
//!
//! Some requests are made again under the key of an earlier one, as a terminal does that has heard
//! no answer: a few of them as duplicates, or all of them in a retry storm under few keys. Only plain
//! payments are repeated, for the other errands go on after their first answer.

mod expected;
mod mix;
mod popularity;
#[cfg(test)]
mod tests;

use std::num::{NonZeroU32, NonZeroU64};

use rand_distr::{Distribution as _, LogNormal};
use waika::v1::PaymentMode;

use crate::draw::{Draw, Draws, Permutation, Purpose};
use crate::errand::Errand;
use crate::figures::{count_as_real, real_as_count};
use crate::merchant;
pub(crate) use expected::Expected;
use mix::Kind;
pub(crate) use mix::{Mix, WHOLE};
use popularity::Zipf;

/// The most that one purchase costs: the limit for one payment (R63), in fen.
pub(crate) const MOST_FEN: u32 = 600_000;

/// Spread of amounts within a category: the standard deviation of their logarithm.
const AMOUNT_SPREAD: f64 = 0.6;

/// A duplicate repeats one of so many requests before it.
const DUPLICATE_REACH: u64 = 4_096;

/// How a purchase is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In an app.
    OnlineApp,
    /// In a mini-program.
    OnlineMiniProgram,
    /// The payer scans the merchant's code.
    MerchantQr,
    /// The merchant scans the payer's payment code.
    PaymentCode,
}

impl Mode {
    /// Its number on the wire.
    pub(crate) fn wire(self) -> PaymentMode {
        match self {
            Self::OnlineApp => PaymentMode::OnlineApp,
            Self::OnlineMiniProgram => PaymentMode::OnlineMiniProgram,
            Self::MerchantQr => PaymentMode::MerchantQr,
            Self::PaymentCode => PaymentMode::PaymentCode,
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
    /// One pays for all.
    One,
}

/// What purchases cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amounts {
    /// What people spend at such a merchant, times so many per cent.
    ByCategory(NonZeroU32),
    /// Always so many fen.
    Fixed(NonZeroU32),
}

impl Default for Amounts {
    /// What people spend.
    fn default() -> Self {
        Self::ByCategory(NonZeroU32::MIN.saturating_add(99))
    }
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
    /// What purchases cost.
    pub(crate) amounts: Amounts,
    /// What arrivals are there for.
    pub(crate) mix: Mix,
    /// A retry storm: every request is one of so many, under its key.
    pub(crate) keys: Option<NonZeroU64>,
    /// Parts in a million that repeat an earlier request under its key.
    pub(crate) duplicates: u32,
    /// Parts in a million that come with a wrong password.
    pub(crate) wrong_passwords: u32,
    /// Parts in a million of the time of sending that are over when a month ends; `None` if none
    /// does.
    pub(crate) month_ends_after: Option<u32>,
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
    /// What it is there for.
    pub(crate) errand: Errand,
}

/// The traffic of a run.
#[derive(Debug)]
pub(crate) struct Workload {
    shape: Shape,
    requests: Draws,
    errands: Draws,
    repetitions: Draws,
    scatter: Permutation,
    zipf: Option<Zipf>,
    sellers: Vec<Seller>,
}

#[derive(Debug)]
struct Seller {
    /// `None` if all purchases cost the same.
    amounts: Option<LogNormal<f64>>,
    online: Mode,
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
            Spread::InTurn | Spread::One => 0.0,
        };
        let impossible = || ImpossibleShape {
            accounts: shape.accounts,
            exponent,
        };
        let zipf = match shape.spread {
            Spread::Zipf(_) => Some(Zipf::new(shape.accounts, exponent).ok_or_else(impossible)?),
            Spread::InTurn | Spread::One => None,
        };
        let sellers = (0..shape.merchants)
            .map(|index| seller(&shape, index).ok_or_else(impossible))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            shape,
            requests: Draws::new(shape.seed, Purpose::Request),
            errands: Draws::new(shape.seed, Purpose::Errand),
            repetitions: Draws::new(shape.seed, Purpose::Duplicate),
            scatter: Permutation::new(shape.seed, shape.accounts),
            zipf,
            sellers,
        })
    }

    /// What shapes it.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The request with this index.
    pub(crate) fn request(&self, index: u64) -> Request {
        if let Some(keys) = self.shape.keys {
            return self.original(self.repetitions.at(index).below(keys.get()));
        }
        match self.repeats(index) {
            Some(original) => self.original(original),
            None => self.original(index),
        }
    }

    /// The mean price, in fen, over a sample of this very traffic.
    pub(crate) fn mean_fen(&self) -> f64 {
        const SAMPLE: u64 = 8_192;
        let sample = self
            .shape
            .keys
            .map_or(SAMPLE, |keys| keys.get().min(SAMPLE));
        let sum: u64 = (0..sample)
            .map(|index| self.original(index).amount_fen)
            .sum();
        count_as_real(sum) / count_as_real(sample)
    }

    fn original(&self, index: u64) -> Request {
        let shape = &self.shape;
        let mut draw = self.requests.at(index);
        let merchant = draw.below(shape.merchants);
        let account = match (&self.zipf, shape.spread) {
            (Some(zipf), _) => zipf.draw(&mut draw),
            (None, Spread::One) => 0,
            (None, _) => index % shape.accounts.max(1),
        };
        let seller = usize::try_from(merchant)
            .ok()
            .and_then(|place| self.sellers.get(place));
        let amount_fen = match (shape.amounts, seller.and_then(|seller| seller.amounts)) {
            (Amounts::Fixed(fen), _) => fen.get().into(),
            (_, Some(amounts)) => real_as_count(amounts.sample(&mut draw)),
            (_, None) => 1,
        };
        let amount_fen = amount_fen.clamp(1, MOST_FEN.into());
        let wrong_password = draw.chance(shape.wrong_passwords);
        let (kind, mut draw) = shape.mix.kind(self.errands.at(index));
        let online = seller.map_or(Mode::OnlineApp, |seller| seller.online);
        Request {
            key: index,
            account: self.scatter.apply(account),
            merchant,
            amount_fen,
            mode: shape.mix.mode(kind, online, &mut draw),
            // Who churns must not end with the card still bound.
            wrong_password: wrong_password && kind != Kind::Churn,
            errand: kind.errand(amount_fen, &mut draw),
        }
    }

    /// The earlier request that this one repeats, if it is a duplicate. Never one that repeats
    /// another itself, so that the key it names was really used, and never an errand of several
    /// calls. If there is no other within reach, it is no duplicate after all.
    fn repeats(&self, index: u64) -> Option<u64> {
        let mut draw = self.duplicate_draw(index)?;
        let reach = index.min(DUPLICATE_REACH);
        let last = index.checked_sub(1 + draw.below(reach))?;
        (last.saturating_sub(DUPLICATE_REACH)..=last)
            .rev()
            .find(|&original| self.can_be_repeated(original))
    }

    fn can_be_repeated(&self, index: u64) -> bool {
        self.duplicate_draw(index).is_none()
            && self.shape.mix.kind(self.errands.at(index)).0 == Kind::Pay
    }

    fn duplicate_draw(&self, index: u64) -> Option<Draw> {
        if self.shape.duplicates == 0 || index == 0 {
            return None;
        }
        let mut draw = self.repetitions.at(index);
        draw.chance(self.shape.duplicates).then_some(draw)
    }
}

fn seller(shape: &Shape, index: u64) -> Option<Seller> {
    let category = merchant::category_of(shape.seed, index);
    let amounts = match shape.amounts {
        Amounts::Fixed(_) => None,
        Amounts::ByCategory(percent) => {
            let median = f64::from(category.median_fen) * f64::from(percent.get()) / 100.0;
            Some(LogNormal::new(median.ln(), AMOUNT_SPREAD).ok()?)
        }
    };
    Some(Seller {
        amounts,
        online: category.online,
    })
}
