//! The advices of one issuer: while it does not answer, it is asked by one of them at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::wait_after;

/// Advices of one lane that are under way at the same time, so that a slow issuer holds up no other.
pub(super) const MOST_UNDER_WAY: usize = 64;
/// Attempts that must fail, one after the other, before the lane waits: behind one lane there may be
/// banks of which one alone is away.
const FAILURES_TO_PAUSE: u32 = 3;

/// Advices that wait, by when they are due.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: BTreeSet<(Instant, u64)>,
    under_way: usize,
    /// Attempts, and then rounds of one, that failed one after the other; 0 once one is answered.
    failures: u32,
    paused_until: Option<Instant>,
    last_error: Option<Arc<str>>,
}

impl Lane {
    pub(super) fn add(&mut self, sequence: u64, at: Instant) {
        self.waiting.insert((at, sequence));
    }

    pub(super) fn remove(&mut self, sequence: u64, at: Instant) {
        self.waiting.remove(&(at, sequence));
    }

    /// Takes the one that is to be sent now, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        let is_full = self.under_way >= MOST_UNDER_WAY;
        if is_full || self.is_away() && (self.under_way > 0 || self.is_paused(now)) {
            return None;
        }
        let &(at, sequence) = self.waiting.first()?;
        // To see whether it answers again any of them will do.
        if at > now && !self.is_away() {
            return None;
        }
        self.waiting.pop_first();
        self.under_way += 1;
        Some(sequence)
    }

    /// When the next can be taken, if nothing else happens.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        let &(at, _) = self.waiting.first()?;
        if !self.is_away() {
            return (self.under_way < MOST_UNDER_WAY).then(|| at.max(now));
        }
        // An attempt that is under way tells what comes next.
        let paused_until = self.paused_until.filter(|_| self.under_way == 0)?;
        Some(paused_until.max(now))
    }

    /// An attempt ended, whichever way.
    pub(super) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// It was not answered. Attempts that fail while the lane waits already count as one.
    pub(super) fn failed(&mut self, now: Instant, error: Option<&Arc<str>>) {
        self.ended();
        self.last_error = error.cloned();
        if self.is_paused(now) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.is_away() {
            let rounds = self.failures - FAILURES_TO_PAUSE + 1;
            self.paused_until = Some(now + wait_after(rounds));
        }
    }

    /// It was answered.
    pub(super) fn heard(&mut self) {
        self.ended();
        self.failures = 0;
        self.paused_until = None;
        self.last_error = None;
    }

    /// Until when nothing is sent.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Why.
    pub(super) fn last_error(&self) -> Option<Arc<str>> {
        self.last_error.clone()
    }

    fn is_away(&self) -> bool {
        self.failures >= FAILURES_TO_PAUSE
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }
}
