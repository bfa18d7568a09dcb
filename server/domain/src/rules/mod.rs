//! The ladders: one file a call, each a row of rungs that test one thing and name one reason.

pub mod authorise;
pub mod bind;
pub mod password;
pub mod phone_code;
pub mod reverse;
pub mod review;
pub mod unbind;

#[cfg(test)]
mod bind_ladder_tests;
#[cfg(test)]
mod ladder_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod testing;

/// Fails with a reason where a condition holds: one rung of a ladder.
fn refuse_if<E>(condition: bool, reason: impl FnOnce() -> E) -> Result<(), E> {
    if condition { Err(reason()) } else { Ok(()) }
}
