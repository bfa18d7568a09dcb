//! The certificate: what the oracle checked of a run, and whether anything contradicts it.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Text;
use super::text::{Written, grouped};
use crate::oracle::{Audited, Oracle, Tally, Violation};
use crate::outcome::Outcome;

/// So many violations are told in the text; the JSON has all that were kept.
const MOST_TOLD: usize = 10;

/// Everything that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CertificateFacts {
    /// Nothing contradicts the rules, and of every account everything is known.
    pub(crate) proven: bool,
    /// The accounts were compared after the run.
    pub(crate) audited: bool,
    /// Accounts that were asked anything.
    pub(crate) accounts: u64,
    /// Accounts of which everything is known.
    pub(crate) accounts_proven: u64,
    /// Accounts of which it is not, by why.
    pub(crate) accounts_not_proven: Vec<NotProven>,
    /// Decisions acknowledged, each counted once however often it was told.
    pub(crate) authorisations: u64,
    /// Those that approved.
    pub(crate) approvals: u64,
    /// Those that declined, by reason, most frequent first.
    pub(crate) declines: Vec<DeclineCount>,
    /// Principal approved, in fen.
    pub(crate) principal_fen: u64,
    /// Fees of approvals, in fen.
    pub(crate) fee_fen: u64,
    /// Reversals.
    pub(crate) reversals: u64,
    /// Principal that they gave back, in fen.
    pub(crate) reversed_fen: u64,
    /// Refunds.
    pub(crate) refunds: u64,
    /// Principal that they gave back, in fen.
    pub(crate) refunded_fen: u64,
    /// Fees that both gave back, in fen.
    pub(crate) fee_back_fen: u64,
    /// Authorisations settled early.
    pub(crate) settled: u64,
    /// Cards bound.
    pub(crate) bound: u64,
    /// Cards unbound.
    pub(crate) unbound: u64,
    /// Reversals, refunds, settlements, binds and unbinds that were refused.
    pub(crate) refused: u64,
    /// Retries that were answered without a second effect.
    pub(crate) retries_absorbed: u64,
    /// Answers that were compared with an earlier one under their key.
    pub(crate) replays_compared: u64,
    /// Replays of which no earlier answer was remembered.
    pub(crate) replays_not_compared: u64,
    /// Calls without an answer.
    pub(crate) unanswered: u64,
    /// Keys that had no answer at the end of the run.
    pub(crate) unknown: u64,
    /// Those of them that have one since the audit.
    pub(crate) resolved: u64,
    /// Decisions that the audit read from lists.
    pub(crate) listed: u64,
    /// Violations.
    pub(crate) violations: u64,
    /// The first of them, in full.
    pub(crate) first_violations: Vec<Violation>,
}

/// Accounts that are not proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NotProven {
    /// Why not.
    pub(crate) why: Text,
    /// How many.
    pub(crate) accounts: u64,
}

/// How often a payment was declined for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DeclineCount {
    /// The reason, as among the outcomes.
    pub(crate) reason: String,
    /// How often.
    pub(crate) count: u64,
}

impl CertificateFacts {
    /// What an oracle and its audit, if there was one, came to.
    pub(crate) fn of(oracle: &Oracle, audited: Option<&Audited>) -> Self {
        let mut facts = Self::gather(&oracle.tally(), audited);
        facts.violations = oracle.violation_count();
        facts.first_violations = oracle.violations();
        facts.proven &= facts.violations == 0;
        facts
    }

    pub(crate) fn gather(tally: &Tally, audited: Option<&Audited>) -> Self {
        let declines = declines(tally);
        let refused_payments: u64 = declines.iter().map(|decline| decline.count).sum();
        let is_audited = audited.is_some();
        let audited = audited.cloned().unwrap_or_default();
        Self {
            proven: is_audited && audited.not_proven.is_empty(),
            audited: is_audited,
            accounts: audited.accounts,
            accounts_proven: audited.proven,
            accounts_not_proven: audited
                .not_proven
                .into_iter()
                .map(|(why, accounts)| NotProven {
                    why: why.into(),
                    accounts,
                })
                .collect(),
            authorisations: tally.approvals + refused_payments,
            approvals: tally.approvals,
            declines,
            principal_fen: tally.principal_fen,
            fee_fen: tally.fee_fen,
            reversals: tally.reversals,
            reversed_fen: tally.reversed_fen,
            refunds: tally.refunds,
            refunded_fen: tally.refunded_fen,
            fee_back_fen: tally.fee_back_fen,
            settled: tally.settled,
            bound: tally.bound,
            unbound: tally.unbound,
            refused: tally.refused,
            retries_absorbed: tally.absorbed,
            replays_compared: tally.compared,
            replays_not_compared: tally.not_compared,
            unanswered: tally.unknown,
            unknown: audited.unknown,
            resolved: audited.resolved,
            listed: audited.listed,
            violations: 0,
            first_violations: Vec::new(),
        }
    }
}

fn declines(tally: &Tally) -> Vec<DeclineCount> {
    let mut declines: Vec<DeclineCount> = (0..)
        .zip(tally.declines)
        .filter(|(_, count)| *count > 0)
        .map(|(reason, count)| DeclineCount {
            reason: Outcome::Declined(reason).label(),
            count,
        })
        .collect();
    declines.sort_by_key(|decline| std::cmp::Reverse(decline.count));
    declines
}

/// Writes the certificate for people.
pub(crate) fn write(text: &mut String, facts: &CertificateFacts) -> Written {
    writeln!(text, "Certificate: {}", verdict(facts))?;
    let mut reasons = String::new();
    for decline in &facts.declines {
        let gap = if reasons.is_empty() { "" } else { ", " };
        write!(
            reasons,
            "{gap}{} {}",
            decline.reason,
            grouped(decline.count)
        )?;
    }
    let declined = facts.authorisations - facts.approvals;
    let (open, close) = if declined > 0 { (" (", ")") } else { ("", "") };
    writeln!(
        text,
        "  decided       {} acknowledged: {} approved, {} declined{open}{reasons}{close}",
        grouped(facts.authorisations),
        grouped(facts.approvals),
        grouped(declined),
    )?;
    writeln!(
        text,
        "  approved      {} yuan, and {} yuan of fees",
        yuan(facts.principal_fen),
        yuan(facts.fee_fen),
    )?;
    writeln!(
        text,
        "  given back    {} reversals of {} yuan, {} refunds of {} yuan, and {} yuan of fees",
        grouped(facts.reversals),
        yuan(facts.reversed_fen),
        grouped(facts.refunds),
        yuan(facts.refunded_fen),
        yuan(facts.fee_back_fen),
    )?;
    writeln!(
        text,
        "  other calls   {} settled, {} cards bound, {} unbound; {} were refused",
        grouped(facts.settled),
        grouped(facts.bound),
        grouped(facts.unbound),
        grouped(facts.refused),
    )?;
    writeln!(
        text,
        "  retries       {} absorbed; {} answers compared with another one under their key, {} had \
         none to compare with",
        grouped(facts.retries_absorbed),
        grouped(facts.replays_compared),
        grouped(facts.replays_not_compared),
    )?;
    writeln!(
        text,
        "  no answer     {} calls; {} keys asked again, {} have an answer now",
        grouped(facts.unanswered),
        grouped(facts.unknown),
        grouped(facts.resolved),
    )?;
    audit(text, facts)?;
    violations(text, facts)
}

/// The verdict in a line.
pub(super) fn verdict(facts: &CertificateFacts) -> String {
    if facts.violations > 0 {
        let (count, ending) = (grouped(facts.violations), plural(facts.violations));
        return format!("REFUTED, {count} violation{ending}");
    }
    if facts.proven {
        let (count, ending) = (grouped(facts.accounts), plural(facts.accounts));
        return format!("proven, {count} account{ending}");
    }
    if facts.audited {
        return "not proven, although nothing contradicts it".to_owned();
    }
    "not proven: the accounts were not compared after the run, although nothing in it contradicts \
     the rules"
        .to_owned()
}

fn audit(text: &mut String, facts: &CertificateFacts) -> Written {
    if !facts.audited {
        return Ok(());
    }
    writeln!(
        text,
        "  audited       {} accounts, {} of them completely; {} decisions read again",
        grouped(facts.accounts),
        grouped(facts.accounts_proven),
        grouped(facts.listed),
    )?;
    for NotProven { why, accounts } in &facts.accounts_not_proven {
        writeln!(text, "  not proven    {}: {why}", grouped(*accounts))?;
    }
    Ok(())
}

fn violations(text: &mut String, facts: &CertificateFacts) -> Written {
    for violation in facts.first_violations.iter().take(MOST_TOLD) {
        writeln!(text, "  violation     {violation}")?;
    }
    let told = facts.first_violations.len().min(MOST_TOLD) as u64;
    if facts.violations > told {
        let more = grouped(facts.violations - told);
        writeln!(text, "  violation     and {more} more")?;
    }
    Ok(())
}

fn yuan(fen: u64) -> String {
    format!("{}.{:02}", grouped(fen / 100), fen % 100)
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally {
            approvals: 1_200,
            principal_fen: 12_345_678,
            fee_fen: 1_205,
            absorbed: 12,
            compared: 11,
            not_compared: 1,
            reversals: 2,
            reversed_fen: 300,
            unknown: 3,
            ..Tally::default()
        };
        tally.declines[27] = 5;
        tally.declines[8] = 30;
        tally
    }

    fn audited() -> Audited {
        Audited {
            accounts: 100,
            proven: 100,
            unknown: 3,
            resolved: 3,
            listed: 1_235,
            ..Audited::default()
        }
    }

    fn text(facts: &CertificateFacts) -> String {
        let mut text = String::new();
        write(&mut text, facts).unwrap();
        text
    }

    #[test]
    fn a_certificate_counts_everything_that_was_checked() {
        let facts = CertificateFacts::gather(&tally(), Some(&audited()));
        assert!(facts.proven);
        assert_eq!(
            text(&facts),
            "\
Certificate: proven, 100 accounts
  decided       1,235 acknowledged: 1,200 approved, 35 declined (PASSWORD_WRONG 30, LIMIT_MONTH 5)
  approved      123,456.78 yuan, and 12.05 yuan of fees
  given back    2 reversals of 3.00 yuan, 0 refunds of 0.00 yuan, and 0.00 yuan of fees
  other calls   0 settled, 0 cards bound, 0 unbound; 0 were refused
  retries       12 absorbed; 11 answers compared with another one under their key, 1 had none to compare with
  no answer     3 calls; 3 keys asked again, 3 have an answer now
  audited       100 accounts, 100 of them completely; 1,235 decisions read again
"
        );
    }

    #[test]
    fn what_is_not_known_is_not_proven() {
        let mut audited = audited();
        audited.not_proven.insert("nobody knows", 2);
        let facts = CertificateFacts::gather(&tally(), Some(&audited));
        assert!(!facts.proven);
        let text_of_it = text(&facts);
        assert!(text_of_it.starts_with("Certificate: not proven, although"));
        assert!(text_of_it.contains("not proven    2: nobody knows\n"));
        let unaudited = CertificateFacts::gather(&tally(), None);
        assert!(!unaudited.proven);
        assert!(text(&unaudited).starts_with("Certificate: not proven: the accounts were not"));
    }

    #[test]
    fn violations_refute_it_and_are_told_up_to_a_bound() {
        let mut facts = CertificateFacts::gather(&tally(), Some(&audited()));
        facts.violations = 12_000;
        facts.first_violations = vec![
            Violation {
                account: 7,
                index: Some(9),
                promise: "fee".into(),
                rule: "R71".into(),
                expected: "3 fen".to_owned(),
                told: "4 fen".to_owned(),
            };
            100
        ];
        let text = text(&facts);
        assert!(text.starts_with("Certificate: REFUTED, 12,000 violations\n"));
        let told = "account 7, arrival 9: fee (R71): expected 3 fen, told 4 fen\n";
        assert_eq!(text.matches(told).count(), MOST_TOLD);
        assert!(text.ends_with("and 11,990 more\n"));
    }
}
