//! Names of places in an account's history, sealed for that account: where the next page begins,
//! and which entry a service message comes from.

use waika_domain::Malformed;
use waika_domain::identifiers::AccountId;

use crate::quote_token::parse_numbers;
use crate::vault::Vault;

const PREFIX: &str = "page_1";
const NOTICE_PREFIX: &str = "note_1";
const MALFORMED: Malformed =
    Malformed::new("must be a page token as the page before gave it for this account");
const NO_NOTICE: Malformed =
    Malformed::new("must be a notification id as it was given for this account");

/// The name of the service message of an entry.
pub(crate) fn seal_notice(vault: &Vault, account: &AccountId, sequence: u64) -> String {
    let seal = vault.seal("notice", account.as_str(), &[sequence]);
    format!("{NOTICE_PREFIX}{sequence:016x}{seal:016x}")
}

/// The sequence in such a name.
pub(crate) fn parse_notice(
    vault: &Vault,
    account: &AccountId,
    text: &str,
) -> Result<u64, Malformed> {
    let [sequence, seal] = parse_numbers(text, NOTICE_PREFIX).ok_or(NO_NOTICE)?;
    let is_ours = vault.is_seal(seal, "notice", account.as_str(), &[sequence]);
    if is_ours {
        Ok(sequence)
    } else {
        Err(NO_NOTICE)
    }
}

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
        let name = seal_notice(&vault, &mine, 42);
        assert_eq!(parse_notice(&vault, &mine, &name), Ok(42));
        assert_eq!(parse_notice(&vault, &other, &name), Err(NO_NOTICE));
        assert_eq!(parse(&vault, &mine, &name), Err(MALFORMED));
    }
}
