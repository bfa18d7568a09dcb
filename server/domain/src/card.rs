//! Card numbers, schemes and what is kept of a bound card (R6, R17, R18, R39, D26, D28 to D30).

use std::fmt;

use compact_str::CompactString;

use crate::Malformed;
use crate::event::IssuerKind;
pub use crate::identifiers::Bin;
use crate::identifiers::{CardToken, Fingerprint};
use crate::period::Timestamp;

/// The five schemes that can be bound: a closed list (R17, R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// Diners Club International.
    DinersClub,
    /// Discover.
    Discover,
    /// JCB.
    Jcb,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 5] = [
        Self::Visa,
        Self::Mastercard,
        Self::DinersClub,
        Self::Discover,
        Self::Jcb,
    ];

    /// Whose number begins with these six digits; None for American Express, UnionPay and all
    /// others that are not on the list.
    fn of_bin(bin: u32) -> Option<Self> {
        match bin {
            400_000..=499_999 => Some(Self::Visa),
            510_000..=559_999 | 222_100..=272_099 => Some(Self::Mastercard),
            300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => {
                Some(Self::DinersClub)
            }
            601_100..=601_199 | 644_000..=659_999 | 622_126..=622_925 => Some(Self::Discover),
            352_800..=358_999 => Some(Self::Jcb),
            _ => None,
        }
    }

    /// How many digits its numbers have (D30).
    fn accepts_length(self, digits: usize) -> bool {
        match self {
            Self::Visa => [13, 16, 19].contains(&digits),
            Self::Mastercard => digits == 16,
            Self::DinersClub => (14..=19).contains(&digits),
            Self::Discover | Self::Jcb => (16..=19).contains(&digits),
        }
    }
}

/// A card number while it is being looked at; borrowed, so that whoever holds the secret wipes
/// it (D28).
#[derive(Clone, Copy)]
pub struct CardNumber<'a> {
    digits: &'a str,
    bin: u32,
    scheme: Option<Scheme>,
}

impl<'a> CardNumber<'a> {
    /// Takes 12 to 19 digits without separators, with a right check digit and, where the scheme
    /// is known, a right length (D30).
    pub fn parse(digits: &'a str) -> Result<Self, Malformed> {
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits || !(12..=19).contains(&digits.len()) {
            return Err(Malformed::new("must be 12 to 19 digits"));
        }
        if !luhn(digits) {
            return Err(Malformed::new("has a wrong check digit (Luhn)"));
        }
        let bin = digits
            .get(..6)
            .and_then(|bin| bin.parse().ok())
            .unwrap_or_default();
        let scheme = Scheme::of_bin(bin);
        if scheme.is_some_and(|scheme| !scheme.accepts_length(digits.len())) {
            return Err(Malformed::new(
                "has a number of digits that its scheme does not use",
            ));
        }
        Ok(Self {
            digits,
            bin,
            scheme,
        })
    }

    /// The digits themselves: secret.
    pub fn expose_digits(self) -> &'a str {
        self.digits
    }

    /// The scheme by its first digits; None if it is not on the list (R17).
    pub fn scheme(self) -> Option<Scheme> {
        self.scheme
    }

    /// The first six digits.
    pub fn bin(self) -> u32 {
        self.bin
    }

    /// The last four digits.
    pub fn last_four(self) -> u16 {
        let start = self.digits.len().saturating_sub(4);
        self.digits
            .get(start..)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default()
    }

    /// A number that no bank has issued, of the published test ranges (D26).
    pub fn is_test(self) -> bool {
        match self.bin {
            411_111 | 555_555 | 222_300 | 601_111 | 353_011 => self.digits.len() == 16,
            305_693 => self.digits.len() == 14,
            _ => false,
        }
    }
}

impl fmt::Debug for CardNumber<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CardNumber(…)")
    }
}

/// Doubles every second digit from the right; the sum of all digits ends in zero.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = digit * 2;
            match (place % 2 == 1, doubled > 9) {
                (false, _) => digit,
                (true, false) => doubled,
                (true, true) => doubled - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Month and year on the face of a card (ISO 8583 DE14); valid through the end of that month in
/// Asia/Shanghai (D29).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardExpiry {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
}

impl CardExpiry {
    /// Takes a month 1 to 12 and a year 2000 to 2099.
    pub fn new(year: i32, month: i32) -> Result<Self, Malformed> {
        match (u16::try_from(year), u8::try_from(month)) {
            (Ok(year @ 2000..=2099), Ok(month @ 1..=12)) => Ok(Self { year, month }),
            _ => Err(Malformed::new(
                "must be a month 1 to 12 and a year 2000 to 2099",
            )),
        }
    }

    /// True once its month is over.
    pub fn is_over(self, now: Timestamp) -> bool {
        now.month() > crate::period::Month::from_civil(i32::from(self.year), self.month)
    }
}

impl fmt::Display for CardExpiry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

/// What the issuer gave us to name a card by, instead of its number (D28). Up to 24 bytes stand in
/// place: most cards need no memory beside their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IssuerCardReference(pub CompactString);

/// What is kept of a card: never its number, never its security code (D28).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundCard {
    /// Its name within the account.
    pub token: CardToken,
    /// Digest of its number, for finding the same card again.
    pub fingerprint: Fingerprint,
    /// Names it to the issuer.
    pub issuer_reference: IssuerCardReference,
    /// Who gave that name, and is asked for it: nobody else knows it.
    pub issuer: IssuerKind,
    /// First six digits.
    pub bin: Bin,
    /// Mark of the phone that it was bound with (R21): only that phone resets the password with
    /// this card (R47).
    pub phone: u32,
    /// Last four digits.
    pub last_four: u16,
    /// Its scheme.
    pub scheme: Scheme,
    /// When it expires; after Bind only the issuer judges that (D29).
    pub expiry: CardExpiry,
    /// The name on the card was the name on the document (D9).
    pub holder_matches: bool,
    /// When it was bound.
    pub bound_at: Timestamp,
    /// The sequence of the event that bound it; 0 in that event itself.
    pub bound_by: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends the digit that makes the number pass.
    fn complete(prefix: &str) -> String {
        (0..10)
            .map(|digit| format!("{prefix}{digit}"))
            .find(|number| luhn(number))
            .unwrap()
    }

    fn number_of(prefix: &str, length: usize) -> String {
        complete(&format!("{prefix:0<width$}", width = length - 1))
    }

    fn scheme_of(prefix: &str, length: usize) -> Option<Scheme> {
        CardNumber::parse(&number_of(prefix, length))
            .unwrap()
            .scheme()
    }

    #[test]
    fn r18_five_schemes_are_known_by_their_first_digits() {
        use Scheme::{DinersClub, Discover, Jcb, Mastercard, Visa};
        for (prefixes, length, expected) in [
            (&["4", "411111", "499999"][..], 16, Some(Visa)),
            (
                &["51", "55", "5555", "2221", "2720", "222300"],
                16,
                Some(Mastercard),
            ),
            (
                &["300", "305", "3095", "36", "38", "39"],
                14,
                Some(DinersClub),
            ),
            (
                &["6011", "644", "649", "65", "622126", "622925"],
                16,
                Some(Discover),
            ),
            (&["3528", "3589", "353011"], 16, Some(Jcb)),
        ] {
            for prefix in prefixes {
                assert_eq!(scheme_of(prefix, length), expected, "{prefix}");
            }
        }
    }

    #[test]
    fn r17_a_card_outside_the_list_has_no_scheme() {
        for (prefix, length) in [
            ("34", 15),
            ("37", 15),
            ("62", 16),
            ("622125", 16),
            ("622926", 16),
            ("50", 16),
            ("56", 16),
            ("2220", 16),
            ("2721", 16),
            ("306", 14),
            ("3094", 14),
            ("3527", 16),
            ("3590", 16),
            ("643", 16),
            ("66", 16),
            ("1", 16),
        ] {
            assert_eq!(scheme_of(prefix, length), None, "{prefix}");
        }
    }

    #[test]
    fn d30_lengths_and_check_digits() {
        for (prefix, length, accepted) in [
            ("4", 13, true),
            ("4", 14, false),
            ("4", 16, true),
            ("4", 19, true),
            ("55", 16, true),
            ("55", 17, false),
            ("36", 14, true),
            ("36", 19, true),
            ("6011", 15, false),
            ("6011", 19, true),
            ("3528", 16, true),
        ] {
            let number = number_of(prefix, length);
            assert_eq!(
                CardNumber::parse(&number).is_ok(),
                accepted,
                "{prefix} of {length}"
            );
        }
        for number in [
            "4111111111111112",
            "41111111111",
            "41111111111111111111",
            "4111-1111",
            "",
            "４",
        ] {
            assert!(CardNumber::parse(number).is_err(), "{number}");
        }
    }

    #[test]
    fn d26_test_numbers_are_known_by_range_and_length() {
        for (prefix, length, test) in [
            ("411111", 16, true),
            ("411111", 19, false),
            ("555555", 16, true),
            ("222300", 16, true),
            ("601111", 16, true),
            ("353011", 16, true),
            ("305693", 14, true),
            ("305693", 16, false),
            ("400000", 16, false),
        ] {
            let number = number_of(prefix, length);
            assert_eq!(
                CardNumber::parse(&number).unwrap().is_test(),
                test,
                "{prefix}"
            );
        }
    }

    #[test]
    fn only_six_and_four_digits_are_kept() {
        let number = CardNumber::parse("4111111111111111").unwrap();
        assert_eq!((number.bin(), number.last_four()), (411_111, 1_111));
        assert!(!format!("{number:?}").contains('4'));
    }

    #[test]
    fn d29_a_card_is_valid_through_its_month() {
        let expiry = CardExpiry::new(2024, 2).unwrap();
        let end = crate::period::Month::from_civil(2024, 2).end();
        assert!(!expiry.is_over(Timestamp::from_unix_ms(end.unix_ms() - 1)));
        assert!(expiry.is_over(end));
        for (year, month) in [
            (1999, 1),
            (2100, 1),
            (2024, 0),
            (2024, 13),
            (24, 1),
            (-1, -1),
        ] {
            assert!(CardExpiry::new(year, month).is_err(), "{year}-{month}");
        }
    }
}
