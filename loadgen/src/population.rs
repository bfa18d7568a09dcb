//! Those who pay and those who sell, as the hot path needs them: strings ready to be copied.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::merchant;
use crate::person;
use crate::rules::Provisioned;
use crate::scheme::{CardScheme, Shares};
use crate::wire::hex;

/// What names an account to a proxy and tells nobody else which: 16 hexadecimal digits, the first of the SHA-256 of
/// its id.
pub(crate) type AccountHash = [u8; 16];

/// A wallet with a card that can pay.
pub(crate) struct Payer {
    /// Which person of the seed it is.
    pub(crate) person: u64,
    /// Wallet id.
    pub(crate) account_id: Box<str>,
    /// The card, as the server named it. A synthetic population has tokens that no server gave.
    pub(crate) card_token: Box<str>,
    /// Six digits.
    pub(crate) password: [u8; 6],
    /// The card's scheme.
    pub(crate) scheme: CardScheme,
}

impl Payer {
    /// What names its account to proxies.
    pub(crate) fn account_hash(&self) -> AccountHash {
        let digest = Sha256::digest(self.account_id.as_bytes());
        hex(u64::from_be_bytes(
            digest.first_chunk().copied().unwrap_or_default(),
        ))
    }
}

/// Everyone who takes part in a run, by index.
pub(crate) struct Population {
    /// Those who pay.
    pub(crate) payers: Vec<Payer>,
    /// The ids of those who sell.
    pub(crate) merchants: Vec<Box<str>>,
    /// What creating them has exercised; nothing if nobody did.
    pub(crate) provisioned: Provisioned,
}

impl Population {
    /// A population that no server has heard of, for measuring against a floor: of the same size on
    /// the wire as a real one.
    pub(crate) fn synthetic(seed: u64, members: &[u64], merchants: u64) -> Self {
        Self {
            payers: members
                .iter()
                .map(|&index| {
                    let person = person::person(seed, index);
                    Payer {
                        person: index,
                        account_id: person.account_id.into(),
                        card_token: card_token(index).into(),
                        password: person.password,
                        scheme: person.card.scheme,
                    }
                })
                .collect(),
            merchants: merchant_ids(seed, merchants),
            provisioned: Provisioned::default(),
        }
    }

    /// Who pays from the account at this place; `None` if there is no such place.
    pub(crate) fn payer(&self, place: u64) -> Option<&Payer> {
        self.payers.get(usize::try_from(place).ok()?)
    }

    /// The id of the merchant at this place; `None` if there is no such place.
    pub(crate) fn merchant(&self, place: u64) -> Option<&str> {
        let merchant = self.merchants.get(usize::try_from(place).ok()?);
        merchant.map(AsRef::as_ref)
    }

    /// The scheme of the card of the account at this place; `None` if there is no such place.
    pub(crate) fn scheme_of(&self, place: u64) -> Option<CardScheme> {
        Some(self.payer(place)?.scheme)
    }
}

/// Which people of a seed take part: the first so many, or the first of each scheme by its share. A
/// person has the same card whatever the shares are, so that runs with different ones can follow
/// each other on one server; and a larger population has all of a smaller one's people.
pub(crate) fn members(shares: Option<&Shares>, accounts: u64) -> Vec<u64> {
    let Some(shares) = shares else {
        return (0..accounts).collect();
    };
    let mut taken: BTreeMap<CardScheme, u64> = BTreeMap::new();
    shares
        .in_turn()
        .zip(0..accounts)
        .map(|(scheme, _)| {
            let ordinal = taken.entry(scheme).or_default();
            let index = person::index_of(scheme, *ordinal);
            *ordinal += 1;
            index
        })
        .collect()
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

    #[test]
    fn a_population_has_the_schemes_that_it_is_to_have() {
        use CardScheme::{Jcb, Mastercard, Visa};
        let schemes = |shares: &str, accounts| {
            let shares: Shares = shares.parse().unwrap();
            let members = members(Some(&shares), accounts);
            let population = Population::synthetic(1, &members, 1);
            let mut ids: Vec<&str> = population.payers.iter().map(|p| &*p.account_id).collect();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), members.len(), "the same person twice");
            (0..accounts)
                .map(|place| population.scheme_of(place).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(schemes("visa=50,jcb=50", 4), [Visa, Jcb, Visa, Jcb]);
        let mostly = schemes("mastercard=9,visa=1", 1_000);
        let count = |wanted| mostly.iter().filter(|scheme| **scheme == wanted).count();
        assert_eq!((count(Mastercard), count(Visa)), (900, 100));
    }

    #[test]
    fn an_account_is_named_by_the_sha_256_of_its_id() {
        let population = Population::synthetic(5, &[77], 1);
        let payer = population.payer(0).unwrap();
        assert_eq!(&*payer.account_id, "acct-5-77");
        assert_eq!(&payer.account_hash(), b"c3ede102946136dd");
    }

    #[test]
    fn without_shares_everyone_takes_part_in_order() {
        assert_eq!(members(None, 4), [0, 1, 2, 3]);
        let population = Population::synthetic(1, &members(None, 4), 1);
        assert_eq!(population.scheme_of(0), Some(CardScheme::Visa));
        assert_eq!(population.scheme_of(4), None);
    }

    #[test]
    fn a_larger_population_has_all_of_a_smaller_one() {
        let shares: Shares = "visa=3,discover=2".parse().unwrap();
        let (few, many) = (members(Some(&shares), 17), members(Some(&shares), 500));
        assert_eq!(few, many[..17]);
    }
}
