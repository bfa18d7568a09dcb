//! Numbers as letters and digits.

use std::fmt;

/// Crockford's alphabet: no `I`, `L`, `O` or `U`, so that a code survives being read aloud.
pub(super) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters and digits of a number, thirteen: all 64 bits.
const DIGITS: usize = 13;

/// The last letters and digits of a number.
pub(super) fn base32<const PLACES: usize>(number: u64) -> [u8; PLACES] {
    let mut text = [0_u8; PLACES];
    let mut rest = number;
    for place in text.iter_mut().rev() {
        *place = ALPHABET.get((rest % 32) as usize).copied().unwrap_or(b'0');
        rest /= 32;
    }
    text
}

/// Writes a number behind a prefix of at most seven letters. In one piece, so that a text made of it
/// has its length from the first.
pub(super) fn write_id(
    formatter: &mut fmt::Formatter<'_>,
    prefix: &str,
    number: u64,
) -> fmt::Result {
    let mut text = [0_u8; 7 + DIGITS];
    let (letters, end) = (prefix.len(), prefix.len() + DIGITS);
    if let Some(place) = text.get_mut(..letters) {
        place.copy_from_slice(prefix.as_bytes());
    }
    if let Some(place) = text.get_mut(letters..end) {
        place.copy_from_slice(&base32::<DIGITS>(number));
    }
    let written = text.get(..end);
    formatter.write_str(
        written
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default(),
    )
}

pub(super) fn decode(text: &str) -> Option<u64> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0_u64, |number, letter| {
        number.checked_mul(32)?.checked_add(digit(letter)?.into())
    })
}

/// The place of a letter in [`ALPHABET`].
fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'A'..=b'H' => Some(letter - b'A' + 10),
        b'J'..=b'K' => Some(letter - b'J' + 18),
        b'M'..=b'N' => Some(letter - b'M' + 20),
        b'P'..=b'T' => Some(letter - b'P' + 22),
        b'V'..=b'Z' => Some(letter - b'V' + 27),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_digit_whose_place_it_has() {
        for letter in 0..=u8::MAX {
            let place = ALPHABET.iter().position(|known| *known == letter);
            assert_eq!(digit(letter).map(usize::from), place, "{letter}");
        }
    }
}
