//! A used key gives its stored answer again, or says in which field the call differs (D18).

use std::borrow::Cow;

use waika_domain::event::{Event, Payment};
use waika_domain::identifiers::MerchantId;

use super::call::{Business, Call, first_difference, first_differing_field};
use super::decode::{Stored, StoredBody};
use super::operation::{GlobalOperation, Operation};
use super::{Answered, LedgerError};

/// What the keys of a global operation are scoped to: no account's name has a slash.
pub(super) fn global_scope(operation: &GlobalOperation) -> String {
    match operation {
        GlobalOperation::PutMerchant(merchant) => merchant_scope(&merchant.id),
        GlobalOperation::SetClock(_) => CLOCK_SCOPE.to_owned(),
    }
}

/// What the key of a stored event was scoped to.
pub(super) fn scope_of<'a>(event: &Event, account: &'a str) -> Cow<'a, str> {
    match event {
        Event::MerchantPut(merchant) => merchant_scope(&merchant.id).into(),
        Event::ClockSet(_) => CLOCK_SCOPE.into(),
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
        | Event::ReviewResolved(_)
        | Event::RiskResolved(_)
        | Event::CardStatusSet(_) => account.into(),
    }
}

const CLOCK_SCOPE: &str = "clock/";

fn merchant_scope(id: &MerchantId) -> String {
    format!("merchant/{id}")
}

/// True if an entry was caused by a call with this key; its hash alone does not say so.
pub(super) fn is_same_call(stored: &Stored, account: &str, call: &Call) -> bool {
    stored
        .call
        .as_ref()
        .is_some_and(|by| by.rpc == call.rpc && by.caller == call.caller && by.key == call.key)
        && *stored.account == *account
}

/// The stored answer, if the call asks for the same (D18).
pub(super) fn replay(
    sequence: u64,
    stored: Stored,
    call: &Call,
    operation: Option<&Operation>,
) -> Result<Answered, LedgerError> {
    let StoredBody::Event(event) = stored.body else {
        return Err(LedgerError::Unreadable);
    };
    let differs = match (&call.business, operation) {
        (Business::Payment, Some(Operation::Authorise(asked))) => {
            payment_of(&event).and_then(|payment| first_difference(payment, &asked.payment))
        }
        (Business::Fields(given), _) => {
            let fields = stored.call.map(|by| by.fields).unwrap_or_default();
            first_differing_field(&fields, given)
        }
        (Business::Payment, _) => None,
    };
    match differs {
        Some(field) => Err(LedgerError::KeyConflict { field }),
        None => Ok(Answered {
            sequence,
            at: stored.at,
            event,
            replayed: true,
        }),
    }
}

fn payment_of(event: &Event) -> Option<&Payment> {
    match event {
        Event::Posted(posted) => Some(&posted.reservation.payment),
        Event::Voided(voided) => Some(&voided.reservation.payment),
        Event::Declined(declined) => Some(&declined.payment),
        Event::Reserved(reservation) => Some(&reservation.payment),
        Event::PhoneCode(_)
        | Event::BindReserved(_)
        | Event::BindDecided(_)
        | Event::UnbindDecided(_)
        | Event::ReversalDecided(_)
        | Event::ReversedAhead(_)
        | Event::ReviewResolved(_)
        | Event::RiskResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_)
        | Event::ClockSet(_) => None,
    }
}
