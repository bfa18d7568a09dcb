//! A payment that is held: its issuer is asked, and the answer posts or voids it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, ready};
use waika_domain::card::IssuerCardReference;
use waika_domain::event::{Event, Transaction};
use waika_domain::identifiers::AccountId;
use waika_domain::money::Fen;

use super::{Held, Told};
use crate::authoriser::{Applied, Hop, Patience, ShadowSays};
use crate::clock::timeout;
use crate::issuer::{Heard, Place};
use crate::ledger::{Answered, Awaited, Ledger, LedgerError};
use crate::stopwatch::{Lap, Part, Stopwatch};
use crate::traces::around;

/// How long a late answer is still listened for after nobody waits any more (D16). It holds a place
/// among the questions to its issuer as long.
const LATE: Duration = Duration::from_secs(10);

/// What is kept of a question while its answer is waited for: as little as there may be, for there
/// may be tens of thousands of them.
struct AskedAbout {
    place: Place,
    transaction: Transaction,
    /// The card for which Waika may stand in.
    reference: IssuerCardReference,
    amount: Fen,
    patience: Patience,
    shadow: ShadowSays,
}

/// How waiting for an issuer ended.
enum Ended {
    Heard(Heard),
    /// Nothing was heard for so long.
    TooLate(Duration),
}

impl Ledger {
    /// Asks the issuer once the reservation is durable, and posts or voids it. The answer is told as
    /// soon as it is durable; a late one of the issuer is waited for afterwards.
    ///
    /// A task of its own. Not an async function, whose parameters would stand in its future twice; and
    /// what comes after the answer is in a box, for the same reason.
    pub(super) fn finish_payment(
        self: Arc<Self>,
        core: usize,
        held: Box<Held>,
        hop: Box<Hop>,
        told: Told,
    ) {
        drop(around::spawn(async move {
            let waiting = Lap::of(held.call.stopwatch.as_ref());
            if let Err(halted) = self.queue.wait_durable(core, held.reserved_by).await {
                told.tell(Err(halted.into()));
                return;
            }
            waiting.committed(held.reserved_by);
            let asking_for = Lap::of(held.call.stopwatch.as_ref());
            let left = hop.patience.left();
            // Only now: the question leaves as soon as there is one.
            let (asked, asking) = {
                let hop = hop; // whose box goes here
                self.ask(core, *hop, left.is_some())
            };
            let mut asking = pin!(asking);
            let heard = match (left, asking.as_mut().as_pin_mut()) {
                (Some(left), Some(asking)) => timeout(left, asking).await.ok(),
                (None, _) | (_, None) => Some(Heard::NotAsked),
            };
            asking_for.end(Part::Issuer);
            let ended = match (heard, left) {
                (Some(heard), _) => Ended::Heard(heard),
                (None, left) => Ended::TooLate(left.unwrap_or_default()),
            };
            Box::pin(self.end_payment(core, held, (asked, ended), (told, asking))).await;
        }));
    }

    /// Posts or voids a payment, tells it, and listens a little longer where nothing was heard in time.
    async fn end_payment(
        &self,
        core: usize,
        held: Box<Held>,
        (mut asked, ended): (AskedAbout, Ended),
        (told, mut asking): (Told, Pin<&mut Option<impl Future<Output = Heard>>>),
    ) {
        let (heard, account) = match ended {
            Ended::Heard(heard) => (heard, None),
            Ended::TooLate(after) => {
                let heard = asked.patience.ended_after(after);
                (heard, Some(held.account.clone()))
            }
        };
        asked.place.ended(heard.of_issuer());
        self.tell_nonsense(asked.transaction, heard);
        let stopwatch = held.call.stopwatch.clone();
        let resolved = match self.node() {
            None => self.resolve(held, Some(&asked.reference), heard),
            Some(node) => {
                self.resolve_on(node, *held, Some(&asked.reference), heard)
                    .await
            }
        };
        if let (Ok(applied), ShadowSays::Would(would)) = (&resolved, asked.shadow) {
            self.authoriser.compare(&applied.event, would);
        }
        let declined = resolved.as_ref().ok().and_then(declined_by);
        told.tell(self.durably_told(core, resolved, stopwatch.as_ref()).await);
        // The reversal is owed whatever comes: a stopping server does not wait for this, and only so many
        // are listened to. It keeps its place, so that an issuer that never answers is not asked without
        // bounds.
        if let (Some(account), Some(original)) = (account, declined)
            && let Some(_listening) = self.authoriser.issuers.listen_late()
            && let Some(asking) = asking.as_mut().as_pin_mut()
            && let Ok(Heard::Approved(_)) = timeout(LATE, asking).await
        {
            let amount = asked.amount;
            // A store that has stopped notes nothing any more.
            let _ = self.note_late(&account, original, amount).await;
        }
        drop(asked);
    }

    /// Notes that an issuer approved after all (D16).
    async fn note_late(
        &self,
        account: &AccountId,
        original: u64,
        amount: Fen,
    ) -> Result<(), LedgerError> {
        let queue = &self.queue;
        let write = || (self.authoriser).note_late(queue, account, original, amount);
        match self.node() {
            None => write().map(drop),
            Some(node) => self.aside_on(node, (account, None), &write).await,
        }
    }

    /// Asks about a payment if there is time, and keeps what is needed of it when that is over.
    fn ask(
        &self,
        core: usize,
        hop: Hop,
        in_time: bool,
    ) -> (
        AskedAbout,
        Option<impl Future<Output = Heard> + Send + use<'_>>,
    ) {
        let Hop {
            mut question,
            asked,
            patience,
            shadow,
        } = hop;
        let issuers = &self.authoriser.issuers;
        let asking = in_time.then(|| issuers.authorise(core, &question, &asked));
        let about = AskedAbout {
            place: question.take_place(),
            transaction: asked.transaction,
            reference: asked.reference,
            amount: asked.amount,
            patience,
            shadow,
        };
        (about, asking)
    }

    /// What a task tells once it is durable.
    fn durably_told(
        &self,
        core: usize,
        resolved: Result<Applied, LedgerError>,
        stopwatch: Option<&Arc<Stopwatch>>,
    ) -> impl Future<Output = Result<Answered, LedgerError>> + Send + use<'_> {
        match resolved {
            Ok(applied) => Either::Left(self.answer(core, Awaited::new(applied, stopwatch))),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

/// The sequence of a decline after all.
fn declined_by(applied: &Applied) -> Option<u64> {
    matches!(applied.event, Event::Voided(_)).then_some(applied.sequence)
}
