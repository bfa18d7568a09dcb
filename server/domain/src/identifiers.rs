//! Names of accounts, merchants, cards, authorisations and calls.

use std::fmt;
use std::sync::Arc;

use crate::Malformed;

/// Crockford's alphabet: no `I`, `L`, `O` or `U`, so that a code survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident($text:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($text);

        impl $name {
            /// Takes 1 to 64 letters, digits, or any of `. _ : @ -`.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
                if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text.into()))
                } else {
                    Err(Malformed::new("must be 1 to 64 letters, digits, or any of . _ : @ -"))
                }
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

/// A caller's name for one call, so that sending it again has no second effect (D18).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Takes 1 to 64 bytes of printable ASCII.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if (1..=64).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed::new("must be 1 to 64 bytes of printable ASCII"))
        }
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
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
        formatter.write_str(Self::PREFIX)?;
        Base32(self.0).fmt(formatter)
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

    /// Eight letters and digits that differ for any two decisions less than a million million
    /// apart: what of the id fits into a retrieval reference number (DE37).
    pub fn short_reference(self) -> String {
        // The low bits of a product depend on the low bits alone, so this is a bijection too.
        let mixed = self.0.wrapping_mul(Self::MULTIPLIER) % (1 << 40);
        let text = Base32(mixed).to_string();
        text.get(5..).unwrap_or_default().to_owned()
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
        formatter.write_str(Self::PREFIX)?;
        Base32(self.0.wrapping_mul(Self::MULTIPLIER).rotate_right(32)).fmt(formatter)
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
        formatter.write_str(Self::PREFIX)?;
        Base32(self.0).fmt(formatter)
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

/// Writes a number in thirteen letters and digits.
struct Base32(u64);

impl fmt::Display for Base32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 13];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            *place = ALPHABET.get((rest % 32) as usize).copied().unwrap_or(b'0');
            rest /= 32;
        }
        formatter.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

fn decode(text: &str) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        number.checked_mul(32)?.checked_add(digit as u64)
    })
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
            assert_eq!(AccountId::parse(text).is_ok(), accepted, "{text}");
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
            assert_eq!(IdempotencyKey::parse(text).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn ids_and_tokens_read_back_as_written() {
        for number in [0, 1, 2, 31, 32, 1 << 40, u64::MAX - 1, u64::MAX] {
            let id = AuthorisationId::from_sequence(number);
            assert_eq!(AuthorisationId::parse(&id.to_string()), Some(id));
            let token = CardToken::from_bits(number);
            assert_eq!(CardToken::parse(&token.to_string()), Ok(token));
        }
    }

    #[test]
    fn short_references_differ_and_do_not_count_up() {
        let references: std::collections::HashSet<_> = (0..100_000)
            .map(|number| AuthorisationId::from_sequence(number).short_reference())
            .collect();
        assert_eq!(references.len(), 100_000);
        assert!(references.iter().all(|reference| reference.len() == 8));
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
