//! What operators do: merchants, card statuses, reviews, risks, the clock.

use waika_domain::event::{CardStatus, CardStatusSet, Event};
use waika_domain::identifiers::{CardToken, TicketId};
use waika_domain::period::Timestamp;
use waika_domain::rules;

use super::{Applied, Authoriser, Outcome, Passage, Taken, append};
use crate::commit::CommitQueue;
use crate::idempotency::{Place, Slot};
use crate::ledger::{Call, GlobalOperation, LedgerError, encode};

impl Authoriser {
    /// Resolves a passport holder's review (D5).
    pub(crate) fn resolve_review(&self, passage: Passage<'_>, approve: bool) -> Outcome {
        self.existing(passage, |account, _| {
            Ok(Event::ReviewResolved(rules::review::resolve(
                account, approve,
            )))
        })
    }

    /// Closes a risk ticket (R68).
    pub(crate) fn resolve_risk(
        &self,
        passage: Passage<'_>,
        ticket: TicketId,
        cleared: bool,
    ) -> Outcome {
        self.existing(passage, |account, _| {
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
        // The card may be bound elsewhere too: one order for all, in the journal and at the issuer.
        let _ordered = self.global.lock();
        self.existing(passage, |account, _| {
            let bound = account.card(card).ok_or(LedgerError::UnknownCard)?;
            let reference = bound.issuer_reference.clone();
            Ok(Event::CardStatusSet(CardStatusSet {
                card,
                reference,
                status,
            }))
        })
    }

    /// Does what concerns no one account: writes a merchant (D11), or sets the clock.
    pub(crate) fn global(
        &self,
        queue: &CommitQueue,
        call: &Call,
        slot: Slot,
        operation: &GlobalOperation,
    ) -> Outcome {
        let _ordered = self.global.lock();
        if let Some(place) = self.idempotency.find(slot) {
            return Ok(Taken::Known(place));
        }
        self.check_room()?;
        let (event, at) = self.global_event(operation);
        let sequence = append(queue, &encode::entry("", 0, at, Some(call), &event))?;
        self.apply_without_account(&event, sequence);
        self.idempotency.fill(slot, Place::Answered(sequence));
        Ok(Taken::Applied(Applied {
            sequence,
            at,
            event,
            going_on: None,
        }))
    }

    /// The event, and its time: by the clock that it sets, if it sets one.
    fn global_event(&self, operation: &GlobalOperation) -> (Event, Timestamp) {
        match operation {
            GlobalOperation::PutMerchant(merchant) => {
                (Event::MerchantPut(merchant.clone()), self.clock.now())
            }
            GlobalOperation::SetClock(asked) => {
                let setting = self.clock.setting_for(*asked);
                (Event::ClockSet(setting), setting.showed)
            }
        }
    }
}
