//! What a server has promised and not kept: the promises by name, and a bounded list of what broke
//! them.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::asked::Asked;

/// So many violations are kept in full; further ones are counted.
const MOST_KEPT: usize = 100;

/// So many of one account: the first lie about a sum makes liars of all that follow.
const MOST_OF_ONE: usize = 5;

/// What is promised of every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Promise {
    /// The decision is for the account, the card and the amount that were asked for.
    AsAsked,
    /// No payment is above the limit for one.
    Single,
    /// The fee is right to the fen.
    Fee,
    /// The total is principal and fee.
    Total,
    /// The limits told are the policy's.
    Limit,
    /// Used and remaining make up the limit.
    Remaining,
    /// No more is used than the limit.
    WithinLimit,
    /// Used of the month is what was approved and not given back.
    MonthUsed,
    /// Used of the year is what was approved and not given back.
    YearUsed,
    /// An approval counts in the month and year that it was decided in.
    Period,
    /// A limit declines only what does not fit.
    DeclineFits,
    /// The first limit that is passed is the one that declines.
    LimitOrder,
    /// A wrong password pays nothing, and only it is told wrong.
    Password,
    /// The card that pays is bound.
    CardBound,
    /// A key has one effect.
    OneEffect,
    /// All answers under a key are the same.
    SameAnswer,
    /// A reversal or refund gives back what was asked.
    GivesBack,
    /// It gives back the fee's share.
    FeeBack,
    /// It gives room back to the windows that are open, and to no other.
    Restored,
    /// It is refused only where it must be.
    Refusal,
    /// No account has more cards than may be bound, and a bind is refused only then.
    Cards,
    /// Every acknowledged authorisation is listed exactly once, and nothing else.
    Listed,
}

impl Promise {
    /// Its name in reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::AsAsked => "as asked",
            Self::Single => "limit of one payment",
            Self::Fee => "fee",
            Self::Total => "total",
            Self::Limit => "limit told",
            Self::Remaining => "remaining",
            Self::WithinLimit => "within the limit",
            Self::MonthUsed => "used in the month",
            Self::YearUsed => "used in the year",
            Self::Period => "month counted in",
            Self::DeclineFits => "declined although it fits",
            Self::LimitOrder => "order of limits",
            Self::Password => "password",
            Self::CardBound => "card bound",
            Self::OneEffect => "one effect a key",
            Self::SameAnswer => "same answer a key",
            Self::GivesBack => "given back",
            Self::FeeBack => "fee given back",
            Self::Restored => "room given back",
            Self::Refusal => "refusal",
            Self::Cards => "cards",
            Self::Listed => "listed exactly once",
        }
    }

    /// The rules that it comes from.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::AsAsked | Self::Total => "D3",
            Self::Single => "R63",
            Self::Fee => "R71, D4",
            Self::Limit | Self::Remaining | Self::WithinLimit | Self::DeclineFits => "R64, R65",
            Self::MonthUsed | Self::YearUsed => "D2, C2",
            Self::Period => "D1",
            Self::LimitOrder => "C1",
            Self::Password => "R42, D7",
            Self::CardBound | Self::Cards => "R39",
            Self::OneEffect | Self::SameAnswer | Self::Listed => "D18",
            Self::GivesBack | Self::Restored => "D13",
            Self::FeeBack => "D14",
            Self::Refusal => "D25",
        }
    }
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// An amount.
    Fen(i64),
    /// An amount from here to there.
    Between(u64, u64),
    /// At most this amount.
    AtMost(u64),
    /// More than this amount.
    MoreThan(u64),
    /// Something that is no amount.
    Number(u64),
    /// Something that is told in words.
    Words(&'static str),
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fen(fen) => write!(formatter, "{fen} fen"),
            Self::Between(least, most) if least == most => write!(formatter, "{least} fen"),
            Self::Between(least, most) => write!(formatter, "{least} to {most} fen"),
            Self::AtMost(most) => write!(formatter, "at most {most} fen"),
            Self::MoreThan(bound) => write!(formatter, "more than {bound} fen"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Words(words) => formatter.write_str(words),
        }
    }
}

/// A promise that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Which.
    pub(super) promise: Promise,
    /// What should have been told.
    pub(super) expected: Side,
    /// What was told.
    pub(super) told: Side,
}

/// Where those that find something put it.
pub(super) type Blame<'a> = &'a mut dyn FnMut(Broken);

/// A promise that was not kept, and in which answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Violation {
    /// Place of the account among the payers.
    pub(crate) account: u64,
    /// Index of the arrival; none where the audit found it.
    pub(crate) index: Option<u64>,
    /// Name of the promise.
    pub(crate) promise: Cow<'static, str>,
    /// The rules that it comes from.
    pub(crate) rule: Cow<'static, str>,
    /// What should have been told.
    pub(crate) expected: String,
    /// What was told.
    pub(crate) told: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            index,
            promise,
            rule,
            expected,
            told,
        } = self;
        match index {
            Some(index) => write!(formatter, "account {account}, arrival {index}")?,
            None => write!(formatter, "account {account}, after the run")?,
        }
        write!(
            formatter,
            ": {promise} ({rule}): expected {expected}, told {told}"
        )
    }
}

/// Everything found, up to a bound.
#[derive(Debug, Default)]
pub(super) struct Findings {
    count: AtomicU64,
    kept: Mutex<Vec<Violation>>,
}

impl Findings {
    /// Takes down what an answer to a call has broken.
    #[cold]
    pub(super) fn blame_answer(&self, asked: &Asked, broken: Broken) {
        self.blame(asked.account, Some(asked.index), broken);
    }

    /// Takes down what the audit of an account found.
    #[cold]
    pub(super) fn blame_account(&self, account: u64, broken: Broken) {
        self.blame(account, None, broken);
    }

    fn blame(&self, account: u64, index: Option<u64>, broken: Broken) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.kept.lock();
        let of_it = kept.iter().filter(|other| other.account == account).count();
        if kept.len() >= MOST_KEPT || of_it >= MOST_OF_ONE {
            return;
        }
        kept.push(Violation {
            account,
            index,
            promise: broken.promise.label().into(),
            rule: broken.promise.rule().into(),
            expected: broken.expected.to_string(),
            told: broken.told.to_string(),
        });
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Those that were kept in full.
    pub(super) fn kept(&self) -> Vec<Violation> {
        self.kept.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_the_count_is_not() {
        let findings = Findings::default();
        for number in 0..1_000 {
            findings.blame_account(
                number % 50,
                Broken {
                    promise: Promise::Fee,
                    expected: Side::Fen(3),
                    told: Side::Fen(4),
                },
            );
        }
        assert_eq!(findings.count(), 1_000);
        let kept = findings.kept();
        assert_eq!(kept.len(), MOST_KEPT);
        assert!((0..50).all(|account| {
            let of_it = kept.iter().filter(|violation| violation.account == account);
            of_it.count() <= MOST_OF_ONE
        }));
    }

    #[test]
    fn a_violation_says_where_what_and_by_which_rule() {
        let violation = |index| Violation {
            account: 7,
            index,
            promise: Promise::Fee.label().into(),
            rule: Promise::Fee.rule().into(),
            expected: Side::Between(3, 3).to_string(),
            told: Side::Fen(4).to_string(),
        };
        assert_eq!(
            violation(Some(12)).to_string(),
            "account 7, arrival 12: fee (R71, D4): expected 3 fen, told 4 fen"
        );
        assert_eq!(
            violation(None).to_string(),
            "account 7, after the run: fee (R71, D4): expected 3 fen, told 4 fen"
        );
    }
}
