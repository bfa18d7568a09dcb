//! A step of a search that was taken, and what it says of its rate.

use hdrhistogram::Histogram;

use super::facts::{Stage, StepVerdict};
use super::judge::{Faults, Judged, Standing};
use super::rig::Got;
use super::search::{Tried, Vote};
use crate::recorder::Record;
use crate::report::{CountFacts, TimeFacts};

/// A step that was taken.
pub(crate) struct Step {
    /// Where on the ladder.
    pub(crate) rung: u32,
    /// What for.
    pub(crate) stage: Stage,
    /// When it began, in nanoseconds from the beginning of the search.
    pub(crate) began_ns: u64,
    /// How many parts it had.
    pub(crate) looks: u32,
    /// What was measured, but for the record once it is over.
    pub(crate) got: Got,
    /// What is kept of the record.
    pub(crate) kept: Kept,
    /// How it stood with each SLO.
    pub(crate) judged: Vec<Judged>,
    /// What speaks against it.
    pub(crate) faults: Faults,
    /// The server had this rate, and not less of it because the generator sent late.
    pub(crate) is_offered: bool,
    /// What it says of its rate.
    pub(crate) verdict: StepVerdict,
}

/// What is kept of a step's record: a few hundred kilobytes, where the whole has megabytes.
pub(crate) struct Kept {
    /// From due to done.
    pub(crate) response: Histogram<u64>,
    /// From due to sent.
    pub(crate) lag: TimeFacts,
    /// How many of what.
    pub(crate) counts: CountFacts,
}

impl Kept {
    /// That of a record.
    pub(crate) fn of(record: &Record) -> Self {
        let headline = record.headline();
        Self {
            lag: TimeFacts::of(&headline.lag),
            response: headline.response,
            counts: CountFacts::of(record.counts, &record.outcomes),
        }
    }
}

/// Which SLOs a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// All of them together.
    Together,
    /// The one at this place.
    One(usize),
}

impl Step {
    /// What it says for the search: of all SLOs together, or of one. A step that is too close to
    /// tell leans to a side.
    pub(crate) fn tried(&self, goal: Goal) -> Option<Tried> {
        let (vote, is_decided) = match goal {
            Goal::Together => self.vote(),
            Goal::One(place) => self.vote_on(self.judged.get(place)?),
        };
        (self.verdict != StepVerdict::Disturbed).then_some(Tried {
            rung: self.rung,
            stage: self.stage,
            vote,
            is_decided,
        })
    }

    fn vote(&self) -> (Vote, bool) {
        match self.verdict {
            StepVerdict::Met => (Vote::Met, true),
            StepVerdict::Missed | StepVerdict::Disturbed => (Vote::Missed, true),
            StepVerdict::GeneratorLimit => (Vote::Generator, true),
            StepVerdict::Undecided if self.judged.iter().all(|one| one.leans_to_met) => {
                (Vote::Met, false)
            }
            StepVerdict::Undecided => (Vote::Missed, false),
        }
    }

    fn vote_on(&self, judged: &Judged) -> (Vote, bool) {
        vote_on(judged, self.verdict, &self.faults, self.is_offered)
    }
}

/// What a step with this verdict says of one SLO: no more than of all together, for a rate that the
/// server did not have, or a queue that grew, is the same for each.
fn vote_on(
    judged: &Judged,
    verdict: StepVerdict,
    faults: &Faults,
    is_offered: bool,
) -> (Vote, bool) {
    let worse = match verdict {
        StepVerdict::GeneratorLimit => Vote::Generator,
        _ => Vote::Missed,
    };
    match judged.standing {
        Standing::Met if !is_offered => (Vote::Generator, true),
        Standing::Met if faults.backlog.is_some() => (Vote::Missed, true),
        Standing::Met => (Vote::Met, true),
        Standing::Missed => (worse, true),
        Standing::Undecided if judged.leans_to_met && !is_offered => (Vote::Generator, false),
        Standing::Undecided if judged.leans_to_met && faults.backlog.is_none() => {
            (Vote::Met, false)
        }
        Standing::Undecided => (worse, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::bounds::Tally;

    #[test]
    fn an_slo_by_itself_is_met_only_at_a_rate_that_was_offered() {
        use Standing::{Met, Missed, Undecided};
        let growing = Faults {
            backlog: Some("told".to_owned()),
            ..Faults::default()
        };
        let none = Faults::default();
        let check = |standing, faults: &Faults, is_offered, expected| {
            let verdict = if is_offered {
                StepVerdict::Missed
            } else {
                StepVerdict::GeneratorLimit
            };
            let judged = Judged {
                tally: Tally::default(),
                low: 0.0,
                high: 1.0,
                standing,
                leans_to_met: true,
            };
            let found = vote_on(&judged, verdict, faults, is_offered);
            assert_eq!(found, expected, "{standing:?} {faults:?} {is_offered}");
        };
        check(Met, &none, true, (Vote::Met, true));
        check(Met, &none, false, (Vote::Generator, true));
        check(Met, &growing, true, (Vote::Missed, true));
        check(Met, &growing, false, (Vote::Generator, true));
        check(Missed, &none, true, (Vote::Missed, true));
        check(Missed, &none, false, (Vote::Generator, true));
        check(Undecided, &none, true, (Vote::Met, false));
        check(Undecided, &none, false, (Vote::Generator, false));
        check(Undecided, &growing, true, (Vote::Missed, false));
    }
}
