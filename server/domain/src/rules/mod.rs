//! The ladders: one file a call, each a row of rungs that test one thing and name one reason.

pub mod authorise;
pub mod bind;
pub mod closing;
mod ladder;
pub mod password;
pub mod payment_code;
pub mod phone_code;
pub mod quote;
pub mod receive;
pub mod reset;
pub mod reverse;
pub mod review;
pub mod risk;
pub mod settlement;
pub mod unbind;

#[cfg(test)]
mod balance_tests;
#[cfg(test)]
mod bind_ladder_tests;
#[cfg(test)]
mod closing_tests;
#[cfg(test)]
mod issuer_tests;
#[cfg(test)]
mod ladder_tests;
#[cfg(test)]
mod password_tests;
#[cfg(test)]
mod payment_code_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod receipt_tests;
#[cfg(test)]
mod refund_tests;
#[cfg(test)]
mod reset_ladder_tests;
#[cfg(test)]
mod reset_tests;
#[cfg(test)]
mod reversal_property_tests;
#[cfg(test)]
mod reversal_tests;
#[cfg(test)]
mod review_tests;
#[cfg(test)]
mod risk_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod unbind_ladder_tests;
#[cfg(test)]
mod unbind_tests;

use crate::account::Account;
use crate::event::Event;

/// How a call ends whose issuer can no longer be asked, because the server stopped in between;
/// None for an event that begins nothing. `reserved_by` is the sequence of its beginning.
pub fn let_go(account: &Account, reserved_by: u64, begun: &Event) -> Option<Event> {
    if let Event::BindReserved(reserved) = begun {
        return Some(bind::abandon(account, reserved_by, reserved.debit)); // D6
    }
    if let Event::Reserved(reservation) = begun {
        let reservation = (**reservation).clone();
        return Some(authorise::unanswered(reservation, reserved_by)); // D16
    }
    None
}

/// Fails with a reason where a condition holds: one rung of a ladder.
fn refuse_if<E>(condition: bool, reason: impl FnOnce() -> E) -> Result<(), E> {
    if condition { Err(reason()) } else { Ok(()) }
}
