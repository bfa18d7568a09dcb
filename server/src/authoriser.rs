//! Applies the rules to one account under its lock. Knows no transport and waits for nothing.
//!
//! Under the lock: look for the key, decide, append to the open batch, apply, remember the key.
//! The sequence is given inside the batch's own lock while the account's is held, so order
//! under the lock is order in the journal. Locks go account → any other map → batch and never
//! back.

mod beside;
mod beyond;
mod cards;
mod closing;
mod codes;
mod credentials;
mod hop;
mod keys;
mod operators;
mod payments;
mod wallet;

use std::cell::Cell;

use waika_domain::account::Account;
use waika_domain::event::{Erasure, Event, PasswordEffect, WalletRegion};
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules;

use crate::accounts::Accounts;
use crate::adjusted::Adjusted;
use crate::admission::{Admission, Class};
use crate::bound_cards::BoundCards;
use crate::caller_budget::CallerBudget;
use crate::clock::Clock;
use crate::decision_metrics::DecisionMetrics;
use crate::erasures::Erasures;
use crate::idempotency::{Idempotency, Known, Place, Slot};
use crate::issuer::{Issuers, Opening};
use crate::kept::Kept;
use crate::ledger::encode::Entry;
use crate::ledger::log::{Appended, Log};
use crate::ledger::{Call, LedgerError};
use crate::merchants::Merchants;
use crate::operator_log::OperatorLog;
use crate::owed::OwedAdvices;
use crate::payment_codes::PaymentCodes;
use crate::policy_book::{InForce, PolicyBook};
use crate::room::Room;
use crate::shadow::Shadow;
use crate::ticket_desk::TicketDesk;
use crate::turns::Turns;
use crate::under_way::{GoingOn, UnderWay};
use crate::vault::Vault;
use crate::watchers::Watchers;

pub(crate) use self::beside::Effects;
pub(crate) use self::beyond::Happened;
pub(crate) use self::hop::{Hop, Patience, ShadowSays, total};

/// What became of an operation under the lock.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was decided, and the entry with this sequence is in the open batch.
    Applied(Applied),
    /// Its key was used before.
    Known(Known),
    /// What was looked up before the lock has changed since: look again.
    LookAgain,
}

impl Taken {
    /// Goes on with a question, if the call is not at its end.
    fn asking(self, asks: Option<Asks>) -> Self {
        match self {
            Self::Applied(applied) => Self::Applied(Applied {
                asks: asks.map(Box::new),
                ..applied
            }),
            Self::Known(_) | Self::LookAgain => self,
        }
    }
}

/// A decision that is in the open batch.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
    /// Set if the call goes on: its answer is still to come.
    pub(crate) going_on: Option<GoingOn>,
    /// Whom to ask meanwhile.
    pub(crate) asks: Option<Box<Asks>>,
    /// What the shadow policy says of it, if that is counted once it is durable.
    pub(crate) shadow: ShadowSays,
}

/// What goes on after a call's first entry.
#[derive(Debug)]
pub(crate) enum Asks {
    /// A payment is held.
    Payment(Hop),
    /// A card is being bound.
    Card(Opening),
}

/// The state in memory and what decides over it.
#[derive(Debug)]
pub(crate) struct Authoriser {
    pub(crate) accounts: Accounts,
    pub(crate) merchants: Merchants,
    pub(crate) bound_cards: BoundCards,
    pub(crate) adjusted: Adjusted,
    pub(crate) payment_codes: PaymentCodes,
    pub(crate) erasures: Erasures,
    pub(crate) risk_desk: TicketDesk,
    pub(crate) password_desk: TicketDesk,
    pub(crate) review_desk: TicketDesk,
    pub(crate) watchers: Watchers,
    pub(crate) budget: CallerBudget,
    pub(crate) idempotency: Idempotency,
    pub(crate) room: Room,
    pub(crate) admission: Admission,
    pub(crate) issuers: Issuers,
    pub(crate) owed: OwedAdvices,
    pub(crate) vault: Vault,
    pub(crate) policies: PolicyBook,
    pub(crate) kept: Kept,
    pub(crate) shadow: Shadow,
    pub(crate) operator_log: OperatorLog,
    pub(crate) clock: Clock,
    pub(crate) metrics: DecisionMetrics,
    pub(crate) under_way: UnderWay,
    /// Phone codes on their way to a gateway.
    pub(crate) turns: Turns,
    /// Orders what concerns no one account; taken before an account's lock.
    pub(crate) global: parking_lot::Mutex<()>,
    #[cfg(feature = "planted-faults")]
    pub(crate) planted: Option<crate::planted::PlantedFault>,
}

type Outcome = Result<Taken, LedgerError>;

/// One call on its way through: where to append, and under which key.
#[derive(Clone, Copy)]
pub(crate) struct Passage<'a> {
    pub(crate) queue: &'a Log,
    pub(crate) account: &'a AccountId,
    pub(crate) call: &'a Call,
    pub(crate) slot: Slot,
}

impl Authoriser {
    /// Ends a call that a stopped server had begun: what it held is free again (D6, D16).
    pub(crate) fn let_go(
        &self,
        passage: Passage<'_>,
        reserved_by: u64,
        begun: &Event,
    ) -> Result<Option<u64>, LedgerError> {
        let run = |account: &mut Account| {
            let Some(event) = rules::let_go(account, reserved_by, begun) else {
                return Ok(None);
            };
            let now = self.clock.now();
            let applied = self.record(passage, account, event, now)?;
            Ok(Some(applied.sequence))
        };
        self.accounts
            .with_account(passage.account, run)
            .unwrap_or(Ok(None))
    }

    fn password_matches(&self, id: &AccountId, account: &Account, password: &str) -> bool {
        account
            .password()
            .is_some_and(|verifier| self.vault.password_matches(id, password, verifier))
    }

    fn opening(
        &self,
        passage: Passage<'_>,
        region: WalletRegion,
        decide: impl FnOnce(&Account, Timestamp, &InForce) -> Result<Event, LedgerError>,
    ) -> Outcome {
        self.accounts
            .with_account_or_open(passage.account.as_str(), region, |account| {
                self.take(passage, account, decide)
            })
    }

    fn existing(
        &self,
        passage: Passage<'_>,
        decide: impl FnOnce(&Account, Timestamp, &InForce) -> Result<Event, LedgerError>,
    ) -> Outcome {
        self.accounts
            .with_account(passage.account, |account| {
                self.take(passage, account, decide)
            })
            .unwrap_or(Err(LedgerError::UnknownAccount))
    }

    fn take(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        decide: impl FnOnce(&Account, Timestamp, &InForce) -> Result<Event, LedgerError>,
    ) -> Outcome {
        let queue = passage.queue;
        self.take_by(passage, account, decide, |_, entry| append(queue, entry))
    }

    /// The same where `append` has its own way of appending; it sees the account as it was before.
    fn take_by(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        decide: impl FnOnce(&Account, Timestamp, &InForce) -> Result<Event, LedgerError>,
        append: impl FnOnce(&Account, &Entry<'_>) -> Result<Appended, LedgerError>,
    ) -> Outcome {
        let closure = account
            .closure()
            .filter(|_| !passage.call.rpc.reaches_closed_accounts());
        // What an answer is made from is being erased.
        if closure.is_some_and(|closure| closure.erasure != Erasure::NotAsked) {
            return Err(LedgerError::AccountClosed);
        }
        if let Some(place) = self.idempotency.find(passage.slot) {
            return Ok(Taken::Known(place));
        }
        if closure.is_some() {
            return Err(LedgerError::AccountClosed);
        }
        let now = self.clock.now();
        let in_force = self.policies.at(now);
        self.check_room(&in_force.policy)?;
        self.check_admission(passage.queue, passage.call)?;
        let event = decide(account, now, &in_force)?;
        self.record_by(passage, account, (event, now), append)
            .map(Taken::Applied)
    }

    /// Appends and applies: from here the decision is made, and only its durability is awaited.
    fn record(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        event: Event,
        now: Timestamp,
    ) -> Result<Applied, LedgerError> {
        let queue = passage.queue;
        self.record_by(passage, account, (event, now), |_, entry| {
            append(queue, entry)
        })
    }

    fn record_by(
        &self,
        passage: Passage<'_>,
        account: &mut Account,
        (event, now): (Event, Timestamp),
        append: impl FnOnce(&Account, &Entry<'_>) -> Result<Appended, LedgerError>,
    ) -> Result<Applied, LedgerError> {
        let Passage {
            queue,
            account: id,
            call,
            slot,
        } = passage;
        let entry = Entry {
            account: id.as_str(),
            previous: account.last_sequence(),
            at: now,
            call: Some(call),
            event: &event,
        };
        let previous = entry.previous;
        let Appended { sequence, written } = append(account, &entry)?;
        account.apply(&event, sequence, now);
        #[cfg(feature = "planted-faults")]
        self.plant_after(&event, &call.key, account);
        let going_on = event.is_beginning().then(|| self.under_way.begin(sequence));
        if let (Some(written), Log::Node(node)) = (written, queue) {
            let decided = (&event, sequence, now);
            node.decided(self.deciding(passage, account, decided, (previous, written)));
        } else {
            let place = place_of(&event, sequence);
            self.idempotency.fill(slot, place, event.begun_by());
            let happened = Happened {
                event: &event,
                sequence,
                at: now,
            };
            self.apply_beyond_the_account(id.as_str(), account, happened);
            self.tell(id.as_str(), happened);
            if let PasswordEffect::Wrong { .. } = event.password_effect() {
                self.budget.count(&call.caller); // D7
            }
            self.metrics.count(&event);
        }
        Ok(Applied {
            sequence,
            at: now,
            event,
            going_on,
            asks: None,
            shadow: ShadowSays::Nothing,
        })
    }

    /// A caller that has sent too many wrong passwords sends none for a while, nor right ones (D7).
    fn check_budget(&self, call: &Call, policy: &Policy) -> Result<(), LedgerError> {
        let most = policy.password.caller_wrong_per_minute;
        if self.budget.is_spent(&call.caller, most) {
            Err(LedgerError::TooManyWrongPasswords)
        } else {
            Ok(())
        }
    }

    /// What was appended by now is applied once its lock is free again: of each account, and the one
    /// for what concerns no account. When this returns, each was.
    pub(crate) fn pass_every_lock(&self) {
        drop(self.global.lock());
        self.accounts.pass_every_lock();
    }

    /// Nothing new is begun that could not be told in time.
    fn check_admission(&self, queue: &Log, call: &Call) -> Result<(), LedgerError> {
        self.admission
            .check(Class::of(call.rpc), queue, call.deadline)
    }

    /// Nothing new is begun without room for its key, and for what follows from it. What was begun goes on.
    fn check_room(&self, policy: &Policy) -> Result<(), LedgerError> {
        if self.room.is_short() {
            Err(LedgerError::DiskShort)
        } else if self.idempotency.is_full(policy.most_keys) {
            Err(LedgerError::KeysFull)
        } else {
            Ok(())
        }
    }
}

/// An entry that the log does not take is not applied, and never will be.
fn append(log: &Log, entry: &Entry<'_>) -> Result<Appended, LedgerError> {
    /// What grew beyond this for one long entry is not kept.
    const KEPT_BYTES: usize = 4 * 1024;
    thread_local! {
        /// Written over by each entry, so that none asks for memory.
        static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    let mut bytes = BYTES.take();
    entry.write(&mut bytes);
    let appended = log.append(&bytes, false);
    bytes.clear();
    bytes.shrink_to(KEPT_BYTES);
    BYTES.set(bytes);
    appended
}

/// Where the answer to the call of an event is: with the event, or still to come.
pub(crate) fn place_of(event: &Event, sequence: u64) -> Place {
    if event.is_beginning() {
        Place::UnderWay(sequence)
    } else {
        Place::Answered(sequence)
    }
}
