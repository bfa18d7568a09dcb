//! Quote tokens: what was quoted, sealed so that nobody can make one up (D32).

use waika_domain::Malformed;
use waika_domain::event::{Funding, Scene};
use waika_domain::identifiers::{AccountId, MerchantId};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::Timestamp;
use waika_domain::rules::authorise::Quote;

use crate::vault::Vault;

const PREFIX: &str = "quote_1";
const MALFORMED: Malformed = Malformed::new("must be a quote token as Quote gave it");

/// What a quote is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuoteTerms<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) funding: Funding,
    pub(crate) merchant: Option<&'a MerchantId>,
    pub(crate) amount: Amount,
    pub(crate) scene: Scene,
    pub(crate) fee: Fen,
    pub(crate) policy: &'a str,
}

impl QuoteTerms<'_> {
    fn digest(&self, vault: &Vault) -> u64 {
        let merchant = self.merchant.map_or("", MerchantId::as_str);
        let (kind, card) = match self.funding {
            Funding::Card(card) => (0_u8, card.bits()),
            Funding::Balance => (1, 0),
            Funding::Unknown => (2, 0),
        };
        vault.digest_of_terms(&[
            self.account.as_str().as_bytes(),
            &[kind],
            &card.to_le_bytes(),
            merchant.as_bytes(),
            &self.amount.fen().value().to_le_bytes(),
            &[self.scene as u8],
            &self.fee.value().to_le_bytes(),
            self.policy.as_bytes(),
        ])
    }
}

/// A token that one of ours has sealed; what it is for is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuoteToken {
    terms: u64,
    expires_at: Timestamp,
}

impl QuoteToken {
    /// Seals terms until an instant.
    pub(crate) fn of(vault: &Vault, terms: &QuoteTerms<'_>, expires_at: Timestamp) -> Self {
        let terms = terms.digest(vault);
        Self { terms, expires_at }
    }

    /// The token as text.
    pub(crate) fn seal(&self, vault: &Vault) -> String {
        let Self { terms, expires_at } = self;
        let seal = vault.seal("quote", "", &self.numbers());
        format!(
            "{PREFIX}{terms:016x}{:016x}{seal:016x}",
            expires_at.unix_ms()
        )
    }

    /// Reads a token; one that was not sealed here is malformed.
    pub(crate) fn parse(vault: &Vault, text: &str) -> Result<Self, Malformed> {
        let [terms, expires_at, seal] = parse_numbers(text, PREFIX).ok_or(MALFORMED)?;
        let token = Self {
            terms,
            expires_at: Timestamp::from_unix_ms(expires_at.cast_signed()),
        };
        let is_ours = vault.is_seal(seal, "quote", "", &token.numbers());
        if is_ours { Ok(token) } else { Err(MALFORMED) }
    }

    /// What it says about a payment on these terms.
    pub(crate) fn compare(&self, vault: &Vault, terms: &QuoteTerms<'_>, now: Timestamp) -> Quote {
        if now >= self.expires_at {
            Quote::Expired
        } else if self.terms == terms.digest(vault) {
            Quote::Holds
        } else {
            Quote::Differs
        }
    }

    fn numbers(&self) -> [u64; 2] {
        [self.terms, self.expires_at.unix_ms().cast_unsigned()]
    }
}

/// Numbers of sixteen hexadecimal digits each behind a prefix, and nothing else.
pub(crate) fn parse_numbers<const N: usize>(text: &str, prefix: &str) -> Option<[u64; N]> {
    let digits = text.strip_prefix(prefix)?;
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digits.len() != N * 16 || !digits.bytes().all(lower_hex) {
        return None;
    }
    let mut numbers = [0; N];
    for (place, number) in numbers.iter_mut().enumerate() {
        let part = digits.get(place * 16..(place + 1) * 16)?;
        *number = u64::from_str_radix(part, 16).ok()?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::identifiers::CardToken;

    fn terms<'a>(account: &'a AccountId, merchant: &'a MerchantId) -> QuoteTerms<'a> {
        QuoteTerms {
            account,
            funding: Funding::Card(CardToken::from_bits(1)),
            merchant: Some(merchant),
            amount: Amount::from_fen(20_017).unwrap(),
            scene: Scene::Purchase,
            fee: Fen::new(601),
            policy: "weixin-2023",
        }
    }

    #[test]
    fn d32_a_quote_holds_for_its_terms_and_its_time() {
        let vault = Vault::from_key(&[7; 32]);
        let (account, other) = (AccountId::parse("a"), AccountId::parse("b"));
        let (account, other) = (account.unwrap(), other.unwrap());
        let merchant = MerchantId::parse("m").unwrap();
        let same = terms(&account, &merchant);
        let end = Timestamp::from_unix_ms(1_000);
        let text = QuoteToken::of(&vault, &same, end).seal(&vault);
        let token = QuoteToken::parse(&vault, &text).unwrap();
        let says =
            |terms: &QuoteTerms<'_>, at| token.compare(&vault, terms, Timestamp::from_unix_ms(at));
        assert_eq!(says(&same, 999), Quote::Holds);
        assert_eq!(says(&same, 1_000), Quote::Expired);
        let amount = Amount::from_fen(20_018).unwrap();
        for (what, terms) in [
            ("account", terms(&other, &merchant)),
            (
                "card",
                QuoteTerms {
                    funding: Funding::Card(CardToken::from_bits(2)),
                    ..same
                },
            ),
            (
                "merchant",
                QuoteTerms {
                    merchant: None,
                    ..same
                },
            ),
            ("amount", QuoteTerms { amount, ..same }),
            (
                "scene",
                QuoteTerms {
                    scene: Scene::TopUp,
                    ..same
                },
            ),
            (
                "fee",
                QuoteTerms {
                    fee: Fen::new(600),
                    ..same
                },
            ),
            (
                "policy",
                QuoteTerms {
                    policy: "other",
                    ..same
                },
            ),
        ] {
            assert_eq!(says(&terms, 0), Quote::Differs, "{what}");
        }
    }

    #[test]
    fn d32_a_forged_quote_is_malformed() {
        let vault = Vault::from_key(&[7; 32]);
        let account = AccountId::parse("a").unwrap();
        let merchant = MerchantId::parse("m").unwrap();
        let end = Timestamp::from_unix_ms(1_000);
        let text = QuoteToken::of(&vault, &terms(&account, &merchant), end).seal(&vault);
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(
                QuoteToken::parse(&vault, &forged),
                Err(MALFORMED),
                "{forged}"
            );
        }
        for forged in [
            "",
            "quote_1",
            &text[..text.len() - 1],
            &format!("{text}0"),
            "é",
        ] {
            assert_eq!(
                QuoteToken::parse(&vault, forged),
                Err(MALFORMED),
                "{forged}"
            );
        }
        let stranger = Vault::from_key(&[8; 32]);
        assert_eq!(QuoteToken::parse(&stranger, &text), Err(MALFORMED));
    }
}
