//! A used key gives its stored answer again, or says in which field the call differs (D18).

use std::borrow::Cow;

use waika_domain::event::{Event, Payment};
use waika_domain::identifiers::{CodeDigest, MerchantId};

use super::call::{Business, Call, first_difference, first_differing_field};
use super::decode::{Stored, StoredBody};
use super::operation::GlobalOperation;
use super::{Answered, LedgerError};

/// What the keys of a global operation are scoped to: no account's name has a slash.
pub(super) fn global_scope(operation: &GlobalOperation) -> String {
    match operation {
        GlobalOperation::PutMerchant(merchant) => merchant_scope(&merchant.id),
        GlobalOperation::SetClock(_) => CLOCK_SCOPE.to_owned(),
        GlobalOperation::PutPolicy(_)
        | GlobalOperation::ActivatePolicy(_)
        | GlobalOperation::SetShadow(_) => POLICY_SCOPE.to_owned(),
    }
}

/// What the keys of payments with a payment code are scoped to (D10).
pub(super) fn code_scope(code: CodeDigest) -> String {
    format!("code/{:016x}", code.0)
}

/// The name of the one row of a payment whose code led to nobody, by what its key is scoped to and what a database
/// finds its call by. No account's name has a slash.
pub(super) fn unknown_code_row(scope: &str, call_hash: [u8; 16]) -> String {
    format!("{scope}/{:032x}", u128::from_be_bytes(call_hash))
}

/// What the key of a stored event was scoped to.
pub(crate) fn scope_of<'a>(event: &Event, account: &'a str) -> Cow<'a, str> {
    if let Some(code) = event.payment().and_then(|payment| payment.code) {
        return code_scope(code).into();
    }
    if let Event::MerchantPut(merchant) = event {
        return merchant_scope(&merchant.id).into();
    }
    if let Event::ClockSet(_) = event {
        return CLOCK_SCOPE.into();
    }
    if event.is_about_policies() {
        POLICY_SCOPE.into()
    } else {
        account.into()
    }
}

const CLOCK_SCOPE: &str = "clock/";
const POLICY_SCOPE: &str = "policy/";

fn merchant_scope(id: &MerchantId) -> String {
    format!("merchant/{id}")
}

/// True if an entry was caused by a call with this key, in this scope; its hash alone does not
/// say so.
pub(super) fn is_same_call(stored: &Stored, scope: &str, call: &Call) -> bool {
    let Some(event) = stored.event() else {
        return false;
    };
    stored
        .call
        .as_ref()
        .is_some_and(|by| by.rpc == call.rpc && by.caller == call.caller && by.key == call.key)
        && *scope_of(event, &stored.account) == *scope
}

/// The stored answer, if the call asks for the same (D18).
pub(super) fn replay(
    sequence: u64,
    stored: Stored,
    call: &Call,
    asked: Option<&Payment>,
) -> Result<Answered, LedgerError> {
    let StoredBody::Event(event) = stored.body else {
        return Err(LedgerError::Unreadable);
    };
    let differs = match (&call.business, asked) {
        (Business::Payment, Some(asked)) => event
            .payment()
            .and_then(|payment| first_difference(payment, asked)),
        (Business::Fields(given), _) => {
            let fields = stored.call.map(|by| by.fields).unwrap_or_default();
            first_differing_field(&fields, given)
        }
        (Business::Payment, None) => None,
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
