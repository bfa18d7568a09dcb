//! What is there of a batch whose answer did not come.

use std::collections::HashSet;

use tokio_postgres::Error;

use super::batch::Row;
use super::connection::Session;

/// For each row, whether its last entry is there, and so all of it. None: whether that will stay is not known,
/// for want of a replica.
///
/// What can be seen need not be where it has to be: a session that was ended while it waited for a synchronous
/// replica has committed. So that whatever was seen is told only after a commit of this session's own has waited
/// for the same replicas.
pub(super) async fn which(session: &Session, rows: &[Row]) -> Result<Option<Vec<bool>>, Error> {
    let accounts: Vec<_> = rows.iter().map(|row| row.account.as_str()).collect();
    let versions: Vec<_> = rows.iter().map(|row| row.version.cast_signed()).collect();
    let there = session
        .client()
        .query(
            "select e.account_id, e.sequence from entry e
             join unnest($1::text[], $2::bigint[]) as w (account_id, sequence)
             on e.account_id = w.account_id and e.sequence = w.sequence",
            &[&accounts, &versions],
        )
        .await?;
    let mut found = HashSet::with_capacity(there.len());
    for row in &there {
        let account: &str = row.try_get(0)?;
        let sequence: i64 = row.try_get(1)?;
        found.insert((account, sequence));
    }
    let found: Vec<_> = accounts
        .iter()
        .zip(&versions)
        .map(|(account, version)| found.contains(&(*account, *version)))
        .collect();
    if found.contains(&true) {
        session.take_warned();
        session
            .client()
            .query_one(
                "select pg_logical_emit_message(true, 'waika', 'waits for replicas')::text",
                &[],
            )
            .await?;
        if session.take_warned() {
            return Ok(None);
        }
    }
    Ok(Some(found))
}
