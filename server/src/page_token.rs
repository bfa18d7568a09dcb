//! Page tokens of an account's history: where the next page begins, sealed for that account.

use waika_domain::Malformed;
use waika_domain::identifiers::AccountId;

use crate::quote_token::parse_numbers;
use crate::vault::Vault;

const PREFIX: &str = "page_1";
const MALFORMED: Malformed =
    Malformed::new("must be a page token as ListAuthorisations gave it for this account");

/// The token for the page that begins with the entry of a sequence.
pub(crate) fn seal(vault: &Vault, account: &AccountId, sequence: u64) -> String {
    let seal = vault.seal("page", account.as_str(), &[sequence]);
    format!("{PREFIX}{sequence:016x}{seal:016x}")
}

/// The sequence in a token; one of another account is malformed, as a forged one is.
pub(crate) fn parse(vault: &Vault, account: &AccountId, text: &str) -> Result<u64, Malformed> {
    let [sequence, seal] = parse_numbers(text, PREFIX).ok_or(MALFORMED)?;
    if vault.is_seal(seal, "page", account.as_str(), &[sequence]) {
        Ok(sequence)
    } else {
        Err(MALFORMED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_is_good_for_its_account_only() {
        let vault = Vault::from_key(&[7; 32]);
        let (mine, other) = (
            AccountId::parse("a").unwrap(),
            AccountId::parse("b").unwrap(),
        );
        let token = seal(&vault, &mine, 42);
        assert_eq!(parse(&vault, &mine, &token), Ok(42));
        assert_eq!(parse(&vault, &other, &token), Err(MALFORMED));
        assert_eq!(
            parse(&vault, &mine, &token.replace("2a", "2b")),
            Err(MALFORMED)
        );
        assert_eq!(parse(&vault, &mine, "page_1"), Err(MALFORMED));
    }
}
