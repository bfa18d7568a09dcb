//! What is done behind the calls' backs: asking issuers about payments that a stopped server held,
//! and sending them what they are owed until they have taken it (D16, D17).

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::{self, FuturesUnordered};
use waika_domain::event::{Event, Owed, OwedKind};

use super::recovery::Unanswered;
use super::saga::Held;
use super::{Ledger, LedgerError};
use crate::authoriser::total;
use crate::clock::{sleep, timeout};
use crate::issuer::{Heard, Settled, Unsettled};
use crate::owed::{Due, Listed};

/// Payments that a stopped server held and that are asked about at the same time.
const MOST_ASKED_ABOUT: usize = 64;
/// How long an advice may take. It is sent again, and has one effect.
const ADVICE_TIMEOUT: Duration = Duration::from_secs(10);

impl Ledger {
    /// Keeps a payment that a stopped server held if its issuer can say what became of it; gives
    /// back whatever cannot be asked about.
    pub(super) fn keep_if_asked_about(
        &self,
        reserved_by: u64,
        call: Unanswered,
    ) -> Option<Unanswered> {
        let Event::Reserved(reservation) = &call.begun else {
            return Some(call);
        };
        if reservation.transaction.is_none() {
            return Some(call);
        }
        let held = Held {
            reservation: (**reservation).clone(),
            account: call.account,
            call: call.call,
            slot: call.slot,
            reserved_by,
            going_on: self.authoriser.under_way.begin(reserved_by),
        };
        self.left_over.lock().push(held);
        None
    }

    /// Asks about what a stopped server held, and then sends advices for ever. One task, on one
    /// core's runtime.
    pub async fn tend_issuers(self: Arc<Self>, core: usize) {
        let held = std::mem::take(&mut *self.left_over.lock());
        if !held.is_empty() {
            tracing::warn!(
                payments = held.len(),
                "payments were held when the server stopped: their issuers are asked"
            );
        }
        let ledger = Arc::clone(&self);
        let asked = stream::iter(held).for_each_concurrent(MOST_ASKED_ABOUT, move |held| {
            let ledger = Arc::clone(&ledger);
            async move { ledger.resolve_left_over(core, held).await }
        });
        let waiting = self.authoriser.owed.len();
        if waiting > 0 {
            tracing::warn!(advices = waiting, "issuers are owed advices since before");
        }
        let remote = self.authoriser.owed.len_remote();
        if remote > 0 && !self.authoriser.issuers.is_remote() {
            tracing::warn!(
                advices = remote,
                "an issuer over the network is owed advices: start with --issuer, or it never hears"
            );
        }
        join(asked, self.send_advices(core)).await;
    }

    /// Ends a payment that a stopped server held, by what its issuer knows of it; by a reversal if
    /// it knows nothing, or does not answer.
    pub(super) async fn resolve_left_over(&self, core: usize, held: Held) {
        let Some(transaction) = held.reservation.transaction else {
            return;
        };
        let now = self.authoriser.clock.now();
        let rule = self.authoriser.policies.policy_at(now).issuer;
        let patience = Duration::from_millis(rule.timeout_ms.into());
        let amount = total(&held.reservation);
        let issuers = &self.authoriser.issuers;
        let heard = timeout(patience, issuers.status(core, transaction, amount)).await;
        let heard = heard.unwrap_or(Heard::Silence);
        let sequence = held.reserved_by;
        // Nobody waits for it, so nobody stands in for its issuer.
        let resolved = match self.node() {
            None => self.resolve(Box::new(held), None, heard),
            Some(node) => self.resolve_on(node, held, None, heard).await,
        };
        match resolved {
            Ok(applied) => {
                let approved = matches!(applied.event, Event::Posted(_));
                tracing::info!(sequence, approved, "a payment that was held is decided");
            }
            Err(error) => tracing::error!(sequence, %error, "a payment stays held"),
        }
    }

    /// Sends what is owed, as it becomes due.
    async fn send_advices(self: Arc<Self>, core: usize) {
        let owed = &self.authoriser.owed;
        let mut under_way = FuturesUnordered::new();
        loop {
            let (due, next) = owed.take_due();
            for advice in due {
                let ledger = Arc::clone(&self);
                under_way.push(async move { ledger.send_advice(core, advice).await });
            }
            let next_due = async {
                match next {
                    Some(wait) => sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = under_way.next(), if !under_way.is_empty() => {
                    if let Some(Err(LedgerError::Stopped | LedgerError::OutcomeUnknown)) = ended {
                        return; // The next start goes on.
                    }
                }
                () = owed.changed() => {}
                () = next_due => {}
            }
        }
    }

    /// Sends one advice, and strikes it off if the issuer has taken it. An error means that the
    /// store takes nothing any more.
    async fn send_advice(&self, core: usize, due: Due) -> Result<(), LedgerError> {
        let Due {
            sequence,
            advice,
            repeat,
        } = due;
        // What is told to an issuer must not be forgotten here.
        self.queue.wait_durable(core, sequence).await?;
        let name = advice.name(sequence);
        let issuers = &self.authoriser.issuers;
        let sent = issuers.advise(core, &name, &advice, repeat);
        let sent = timeout(ADVICE_TIMEOUT, sent).await;
        let sent = sent.unwrap_or_else(|_| {
            Err(Unsettled {
                why: "no answer in time".to_owned(),
                answered: false,
            })
        });
        let owed = &self.authoriser.owed;
        match sent {
            Ok(settled) => {
                tell_short(&advice.owed, settled);
                let queue = &self.queue;
                let write = || (self.authoriser).note_settled(queue, sequence, &advice, settled);
                let noted = match self.node() {
                    None => write().map(drop),
                    Some(node) => {
                        let awaited = (&advice.account, Some(sequence));
                        self.aside_on(node, awaited, &write).await
                    }
                };
                owed.heard(advice.owed.transaction);
                noted
            }
            Err(Unsettled { why, answered }) => {
                tracing::debug!(sequence, %why, "an advice is owed still");
                owed.put_off(sequence, &why, answered);
                Ok(())
            }
        }
    }

    /// At most `size` of what issuers are owed after one, oldest first, and how many there are.
    pub(crate) async fn owed_advices(
        &self,
        core: usize,
        after: u64,
        size: usize,
    ) -> Result<(Vec<Listed>, usize), LedgerError> {
        if let Some(node) = self.node() {
            return self.owed_on(node, after, size).await;
        }
        let owed = &self.authoriser.owed;
        let listed = (owed.after(after, size), owed.len());
        self.kept(core).await?;
        Ok(listed)
    }
}

/// An issuer that gives less back than it was told to has lost money of somebody's.
fn tell_short(owed: &Owed, settled: Settled) {
    let is_known = matches!(owed.kind, OwedKind::Reversal | OwedKind::Refund);
    if let Settled::Reversed(amount) = settled
        && is_known
        && amount < owed.amount
    {
        metrics::counter!("waika_advices_short_total").increment(1);
        tracing::warn!(
            transaction = %owed.transaction.id,
            told_fen = owed.amount.value(),
            given_fen = amount.value(),
            "an issuer gave less back than it was told to: reconcile with it"
        );
    }
}
