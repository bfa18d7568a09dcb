//! Pure: which requests of a plan one of several hosts sends.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// The most slices that a plan can be cut into.
const MOST: u64 = 10_000;

/// Every `of`-th request of a plan, beginning with the one at `number`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slice {
    number: u64,
    of: u64,
}

impl Slice {
    /// All of a plan.
    pub(crate) const WHOLE: Self = Self { number: 0, of: 1 };

    /// Slice `number` of `of`, counted from 1; `None` if there is no such slice.
    pub(crate) fn new(number: u64, of: u64) -> Option<Self> {
        let number = number.checked_sub(1)?;
        (number < of && of <= MOST).then_some(Self { number, of })
    }

    /// How many slices there are.
    pub(crate) fn of(self) -> u64 {
        self.of
    }

    /// The plan's index of this slice's request at `place`, counted from 0.
    pub(crate) fn index(self, place: u64) -> u64 {
        self.number.saturating_add(self.of.saturating_mul(place))
    }

    /// How many of a plan's first `all` requests are its own.
    pub(crate) fn count(self, all: u64) -> u64 {
        all.saturating_sub(self.number).div_ceil(self.of)
    }
}

impl Display for Slice {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}/{}", self.number + 1, self.of)
    }
}

impl FromStr for Slice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        numbers
            .and_then(|(number, of)| Self::new(number, of))
            .ok_or_else(|| {
                format!("must be a slice such as 2/8, the second of eight, of at most {MOST}")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_written_as_they_are_read() {
        for text in ["1/1", "1/3", "3/3", "10000/10000"] {
            assert_eq!(
                text.parse::<Slice>().map(|slice| slice.to_string()),
                Ok(text.to_owned())
            );
        }
        for bad in [
            "", "1", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/3", "1/10001", " 1/3",
        ] {
            assert!(bad.parse::<Slice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn slices_share_out_every_request_once() {
        for of in 1..6 {
            let slices: Vec<Slice> = (1..=of)
                .filter_map(|number| Slice::new(number, of))
                .collect();
            for all in 0..20 {
                let sum: u64 = slices.iter().map(|slice| slice.count(all)).sum();
                assert_eq!(sum, all);
                let mut indices: Vec<u64> = slices
                    .iter()
                    .flat_map(|slice| (0..slice.count(all)).map(|place| slice.index(place)))
                    .collect();
                indices.sort_unstable();
                assert_eq!(indices, (0..all).collect::<Vec<_>>());
            }
        }
    }
}
