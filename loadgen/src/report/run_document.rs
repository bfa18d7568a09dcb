//! Pure: a run as every form of report needs it.

use super::document::{Check, Document, Gauge, Table};
use super::text::grouped;
use super::{Report, certificate, html, text};
use crate::exit::Exit;

impl Document for Report {
    fn title(&self) -> String {
        format!("Waika load report of {}", self.server.target)
    }

    fn exit(&self) -> Exit {
        self.exit_unless_invalid(Exit::Invalid)
    }

    fn checks(&self) -> Vec<Check> {
        let ended = [self.valid_check(), self.end_check(), self.transport_check()];
        let thresholds = self.thresholds.iter().map(|facts| Check {
            name: facts.expression.clone(),
            verdict: facts.verdict.exit(),
            found: facts.words.clone(),
        });
        ended
            .into_iter()
            .chain(self.answers_check())
            .chain(thresholds)
            .collect()
    }

    fn tables(&self) -> Vec<Table> {
        self.all_tables()
    }

    fn gauges(&self) -> Vec<Gauge> {
        self.all_gauges()
    }

    fn text(&self, colours: bool) -> String {
        text::render(self, colours)
    }

    fn page(&self) -> String {
        html::render(self)
    }
}

impl Report {
    /// How a command ends that came to this; `if_invalid` is for one that is not to be believed.
    pub(crate) fn exit_unless_invalid(&self, if_invalid: Exit) -> Exit {
        let certificate = self.certificate.as_ref();
        let violated = certificate.is_some_and(|facts| facts.violations > 0);
        // Answers were to be proven, and the accounts could not be compared.
        let unaudited = certificate.is_some_and(|facts| !facts.audited);
        let failed = self.verdict.interrupted || self.has_tool_failures() || unaudited;
        let reasons = [
            (violated, Exit::Violated),
            (failed, Exit::Failed),
            (!self.verdict.valid, if_invalid),
        ];
        let of_thresholds = self.thresholds.iter().map(|facts| facts.verdict.exit());
        reasons
            .into_iter()
            .filter_map(|(holds, exit)| holds.then_some(exit))
            .chain(of_thresholds)
            .fold(Exit::Passed, Exit::or)
    }

    fn valid_check(&self) -> Check {
        let verdict = &self.verdict;
        Check {
            name: "the measurement is valid".to_owned(),
            verdict: if verdict.valid {
                Exit::Passed
            } else {
                Exit::Invalid
            },
            found: if verdict.reasons.is_empty() {
                "nothing speaks against it".to_owned()
            } else {
                verdict.reasons.join("; ")
            },
        }
    }

    fn end_check(&self) -> Check {
        Check::of_end("the run came to its end", self.verdict.interrupted)
    }

    fn transport_check(&self) -> Check {
        let failed = self.outcomes.iter().filter(|facts| facts.is_tool_failure);
        let mut found: Vec<String> = failed
            .map(|facts| format!("{} {}", grouped(facts.count), facts.name))
            .collect();
        if self.counts.not_connected > 0 {
            found.push(format!(
                "{} not connected",
                grouped(self.counts.not_connected)
            ));
        }
        let verdict = if self.has_tool_failures() {
            Exit::Failed
        } else {
            Exit::Passed
        };
        Check {
            name: "every call reached the server".to_owned(),
            verdict,
            found: match (verdict, found.is_empty()) {
                (Exit::Passed, _) => format!("{} sent", grouped(self.counts.sent)),
                (_, false) => found.join(", "),
                (_, true) => "calls that are no payments failed".to_owned(),
            },
        }
    }

    fn answers_check(&self) -> Option<Check> {
        let facts = self.certificate.as_ref()?;
        Some(Check {
            name: "the answers are right".to_owned(),
            verdict: if facts.violations > 0 {
                Exit::Violated
            } else if facts.audited {
                Exit::Passed
            } else {
                Exit::Failed
            },
            found: certificate::verdict(facts),
        })
    }
}
