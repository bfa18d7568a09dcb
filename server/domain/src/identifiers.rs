//! Names of accounts, merchants, cards, authorisations and calls.

mod letters;

use std::fmt;
use std::sync::Arc;

use self::letters::{base32, decode, write_id};
use crate::Malformed;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident($text:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($text);

        impl $name {
            /// Takes 1 to 64 letters, digits, or any of `. _ : @ -`.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                check_name(text)?;
                Ok(Self(text.into()))
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// A wallet.
    AccountId(Box<str>)
}
name_type! {
    /// A merchant (ISO 8583 DE42). Shared, since every payment to it takes its name along.
    MerchantId(Arc<str>)
}

fn check_name(text: &str) -> Result<(), Malformed> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Malformed::new(
            "must be 1 to 64 letters, digits, or any of . _ : @ -",
        ))
    }
}

/// As [`AccountId::parse`], but the text is not copied.
impl TryFrom<String> for AccountId {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        check_name(&text)?;
        Ok(Self(text.into()))
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0.into()
    }
}

/// A caller's name for one call, so that sending it again has no second effect (D18).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Takes 1 to 64 bytes of printable ASCII.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    fn check(text: &str) -> Result<(), Malformed> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            Ok(())
        } else {
            Err(Malformed::new("must be 1 to 64 bytes of printable ASCII"))
        }
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As [`IdempotencyKey::parse`], but the text is not copied.
impl TryFrom<String> for IdempotencyKey {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::check(&text)?;
        Ok(Self(text.into()))
    }
}

/// A call of one kind on one account: who made it, and the name that the caller gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallName {
    /// Empty where callers are not told apart.
    pub caller: Box<str>,
    /// The caller's name for the call.
    pub key: IdempotencyKey,
}

/// Names a card within its account; says nothing about the card's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardToken(u64);

impl CardToken {
    const PREFIX: &str = "card_";

    /// Takes 64 random bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads a token as [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        text.strip_prefix(Self::PREFIX)
            .and_then(decode)
            .map(Self)
            .ok_or(Malformed::new(
                "must be a card token as Bind or ListCards gave it",
            ))
    }
}

impl fmt::Display for CardToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(formatter, Self::PREFIX, self.0)
    }
}

/// Stands for a payment code: its digest under a key, since the code itself is a secret (R57).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeDigest(pub u64);

/// Names one decision. Opaque to callers; the `1` after the prefix is the version of the
/// encoding, whose content is the decision's sequence in the ledger, mixed so that ids do not
/// tell callers how many decisions there have been between two of theirs at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthorisationId(u64);

impl AuthorisationId {
    const PREFIX: &str = "auth_1";
    /// Odd, so that multiplying by it is a bijection of the 64-bit numbers.
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    const MULTIPLIER_INVERSE: u64 = inverse(Self::MULTIPLIER);

    /// Takes a decision's sequence in the ledger.
    pub const fn from_sequence(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The decision's sequence in the ledger.
    pub const fn sequence(self) -> u64 {
        self.0
    }

    /// Eight letters and digits, in ASCII, that differ for any two decisions less than a million million
    /// apart: what of the id fits into a retrieval reference number (DE37).
    pub fn short_reference(self) -> [u8; 8] {
        // The low bits of a product depend on the low bits alone, so this is a bijection too.
        base32(self.0.wrapping_mul(Self::MULTIPLIER))
    }

    /// Reads an id as [`fmt::Display`] writes it. None if it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mixed = decode(text.strip_prefix(Self::PREFIX)?)?;
        Some(Self(
            mixed.rotate_left(32).wrapping_mul(Self::MULTIPLIER_INVERSE),
        ))
    }
}

impl fmt::Display for AuthorisationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mixed = self.0.wrapping_mul(Self::MULTIPLIER).rotate_right(32);
        write_id(formatter, Self::PREFIX, mixed)
    }
}

/// Names a ticket within its account, of whatever kind: the sequence of the event that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId(u64);

impl TicketId {
    const PREFIX: &str = "ticket_";

    /// Takes the sequence of the event that opened it.
    pub const fn from_sequence(sequence: u64) -> Self {
        Self(sequence)
    }

    /// The sequence of the event that opened it.
    pub const fn sequence(self) -> u64 {
        self.0
    }

    /// Reads an id as [`fmt::Display`] writes it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        text.strip_prefix(Self::PREFIX)
            .and_then(decode)
            .map(Self)
            .ok_or(Malformed::new("must be a ticket id as it was listed"))
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_id(formatter, Self::PREFIX, self.0)
    }
}

/// A keyed digest of something personal or secret: a card number, a document, a phone. It can
/// be compared and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Its first 32 bits: for holding a claim against what is known of one account, where finding
    /// a match by chance is out of reach and the whole would cost too much room.
    pub fn mark(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_le_bytes([a, b, c, d])
    }
}

/// Eight hex digits: enough to tell two apart in a log, too few to be of use elsewhere.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(formatter, "Fingerprint({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// Newton's iteration doubles the number of right bits each time, from five to over 64.
const fn inverse(odd: u64) -> u64 {
    let mut guess = odd.wrapping_mul(3) ^ 2;
    let mut round = 0;
    while round < 4 {
        guess = guess.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(guess)));
        round += 1;
    }
    guess
}

/// The first six digits of a card's number, in three bytes: an account keeps it at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin([u8; 3]);

impl Bin {
    /// Takes six digits; of more than 24 bits the lowest.
    pub const fn new(digits: u32) -> Self {
        let [_, a, b, c] = digits.to_be_bytes();
        Self([a, b, c])
    }

    /// The six digits as a number.
    pub const fn value(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_be_bytes([0, a, b, c])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_kept_whole() {
        for digits in [0, 1, 411_111, 601_111, 999_999] {
            assert_eq!(Bin::new(digits).value(), digits);
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        let long = "a".repeat(65);
        for (text, accepted) in [
            ("wxid_1", true),
            ("a.b:c@d-e_F9", true),
            ("a".repeat(64).as_str(), true),
            ("", false),
            (long.as_str(), false),
            ("a b", false),
            ("外卡", false),
            ("a\0", false),
            ("a/b", false),
        ] {
            let account = AccountId::parse(text);
            assert_eq!(account.is_ok(), accepted, "{text}");
            assert_eq!(AccountId::try_from(text.to_owned()), account);
            assert!(account.is_err() || account.map(String::from) == Ok(text.to_owned()));
            assert_eq!(MerchantId::parse(text).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn keys_are_printable_ascii() {
        for (text, accepted) in [
            ("k 1/~", true),
            ("", false),
            ("k\n", false),
            ("é", false),
            (&"k".repeat(65), false),
        ] {
            let key = IdempotencyKey::parse(text);
            assert_eq!(key.is_ok(), accepted, "{text}");
            assert_eq!(IdempotencyKey::try_from(text.to_owned()), key);
        }
    }

    #[test]
    fn ids_and_tokens_read_back_as_written() {
        for number in [0, 1, 2, 31, 32, 1 << 40, u64::MAX - 1, u64::MAX] {
            let id = AuthorisationId::from_sequence(number);
            assert_eq!(AuthorisationId::parse(&id.to_string()), Some(id));
            let token = CardToken::from_bits(number);
            assert_eq!(CardToken::parse(&token.to_string()), Ok(token));
            let ticket = TicketId::from_sequence(number);
            assert_eq!(TicketId::parse(&ticket.to_string()), Ok(ticket));
        }
    }

    #[test]
    fn ids_are_written_as_they_always_were() {
        for (written, expected) in [
            (CardToken::from_bits(0).to_string(), "card_0000000000000"),
            (CardToken::from_bits(35).to_string(), "card_0000000000013"),
            (
                CardToken::from_bits(u64::MAX).to_string(),
                "card_FZZZZZZZZZZZZ",
            ),
            (
                TicketId::from_sequence(31).to_string(),
                "ticket_000000000000Z",
            ),
            (
                AuthorisationId::from_sequence(0).to_string(),
                "auth_10000000000000",
            ),
        ] {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn short_references_differ_and_do_not_count_up() {
        let references: std::collections::HashSet<_> = (0..100_000)
            .map(|number| AuthorisationId::from_sequence(number).short_reference())
            .collect();
        assert_eq!(references.len(), 100_000);
        let mut written = references.iter().flatten();
        assert!(written.all(|letter| letters::ALPHABET.contains(letter)));
        let wrapped = AuthorisationId::from_sequence(1 << 40).short_reference();
        assert_eq!(wrapped, AuthorisationId::from_sequence(0).short_reference());
    }

    #[test]
    fn what_is_no_id_of_ours_is_none() {
        for text in [
            "",
            "auth_1",
            "auth_2AAAAAAAAAAAAA",
            "auth_1ZZZZZZZZZZZZZ",
            "card_0000000000000",
            "auth_10000000000000é",
        ] {
            assert_eq!(AuthorisationId::parse(text), None, "{text}");
        }
        assert!(CardToken::parse("card_00000000000000").is_err());
        assert!(CardToken::parse("auth_0000000000000").is_err());
    }
}
