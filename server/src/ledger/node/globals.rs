//! What concerns no account: the entries of an account without a name, which every node has in its memory.

use waika_domain::event::Event;
use waika_domain::period::Timestamp;

use super::{Node, Question, row};
use crate::authoriser::Authoriser;
use crate::ledger::LedgerError;
use crate::ledger::postgres::{EntryRow, Links, Outcome};

impl Node {
    /// Writes what concerns no account, as part of the operator log or of nothing. `make` is asked for the event
    /// and its bytes once all that is before it is in memory.
    pub(crate) async fn write_global(
        &self,
        authoriser: &Authoriser,
        call_hash: Option<[u8; 16]>,
        make: &(dyn Fn() -> Result<(Event, Timestamp, Vec<u8>), LedgerError> + Sync),
    ) -> Result<(u64, Event, Timestamp), WriteError> {
        let mut last = self.globals.lock().await;
        loop {
            self.read_globals(authoriser, &mut last).await?;
            let (event, at, bytes) = make()?;
            let sequence = self.next_sequence()?;
            let entry = EntryRow {
                sequence,
                call_hash,
                entry: bytes,
                links: Links {
                    is_operated: true,
                    ..Links::default()
                },
            };
            let row = row::without_account("", *last, entry);
            match self.lanes.commit(row).await {
                Outcome::Durable => {
                    authoriser.apply_global(&event, sequence, at);
                    *last = sequence;
                    return Ok((sequence, event, at));
                }
                Outcome::Conflict => {}
                Outcome::Known(by) => return Err(WriteError::Known(by)),
                Outcome::Refused(_) => return Err(LedgerError::NoDatabase.into()),
                Outcome::Unknown => return Err(LedgerError::OutcomeUnknown.into()),
            }
        }
    }

    /// Writes the one entry of something that is no account and has no other.
    pub(crate) async fn write_alone(
        &self,
        name: &str,
        call_hash: Option<[u8; 16]>,
        bytes: Vec<u8>,
    ) -> Result<u64, WriteError> {
        let sequence = self.next_sequence()?;
        let entry = EntryRow {
            sequence,
            call_hash,
            entry: bytes,
            links: Links::default(),
        };
        match self
            .lanes
            .commit(row::without_account(name, 0, entry))
            .await
        {
            Outcome::Durable => Ok(sequence),
            Outcome::Conflict => Err(LedgerError::Contended.into()),
            Outcome::Known(by) => Err(WriteError::Known(by)),
            Outcome::Refused(_) => Err(LedgerError::NoDatabase.into()),
            Outcome::Unknown => Err(LedgerError::OutcomeUnknown.into()),
        }
    }

    /// Takes up what others have written that concerns no account.
    pub(crate) async fn catch_up(&self, authoriser: &Authoriser) -> Result<(), LedgerError> {
        let mut last = self.globals.lock().await;
        self.read_globals(authoriser, &mut last).await
    }

    async fn read_globals(
        &self,
        authoriser: &Authoriser,
        last: &mut u64,
    ) -> Result<(), LedgerError> {
        let entries = self
            .reads
            .entries(Question::Globals, &[&last.cast_signed()])
            .await?;
        for (sequence, stored) in entries {
            if let Some(event) = stored.event() {
                authoriser.apply_global(event, sequence, stored.at);
            }
            self.sequences.see(sequence);
            *last = sequence;
        }
        Ok(())
    }
}

/// Why something that concerns no account was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Its call was made before, by the entry of this sequence.
    Known(u64),
    /// Anything else.
    Ledger(LedgerError),
}

impl From<LedgerError> for WriteError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}
