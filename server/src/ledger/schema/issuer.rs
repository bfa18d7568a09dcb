//! What passes between Waika and a card's issuer.

use prost::Message;

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct Transaction {
    /// Its 128 bits, the higher half first.
    #[prost(fixed64, tag = "1")]
    pub high: u64,
    #[prost(fixed64, tag = "2")]
    pub low: u64,
    /// Who was asked.
    #[prost(uint32, tag = "3")]
    pub issuer: u32,
    #[prost(uint32, tag = "4")]
    pub scheme: u32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct AdviceTaken {
    /// The sequence of the entry since which it was owed.
    #[prost(uint64, tag = "1")]
    pub owed_by: u64,
    #[prost(int64, tag = "2")]
    pub amount_fen: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct StandInReconciled {
    /// The sequence of the payment's deciding entry.
    #[prost(uint64, tag = "1")]
    pub original: u64,
    /// The sequence of the step before it in the payment's time line.
    #[prost(uint64, tag = "2")]
    pub previous: u64,
    #[prost(int64, tag = "3")]
    pub principal_fen: i64,
    /// The reason that the issuer would have declined for; 0 if it agrees.
    #[prost(int32, tag = "4")]
    pub diverged: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct IssuerLate {
    /// The sequence of the payment's deciding entry.
    #[prost(uint64, tag = "1")]
    pub original: u64,
    /// The sequence of the step before it in the payment's time line.
    #[prost(uint64, tag = "2")]
    pub previous: u64,
    #[prost(int64, tag = "3")]
    pub amount_fen: i64,
}

/// A payment that was approved in the issuer's place, as the issuer is told of it.
#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct StandIn {
    /// The card, as the issuer knows it.
    #[prost(string, tag = "1")]
    pub reference: String,
    /// The payment's idempotency key.
    #[prost(string, tag = "2")]
    pub key: String,
    /// Empty where the scene has none.
    #[prost(string, tag = "3")]
    pub merchant: String,
    /// The approval code.
    #[prost(bytes, tag = "4")]
    pub code: Vec<u8>,
}
