//! What the tests of the ladders share: a wallet made by events, and scripts of what is done to it.

mod later;
pub(super) mod script;
pub(super) mod wallet;
mod words;
