//! Compare-and-set of many accounts in one statement.

use std::collections::HashMap;
use std::fmt::Write as _;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

/// One account: over which version it was decided, and how it stands afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub account: String,
    /// The version that must be there; 0 if the account must not.
    pub expected: u64,
    /// The sequence of its last entry in the batch.
    pub version: u64,
    /// Raised by what changes more than counters.
    pub control_version: u64,
    /// Months since year 0, in Shanghai.
    pub month: i32,
    /// Principal, in fen.
    pub month_used_fen: i64,
    /// In Shanghai.
    pub year: i32,
    /// Principal, in fen.
    pub year_used_fen: i64,
    /// All else.
    pub state: Vec<u8>,
    /// By what else it is found.
    pub found_by: FoundBy,
    /// Its entries, oldest first: at least one.
    pub entries: Vec<EntryRow>,
}

impl Row {
    /// Of the calls that its entries answer.
    pub(super) fn hashes(&self) -> impl Iterator<Item = [u8; 16]> + use<'_> {
        self.entries.iter().filter_map(|entry| entry.call_hash)
    }
}

/// By what an account is found beside its id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundBy {
    /// Digests of its cards, under each key.
    pub cards: Vec<i64>,
    /// What waits for an operator: 1 a risk ticket, 2 a password ticket, 4 a review. 8 what is personal in a closed
    /// account is being erased.
    pub open_tickets: i16,
}

/// By what an entry is found beside its sequence and its call, and who has to hear of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Links {
    /// The authorisation that it changes.
    pub about: Option<u64>,
    /// The entry whose call it ends, or whose advice it pays off.
    pub ends: Option<u64>,
    /// The payment code that leads to its account.
    pub code: Option<u64>,
    /// Something has to follow: an issuer's answer, or an advice that it has taken.
    pub is_awaited: bool,
    /// It is part of the operator log.
    pub is_operated: bool,
    /// Every node has to hear of it.
    pub is_for_all: bool,
}

impl Links {
    fn marks(&self) -> i16 {
        i16::from(self.is_awaited)
            | i16::from(self.is_operated) << 1
            | i16::from(self.is_for_all) << 2
    }
}

/// One entry of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Unique, and higher than its account's before it.
    pub sequence: u64,
    /// Of its caller, RPC and key.
    pub call_hash: Option<[u8; 16]>,
    /// Its bytes.
    pub entry: Vec<u8>,
    /// By what else it is found.
    pub links: Links,
}

/// What became of one account of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// All of its entries are durable.
    Durable,
    /// Nothing was written: another node has changed it since it was read.
    Conflict,
    /// Nothing was written: these calls had been decided before, by the entries of these sequences.
    Known(Vec<([u8; 16], u64)>),
}

/// The statement, prepared on one connection.
#[derive(Debug, Clone)]
pub struct CommitStatement(Statement);

impl CommitStatement {
    /// Prepares it.
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        const TYPES: [Type; 19] = [
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::BYTEA_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT8_ARRAY,
            Type::BYTEA_ARRAY,
            Type::BYTEA_ARRAY,
            Type::TEXT_ARRAY,
            Type::INT2_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT8_ARRAY,
            Type::INT2_ARRAY,
        ];
        let prepared = client.prepare_typed(include_str!("commit.sql"), &TYPES);
        Ok(Self(prepared.await?))
    }

    /// Lets the session keep its plan, if that will be a good one, and says so. Until then it is made for each
    /// batch anew, which takes longer than a small batch's work; but one that is kept from when a table was
    /// empty reads the whole table each time.
    pub async fn keep_plan(&self, client: &Client) -> Result<bool, Error> {
        let row = client
            .query_one(
                "select bool_and(reltuples >= 4000) from pg_class
                 where oid in ('account'::regclass, 'entry'::regclass)",
                &[],
            )
            .await?;
        let is_large: bool = row.try_get(0)?;
        if is_large {
            let keep = "set plan_cache_mode = force_generic_plan";
            client.batch_execute(keep).await?;
        }
        Ok(is_large)
    }

    /// Commits a batch in which each account stands once, and says what became of each, in order. After an
    /// error nothing is known of any.
    pub async fn commit(&self, client: &Client, rows: &[Row]) -> Result<Vec<Became>, Error> {
        let bigint = |number: u64| number.cast_signed();
        let each = |of: &dyn Fn(&Row) -> i64| rows.iter().map(of).collect::<Vec<_>>();
        let accounts: Vec<_> = rows.iter().map(|row| row.account.as_str()).collect();
        let expected = each(&|row| bigint(row.expected));
        let versions = each(&|row| bigint(row.version));
        let control_versions = each(&|row| bigint(row.control_version));
        let months: Vec<_> = rows.iter().map(|row| row.month).collect();
        let month_used = each(&|row| row.month_used_fen);
        let years: Vec<_> = rows.iter().map(|row| row.year).collect();
        let year_used = each(&|row| row.year_used_fen);
        let states: Vec<_> = rows.iter().map(|row| row.state.as_slice()).collect();
        let owners: Vec<_> = rows
            .iter()
            .flat_map(|row| std::iter::repeat_n(row.account.as_str(), row.entries.len()))
            .collect();
        let all = || rows.iter().flat_map(|row| &row.entries);
        let sequences: Vec<_> = all().map(|entry| bigint(entry.sequence)).collect();
        let hashes: Vec<_> = all()
            .map(|entry| entry.call_hash.as_ref().map(<[u8; 16]>::as_slice))
            .collect();
        let bytes: Vec<_> = all().map(|entry| entry.entry.as_slice()).collect();
        let cards: Vec<_> = rows.iter().map(|row| array(&row.found_by.cards)).collect();
        let tickets: Vec<_> = rows.iter().map(|row| row.found_by.open_tickets).collect();
        let linked = |of: &dyn Fn(&Links) -> Option<u64>| {
            let each = all().map(|entry| of(&entry.links).map(u64::cast_signed));
            each.collect::<Vec<_>>()
        };
        let about = linked(&|links| links.about);
        let ends = linked(&|links| links.ends);
        let codes = linked(&|links| links.code);
        let marks: Vec<_> = all().map(|entry| entry.links.marks()).collect();
        let parameters: [&(dyn ToSql + Sync); 19] = [
            &accounts,
            &expected,
            &versions,
            &control_versions,
            &months,
            &month_used,
            &years,
            &year_used,
            &states,
            &owners,
            &sequences,
            &hashes,
            &bytes,
            &cards,
            &tickets,
            &about,
            &ends,
            &codes,
            &marks,
        ];
        let told = client.query(&self.0, &parameters).await?;
        became(rows, &told)
    }
}

/// What the database told of each account, in order.
fn became(rows: &[Row], told: &[tokio_postgres::Row]) -> Result<Vec<Became>, Error> {
    let mut became: HashMap<&str, Became> = HashMap::with_capacity(told.len());
    for row in told {
        let account: &str = row.try_get(0)?;
        let hash: Option<&[u8]> = row.try_get(1)?;
        let sequence: i64 = row.try_get(2)?;
        let known = hash.and_then(|hash| hash.try_into().ok());
        let entry = became.entry(account).or_insert(Became::Durable);
        if let Some(hash) = known {
            let known = (hash, sequence.cast_unsigned());
            match entry {
                Became::Known(all) => all.push(known),
                Became::Durable | Became::Conflict => *entry = Became::Known(vec![known]),
            }
        }
    }
    let of = |row: &Row| became.remove(row.account.as_str());
    Ok(rows
        .iter()
        .map(of)
        .map(|it| it.unwrap_or(Became::Conflict))
        .collect())
}

/// An array as PostgreSQL writes it: arrays of arrays would have to be of one length.
fn array(numbers: &[i64]) -> String {
    let mut text = String::from("{");
    for (place, number) in numbers.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing into a text never fails.
        let _ = write!(text, "{comma}{number}");
    }
    text.push('}');
    text
}
