//! The ladders: one file a call, each a row of rungs that test one thing and name one reason.

pub mod authorise;
pub mod bind;
pub mod password;
pub mod phone_code;
pub mod quote;
pub mod reverse;
pub mod review;
pub mod risk;
pub mod settlement;
pub mod unbind;

#[cfg(test)]
mod bind_ladder_tests;
#[cfg(test)]
mod ladder_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod reversal_property_tests;
#[cfg(test)]
mod reversal_tests;
#[cfg(test)]
mod risk_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod unbind_tests;

use crate::account::Account;
use crate::decline::IssuerRefusal;
use crate::event::Event;

/// How a call ends whose issuer can no longer be asked, because the server stopped in between;
/// None for an event that begins nothing. `reserved_by` is the sequence of its beginning.
pub fn let_go(account: &Account, reserved_by: u64, begun: &Event) -> Option<Event> {
    match begun {
        Event::BindReserved(_) => Some(bind::abandon(account, reserved_by)), // D6
        Event::Reserved(reservation) => {
            let reservation = (**reservation).clone();
            let unavailable = Err(IssuerRefusal::Unavailable); // D16
            Some(authorise::resolve(
                reservation,
                Some(reserved_by),
                unavailable,
            ))
        }
        Event::PhoneCode(_)
        | Event::BindDecided(_)
        | Event::UnbindDecided(_)
        | Event::Posted(_)
        | Event::Voided(_)
        | Event::Declined(_)
        | Event::ReversalDecided(_)
        | Event::ReversedAhead(_)
        | Event::ReviewResolved(_)
        | Event::RiskResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_)
        | Event::ClockSet(_) => None,
    }
}

/// Fails with a reason where a condition holds: one rung of a ladder.
fn refuse_if<E>(condition: bool, reason: impl FnOnce() -> E) -> Result<(), E> {
    if condition { Err(reason()) } else { Ok(()) }
}
