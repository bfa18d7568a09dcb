//! `journal export`: every entry as a row that people can look at with the tools that they have.

mod columns;
mod destination;
mod facts;
mod json_lines;
mod names;
mod row;
#[cfg(test)]
mod row_tests;
mod separated;
mod sqlite;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use waika_domain::identifiers::AccountId;

use self::columns::Row;
use self::destination::{Destination, Existing};
use self::json_lines::JsonLines;
use self::separated::Separated;
use self::sqlite::Sqlite;
use super::interrupt::{self, Stop};
use super::progress::{Meter, Unit};
use super::{require_journal, text};
use crate::clock::{Clock, monotonic};
use crate::config::{ExportConfig, ExportFormat, Output};
use crate::exit::{self, Failure, Reason};
use crate::ledger::decode;
use crate::ledger::journal::disk::{Disk, RealDisk};
use crate::ledger::journal::{self, OpenError, Progress as _};

/// How long the unfinished file may take to be removed.
const GRACE: Duration = Duration::from_secs(5);

/// Exports, and says on standard error how much.
pub(super) fn run(config: ExportConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    let existing = if config.force {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let destination = Destination::open(&config.output, existing)?;
    let place = match &config.output {
        Output::Standard => "standard output".to_owned(),
        Output::File(file) => file.display().to_string(),
    };
    let began = monotonic();
    let rows = interrupt::run(GRACE, move |stop| export(&config, destination, stop))?;
    let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    if let Some(rows) = rows {
        let (rows, took) = (text::grouped(rows), text::time(took));
        exit::note(&format!("entries: {rows}, written to {place} in {took}"));
    }
    Ok(())
}

/// Writes rows in one of the formats.
trait Writer {
    fn write(&mut self, row: &Row) -> Result<(), WriteError>;

    /// Writes what is still held back, and what stands at the end.
    fn finish(self: Box<Self>) -> Result<(), WriteError>;
}

/// Why rows cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl WriteError {
    /// A reader that has had enough, such as `head`, is none of our business.
    fn is_enough(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
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
        exported_at: facts::rfc3339(Clock::system().now()),
        folder: config.folder.clone(),
        identity: journal::identity(&disk).map(|identity| format!("{identity:016x}")),
        from: config.from,
        to: config.to,
        account: config.account.as_ref().map(ToString::to_string),
    };
    let failed = |error: WriteError| {
        let text = format!("the export cannot be written: {error}");
        Failure::new(Reason::Io, text)
    };
    let mut writer = open(config.format, &destination, provenance).map_err(failed)?;
    let copied = copy(config, &disk, &mut *writer, stop);
    let finished = match copied {
        Ok(rows) => writer.finish().map(|()| rows),
        Err(Ended::Written(error)) => Err(error),
        Err(Ended::Failed(failure)) => return Err(failure),
    };
    match finished {
        Ok(rows) => destination.publish().map(|()| Some(rows)),
        Err(error) if error.is_enough() => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn open(
    format: ExportFormat,
    destination: &Destination,
    provenance: Provenance,
) -> Result<Box<dyn Writer>, WriteError> {
    Ok(match format {
        ExportFormat::JsonLines => Box::new(JsonLines::new(destination.stream()?)),
        ExportFormat::Csv => Box::new(Separated::begin(destination.stream()?)?),
        ExportFormat::Sqlite => Box::new(Sqlite::begin(destination.file()?, provenance)?),
    })
}

/// Why an entry was not taken.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Why copying ended early.
enum Ended {
    Written(WriteError),
    Failed(Failure),
}

fn copy(
    config: &ExportConfig,
    disk: &dyn Disk,
    writer: &mut dyn Writer,
    stop: &Stop,
) -> Result<u64, Ended> {
    let meter = Meter::start("export", Unit::Entries, stop);
    let to = config.to.unwrap_or(u64::MAX);
    let wanted = config.account.as_ref().map(AccountId::as_str);
    let (mut ended, mut rows) = (None, 0);
    let mut on_entry = |sequence, entry: &[u8]| -> Result<(), Failed> {
        if stop.is_asked() {
            ended = Some(Ended::Failed(interrupt::stopped()));
            return Err("stopped".into());
        }
        let stored = decode::entry(entry)?;
        meter.done(1);
        if wanted.is_some_and(|wanted| *wanted != *stored.account) {
            return Ok(());
        }
        rows += 1;
        writer.write(&row::of(sequence, &stored)).map_err(|error| {
            ended = Some(Ended::Written(error));
            "not written".into()
        })
    };
    let read = journal::read_all(disk, config.from, to, &mut on_entry);
    match (ended, read) {
        (Some(ended), _) => Err(ended),
        (None, Ok(_)) => Ok(rows),
        (None, Err(error)) => Err(Ended::Failed(unreadable(error))),
    }
}

fn unreadable(error: OpenError) -> Failure {
    let Failure { reason, text } = error.into();
    Failure::new(reason, format!("the export ended early: {text}"))
}
