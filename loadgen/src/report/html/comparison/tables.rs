//! The figures of a comparison, what disturbed it, what was asked for and where.

use std::fmt::Write as _;

use super::Written;
use super::frame::{self, Fact, Tone};
use super::grid::{self, Cell};
use super::head::{tone, upper};
use super::words::{
    change, change_or_dash, instant, latency, length, percent, plain_percent, quantity, rate,
};
use crate::gate::facts::{ArmFacts, Comparison, ControlFacts, Decision, MetricFacts};
use crate::report::text::grouped;

pub(super) fn metrics(page: &mut String, comparison: &Comparison) -> Written {
    let columns = [
        grid::word("metric"),
        grid::word("verdict"),
        grid::figure("A"),
        grid::figure("B"),
        grid::figure("change"),
        grid::figure("interval"),
        grid::figure("level"),
        grid::figure("tolerance"),
        grid::figure("could be seen"),
        grid::figure("p-value"),
        grid::figure("pairs"),
    ];
    let metrics = comparison.metrics.iter().map(metric_row);
    let rows: Vec<Vec<Cell>> = metrics
        .chain(comparison.control.iter().map(control_row))
        .collect();
    writeln!(page, "<section>\n<h2>Figures</h2>")?;
    grid::write(page, "Table of the metrics", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn metric_row(metric: &MetricFacts) -> Vec<Cell> {
    let value = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| quantity(value, &metric.unit))
    };
    let verdict = match metric.verdict {
        Decision::Advisory => Cell::Plain("advisory".to_owned()),
        decision => Cell::Verdict(tone(decision), decision.word().to_lowercase()),
    };
    let mut row = vec![Cell::Plain(upper(&metric.label)), verdict];
    row.extend(grid::plain([
        value(metric.change.a_median),
        value(metric.change.b_median),
        change_or_dash(metric.change.estimate),
        ends(metric.change.low, metric.change.high),
        plain_percent(metric.change.level),
        plain_percent(metric.change.tolerance),
        change_or_dash(metric.detectable),
        metric.p_value.map_or_else(|| "–".to_owned(), p_value),
        metric.change.used.to_string(),
    ]));
    row
}

fn control_row(control: &ControlFacts) -> Vec<Cell> {
    let value = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |value| quantity(value, &control.unit))
    };
    let verdict = if control.moved {
        Cell::Verdict(Tone::Bad, "moved".to_owned())
    } else {
        Cell::Verdict(Tone::Good, "stood still".to_owned())
    };
    let mut row = vec![Cell::Plain(format!("Control: {}", control.label)), verdict];
    row.extend(grid::plain([
        value(control.change.a_median),
        value(control.change.b_median),
        change_or_dash(control.change.estimate),
        ends(control.change.low, control.change.high),
        plain_percent(control.change.level),
        format!("±{}", plain_percent(control.change.tolerance)),
        "–".to_owned(),
        "–".to_owned(),
        control.change.used.to_string(),
    ]));
    row
}

fn ends(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => {
            let low = change(low);
            format!(
                "{} to {}",
                low.trim_end_matches(['\u{a0}', '%']),
                change(high)
            )
        }
        _ => "too few pairs".to_owned(),
    }
}

/// What is not nothing does not look like it.
fn p_value(value: f64) -> String {
    if value < 0.0001 {
        "< 0.0001".to_owned()
    } else {
        format!("{value:.4}")
    }
}

pub(super) fn write(page: &mut String, comparison: &Comparison) -> Written {
    set_aside(page, comparison)?;
    frame::notes(page, "What else is to be known", &comparison.remarks)?;
    writeln!(page, r#"<div class="pair">"#)?;
    frame::facts(page, "A, the baseline", &arm(&comparison.a))?;
    if comparison.against_itself {
        frame::facts(page, "B", &[("is", "the same server again".to_owned())])?;
    } else {
        frame::facts(page, "B", &arm(&comparison.b))?;
    }
    frame::facts(page, "Plan", &plan(comparison))?;
    frame::facts(page, "Environment", &environment(comparison))?;
    writeln!(page, "</div>")?;
    how_to_read(page, comparison)
}

/// The pairs that were not used, and why.
fn set_aside(page: &mut String, comparison: &Comparison) -> Written {
    let Some(metric) = comparison.metrics.first() else {
        return Ok(());
    };
    let rows: Vec<Vec<Cell>> = metric
        .pairs
        .iter()
        .enumerate()
        .filter_map(|(number, pair)| {
            let why = pair.discarded.clone()?;
            Some(grid::plain([
                (number + 1).to_string(),
                (pair.superblock + 1).to_string(),
                why,
            ]))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = [
        grid::word("pair"),
        grid::figure("superblock"),
        grid::word("why"),
    ];
    writeln!(
        page,
        "<section>\n<h2>What was set aside</h2>\n<p>For what happened outside, and never for what a \
         pair showed.</p>"
    )?;
    grid::write(page, "Table of pairs that were set aside", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn arm(arm: &ArmFacts) -> Vec<Fact> {
    let mut facts = vec![("asked for as", arm.name.clone())];
    let more = [
        (
            "files",
            (!arm.paths.is_empty()).then(|| arm.paths.join(", ")),
        ),
        ("commit", arm.commit.clone()),
        ("version", arm.version.clone()),
        ("form of the runs", arm.report_schema.clone()),
        (
            "answers checked",
            arm.answers_checked.map(|checked| {
                format!(
                    "{}, {} against a rule",
                    grouped(checked),
                    grouped(arm.violations)
                )
            }),
        ),
    ];
    facts.extend(
        more.into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    facts
}

fn plan(comparison: &Comparison) -> Vec<Fact> {
    let plan = &comparison.plan;
    let load = match (plan.rate_per_second, plan.in_flight) {
        (Some(per_second), _) => format!("open loop, {} requests a second", rate(per_second)),
        (None, Some(open)) => format!("closed loop, {open} calls always open"),
        (None, None) => format!("{} loop", plan.discipline),
    };
    let mut facts = vec![
        ("load", load),
        (
            "a block",
            format!(
                "{} after {} of warm-up",
                latency(plan.block_ns),
                latency(plan.warm_up_ns)
            ),
        ),
        (
            "blocks in a pair",
            format!("{} of each arm", plan.blocks_per_arm),
        ),
        ("accounts", grouped(plan.accounts)),
        ("merchants", grouped(plan.merchants)),
        ("seed", plan.seed.to_string()),
    ];
    let arguments = [
        ("arguments of A", &plan.a_arguments),
        ("arguments of B", &plan.b_arguments),
    ];
    for (name, arguments) in arguments {
        if !arguments.is_empty() {
            facts.push((name, arguments.join(" ")));
        }
    }
    let took = length(plan.took_ns);
    facts.push((
        "took",
        plan.budget_ns.map_or_else(
            || took.clone(),
            |budget| format!("{took} of {}", length(budget)),
        ),
    ));
    if !plan.looks.is_empty() {
        let looks = plan.looks.iter().map(|look| {
            let pairs = look
                .pairs
                .map_or_else(|| "not needed".to_owned(), |pairs| format!("{pairs} pairs"));
            format!(
                "at {} of the budget: {pairs}, error {}",
                plain_percent(look.at),
                plain_percent(look.error)
            )
        });
        facts.push(("looks", looks.collect::<Vec<_>>().join("; ")));
    }
    facts
}

fn environment(comparison: &Comparison) -> Vec<Fact> {
    let (host, noise) = (&comparison.host, &comparison.noise);
    let share = |value: Option<f64>| {
        value.map_or_else(
            || "not known".to_owned(),
            |value| format!("{} of the machine's time", percent(value)),
        )
    };
    let mut facts = vec![
        ("host", format!("{}, {} cores", host.name, host.cores)),
        ("began", instant(&host.started_at)),
        (
            "generator",
            format!("waika-loadgen {}", host.generator_version),
        ),
        (
            "pairs",
            format!("{} measured, {} set aside", noise.pairs, noise.discarded),
        ),
        ("taken by other guests", share(noise.stolen)),
        ("by other programs", share(noise.others)),
    ];
    if let Some(half_width) = noise.half_width {
        facts.push((
            "noise",
            format!(
                "intervals of {}: no tolerance below it can be held",
                change(half_width).replace('+', "±")
            ),
        ));
    }
    facts
}

fn how_to_read(page: &mut String, comparison: &Comparison) -> Written {
    let mut lines = vec![
        "The unit of all figures is the pair, never the request: what both servers showed within \
         seconds of each other, so that what the machine did to one it did to both.",
        "The estimate is Hodges' and Lehmann's, the median over all means of two pairs. Its interval \
         comes from Wilcoxon's signed ranks and supposes nothing of how pairs are spread.",
        "Regressed: even the interval's lower end is above the tolerance. Passed: even its upper end is \
         below. Otherwise there is no verdict, which is not the same as no difference.",
        "The smallest change to be seen is what this comparison would have called a regression in 80 \
         of 100 repetitions. A smaller one can be there unseen.",
        "Advisory metrics decide nothing: tails are too noisy on a shared machine.",
    ];
    if comparison.control.is_some() {
        lines.push(
            "The control is something in which the arms cannot differ. If it moves, the machine did, \
             and no other figure is to be trusted.",
        );
    }
    let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    frame::notes(page, "How to read this", &lines)
}
