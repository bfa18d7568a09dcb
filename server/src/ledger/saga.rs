//! Calls that go on after their first entry, because an issuer is asked in between: reserve,
//! ask, resolve. The server owns them; a caller who hangs up only stops waiting (C2).

mod payment;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Either;
use tokio::sync::oneshot;
use tokio_util::task::task_tracker::TaskTrackerToken;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{BindReserved, Event, Reservation, Transaction};
use waika_domain::identifiers::AccountId;

use super::call::Call;
use super::operation::BindOperation;
use super::{Answered, Awaited, Ledger, LedgerError};
use crate::authoriser::{Applied, Asks, Passage, Patience};
use crate::clock::timeout;
use crate::idempotency::Slot;
use crate::issuer::{CardToVerify, Heard, Opening, Verified};
use crate::stopwatch::{Lap, Part};
use crate::traces::around;
use crate::under_way::GoingOn;

/// A call that may have to go on after its first entry.
pub(super) struct Begun {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) slot: Slot,
    /// The card to bind, if one is.
    pub(super) bind: Option<Box<BindOperation>>,
}

/// A payment that is held: whose, under which key, since when.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) slot: Slot,
    pub(super) reserved_by: u64,
    pub(super) reservation: Reservation,
    /// Those who send its key again wait for this to go.
    pub(super) going_on: GoingOn,
}

/// How a call goes on after its first entry.
enum Going {
    /// It does not: that was the decision.
    Decided(Awaited),
    /// Its answer comes from a task of the server's.
    Asks(oneshot::Receiver<Answer>),
}

/// In a box, because there is a place for it as long as it is waited for.
type Answer = Result<Box<Answered>, LedgerError>;

/// Who waits for an answer: a caller, perhaps, and a server that is asked to stop.
struct Told {
    tell: oneshot::Sender<Answer>,
    waited_for: TaskTrackerToken,
}

impl Told {
    fn tell(self, answer: Result<Answered, LedgerError>) {
        // A caller who has hung up hears it when it asks again.
        drop(self.tell.send(answer.map(Box::new)));
        drop(self.waited_for);
    }
}

impl Ledger {
    /// Gives what was decided, or goes on with what was only begun. The latter runs as a
    /// task of its own, so that a caller who hangs up leaves nothing held for ever.
    ///
    /// Not an async function: what it is given, and each future that it awaits, would stand in its own
    /// future twice for as long as that waits, and there may be tens of thousands of them.
    pub(super) fn follow(
        self: &Arc<Self>,
        core: usize,
        begun: Begun,
        applied: Applied,
    ) -> Either<Awaited, impl Future<Output = Result<Answered, LedgerError>> + Send + use<>> {
        match self.go_on(core, begun, applied) {
            Going::Decided(awaited) => Either::Left(awaited),
            Going::Asks(told) => Either::Right(told.map(|told| {
                let answer = told.unwrap_or(Err(LedgerError::OutcomeUnknown));
                answer.map(|answered| *answered)
            })),
        }
    }

    fn go_on(self: &Arc<Self>, core: usize, begun: Begun, applied: Applied) -> Going {
        let Some(going_on) = applied.going_on else {
            return Going::Decided(Awaited::new(applied, begun.call.stopwatch.as_ref()));
        };
        let (tell, told) = oneshot::channel();
        let ledger = Arc::clone(self);
        let reserved_by = applied.sequence;
        match (applied.asks.map(|asks| *asks), applied.event) {
            (Some(Asks::Payment(hop)), Event::Reserved(reservation)) => {
                let held = Box::new(Held {
                    account: begun.account,
                    call: begun.call,
                    slot: begun.slot,
                    reserved_by,
                    reservation: *reservation,
                    going_on,
                });
                let told = Told {
                    tell,
                    waited_for: self.sagas.token(),
                };
                ledger.finish_payment(core, held, Box::new(hop), told);
            }
            (Some(Asks::Card(opening)), Event::BindReserved(reserved)) => {
                let begins = (reserved_by, *reserved);
                let binding = async move {
                    let answer = ledger.finish_bind(core, begun, begins, opening).await;
                    if answer.is_ok() {
                        going_on.ended();
                    }
                    drop(tell.send(answer.map(Box::new)));
                };
                drop(around::spawn_on(&self.sagas, binding));
            }
            // Nothing else begins anything: nobody is told, and the caller hears of that.
            _ => {}
        }
        Going::Asks(told)
    }

    /// Names an answer that cannot be believed.
    fn tell_nonsense(&self, transaction: Transaction, heard: Heard) {
        if let Heard::Nonsense(why) = heard {
            self.authoriser.metrics.hops.tell_nonsense(transaction, why);
        }
    }

    /// Posts or voids a payment that was held. `reference` is the card for which Waika may stand in.
    pub(super) fn resolve(
        &self,
        held: Box<Held>,
        reference: Option<&IssuerCardReference>,
        heard: Heard,
    ) -> Result<Applied, LedgerError> {
        let Held {
            account,
            call,
            slot,
            reserved_by,
            reservation,
            going_on,
        } = *held;
        let passage = Passage {
            queue: &self.queue,
            account: &account,
            call: &call,
            slot,
        };
        let held = (reserved_by, reservation);
        let resolved = self
            .authoriser
            .resolve_payment(passage, held, reference, heard)
            // Something was applied already: its beginning.
            .map_err(|_| LedgerError::OutcomeUnknown)?;
        going_on.ended();
        Ok(resolved)
    }

    /// Asks the issuer once the slot is durable, and binds the card or lets the slot go.
    async fn finish_bind(
        &self,
        core: usize,
        begun: Begun,
        (reserved_by, reserved): (u64, BindReserved),
        opening: Opening,
    ) -> Result<Answered, LedgerError> {
        let Begun {
            account,
            call,
            slot,
            bind,
            ..
        } = begun;
        let bind = bind.ok_or(LedgerError::OutcomeUnknown)?;
        let waiting = Lap::of(call.stopwatch.as_ref());
        self.queue.wait_durable(core, reserved_by).await?;
        waiting.committed(reserved_by);
        let asking = Lap::of(call.stopwatch.as_ref());
        let verified = self.verify(core, &bind, call.key.as_str(), opening).await; // R37
        asking.end(Part::Issuer);
        let (answer, debit) = match verified {
            Verified::Usable(reference) => (Ok(reference), reserved.debit),
            Verified::Refused(refusal) => (Err(refusal), None),
            Verified::NotAsked => (Err(IssuerRefusal::Unavailable), None),
            Verified::Silence | Verified::Nonsense(_) => {
                (Err(IssuerRefusal::Unavailable), reserved.debit)
            }
        };
        if let Some(node) = self.node() {
            let begun = Begun {
                account,
                call,
                slot,
                bind: None,
            };
            let applied = self
                .complete_bind_on(node, (&begun, &bind), reserved_by, (answer, debit))
                .await?;
            let awaited = Awaited::new(applied, begun.call.stopwatch.as_ref());
            return self.answer(core, awaited).await;
        }
        let passage = Passage {
            queue: &self.queue,
            account: &account,
            call: &call,
            slot,
        };
        let applied = self
            .authoriser
            .complete_bind(passage, &bind, reserved_by, (answer, debit))
            // Something was applied already: its beginning, and what the code was spent on.
            .map_err(|_| LedgerError::OutcomeUnknown)?;
        self.answer(core, Awaited::new(applied, call.stopwatch.as_ref()))
            .await
    }

    /// Asks for the verification debit.
    async fn verify(
        &self,
        core: usize,
        bind: &BindOperation,
        key: &str,
        opening: Opening,
    ) -> Verified {
        let card = CardToVerify {
            pan: &bind.pan,
            fingerprint: self.vault().lasting_card(bind.pan.expose()),
            expiry: bind.application.card_expiry,
            cvv: &bind.cvv,
            key,
        };
        let issuers = &self.authoriser.issuers;
        let question = match opening {
            Opening::AtOnce => return issuers.verify_at_once(&card),
            Opening::Absent(_) | Opening::Busy => return Verified::NotAsked,
            Opening::Ask(question) => question,
        };
        let mut question = question;
        let mut place = question.take_place();
        let now = self.authoriser.clock.now();
        let rule = self.authoriser.policies.policy_at(now).issuer;
        let patience = Patience::new(&rule, bind.deadline);
        let Some(left) = patience.and_then(|patience| patience.left()) else {
            return Verified::NotAsked;
        };
        let verified = timeout(left, issuers.verify(core, &question, card)).await;
        let in_time = verified.is_ok();
        let verified = verified.unwrap_or(Verified::Silence);
        // Less time than the policy gives says nothing of the issuer.
        let full = left >= Duration::from_millis(rule.timeout_ms.into());
        place.ended(match &verified {
            Verified::Usable(_) | Verified::Refused(_) => Some(true),
            Verified::Silence if !in_time && !full => None,
            Verified::NotAsked | Verified::Silence | Verified::Nonsense(_) => Some(false),
        });
        if let Verified::Nonsense(why) = verified {
            self.tell_nonsense(question.transaction, Heard::Nonsense(why));
        }
        verified
    }

    /// Waits until the call that began with that entry has its answer. `idle` remembers between
    /// turns that nobody was at it: once is an answer that came in between, twice is a call that
    /// ended without one, which only a stopping store or a defect can bring about.
    pub(super) async fn wait_for(
        &self,
        sequence: u64,
        idle: &mut Option<u64>,
    ) -> Result<(), LedgerError> {
        let waited = self.authoriser.under_way.wait(sequence).await;
        if !waited && idle.replace(sequence) == Some(sequence) {
            return Err(LedgerError::OutcomeUnknown);
        }
        Ok(())
    }
}
