//! Payment tokens, which stand for the password in one payment, and the shape of payment codes.
//!
//! A token names its account's record by a nonce, and a seal over caller, account, funding, amount
//! and the password that was verified: another payment, or another password since, voids it.

use waika_domain::Malformed;
use waika_domain::event::{Funding, PasswordVerifier};
use waika_domain::identifiers::AccountId;
use waika_domain::money::Amount;

use crate::quote_token::parse_numbers;
use crate::vault::Vault;

const PREFIX: &str = "token_1";

/// The one payment that a token is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenTerms<'a> {
    pub(crate) caller: &'a str,
    pub(crate) account: &'a AccountId,
    pub(crate) funding: Funding,
    pub(crate) amount: Amount,
    /// The password that was verified.
    pub(crate) password: &'a PasswordVerifier,
}

impl TokenTerms<'_> {
    fn seal(&self, vault: &Vault, nonce: u64) -> u64 {
        let (kind, card) = match self.funding {
            Funding::Card(card) => (0, card.bits()),
            Funding::Balance => (1, 0),
            Funding::Unknown => (2, 0),
        };
        let fen = self.amount.fen().value().cast_unsigned();
        let salt = u64::from_le_bytes(self.password.salt);
        let purpose = ["payment token ", self.caller].concat();
        let numbers = [nonce, kind, card, fen, salt];
        vault.seal(&purpose, self.account.as_str(), &numbers)
    }
}

/// The token of a nonce as text: a secret.
pub(crate) fn seal(vault: &Vault, terms: &TokenTerms<'_>, nonce: u64) -> String {
    let seal = terms.seal(vault, nonce);
    format!("{PREFIX}{nonce:016x}{seal:016x}")
}

/// The nonce of a token that was made here for this payment.
pub(crate) fn nonce(vault: &Vault, terms: &TokenTerms<'_>, text: &str) -> Option<u64> {
    let [nonce, seal] = parse_numbers(text, PREFIX)?;
    let right = terms.seal(vault, nonce);
    let is_ours: bool = subtle::ConstantTimeEq::ct_eq(&seal, &right).into();
    is_ours.then_some(nonce)
}

/// Takes a payment code's shape: eighteen digits that begin with 10 to 15 (D10).
pub(crate) fn check_code(text: &str) -> Result<(), Malformed> {
    let digits = text.len() == 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    let begins = ["10", "11", "12", "13", "14", "15"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    if digits && begins {
        Ok(())
    } else {
        Err(Malformed::new(
            "must be eighteen digits that begin with 10 to 15",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::identifiers::CardToken;

    #[test]
    fn a_token_is_good_for_one_caller_account_funding_amount_and_password() {
        let vault = Vault::from_key(&[7; 32]);
        let account = AccountId::parse("a").unwrap();
        let other = AccountId::parse("b").unwrap();
        let password = vault.password(&account, "135790", [1; 8]);
        let changed = vault.password(&account, "135790", [2; 8]);
        let terms = TokenTerms {
            caller: "shop",
            account: &account,
            funding: Funding::Card(CardToken::from_bits(5)),
            amount: Amount::from_fen(100).unwrap(),
            password: &password,
        };
        let text = seal(&vault, &terms, 42);
        assert_eq!(nonce(&vault, &terms, &text), Some(42));
        let amount = Amount::from_fen(101).unwrap();
        let card = Funding::Card(CardToken::from_bits(6));
        for (what, terms) in [
            (
                "caller",
                TokenTerms {
                    caller: "",
                    ..terms
                },
            ),
            (
                "account",
                TokenTerms {
                    account: &other,
                    ..terms
                },
            ),
            (
                "card",
                TokenTerms {
                    funding: card,
                    ..terms
                },
            ),
            (
                "funding",
                TokenTerms {
                    funding: Funding::Balance,
                    ..terms
                },
            ),
            ("amount", TokenTerms { amount, ..terms }),
            (
                "password",
                TokenTerms {
                    password: &changed,
                    ..terms
                },
            ),
        ] {
            assert_eq!(nonce(&vault, &terms, &text), None, "{what}");
        }
        for forged in ["", "token_1", &text.replace("2a", "2b"), &text[1..]] {
            assert_eq!(nonce(&vault, &terms, forged), None, "{forged}");
        }
    }

    #[test]
    fn d10_a_payment_code_has_eighteen_digits() {
        for (code, accepted) in [
            ("101234567890123456", true),
            ("151234567890123456", true),
            ("161234567890123456", false),
            ("001234567890123456", false),
            ("10123456789012345", false),
            ("1012345678901234567", false),
            ("10123456789012345a", false),
            ("", false),
        ] {
            assert_eq!(check_code(code).is_ok(), accepted, "{code}");
        }
    }
}
