//! Compare-and-set of many accounts in one statement.

use std::collections::HashMap;

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
    /// Its entries, oldest first: at least one.
    pub entries: Vec<EntryRow>,
}

impl Row {
    /// Of the calls that its entries answer.
    pub(super) fn hashes(&self) -> impl Iterator<Item = [u8; 16]> + use<'_> {
        self.entries.iter().filter_map(|entry| entry.call_hash)
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
        const TYPES: [Type; 13] = [
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
        let parameters: [&(dyn ToSql + Sync); 13] = [
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
        ];
        let told = client.query(&self.0, &parameters).await?;
        let mut became: HashMap<&str, Became> = HashMap::with_capacity(told.len());
        for row in &told {
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
}
