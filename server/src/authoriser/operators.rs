//! What operators do: merchants, card statuses, risks, the clock, policies. All of it is part of the operator
//! log.

use waika_domain::account::Account;
use waika_domain::event::{
    CardStatus, CardStatusSet, Event, PolicyActivated, PolicyPut, PolicyShadowed,
};
use waika_domain::identifiers::{CardToken, TicketId};
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules;

use super::{Applied, Authoriser, Outcome, Passage, ShadowSays, Taken};
use crate::config::render;
use crate::idempotency::{Place, Slot};
use crate::ledger::encode::Entry;
use crate::ledger::log::{Appended, Log};
use crate::ledger::{Call, GlobalOperation, LedgerError};
use crate::operator_log::{Change, Operated, changes};
use crate::policy_book::{InForce, PolicyBook};

impl Authoriser {
    /// Decides what an operator does to an account.
    pub(super) fn operated(
        &self,
        passage: Passage<'_>,
        decide: impl FnOnce(&Account, Timestamp, &InForce) -> Result<Event, LedgerError>,
    ) -> Outcome {
        let queue = passage.queue;
        let taken = self.accounts.with_account(passage.account, |account| {
            self.take_by(passage, account, decide, |account, entry| {
                self.log(queue, Some(account), entry)
            })
        });
        taken.unwrap_or(Err(LedgerError::UnknownAccount))
    }

    /// Appends an entry as part of the operator log. What it changes is not changed yet.
    fn log(
        &self,
        queue: &Log,
        account: Option<&Account>,
        entry: &Entry<'_>,
    ) -> Result<Appended, LedgerError> {
        let changes = self.changes(account, entry.event, entry.at);
        let mut appended = None;
        let sequence = self.operator_log.append(|previous| {
            let bytes = operated(entry, &Operated { previous, changes });
            let Appended { sequence, written } = queue.append(&bytes, true)?;
            appended = written;
            Ok::<_, LedgerError>(sequence)
        })?;
        Ok(Appended {
            sequence,
            written: appended,
        })
    }

    /// The bytes of what concerns no account, as part of the operator log. A database lists that by itself.
    pub(crate) fn operated_bytes(&self, entry: &Entry<'_>) -> Vec<u8> {
        let changes = self.changes(None, entry.event, entry.at);
        operated(
            entry,
            &Operated {
                previous: 0,
                changes,
            },
        )
    }

    /// What an event of an operator's is about to change.
    fn changes(&self, account: Option<&Account>, event: &Event, now: Timestamp) -> Vec<Change> {
        match event {
            Event::MerchantPut(put) => {
                changes::merchant(self.merchants.find(&put.id).as_deref(), put)
            }
            Event::CardStatusSet(set) => {
                let before = self.issuers.sandbox.status(&set.reference);
                changes::card_status(before, set.status)
            }
            Event::ReviewResolved(resolved) => account.map_or_else(Vec::new, |account| {
                changes::review(account.review(), resolved.review)
            }),
            Event::RiskResolved(resolved) => changes::risk_ticket(resolved.cleared),
            Event::PasswordTicketResolved(resolved) => {
                let before = account.and_then(Account::password_ticket);
                changes::password_ticket(before.map(|ticket| ticket.state), resolved.ticket.state)
            }
            Event::PasswordUnlocked(_) => {
                account.map_or_else(Vec::new, |account| changes::password_unlocked(account, now))
            }
            Event::ClockSet(setting) => changes::clock(&self.clock.setting(), setting),
            Event::PolicyPut(put) => {
                changes::policy_put(self.policies.find(&put.name).is_some(), &put.name)
            }
            Event::PolicyActivated(activated) => {
                changes::policy_activated(self.policies.activation(&activated.name, now))
            }
            Event::PolicyShadowed(shadowed) => {
                let before = self.policies.shadow_name();
                changes::shadow_policy(before.as_deref(), shadowed.name.as_deref())
            }
            Event::AccountClosed(closed) => {
                let unbound = closed.outcome.as_ref().map_or(0, |unbound| unbound.len());
                changes::closed(closed.outcome.is_ok().then_some(unbound), now)
            }
            Event::ErasureBegun(begun) => changes::erasure_begun(begun.outcome.is_ok(), now),
            // No operator does these.
            Event::PhoneCode(_)
            | Event::BindReserved(_)
            | Event::BindDecided(_)
            | Event::UnbindDecided(_)
            | Event::Reserved(_)
            | Event::Posted(_)
            | Event::Voided(_)
            | Event::Declined(_)
            | Event::ReversalDecided(_)
            | Event::ReversedAhead(_)
            | Event::SettleDecided(_)
            | Event::PasswordVerified(_)
            | Event::PasswordChanged(_)
            | Event::PasswordResetDecided(_)
            | Event::VerificationSubmitted(_)
            | Event::RegionSwitched(_)
            | Event::PaymentCodeDecided(_)
            | Event::FundsReceived(_)
            | Event::AdviceTaken(_)
            | Event::StandInReconciled(_)
            | Event::IssuerLate(_)
            | Event::ErasureEnded => Vec::new(),
        }
    }

    /// Closes a risk ticket (R68).
    pub(crate) fn resolve_risk(
        &self,
        passage: Passage<'_>,
        ticket: TicketId,
        cleared: bool,
    ) -> Outcome {
        self.operated(passage, |account, _, _| {
            rules::risk::resolve(account, ticket, cleared)
                .map(Event::RiskResolved)
                .ok_or(LedgerError::UnknownTicket)
        })
    }

    /// Tells the sandbox issuer what to think of a card.
    pub(crate) fn set_card_status(
        &self,
        passage: Passage<'_>,
        card: CardToken,
        status: CardStatus,
    ) -> Outcome {
        if self.issuers.is_remote() {
            return Err(LedgerError::IssuerIsRemote);
        }
        // The card may be bound elsewhere too: one order for all, in the journal and at the issuer.
        let _ordered = self.global.lock();
        self.operated(passage, |account, _, _| {
            let bound = account.card(card).ok_or(LedgerError::UnknownCard)?;
            let reference = bound.issuer_reference.clone();
            Ok(Event::CardStatusSet(CardStatusSet {
                card,
                reference,
                status,
            }))
        })
    }

    /// Does what concerns no one account: writes a merchant (D11), sets the clock, or changes
    /// the policies (D24).
    pub(crate) fn global(
        &self,
        queue: &Log,
        call: &Call,
        slot: Slot,
        operation: &GlobalOperation,
    ) -> Outcome {
        let _ordered = self.global.lock();
        if let Some(place) = self.idempotency.find(slot) {
            return Ok(Taken::Known(place));
        }
        self.check_room(&self.policies.at(self.clock.now()).policy)?;
        self.check_admission(queue, call)?;
        let (event, at) = self.global_event(operation)?;
        let entry = Entry::of_none(at, Some(call), &event);
        let sequence = self.log(queue, None, &entry)?.sequence;
        self.apply_global(&event, sequence, at);
        self.idempotency.fill(slot, Place::Answered(sequence), None);
        Ok(Taken::Applied(Applied {
            sequence,
            at,
            event,
            going_on: None,
            asks: None,
            shadow: ShadowSays::Nothing,
        }))
    }

    /// The event, and its time: by the clock that it sets, if it sets one.
    pub(crate) fn global_event(
        &self,
        operation: &GlobalOperation,
    ) -> Result<(Event, Timestamp), LedgerError> {
        let event = match operation {
            GlobalOperation::PutMerchant(merchant) => Event::MerchantPut(merchant.clone()),
            GlobalOperation::SetClock(asked) => {
                let setting = self.clock.setting_for(*asked);
                return Ok((Event::ClockSet(setting), setting.showed));
            }
            GlobalOperation::PutPolicy(policy) => Event::PolicyPut(self.policy_put(policy)?),
            GlobalOperation::ActivatePolicy(name) => {
                self.policies.find(name).ok_or(LedgerError::UnknownPolicy)?;
                Event::PolicyActivated(PolicyActivated { name: name.clone() })
            }
            GlobalOperation::SetShadow(name) => {
                if let Some(name) = name {
                    self.policies.find(name).ok_or(LedgerError::UnknownPolicy)?;
                }
                Event::PolicyShadowed(PolicyShadowed { name: name.clone() })
            }
        };
        Ok((event, self.clock.now()))
    }

    /// Stores a policy that comes from a file and lets it hold, unless the book says that it is
    /// known well enough. True if it does so now.
    pub(crate) fn adopt_policy(
        &self,
        queue: &Log,
        policy: &Policy,
        is_known: fn(&PolicyBook, &str) -> bool,
    ) -> Result<bool, LedgerError> {
        let _ordered = self.global.lock();
        let put = self.policy_put(policy)?;
        if is_known(&self.policies, &policy.name) {
            return Ok(false);
        }
        let name = put.name.clone();
        let at = self.clock.now();
        for event in [
            Event::PolicyPut(put),
            Event::PolicyActivated(PolicyActivated { name }),
        ] {
            let entry = Entry::of_none(at, None, &event);
            let sequence = self.log(queue, None, &entry)?.sequence;
            self.apply_without_account(&event, sequence);
        }
        Ok(true)
    }

    /// A name stands for one policy for ever, since decisions carry it.
    pub(crate) fn policy_put(&self, policy: &Policy) -> Result<PolicyPut, LedgerError> {
        let text = render(policy);
        match self.policies.find(&policy.name) {
            Some(known) if *known.text != *text => Err(LedgerError::PolicyNameTaken),
            None if self.policies.is_full() => Err(LedgerError::PoliciesFull),
            Some(_) | None => Ok(PolicyPut {
                name: (*policy.name).into(),
                text: text.into(),
            }),
        }
    }
}

/// The bytes of an entry as part of the operator log.
fn operated(entry: &Entry<'_>, as_part: &Operated) -> Vec<u8> {
    let mut bytes = Vec::new();
    entry.write_operated(&mut bytes, as_part);
    bytes
}
