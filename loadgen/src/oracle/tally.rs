//! Pure: how much of what the oracle has seen, summed over all accounts.

use super::asked::{Decision, Reversed};
use super::keys::Compared;

/// Decline reasons that are counted apart; the last place is for all beyond.
pub(super) const REASONS: usize = 64;

/// Counts and sums of everything that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Payments approved.
    pub(crate) approvals: u64,
    /// Payments declined, by the number of the reason.
    pub(crate) declines: [u64; REASONS],
    /// Principal approved, in fen.
    pub(crate) principal_fen: u64,
    /// Fees of approvals, in fen.
    pub(crate) fee_fen: u64,
    /// Retries that were answered without a second effect.
    pub(crate) absorbed: u64,
    /// Answers that were compared with an earlier one under their key.
    pub(crate) compared: u64,
    /// Replays of which no earlier answer was remembered.
    pub(crate) not_compared: u64,
    /// Reversals.
    pub(crate) reversals: u64,
    /// Principal that they gave back, in fen.
    pub(crate) reversed_fen: u64,
    /// Refunds.
    pub(crate) refunds: u64,
    /// Principal that they gave back, in fen.
    pub(crate) refunded_fen: u64,
    /// Fees that both gave back, in fen.
    pub(crate) fee_back_fen: u64,
    /// Authorisations settled early.
    pub(crate) settled: u64,
    /// Cards bound.
    pub(crate) bound: u64,
    /// Cards unbound.
    pub(crate) unbound: u64,
    /// Reversals, refunds, settlements, binds and unbinds that were refused.
    pub(crate) refused: u64,
    /// Calls that ended with an error of a kind that promises that nothing was written.
    pub(crate) not_done: u64,
    /// Calls without an answer.
    pub(crate) unknown: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            approvals: 0,
            declines: [0; REASONS],
            principal_fen: 0,
            fee_fen: 0,
            absorbed: 0,
            compared: 0,
            not_compared: 0,
            reversals: 0,
            reversed_fen: 0,
            refunds: 0,
            refunded_fen: 0,
            fee_back_fen: 0,
            settled: 0,
            bound: 0,
            unbound: 0,
            refused: 0,
            not_done: 0,
            unknown: 0,
        }
    }
}

impl Tally {
    /// Counts a decision, and how it compared with others under its key.
    pub(super) fn decide(&mut self, decision: &Decision, compared: Compared) {
        match compared {
            Compared::Same | Compared::Differs | Compared::SecondEffect => self.compared += 1,
            Compared::First | Compared::Forgotten => {
                self.not_compared += u64::from(decision.replayed);
            }
        }
        if decision.replayed {
            self.absorbed += 1;
        } else if decision.approved {
            self.approvals += 1;
            self.principal_fen += fen(decision.amount_fen);
            self.fee_fen += fen(decision.fee_fen);
        } else {
            let place = usize::try_from(decision.reason).unwrap_or(REASONS);
            if let Some(count) = self.declines.get_mut(place.min(REASONS - 1)) {
                *count += 1;
            }
        }
    }

    /// Counts a reversal, or a refund.
    pub(super) fn give_back(&mut self, reversed: &Reversed, refund: bool) {
        if reversed.replayed {
            self.absorbed += 1;
            return;
        }
        let (count, sum) = if refund {
            (&mut self.refunds, &mut self.refunded_fen)
        } else {
            (&mut self.reversals, &mut self.reversed_fen)
        };
        *count += 1;
        *sum += fen(reversed.amount_fen);
        self.fee_back_fen += fen(reversed.fee_fen);
    }

    /// Adds what another one counted.
    pub(super) fn add(&mut self, other: &Self) {
        self.approvals += other.approvals;
        for (mine, theirs) in self.declines.iter_mut().zip(other.declines) {
            *mine += theirs;
        }
        self.principal_fen += other.principal_fen;
        self.fee_fen += other.fee_fen;
        self.absorbed += other.absorbed;
        self.compared += other.compared;
        self.not_compared += other.not_compared;
        self.reversals += other.reversals;
        self.reversed_fen += other.reversed_fen;
        self.refunds += other.refunds;
        self.refunded_fen += other.refunded_fen;
        self.fee_back_fen += other.fee_back_fen;
        self.settled += other.settled;
        self.bound += other.bound;
        self.unbound += other.unbound;
        self.refused += other.refused;
        self.not_done += other.not_done;
        self.unknown += other.unknown;
    }
}

fn fen(told: i64) -> u64 {
    u64::try_from(told).unwrap_or(0)
}
