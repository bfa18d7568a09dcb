//! `selftest`: the instrument measures what is known beforehand, and must find it.
//!
//! A stub in this very process stands still at instants that it tells. What callers waited then
//! follows by arithmetic, and the generator's figures are held against it: those of the open loop
//! must agree, and those of the closed loop must show how much such a loop hides.

mod analytic;
mod checks;
mod phase;
mod stub;
mod table;

use std::time::Duration;

use crate::exit::{Exit, Failure};
use crate::output;
use crate::run;
use crate::signals::StopSignals;
use analytic::Arrivals;
use phase::Phase;
use stub::StallPlan;
use table::{Check, CheckOutcome};

/// How long the stub stands still each time.
const STALL: Duration = Duration::from_millis(1_400);

/// Seconds from one stall to the next.
const GAP_S: u64 = 4;

/// Seconds of warming up.
const WARM_UP_S: u64 = 1;

/// More calls than can be open in a stall.
const ROOM: u64 = 4_096;

/// `selftest`.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct SelftestArgs {
    /// Fewer requests and stalls, as a slow machine needs it; says nothing of p99.9
    #[arg(long)]
    pub(crate) quick: bool,
}

/// Checks the instrument, twice at most, and prints what it found.
pub(crate) fn execute(args: SelftestArgs) -> Result<Exit, Failure> {
    let runtime = run::control_runtime()?;
    runtime.block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::tool)?;
        let scenario = Scenario::of(args);
        let mut findings = Box::pin(scenario.carry_out(&mut signals)).await?;
        if findings.exit() != Exit::Passed {
            // What is wrong with the instrument is wrong the second time too.
            output::note(&format!("{}\n\nOnce more.", findings.text()));
            findings = Box::pin(scenario.carry_out(&mut signals)).await?;
        }
        output::result(&findings.text());
        Ok(findings.exit())
    })
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    /// Requests a second.
    per_second: u64,
    /// Seconds of the measured part.
    measured_s: u64,
    /// Stalls in that.
    stalls: u64,
    /// Open calls of the closed loop: so few that those which meet a stall are below one in a
    /// hundred.
    closed: u64,
}

impl Scenario {
    fn of(args: SelftestArgs) -> Self {
        if args.quick {
            Self {
                per_second: 100,
                measured_s: 8,
                stalls: 2,
                closed: 2,
            }
        } else {
            Self {
                per_second: 1_000,
                measured_s: 12,
                stalls: 3,
                closed: 8,
            }
        }
    }

    /// The first stall after so many requests.
    fn stalls_after(self, requests: u64) -> StallPlan {
        StallPlan {
            first: requests,
            every: GAP_S * self.per_second,
            times: self.stalls,
            length: STALL,
        }
    }

    /// The requests of a measured part of so many seconds.
    fn arrivals(self, seconds: u64) -> Arrivals {
        Arrivals {
            per_second: self.per_second,
            from_s: WARM_UP_S,
            to_s: WARM_UP_S + seconds,
        }
    }

    async fn carry_out(self, signals: &mut StopSignals) -> Result<Findings, Failure> {
        let (rate, arrivals) = (self.per_second, self.arrivals(self.measured_s));
        output::note("An open loop against a stub that stands still now and then:");
        let stalls = self.stalls_after(rate * (WARM_UP_S + GAP_S / 2));
        let open = phase::open(arrivals, ROOM, stalls, signals).await?;
        output::note("A closed loop of as many requests through as many stalls:");
        let stalls = self.stalls_after(rate * GAP_S / 2);
        let closed = phase::closed(self.closed, arrivals.count(), stalls, signals).await?;
        output::note("An open loop with too little room for a stall:");
        let (short, room) = (self.arrivals(3), rate / 10);
        let once = Self { stalls: 1, ..self };
        let stalls = once.stalls_after(rate * WARM_UP_S + rate / 2);
        let full = phase::open(short, room, stalls, signals).await?;

        let by_arithmetic_ns = arrivals.waits(&checks::stalls_of(&open)).quantile(0.99);
        let response = open.measured.record.headline().response;
        let mut checks = checks::of_open_loop(&open, arrivals, self.stalls);
        checks.extend(checks::of_closed_loop(&closed, arrivals, by_arithmetic_ns));
        checks.extend(checks::of_drops(&full, short, room));
        checks.push(checks::of_recorder());
        checks.push(checks::of_log(&open));
        let in_closed = closed.measured.record.headline().response;
        let omission = self.omission([
            by_arithmetic_ns,
            response.value_at_quantile(0.99),
            in_closed.value_at_quantile(0.99),
        ]);
        Ok(Findings::new(checks, omission, &[open, closed, full]))
    }

    /// The p99 by arithmetic and of both loops side by side, and what their difference means.
    fn omission(self, p99_ns: [u64; 3]) -> String {
        let [by_arithmetic, open, closed] = p99_ns.map(table::time);
        format!(
            "p99 of {} requests through the same {} stalls: {by_arithmetic} by arithmetic, {open} in \
             the open loop, {closed} in the closed loop.\nThe closed loop asks nothing while the \
             server stands still, so what callers at that rate would have waited is in none of its \
             samples: that is coordinated omission.",
            self.per_second * self.measured_s,
            self.stalls,
        )
    }
}

/// What came of it.
#[derive(Debug)]
struct Findings {
    checks: Vec<Check>,
    omission: String,
    /// Why they prove nothing.
    doubts: Vec<String>,
}

impl Findings {
    fn new(checks: Vec<Check>, omission: String, phases: &[Phase]) -> Self {
        let unfit = checks
            .iter()
            .filter(|check| check.outcome == CheckOutcome::Unfit);
        let of_phases = phases.iter().flat_map(|phase| phase.doubts.iter().cloned());
        let mut doubts: Vec<String> = of_phases.chain(unfit.map(Check::told)).collect();
        doubts.dedup();
        Self {
            checks,
            omission,
            doubts,
        }
    }

    /// What no machine excuses comes first; the rest counts only if the machine was fit.
    fn exit(&self) -> Exit {
        let any = |wanted| self.checks.iter().any(|check| check.outcome == wanted);
        if any(CheckOutcome::Wrong) {
            Exit::Failed
        } else if !self.doubts.is_empty() {
            Exit::Invalid
        } else if any(CheckOutcome::Off) {
            Exit::Failed
        } else {
            Exit::Passed
        }
    }

    fn text(&self) -> String {
        let verdict = match self.exit() {
            Exit::Passed => "PASS: the instrument finds what happened.".to_owned(),
            Exit::Failed | Exit::Violated | Exit::Missed | Exit::Regressed | Exit::Inconclusive => {
                "FAIL: do not trust this instrument on this machine.".to_owned()
            }
            Exit::Invalid => format!(
                "INVALID: this machine did not let it measure, so nothing is proven: {}.",
                self.doubts.join("; ")
            ),
        };
        let table = table::render(&self.checks);
        format!("{table}\n\n{}\n\n{verdict}", self.omission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_excuses_what_was_measured_and_not_what_was_counted() {
        use CheckOutcome::{Off, Pass, Unfit, Wrong};
        let check = |outcomes: &[CheckOutcome], expected: Exit| {
            let checks = outcomes
                .iter()
                .map(|&outcome| Check::new("it", String::new(), String::new(), outcome));
            let findings = Findings::new(checks.collect(), String::new(), &[]);
            assert_eq!(findings.exit(), expected, "{outcomes:?}");
        };
        check(&[Pass, Pass], Exit::Passed);
        check(&[Pass, Off], Exit::Failed);
        check(&[Off, Unfit], Exit::Invalid);
        check(&[Pass, Unfit], Exit::Invalid);
        check(&[Wrong, Unfit], Exit::Failed);
        check(&[Wrong, Pass], Exit::Failed);
    }
}
