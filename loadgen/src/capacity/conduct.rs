//! Carrying a search out: one step after the other, until it is found or the time is over.

use std::time::Duration;

use super::bounds::{ERROR, error_of_look};
use super::facts::{Stage, StepVerdict};
use super::judge::{self, Faults, Shown, Standing};
use super::rig::{Got, Rig, Wanted};
use super::search::{self, Found, Ladder, MOST_CONFIRMATIONS, Next, Tried};
use super::slo::Slo;
use super::step::{Goal, Kept, Step};
use crate::clock::{duration_ns, monotonic_ns};
use crate::exit::Failure;
use crate::figures::count_as_real;
use crate::output;
use crate::recorder::Record;
use crate::report::TimeFacts;
use crate::report::certificate::CertificateFacts;
use crate::report::text::{grouped, grouped_real, time};
use crate::schedule::Rate;
use crate::watch::{self, View};

/// How often a step is tried that the machine disturbs.
const MOST_DISTURBED: u32 = 3;

/// The pause after a step, and after one that has left the server with a queue.
const REST: Duration = Duration::from_millis(200);
const LONG_REST: Duration = Duration::from_secs(1);

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Parts of a step.
    pub(crate) looks: u32,
    /// How long a part measures.
    pub(crate) look: Duration,
    /// How long it sends before that.
    pub(crate) warm_up: Duration,
    /// How long a confirmation measures.
    pub(crate) confirm: Duration,
    /// The longest that a step takes with everything.
    pub(crate) longest_step: Duration,
    /// The longest that a confirmation takes.
    pub(crate) longest_confirm: Duration,
    /// The longest that all may take.
    pub(crate) budget: Duration,
}

/// Why a search has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has found something.
    Found(Found),
    /// The time was over.
    Budget,
    /// The machine disturbed a step each time.
    Disturbed(u32),
    /// It was asked to stop.
    Interrupted,
}

/// What is to be found, and how.
pub(crate) struct Conduct<'a> {
    /// What measures.
    pub(crate) rig: Rig<'a>,
    /// What must hold.
    pub(crate) slos: Vec<Slo>,
    /// The rates.
    pub(crate) ladder: Ladder,
    /// How long everything takes.
    pub(crate) pace: Pace,
    /// What was done so far, disturbed steps too.
    pub(crate) steps: Vec<Step>,
    /// When the search began.
    pub(crate) start_ns: u64,
}

impl Conduct<'_> {
    /// Searches for the capacity at all SLOs together, and with the time that is left at each.
    pub(crate) async fn search(&mut self) -> Result<Outcome, Failure> {
        let outcome = self.search_together().await?;
        if matches!(outcome, Outcome::Found(_)) && !self.is_refuted() && self.slos.len() > 1 {
            for place in 0..self.slos.len() {
                if self.search_one(place).await? == Some(Outcome::Interrupted) {
                    return Ok(Outcome::Interrupted);
                }
            }
        }
        Ok(outcome)
    }

    /// What the steps say so far.
    pub(crate) fn tried(&self, goal: Goal) -> Vec<Tried> {
        self.steps
            .iter()
            .filter_map(|step| step.tried(goal))
            .collect()
    }

    /// How long the search has taken, in nanoseconds.
    pub(crate) fn took_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }

    /// What was proven of the answers of the last confirmation, and of any that was refuted.
    pub(crate) fn certificate(&self) -> Option<&CertificateFacts> {
        let all = || {
            self.steps
                .iter()
                .filter_map(|step| step.got.certificate.as_ref())
        };
        all()
            .find(|facts| facts.violations > 0)
            .or_else(|| all().next_back())
    }

    /// Whether the server broke a rule of its ledger.
    fn is_refuted(&self) -> bool {
        self.certificate().is_some_and(|facts| facts.violations > 0)
    }

    async fn search_together(&mut self) -> Result<Outcome, Failure> {
        loop {
            let (rung, stage) = match search::next(&self.ladder, &self.tried(Goal::Together)) {
                Next::Done(found) => return Ok(Outcome::Found(found)),
                Next::Try(rung, stage) => (rung, stage),
            };
            if !self.has_time(stage) {
                return self.last_confirmation().await;
            }
            if let Some(outcome) = self.step(rung, stage, Goal::Together).await? {
                return Ok(outcome);
            }
            if self.is_refuted() {
                // Whatever its capacity is, its answers are wrong.
                return Ok(Outcome::Found(Found::Unconfirmed));
            }
        }
    }

    /// Shows at least what was met so far, where the time is over.
    async fn last_confirmation(&mut self) -> Result<Outcome, Failure> {
        let tried = self.tried(Goal::Together);
        let is_confirmed = tried.iter().any(|tried| tried.stage == Stage::Confirm);
        if let Some(rung) = search::bracket(&tried).low
            && !is_confirmed
            && self.has_time(Stage::Confirm)
            && let Some(outcome) = self.step(rung, Stage::Confirm, Goal::Together).await?
        {
            return Ok(outcome);
        }
        Ok(Outcome::Budget)
    }

    /// Narrows the bracket of one SLO, as long as there is time.
    async fn search_one(&mut self, place: usize) -> Result<Option<Outcome>, Failure> {
        let goal = Goal::One(place);
        while let Some((rung, stage)) = search::next_of_bracket(&self.ladder, &self.tried(goal)) {
            if !self.has_time(stage) {
                break;
            }
            let outcome = self.step(rung, stage, goal).await?;
            if outcome.is_some() {
                return Ok(outcome);
            }
        }
        Ok(None)
    }

    /// Whether a step has time, and if it is none itself, a confirmation behind it.
    fn has_time(&self, stage: Stage) -> bool {
        let is_confirmed = self.steps.iter().any(|step| step.stage == Stage::Confirm);
        let needed = match (stage, is_confirmed) {
            (Stage::Confirm, _) => self.pace.longest_confirm,
            (_, true) => self.pace.longest_step,
            (_, false) => self.pace.longest_step + self.pace.longest_confirm,
        };
        Duration::from_nanos(self.took_ns()) + needed <= self.pace.budget
    }

    /// Takes a step, again if the machine disturbs it. Why the search has ended, if it has.
    async fn step(
        &mut self,
        rung: u32,
        stage: Stage,
        goal: Goal,
    ) -> Result<Option<Outcome>, Failure> {
        for _ in 0..MOST_DISTURBED {
            let Some(mut step) = self.attempt(rung, stage, goal).await? else {
                return Ok(Some(Outcome::Interrupted));
            };
            let (verdict, interrupted) = (step.verdict, step.got.measured.interrupted);
            output::note(&self.line(&step));
            step.got.measured.record = Record::new();
            self.steps.push(step);
            if interrupted {
                // It says nothing of its rate.
                if let Some(step) = self.steps.last_mut() {
                    step.verdict = StepVerdict::Disturbed;
                }
                return Ok(Some(Outcome::Interrupted));
            }
            let rest = match verdict {
                StepVerdict::Met => REST,
                _ => LONG_REST,
            };
            if self.rig.rest(rest).await {
                return Ok(Some(Outcome::Interrupted));
            }
            if verdict != StepVerdict::Disturbed {
                return Ok(None);
            }
            if !self.has_time(stage) {
                break;
            }
        }
        Ok(Some(Outcome::Disturbed(rung)))
    }

    /// A step; `None` if it was asked to stop before it sent anything.
    async fn attempt(
        &mut self,
        rung: u32,
        stage: Stage,
        goal: Goal,
    ) -> Result<Option<Step>, Failure> {
        let number = self.steps.len() as u64 + 1;
        let (looks, length) = match stage {
            Stage::Confirm => (1, self.pace.confirm),
            Stage::Ramp | Stage::Search | Stage::Retest => (self.pace.looks, self.pace.look),
        };
        let began_ns = self.took_ns();
        let mut whole: Option<Got> = None;
        for look in 0..looks {
            let wanted = Wanted {
                rate: self.rate(rung)?,
                warm_up: self.pace.warm_up,
                duration: length,
                number: (number, look.into()),
                is_proven: stage == Stage::Confirm,
            };
            // A measurement is a large future; behind a box, all that wait for it are small.
            let Some(got) = Box::pin(self.look(wanted, stage)).await? else {
                return Ok(None);
            };
            let so_far = match whole.take() {
                None => got,
                Some(mut so_far) => {
                    so_far.add(&got);
                    so_far
                }
            };
            let error = match stage {
                Stage::Confirm => ERROR / f64::from(MOST_CONFIRMATIONS),
                _ => error_of_look(look, looks),
            };
            let step = self.judged(so_far, (rung, stage), error);
            let is_last = look + 1 == looks || step.got.measured.interrupted;
            if is_last || is_clear(&step, goal) {
                return Ok(Some(Step {
                    began_ns,
                    looks: look + 1,
                    ..step
                }));
            }
            whole = Some(step.got);
        }
        Err(Failure::tool("a step has no parts"))
    }

    fn judged(&self, got: Got, (rung, stage): (u32, Stage), error: f64) -> Step {
        let (record, evidence) = (&got.measured.record, got.evidence());
        let judged = judge::judge(&self.slos, record, error);
        let faults = Faults::of(&evidence);
        let look_ns = duration_ns(self.pace.look);
        let shown = Shown::of(&self.slos, &judged, record, (error, look_ns));
        let verdict = judge::verdict(judge::together(&judged), &faults, shown);
        Step {
            rung,
            stage,
            began_ns: 0,
            looks: 0,
            kept: Kept::of(record),
            got,
            judged,
            is_offered: shown.is_offered(&faults),
            faults,
            verdict,
        }
    }

    async fn look(&mut self, wanted: Wanted, stage: Stage) -> Result<Option<Got>, Failure> {
        let (step, part) = wanted.number;
        let title = format!(
            "step {step} ({}), {}/s, part {}",
            stage.label(),
            wanted.rate,
            part + 1
        );
        let begun_ns = monotonic_ns();
        let whole = wanted.warm_up + wanted.duration;
        let view = View {
            title: &title,
            total: Some(whole.as_secs()),
            // Each step has a line of its own where lines cannot be written over.
            every: Duration::from_secs(30),
        };
        let elapsed = || {
            let since = Duration::from_nanos(monotonic_ns().saturating_sub(begun_ns));
            (since.min(whole).as_secs(), "s".to_owned())
        };
        watch::while_working(view, elapsed, Box::pin(self.rig.measure(wanted))).await
    }

    /// The rate of a rung.
    pub(crate) fn rate(&self, rung: u32) -> Result<Rate, Failure> {
        Rate::from_thousandths(self.ladder.rate(rung))
            .ok_or_else(|| Failure::tool("the ladder has a rate of nothing"))
    }

    /// A step in a line.
    fn line(&self, step: &Step) -> String {
        let percentiles = TimeFacts::of(&step.kept.response);
        let shown = |name: &str, ns: Option<u64>| {
            ns.map_or_else(String::new, |ns| format!(", {name} {}", time(ns)))
        };
        format!(
            "{:>3}. {:<7} {:>9}/s: {:<15} {} requests{}{}{}",
            self.steps.len() + 1,
            step.stage.label(),
            grouped_real(count_as_real(self.ladder.rate(step.rung)) / 1e3),
            step.verdict.label(),
            grouped(step.kept.counts.planned),
            shown("p50", percentiles.p50_ns),
            shown("p99", percentiles.p99_ns),
            shown("p99.9", percentiles.p999_ns),
        )
    }
}

/// Whether no further part of a step is needed.
fn is_clear(step: &Step, goal: Goal) -> bool {
    match goal {
        Goal::Together => match judge::together(&step.judged) {
            // Where the queue grows, it is looked whether it goes on.
            Standing::Met => step.faults.backlog.is_none(),
            Standing::Missed => true,
            Standing::Undecided => false,
        },
        Goal::One(place) => {
            let standing = step.judged.get(place).map(|judged| judged.standing);
            match standing {
                Some(Standing::Met) => step.faults.backlog.is_none(),
                Some(Standing::Missed) | None => true,
                Some(Standing::Undecided) => false,
            }
        }
    }
}
