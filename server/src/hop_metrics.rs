//! Counts what came of asking issuers. Handles are found once.

use std::time::{Duration, Instant};

use metrics::{Counter, counter};
use parking_lot::Mutex;
use waika_domain::event::{DecidedPayment, Event, Posted, StandInReconciled, Transaction};

use crate::clock::monotonic;

/// The counters of hops to issuers.
pub(crate) struct HopMetrics {
    late: Counter,
    deadline_budget: Counter,
    stood_in: Counter,
    stood_in_fen: Counter,
    agreed: Counter,
    diverged: Counter,
    diverged_fen: Counter,
    last_told: Mutex<Seldom>,
}

/// What is said at most once a second.
#[derive(Debug, Default)]
struct Seldom(Option<Instant>);

impl Seldom {
    fn is_due(&mut self) -> bool {
        let now = monotonic();
        let is_due = self
            .0
            .is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1));
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

impl HopMetrics {
    /// Finds every handle.
    pub(crate) fn new() -> Self {
        let stand_ins = |outcome| counter!("waika_stand_ins_total", "outcome" => outcome);
        let stand_in_fen = |outcome| counter!("waika_stand_in_fen_total", "outcome" => outcome);
        Self {
            late: counter!("waika_issuer_late_total"),
            deadline_budget: counter!("waika_deadline_budget_refusals_total"),
            stood_in: stand_ins("APPROVED"),
            stood_in_fen: stand_in_fen("APPROVED"),
            agreed: stand_ins("CONFIRMED"),
            diverged: stand_ins("DIVERGED"),
            diverged_fen: stand_in_fen("DIVERGED"),
            last_told: Mutex::default(),
        }
    }

    /// Counts what an event says of an issuer.
    pub(crate) fn count(&self, event: &Event) {
        if let Some(DecidedPayment::Approved(posted)) = event.decision() {
            self.count_stand_in(posted);
        } else if let Event::IssuerLate(_) = event {
            self.late.increment(1);
        } else if let Event::StandInReconciled(reconciled) = event {
            self.count_reconciled(reconciled);
        }
    }

    /// Names an answer that cannot be believed: each is counted, and one a second told in the log.
    pub(crate) fn tell_nonsense(&self, transaction: Transaction, why: &'static str) {
        counter!("waika_issuer_nonsense_total", "kind" => why).increment(1);
        if self.last_told.lock().is_due() {
            let Transaction { id, scheme, .. } = transaction;
            tracing::warn!(transaction = %id, ?scheme, why, "an issuer's answer cannot be believed");
        }
    }

    /// Counts a call whose deadline left no time to ask (D16).
    pub(crate) fn count_deadline_budget(&self) {
        self.deadline_budget.increment(1);
    }

    fn count_stand_in(&self, posted: &Posted) {
        if posted.stand_in.is_some() {
            let principal = posted.reservation.payment.amount.fen().value();
            self.stood_in.increment(1);
            self.stood_in_fen.increment(principal.unsigned_abs());
        }
    }

    fn count_reconciled(&self, reconciled: &StandInReconciled) {
        if reconciled.diverged.is_some() {
            self.diverged.increment(1);
            let principal = reconciled.principal.value();
            self.diverged_fen.increment(principal.unsigned_abs());
        } else {
            self.agreed.increment(1);
        }
    }
}
