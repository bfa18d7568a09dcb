//! What was tried, in the order in which it was.

use std::fmt::Write as _;

use super::axis::LinearAxis;
use super::chart::{Caption, Key, Mark, Shape, Spot, figure, line, put};
use super::grid::{self, Cell, Column};
use super::head::per_second;
use super::words::{latency, latency_or_dash, percent, rate, short};
use super::{Written, mark_of, tone_of};
use crate::capacity::facts::{CapacityReport, Stage, StepFacts, StepVerdict};
use crate::figures::count_as_real;
use crate::report::text::grouped;

pub(super) fn write(page: &mut String, report: &CapacityReport) -> Written {
    if report.steps.is_empty() {
        return Ok(());
    }
    picture(page, report)?;
    table(page, report)
}

fn picture(page: &mut String, report: &CapacityReport) -> Written {
    let steps = report.steps.as_slice();
    let most = steps.iter().map(|step| step.rate_per_second);
    let loads = LinearAxis::up_to(most.fold(0.0, f64::max) * 1.03);
    let caption = Caption {
        id: "steps".into(),
        title: "How it was searched".into(),
        remark: "Each mark is a step at one rate: first doubling, then halving the bracket, then trying \
                 its ends again, and at last a longer one that confirms."
            .to_owned(),
        told: report.ended.why.clone(),
        upwards: "requests a second",
        along: "steps in order of time",
        shape: Shape::Scale(280.0),
    };
    let along =
        |number: usize| (count_as_real(number as u64) + 0.5) / count_as_real(steps.len() as u64);
    figure(page, &caption, &keys(report), |page, canvas| {
        for load in loads.ticks() {
            canvas.level(page, loads.place(load), &short(load))?;
        }
        let room = usize::try_from(canvas.most_labels).unwrap_or(1);
        let each = steps.len().div_ceil(room).max(1);
        for number in (0..steps.len()).step_by(each) {
            canvas.mark(page, along(number), &(number + 1).to_string())?;
        }
        if let Some(capacity) = report.together.per_second {
            canvas.across(page, "capacity", loads.place(capacity))?;
        }
        let spot = |number: usize, step: &StepFacts| {
            canvas.spot(along(number), loads.place(step.rate_per_second))
        };
        let spots: Vec<Option<Spot>> = steps
            .iter()
            .enumerate()
            .map(|(number, step)| Some(spot(number, step)))
            .collect();
        line(page, "fence", &spots)?;
        for (number, step) in steps.iter().enumerate() {
            let (mark, class, _) = mark_of(step.verdict);
            put(page, mark, class, spot(number, step), &in_words(step))?;
        }
        Ok(())
    })
}

fn keys(report: &CapacityReport) -> Vec<Key> {
    let verdicts = [
        StepVerdict::Met,
        StepVerdict::Missed,
        StepVerdict::Undecided,
        StepVerdict::GeneratorLimit,
        StepVerdict::Disturbed,
    ];
    let found = verdicts
        .into_iter()
        .filter(|verdict| report.steps.iter().any(|step| step.verdict == *verdict));
    let mut keys: Vec<Key> = found
        .map(|verdict| {
            let (mark, class, name) = mark_of(verdict);
            Key::new(class, mark, name)
        })
        .collect();
    if let Some(capacity) = report.together.per_second {
        keys.push(Key::new(
            "capacity",
            Mark::Line,
            format!("capacity {}", per_second(capacity)),
        ));
    }
    keys
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Ramp => "ramp",
        Stage::Search => "search",
        Stage::Retest => "retest",
        Stage::Confirm => "confirm",
    }
}

fn in_words(step: &StepFacts) -> String {
    let (_, _, verdict) = mark_of(step.verdict);
    format!(
        "step {} ({}) at {}/s: {verdict}; {}",
        step.number,
        stage(step.stage),
        rate(step.rate_per_second),
        step.why
    )
}

fn table(page: &mut String, report: &CapacityReport) -> Written {
    let mut columns: Vec<Column> = vec![
        grid::word("step"),
        grid::word("stage"),
        grid::figure("rate"),
        grid::word("verdict"),
        grid::figure("answered"),
        grid::figure("p50"),
        grid::figure("p99"),
        grid::figure("p99.9"),
        grid::figure("samples"),
    ];
    let slos = report.slos.iter();
    columns.extend(slos.map(|slo| grid::figure(format!("beyond {}", slo.name))));
    columns.extend([
        grid::figure("lag p99"),
        grid::figure("server CPU"),
        grid::figure("measured"),
        grid::word("why"),
    ]);
    let rows: Vec<Vec<Cell>> = report.steps.iter().map(row).collect();
    writeln!(page, "<section>\n<h2>Steps</h2>")?;
    grid::write(page, "Table of the steps", &columns, &rows)?;
    writeln!(page, "</section>")
}

fn row(step: &StepFacts) -> Vec<Cell> {
    let (_, _, verdict) = mark_of(step.verdict);
    let mut row = grid::plain([
        step.number.to_string(),
        stage(step.stage).to_owned(),
        per_second(step.rate_per_second),
    ]);
    row.push(Cell::Verdict(tone_of(step.verdict), verdict.to_owned()));
    row.extend(grid::plain([
        per_second(step.achieved_per_second),
        latency_or_dash(step.response.p50_ns),
        latency_or_dash(step.response.p99_ns),
        latency_or_dash(step.response.p999_ns),
        grouped(step.response.count),
    ]));
    let slos = step.slos.iter();
    row.extend(grid::plain(slos.map(|slo| {
        format!(
            "{} of {} ({})",
            grouped(slo.beyond),
            grouped(slo.of),
            percent(slo.share)
        )
    })));
    let cpu = step.server_cpu;
    row.extend(grid::plain([
        latency_or_dash(step.lag.p99_ns),
        cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{:.0} %", cpu * 100.0)),
        latency(step.measured_ns),
        std::iter::once(step.why.as_str())
            .chain(step.doubts.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("; "),
    ]));
    row
}
