//! Those who pay and those who sell, as the hot path needs them: strings ready to be copied.

use crate::merchant;
use crate::person;

/// A wallet with a card that can pay.
pub(crate) struct Payer {
    /// Wallet id.
    pub(crate) account_id: Box<str>,
    /// The card, as the server named it. A synthetic population has tokens that no server gave.
    pub(crate) card_token: Box<str>,
    /// Six digits.
    pub(crate) password: [u8; 6],
}

/// Everyone who takes part in a run, by index.
pub(crate) struct Population {
    /// Those who pay.
    pub(crate) payers: Vec<Payer>,
    /// The ids of those who sell.
    pub(crate) merchants: Vec<Box<str>>,
}

impl Population {
    /// A population that no server has heard of, for measuring against a floor: of the same size on
    /// the wire as a real one.
    pub(crate) fn synthetic(seed: u64, accounts: u64, merchants: u64) -> Self {
        Self {
            payers: (0..accounts)
                .map(|index| {
                    let person = person::person(seed, index);
                    Payer {
                        account_id: person.account_id.into(),
                        card_token: card_token(index).into(),
                        password: person.password,
                    }
                })
                .collect(),
            merchants: merchant_ids(seed, merchants),
        }
    }
}

/// A token of the form that the server gives: 64 bits in Crockford's base 32.
fn card_token(bits: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digits = (0..13).rev().map(|place| {
        let digit = usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0);
        ALPHABET.get(digit).copied().map_or('0', char::from)
    });
    "card_".chars().chain(digits).collect()
}

/// The ids of the merchants of a seed, by index.
pub(crate) fn merchant_ids(seed: u64, merchants: u64) -> Vec<Box<str>> {
    (0..merchants)
        .map(|index| merchant::merchant_id(seed, index).into())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_tokens_have_the_form_of_real_ones() {
        let check = |bits, expected: &str| assert_eq!(card_token(bits), expected);
        check(0, "card_0000000000000");
        check(33, "card_0000000000011");
        check(u64::MAX, "card_FZZZZZZZZZZZZ");
    }
}
