//! The payment password: verifying it ahead, changing it, resetting it, unlocking it.

use waika_domain::account::Account;
use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, TicketId};
use waika_domain::period::Timestamp;
use waika_domain::rules::password::{self, Change};
use waika_domain::rules::reset::{self, NewPassword, Proof};

use super::{Authoriser, Outcome, Passage};
use crate::ledger::{ChangeOperation, LedgerError, NewSecret, ResetOperation, VerifyOperation};

impl Authoriser {
    /// Verifies a password for one payment.
    pub(crate) fn verify_password(&self, passage: Passage<'_>, asked: &VerifyOperation) -> Outcome {
        let id = passage.account;
        self.existing(passage, |account, now, in_force| {
            let policy = &in_force.policy;
            self.check_budget(passage.call, policy)?;
            let matches = self.password_matches(id, account, &asked.password);
            let verified = password::verify(account, asked.intent, matches, policy, now);
            let event = Event::PasswordVerified(verified);
            Ok(self.moving(id, account, &asked.password, event))
        })
    }

    /// Changes a password (R45).
    pub(crate) fn change_password(&self, passage: Passage<'_>, asked: &ChangeOperation) -> Outcome {
        let id = passage.account;
        self.existing(passage, |account, now, in_force| {
            let policy = &in_force.policy;
            self.check_budget(passage.call, policy)?;
            let change = Change {
                matches: self.password_matches(id, account, &asked.old),
                agree: asked.new.agree,
                offered: self.vault.password(id, &asked.new.password, asked.new.salt),
            };
            let changed = password::change(account, change, policy, now);
            let stays = changed.outcome.is_err();
            let event = Event::PasswordChanged(changed);
            Ok(if stays {
                self.moving(id, account, &asked.old, event)
            } else {
                event
            })
        })
    }

    /// Resets a forgotten password, by either route (R46, R47, D23).
    pub(crate) fn reset_password(&self, passage: Passage<'_>, asked: &ResetOperation) -> Outcome {
        let id = passage.account;
        self.existing(passage, |account, now, in_force| {
            let proof = self.proof_of(id, account, asked, now);
            let new = self.new_password(id, &asked.new);
            let decided = reset::decide(account, &proof, new, &in_force.policy, now);
            Ok(Event::PasswordResetDecided(Box::new(decided)))
        })
    }

    fn proof_of(
        &self,
        id: &AccountId,
        account: &Account,
        asked: &ResetOperation,
        now: Timestamp,
    ) -> Proof {
        match asked.proof {
            Proof::Identity { document } => Proof::Identity { document },
            Proof::Card(mut card) => {
                card.phone = account.phone_among(&card.phones, now);
                let (phone, given) = (card.phone, &asked.phone_code);
                card.phone_code_matches = self.phone_code_is(id, account, phone, given);
                Proof::Card(card)
            }
        }
    }

    fn new_password(&self, id: &AccountId, new: &NewSecret) -> NewPassword {
        NewPassword {
            agree: new.agree,
            offered: self.vault.password(id, &new.password, new.salt),
        }
    }

    /// Resolves a request to reset a password (R46).
    pub(crate) fn resolve_password_ticket(
        &self,
        passage: Passage<'_>,
        ticket: TicketId,
        approve: bool,
    ) -> Outcome {
        self.operated(passage, |account, _, _| {
            reset::resolve_ticket(account, ticket, approve)
                .map(|resolved| Event::PasswordTicketResolved(Box::new(resolved)))
                .ok_or(LedgerError::UnknownPasswordTicket)
        })
    }

    /// Unlocks a password (D7).
    pub(crate) fn unlock_password(&self, passage: Passage<'_>) -> Outcome {
        self.operated(passage, |account, now, _| {
            Ok(Event::PasswordUnlocked(password::unlock(account, now)))
        })
    }
}
