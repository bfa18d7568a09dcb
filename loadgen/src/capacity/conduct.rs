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
const MOST_DISTURBED: u32 = 5;

/// The pause after a step, and after one that has left the server with a queue. After one that the
/// machine has disturbed it is twice that, and then twice as long each time.
const REST: Duration = Duration::from_millis(200);
const LONG_REST: Duration = Duration::from_secs(1);

/// The search leaves time for so many confirmations, if that is not more than half of all.
const CONFIRMATIONS_LEFT: u32 = 6;

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Parts of a step.
    pub(crate) looks: u32,
    /// How long a part measures.
    pub(crate) look: Duration,
    /// How long it sends before that.
    pub(crate) warm_up: Duration,
    /// Parts of a confirmation.
    pub(crate) confirm_looks: u32,
    /// How long a part of a confirmation measures.
    pub(crate) confirm_look: Duration,
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
    /// What was proven of the answers at what was found.
    pub(crate) certificate: Option<CertificateFacts>,
    /// When the search began.
    pub(crate) start_ns: u64,
}

impl Pace {
    /// How long a confirmation measures.
    pub(crate) fn confirm(&self) -> Duration {
        self.confirm_look * self.confirm_looks
    }

    /// How sure a part of a confirmation must be.
    pub(crate) fn error_of_confirmation(confirm_looks: u32) -> f64 {
        ERROR / f64::from(MOST_CONFIRMATIONS * confirm_looks)
    }
}

impl Conduct<'_> {
    /// Searches for the capacity at all SLOs together, proves the answers there, and searches with the
    /// time that is left at each.
    pub(crate) async fn search(&mut self) -> Result<Outcome, Failure> {
        let outcome = self.search_together().await?;
        if matches!(outcome, Outcome::Found(_) | Outcome::Budget) && self.prove().await? {
            return Ok(Outcome::Interrupted);
        }
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

    /// Whether the server broke a rule of its ledger.
    fn is_refuted(&self) -> bool {
        let certificate = self.certificate.as_ref();
        certificate.is_some_and(|facts| facts.violations > 0)
    }

    async fn search_together(&mut self) -> Result<Outcome, Failure> {
        loop {
            let tried = self.tried(Goal::Together);
            let mut next = search::next(&self.ladder, &tried);
            if let Next::Try(_, stage) = next
                && stage != Stage::Confirm
                && search::bracket(&tried).low.is_some()
                && !self.has_time_for(self.pace.longest_step + self.confirmations_left())
            {
                next = search::next_confirmation(&self.ladder, &tried);
            }
            let (rung, stage) = match next {
                Next::Done(found) => return Ok(Outcome::Found(found)),
                Next::Try(rung, stage) => (rung, stage),
            };
            if !self.has_time(stage) {
                let found = search::found_so_far(&self.ladder, &tried);
                return Ok(found.map_or(Outcome::Budget, Outcome::Found));
            }
            if let Some(outcome) = self.step(rung, stage, Goal::Together).await? {
                return Ok(outcome);
            }
        }
    }

    /// Sends for as long as a step at the highest rate that was met, with a model of every account
    /// beside it. That model takes processor time that no other step has to share with it, so nothing
    /// of this one counts but its answers. Whether it was asked to stop.
    async fn prove(&mut self) -> Result<bool, Failure> {
        let low = search::bracket(&self.tried(Goal::Together)).low;
        let Some(rung) = low.filter(|_| self.rig.job.manner.oracle) else {
            return Ok(false);
        };
        let wanted = Wanted {
            rate: self.rate(rung)?,
            warm_up: Duration::ZERO,
            duration: self.pace.look * self.pace.looks,
            // Steps are numbered from 1.
            number: (0, 0),
            is_proven: true,
        };
        let title = format!("proving the answers at {}/s", wanted.rate);
        let Some(got) = Box::pin(self.look(wanted, title)).await? else {
            return Ok(true);
        };
        self.certificate = got.certificate;
        Ok(got.measured.interrupted)
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
        self.has_time_for(match (stage, is_confirmed) {
            (Stage::Confirm, _) => self.pace.longest_confirm,
            (_, true) => self.pace.longest_step,
            (_, false) => self.pace.longest_step + self.pace.longest_confirm,
        })
    }

    /// Whether there is so much time, and then still some for the proof, until there is one.
    fn has_time_for(&self, needed: Duration) -> bool {
        let is_to_prove = self.rig.job.manner.oracle && self.certificate.is_none();
        let proof = self.pace.longest_step * u32::from(is_to_prove);
        Duration::from_nanos(self.took_ns()) + needed + proof <= self.pace.budget
    }

    /// The time that the search leaves for confirmations.
    fn confirmations_left(&self) -> Duration {
        let pace = &self.pace;
        let some = pace.longest_confirm * CONFIRMATIONS_LEFT;
        some.min(pace.budget / 2).max(pace.longest_confirm)
    }

    /// Takes a step, again if the machine disturbs it. Why the search has ended, if it has.
    async fn step(
        &mut self,
        rung: u32,
        stage: Stage,
        goal: Goal,
    ) -> Result<Option<Outcome>, Failure> {
        for time in 1..=MOST_DISTURBED {
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
                StepVerdict::Disturbed => LONG_REST * (1 << time),
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
            Stage::Confirm => (self.pace.confirm_looks, self.pace.confirm_look),
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
                is_proven: false,
            };
            let title = format!(
                "step {number} ({}), {}/s, part {}",
                stage.label(),
                wanted.rate,
                look + 1
            );
            // A measurement is a large future; behind a box, all that wait for it are small.
            let Some(got) = Box::pin(self.look(wanted, title)).await? else {
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
                Stage::Confirm => Pace::error_of_confirmation(looks),
                _ => error_of_look(look, looks),
            };
            let step = self.judged(so_far, (rung, stage), error);
            let is_last = look + 1 == looks || step.got.measured.interrupted;
            if is_last || is_clear(&step, (stage, goal)) {
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
        let per_second = count_as_real(self.ladder.rate(rung)) / 1e3;
        let faults = Faults::of(&evidence, judge::least_growth(&self.slos, per_second));
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

    async fn look(&mut self, wanted: Wanted, title: String) -> Result<Option<Got>, Failure> {
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

/// Whether no further part of a step is needed. A miss is clear when it is seen; what meets does so for
/// the whole time, but for the first steps, which only look where the search shall begin.
fn is_clear(step: &Step, (stage, goal): (Stage, Goal)) -> bool {
    let standing = match goal {
        Goal::Together => Some(judge::together(&step.judged)),
        Goal::One(place) => step.judged.get(place).map(|judged| judged.standing),
    };
    match standing {
        // Where the queue grows, it is looked whether it goes on.
        Some(Standing::Met) => stage == Stage::Ramp && step.faults.backlog.is_none(),
        Some(Standing::Missed) | None => true,
        Some(Standing::Undecided) => false,
    }
}
