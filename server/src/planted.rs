//! Faults that are planted on purpose, so that whoever checks this server can be shown to notice
//! them.
//!
//! Compiled only with the feature `planted-faults`, and even then each has to be turned on. An event
//! that meets a fault is decided, answered and written as ever. What goes wrong is a sum in memory,
//! and with it whatever is decided by that sum later, or a list that is read. A start that recovers
//! from the journal alone has the sums right again. One fault only takes time: it is for whoever
//! compares servers. The last five are of the journal and of starts: they are for whoever kills servers.

mod disk;

use std::hash::Hasher as _;
use std::num::NonZeroU64;

use rustix::time::{ClockId, clock_gettime};
use siphasher::sip::SipHasher13;
use waika_domain::account::Account;
use waika_domain::event::{DecidedPayment, Event, GiveBack, Reservation};
use waika_domain::identifiers::IdempotencyKey;
use waika_domain::usage::Usage;

use crate::authoriser::Authoriser;
use crate::ledger::decode::Stored;

pub use disk::PlantedDisk;

/// A fault, and how rare it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlantedFault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Of so many idempotency keys, one meets it; a slowness is met by all.
    pub one_in: NonZeroU64,
    /// How long a slowness is, in nanoseconds of processor time; the others take none.
    pub nanoseconds: u32,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// An approved amount is not among what the account has used (C2).
    ForgottenReservation,
    /// An approved amount is used once more each time its answer is given again (D18).
    ReplayCounted,
    /// A reversal of a closed month's payment gives back to the month that is open now (D13).
    WrongMonth,
    /// An approval is in no list of the account's authorisations.
    LostAuthorisation,
    /// Deciding a payment takes more processor time. Nothing that is told is wrong.
    Slow,
    /// Nothing is synced, and everything told as durable: for all keys.
    SyncSkipped,
    /// What is about to be written is told as durable before it is: for all keys.
    ToldEarly,
    /// A sync that fails is taken for one that has succeeded: for all keys.
    SyncErrorIgnored,
    /// A start does not apply an approved payment.
    EventSkipped,
    /// A start counts an approved payment to another month than its own (C2).
    WrongPeriod,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ForgottenReservation,
        Self::ReplayCounted,
        Self::WrongMonth,
        Self::LostAuthorisation,
        Self::Slow,
        Self::SyncSkipped,
        Self::ToldEarly,
        Self::SyncErrorIgnored,
        Self::EventSkipped,
        Self::WrongPeriod,
    ];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForgottenReservation => "forgotten-reservation",
            Self::ReplayCounted => "replay-counted",
            Self::WrongMonth => "wrong-month",
            Self::LostAuthorisation => "lost-authorisation",
            Self::Slow => "slow",
            Self::SyncSkipped => "sync-skipped",
            Self::ToldEarly => "told-early",
            Self::SyncErrorIgnored => "sync-error-ignored",
            Self::EventSkipped => "event-skipped",
            Self::WrongPeriod => "wrong-period",
        }
    }
}

impl PlantedFault {
    /// The same keys meet it in every process, so that a run that is repeated meets it again.
    fn is_met_by(self, kind: FaultKind, key: &IdempotencyKey) -> bool {
        let mut hasher = SipHasher13::new();
        hasher.write(key.as_str().as_bytes());
        self.kind == kind && hasher.finish().is_multiple_of(self.one_in.get())
    }

    /// What the account has used, as it is wrong after an event that was applied to it.
    fn after(self, event: &Event, key: &IdempotencyKey, usage: Usage) -> Usage {
        if let Some(held) = approved(event)
            && self.is_met_by(FaultKind::ForgottenReservation, key)
        {
            let amount = held.payment.amount.fen();
            return usage.giving_back(Some(held.month), Some(held.year), amount);
        }
        if let Event::ReversalDecided(decided) = event
            && decided.kind == GiveBack::Reversal
            && let Ok(reversal) = &decided.outcome
            && reversal.balance_left.is_none()
            && !reversal.month_restored
            && reversal.month < usage.month
            && self.is_met_by(FaultKind::WrongMonth, key)
        {
            return usage.giving_back(Some(usage.month), None, reversal.principal);
        }
        usage
    }

    /// The same, after the answer was given once more.
    fn after_replay(self, event: &Event, key: &IdempotencyKey, usage: Usage) -> Usage {
        match approved(event) {
            Some(held) if self.is_met_by(FaultKind::ReplayCounted, key) => {
                usage.counting(held.month, held.year, held.payment.amount)
            }
            Some(_) | None => usage,
        }
    }

    /// Takes the time that a slowness takes for a payment.
    fn linger(self, event: &Event) {
        if self.kind == FaultKind::Slow && event.decision().is_some() {
            let now = || {
                let time = clock_gettime(ClockId::ThreadCPUTime);
                time.tv_sec * 1_000_000_000 + time.tv_nsec
            };
            let end = now() + i64::from(self.nanoseconds);
            while now() < end {}
        }
    }

    fn loses(self, stored: &Stored) -> bool {
        self.meets_approval(FaultKind::LostAuthorisation, stored)
    }

    /// Whether that is an approved payment whose key meets this fault.
    fn meets_approval(self, kind: FaultKind, stored: &Stored) -> bool {
        let is_approval = stored.event().and_then(approved).is_some();
        let key = stored.call.as_ref().map(|call| &call.key);
        is_approval && key.is_some_and(|key| self.is_met_by(kind, key))
    }
}

/// Whether a batch is told as durable before it is written.
pub(crate) fn tells_early(fault: Option<PlantedFault>) -> bool {
    fault.is_some_and(|fault| fault.kind == FaultKind::ToldEarly)
}

impl Authoriser {
    /// Does wrong what an event did right.
    pub(crate) fn plant_after(&self, event: &Event, key: &IdempotencyKey, account: &mut Account) {
        if let Some(fault) = self.planted {
            fault.linger(event);
            change(account, |usage| fault.after(event, key, usage));
        }
    }

    /// Does wrong what giving an answer once more leaves alone.
    pub(crate) fn plant_after_replay(&self, event: &Event, key: &IdempotencyKey, account: &str) {
        if let Some(fault) = self.planted {
            let count = |account: &mut Account| {
                change(account, |usage| fault.after_replay(event, key, usage));
            };
            // What belongs to no account is no payment.
            let _ = self.accounts.with_account_named(account, count);
        }
    }

    /// True for what a start is to leave out.
    pub(crate) fn skips(&self, stored: &Stored) -> bool {
        let meets = |fault: PlantedFault| fault.meets_approval(FaultKind::EventSkipped, stored);
        self.planted.is_some_and(meets)
    }

    /// Counts to another month what a start has counted to the right one.
    pub(crate) fn plant_after_start(&self, stored: &Stored, account: &mut Account) {
        if let Some(fault) = self.planted
            && fault.meets_approval(FaultKind::WrongPeriod, stored)
            && let Some(event) = stored.event()
        {
            change(account, |usage| misplaced(event, usage));
        }
    }

    /// The entries of a history, less those that get lost.
    pub(crate) fn without_lost(&self, mut found: Vec<(u64, Stored)>) -> Vec<(u64, Stored)> {
        if let Some(fault) = self.planted {
            found.retain(|(_, stored)| !fault.loses(stored));
        }
        found
    }
}

/// What the account has used, if an approval is counted to another month than its own.
fn misplaced(event: &Event, usage: Usage) -> Usage {
    approved(event).map_or(usage, |held| {
        usage.giving_back(Some(held.month), None, held.payment.amount.fen())
    })
}

/// What is counted of a payment that was approved.
fn approved(event: &Event) -> Option<&Reservation> {
    match event.decision()? {
        DecidedPayment::Approved(posted) => Some(&posted.reservation).filter(|held| held.counts()),
        DecidedPayment::Declined(_) | DecidedPayment::Voided(_) => None,
    }
}

/// The domain changes an account by events only, and none of them is wrong: so it is taken apart.
fn change(account: &mut Account, wrong: impl FnOnce(Usage) -> Usage) {
    let before = account.usage();
    let after = wrong(before);
    if after != before {
        let taken = std::mem::replace(account, Account::open(account.region()));
        let mut parts = taken.into_parts();
        parts.usage = after;
        *account = Account::from_parts(parts);
    }
}

#[cfg(test)]
mod tests;
