//! The payment password, and the tokens and codes that stand for it.

use waika_domain::event::{
    PasswordChanged, PasswordResetDecided, PasswordTicket, PasswordTicketResolved,
    PasswordVerified, PaymentCodeDecided, ResetStep,
};
use waika_domain::period::Timestamp;

use super::keys::{fingerprint, verifier};
use super::payments::funding;
use super::{decline, password_effect, phone_code_effect, refusal};
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema;

pub(super) fn verified(verified: &PasswordVerified) -> schema::PasswordVerified {
    let (funding, card_token) = funding(verified.funding);
    let minted = verified.outcome.ok();
    let refused = verified.outcome.err();
    schema::PasswordVerified {
        funding,
        card_token,
        amount_fen: verified.amount.fen().value(),
        password: password_effect(verified.password),
        nonce: minted.map_or(0, |minted| minted.nonce),
        expires_at_ms: minted.map_or(0, |minted| minted.expires_at.unix_ms()),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}

pub(super) fn changed(changed: &PasswordChanged) -> schema::PasswordChanged {
    let refused = changed.outcome.err();
    schema::PasswordChanged {
        password: password_effect(changed.password),
        verifier: changed.outcome.as_ref().map(verifier).unwrap_or_default(),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}

pub(super) fn reset(decided: &PasswordResetDecided) -> schema::PasswordReset {
    let reset = schema::PasswordReset {
        wrong_proofs: password_effect(decided.wrong_proofs),
        phone_code: phone_code_effect(decided.phone_code),
        ..schema::PasswordReset::default()
    };
    match &decided.outcome {
        Ok(ResetStep::TicketOpened { document, matches }) => schema::PasswordReset {
            document: fingerprint(*document),
            matches: *matches,
            ..reset
        },
        Ok(ResetStep::Reset(password)) => schema::PasswordReset {
            verifier: verifier(password),
            ..reset
        },
        Err(refused) => schema::PasswordReset {
            refused: Some(refusal(refused.reason.number(), &refused.evidence)),
            ..reset
        },
    }
}

pub(in crate::ledger) fn ticket(ticket: &PasswordTicket) -> schema::PasswordTicket {
    schema::PasswordTicket {
        id: ticket.id.sequence(),
        document: fingerprint(ticket.document),
        matches: ticket.matches,
        opened_at_ms: ticket.opened_at.unix_ms(),
        state: ticket.state.number(),
    }
}

pub(super) fn ticket_resolved(resolved: &PasswordTicketResolved) -> schema::PasswordTicketResolved {
    schema::PasswordTicketResolved {
        approve: resolved.approve,
        resolved: resolved.resolved,
        ticket: Some(ticket(&resolved.ticket)),
    }
}

pub(super) fn code(decided: &PaymentCodeDecided) -> schema::PaymentCodeDecided {
    let (funding, card_token) = funding(decided.funding);
    let issued = decided.outcome.ok();
    let expires_at = issued.map(|issued| issued.expires_at);
    schema::PaymentCodeDecided {
        funding,
        card_token,
        password: password_effect(decided.password),
        nonce: issued.map_or(0, |issued| issued.nonce),
        digest: issued.map_or(0, |issued| issued.digest.0),
        expires_at_ms: expires_at.map_or(0, Timestamp::unix_ms),
        decline: decided.outcome.as_ref().err().map(decline),
    }
}
