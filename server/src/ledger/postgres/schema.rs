//! The schema, and how it comes to be: by whichever node is first.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

/// Its parts in the order in which they are applied; what was released is never changed.
pub const SCHEMA: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// The newest version that this build knows.
const NEWEST: i32 = 2;

/// Nobody else holds it: `waika` in ASCII.
const LOCK: i64 = 0x77_61_69_6b_61;

/// What was found and done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was there; 0 for none.
    pub from: i32,
    /// The version that is there now.
    pub to: i32,
}

/// Why a schema is not ready.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer Waika has changed it so that this build would write something wrong.
    #[error(
        "its schema is of version {found}, which needs a Waika that knows version {needed}; this one knows up to \
         {NEWEST}: start a newer Waika"
    )]
    Newer {
        /// What is there.
        found: i32,
        /// The least that may write there.
        needed: i32,
    },
    /// There is a table `store` of somebody else.
    #[error(
        "its table \"store\" is not Waika's: give Waika a database of its own, or a schema by \
         ?options=-csearch_path%3Dwaika"
    )]
    Foreign,
    /// The user may not do what is needed.
    #[error("{what}: {reason}; grant it to the user of the URL")]
    Rights {
        /// What was tried.
        what: &'static str,
        /// What the database said.
        reason: String,
    },
    /// Anything else.
    #[error("{0}")]
    Database(#[from] Error),
}

/// Brings the schema up to date. Any number of nodes may do so at once: one works, the others wait and find it
/// done. A part is there whole or not at all.
pub async fn migrate(client: &mut Client) -> Result<Migrated, SchemaError> {
    let found = version(client).await?;
    if found == NEWEST {
        return Ok(Migrated {
            from: found,
            to: found,
        });
    }
    let work = client.transaction().await?;
    // Another node may be at work for longer than a statement may wait for a row.
    work.batch_execute("set local lock_timeout = '60s'").await?;
    // Ends with the transaction, whatever becomes of this node.
    work.execute("select pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    // Again: another may have been faster.
    let from = version(work.client()).await?;
    let parts = SCHEMA
        .iter()
        .skip(usize::try_from(from).unwrap_or(usize::MAX));
    for part in parts {
        let applied = work.batch_execute(part).await;
        applied.map_err(|error| refused("the schema cannot be made", error))?;
    }
    work.commit().await?;
    Ok(Migrated {
        from,
        to: from.max(NEWEST),
    })
}

/// Which version is there; 0 for none.
async fn version(client: &Client) -> Result<i32, SchemaError> {
    // Not by `to_regclass`: that is told from a cache which does not know yet what was made meanwhile.
    let there = client
        .query_one(
            "select exists (select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
             where n.nspname = current_schema() and c.relname = 'store')",
            &[],
        )
        .await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let row = client
        .query_opt("select schema_version, needs_version from store", &[])
        .await;
    let row = row.map_err(|error| match error.code() {
        Some(code) if *code == SqlState::UNDEFINED_COLUMN => SchemaError::Foreign,
        _ => refused("the table \"store\" cannot be read", error),
    })?;
    let row = row.ok_or(SchemaError::Foreign)?;
    let (found, needed): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    if needed > NEWEST {
        return Err(SchemaError::Newer { found, needed });
    }
    Ok(found)
}

fn refused(what: &'static str, error: Error) -> SchemaError {
    match error.as_db_error() {
        Some(said) if *said.code() == SqlState::INSUFFICIENT_PRIVILEGE => SchemaError::Rights {
            what,
            reason: said.message().to_owned(),
        },
        _ => SchemaError::Database(error),
    }
}
