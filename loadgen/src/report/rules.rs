//! Which rules a run exercised, and how often: for people and for programs.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Text;
use super::text::{Written, grouped};
use crate::rules::{self, Kind, Rule, Tally};

/// How many rules stand in one line of the table.
const COLUMNS: usize = 3;

/// The rules of the guide, and the decisions where it is silent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RulesFacts {
    /// R1 to R72.
    pub(crate) guide: Vec<RuleFacts>,
    /// D1 to D32.
    pub(crate) decisions: Vec<RuleFacts>,
}

/// One rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RuleFacts {
    /// `R1` to `R72`, `D1` to `D32`.
    pub(crate) id: Text,
    /// What it is about.
    pub(crate) name: Text,
    /// `V` validation, `S` state, `N` number, `P` privacy, `I` information, `D` decision.
    pub(crate) kind: Kind,
    /// Whether this run exercised it.
    pub(crate) verdict: Exercise,
    /// Requests whose answers depended on it.
    pub(crate) count: u64,
    /// What is counted; where nothing can be, why.
    pub(crate) how: Text,
}

/// Whether a run exercised a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Exercise {
    /// At least once.
    Exercised,
    /// Not once.
    Never,
    /// There is nothing to exercise.
    Information,
}

impl RulesFacts {
    /// What a tally says of each rule.
    pub(crate) fn of(tally: &Tally) -> Self {
        let facts = |rule| RuleFacts::of(rule, tally);
        Self {
            guide: rules::guide().map(facts).collect(),
            decisions: rules::decisions().map(facts).collect(),
        }
    }
}

impl RuleFacts {
    fn of(rule: &Rule, tally: &Tally) -> Self {
        let count = rule.count(tally);
        Self {
            id: rule.id.into(),
            name: rule.name.into(),
            kind: rule.kind,
            verdict: match (rule.kind, count) {
                (Kind::Information, _) => Exercise::Information,
                (_, 0) => Exercise::Never,
                (_, _) => Exercise::Exercised,
            },
            count,
            how: rule.how.into(),
        }
    }
}

/// Both tables.
pub(crate) fn write(text: &mut String, facts: &RulesFacts) -> Written {
    table(text, "Rules of the guide", &facts.guide)?;
    table(text, "Decisions where it is silent", &facts.decisions)
}

fn table(text: &mut String, title: &str, facts: &[RuleFacts]) -> Written {
    let of = |verdict: Exercise| -> Vec<&RuleFacts> {
        let facts = facts.iter().filter(|facts| facts.verdict == verdict);
        facts.collect()
    };
    let exercised = of(Exercise::Exercised);
    writeln!(
        text,
        "{title}: {} of {} exercised, with the requests whose answers depended on them:",
        exercised.len(),
        facts.len() - of(Exercise::Information).len(),
    )?;
    let lines = exercised.len().div_ceil(COLUMNS);
    for line in 0..lines {
        let mut written = String::new();
        // Down the columns, as a list is read.
        for RuleFacts {
            id, name, count, ..
        } in exercised.iter().skip(line).step_by(lines)
        {
            write!(written, "{id:<4}{name:<22}{:>9}  ", grouped(*count))?;
        }
        writeln!(text, "{}", written.trim_end())?;
    }
    for (title, verdict) in [
        ("Never exercised", Exercise::Never),
        ("Information only", Exercise::Information),
    ] {
        let ids: Vec<&str> = of(verdict).iter().map(|facts| facts.id.as_ref()).collect();
        if !ids.is_empty() {
            writeln!(text, "{title}: {}", ids.join(" "))?;
        }
    }
    writeln!(text)
}

#[cfg(test)]
mod tests {
    use waika::v1::PaymentMode;

    use super::*;
    use crate::outcome::Outcome;
    use crate::rules::Paid;

    fn some() -> RulesFacts {
        let mut tally = Tally::default();
        for _ in 0..1_234 {
            let paid = Paid {
                amount_fen: 20_001,
                mode: PaymentMode::MerchantQr,
            };
            tally.note_payment(paid, Outcome::Approved);
        }
        RulesFacts::of(&tally)
    }

    #[test]
    fn a_table_shows_what_was_exercised_and_names_the_rest() {
        let mut text = String::new();
        write(&mut text, &some()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (first, rest) = lines.split_first().unwrap();
        assert!(
            first.starts_with("Rules of the guide: 13 of 68 exercised"),
            "{first}"
        );
        assert_eq!(rest[0].matches("1,234").count(), 3, "{}", rest[0]);
        assert!(
            rest[0].starts_with("R2  paid in the mainland "),
            "{}",
            rest[0]
        );
        assert!(
            lines.contains(&"Information only: R9 R20 R22 R28"),
            "{text}"
        );
        let starts = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(starts("Never exercised: R1 R3 R4 R6"), 1, "{text}");
        assert_eq!(starts("Never exercised: D1 D2 D5"), 1, "{text}");
        // Five lines for thirteen rules in three columns, and none is lost.
        assert_eq!(text.matches("1,234").count(), 13 + 2);
        let is_narrow = |line: &&str| line.starts_with("Never") || line.len() <= 110;
        assert!(lines.iter().all(is_narrow), "{text}");
    }

    #[test]
    fn every_name_has_room_in_its_column() {
        let facts = some();
        for rule in facts.guide.iter().chain(&facts.decisions) {
            assert!(rule.name.len() < 22, "{} {:?}", rule.id, rule.name);
        }
    }

    #[test]
    fn a_program_reads_the_same() {
        let json = serde_json::to_value(some()).unwrap();
        assert_eq!(json["guide"].as_array().unwrap().len(), 72);
        assert_eq!(json["decisions"].as_array().unwrap().len(), 32);
        let check = |place: &serde_json::Value, id, kind, verdict, count: u64| {
            assert_eq!(place["id"], id);
            assert_eq!(place["kind"], kind, "{id}");
            assert_eq!(place["verdict"], verdict, "{id}");
            assert_eq!(place["count"], count, "{id}");
            assert!(place["how"].as_str().is_some_and(|how| !how.is_empty()));
        };
        check(&json["guide"][70], "R71", "N", "exercised", 1_234);
        check(&json["guide"][38], "R39", "V/N", "never", 0);
        check(&json["guide"][8], "R9", "I", "information", 0);
        check(&json["decisions"][3], "D4", "D", "exercised", 1_234);
    }
}
