//! How events change a password, and the tokens and codes that stand for it.

use super::parts::MOST_CREDENTIALS;
use super::{Account, PaymentCode, PaymentToken};
use crate::event::{
    PasswordChanged, PasswordEffect, PasswordResetDecided, PasswordTicket, PasswordTicketState,
    PasswordVerified, PasswordVerifier, PaymentCodeDecided, ResetStep, Spent,
};
use crate::identifiers::TicketId;
use crate::period::Timestamp;
use crate::refusal::ResetRefusal;

impl Account {
    pub(super) fn apply_password(&mut self, effect: PasswordEffect) {
        match effect {
            PasswordEffect::Untouched => {}
            PasswordEffect::Matched => self.clear_password_lock(),
            PasswordEffect::Wrong {
                tries,
                locked_until,
            } => {
                let rare = self.rare();
                (rare.wrong_passwords, rare.password_locked_until) = (tries, locked_until);
            }
            // What stands for the password goes on standing for it.
            PasswordEffect::Moved(moved) => {
                if let Some(password) = &mut self.password {
                    password.digest = moved.digest;
                }
                self.clear_password_lock();
            }
        }
    }

    pub(super) fn clear_password_lock(&mut self) {
        if let Some(rare) = &mut self.rare {
            (rare.wrong_passwords, rare.password_locked_until) = (0, None);
        }
    }

    /// Sets another password. What stood for the old one is of no use any more, nor is a request
    /// to replace it: an approved one would set yet another.
    fn set_password(&mut self, password: PasswordVerifier) {
        self.password = Some(password);
        self.clear_password_lock();
        self.end_codes();
        if let Some(rare) = &mut self.rare {
            rare.tokens.clear();
        }
        self.forget_password_ticket();
    }

    pub(super) fn end_codes(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.codes.clear();
        }
    }

    pub(super) fn apply_password_verified(&mut self, verified: &PasswordVerified) {
        self.apply_password(verified.password);
        if let Ok(minted) = verified.outcome {
            let token = PaymentToken {
                nonce: minted.nonce,
                funding: verified.funding,
                expires_at: minted.expires_at,
                used: false,
            };
            push_bounded(&mut self.rare().tokens, token);
        }
    }

    pub(super) fn apply_password_changed(&mut self, changed: &PasswordChanged) {
        self.apply_password(changed.password);
        if let Ok(password) = changed.outcome {
            self.set_password(password);
        }
    }

    pub(super) fn apply_password_reset(
        &mut self,
        decided: &PasswordResetDecided,
        sequence: u64,
        at: Timestamp,
    ) {
        self.apply_phone_code_effect(decided.phone_code);
        match decided.wrong_proofs {
            PasswordEffect::Untouched => {}
            PasswordEffect::Matched | PasswordEffect::Moved(_) => self.clear_reset_lock(),
            PasswordEffect::Wrong {
                tries,
                locked_until,
            } => {
                let rare = self.rare();
                (rare.wrong_proofs, rare.reset_locked_until) = (tries, locked_until);
            }
        }
        match decided.outcome {
            Ok(ResetStep::TicketOpened { document, matches }) => {
                self.rare().password_ticket = Some(PasswordTicket {
                    id: TicketId::from_sequence(sequence),
                    document,
                    matches,
                    opened_at: at,
                    state: PasswordTicketState::Open,
                });
            }
            Ok(ResetStep::Reset(password)) => self.set_password(password),
            Err(refused) if refused.reason == ResetRefusal::TicketRejected => {
                self.forget_password_ticket(); // It was told.
            }
            Err(_) => {}
        }
    }

    fn clear_reset_lock(&mut self) {
        if let Some(rare) = &mut self.rare {
            (rare.wrong_proofs, rare.reset_locked_until) = (0, None);
        }
    }

    fn forget_password_ticket(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.password_ticket = None;
        }
    }

    pub(super) fn apply_payment_code(&mut self, decided: &PaymentCodeDecided) {
        self.apply_password(decided.password);
        if let Ok(issued) = decided.outcome {
            let code = PaymentCode {
                nonce: issued.nonce,
                digest: issued.digest,
                funding: decided.funding,
                expires_at: issued.expires_at,
                used: false,
            };
            push_bounded(&mut self.rare().codes, code);
        }
    }

    pub(super) fn apply_spent(&mut self, spent: Option<Spent>) {
        let (Some(spent), Some(rare)) = (spent, &mut self.rare) else {
            return;
        };
        match spent {
            Spent::Token(nonce) => {
                let mut tokens = rare.tokens.iter_mut();
                if let Some(token) = tokens.find(|token| token.nonce == nonce) {
                    token.used = true;
                }
            }
            Spent::Code(nonce) => {
                let mut codes = rare.codes.iter_mut();
                if let Some(code) = codes.find(|code| code.nonce == nonce) {
                    code.used = true;
                }
            }
        }
    }
}

/// The oldest makes room.
fn push_bounded<T>(list: &mut Vec<T>, one: T) {
    if list.len() >= MOST_CREDENTIALS {
        list.remove(0);
    }
    list.push(one);
}
