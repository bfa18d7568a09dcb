//! What a node does beside deciding: it renews its number, hears of what others have written, and takes up what
//! nodes that are gone have left behind.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};
use waika_domain::account::Account;
use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use super::registry::RENEW_EVERY;
use super::{Node, Question, column, stored};
use crate::ledger::over_nodes::erase_what_waits;
use crate::ledger::postgres::{Address, Session};
use crate::ledger::{Ledger, LedgerError};

/// How often it is looked whether others have written something that concerns every node.
const LISTEN_EVERY: Duration = Duration::from_millis(250);
/// How often accounts that nobody uses are let go.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked for what nodes left behind that are gone.
const ORPHANS_EVERY: Duration = Duration::from_secs(5);

impl Node {
    /// Waits for something that is done where the node lives. Blocks, and must not be called where anything else
    /// is polled.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// Begins to work for a ledger: all that concerns no account is in its memory when this returns. Blocks.
    pub(crate) fn begin(
        self: &Arc<Self>,
        ledger: &Arc<Ledger>,
        address: &Address,
    ) -> Result<(), LedgerError> {
        // Once, by whoever has made both.
        let _ = self.ledger.set(Arc::downgrade(ledger));
        let news = self.handle.block_on(async {
            let news = News::from_now(self).await?;
            self.catch_up(&ledger.authoriser).await?;
            if !ledger.authoriser.issuers.is_remote() {
                self.read_card_statuses(ledger).await?;
            }
            Ok::<_, LedgerError>(news)
        })?;
        let weak = Arc::downgrade(ledger);
        let node = Arc::clone(self);
        drop(self.handle.spawn(node.listen(weak.clone(), news)));
        let node = Arc::clone(self);
        drop(self.handle.spawn(node.renew(address.clone())));
        let node = Arc::clone(self);
        drop(self.handle.spawn(node.tidy(weak.clone())));
        drop(self.handle.spawn(look_for_orphans(weak.clone())));
        drop(self.handle.spawn(erase_what_waits(weak)));
        Ok(())
    }

    /// Hears of what others write, for as long as there is a ledger.
    async fn listen(self: Arc<Self>, ledger: Weak<Ledger>, mut news: News) {
        let mut ticks = interval(LISTEN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(ledger) = ledger.upgrade() else {
                return;
            };
            let heard = async {
                self.catch_up(&ledger.authoriser).await?;
                news.hear(&self, &ledger).await
            };
            let is_there = heard.await.is_ok();
            let was_there = self.is_there.swap(is_there, Ordering::Relaxed);
            match (was_there, is_there) {
                (true, false) => {
                    tracing::error!("the database does not answer: nothing is decided");
                }
                (false, true) => tracing::info!("the database answers again"),
                (true, true) | (false, false) => {}
            }
        }
    }

    /// Renews the node's number, until another has it.
    async fn renew(self: Arc<Self>, address: Address) {
        let mut session = None;
        loop {
            sleep(RENEW_EVERY).await;
            if self.runtime.lock().is_none() {
                return;
            }
            let there = match session.take() {
                Some(there) => there,
                None => match Session::open(&address).await {
                    Ok(opened) => opened,
                    Err(error) => {
                        tracing::warn!(%error, "this node's number cannot be renewed");
                        continue;
                    }
                },
            };
            match self.registered.renew(&there).await {
                Ok(true) => session = Some(there),
                Ok(false) => {
                    let number = self.number();
                    let cause = format!(
                        "number {number} of this node is another's, since it could not renew it in time: start it \
                         again"
                    );
                    self.halted.send_replace(Some(cause));
                    return;
                }
                Err(error) => tracing::warn!(%error, "this node's number cannot be renewed"),
            }
        }
    }

    /// Lets go of accounts that nobody uses, while there are too many.
    async fn tidy(self: Arc<Self>, ledger: Weak<Ledger>) {
        loop {
            sleep(TIDY_EVERY).await;
            let Some(ledger) = ledger.upgrade() else {
                return;
            };
            let accounts = &ledger.authoriser.accounts;
            let too_many = accounts.len().saturating_sub(self.most_accounts);
            if too_many == 0 {
                continue;
            }
            // A tenth more, so that it is not looked for one by one.
            let most = too_many + self.most_accounts / 10;
            for id in self.cache.idle(most) {
                let is_durable = |account: &Account| !self.pending.has(account.last_sequence());
                if let Some(account) = accounts.remove_if(&id, is_durable) {
                    ledger.authoriser.let_cards_go(&account);
                    self.cache.remove(&id);
                    self.counts.let_go.increment(1);
                }
            }
        }
    }

    /// What the sandbox issuer thinks of cards: told by the operator log, newest first.
    async fn read_card_statuses(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        const AT_ONCE: i64 = 1_000;
        let mut before = i64::MAX;
        let mut statuses = Vec::new();
        loop {
            let page = self
                .reads()
                .entries(Question::Operated, &[&before, &AT_ONCE])
                .await?;
            let Some((oldest, _)) = page.last() else {
                break;
            };
            before = oldest.saturating_sub(1).cast_signed();
            statuses.extend(
                page.into_iter()
                    .filter_map(|(_, stored)| stored.into_event()),
            );
        }
        for event in statuses.iter().rev() {
            if let Event::CardStatusSet(set) = event {
                let sandbox = &ledger.authoriser.issuers.sandbox;
                sandbox.set_status(&set.reference, set.status);
            }
        }
        Ok(())
    }

    /// Ends in good order: what was asked is told, and the number is free. Blocks.
    pub(crate) fn close(&self) {
        let Some(runtime) = self.runtime.lock().take() else {
            return;
        };
        self.handle.block_on(async {
            let limit = crate::clock::monotonic() + Duration::from_secs(10);
            while self.pace().pending > 0 && crate::clock::monotonic() < limit {
                sleep(Duration::from_millis(1)).await;
            }
            if let Ok(session) = Session::open(self.reads().address()).await
                && let Err(error) = self.registered.give_back(&session).await
            {
                tracing::debug!(%error, "the node's number is free later");
            }
        });
        runtime.shutdown_background();
    }
}

/// What others have written since.
struct News {
    /// The first transaction that may not have been read yet.
    from: String,
}

impl News {
    async fn from_now(node: &Node) -> Result<Self, LedgerError> {
        let from = horizon(node).await?;
        Ok(Self { from })
    }

    /// Takes up what every node has to hear of. What is read twice changes nothing.
    async fn hear(&mut self, node: &Node, ledger: &Ledger) -> Result<(), LedgerError> {
        // First: what is below it has ended, and is read now or was before.
        let next = horizon(node).await?;
        let rows = node.reads().rows(Question::ForAll, &[&self.from]).await?;
        for row in &rows {
            let id: &str = column(row, 0)?;
            let (sequence, stored) = stored(row, 1)?;
            node.sequences.see(sequence);
            if let Some(event) = stored.event() {
                ledger.authoriser.hear(id, event, sequence, stored.at);
            }
        }
        if !rows.is_empty() {
            node.heard.fetch_add(1, Ordering::Release);
        }
        self.from = next;
        Ok(())
    }
}

async fn horizon(node: &Node) -> Result<String, LedgerError> {
    let rows = node.reads().rows(Question::Horizon, &[]).await?;
    let row = rows.first().ok_or(LedgerError::NoDatabase)?;
    column(row, 0)
}

/// Ends what nodes that are gone had begun.
async fn look_for_orphans(ledger: Weak<Ledger>) {
    loop {
        sleep(ORPHANS_EVERY).await;
        let Some(ledger) = ledger.upgrade() else {
            return;
        };
        let Some(node) = ledger.node() else {
            return;
        };
        let Ok(rows) = node.reads().rows(Question::Orphans, &[]).await else {
            continue;
        };
        for row in &rows {
            let orphan = column::<&str>(row, 0).and_then(|id| Ok((id, stored(row, 1)?)));
            let Ok((id, (sequence, stored))) = orphan else {
                continue;
            };
            if let Ok(account) = AccountId::parse(id) {
                ledger.take_up(account, sequence, stored).await;
            }
        }
    }
}
