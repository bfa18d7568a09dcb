//! Accounts that are decided on again and again.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::report;
use crate::clock::monotonic;
use crate::exit::{Failure, Reason};
use crate::inspect::interrupt::Stop;
use crate::ledger::postgres::{Address, EntryRow, FoundBy, Lanes, Links, Outcome, Row};

/// Accounts for each of those at once, so that two of them seldom meet.
const SPREAD: usize = 4;
/// About what a wallet with a card takes, and a payment's entry, in bytes.
const STATE_BYTES: usize = 256;
const ENTRY_BYTES: usize = 160;

/// What is asked of the lanes.
pub(super) struct Load<'a> {
    lanes: &'a Lanes,
    address: &'a Address,
    /// The version of each account; 0 for none.
    versions: Vec<u64>,
    sequence: u64,
}

impl<'a> Load<'a> {
    pub(super) fn new(lanes: &'a Lanes, address: &'a Address, at_once: usize) -> Self {
        Self {
            lanes,
            address,
            versions: vec![0; at_once * SPREAD],
            sequence: 0,
        }
    }

    /// Opens each account.
    pub(super) async fn open(&mut self) -> Result<(), Failure> {
        let all: Vec<_> = (0..self.versions.len())
            .map(|number| self.row(number))
            .collect();
        let mut asked: FuturesUnordered<_> = all
            .into_iter()
            .enumerate()
            .map(|(number, row)| {
                let version = row.version;
                let committed = self.lanes.commit(row);
                async move { (number, version, committed.await) }
            })
            .collect();
        while let Some((number, version, outcome)) = asked.next().await {
            self.note(number, version, outcome)?;
        }
        Ok(())
    }

    /// So many decisions at once, each on an account of its own, for that long.
    pub(super) async fn run(
        &mut self,
        (what, at_once): (&'static str, usize),
        duration: Duration,
        stop: &Stop,
    ) -> Result<report::Row, Failure> {
        let mut histogram = super::histogram()?;
        let began = monotonic();
        let mut under_way = FuturesUnordered::new();
        let mut free: std::collections::VecDeque<_> = (0..self.versions.len()).collect();
        loop {
            let goes_on = began.elapsed() < duration && !stop.is_asked();
            while goes_on && under_way.len() < at_once {
                let Some(number) = free.pop_front() else {
                    break;
                };
                let row = self.row(number);
                let (version, asked) = (row.version, monotonic());
                let committed = self.lanes.commit(row);
                under_way.push(async move {
                    let outcome = committed.await;
                    (number, version, outcome, asked.elapsed())
                });
            }
            let Some((number, version, outcome, took)) = under_way.next().await else {
                break;
            };
            self.note(number, version, outcome)?;
            super::record(&mut histogram, took);
            free.push_back(number);
        }
        Ok(report::Row::of(what, at_once, &histogram, began.elapsed()))
    }

    fn note(&mut self, number: usize, version: u64, outcome: Outcome) -> Result<(), Failure> {
        let why = match outcome {
            Outcome::Durable => {
                if let Some(known) = self.versions.get_mut(number) {
                    *known = version;
                }
                return Ok(());
            }
            Outcome::Refused(why) => why,
            Outcome::Unknown => {
                "the connection was lost, and what became of a commit is not known".to_owned()
            }
            other @ (Outcome::Conflict | Outcome::Known(_)) => {
                format!("an account that nobody else has came back as {other:?}, which is a bug")
            }
        };
        let text = format!("{}: {why}", self.address);
        Err(Failure::new(Reason::Io, text))
    }

    fn row(&mut self, number: usize) -> Row {
        self.sequence += 1;
        let sequence = self.sequence;
        let key = u128::from(sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Row {
            account: format!("probe-{number}"),
            expected: self.versions.get(number).copied().unwrap_or_default(),
            version: sequence,
            control_version: 1,
            month: 24_323,
            month_used_fen: sequence.cast_signed(),
            year: 2_026,
            year_used_fen: sequence.cast_signed(),
            state: vec![0x57; STATE_BYTES],
            found_by: FoundBy::default(),
            entries: vec![EntryRow {
                sequence,
                call_hash: Some(key.to_be_bytes()),
                entry: vec![0x57; ENTRY_BYTES],
                links: Links::default(),
            }],
        }
    }
}
