//! `reconcile`: Waika's journal beside the books of the sandbox issuer, to the fen.

mod books;
mod compare;
mod ours;
mod report;

use std::io::Write as _;

use self::compare::{Comparison, compare};
use self::ours::Journal;
use super::destination::{self, Destination, Existing};
use super::entries::{Ended, Reading};
use super::interrupt::{self, Stop};
use super::table::WriteError;
use super::{GRACE, require_journal};
use crate::config::{Output, ReconcileConfig};
use crate::exit::{self, Failure, Reason};
use crate::ledger::journal::disk::RealDisk;
use crate::serve::main_runtime;

/// Compares, prints what was found, and fails if the books do not agree.
pub(super) fn run(config: ReconcileConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    let json = config.json.clone();
    let comparison = interrupt::run(GRACE, move |stop| find(&config, stop))?;
    match &json {
        Some(Output::Standard) => exit::print(&format!("{:#}\n", report::json(&comparison)))?,
        Some(file @ Output::File(_)) => {
            write(file, &comparison)?;
            exit::print(&report::text(&comparison))?;
        }
        None => exit::print(&report::text(&comparison))?,
    }
    if comparison.agrees() {
        return Ok(());
    }
    let text = "the books do not agree: see above";
    Err(Failure::new(Reason::Differs, text))
}

fn write(output: &Output, comparison: &Comparison) -> Result<(), Failure> {
    let destination = Destination::open(output, Existing::Replace)?;
    let written = destination
        .stream()
        .and_then(|mut stream| writeln!(stream, "{:#}", report::json(comparison)));
    destination.conclude(written.map(Some).map_err(WriteError::from))?;
    Ok(())
}

fn find(config: &ReconcileConfig, stop: &Stop) -> Result<Comparison, Failure> {
    let disk = RealDisk::open_read_only(&config.folder)?;
    let reading = Reading {
        disk: &disk,
        title: "reconcile",
        stop,
    };
    let (mut journal, mut last) = (Journal::default(), 0);
    let mut read = |journal: &mut Journal, from| {
        let seen = reading.entries(from..=u64::MAX, |sequence, stored| {
            last = sequence;
            if let Some(event) = stored.event() {
                journal.see(sequence, event);
            }
            Ok(())
        });
        seen.map_err(|ended| match ended {
            Ended::Failed(failure) => failure,
            Ended::Written(error) => destination::unwritten(&error),
        })?;
        Ok::<_, Failure>(last)
    };
    // What happens while the issuer's books are read is in one of both and not in the other, perhaps:
    // the rest of the journal says of which transactions that may be so.
    let before = read(&mut journal, 1)?;
    let theirs = main_runtime()?.block_on(books::read(&config.issuer))?;
    journal.books_were_read = true;
    read(&mut journal, before + 1)?;
    Ok(compare(journal, &theirs))
}
