//! A server whose disk runs short is `NOT_SERVING` until there is room again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{info, warn};

use crate::grpc::health::{Health, Phase};
use crate::ledger::Ledger;
use crate::room::RoomChange;

/// A disk that runs short is noticed after this long at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who looks, and tells callers and operators what has changed.
pub(super) struct RoomWatch {
    ledger: Arc<Ledger>,
    health: Health,
    /// The last look has told something.
    is_known: bool,
}

impl RoomWatch {
    pub(super) fn new(ledger: Arc<Ledger>, health: Health) -> Self {
        Self {
            ledger,
            health,
            is_known: true,
        }
    }

    /// Begins to serve, if there is room.
    pub(super) async fn begin(&mut self) {
        self.look().await;
        self.health.enter(if self.is_short() {
            Phase::Short
        } else {
            Phase::Serving
        });
    }

    /// Looks for as long as this is polled, if there is anything to see.
    pub(super) async fn go_on(mut self) {
        while self.ledger.room().is_watched() || self.ledger.node().is_some() {
            sleep(LOOK_EVERY).await;
            if self.ledger.node().is_some() {
                self.look_at_database();
            } else {
                self.look().await;
            }
        }
    }

    fn is_short(&self) -> bool {
        self.ledger.room().is_short() || !self.ledger.store_is_there()
    }

    /// What was seen is told by whoever asks it.
    fn look_at_database(&self) {
        if self.ledger.store_is_there() {
            self.health.exchange(Phase::Short, Phase::Serving);
        } else {
            self.health.exchange(Phase::Serving, Phase::Short);
        }
    }

    async fn look(&mut self) {
        let ledger = Arc::clone(&self.ledger);
        // A disk that does not answer must not keep the main thread from accepting.
        let looked = tokio::task::spawn_blocking(move || ledger.room().look()).await;
        if let Ok(looked) = looked {
            self.tell(looked);
        }
    }

    fn tell(&mut self, looked: io::Result<Option<RoomChange>>) {
        let floor = self.ledger.room().floor();
        let was_known = std::mem::replace(&mut self.is_known, looked.is_ok());
        match looked {
            Ok(Some(RoomChange::RanShort(free))) => {
                self.health.exchange(Phase::Serving, Phase::Short);
                let text = "the store's disk runs short: nothing new is begun until there is room";
                warn!(free, floor, "{text}");
            }
            Ok(Some(RoomChange::HasRoom(free))) => {
                self.health.exchange(Phase::Short, Phase::Serving);
                info!(free, floor, "the store's disk has room again");
            }
            Err(error) if was_known => {
                warn!(%error, "nobody knows how much room the store's disk has");
            }
            Ok(None) | Err(_) => {}
        }
    }
}
