//! Reading a journal's entries one after the other, with progress and until a signal comes.

use std::ops::RangeInclusive;

use super::interrupt::{self, Stop};
use super::progress::{Meter, Unit};
use super::table::WriteError;
use crate::exit::Failure;
use crate::ledger::decode::{self, Stored};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::{self, Beginning, OpenError, Progress as _};

/// What is read, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Where the journal is.
    pub(super) disk: &'a dyn Disk,
    /// What people call it, in progress.
    pub(super) title: &'static str,
    /// Ends it early.
    pub(super) stop: &'a Stop,
}

/// Why reading ended early.
#[derive(Debug)]
pub(super) enum Ended {
    /// What was made of an entry could not be written.
    Written(WriteError),
    /// Nothing is to be written.
    Failed(Failure),
}

/// Why an entry was not taken.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Reading<'_> {
    /// Where the journal begins; None: with sequence 1.
    pub(super) fn beginning(self) -> Result<Option<Beginning>, Failure> {
        Ok(journal::beginning(self.disk)?)
    }

    /// Hands on every entry of these sequences, as far as there are any.
    pub(super) fn entries(
        self,
        sequences: RangeInclusive<u64>,
        mut take: impl FnMut(u64, &Stored) -> Result<(), WriteError>,
    ) -> Result<(), Ended> {
        let meter = Meter::start(self.title, Unit::Entries, self.stop);
        let mut ended = None;
        let mut on_entry = |sequence, entry: &[u8]| -> Result<(), Failed> {
            if self.stop.is_asked() {
                ended = Some(Ended::Failed(interrupt::stopped()));
                return Err("stopped".into());
            }
            let stored = decode::entry(entry)?;
            meter.done(1);
            take(sequence, &stored).map_err(|error| {
                ended = Some(Ended::Written(error));
                "not written".into()
            })
        };
        let (from, to) = sequences.into_inner();
        let read = journal::read_all(self.disk, from, to, &mut on_entry);
        match (ended, read) {
            (Some(ended), _) => Err(ended),
            (None, Ok(_)) => Ok(()),
            (None, Err(error)) => Err(Ended::Failed(unreadable(error))),
        }
    }
}

fn unreadable(error: OpenError) -> Failure {
    let Failure { reason, text } = error.into();
    Failure::new(reason, format!("the export ended early: {text}"))
}
