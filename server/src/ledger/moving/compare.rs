//! Reading back what a database holds, row by row, beside the journal, which is read once more.

use std::collections::{BTreeSet, VecDeque};
use std::pin::Pin;

use futures_util::stream::Fuse;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};
use waika_domain::account::Account;

use super::source::{State, Taken};
use super::{MoveError, Moving, Stage};
use crate::ledger::node::{account_of_row, row_of};

/// Rows that are received at a time.
const AT_ONCE: usize = 1_000;

/// A database and a journal.
pub(super) struct Compare<'a> {
    pub(super) moving: &'a Moving<'a>,
    /// Servers may have decided over the database since.
    pub(super) may_have_gone_on: bool,
}

/// What was the same.
pub(super) struct Compared {
    pub(super) entries: u64,
    pub(super) accounts: u64,
    pub(super) awaited: u64,
    pub(super) gone_on: u64,
}

/// Rows as they come.
struct Rows<'a> {
    /// Asked once more after its end, it would fail.
    stream: Pin<Box<Fuse<RowStream>>>,
    ready: VecDeque<Row>,
    handle: &'a Handle,
}

impl Rows<'_> {
    fn next(&mut self) -> Result<Option<Row>, MoveError> {
        if self.ready.is_empty() {
            let Self { stream, ready, .. } = self;
            self.handle.block_on(async {
                while ready.len() < AT_ONCE
                    && let Some(row) = stream.try_next().await?
                {
                    ready.push_back(row);
                }
                Ok::<_, tokio_postgres::Error>(())
            })?;
        }
        Ok(self.ready.pop_front())
    }
}

fn differs<T>(what: impl Into<String>) -> Result<T, MoveError> {
    Err(MoveError::Differs(what.into()))
}

impl Compare<'_> {
    /// Everything. An error names the first row that is not as it has to be.
    pub(super) fn all(&self) -> Result<Compared, MoveError> {
        let state = self.entries()?;
        let (entries, last) = (state.entries, state.last);
        let awaiting = state.awaiting.clone();
        let (accounts, gone_on) = self.accounts(state)?;
        let awaited = self.awaited(&awaiting, last)?;
        Ok(Compared {
            entries,
            accounts,
            awaited,
            gone_on,
        })
    }

    fn rows(&self, query: &str, parameters: &[i64]) -> Result<Rows<'_>, MoveError> {
        let parameters = parameters.iter().map(|one| one as &(dyn ToSql + Sync));
        let stream = self
            .moving
            .handle
            .block_on(self.moving.work.query_raw(query, parameters))?;
        Ok(Rows {
            stream: Box::pin(stream.fuse()),
            ready: VecDeque::new(),
            handle: self.moving.handle,
        })
    }

    fn entries(&self) -> Result<State, MoveError> {
        let total = self.moving.source.entries();
        self.moving.watching.begins(Stage::CompareEntries, total);
        // What servers have given since is above all that a journal gives.
        let mut rows = self.rows(
            "select account_id, sequence, call_hash, entry, about, ends, code, operated from entry
             order by sequence",
            &[],
        )?;
        let state = self
            .moving
            .source
            .read(self.moving.watching, &mut |taken| {
                let Some(row) = rows.next()? else {
                    return differs(format!("entry {} is not there", taken.row.sequence));
                };
                compare_entry(&taken, &row)
            })?;
        match rows.next()? {
            Some(row) if !self.may_have_gone_on => {
                let more: i64 = row.try_get(1)?;
                differs(format!("entry {more} is not the journal's"))
            }
            Some(_) | None => Ok(state),
        }
    }

    /// How many accounts there are, and how many of them have gone on.
    fn accounts(&self, mut state: State) -> Result<(u64, u64), MoveError> {
        let total = state.accounts.len();
        self.moving.watching.begins(Stage::CompareAccounts, total);
        let mut rows = self.rows(
            "select account_id, version, month, month_used_fen, year, year_used_fen, state, control_version, cards,
                 open_tickets from account",
            &[],
        )?;
        let (mut accounts, mut gone_on) = (0, 0);
        while let Some(row) = rows.next()? {
            if self.moving.watching.is_stopped() {
                return Err(MoveError::Stopped);
            }
            let (name, version): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
            let is_later = self.may_have_gone_on && version.cast_unsigned() > state.last;
            if let Some(last) = state.others.remove(name) {
                if last != version.cast_unsigned() && !is_later {
                    return differs(format!("\"{name}\" is of version {version} and not {last}"));
                }
                continue;
            }
            let Some(account) = state.accounts.take(name) else {
                if is_later {
                    continue;
                }
                return differs(format!("the account {name} is not the journal's"));
            };
            self.moving.watching.done(1);
            accounts += 1;
            if is_later {
                gone_on += 1;
            } else if !is_same_account(&row, name, &account)? {
                return differs(format!(
                    "the account {name} is not what its entries come to"
                ));
            }
        }
        if let Some((name, _)) = state.accounts.iter().next() {
            return differs(format!("the account {name} is not there"));
        }
        match state.others.keys().next() {
            Some(name) => differs(format!("\"{name}\" is not there")),
            None => Ok((accounts, gone_on)),
        }
    }

    /// How much is awaited. What was awaited may have come since.
    fn awaited(&self, expected: &BTreeSet<(String, u64)>, last: u64) -> Result<u64, MoveError> {
        let mut rows = self.rows(
            "select account_id, sequence from awaiting where sequence <= $1",
            &[last.cast_signed()],
        )?;
        let mut awaited = 0;
        while let Some(row) = rows.next()? {
            let (name, sequence): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if !expected.contains(&(name, sequence.cast_unsigned())) {
                return differs(format!("nothing has to follow entry {sequence}"));
            }
            awaited += 1;
        }
        let all = u64::try_from(expected.len()).unwrap_or(u64::MAX);
        if awaited < all && !self.may_have_gone_on {
            return differs("something has to follow an entry of which that is not there");
        }
        Ok(awaited)
    }
}

fn compare_entry(taken: &Taken, row: &Row) -> Result<(), MoveError> {
    let (entry, links) = (&taken.row, taken.row.links);
    let bigint = |number: Option<u64>| number.map(u64::cast_signed);
    let hash = entry.call_hash.as_ref().map(<[u8; 16]>::as_slice);
    let is_same = [
        (
            "sequence",
            row.try_get::<_, i64>(1)? == entry.sequence.cast_signed(),
        ),
        ("account_id", row.try_get::<_, &str>(0)? == taken.account),
        ("call_hash", row.try_get::<_, Option<&[u8]>>(2)? == hash),
        ("entry", row.try_get::<_, &[u8]>(3)? == entry.entry),
        (
            "about",
            row.try_get::<_, Option<i64>>(4)? == bigint(links.about),
        ),
        (
            "ends",
            row.try_get::<_, Option<i64>>(5)? == bigint(links.ends),
        ),
        (
            "code",
            row.try_get::<_, Option<i64>>(6)? == bigint(links.code),
        ),
        ("operated", row.try_get::<_, bool>(7)? == links.is_operated),
    ];
    match is_same.iter().find(|(_, is_same)| !is_same) {
        Some((column, _)) => {
            let sequence = entry.sequence;
            differs(format!(
                "entry {sequence} is not as the journal has it: {column}"
            ))
        }
        None => Ok(()),
    }
}

fn is_same_account(row: &Row, name: &str, account: &Account) -> Result<bool, MoveError> {
    let expected = row_of(name, account);
    let Ok((id, found)) = account_of_row(row) else {
        return Ok(false);
    };
    Ok(id.as_str() == name
        && *found == *account
        && row.try_get::<_, i64>(7)? == expected.control_version.cast_signed()
        && row.try_get::<_, Vec<i64>>(8)? == expected.found_by.cards
        && row.try_get::<_, i16>(9)? == expected.found_by.open_tickets)
}
