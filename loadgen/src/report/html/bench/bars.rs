//! What a payment cost in each arm, as bars with the least and the most of any round.

use super::Written;
use super::axis::LinearAxis;
use super::chart::{Canvas, Caption, Key, Mark, Shape, bar, figure, line, nothing, put};
use super::words::{latency, short};
use crate::bench::facts::{Arm, ArmFacts, BenchReport, Spread};
use crate::figures::real_as_count;

const TITLE: &str = "Processor time of the server for a payment";

/// Bars and whiskers are so thick.
const THICK: f64 = 16.0;
const END: f64 = 5.0;

pub(super) fn write(page: &mut String, report: &BenchReport) -> Written {
    let cost = |facts: &ArmFacts| Some((facts.arm, facts.server_cpu_ns?, facts.client_cpu_ns));
    let rows: Vec<(Arm, Spread, Option<Spread>)> = report.arms.iter().filter_map(cost).collect();
    if rows.is_empty() {
        return nothing(
            page,
            TITLE,
            "No processor time is known, so there is nothing to draw.",
        );
    }
    let most = rows.iter().map(|(_, server, client)| {
        let client = client.map_or(0.0, |client| client.median);
        server.max.max(client)
    });
    let axis = LinearAxis::up_to(most.fold(0.0, f64::max) / 1e3 * 1.02);
    let told: Vec<String> = rows
        .iter()
        .map(|(arm, server, _)| format!("{}: {}", arm.label(), in_words(*server)))
        .collect();
    let caption = Caption {
        id: "costs".into(),
        title: TITLE.into(),
        remark: "User and system time of its process, over all payments of an arm. A bar is the median over the rounds, \
                 its line goes from the least to the most. What a bar has beyond that of an echo is work."
            .to_owned(),
        told: told.join(". ") + ".",
        upwards: "",
        along: "microseconds a payment",
        shape: Shape::Rows(rows.len()),
    };
    figure(page, &caption, &keys(&rows), |page, canvas| {
        for tick in axis.ticks() {
            canvas.mark(page, axis.place(tick), &short(tick))?;
        }
        for (place, (arm, server, client)) in rows.iter().enumerate() {
            canvas.row(page, place, arm.label(), &in_words(*server))?;
            let at = |ns: f64| axis.place(ns / 1e3);
            draw(page, canvas, place, (class(*arm), server.map(at)))?;
            if let Some(client) = client {
                let spot = canvas.in_row(at(client.median), place);
                let text = format!("what asked: {}", in_words(*client));
                put(page, Mark::Ring, "late", spot, &text)?;
            }
        }
        Ok(())
    })
}

fn keys(rows: &[(Arm, Spread, Option<Spread>)]) -> Vec<Key> {
    let mut keys = Vec::new();
    for (class, name) in [("first", "waika"), ("second", "echo, which does nothing")] {
        if rows.iter().any(|(arm, ..)| self::class(*arm) == class) {
            keys.push(Key::new(class, Mark::Fill, name));
        }
    }
    keys.push(Key::new(
        "whisker",
        Mark::Line,
        "from the least round to the most",
    ));
    if rows.iter().any(|(_, _, client)| client.is_some()) {
        keys.push(Key::new("late", Mark::Ring, "what asked, for itself"));
    }
    keys
}

fn class(arm: Arm) -> &'static str {
    if arm.does_work() { "first" } else { "second" }
}

/// A bar to the median, and a line with ends from the least to the most; in shares of the axis.
fn draw(
    page: &mut String,
    canvas: &Canvas,
    place: usize,
    (class, found): (&'static str, Spread),
) -> Written {
    let at = |share: f64| canvas.in_row(share, place);
    bar(page, class, (at(0.0), at(found.median)), THICK)?;
    line(page, "whisker", &[Some(at(found.min)), Some(at(found.max))])?;
    for end in [at(found.min), at(found.max)] {
        let (mut from, mut to) = (end, end);
        from.y -= END;
        to.y += END;
        line(page, "whisker", &[Some(from), Some(to)])?;
    }
    Ok(())
}

/// A median with the least and the most.
pub(super) fn in_words(spread: Spread) -> String {
    let time = |ns: f64| latency(real_as_count(ns));
    format!(
        "{} ({} to {})",
        time(spread.median),
        time(spread.min),
        time(spread.max)
    )
}
