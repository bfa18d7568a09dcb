//! The payment password, and the tokens and codes that stand for it: never a nonce, a digest or
//! a verifier.

use waika_domain::decline::Decline;
use waika_domain::event::{
    CodeIssued, PasswordChanged, PasswordResetDecided, PasswordTicket, PasswordTicketResolved,
    PasswordUnlocked, PasswordVerified, PaymentCodeDecided, ResetStep, TokenMinted,
};
use waika_domain::identifiers::TicketId;
use waika_domain::refusal::Refused;

use super::super::columns::Row;
use super::super::facts;
use super::super::names::Named as _;
use super::funding;
use crate::inspect::instants::in_utc;

pub(super) fn verified(row: &mut Row, verified: &PasswordVerified) -> &'static str {
    let PasswordVerified {
        funding: paid_from,
        amount,
        password,
        outcome,
    } = *verified;
    funding(row, paid_from);
    row.amount_fen = Some(amount.fen().value());
    facts::password_check(row, password);
    match outcome {
        Ok(minted) => {
            let TokenMinted {
                nonce: _,
                expires_at,
            } = minted;
            row.decision = Some("verified".into());
            row.expires_at = Some(in_utc(expires_at).into());
        }
        Err(refused) => facts::refused(row, refused),
    }
    "password_verified"
}

pub(super) fn changed(row: &mut Row, changed: &PasswordChanged) -> &'static str {
    let PasswordChanged { password, outcome } = *changed;
    facts::password_check(row, password);
    match outcome {
        // The new password's verifier.
        Ok(_) => row.decision = Some("changed".into()),
        Err(refused) => facts::refused(row, refused),
    }
    "password_changed"
}

/// A ticket has the sequence of the event that opened it.
pub(super) fn reset(row: &mut Row, decided: &PasswordResetDecided, sequence: u64) -> &'static str {
    let PasswordResetDecided {
        wrong_proofs,
        phone_code,
        outcome,
    } = *decided;
    facts::proof_check(row, wrong_proofs);
    facts::phone_code_check(row, phone_code);
    match outcome {
        Ok(ResetStep::TicketOpened {
            document: _,
            matches,
        }) => {
            row.decision = Some("ticket_opened".into());
            row.password_ticket = Some(TicketId::from_sequence(sequence).to_string().into());
            row.identity_matches = Some(matches);
        }
        // The new password's verifier.
        Ok(ResetStep::Reset(_)) => row.decision = Some("reset".into()),
        Err(refused) => facts::refused(row, refused),
    }
    "password_reset_decided"
}

pub(super) fn ticket_resolved(row: &mut Row, resolved: &PasswordTicketResolved) -> &'static str {
    let PasswordTicketResolved {
        approve,
        resolved,
        ticket,
    } = *resolved;
    let PasswordTicket {
        id,
        document: _,
        matches,
        opened_at: _,
        state,
    } = ticket;
    row.approve = Some(approve);
    row.resolved = Some(resolved);
    row.password_ticket = Some(id.to_string().into());
    row.identity_matches = Some(matches);
    row.ticket_state = Some(state.name().into());
    "password_ticket_resolved"
}

pub(super) fn unlocked(row: &mut Row, unlocked: PasswordUnlocked) -> &'static str {
    let PasswordUnlocked { was_locked } = unlocked;
    row.was_locked = Some(was_locked);
    "password_unlocked"
}

pub(super) fn payment_code(row: &mut Row, decided: &PaymentCodeDecided) -> &'static str {
    let PaymentCodeDecided {
        funding: paid_from,
        password,
        outcome,
    } = *decided;
    funding(row, paid_from);
    facts::password_check(row, password);
    match outcome {
        Ok(issued) => {
            let CodeIssued {
                nonce: _,
                digest: _,
                expires_at,
            } = issued;
            row.decision = Some("issued".into());
            row.expires_at = Some(in_utc(expires_at).into());
        }
        Err(Decline { reason, evidence }) => facts::refused(row, Refused { reason, evidence }),
    }
    "payment_code_decided"
}
