//! What an entry makes of its account, as the database keeps it, and back.

use waika_domain::account::Account;
use waika_domain::event::{Erasure, Event, PasswordTicketState};
use waika_domain::fingerprints::Fingerprints;
use waika_domain::identifiers::{AccountId, Fingerprint};
use waika_domain::money::Fen;
use waika_domain::period::{Month, Year};
use waika_domain::usage::Usage;

use super::reads::column;
use crate::ledger::LedgerError;
use crate::ledger::log::Written;
use crate::ledger::postgres::{EntryRow, FoundBy, Links, Row};
use crate::ledger::snapshot;

/// An operator has to look at a risk.
pub(crate) const RISK: i16 = 1;
/// At a request to reset a password.
pub(crate) const PASSWORD: i16 = 2;
/// At photos of a passport.
pub(crate) const REVIEW: i16 = 4;

/// It is closed, and what is personal in it is being erased.
pub(super) const ERASURE: i16 = 8;

/// An entry, and the call that it answers.
pub(super) struct Decided<'a> {
    pub(super) id: &'a str,
    /// The account with the entry.
    pub(super) account: &'a Account,
    /// The sequence of the account's entry before it.
    pub(super) previous: u64,
    pub(super) sequence: u64,
    pub(super) event: &'a Event,
    pub(super) call_hash: Option<[u8; 16]>,
    pub(super) written: Written,
}

/// What is sent.
pub(super) fn of(decided: Decided<'_>) -> Row {
    let Decided {
        id,
        account,
        previous,
        sequence,
        event,
        call_hash,
        written,
    } = decided;
    Row {
        expected: previous,
        version: sequence,
        control_version: sequence,
        entries: vec![EntryRow {
            sequence,
            call_hash,
            entry: written.bytes,
            links: Links {
                is_operated: written.is_operated,
                ..links(event)
            },
        }],
        ..standing(id, account)
    }
}

/// An account as it stands, without any entry.
pub(crate) fn standing(id: &str, account: &Account) -> Row {
    let usage = account.usage();
    let version = account.last_sequence();
    Row {
        account: id.to_owned(),
        expected: 0,
        version,
        control_version: version,
        month: usage.month.number(),
        month_used_fen: usage.in_month.value(),
        year: usage.year.number(),
        year_used_fen: usage.in_year.value(),
        state: snapshot::account_record(id, account.clone()),
        found_by: FoundBy {
            cards: cards(account),
            open_tickets: open_tickets(account),
        },
        entries: Vec::new(),
    }
}

/// What concerns no account: only its version is kept.
pub(super) fn without_account(account: &str, previous: u64, entry: EntryRow) -> Row {
    let version = entry.sequence;
    Row {
        expected: previous,
        entries: vec![entry],
        ..standing_without_account(account, version)
    }
}

/// The same, without any entry.
pub(crate) fn standing_without_account(account: &str, version: u64) -> Row {
    Row {
        account: account.to_owned(),
        expected: 0,
        version,
        control_version: version,
        month: 0,
        month_used_fen: 0,
        year: 0,
        year_used_fen: 0,
        state: Vec::new(),
        found_by: FoundBy::default(),
        entries: Vec::new(),
    }
}

/// What an account is found by: its cards, under each key.
pub(crate) fn cards(account: &Account) -> Vec<i64> {
    let each = account.cards().iter();
    each.flat_map(|card| digests(&account.fingerprints_of(card)))
        .collect()
}

/// What cards are found by: half of each digest.
pub(crate) fn digests(card: &Fingerprints) -> Vec<i64> {
    card.iter().map(half).collect()
}

fn half(digest: Fingerprint) -> i64 {
    let half = digest.0.first_chunk().copied().unwrap_or_default();
    i64::from_le_bytes(half)
}

fn open_tickets(account: &Account) -> i16 {
    let password = account.password_ticket();
    let password = password.is_some_and(|ticket| ticket.state == PasswordTicketState::Open);
    let is_being_erased = account
        .closure()
        .is_some_and(|closure| matches!(closure.erasure, Erasure::Begun(_)));
    let is_open = |mark: i16, is_open: bool| if is_open { mark } else { 0 };
    is_open(RISK, !account.risk_tickets().is_empty())
        | is_open(PASSWORD, password)
        | is_open(REVIEW, account.review_ticket().is_some())
        | is_open(ERASURE, is_being_erased)
}

/// The authorisation that an event changes, by its sequence.
pub(crate) fn about(event: &Event) -> Option<u64> {
    if let Event::ReversalDecided(decided) = event {
        decided.outcome.is_ok().then_some(decided.original)
    } else if let Event::SettleDecided(decided) = event {
        decided.outcome.is_ok().then_some(decided.original)
    } else if let Event::StandInReconciled(reconciled) = event {
        Some(reconciled.original)
    } else if let Event::IssuerLate(late) = event {
        Some(late.original)
    } else {
        None
    }
}

/// By what an entry is found.
pub(crate) fn links(event: &Event) -> Links {
    let code = if let Event::PaymentCodeDecided(decided) = event {
        decided.outcome.as_ref().ok().map(|issued| issued.digest.0)
    } else {
        None
    };
    Links {
        about: about(event),
        code,
        ends: event.begun_by().or_else(|| event.pays_off()),
        is_awaited: event.is_beginning() || event.owes().is_some(),
        is_operated: false,
        is_for_all: is_for_all(event),
    }
}

/// True if it changes what other nodes may have in memory beside the account.
fn is_for_all(event: &Event) -> bool {
    if let Event::BindDecided(decided) = event {
        decided.outcome.is_ok()
    } else if let Event::UnbindDecided(decided) = event {
        decided.outcome.is_ok()
    } else {
        matches!(event, Event::AccountClosed(_) | Event::CardStatusSet(_))
    }
}

/// The version of an account of a row like those of [`account`].
pub(super) fn version(row: &tokio_postgres::Row) -> Result<u64, LedgerError> {
    column::<i64>(row, 1).map(i64::cast_unsigned)
}

/// An account of a row whose columns are those of [`super::reads::Question::Account`].
pub(crate) fn account(row: &tokio_postgres::Row) -> Result<(AccountId, Box<Account>), LedgerError> {
    let version = version(row)?;
    let state: &[u8] = column(row, 6)?;
    let read = snapshot::account_of_record(state);
    let (id, account) = read.map_err(|error| {
        tracing::error!(%error, "an account in the database cannot be read");
        LedgerError::Unreadable
    })?;
    let mut parts = account.into_parts();
    parts.last_sequence = version;
    parts.usage = Usage {
        month: Month::from_number(column(row, 2)?),
        in_month: Fen::new(column(row, 3)?),
        year: Year::from_number(column(row, 4)?),
        in_year: Fen::new(column(row, 5)?),
    };
    Ok((id, Box::new(Account::from_parts(parts))))
}
