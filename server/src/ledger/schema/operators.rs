//! What operators did.

use prost::Message;

use super::Entry;

/// A part of the operator log.
#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Operated {
    /// The sequence of the operators' entry before this one; 0 for the first.
    #[prost(uint64, tag = "1")]
    pub previous: u64,
    #[prost(message, repeated, tag = "2")]
    pub changes: Vec<Change>,
    /// An entry that has a body and nothing else. A server from before this log looks for the body elsewhere,
    /// finds none, and refuses the entry: it would go on without the log.
    #[prost(message, optional, boxed, tag = "3")]
    pub happened: Option<Box<Entry>>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Change {
    #[prost(string, tag = "1")]
    pub field: String,
    #[prost(string, tag = "2")]
    pub before: String,
    #[prost(string, tag = "3")]
    pub after: String,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct ReviewResolved {
    #[prost(bool, tag = "1")]
    pub approve: bool,
    #[prost(bool, tag = "2")]
    pub resolved: bool,
    #[prost(uint32, tag = "3")]
    pub review: u32,
    /// The sequence of the photo that had completed it; 0 for none.
    #[prost(uint64, tag = "4")]
    pub ticket: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Merchant {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(bool, tag = "3")]
    pub overseas: bool,
    #[prost(uint32, tag = "4")]
    pub category: u32,
    #[prost(bool, tag = "5")]
    pub international_cards: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct CardStatusSet {
    #[prost(fixed64, tag = "1")]
    pub card_token: u64,
    #[prost(string, tag = "2")]
    pub reference: String,
    #[prost(uint32, tag = "3")]
    pub status: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct RiskResolved {
    #[prost(message, optional, tag = "1")]
    pub ticket: Option<RiskTicket>,
    #[prost(bool, tag = "2")]
    pub cleared: bool,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct RiskTicket {
    /// The sequence of the decline that opened it.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(fixed64, tag = "2")]
    pub card_token: u64,
    #[prost(uint32, tag = "3")]
    pub reason: u32,
    #[prost(int64, tag = "4")]
    pub opened_at_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct ClockSetting {
    #[prost(int64, tag = "1")]
    pub set_at_ms: i64,
    #[prost(int64, tag = "2")]
    pub showed_ms: i64,
    #[prost(uint32, tag = "3")]
    pub rate: u32,
    #[prost(bool, tag = "4")]
    pub follows_machine: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PolicyPut {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its file.
    #[prost(string, tag = "2")]
    pub text: String,
}
