//! Which number a node has: a row that it renews, and without which it decides nothing.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::timeout;
use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::sequences::{MOST_NODES, Sequences};
use crate::clock::monotonic;
use crate::ledger::postgres::Session;
use crate::vault::random_bits;

/// For how long a row holds, by the database's clock.
const HELD_SECONDS: i32 = 30;
/// How much earlier a node stops, by its own.
const MARGIN: Duration = Duration::from_secs(5);
/// How often it is renewed.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(5);

/// A node's number, and until when it is its own.
#[derive(Debug)]
pub(super) struct Registered {
    number: i32,
    holder: [u8; 8],
    until: Mutex<Instant>,
}

impl Registered {
    /// Takes the lowest number that nobody has. None if there is none.
    pub(super) async fn take(session: &Session, name: &str) -> Result<Option<Self>, Error> {
        let holder = random_bits().unwrap_or_default().to_be_bytes();
        let most = i32::try_from(MOST_NODES - 1).unwrap_or(i32::MAX);
        // Several may reach for the same one.
        for _ in 0..64 {
            let began = monotonic();
            let first = Sequences::of(0).next().cast_signed();
            let taken = session
                .client()
                .query_opt(
                    "insert into node (number, holder, name, held_until, first_sequence)
                     select n, $1, $2, now() + make_interval(secs => $3::integer), $4 from generate_series(0, $5) n
                     where not exists (
                         select 1 from node where number = n and held_until > now() - interval '5 s'
                     ) order by n limit 1
                     on conflict (number) do update set holder = excluded.holder, name = excluded.name,
                         held_until = excluded.held_until, first_sequence = excluded.first_sequence
                     where node.held_until <= now() - interval '5 s'
                     returning number",
                    &[&holder.as_slice(), &name, &HELD_SECONDS, &first, &most],
                )
                .await?;
            if let Some(row) = taken {
                return Ok(Some(Self {
                    number: row.try_get(0)?,
                    holder,
                    until: Mutex::new(until(began)),
                }));
            }
        }
        Ok(None)
    }

    pub(super) fn number(&self) -> u64 {
        u64::try_from(self.number).unwrap_or_default()
    }

    /// True as long as nobody else can have it.
    pub(super) fn is_held(&self) -> bool {
        monotonic() < *self.until.lock()
    }

    /// Renews it. False if somebody else has it.
    pub(super) async fn renew(&self, session: &Session) -> Result<bool, Error> {
        let began = monotonic();
        let holder = self.holder.as_slice();
        let parameters: [&(dyn ToSql + Sync); 3] = [&self.number, &holder, &HELD_SECONDS];
        let renewed = session.client().execute(
            "update node set held_until = now() + make_interval(secs => $3::integer)
             where number = $1 and holder = $2",
            &parameters,
        );
        match timeout(RENEW_EVERY, renewed).await {
            Ok(renewed) => {
                let is_ours = renewed? == 1;
                if is_ours {
                    *self.until.lock() = until(began);
                }
                Ok(is_ours)
            }
            // It is tried again.
            Err(_) => Ok(true),
        }
    }

    /// Gives it back: what it left behind is taken up at once.
    pub(super) async fn give_back(&self, session: &Session) -> Result<(), Error> {
        session
            .client()
            .execute(
                "update node set held_until = now() - interval '1 minute' where number = $1 and holder = $2",
                &[&self.number, &self.holder.as_slice()],
            )
            .await
            .map(drop)
    }
}

/// Until when a row holds that was written after `began`.
fn until(began: Instant) -> Instant {
    let held = Duration::from_secs(u64::from(HELD_SECONDS.unsigned_abs()));
    began + held.saturating_sub(MARGIN)
}
