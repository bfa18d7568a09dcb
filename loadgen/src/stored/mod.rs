//! Results that were stored before, read again: told apart by their field `schema`.

mod error;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bench::{self, facts::BenchReport};
use crate::capacity::{self, facts::CapacityReport};
use crate::clean;
use crate::exit::Failure;
use crate::gate::facts::{COMPARE_SCHEMA, Comparison, GATE_SCHEMA};
use crate::merge::{self, facts::Merged};
use crate::mesh_tax::{self, facts::MeshTaxReport};
use crate::report::{self, Report};
use error::Fault;

/// Far more than a result of the longest run has: ten thousand of its slices would fit.
const MOST_BYTES: u64 = 64 << 20;

/// A result that was stored.
#[derive(Debug)]
pub(crate) enum Stored {
    /// What `run` or `quickstart` found.
    Run(Box<Report>),
    /// What `gate` or `compare` found.
    Comparison(Box<Comparison>),
    /// What `capacity` found.
    Capacity(Box<CapacityReport>),
    /// What `merge` made of several hosts' logs.
    Merged(Box<Merged>),
    /// What `bench` found.
    Bench(Box<BenchReport>),
    /// What `mesh-tax` found.
    MeshTax(Box<MeshTaxReport>),
}

/// A kind of result and how it is read: its name, its schema, the reader.
type Kind = (
    &'static str,
    &'static str,
    fn(&str) -> Result<Stored, serde_json::Error>,
);

/// Every kind that this program can read.
const KINDS: &[Kind] = &[
    ("run", report::SCHEMA, |text| whole(text).map(Stored::Run)),
    ("gate", GATE_SCHEMA, |text| {
        whole(text).map(Stored::Comparison)
    }),
    ("compare", COMPARE_SCHEMA, |text| {
        whole(text).map(Stored::Comparison)
    }),
    ("capacity", capacity::facts::SCHEMA, |text| {
        whole(text).map(Stored::Capacity)
    }),
    ("merge", merge::facts::SCHEMA, |text| {
        whole(text).map(Stored::Merged)
    }),
    ("bench", bench::facts::SCHEMA, |text| {
        whole(text).map(Stored::Bench)
    }),
    ("mesh-tax", mesh_tax::facts::SCHEMA, |text| {
        whole(text).map(Stored::MeshTax)
    }),
];

/// Reads a stored result. The failure is one of usage, and names file, place and mend.
pub(crate) fn read(path: &Path) -> Result<Stored, Failure> {
    let read = text_of(path).and_then(|text| parse(&text));
    read.map_err(|fault| Failure::Usage(fault.of(path)))
}

/// Reads a stored run, and refuses any other kind of result.
pub(crate) fn read_run(path: &Path) -> Result<Report, Failure> {
    let other = match read(path)? {
        Stored::Run(report) => return Ok(*report),
        Stored::Comparison(other) => other.schema,
        Stored::Capacity(other) => other.schema,
        Stored::Merged(other) => other.schema,
        Stored::Bench(other) => other.schema,
        Stored::MeshTax(other) => other.schema,
    };
    Err(Failure::Usage(format!(
        "{}: is a \"{other}\", and a run is wanted: name a file that run --json wrote",
        path.display()
    )))
}

/// Reads a file whole, as far as a result can be.
fn text_of(path: &Path) -> Result<String, Fault> {
    if path.is_dir() {
        return Err(Fault::plain(
            "is a folder: name the file in it that --json wrote",
        ));
    }
    let mut bytes = Vec::new();
    // A byte more than fits tells a file that is too long.
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Fault::plain(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Fault::plain(&format!(
            "is longer than {} MiB, which no result is: name a file that --json wrote",
            MOST_BYTES >> 20
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.utf8_error().valid_up_to();
        Fault::binary(error.as_bytes(), before)
    })
}

/// Finds out which kind of result a text is, and reads it as that.
fn parse(text: &str) -> Result<Stored, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::plain(
            "is empty: the run that was to write it did not come to its end; run it again",
        ));
    }
    let text = &*clean::json(text);
    let head: Head = serde_json::from_str(text).map_err(|error| Fault::of_json(text, &error))?;
    let Some(schema) = head.schema else {
        return Err(Fault::plain(
            "is JSON without a field \"schema\", so no result of this program: name a file that --json wrote",
        ));
    };
    let found = KINDS.iter().find(|(_, known, _)| *known == schema);
    let Some((_, _, reader)) = found else {
        return Err(Fault::plain(&unknown(&schema)));
    };
    reader(text).map_err(|error| Fault::of_field(&schema, &error))
}

/// The field that tells kinds apart; all others are passed over.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
}

fn whole<T: DeserializeOwned>(text: &str) -> Result<Box<T>, serde_json::Error> {
    serde_json::from_str(text).map(Box::new)
}

/// What to say of a schema that is none of ours, or not yet.
fn unknown(schema: &str) -> String {
    let known: Vec<&str> = KINDS.iter().map(|(_, schema, _)| *schema).collect();
    let known = known.join(", ");
    let shown: String = schema
        .chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect();
    let parts = schema
        .strip_prefix("waika-loadgen/")
        .and_then(|rest| rest.split_once('/'));
    let Some((kind, version)) = parts else {
        return format!(
            "has the schema \"{shown}\", which is not this program's: it reads {known}"
        );
    };
    if kind == "trace" {
        return format!("is a trace (\"{shown}\"): repeat it with run --replay");
    }
    let is_known = KINDS.iter().any(|(name, _, _)| *name == kind);
    let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    if is_known && is_number && !matches!(version.trim_start_matches('0'), "" | "1") {
        return format!(
            "has the schema \"{shown}\", newer than waika-loadgen {} knows: read it with the version that wrote it, \
             or a later one; this one reads {known}",
            env!("CARGO_PKG_VERSION"),
        );
    }
    format!(
        "has the schema \"{shown}\", which waika-loadgen {} does not know: it reads {known}",
        env!("CARGO_PKG_VERSION"),
    )
}
