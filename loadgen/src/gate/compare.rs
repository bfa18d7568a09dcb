//! `compare`: the same question to runs that were stored.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::CompareArgs;
use super::facts::{
    ArmFacts, COMPARE_SCHEMA, Comparison, ComparisonHost, ComparisonPlan, Decision, LookFacts,
    MetricFacts, NoiseFacts, PairFacts,
};
use super::judge::{self, ERROR, Question};
use super::metric::{Metric, Series};
use super::{outcome, statistics, text};
use crate::exit::{Exit, Failure};
use crate::figures::{count_as_real, real_as_count};
use crate::output;
use crate::report::Report;
use crate::report::document::Document as _;
use crate::report::outputs::Outputs;
use crate::stored;

/// Fields of a plan that two runs of it need not share.
const OWN: [&str; 2] = ["run_id", "in_flight_allowed"];

/// A run that was read, and the file that it was in.
type Run = (PathBuf, Report);

/// Runs `compare`.
pub(crate) fn execute(args: &CompareArgs) -> Result<Exit, Failure> {
    let read = [&args.files, &args.a, &args.b].into_iter().flatten();
    args.outputs.spare(read, &[])?;
    let pairs = pairs(args)?;
    check_alike(&pairs)?;
    let question = Question {
        tolerance: args.question.tolerance,
        against_itself: false,
        error: ERROR,
    };
    let comparison = comparison(&pairs, &series(&pairs, &args.question.gating())?, question);
    let outputs = Outputs::open(&args.outputs)?;
    output::result(&comparison.text(output::is_coloured()));
    Ok(comparison.exit().once_written(outputs.write(&comparison)))
}

/// Reads the runs, each older one with its newer one.
fn pairs(args: &CompareArgs) -> Result<Vec<(Run, Run)>, Failure> {
    let paths: Vec<(&Path, &Path)> = if args.files.is_empty() {
        if args.a.len() != args.b.len() {
            return Err(Failure::Usage(format!(
                "--a names {} runs and --b {}: they are paired in order, so give as many of each",
                args.a.len(),
                args.b.len()
            )));
        }
        let both = args.a.iter().zip(&args.b);
        both.map(|(a, b)| (a.as_path(), b.as_path())).collect()
    } else {
        let two = |files: &[PathBuf]| match files {
            [a, b] => Ok((a.clone(), b.clone())),
            _ => Err(Failure::Usage(format!(
                "{} files are no pairs: give an older run and a newer one, then the next two",
                args.files.len()
            ))),
        };
        let read = |files: &[PathBuf]| two(files).and_then(|(a, b)| Ok((read(&a)?, read(&b)?)));
        return args.files.chunks(2).map(read).collect();
    };
    let read = |(a, b): (&Path, &Path)| Ok((read(a)?, read(b)?));
    paths.into_iter().map(read).collect()
}

fn read(path: &Path) -> Result<Run, Failure> {
    Ok((path.to_owned(), stored::read_run(path)?))
}

/// Refuses what cannot be compared: other machines, other plans, a run with itself.
fn check_alike(pairs: &[(Run, Run)]) -> Result<(), Failure> {
    let all = || pairs.iter().flat_map(|(a, b)| [a, b]);
    let Some((first_path, first)) = all().next() else {
        return Err(Failure::Usage("there are no runs to compare".to_owned()));
    };
    for (place, (path, run)) in all().enumerate().skip(1) {
        if (&run.host.name, run.host.cores) != (&first.host.name, first.host.cores) {
            return Err(Failure::Usage(format!(
                "{} is of {} ({} cores) and {} of {} ({} cores): times of unlike machines do not compare; measure both \
                 on one",
                first_path.display(),
                first.host.name,
                first.host.cores,
                path.display(),
                run.host.name,
                run.host.cores,
            )));
        }
        if run.server.protection != first.server.protection {
            return Err(Failure::Usage(format!(
                "{} went {} and {} {}: the difference would be what TLS costs; measure both alike",
                first_path.display(),
                first.server.protection.label(),
                path.display(),
                run.server.protection.label(),
            )));
        }
        if let Some((twin, _)) = all().take(place).find(|(_, other)| {
            other.plan.run_id == run.plan.run_id && other.host.started_at == run.host.started_at
        }) {
            return Err(Failure::Usage(format!(
                "{} and {} are one and the same run: each measurement counts once",
                twin.display(),
                path.display()
            )));
        }
    }
    for ((a_path, a), (b_path, b)) in pairs {
        differs((first_path, first), (a_path, a), &["seed"])?;
        differs((a_path, a), (b_path, b), &[])?;
    }
    Ok(())
}

/// Refuses two runs whose plans differ in more than these fields.
fn differs(
    (a_path, a): (&Path, &Report),
    (b_path, b): (&Path, &Report),
    allowed: &[&str],
) -> Result<(), Failure> {
    let plan = |report: &Report| serde_json::to_value(&report.plan).map_err(Failure::tool);
    let (Value::Object(a), Value::Object(b)) = (plan(a)?, plan(b)?) else {
        return Ok(());
    };
    let may = |name: &str| OWN.contains(&name) || allowed.contains(&name);
    let other = a
        .iter()
        .find(|(name, value)| !may(name) && b.get(*name) != Some(*value));
    match other {
        None => Ok(()),
        Some((name, value)) => Err(Failure::Usage(format!(
            "{} and {} follow unlike plans: {name} is {value} in the one and {} in the other; measure both with the same \
             --plan",
            a_path.display(),
            b_path.display(),
            b.get(name).unwrap_or(&Value::Null),
        ))),
    }
}

/// Every metric of every pair. One that decides must be there.
fn series(pairs: &[(Run, Run)], gating: &[Metric]) -> Result<Vec<Series>, Failure> {
    let mut all = Series::all(gating);
    for series in &mut all {
        for (number, ((a_path, a), (b_path, b))) in (0..).zip(pairs) {
            let lacks = |path: &Path| {
                let mend = match series.metric {
                    Metric::Cpu => "run it with --server-pid, or compare --metric p50",
                    Metric::P50 | Metric::P99 => "run it longer, for more samples",
                };
                Failure::Usage(format!(
                    "{} has no {}: {mend}",
                    path.display(),
                    series.metric.label()
                ))
            };
            match (value(series.metric, a), value(series.metric, b)) {
                (Some(a), Some(b)) => series.pairs.push(PairFacts {
                    a,
                    b,
                    log_ratio: (b / a).ln(),
                    superblock: number,
                    order: "".into(),
                    discarded: None,
                }),
                (None, _) if series.gating => return Err(lacks(a_path)),
                (_, None) if series.gating => return Err(lacks(b_path)),
                _ => {}
            }
        }
    }
    Ok(all)
}

fn value(metric: Metric, report: &Report) -> Option<f64> {
    let ns = match metric {
        Metric::Cpu => report.server.cpu_ns_per_call,
        Metric::P50 => report.response.p50_ns,
        Metric::P99 => report.response.p99_ns,
    };
    ns.filter(|ns| *ns > 0).map(count_as_real)
}

fn comparison(pairs: &[(Run, Run)], series: &[Series], question: Question) -> Comparison {
    let metrics = judge::metrics(series, question);
    let (a, b) = (
        arm(pairs.iter().map(|(a, _)| a)),
        arm(pairs.iter().map(|(_, b)| b)),
    );
    let all = pairs.iter().flat_map(|(a, b)| [a, b]);
    let invalid: Vec<String> = all
        .filter(|(_, run)| !run.verdict.valid || run.verdict.interrupted)
        .map(|(path, run)| {
            let reasons = if run.verdict.reasons.is_empty() {
                "it was interrupted".to_owned()
            } else {
                run.verdict.reasons.join("; ")
            };
            format!("{} is not to be believed: {reasons}", path.display())
        })
        .collect();
    let (verdict, reasons) = if a.violations + b.violations > 0 {
        let words = "a server broke a rule of its ledger in these runs: see their certificates";
        (Decision::Violated, vec![words.to_owned()])
    } else if !invalid.is_empty() {
        (Decision::Invalid, invalid)
    } else {
        let decision = judge::together(&metrics);
        let open = metrics
            .iter()
            .filter(|metric| metric.verdict == Decision::Inconclusive);
        (
            decision,
            open.map(|metric| undecided(metric, question)).collect(),
        )
    };
    Comparison {
        schema: COMPARE_SCHEMA.into(),
        verdict,
        reasons,
        interrupted: false,
        against_itself: false,
        a,
        b,
        control: None,
        noise: NoiseFacts {
            pairs: pairs.len(),
            half_width: metrics.first().and_then(outcome::half_width),
            ..NoiseFacts::default()
        },
        metrics,
        plan: plan(pairs),
        host: host(pairs),
        remarks: vec![
            "Stored runs were not measured next to each other: what the machine did in the meantime is in the change. \
             `gate` measures both in turn."
                .to_owned(),
        ],
    }
}

fn arm<'a>(runs: impl Iterator<Item = &'a Run>) -> ArmFacts {
    let mut facts = ArmFacts::default();
    for (path, run) in runs {
        facts.paths.push(path.display().to_string());
        facts.version = facts.version.or_else(|| run.server.version.clone());
        facts.report_schema = Some(run.schema.to_string());
        if let Some(certificate) = &run.certificate {
            let checked = facts.answers_checked.get_or_insert(0);
            *checked += certificate.authorisations;
            facts.violations += certificate.violations;
        }
    }
    facts.name = match facts.paths.as_slice() {
        [one] => one.clone(),
        [one, ..] => format!("{one} and {} more", facts.paths.len() - 1),
        [] => String::new(),
    };
    facts
}

/// Why a metric came to no verdict, and how many pairs would tell.
fn undecided(metric: &MetricFacts, question: Question) -> String {
    let fewest = statistics::fewest(question.error);
    if metric.change.low.is_none() {
        return format!(
            "{}: {} pair(s) can give no verdict, whatever they show; {fewest} is the least (give more runs of both)",
            metric.label, metric.change.used
        );
    }
    let times = outcome::times_more(metric, question);
    let mend = match times.filter(|times| *times < 100.0) {
        Some(times) => {
            let pairs = count_as_real(metric.change.used as u64) * times;
            format!(
                "about {} pairs would most likely tell",
                real_as_count(pairs.ceil())
            )
        }
        None => "no sensible number of pairs would tell: it lies on the tolerance".to_owned(),
    };
    format!(
        "{}: {} ({}) lies on both sides of the {} that are tolerated; {mend}",
        metric.label,
        text::change(metric.change.estimate),
        text::interval(&metric.change),
        text::percent(question.tolerance),
    )
}

fn plan(pairs: &[(Run, Run)]) -> ComparisonPlan {
    let first = pairs.first().map(|((_, run), _)| &run.plan);
    let of = |value: fn(&crate::report::PlanFacts) -> u64| first.map_or(0, value);
    let is_open = first.is_some_and(|plan| plan.discipline == "open");
    let took = pairs.iter().flat_map(|((_, a), (_, b))| [a, b]);
    ComparisonPlan {
        discipline: first.map_or("".into(), |plan| plan.discipline.clone()),
        rate_per_second: first.and_then(|plan| plan.rate_per_second),
        in_flight: first.filter(|_| !is_open).map(|plan| plan.in_flight),
        block_ns: of(|plan| plan.duration_ns),
        warm_up_ns: of(|plan| plan.warm_up_ns),
        blocks_per_arm: 1,
        accounts: of(|plan| plan.accounts),
        merchants: of(|plan| plan.merchants),
        seed: of(|plan| plan.seed),
        budget_ns: None,
        took_ns: took.map(|run| run.rates.measured_ns).sum(),
        looks: judge::ONE_LOOK
            .iter()
            .map(|(at, part)| LookFacts {
                at: *at,
                error: ERROR * part,
                pairs: Some(pairs.len()),
            })
            .collect(),
        a_arguments: Vec::new(),
        b_arguments: Vec::new(),
    }
}

fn host(pairs: &[(Run, Run)]) -> ComparisonHost {
    let first = pairs.first().map(|((_, run), _)| &run.host);
    ComparisonHost {
        name: first.map_or_else(String::new, |host| host.name.clone()),
        cores: first.map_or(0, |host| host.cores),
        started_at: first.map_or_else(String::new, |host| host.started_at.clone()),
        generator_version: env!("CARGO_PKG_VERSION").into(),
    }
}
