//! What settles on a day, from a journal's events (D25). Pure: the journal is its caller's, be it
//! a command that reads a folder or a server that runs.
//!
//! First every entry is shown to [`Settlement::see`]. What a refund of the day gave back, or an
//! early settlement, may belong to a payment of long before: those are [`Settlement::missing`],
//! and handed in with [`Settlement::found`]. Then [`Settlement::finish`] has the rows. What is kept
//! meanwhile is as much as the day has rows, and as there are payments that were reversed or
//! settled early, however long the journal is.

#[cfg(test)]
mod property_tests;
mod statement;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use waika_domain::event::{Event, GiveBack, Posted};
use waika_domain::identifiers::{AuthorisationId, MerchantId};
use waika_domain::money::Fen;
use waika_domain::period::{Day, Timestamp};

pub(crate) use self::statement::{Line, LineKind, Statement, Total};

/// What settles on a day, as far as the journal was read.
#[derive(Debug)]
pub(crate) struct Settlement {
    day: Day,
    merchant: Option<MerchantId>,
    /// By their sequence; None for one that was looked up and is not wanted.
    approvals: BTreeMap<u64, Option<Approval>>,
    /// What became of payments before they settled by their age, whenever that was.
    adjusted: HashMap<u64, Adjustment>,
    refunds: Vec<Refund>,
}

/// An approved payment to a merchant that is wanted.
#[derive(Debug)]
struct Approval {
    merchant: MerchantId,
    principal: Fen,
    fee: Fen,
    authorised_at: Timestamp,
    settles_at: Timestamp,
}

#[derive(Debug, Default)]
struct Adjustment {
    reversed_principal: Fen,
    reversed_fee: Fen,
    settled_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Refund {
    sequence: u64,
    original: u64,
    principal: Fen,
    fee: Fen,
    at: Timestamp,
}

/// A payment that something was made of, and that nobody handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has no entry {sequence}, which a later one builds on")]
pub(crate) struct NotFound {
    /// Its sequence.
    pub(crate) sequence: u64,
}

impl Settlement {
    /// Of a day, and of one merchant alone if one is named.
    pub(crate) fn of(day: Day, merchant: Option<MerchantId>) -> Self {
        Self {
            day,
            merchant,
            approvals: BTreeMap::new(),
            adjusted: HashMap::new(),
            refunds: Vec::new(),
        }
    }

    /// Takes notice of an entry. Every entry is to be shown once, in their order.
    pub(crate) fn see(&mut self, sequence: u64, at: Timestamp, event: &Event) {
        if let Event::Posted(posted) = event {
            if posted.reservation.settles_at.day() == self.day
                && let Some(approval) = self.approval(at, posted)
            {
                self.approvals.insert(sequence, Some(approval));
            }
        } else if let Event::ReversalDecided(decided) = event
            && let Ok(given) = &decided.outcome
        {
            match decided.kind {
                GiveBack::Reversal => {
                    let adjustment = self.adjusted.entry(decided.original).or_default();
                    let (principal, fee) = (given.principal, given.fee);
                    adjustment.reversed_principal = adjustment.reversed_principal.plus(principal);
                    adjustment.reversed_fee = adjustment.reversed_fee.plus(fee);
                }
                GiveBack::Refund if at.day() == self.day => self.refunds.push(Refund {
                    sequence,
                    original: decided.original,
                    principal: given.principal,
                    fee: given.fee,
                    at,
                }),
                GiveBack::Refund => {}
            }
        } else if let Event::SettleDecided(decided) = event
            && decided.outcome.is_ok()
        {
            let adjustment = self.adjusted.entry(decided.original).or_default();
            adjustment.settled_at.get_or_insert(at);
        }
    }

    /// The sequences of the payments that are still to be handed in, once every entry was seen.
    pub(crate) fn missing(&self) -> BTreeSet<u64> {
        let settled_early = self.adjusted.iter().filter(|(_, adjustment)| {
            let settled_at = adjustment.settled_at;
            settled_at.is_some_and(|at| at.day() == self.day)
        });
        let refunded = self.refunds.iter().map(|refund| refund.original);
        settled_early
            .map(|(original, _)| *original)
            .chain(refunded)
            .filter(|original| !self.approvals.contains_key(original))
            .collect()
    }

    /// Hands in one of those that were missing.
    pub(crate) fn found(&mut self, sequence: u64, at: Timestamp, event: &Event) {
        let approval = if let Event::Posted(posted) = event {
            self.approval(at, posted)
        } else {
            None
        };
        self.approvals.insert(sequence, approval);
    }

    /// What of a payment is needed; None if nobody asked for its merchant's, or it has none.
    fn approval(&self, authorised_at: Timestamp, posted: &Posted) -> Option<Approval> {
        let reservation = &posted.reservation;
        let merchant = reservation.payment.merchant.as_ref()?;
        let wanted = self.merchant.as_ref();
        wanted
            .is_none_or(|wanted| wanted == merchant)
            .then(|| Approval {
                merchant: merchant.clone(),
                principal: reservation.payment.amount.fen(),
                fee: reservation.fee,
                authorised_at,
                settles_at: reservation.settles_at,
            })
    }

    /// Merchant after merchant, in the order of the journal, with what has settled by `now`.
    pub(crate) fn finish(self, now: Timestamp) -> Result<Statement, NotFound> {
        if let Some(sequence) = self.missing().first().copied() {
            return Err(NotFound { sequence });
        }
        let mut lines = Vec::new();
        for (&sequence, approval) in &self.approvals {
            let line = approval.as_ref().and_then(|it| self.settled(sequence, it));
            lines.extend(line.filter(|(_, line)| line.settled_at <= now));
        }
        for refund in &self.refunds {
            let original = self.approvals.get(&refund.original);
            if let Some(Some(approval)) = original {
                lines.push((refund.sequence, refunded(refund, approval)));
            }
        }
        lines.sort_by(|(one, a), (other, b)| (&a.merchant, one).cmp(&(&b.merchant, other)));
        let lines = lines.into_iter().map(|(_, line)| line);
        Ok(Statement::of(self.day, lines.collect()))
    }

    /// None if it settles on another day, or was reversed in full and never settles.
    fn settled(&self, sequence: u64, approval: &Approval) -> Option<(u64, Line)> {
        let adjustment = self.adjusted.get(&sequence);
        let early = adjustment.and_then(|adjustment| adjustment.settled_at);
        let settled_at = early.unwrap_or(approval.settles_at); // D25
        let (principal, fee) = match adjustment {
            None => (approval.principal, approval.fee),
            Some(adjustment) => (
                approval.principal.minus(adjustment.reversed_principal),
                approval.fee.minus(adjustment.reversed_fee),
            ),
        };
        if settled_at.day() != self.day || principal == Fen::ZERO {
            return None;
        }
        let line = Line {
            merchant: approval.merchant.clone(),
            authorisation: AuthorisationId::from_sequence(sequence),
            kind: LineKind::Settlement,
            principal_fen: principal.value(),
            fee_fen: fee.value(),
            authorised_at: approval.authorised_at,
            settled_at,
        };
        Some((sequence, line))
    }
}

fn refunded(refund: &Refund, approval: &Approval) -> Line {
    Line {
        merchant: approval.merchant.clone(),
        authorisation: AuthorisationId::from_sequence(refund.original),
        kind: LineKind::Refund,
        principal_fen: -refund.principal.value(),
        fee_fen: -refund.fee.value(),
        authorised_at: approval.authorised_at,
        settled_at: refund.at,
    }
}
