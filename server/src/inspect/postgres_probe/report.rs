//! The figures for people, and for programs.

use std::fmt::{self, Write as _};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::exit::{Failure, Reason};
use crate::inspect::percentiles::Percentiles;
use crate::inspect::text::{self, grouped};
use crate::ledger::postgres::Fitness;

/// All of a probe.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) database: String,
    pub(super) lanes: usize,
    pub(super) fitness: Fitness,
    pub(super) rows: Vec<Row>,
    /// It was stopped before its end.
    pub(super) interrupted: bool,
}

/// What was asked of it again and again.
#[derive(Debug)]
pub(super) struct Row {
    what: &'static str,
    at_once: usize,
    count: u64,
    per_second: Option<u64>,
    percentiles: Percentiles,
}

impl Row {
    pub(super) fn of(
        what: &'static str,
        at_once: usize,
        histogram: &Histogram<u64>,
        took: Duration,
    ) -> Self {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        Self {
            what,
            at_once,
            count: histogram.len(),
            per_second: text::per_second(histogram.len(), ns),
            percentiles: Percentiles::of(histogram),
        }
    }
}

/// For programs.
pub(super) fn json(measured: &Measured) -> Result<String, Failure> {
    let Measured {
        database,
        lanes,
        fitness,
        rows,
        interrupted,
    } = measured;
    let rows: Result<Vec<Value>, _> = rows.iter().map(row_json).collect();
    let rows =
        rows.map_err(|error| Failure::new(Reason::System, format!("the figures: {error}")))?;
    let all = json!({
        "database": database,
        "version": fitness.version,
        "synchronous_commit": fitness.synchronous_commit,
        "synchronous_standby_names": fitness.synchronous_standbys,
        "loses_commits_by": fitness.loses_commits(),
        "clock_ahead_us": fitness.clock_ahead_us,
        "clock_known_within_us": fitness.clock_within_us,
        "lanes": lanes,
        "rows": rows,
        "interrupted": interrupted,
    });
    Ok(format!("{all:#}\n"))
}

fn row_json(row: &Row) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(row.percentiles)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("what".to_owned(), row.what.into());
        fields.insert("at_once".to_owned(), row.at_once.into());
        fields.insert("count".to_owned(), row.count.into());
        fields.insert("per_second".to_owned(), row.per_second.into());
    }
    Ok(value)
}

/// For people.
pub(super) fn text(measured: &Measured) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = found(&mut text, measured).and_then(|()| table(&mut text, measured));
    text
}

fn found(text: &mut String, measured: &Measured) -> fmt::Result {
    let fitness = &measured.fitness;
    writeln!(
        text,
        "{}: PostgreSQL {}",
        measured.database, fitness.version
    )?;
    match fitness.loses_commits() {
        Some(setting) => writeln!(
            text,
            "  {setting}: a decision that was answered CAN BE LOST, and these figures are not those of one that is \
             kept"
        )?,
        None if fitness.synchronous_standbys.is_empty() => writeln!(
            text,
            "  an answered commit is on its disk (synchronous_commit = {}), and need not be on any other",
            fitness.synchronous_commit
        )?,
        None => writeln!(
            text,
            "  an answered commit {} (synchronous_commit = {}, synchronous_standby_names = {:?})",
            where_a_commit_is(&fitness.synchronous_commit),
            fitness.synchronous_commit,
            fitness.synchronous_standbys
        )?,
    }
    let (ahead, way) = match fitness.clock_ahead_us {
        us @ ..0 => (us.unsigned_abs(), "behind"),
        us => (us.unsigned_abs(), "ahead of"),
    };
    let time = |us: u64| text::time(us.saturating_mul(1_000));
    writeln!(
        text,
        "  its clock is {} {way} this machine's, known within {}; 2 s are allowed\n",
        time(ahead),
        time(fitness.clock_within_us.unsigned_abs())
    )
}

/// Beside a standby that must have it.
fn where_a_commit_is(synchronous_commit: &str) -> &'static str {
    match synchronous_commit {
        "remote_write" => {
            "is on its disk, and was given to the system of the standbys that must have it, whose disks need not \
             have it"
        }
        "remote_apply" => {
            "is on its disk and on those of the standbys that must have it, and can be read there"
        }
        _ => "is on its disk and on those of the standbys that must have it",
    }
}

fn table(text: &mut String, measured: &Measured) -> fmt::Result {
    let heads = [
        "at once", "count", "a second", "p50", "p90", "p99", "p99.9", "max",
    ];
    write!(text, "{:<12}", "")?;
    for head in heads {
        write!(text, "{head:>10}")?;
    }
    writeln!(text)?;
    for row in &measured.rows {
        let rate = row.per_second.map_or_else(|| "-".to_owned(), grouped);
        let (at_once, count) = (grouped(row.at_once as u64), grouped(row.count));
        write!(text, "{:<12}{at_once:>10}{count:>10}{rate:>10}", row.what)?;
        for cell in row.percentiles.cells() {
            write!(text, "{cell:>10}")?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "\nround trip: a question that writes nothing. one commit: one account and one entry by compare-and-set. \
         batches: the same for many accounts, in {} lanes that each send one statement at a time. A percentile that \
         too few samples support is left out (-).",
        measured.lanes
    )?;
    if measured.interrupted {
        writeln!(text, "Interrupted: these are the figures so far.")?;
    }
    Ok(())
}
