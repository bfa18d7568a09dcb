//! Names of places in an account's history, sealed for that account: where the next page begins,
//! and which entry a service message comes from. And of places in the operator log, sealed for what of it is
//! asked for.

use waika_domain::Malformed;
use waika_domain::identifiers::AccountId;

use crate::quote_token::parse_numbers;
use crate::vault::Vault;

const PREFIX: &str = "page_1";
const NOTICE_PREFIX: &str = "note_1";
const MALFORMED: Malformed =
    Malformed::new("must be a page token as the page before gave it for this account");
const ACTION_PREFIX: &str = "action_1";
const NO_PAGE_OF_ACTIONS: Malformed = Malformed::new(
    "must be a page token as the page before gave it for this account_id and caller",
);
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

/// The name of what an operator did.
pub(crate) fn seal_action(vault: &Vault, sequence: u64) -> String {
    let seal = vault.seal("action", "", &[sequence]);
    format!("{ACTION_PREFIX}{sequence:016x}{seal:016x}")
}

/// The token for the page of the operator log that begins with the entry of a sequence, of what was done to
/// an account or by a caller (empty: to or by any).
pub(crate) fn seal_actions(vault: &Vault, asked: (&str, &str), sequence: u64) -> String {
    let seal = vault.seal("actions", &scope_of(asked), &[sequence]);
    format!("{PREFIX}{sequence:016x}{seal:016x}")
}

/// The sequence in such a token.
pub(crate) fn parse_actions(
    vault: &Vault,
    asked: (&str, &str),
    text: &str,
) -> Result<u64, Malformed> {
    let [sequence, seal] = parse_numbers(text, PREFIX).ok_or(NO_PAGE_OF_ACTIONS)?;
    if vault.is_seal(seal, "actions", &scope_of(asked), &[sequence]) {
        Ok(sequence)
    } else {
        Err(NO_PAGE_OF_ACTIONS)
    }
}

/// No account's name has a slash.
fn scope_of((account, caller): (&str, &str)) -> String {
    format!("{account}/{caller}")
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

    #[test]
    fn a_page_of_the_operator_log_goes_on_as_it_was_asked_for() {
        let vault = Vault::from_key(&[7; 32]);
        let (account, anna) = (AccountId::parse("a").unwrap(), "spiffe://a/anna");
        let token = seal_actions(&vault, ("a", anna), 42);
        for (asked, expected) in [
            (("a", anna), Ok(42)),
            (("a", ""), Err(NO_PAGE_OF_ACTIONS)),
            (("", anna), Err(NO_PAGE_OF_ACTIONS)),
            (("", "a/spiffe://a/anna"), Err(NO_PAGE_OF_ACTIONS)),
        ] {
            assert_eq!(parse_actions(&vault, asked, &token), expected, "{asked:?}");
        }
        assert_eq!(parse(&vault, &account, &token), Err(MALFORMED));
        for other in [seal(&vault, &account, 42), seal_action(&vault, 42)] {
            let parsed = parse_actions(&vault, ("a", ""), &other);
            assert_eq!(parsed, Err(NO_PAGE_OF_ACTIONS));
        }
    }
}
