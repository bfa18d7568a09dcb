//! The fuzz target `policy`: bytes as the text of a policy's file.

use waika_domain::fee::fee;
use waika_domain::money::Amount;

use crate::config::{parse_text, render};

/// Where a text is said to be from.
const SOURCE: &str = "p.toml";

/// Reads a text as a policy.
///
/// # Panics
///
/// Unless every mistake names where it is, or the policy is shown as a text of which it is read again, and its
/// numbers can be computed with.
pub fn policy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let policy = match parse_text(SOURCE, text) {
        Ok(policy) => policy,
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a mistake");
            for mistake in mistakes {
                assert!(mistake.starts_with(SOURCE), "of no place: {mistake}");
            }
            return;
        }
    };
    let shown = render(&policy);
    let again = parse_text(SOURCE, &shown);
    assert_eq!(again.as_ref(), Ok(&policy), "shown as\n{shown}");
    assert!(policy.limits.single <= policy.limits.month, "{policy:?}");
    assert!(policy.limits.month <= policy.limits.year, "{policy:?}");
    for fen in [1, 20_000, 20_001, 600_000, Amount::MAX_FEN] {
        let Ok(amount) = Amount::from_fen(fen) else {
            continue;
        };
        assert!(fee(amount, &policy.fee) <= amount.fen(), "{policy:?}");
    }
}
