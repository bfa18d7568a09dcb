//! Pure: what a run shall do, as it is put together from the flags, a plan file, a preset and what
//! holds without any of them.
//!
//! Each of the four is one [`Settings`] with holes, and the one before fills in over the next. A value
//! that rules another out, such as a closed loop the rate, also rules it out where it comes from
//! further down; within one of them it is a contradiction.

mod check;
mod effect;
mod fields;
mod file;
mod keys;
mod over;
mod setting;
mod show;
#[cfg(test)]
mod tests;

pub(crate) use fields::{Errands, Load, Modes, People, Settings, Traffic};
pub(crate) use file::{PlanFile, parse, read};
pub(crate) use setting::{ServerClock, Share, SomeTime, Time};
pub(crate) use show::show;
