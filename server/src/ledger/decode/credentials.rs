//! From what is written of the payment password, and of tokens and codes.

use waika_domain::event::{
    CodeIssued, Event, PasswordChanged, PasswordResetDecided, PasswordTicket,
    PasswordTicketResolved, PasswordVerified, PaymentCodeDecided, ResetStep, TokenMinted,
};
use waika_domain::identifiers::{CodeDigest, TicketId};
use waika_domain::period::Timestamp;
use waika_domain::refusal::{PasswordRefusal, ResetRefusal};

use super::keys::{fingerprint, verifier};
pub(in crate::ledger) use super::payments::funding;
use super::{
    Decoded, NotUnderstood, amount, decline, known, password_effect, phone_code_effect, refusal,
};
use crate::ledger::schema;

pub(super) fn verified(verified: schema::PasswordVerified) -> Decoded<PasswordVerified> {
    let outcome = match verified.refused {
        None => Ok(TokenMinted {
            nonce: verified.nonce,
            expires_at: Timestamp::from_unix_ms(verified.expires_at_ms),
        }),
        refused => Err(refusal(refused, PasswordRefusal::from_number)?),
    };
    Ok(PasswordVerified {
        funding: funding(verified.funding, verified.card_token)?,
        amount: amount(verified.amount_fen)?,
        password: password_effect(verified.password),
        outcome,
    })
}

pub(super) fn changed(changed: schema::PasswordChanged) -> Decoded<PasswordChanged> {
    let outcome = match verifier(&changed.verifier)? {
        Some(password) => Ok(password),
        None => Err(refusal(changed.refused, PasswordRefusal::from_number)?),
    };
    Ok(PasswordChanged {
        password: password_effect(changed.password),
        outcome,
    })
}

pub(super) fn reset(decided: schema::PasswordReset) -> Decoded<Event> {
    let outcome = match (verifier(&decided.verifier)?, decided.refused) {
        (Some(password), _) => Ok(ResetStep::Reset(password)),
        (None, None) => Ok(ResetStep::TicketOpened {
            document: fingerprint(&decided.document)?,
            matches: decided.matches,
        }),
        (None, refused) => Err(refusal(refused, ResetRefusal::from_number)?),
    };
    Ok(Event::PasswordResetDecided(Box::new(
        PasswordResetDecided {
            wrong_proofs: password_effect(decided.wrong_proofs),
            phone_code: phone_code_effect(decided.phone_code)?,
            outcome,
        },
    )))
}

pub(in crate::ledger) fn ticket(ticket: &schema::PasswordTicket) -> Decoded<PasswordTicket> {
    Ok(PasswordTicket {
        id: TicketId::from_sequence(ticket.id),
        document: fingerprint(&ticket.document)?,
        matches: ticket.matches,
        opened_at: Timestamp::from_unix_ms(ticket.opened_at_ms),
        state: known(ticket.state, "a password ticket's state")?,
    })
}

pub(super) fn ticket_resolved(resolved: schema::PasswordTicketResolved) -> Decoded<Event> {
    let stored = resolved.ticket.ok_or(NotUnderstood("a password ticket"))?;
    Ok(Event::PasswordTicketResolved(Box::new(
        PasswordTicketResolved {
            approve: resolved.approve,
            resolved: resolved.resolved,
            ticket: ticket(&stored)?,
        },
    )))
}

pub(super) fn code(decided: schema::PaymentCodeDecided) -> Decoded<Event> {
    let outcome = match decided.decline {
        None => Ok(CodeIssued {
            nonce: decided.nonce,
            digest: CodeDigest(decided.digest),
            expires_at: Timestamp::from_unix_ms(decided.expires_at_ms),
        }),
        refused => Err(decline(refused)?),
    };
    Ok(Event::PaymentCodeDecided(Box::new(PaymentCodeDecided {
        funding: funding(decided.funding, decided.card_token)?,
        password: password_effect(decided.password),
        outcome,
    })))
}
