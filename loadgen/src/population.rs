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
                        card_token: format!("card-{index:032x}").into(),
                        password: person.password,
                    }
                })
                .collect(),
            merchants: merchant_ids(seed, merchants),
        }
    }
}

/// The ids of the merchants of a seed, by index.
pub(crate) fn merchant_ids(seed: u64, merchants: u64) -> Vec<Box<str>> {
    (0..merchants)
        .map(|index| merchant::merchant_id(seed, index).into())
        .collect()
}
