//! Faults that are planted on purpose, so that whoever checks this server can be shown to notice
//! them.
//!
//! Compiled only with the feature `planted-faults`, and even then each has to be turned on. An event
//! that meets a fault is decided, answered and written as ever. What goes wrong is a sum in memory,
//! and with it whatever is decided by that sum later, or a list that is read. A start that recovers
//! from the journal alone has the sums right again. One fault only takes time: it is for whoever
//! compares servers.

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
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ForgottenReservation,
        Self::ReplayCounted,
        Self::WrongMonth,
        Self::LostAuthorisation,
        Self::Slow,
    ];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForgottenReservation => "forgotten-reservation",
            Self::ReplayCounted => "replay-counted",
            Self::WrongMonth => "wrong-month",
            Self::LostAuthorisation => "lost-authorisation",
            Self::Slow => "slow",
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
        let is_approval = stored.event().and_then(approved).is_some();
        let key = stored.call.as_ref().map(|call| &call.key);
        is_approval && key.is_some_and(|key| self.is_met_by(FaultKind::LostAuthorisation, key))
    }
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

    /// The entries of a history, less those that get lost.
    pub(crate) fn without_lost(&self, mut found: Vec<(u64, Stored)>) -> Vec<(u64, Stored)> {
        if let Some(fault) = self.planted {
            found.retain(|(_, stored)| !fault.loses(stored));
        }
        found
    }
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
