//! Pure: a comparison for people.

use std::fmt::Write as _;

use super::facts::{ArmFacts, ChangeFacts, Comparison, Decision, MetricFacts};
use crate::figures::real_as_count;
use crate::report::document::{Document as _, Table};
use crate::report::text::{grouped, grouped_real, time};

type Written = std::fmt::Result;

/// All of it; with `colours`, the verdict stands out on a terminal.
pub(super) fn render(comparison: &Comparison, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut text, comparison)
        .and_then(|()| tables(&mut text, &comparison.tables()))
        .and_then(|()| noise(&mut text, comparison))
        .and_then(|()| verdict(&mut text, comparison, colours));
    text
}

fn head(text: &mut String, comparison: &Comparison) -> Written {
    writeln!(text, "{}\n", comparison.title())?;
    let mut arms = vec![("A", &comparison.a)];
    if !comparison.against_itself {
        arms.push(("B", &comparison.b));
    }
    for (name, arm) in arms {
        arm_line(text, name, arm)?;
    }
    let plan = &comparison.plan;
    let load = match (plan.rate_per_second, plan.in_flight) {
        (Some(rate), _) => format!("open loop at {}/s", grouped_real(rate)),
        (None, Some(open)) => format!("closed loop of {open} calls"),
        (None, None) => format!("{} loop", plan.discipline),
    };
    writeln!(
        text,
        "Load: {load}, blocks of {} after {} of warm-up, {} of each arm in a pair; {} accounts, {} merchants, \
         seed {}.",
        time(plan.block_ns),
        time(plan.warm_up_ns),
        plan.blocks_per_arm,
        grouped(plan.accounts),
        grouped(plan.merchants),
        plan.seed,
    )?;
    let host = &comparison.host;
    write!(
        text,
        "Host: {}, {} cores, began {}, took {}",
        host.name,
        host.cores,
        host.started_at,
        time(plan.took_ns)
    )?;
    match plan.budget_ns {
        Some(budget_ns) => writeln!(text, " of {}.\n", time(budget_ns)),
        None => writeln!(text, ".\n"),
    }
}

fn arm_line(text: &mut String, name: &str, arm: &ArmFacts) -> Written {
    write!(text, "{name}: {}", arm.name)?;
    if let Some(commit) = &arm.commit {
        write!(text, ", commit {commit}")?;
    }
    if let Some(version) = &arm.version {
        write!(text, ", version {version}")?;
    }
    if let Some(checked) = arm.answers_checked {
        write!(text, ", {} answers checked first", grouped(checked))?;
    }
    writeln!(text)
}

fn tables(text: &mut String, tables: &[Table]) -> Written {
    for table in tables {
        writeln!(text, "{}", table.aligned())?;
    }
    Ok(())
}

fn noise(text: &mut String, comparison: &Comparison) -> Written {
    let noise = &comparison.noise;
    let share = |name: &str, value: Option<f64>| {
        value.map_or_else(String::new, |value| {
            format!("; {name} took {:.1} % of the machine", value * 100.0)
        })
    };
    writeln!(
        text,
        "Noise: {} pairs, {} of them not used{}{}.",
        noise.pairs,
        noise.discarded,
        share("other guests", noise.stolen),
        share("other programs", noise.others),
    )?;
    if let Some(half_width) = noise.half_width {
        writeln!(
            text,
            "No tolerance below {} can be held by this comparison's intervals.",
            percent(half_width)
        )?;
    }
    for remark in &comparison.remarks {
        writeln!(text, "{remark}")?;
    }
    writeln!(text)
}

fn verdict(text: &mut String, comparison: &Comparison, colours: bool) -> Written {
    let colour = match comparison.verdict {
        Decision::Passed => "\u{1b}[32m",
        Decision::Inconclusive | Decision::Advisory => "\u{1b}[33m",
        Decision::Regressed | Decision::Invalid | Decision::Violated => "\u{1b}[31m",
    };
    let (on, off) = if colours {
        (colour, "\u{1b}[0m")
    } else {
        ("", "")
    };
    if comparison.interrupted {
        writeln!(text, "Interrupted: this is what is known so far.")?;
    }
    write!(text, "{on}{}{off}", comparison.verdict.word())?;
    for reason in &comparison.reasons {
        write!(text, "\n  - {reason}")?;
    }
    Ok(())
}

/// What was found of a metric, in a line.
pub(super) fn found(metric: &MetricFacts) -> String {
    format!(
        "{} ({}), {} tolerated, {} could be seen, {} pairs",
        change(metric.change.estimate),
        interval(&metric.change),
        percent(metric.change.tolerance),
        change(metric.detectable),
        metric.change.used,
    )
}

/// A change with its sign, such as `+5.0 %`; `-` where it is not known.
pub(super) fn change(ratio: Option<f64>) -> String {
    ratio.map_or_else(
        || "-".to_owned(),
        |ratio| format!("{:+.2} %", ratio * 100.0),
    )
}

/// A share in percent.
pub(super) fn percent(ratio: f64) -> String {
    format!("{:.1} %", ratio * 100.0)
}

/// An interval with its level, such as `95 %: +1.0 % to +2.0 %`.
pub(super) fn interval(found: &ChangeFacts) -> String {
    match (found.low, found.high) {
        (Some(low), Some(high)) => format!(
            "{:.1} %: {} to {}",
            found.level * 100.0,
            change(Some(low)),
            change(Some(high))
        ),
        _ => "too few pairs".to_owned(),
    }
}

/// A value in its unit; times in the unit that suits them.
pub(super) fn value(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "-".to_owned(),
        Some(ns) if unit == "ns" && ns < 1_000_000.0 => {
            format!("{} us", three_figures(ns / 1_000.0))
        }
        Some(ns) if unit == "ns" => time(real_as_count(ns)),
        Some(value) => format!("{} {unit}", three_figures(value)),
    }
}

fn three_figures(value: f64) -> String {
    match value {
        value if value < 100.0 => format!("{value:.2}"),
        value if value < 1_000.0 => format!("{value:.1}"),
        value => grouped(real_as_count(value.round())),
    }
}
