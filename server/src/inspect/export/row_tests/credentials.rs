//! Passwords, and the tokens and codes that stand for them.

use waika_domain::decline::{Decline, DeclineReason};
use waika_domain::event::{
    CodeIssued, Event, Funding, PasswordChanged, PasswordEffect, PasswordResetDecided,
    PasswordTicket, PasswordTicketResolved, PasswordTicketState, PasswordUnlocked,
    PasswordVerified, PasswordVerifier, PaymentCodeDecided, PhoneCodeEffect, ResetStep,
    TokenMinted,
};
use waika_domain::identifiers::TicketId;
use waika_domain::refusal::{PasswordRefusal, Refused, ResetRefusal};

use super::{AT, AT_TEXT, Cells, SECRET, SECRET_DIGEST, SECRET_NONCE, amount, card};

const VERIFIER: PasswordVerifier = PasswordVerifier {
    salt: [3; 8],
    digest: [4; 16],
};

const WRONG: PasswordEffect = PasswordEffect::Wrong {
    tries: 5,
    locked_until: Some(AT),
};

pub(super) fn passwords() -> Vec<(Event, Cells)> {
    let verified = |funding, password, outcome| {
        Event::PasswordVerified(PasswordVerified {
            funding,
            amount: amount(),
            password,
            outcome,
        })
    };
    let changed = |password, outcome| Event::PasswordChanged(PasswordChanged { password, outcome });
    let minted = TokenMinted {
        nonce: SECRET_NONCE,
        expires_at: AT,
    };
    let matched = PasswordEffect::Matched;
    let wrong = Refused::because(PasswordRefusal::PasswordWrong);
    vec![
        (
            verified(card(), matched, Ok(minted)),
            &[
                ("kind", "password_verified"),
                ("card_token", "card_0000000000001"),
                ("amount_fen", "10000"),
                ("decision", "verified"),
                ("password_check", "matched"),
                ("expires_at", AT_TEXT),
                ("funding", "card"),
            ],
        ),
        (
            verified(Funding::Balance, WRONG, Err(wrong)),
            &[
                ("kind", "password_verified"),
                ("amount_fen", "10000"),
                ("decision", "refused"),
                ("reason", "PASSWORD_WRONG"),
                ("layer", "wallet"),
                ("response_code", "55"),
                ("password_check", "wrong"),
                ("password_wrong_tries", "5"),
                ("password_locked_until", AT_TEXT),
                ("funding", "balance"),
            ],
        ),
        (
            changed(matched, Ok(VERIFIER)),
            &[
                ("kind", "password_changed"),
                ("decision", "changed"),
                ("password_check", "matched"),
            ],
        ),
        (
            Event::PasswordUnlocked(PasswordUnlocked { was_locked: true }),
            &[("kind", "password_unlocked"), ("was_locked", "true")],
        ),
    ]
}

/// R57, D10: nothing of a code is shown.
pub(super) fn payment_codes() -> Vec<(Event, Cells)> {
    let code = |funding, password, outcome| {
        Event::PaymentCodeDecided(Box::new(PaymentCodeDecided {
            funding,
            password,
            outcome,
        }))
    };
    let issued = CodeIssued {
        nonce: SECRET_NONCE,
        digest: SECRET_DIGEST,
        expires_at: AT,
    };
    vec![
        (
            code(card(), PasswordEffect::Matched, Ok(issued)),
            &[
                ("kind", "payment_code_decided"),
                ("card_token", "card_0000000000001"),
                ("decision", "issued"),
                ("password_check", "matched"),
                ("expires_at", AT_TEXT),
                ("funding", "card"),
            ],
        ),
        (
            code(
                Funding::Balance,
                PasswordEffect::Untouched,
                Err(Decline::because(DeclineReason::ReviewRequired)),
            ),
            &[
                ("kind", "payment_code_decided"),
                ("decision", "refused"),
                ("reason", "REVIEW_REQUIRED"),
                ("layer", "wallet"),
                ("response_code", "57"),
                ("funding", "balance"),
            ],
        ),
    ]
}

pub(super) fn resets() -> Vec<(Event, Cells)> {
    let reset = |wrong_proofs, phone_code, outcome| {
        Event::PasswordResetDecided(Box::new(PasswordResetDecided {
            wrong_proofs,
            phone_code,
            outcome,
        }))
    };
    let opened = ResetStep::TicketOpened {
        document: SECRET,
        matches: false,
    };
    let used = PhoneCodeEffect::Used { phone: SECRET };
    let wrong = Refused::because(ResetRefusal::CardDataWrong);
    let untouched = (PasswordEffect::Untouched, PhoneCodeEffect::Untouched);
    vec![
        (
            reset(untouched.0, untouched.1, Ok(opened)),
            &[
                ("kind", "password_reset_decided"),
                ("decision", "ticket_opened"),
                ("password_ticket", "of 9"),
                ("identity_matches", "false"),
            ],
        ),
        (
            reset(
                PasswordEffect::Matched,
                used,
                Ok(ResetStep::Reset(VERIFIER)),
            ),
            &[
                ("kind", "password_reset_decided"),
                ("decision", "reset"),
                ("phone_code_check", "used"),
                ("proof_check", "matched"),
            ],
        ),
        (
            reset(WRONG, untouched.1, Err(wrong)),
            &[
                ("kind", "password_reset_decided"),
                ("decision", "refused"),
                ("reason", "CARD_DATA_WRONG"),
                ("layer", "wallet"),
                ("response_code", "57"),
                ("proof_check", "wrong"),
                ("proof_wrong_tries", "5"),
                ("proof_locked_until", AT_TEXT),
            ],
        ),
    ]
}

pub(super) fn tickets() -> Vec<(Event, Cells)> {
    let resolved = PasswordTicketResolved {
        approve: true,
        resolved: false,
        ticket: PasswordTicket {
            id: TicketId::from_sequence(9),
            document: SECRET,
            matches: true,
            opened_at: AT,
            state: PasswordTicketState::Rejected,
        },
    };
    vec![(
        Event::PasswordTicketResolved(Box::new(resolved)),
        &[
            ("kind", "password_ticket_resolved"),
            ("approve", "true"),
            ("resolved", "false"),
            ("password_ticket", "of 9"),
            ("ticket_state", "rejected"),
            ("identity_matches", "true"),
        ],
    )]
}
