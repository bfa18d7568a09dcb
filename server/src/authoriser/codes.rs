//! Payment codes: making one, and paying with one (D10).

use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, CodeDigest};
use waika_domain::period::Timestamp;
use waika_domain::rules::authorise::decide_unknown_code;
use waika_domain::rules::payment_code::{self, Offered};

use super::{Applied, Authoriser, Outcome, Passage, ShadowSays, Taken, append};
use crate::idempotency::{Place, Slot};
use crate::ledger::encode::Entry;
use crate::ledger::log::Log;
use crate::ledger::{AuthoriseOperation, Call, LedgerError, PaymentCodeOperation};

impl Authoriser {
    /// Makes a payment code, if the wallet's rungs let it (R56, R57).
    pub(crate) fn create_payment_code(
        &self,
        passage: Passage<'_>,
        asked: &PaymentCodeOperation,
    ) -> Outcome {
        let id = passage.account;
        self.existing(passage, |account, now, in_force| {
            let policy = &in_force.policy;
            self.check_budget(passage.call, policy)?;
            let (nonce, digest) = self.unused_code(id, asked.nonce);
            let offered = Offered {
                funding: asked.funding,
                nonce,
                digest,
            };
            let facts = payment_code::Facts {
                rolled_out: policy.is_rolled_out_to(id.as_str()),
                client: asked.client,
                password_matches: self.password_matches(id, account, &asked.password),
            };
            let decided = payment_code::decide(account, offered, facts, policy, now);
            let event = Event::PaymentCodeDecided(Box::new(decided));
            Ok(self.moving(id, account, &asked.password, event))
        })
    }

    /// The first nonce from there on whose code leads to nobody yet: two payers never show the
    /// same digits.
    fn unused_code(&self, id: &AccountId, from: u64) -> (u64, CodeDigest) {
        let mut nonce = from;
        loop {
            let code = self.vault.payment_code(id, nonce);
            let digest = self.vault.payment_code_digest(code.expose());
            if !self.payment_codes.is_known(digest) {
                return (nonce, digest);
            }
            nonce = nonce.wrapping_add(1);
        }
    }

    /// Decides a payment with a code: the code gives the account, and one that gives none is
    /// decided without. Says whose it is.
    pub(crate) fn authorise_by_code(
        &self,
        queue: &Log,
        call: &Call,
        slot: Slot,
        (owner, asked): (Option<AccountId>, &AuthoriseOperation),
    ) -> Result<(Option<AccountId>, Taken), LedgerError> {
        let Some(account) = owner else {
            let taken = self.decline_unknown_code(queue, call, slot, asked)?;
            return Ok((None, taken));
        };
        let passage = Passage {
            queue,
            account: &account,
            call,
            slot,
        };
        let taken = self.authorise(passage, asked)?;
        Ok((Some(account), taken))
    }

    fn decline_unknown_code(
        &self,
        queue: &Log,
        call: &Call,
        slot: Slot,
        asked: &AuthoriseOperation,
    ) -> Outcome {
        let _ordered = self.global.lock();
        if let Some(place) = self.idempotency.find(slot) {
            return Ok(Taken::Known(place));
        }
        let now = self.clock.now();
        let event = self.unknown_code(queue, call, asked, now)?;
        let sequence = append(queue, &Entry::of_none(now, Some(call), &event))?.sequence;
        self.idempotency.fill(slot, Place::Answered(sequence), None);
        self.metrics.count(&event);
        Ok(Taken::Applied(Applied {
            sequence,
            at: now,
            event,
            going_on: None,
            asks: None,
            shadow: ShadowSays::Nothing,
        }))
    }

    /// How a payment is declined whose code leads to nobody.
    pub(crate) fn unknown_code(
        &self,
        queue: &Log,
        call: &Call,
        asked: &AuthoriseOperation,
        now: Timestamp,
    ) -> Result<Event, LedgerError> {
        let in_force = self.policies.at(now);
        let policy = &in_force.policy;
        self.check_room(policy)?;
        self.check_admission(queue, call)?;
        let merchant = asked.payment.merchant.as_ref();
        let merchant = merchant.and_then(|id| self.merchants.find(id));
        let payment = asked.payment.clone();
        let mut declined = decide_unknown_code(payment, merchant.as_deref(), policy);
        declined.receipt = declined.receipt.filter(|_| asked.want_receipt);
        Ok(Event::Declined(Box::new(declined)))
    }
}
