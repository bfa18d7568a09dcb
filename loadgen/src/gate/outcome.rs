//! Whether both arms answer right, and what all that was measured comes to.

use std::time::SystemTime;

use super::arm::Arm;
use super::facts::{
    Comparison, ComparisonHost, ComparisonPlan, ControlFacts, Decision, GATE_SCHEMA, LookFacts,
    MetricFacts,
};
use super::judge::{self, ERROR, Question};
use super::load::Load;
use super::runner::{Ended, Task};
use super::{statistics, text};
use crate::clock::duration_ns;
use crate::exit::Failure;
use crate::figures::count_as_real;
use crate::host;
use crate::job::Pace;
use crate::run;
use crate::signals::StopSignals;
use crate::summary;

/// No budget above this is advised, in seconds.
pub(super) const LONGEST_S: f64 = 6.0 * 3600.0;

/// Measures a block with a model of every account beside it, and notes what it proves.
pub(super) async fn check_answers(
    arm: &mut Arm,
    load: &Load,
    seed: u64,
    signals: &mut StopSignals,
) -> Result<(), Failure> {
    let server = tokio::select! {
        server = arm.start() => server?,
        () = signals.received() => {
            return Err(Failure::Tool("interrupted before anything was measured".to_owned()));
        }
    };
    let job = load.answers_job(&server, seed);
    let taken = Box::pin(run::take(&job, signals)).await;
    let stopped = server.stop().await.map_err(|error| arm.failed(error));
    let report = taken.map_err(|failure| arm.blamed(failure))?.report;
    stopped?;
    if report.verdict.interrupted {
        return Err(Failure::Tool(
            "interrupted before anything was measured".to_owned(),
        ));
    }
    if let Some(certificate) = &report.certificate {
        if certificate.violations == 0 && !certificate.audited {
            return Err(arm.failed(
                "its accounts could not be compared with what its answers said, so nobody knows whether they are right: \
                 see the lines above, and try `waika-loadgen run` against it",
            ));
        }
        arm.facts.answers_checked = Some(certificate.authorisations);
        arm.facts.violations = certificate.violations;
    }
    Ok(())
}

/// Everything, told.
pub(super) fn comparison(
    task: &Task,
    ended: &Ended,
    (started_at, took_ns): (SystemTime, u64),
) -> Comparison {
    let gathered = &ended.gathered;
    let question = task.question(ended.error);
    let metrics = judge::metrics(&gathered.series, question);
    let control = judge::control(
        &gathered.control,
        task.tolerance,
        ("server CPU per health check", "ns"),
    );
    let mut reasons = gathered.doubts();
    reasons.extend(ended.hopeless.clone());
    if task.against_itself && !ended.interrupted {
        reasons.extend(task.asked().too_wide(&metrics, took_ns));
    }
    if control.moved {
        reasons.push(format!(
            "a health check, which does no work, moved by {}: either the machine changed between blocks, or all of the \
             server costs more and not only payments (compare its build and its flags)",
            text::change(control.change.estimate),
        ));
    }
    let mut verdict = judge::together(&metrics);
    let violated = broken_rules(task);
    if !violated.is_empty() {
        (verdict, reasons) = (Decision::Violated, violated);
    } else if !reasons.is_empty() {
        verdict = Decision::Invalid;
    } else if ended.interrupted {
        verdict = Decision::Inconclusive;
        reasons.push("it was stopped before its end".to_owned());
    } else if verdict == Decision::Inconclusive {
        let gating = metrics
            .iter()
            .filter(|metric| metric.verdict == Decision::Inconclusive);
        reasons.extend(gating.map(|metric| undecided(metric, question, took_ns)));
    }
    let mut noise = gathered.noise();
    noise.half_width = metrics.first().and_then(half_width);
    Comparison {
        schema: GATE_SCHEMA.into(),
        verdict,
        reasons,
        interrupted: ended.interrupted,
        against_itself: task.against_itself,
        a: task.a.facts.clone(),
        b: task.b.facts.clone(),
        remarks: [remarks(task), gathered.remarks(), remarks_of(&control)].concat(),
        metrics,
        control: Some(control),
        noise,
        plan: plan(task, ended, took_ns),
        host: ComparisonHost {
            name: host::name(),
            cores: host::cores(),
            started_at: summary::timestamp(started_at).to_string(),
            generator_version: env!("CARGO_PKG_VERSION").into(),
        },
    }
}

fn broken_rules(task: &Task) -> Vec<String> {
    let arms = [("A", &task.a.facts), ("B", &task.b.facts)];
    let broken = arms.into_iter().filter(|(_, facts)| facts.violations > 0);
    broken
        .map(|(name, facts)| {
            format!(
                "{name} broke a rule of its ledger {} times in {} answers, and nothing was measured; `waika-loadgen \
                 run` against it says which",
                facts.violations,
                facts.answers_checked.unwrap_or(0)
            )
        })
        .collect()
}

/// Why a metric came to no verdict, and what would help.
fn undecided(metric: &MetricFacts, question: Question, took_ns: u64) -> String {
    if metric.change.low.is_none() {
        return format!(
            "{}: {} pairs are too few for an interval",
            metric.label, metric.change.used
        );
    }
    let seconds = times_more(metric, question).map(|times| count_as_real(took_ns) / 1e9 * times);
    let mend = match seconds.filter(|seconds| *seconds < LONGEST_S) {
        Some(seconds) => format!("a budget of {:.0} s would most likely tell", seconds.ceil()),
        None => "no sensible budget would tell: it lies on the tolerance".to_owned(),
    };
    format!(
        "{}: {} ({}) lies on both sides of the {} that are tolerated; {mend}",
        metric.label,
        text::change(metric.change.estimate),
        text::interval(&metric.change),
        text::percent(question.tolerance),
    )
}

/// How many times as many pairs would most likely tell on which side of the tolerance a metric
/// lies, if they go on as they are. `None` without an interval.
pub(super) fn times_more(metric: &MetricFacts, question: Question) -> Option<f64> {
    let (low, high) = (metric.change.low?.ln_1p(), metric.change.high?.ln_1p());
    let error = 1.0 - metric.change.level;
    let standard_error = statistics::standard_error((low, high), error);
    let reach = statistics::detectable(standard_error, error / 2.0);
    let distance = (metric.change.estimate?.ln_1p() - question.tolerance.ln_1p()).abs();
    Some((reach / distance).powi(2).max(1.0))
}

/// Half of an interval's width, as a change.
pub(super) fn half_width(metric: &MetricFacts) -> Option<f64> {
    let (low, high) = (metric.change.low?.ln_1p(), metric.change.high?.ln_1p());
    Some(((high - low) / 2.0).exp_m1())
}

fn remarks(task: &Task) -> Vec<String> {
    let mut remarks = vec![
        "CPU is the process's own clock, in nanoseconds; instructions are not counted (that needs hardware counters)."
            .to_owned(),
    ];
    if task.against_itself {
        remarks.push(
            "A against itself: PASSED says that no difference was claimed, REGRESSED that one was, which is a false alarm."
                .to_owned(),
        );
    } else {
        let looks: Vec<String> = task
            .looks()
            .iter()
            .map(|(at, part)| {
                format!(
                    "{:.0} % of the budget ({:.2} %)",
                    at * 100.0,
                    ERROR * part * 100.0
                )
            })
            .collect();
        remarks.push(format!(
            "Looks were planned at {}: together they err in {:.0} of 100 comparisons at most.",
            looks.join(", "),
            ERROR * 100.0
        ));
    }
    remarks
}

/// What a control leaves open that was measured in too few pairs.
fn remarks_of(control: &ControlFacts) -> Vec<String> {
    let is_open = control.change.low.is_none() && control.change.used > 0;
    let words = || {
        format!(
            "The control had {} pairs, too few for an interval: it says nothing of whether the machine stood still.",
            control.change.used
        )
    };
    is_open.then(words).into_iter().collect()
}

fn plan(task: &Task, ended: &Ended, took_ns: u64) -> ComparisonPlan {
    let load = &task.load;
    let (discipline, rate, in_flight) = match load.pace {
        Pace::Open(_, rate) => ("open", Some(count_as_real(rate.thousandths()) / 1e3), None),
        Pace::Closed(open, _) => ("closed", None, Some(open.get())),
    };
    let looks = task.looks().iter().enumerate().map(|(place, (at, part))| {
        let is_last = place + 1 == task.looks().len();
        LookFacts {
            at: *at,
            error: ERROR * part,
            pairs: match ended.looks.get(place) {
                Some(pairs) => *pairs,
                None if is_last && ended.interrupted => Some(ended.gathered.pairs()),
                None => None,
            },
        }
    });
    ComparisonPlan {
        discipline: discipline.into(),
        rate_per_second: rate,
        in_flight,
        block_ns: duration_ns(load.block),
        warm_up_ns: duration_ns(load.warm_up),
        blocks_per_arm: 2 * load.rounds.get(),
        accounts: load.accounts.get().into(),
        merchants: load.merchants.get().into(),
        seed: task.seed,
        budget_ns: Some(duration_ns(task.budget)),
        took_ns,
        looks: looks.collect(),
        a_arguments: arguments(&task.a),
        b_arguments: arguments(&task.b),
    }
}

/// What an arm was given besides its own folders and ports.
fn arguments(arm: &Arm) -> Vec<String> {
    let words = arm.arguments().iter().map(|word| word.to_string_lossy());
    words.map(Into::into).collect()
}
