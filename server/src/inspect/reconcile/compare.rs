//! Waika's books beside the issuer's, transaction by transaction. Pure.

use std::collections::HashMap;

use waika_domain::event::TransactionId;
use waika_domain::money::Fen;

use super::ours::{Journal, Ours, StandIns, Sum};

/// Differences that are told one by one.
const MOST_TOLD: usize = 20;

/// A transaction as the issuer has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Theirs {
    /// What it approved, in principal and fee.
    pub(super) approved: Fen,
    /// Of that it gave back.
    pub(super) given_back: Fen,
    /// It was the debit of a verification.
    pub(super) is_verification: bool,
}

impl Theirs {
    fn standing(&self) -> Fen {
        self.approved.minus(self.given_back)
    }
}

/// One transaction that differs, and nothing is owed that would explain it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) id: TransactionId,
    /// The sequence of Waika's decision; 0 for none.
    pub(super) decided_by: u64,
    /// What stands by Waika's books.
    pub(super) ours: Fen,
    /// What stands by the issuer's.
    pub(super) theirs: Fen,
}

/// Both books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Payments, by Waika's books.
    pub(super) approved: Sum,
    pub(super) given_back: Sum,
    /// What stands of them, stand-ins that diverged left out.
    pub(super) standing: Fen,
    /// Payments and debits, by the issuer's.
    pub(super) issuer_approved: Sum,
    pub(super) issuer_given_back: Sum,
    pub(super) issuer_standing: Fen,
    /// Debits of verifications that the issuer made, which are all to be given back.
    pub(super) verifications: Sum,
    /// Advices that are owed still, and payments that nobody knows of yet.
    pub(super) owed: u64,
    pub(super) open: u64,
    /// Payments declined for the issuer's silence, and approvals of it that came later.
    pub(super) unheard: u64,
    pub(super) late: u64,
    pub(super) stand_ins: StandIns,
    /// Transactions that differ because something is owed or open.
    pub(super) pending: u64,
    /// Those that should not differ.
    pub(super) differing: u64,
    /// The first of them.
    pub(super) differences: Vec<Difference>,
}

impl Comparison {
    /// True if both agree to the fen, and nothing is left to be told.
    pub(super) fn agrees(&self) -> bool {
        self.differing == 0
            && self.pending == 0
            && self.owed == 0
            && self.open == 0
            && self.standing == self.issuer_standing
    }
}

/// Compares.
pub(super) fn compare(ours: Journal, theirs: &HashMap<TransactionId, Theirs>) -> Comparison {
    let owed = ours.owed() as u64;
    let mut comparison = Comparison {
        approved: ours.approved,
        given_back: ours.given_back,
        owed,
        unheard: ours.unheard,
        late: ours.late,
        stand_ins: ours.stand_ins,
        ..Comparison::default()
    };
    for (id, theirs) in theirs {
        if theirs.approved > Fen::ZERO {
            comparison.issuer_approved.add(theirs.approved);
            if theirs.is_verification {
                comparison.verifications.add(theirs.approved);
            }
        }
        if theirs.given_back > Fen::ZERO {
            comparison.issuer_given_back.add(theirs.given_back);
        }
        let standing = theirs.standing();
        comparison.issuer_standing = comparison.issuer_standing.plus(standing);
        if !ours.transactions.contains_key(id) {
            comparison.look(*id, &Ours::default(), standing);
        }
    }
    for (id, ours) in &ours.transactions {
        comparison.standing = comparison.standing.plus(ours.standing());
        comparison.open += u64::from(ours.is_open);
        let theirs = theirs.get(id).copied().unwrap_or_default();
        comparison.look(*id, ours, theirs.standing());
    }
    comparison
        .differences
        .sort_by_key(|difference| difference.decided_by);
    comparison
}

impl Comparison {
    fn look(&mut self, id: TransactionId, ours: &Ours, theirs: Fen) {
        if ours.standing() == theirs {
            return;
        }
        if ours.is_open || ours.owed > 0 || ours.in_motion {
            self.pending += 1;
            return;
        }
        self.differing += 1;
        if self.differences.len() < MOST_TOLD {
            self.differences.push(Difference {
                id,
                decided_by: ours.decided_by,
                ours: ours.standing(),
                theirs,
            });
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
