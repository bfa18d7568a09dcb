//! Why a search has ended and why a step says what it says, in words.

use super::conduct::{Conduct, Outcome};
use super::facts::{CapacityFacts, End, EndFacts, StepVerdict};
use super::findings::rate;
use super::judge::Standing;
use super::search::{self, Found};
use super::step::{Goal, Step};
use crate::report::text::{grouped_real, time};

/// Why it has ended.
pub(super) fn facts(conduct: &Conduct<'_>, outcome: Outcome, together: &CapacityFacts) -> EndFacts {
    let rate_of = |per_second: Option<f64>| per_second.map_or_else(String::new, grouped_real);
    let (low, high) = (
        rate_of(together.low_per_second),
        rate_of(together.high_per_second),
    );
    let (kind, why) = match outcome {
        Outcome::Found(found) => found_facts(conduct, found),
        Outcome::Budget => (
            End::Budget,
            match (together.low_per_second, together.high_per_second) {
                (Some(_), Some(_)) => format!(
                    "the budget of {} was over while the capacity was only known to lie between {low}/s and {high}/s: \
                     use a longer --budget, or a coarser --precision",
                    time(crate::clock::duration_ns(conduct.pace.budget)),
                ),
                (Some(_), None) => format!(
                    "the budget was over before any rate missed; {low}/s is met: use a longer --budget, or a higher --from"
                ),
                (None, _) => {
                    "the budget was over before any rate was met: use a longer --budget".to_owned()
                }
            },
        ),
        Outcome::Disturbed(rung) => (
            End::Disturbed,
            format!(
                "the machine disturbed the step at {}/s each time that it was tried: {}",
                grouped_real(rate(conduct, rung)),
                doubts_of_last(conduct),
            ),
        ),
        Outcome::Interrupted => (
            End::Interrupted,
            "it was interrupted: this is what was known by then".to_owned(),
        ),
    };
    EndFacts { kind, why }
}

fn found_facts(conduct: &Conduct<'_>, found: Found) -> (End, String) {
    let rate_of = |rung| grouped_real(rate(conduct, rung));
    let violations = conduct
        .certificate
        .as_ref()
        .map_or(0, |facts| facts.violations);
    if violations > 0 {
        let why = "the server broke a rule of its ledger at the rate that was found".to_owned();
        return (End::Unconfirmed, why);
    }
    match found {
        Found::Capacity(rung) => match search::bracket(&conduct.tried(Goal::Together)).high {
            Some((high, _)) if conduct.ladder.is_near(rung, high) => above(conduct, high),
            _ => (
                End::Unconfirmed,
                format!(
                    "{}/s was confirmed, but not the highest rate that short steps meet: the machine is less steady \
                     than the search needs",
                    rate_of(rung),
                ),
            ),
        },
        Found::Top(rung) => (
            End::HighestRate,
            format!(
                "{}/s is the highest rate that was asked for, and is met: the capacity is at least that (a higher \
                 --most finds more)",
                rate_of(rung)
            ),
        ),
        Found::Nothing => (
            End::LowestRate,
            format!(
                "even the lowest rate misses: {}; use a lower --from, or ask for less",
                last_at(conduct, 0).map_or_else(String::new, |step| why_of(conduct, step))
            ),
        ),
        Found::Generator(low) => (
            End::GeneratorLimit,
            format!(
                "generator limit reached{}: {}; use a machine that is less busy, or has more cores for more --workers",
                low.map_or_else(String::new, |rung| format!(
                    "; the server's capacity is at least {}/s and not known",
                    rate_of(rung)
                )),
                generator_doubts(conduct),
            ),
        ),
        Found::Unconfirmed => (
            End::Unconfirmed,
            "what short steps met was not met again by longer ones, at no rate that was tried: use a longer \
             --step-duration"
                .to_owned(),
        ),
    }
}

/// Why this rate is none.
fn above(conduct: &Conduct<'_>, rung: u32) -> (End, String) {
    let Some(step) = last_at(conduct, rung) else {
        return (End::SloMissed, "the next higher rate misses".to_owned());
    };
    let counts = step.kept.counts;
    let failed = counts.errors + counts.not_connected;
    let most_beyond = step.judged.iter().map(|judged| judged.tally.beyond).max();
    let kind = if failed > 0 && failed * 2 >= most_beyond.unwrap_or(0) {
        End::ServerErrors
    } else {
        End::SloMissed
    };
    (kind, why_of(conduct, step))
}

/// The last step at a rung that did not meet, or the last of all.
fn last_at<'a>(conduct: &'a Conduct<'_>, rung: u32) -> Option<&'a Step> {
    let at = || conduct.steps.iter().rev().filter(|step| step.rung == rung);
    let missed = at().find(|step| step.verdict == StepVerdict::Missed);
    missed.or_else(|| at().next())
}

fn generator_doubts(conduct: &Conduct<'_>) -> String {
    let mut limited = conduct.steps.iter().rev();
    let limited = limited.find(|step| step.verdict == StepVerdict::GeneratorLimit);
    limited.map_or_else(String::new, |step| step.faults.generator().join("; "))
}

fn doubts_of_last(conduct: &Conduct<'_>) -> String {
    let last = conduct.steps.last();
    last.map_or_else(String::new, |step| step.faults.machine.join("; "))
}

/// Why a step says what it says.
pub(super) fn why_of(conduct: &Conduct<'_>, step: &Step) -> String {
    let told = |standing: Standing| -> Vec<String> {
        let all = conduct.slos.iter().zip(&step.judged);
        all.filter(|(_, judged)| judged.standing == standing)
            .map(|(slo, judged)| {
                format!(
                    "at {}/s {:.3} % of the requests are beyond {}, where {} % may be (the true share is from {:.3} to \
                     {:.3} %)",
                    grouped_real(rate(conduct, step.rung)),
                    judged.tally.share() * 100.0,
                    slo.name,
                    allowed(slo.allowed),
                    judged.low * 100.0,
                    judged.high * 100.0,
                )
            })
            .collect()
    };
    match step.verdict {
        _ if step.got.measured.interrupted => "interrupted".to_owned(),
        StepVerdict::Met => "all are met".to_owned(),
        StepVerdict::Missed => match told(Standing::Missed) {
            missed if missed.is_empty() => step.faults.backlog.clone().unwrap_or_default(),
            missed => missed.join("; "),
        },
        StepVerdict::Undecided => told(Standing::Undecided).join("; "),
        StepVerdict::GeneratorLimit => step.faults.generator().join("; "),
        StepVerdict::Disturbed => step.faults.machine.join("; "),
    }
}

/// A share in per cent, without zeros that say nothing.
fn allowed(share: f64) -> String {
    crate::values::thousandths(crate::figures::real_as_count((share * 1e5).round()))
}
