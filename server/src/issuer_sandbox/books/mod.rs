//! The issuer's own ledger: every transaction, where it stands, and what was given back of it.
//!
//! What happens to one transaction happens under its shard's lock, in one order, which is the
//! journal's. No lock is held across an await. Locks go reversals, transactions, queue, and never
//! back.

mod entry;
mod open;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use waika_domain::card::Scheme;

use crate::clock::Clock;
use crate::commit::{CommitQueue, Halted};
use entry::{Happened, Reversed};
pub(crate) use transaction::{
    Asked, DUPLICATE, ResponseCode, State, Transaction, TransactionId, Verdict, text,
};

/// Neighbouring names lie in different shards, so that cores seldom meet and no shard that grows
/// holds anybody up for long.
const SHARDS: usize = 256;

/// The books of one process.
#[derive(Debug)]
pub(crate) struct Books {
    /// None: nothing is kept beyond memory.
    queue: Option<CommitQueue>,
    transactions: Box<[Mutex<Shard>]>,
    reversals: Box<[Mutex<Reversals>]>,
    clock: Clock,
}

type Map<K, V> = HashMap<K, V, RandomState>;

#[derive(Debug, Default)]
struct Shard {
    known: Map<TransactionId, Transaction>,
    /// Those whose answer is on its way.
    deciding: Map<TransactionId, Deciding>,
}

#[derive(Debug)]
struct Deciding {
    asked: Asked,
    received_ms: i64,
    waiting: Vec<oneshot::Sender<Told>>,
}

/// By the digest of the advice's name.
type Reversals = Map<[u64; 2], Given>;

/// What an advice gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Given {
    /// Tells whether the advice is the same when it comes again.
    tag: u32,
    amount_fen: i64,
}

/// An advice to give a transaction back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reversal {
    /// A digest of its name.
    pub(crate) advice: [u64; 2],
    pub(crate) transaction: TransactionId,
    /// 0 for all that remains.
    pub(crate) amount_fen: i64,
    pub(crate) scheme: Scheme,
}

/// Something that may be told once the books are durable up to a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dated<T> {
    pub(crate) what: T,
    pub(crate) sequence: u64,
}

/// A transaction as its sender is told of it.
pub(crate) type Told = Dated<Transaction>;

/// How a transaction stands when it is asked for.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Nobody has asked before: decide it.
    First(oneshot::Receiver<Told>),
    /// It is being decided.
    Joined(oneshot::Receiver<Told>),
    /// It was decided.
    Known(Told),
    /// Its name stands for another transaction.
    Differs,
}

/// The name of an advice was used for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AdviceTaken;

impl Books {
    /// Notes that a transaction is asked for.
    pub(crate) fn begin(&self, asked: &Asked) -> Begun {
        let received_ms = self.clock.now().unix_ms();
        let mut shard = self.shard(asked.id).lock();
        let known = shard.known.get(&asked.id);
        if let Some(known) = known.filter(|known| known.state() != State::GivenBackFirst) {
            return if known.is(asked) {
                Begun::Known(self.dated(*known))
            } else {
                Begun::Differs
            };
        }
        let (wait, told) = oneshot::channel();
        match shard.deciding.entry(asked.id) {
            Entry::Occupied(deciding) if deciding.get().asked != *asked => Begun::Differs,
            Entry::Occupied(mut deciding) => {
                deciding.get_mut().waiting.push(wait);
                Begun::Joined(told)
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Deciding {
                    asked: *asked,
                    received_ms,
                    waiting: vec![wait],
                });
                Begun::First(told)
            }
        }
    }

    /// Books a transaction that was begun, and tells all who wait for it. One that was given back in
    /// the meantime is declined whatever the verdict. An error: nothing was booked, and they learn so.
    pub(crate) fn decide(&self, id: TransactionId, verdict: Verdict) -> Result<(), Halted> {
        let mut shard = self.shard(id).lock();
        let Some(deciding) = shard.deciding.remove(&id) else {
            return Ok(());
        };
        let (asked, received_ms) = (&deciding.asked, deciding.received_ms);
        let decided = if shard.known.contains_key(&id) {
            Transaction::came_too_late(asked, received_ms)
        } else {
            Transaction::decided(asked, received_ms, verdict)
        };
        let sequence = self.append(Happened::Decided(id, decided))?;
        shard.known.insert(id, decided);
        drop(shard);
        let told = Dated {
            what: decided,
            sequence,
        };
        for waiting in deciding.waiting {
            // Whoever has hung up is not told.
            let _ = waiting.send(told);
        }
        Ok(())
    }

    /// Takes back the one fen too many of a transaction, unless something of it was given back by
    /// now, and tells how it stands.
    pub(crate) fn correct(&self, id: TransactionId) -> Result<Option<Told>, Halted> {
        let mut shard = self.shard(id).lock();
        let Some(known) = shard.known.get_mut(&id) else {
            return Ok(None);
        };
        if known.one_more && known.reversed_fen == 0 {
            self.append(Happened::Corrected(id))?;
            known.one_more = false;
        }
        Ok(Some(self.dated(*known)))
    }

    /// Gives back what remains of a transaction, up to the amount, and tells how much that was. A
    /// transaction that has not come yet, or is being decided, will be declined.
    pub(crate) fn reverse(
        &self,
        reversal: &Reversal,
    ) -> Result<Result<Dated<i64>, AdviceTaken>, Halted> {
        let tag = tag(reversal);
        let at_ms = self.clock.now().unix_ms();
        let mut reversals = self.reversals_of(reversal.advice).lock();
        if let Some(given) = reversals.get(&reversal.advice) {
            let given = (given.tag == tag).then(|| self.dated(given.amount_fen));
            return Ok(given.ok_or(AdviceTaken));
        }
        let mut shard = self.shard(reversal.transaction).lock();
        let known = shard.known.get(&reversal.transaction);
        let remaining_fen = known.map_or(0, Transaction::remaining_fen);
        let gave_fen = match reversal.amount_fen {
            0 => remaining_fen,
            amount_fen => amount_fen.min(remaining_fen),
        };
        let reversed = Reversed {
            advice: reversal.advice,
            tag,
            transaction: reversal.transaction,
            gave_fen,
            scheme: reversal.scheme,
            at_ms,
        };
        let sequence = self.append(Happened::Reversed(reversed))?;
        shard.give_back(&reversed);
        drop(shard);
        reversals.insert(reversal.advice, Given::by(&reversed));
        Ok(Ok(Dated {
            what: gave_fen,
            sequence,
        }))
    }

    /// How a transaction stands; None while it is unknown or being decided.
    pub(crate) fn look_up(&self, id: TransactionId) -> Option<Told> {
        let shard = self.shard(id).lock();
        shard.known.get(&id).map(|known| self.dated(*known))
    }

    /// Every transaction of one part of the books; None beyond the last part.
    pub(crate) fn part(&self, number: usize) -> Option<Dated<Vec<(TransactionId, Transaction)>>> {
        let shard = self.transactions.get(number)?.lock();
        let all = shard.known.iter().map(|(id, known)| (*id, *known));
        let all = all.collect();
        Some(self.dated(all))
    }

    /// How many transactions there are.
    pub(crate) fn len(&self) -> usize {
        let shards = self.transactions.iter();
        shards.map(|shard| shard.lock().known.len()).sum()
    }

    /// Completes when everything up to a sequence is durable. `core` is where the caller's task
    /// runs, and [`Books::wake_waiters`] goes on.
    pub(crate) async fn durable(&self, core: usize, sequence: u64) -> Result<(), Halted> {
        match &self.queue {
            Some(queue) => queue.wait_durable(core, sequence).await,
            None => Ok(()),
        }
    }

    /// Wakes those of a core who wait for the disk, until the books are closed.
    pub(crate) fn wake_waiters(&self, core: usize) -> impl Future<Output = ()> + Send + use<> {
        let waking = self.queue.as_ref().map(|queue| queue.wake_waiters(core));
        async move {
            match waking {
                Some(waking) => waking.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Completes with what failed once the disk has, and else never.
    pub(crate) async fn halted(&self) -> Halted {
        match &self.queue {
            Some(queue) => queue.halted().await,
            None => std::future::pending().await,
        }
    }

    /// Makes durable what is not yet, and books nothing more. Blocks.
    pub(crate) fn close(&self) -> Result<(), Halted> {
        self.queue.as_ref().map_or(Ok(()), CommitQueue::close)
    }

    fn append(&self, happened: Happened) -> Result<u64, Halted> {
        match &self.queue {
            Some(queue) => queue.append(&happened.encode()),
            None => Ok(0),
        }
    }

    /// What was seen may be told once all that happened before is durable.
    fn dated<T>(&self, what: T) -> Dated<T> {
        let sequence = self.queue.as_ref().map_or(0, CommitQueue::appended);
        Dated { what, sequence }
    }

    fn shard(&self, TransactionId(id): TransactionId) -> &Mutex<Shard> {
        pick(&self.transactions, id)
    }

    fn reversals_of(&self, advice: [u64; 2]) -> &Mutex<Reversals> {
        pick(&self.reversals, advice)
    }

    /// Takes what happened before a start.
    fn apply(&self, happened: &Happened) {
        match happened {
            Happened::Begun => {}
            Happened::Decided(id, transaction) => {
                self.shard(*id).lock().known.insert(*id, *transaction);
            }
            Happened::Reversed(reversed) => {
                self.shard(reversed.transaction).lock().give_back(reversed);
                let mut reversals = self.reversals_of(reversed.advice).lock();
                reversals.insert(reversed.advice, Given::by(reversed));
            }
            Happened::Corrected(id) => {
                if let Some(known) = self.shard(*id).lock().known.get_mut(id) {
                    known.one_more = false;
                }
            }
        }
    }
}

impl Shard {
    fn give_back(&mut self, reversed: &Reversed) {
        let of = self.known.entry(reversed.transaction);
        let of =
            of.or_insert_with(|| Transaction::given_back_first(reversed.scheme, reversed.at_ms));
        of.reversed_fen = of.reversed_fen.saturating_add(reversed.gave_fen);
    }
}

impl Given {
    const fn by(reversed: &Reversed) -> Self {
        Self {
            tag: reversed.tag,
            amount_fen: reversed.gave_fen,
        }
    }
}

/// Names are random, or digests, so any of their bits will do.
#[expect(
    clippy::indexing_slicing,
    reason = "there are SHARDS of them, and the remainder is below that"
)]
fn pick<T>(shards: &[Mutex<T>], [_, low]: [u64; 2]) -> &Mutex<T> {
    let place = usize::try_from(low % SHARDS as u64).unwrap_or_default();
    &shards[place]
}

/// What an advice asks for, in 32 bits.
fn tag(reversal: &Reversal) -> u32 {
    let [high, low] = reversal.transaction.0;
    let mixed = (high ^ low.rotate_left(32) ^ reversal.amount_fen.cast_unsigned())
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The high half of a product is its well mixed one.
    u32::try_from(mixed >> 32).unwrap_or_default()
}
