//! Money: whole fen of Chinese yuan, never a float (R58, D15).

use std::fmt;

use crate::Malformed;

/// A number of fen that is never negative: a sum, a limit, a fee, what remains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(i64);

impl Fen {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes a number of fen; one below zero counts as zero.
    pub const fn new(fen: i64) -> Self {
        Self(if fen < 0 { 0 } else { fen })
    }

    /// The number of fen.
    pub const fn value(self) -> i64 {
        self.0
    }

    /// The sum. Amounts end at twelve digits and limits below that, so it never saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing where more would be taken than there is (D24).
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self::new(self.0.saturating_sub(other.0))
    }
}

/// Yuan and fen, such as `6000.01`.
impl fmt::Display for Fen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The principal of one payment: at least one fen (D15), at most twelve digits (ISO 8583 DE4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// The largest amount that DE4 can carry, in fen.
    pub const MAX_FEN: i64 = 999_999_999_999;

    /// Takes a number of fen from outside.
    pub const fn from_fen(fen: i64) -> Result<Self, Malformed> {
        if fen >= 1 && fen <= Self::MAX_FEN {
            Ok(Self(fen))
        } else {
            Err(Malformed::new(
                "must be a number of fen from 1 to 999999999999",
            ))
        }
    }

    /// The same amount as a sum.
    pub const fn fen(self) -> Fen {
        Fen(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d15_an_amount_is_one_fen_to_twelve_digits() {
        for (fen, accepted) in [
            (i64::MIN, false),
            (-1, false),
            (0, false),
            (1, true),
            (600_001, true),
            (Amount::MAX_FEN, true),
            (Amount::MAX_FEN + 1, false),
            (i64::MAX, false),
        ] {
            assert_eq!(Amount::from_fen(fen).is_ok(), accepted, "{fen}");
        }
    }

    #[test]
    fn fen_never_goes_below_zero() {
        assert_eq!(Fen::new(5).minus(Fen::new(7)), Fen::ZERO);
        assert_eq!(Fen::new(-3), Fen::ZERO);
        assert_eq!(Fen::new(600_001).to_string(), "6000.01");
        assert_eq!(Fen::new(5).to_string(), "0.05");
    }
}
