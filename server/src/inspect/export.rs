//! `journal export`: every entry as a row that people can look at with the tools that they have.

mod columns;
mod facts;
mod names;
mod row;
#[cfg(test)]
mod row_tests;
mod sqlite;

use std::path::PathBuf;

use waika_domain::identifiers::AccountId;

use self::columns::Row;
use self::sqlite::Sqlite;
use super::destination::{self, Destination, Existing};
use super::entries::{Ended, Reading};
use super::interrupt::{self, Stop};
use super::table::{self, WriteError, Writer};
use super::{GRACE, instants, require_journal, text};
use crate::clock::{Clock, monotonic};
use crate::config::{ExportConfig, ExportFormat};
use crate::exit::{self, Failure};
use crate::ledger::journal;
use crate::ledger::journal::disk::{Disk, RealDisk};

/// Exports, and says on standard error how much.
pub(super) fn run(config: ExportConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    let destination = Destination::open(&config.output, Existing::of(config.force))?;
    let place = destination::place(&config.output);
    let began = monotonic();
    let rows = interrupt::run(GRACE, move |stop| export(&config, destination, stop))?;
    if let Some(rows) = rows {
        let (rows, took) = (text::grouped(rows), text::elapsed(began.elapsed()));
        exit::note(&format!("entries: {rows}, written to {place} in {took}"));
    }
    Ok(())
}

/// What the rows come from, for whoever finds them later.
#[derive(Debug)]
struct Provenance {
    /// Of this program.
    version: &'static str,
    /// RFC 3339.
    exported_at: String,
    folder: PathBuf,
    /// Hexadecimal.
    identity: Option<String>,
    from: u64,
    to: Option<u64>,
    account: Option<String>,
}

/// How many rows were written; None if their reader has had enough.
fn export(
    config: &ExportConfig,
    destination: Destination,
    stop: &Stop,
) -> Result<Option<u64>, Failure> {
    let disk = RealDisk::open_read_only(&config.folder)?;
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION"),
        exported_at: instants::in_utc(Clock::system().now()),
        folder: config.folder.clone(),
        identity: journal::identity(&disk).map(|identity| format!("{identity:016x}")),
        from: config.from,
        to: config.to,
        account: config.account.as_ref().map(ToString::to_string),
    };
    let opened = open(config.format, &destination, provenance);
    let mut writer = opened.map_err(|error| destination::unwritten(&error))?;
    match copy(config, &disk, &mut *writer, stop) {
        Ok(rows) => destination.conclude(writer.finish().map(|()| rows)),
        Err(Ended::Written(error)) => destination.conclude(Err(error)),
        Err(Ended::Failed(failure)) => Err(failure),
    }
}

fn open(
    format: ExportFormat,
    destination: &Destination,
    provenance: Provenance,
) -> Result<Box<dyn Writer<Row>>, WriteError> {
    match format {
        ExportFormat::Lines(format) => table::lines(format, destination.stream()?),
        ExportFormat::Sqlite => Ok(Box::new(Sqlite::begin(destination.file()?, provenance)?)),
    }
}

/// Whoever asks for everything is given all that is kept, and told so. A later `--from` that was pruned is
/// refused when it is read.
fn from_beginning(config: &ExportConfig, reading: Reading<'_>) -> Result<u64, Ended> {
    let pruned = reading.beginning().map_err(Ended::Failed)?;
    match pruned.filter(|_| config.from <= 1) {
        None => Ok(config.from),
        Some(beginning) => {
            exit::note(&beginning.to_string());
            Ok(beginning.first)
        }
    }
}

fn copy(
    config: &ExportConfig,
    disk: &dyn Disk,
    writer: &mut dyn Writer<Row>,
    stop: &Stop,
) -> Result<u64, Ended> {
    let reading = Reading {
        disk,
        title: "export",
        stop,
    };
    let wanted = config.account.as_ref().map(AccountId::as_str);
    let mut rows = 0;
    let sequences = from_beginning(config, reading)?..=config.to.unwrap_or(u64::MAX);
    reading.entries(sequences, |sequence, stored| {
        if wanted.is_some_and(|wanted| *wanted != *stored.account) {
            return Ok(());
        }
        rows += 1;
        writer.write(&row::of(sequence, stored))
    })?;
    Ok(rows)
}
