//! Risks of a card, and how an operator resolves them (R67, R68, D9).

use crate::account::Account;
use crate::card::BoundCard;
use crate::identifiers::TicketId;
use crate::risk::{RiskReason, RiskResolved};

/// A risk of a card for which its payments are declined, if there is one. `shared` tells whether
/// another person has bound the card after the sequence that it is given.
pub fn of_card(
    account: &Account,
    card: &BoundCard,
    shared: impl FnOnce(u64) -> bool,
) -> Option<RiskReason> {
    // D9, R68: an operator's word holds for those who had bound the card by then.
    let cleared = |reason| account.clearance(card.token, reason);
    let judged = cleared(RiskReason::CardShared).map_or(0, |clear| clear.sequence);
    if shared(judged) {
        return Some(RiskReason::CardShared); // R67, risk A
    }
    if !card.holder_matches && cleared(RiskReason::HolderMismatch).is_none() {
        return Some(RiskReason::HolderMismatch); // R67, risk B
    }
    None
}

/// Closes a ticket; None if the account has no such open one.
pub fn resolve(account: &Account, ticket: TicketId, cleared: bool) -> Option<RiskResolved> {
    let ticket = *account.risk_ticket(ticket)?;
    Some(RiskResolved { ticket, cleared })
}
