//! Versions of the app, and the channels that they come through (R7, R25 to R28, D20).

use std::fmt;

use crate::Malformed;

/// Where an app comes from. Stores number their versions differently (R28).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// An Android app outside Google Play (R25).
    Android,
    /// iOS (R26).
    Ios,
    /// Google Play (R27).
    GooglePlay,
}

/// A dotted version of one to four numbers. Missing numbers are zero, and numbers are compared
/// as numbers: 8.0.9 is older than 8.0.37 (D20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u16; 4]);

impl Version {
    /// A version of three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self([major, minor, patch, 0])
    }

    /// Reads a version such as `8.0.40`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed =
            Malformed::new("must be one to four numbers up to 65535 with dots between");
        let mut numbers = [0_u16; 4];
        let mut parts = text.as_bytes().split(|byte| *byte == b'.');
        for number in &mut numbers {
            let Some(part) = parts.next() else {
                return Ok(Self(numbers));
            };
            *number = parse_number(part).ok_or(EXPECTED)?;
        }
        if parts.next().is_some() {
            Err(EXPECTED)
        } else {
            Ok(Self(numbers))
        }
    }

    /// All four numbers packed into one, in the order of versions.
    pub const fn packed(self) -> u64 {
        let [a, b, c, d] = self.0;
        (a as u64) << 48 | (b as u64) << 32 | (c as u64) << 16 | d as u64
    }

    /// Undoes [`Version::packed`].
    pub const fn from_packed(packed: u64) -> Self {
        const LOWEST: u64 = 0xFFFF;
        Self([
            (packed >> 48) as u16,
            (packed >> 32 & LOWEST) as u16,
            (packed >> 16 & LOWEST) as u16,
            (packed & LOWEST) as u16,
        ])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(formatter, "{a}.{b}.{c}")?;
        if d == 0 {
            Ok(())
        } else {
            write!(formatter, ".{d}")
        }
    }
}

/// The app that a person holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Where it comes from.
    pub channel: Channel,
    /// Which version it is.
    pub version: Version,
}

/// Digits alone, at least one of them.
fn parse_number(digits: &[u8]) -> Option<u16> {
    let (first, rest) = digits.split_first()?;
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    rest.iter().try_fold(digit(first)?, |number, byte| {
        number.checked_mul(10)?.checked_add(digit(byte)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d20_versions_compare_number_by_number() {
        let required = Version::new(8, 0, 40);
        for (text, old_enough_to_refuse) in [
            ("8.0.9", true),
            ("8.0.37", true),
            ("8.0.40", false),
            ("8.0.40.1", false),
            ("8.1", false),
            ("8", true),
            ("10.0.0", false),
        ] {
            assert_eq!(
                Version::parse(text).unwrap() < required,
                old_enough_to_refuse,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_version_is_malformed() {
        for text in [
            "",
            ".",
            "8.",
            "8..0",
            "8.0.x",
            "8.0.-1",
            "+8",
            "8.0.0.0.0",
            "8.0.65536",
            "８",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_packed_version_unpacks_to_itself() {
        let version = Version::parse("8.0.40.7").unwrap();
        assert_eq!(Version::from_packed(version.packed()), version);
        assert_eq!(version.to_string(), "8.0.40.7");
    }
}
