//! What the tests of the ladders share: a wallet made by events, scripts of what is done to it,
//! and payments with which any choice of things is wrong.

mod credentials;
pub(super) mod ladder;
mod later;
mod paying;
mod phrases;
pub(super) mod receipts;
pub(super) mod script;
pub(super) mod wallet;
mod words;
