//! Service messages: listed, and told as they come.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use waika::v1;
use waika_domain::identifiers::AccountId;

use super::{Desk, outcome, status};
use crate::clock::sleep;
use crate::identity::Pass;
use crate::ledger::{KeptFrom, NoticeSeen};
use crate::page_token;
use crate::vault::Vault;
use crate::watchers::Watcher;

/// The path of the call.
const PATH: &str = "/waika.v1.CardService/WatchNotifications";

/// How often it is looked for what other servers over the same database have written.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Callers that may wait at once, over all connections.
pub(super) const MOST_WATCHERS: usize = 1_024;

/// The messages of one stream.
pub(super) type Messages =
    Pin<Box<dyn Stream<Item = Result<v1::WatchNotificationsResponse, Status>> + Send>>;

/// A service message.
pub(super) fn notification(
    vault: &Vault,
    account: &AccountId,
    seen: &NoticeSeen,
) -> v1::Notification {
    v1::Notification {
        notification_id: page_token::seal_notice(vault, account, seen.sequence),
        // The numbers of the enum are those of the contract; `tests/tidy.rs` compares the two.
        kind: seen.notice.number(),
        at: Some(outcome::timestamp(seen.at)),
        text: Some(outcome::text(seen.notice.text())),
    }
}

/// One who waits for an account's messages.
pub(super) struct Waiting {
    pub(super) desk: Desk,
    pub(super) account: AccountId,
    pub(super) watcher: Watcher,
    /// The sequence of the last message that was told.
    pub(super) told: u64,
    /// Among which entries the messages are that come after it, newest first, while it is catching
    /// up.
    pub(super) newer: Vec<RangeInclusive<u64>>,
    /// Some between the last that was told and the next one were pruned.
    pub(super) pruned: Option<KeptFrom>,
    /// Asked before each message, since the stream may outlast the caller's leave.
    pub(super) pass: Pass,
    /// Given back when the stream ends, however it ends.
    #[expect(dead_code, reason = "it is held, and nothing else")]
    pub(super) place: OwnedSemaphorePermit,
}

/// Tells what is there already, then what comes, oldest first, until either side ends it.
pub(super) fn messages(waiting: Waiting) -> Messages {
    let begun = (waiting, VecDeque::new(), true);
    Box::pin(stream::unfold(Some(begun), |state| async {
        let (mut waiting, mut ready, mut look) = state?;
        loop {
            if let Some(next) = ready.pop_front() {
                let message = waiting.message(&next);
                return Some((message, Some((waiting, ready, look))));
            }
            if look {
                match waiting.read().await {
                    Ok(seen) => ready = seen.into(),
                    Err(why) => return Some((Err(why), None)),
                }
                look = !waiting.newer.is_empty();
            } else if waiting.wait().await {
                look = true;
            } else {
                let why = status::not_serving("the server is stopping");
                return Some((Err(why), None));
            }
        }
    }))
}

impl Waiting {
    fn message(&mut self, seen: &NoticeSeen) -> Result<v1::WatchNotificationsResponse, Status> {
        let ledger = self.desk.ledger()?;
        let denied = self.pass.check(PATH);
        denied.map_err(|denied| status::denied(&denied))?;
        let pruned = self.pruned.take();
        Ok(v1::WatchNotificationsResponse {
            notification: Some(notification(ledger.vault(), &self.account, seen)),
            pruned_before: pruned.map(|from| outcome::timestamp(from.at)),
        })
    }

    /// The first of what came since the last message that was told.
    async fn read(&mut self) -> Result<Vec<NoticeSeen>, Status> {
        let ledger = self.desk.ledger()?;
        let (core, account) = (self.desk.core, &self.account);
        let seen = if let Some(entries) = self.newer.pop() {
            ledger.notices_among(account, entries).await?
        } else {
            let behind = ledger.notices_after(core, account, self.told).await?;
            self.newer = behind.newer;
            self.pruned = behind.pruned;
            behind.oldest
        };
        if let Some(last) = seen.last() {
            self.told = last.sequence;
        }
        Ok(seen)
    }

    /// True once there is something new; false if the server stops.
    async fn wait(&mut self) -> bool {
        // Another server may decide over the account, and tells nobody here.
        let others = async {
            match self.desk.ledger() {
                Ok(ledger) if ledger.node().is_some() => sleep(LOOK_EVERY).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.watcher.next() => true,
            () = others => true,
            () = self.desk.doorway.stopping.cancelled() => false,
        }
    }
}
