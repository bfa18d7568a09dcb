//! Writing by COPY, which takes rows as fast as they come.

use std::pin::Pin;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CopyInSink, Transaction};

use super::source::{State, Taken};
use super::{MoveError, Watching};
use crate::ledger::node::{row_of, row_without_account};
use crate::ledger::postgres::Row;

/// Rows that are sent at a time.
const AT_ONCE: usize = 1_000;

/// One table that is being written.
struct Copy<'a> {
    writer: Pin<Box<BinaryCopyInWriter>>,
    handle: &'a Handle,
}

impl<'a> Copy<'a> {
    fn begin(
        work: &Transaction<'_>,
        handle: &'a Handle,
        (table, types): (&str, &[Type]),
    ) -> Result<Self, MoveError> {
        let statement = format!("copy {table} from stdin (format binary)");
        let sink: CopyInSink<Bytes> = handle.block_on(work.copy_in(&statement))?;
        Ok(Self {
            writer: Box::pin(BinaryCopyInWriter::new(sink, types)),
            handle,
        })
    }

    /// Writes some rows, whose columns `each` hands on.
    fn write<T>(
        &mut self,
        rows: &[T],
        columns: impl Fn(&T, &mut dyn FnMut(&[&(dyn ToSql + Sync)])),
    ) -> Result<(), MoveError> {
        let Self { writer, handle } = self;
        for row in rows {
            let mut written = Ok(());
            columns(row, &mut |values| {
                written = handle.block_on(writer.as_mut().write(values));
            });
            written?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), MoveError> {
        self.handle.block_on(self.writer.as_mut().finish())?;
        Ok(())
    }
}

/// The table of entries.
pub(super) struct Entries<'a> {
    copy: Copy<'a>,
    waiting: Vec<Taken>,
}

pub(super) fn entries<'a>(
    work: &Transaction<'_>,
    handle: &'a Handle,
) -> Result<Entries<'a>, MoveError> {
    let columns = "entry (account_id, sequence, call_hash, entry, about, ends, code, operated)";
    let types = [
        Type::TEXT,
        Type::INT8,
        Type::BYTEA,
        Type::BYTEA,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::BOOL,
    ];
    Ok(Entries {
        copy: Copy::begin(work, handle, (columns, &types))?,
        waiting: Vec::with_capacity(AT_ONCE),
    })
}

impl Entries<'_> {
    pub(super) fn push(&mut self, taken: Taken) -> Result<(), MoveError> {
        self.waiting.push(taken);
        if self.waiting.len() < AT_ONCE {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), MoveError> {
        self.copy.write(&self.waiting, |taken, write| {
            let (row, links) = (&taken.row, taken.row.links);
            let bigint = |number: Option<u64>| number.map(u64::cast_signed);
            write(&[
                &taken.account,
                &row.sequence.cast_signed(),
                &row.call_hash.as_ref().map(<[u8; 16]>::as_slice),
                &row.entry,
                &bigint(links.about),
                &bigint(links.ends),
                &bigint(links.code),
                &links.is_operated,
            ]);
        })?;
        self.waiting.clear();
        Ok(())
    }

    pub(super) fn end(mut self) -> Result<(), MoveError> {
        self.flush()?;
        self.copy.end()
    }
}

/// Writes accounts, what is like one, and what is awaited.
pub(super) fn accounts(
    work: &Transaction<'_>,
    handle: &Handle,
    state: State,
    watching: &dyn Watching,
) -> Result<(), MoveError> {
    let columns = "account (account_id, version, control_version, month, month_used_fen, year, year_used_fen, \
                   state, cards, open_tickets)";
    let types = [
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT4,
        Type::INT8,
        Type::INT4,
        Type::INT8,
        Type::BYTEA,
        Type::INT8_ARRAY,
        Type::INT2,
    ];
    let State {
        accounts,
        others,
        awaiting,
        ..
    } = state;
    let mut copy = Copy::begin(work, handle, (columns, &types))?;
    let others = others
        .into_iter()
        .map(|(name, version)| row_without_account(&name, version));
    let accounts = accounts
        .into_accounts()
        .map(|(name, account)| row_of(&name, &account));
    let mut waiting = Vec::with_capacity(AT_ONCE);
    let mut rows = others.chain(accounts).peekable();
    while let Some(row) = rows.next() {
        waiting.push(row);
        if waiting.len() == AT_ONCE || rows.peek().is_none() {
            if watching.is_stopped() {
                return Err(MoveError::Stopped);
            }
            copy.write(&waiting, write_account)?;
            watching.done(u64::try_from(waiting.len()).unwrap_or_default());
            waiting.clear();
        }
    }
    copy.end()?;
    let columns = "awaiting (account_id, sequence)";
    let mut copy = Copy::begin(work, handle, (columns, &[Type::TEXT, Type::INT8]))?;
    let awaiting: Vec<_> = awaiting.into_iter().collect();
    copy.write(&awaiting, |(account, sequence), write| {
        write(&[account, &sequence.cast_signed()]);
    })?;
    copy.end()
}

fn write_account(row: &Row, write: &mut dyn FnMut(&[&(dyn ToSql + Sync)])) {
    write(&[
        &row.account,
        &row.version.cast_signed(),
        &row.control_version.cast_signed(),
        &row.month,
        &row.month_used_fen,
        &row.year,
        &row.year_used_fen,
        &row.state,
        &row.found_by.cards,
        &row.found_by.open_tickets,
    ]);
}
