//! Risks of a card, and the tickets by which an operator resolves them (R67, R68, D9).

use crate::decline::DeclineReason;
use crate::identifiers::{CardToken, TicketId};
use crate::period::Timestamp;

/// What is suspicious about a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiskReason {
    /// Risk A: another person has bound it too.
    CardShared,
    /// Risk B: it is in another person's name.
    HolderMismatch,
}

impl RiskReason {
    /// The risk that a payment was declined for, if it was for one.
    pub const fn of(reason: DeclineReason) -> Option<Self> {
        // A reason that is no risk stays none, whatever is added to the ladder.
        if matches!(reason, DeclineReason::RiskCardShared) {
            Some(Self::CardShared)
        } else if matches!(reason, DeclineReason::RiskHolderMismatch) {
            Some(Self::HolderMismatch)
        } else {
            None
        }
    }

    /// What a payment is declined with for it.
    pub const fn decline_reason(self) -> DeclineReason {
        match self {
            Self::CardShared => DeclineReason::RiskCardShared,
            Self::HolderMismatch => DeclineReason::RiskHolderMismatch,
        }
    }
}

/// A card whose payments are declined for a risk, waiting for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskTicket {
    /// Its name.
    pub id: TicketId,
    /// The card.
    pub card: CardToken,
    /// The risk.
    pub reason: RiskReason,
    /// When the payment was declined that opened it.
    pub opened_at: Timestamp,
}

/// An operator's word that a card is the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearance {
    /// The card.
    pub card: CardToken,
    /// The risk that is no more.
    pub reason: RiskReason,
    /// The sequence of the verdict: whoever binds the card after it was not judged by it.
    pub sequence: u64,
}

/// A risk ticket that an operator closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RiskResolved {
    /// The ticket as it was.
    pub ticket: RiskTicket,
    /// The card is the person's own; otherwise the risk stands.
    pub cleared: bool,
}
