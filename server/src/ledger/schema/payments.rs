//! Payments, and what becomes of them.

use prost::Message;

use super::{PasswordEffect, Refused, StandIn, Transaction};

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Payment {
    /// The card's token, if a card pays.
    #[prost(fixed64, tag = "1")]
    pub card_token: u64,
    /// Empty where the scene has none.
    #[prost(string, tag = "2")]
    pub merchant: String,
    #[prost(int64, tag = "3")]
    pub amount_fen: i64,
    #[prost(uint32, tag = "4")]
    pub scene: u32,
    #[prost(uint32, tag = "5")]
    pub mode: u32,
    /// What pays: 0 a card, 1 the balance, 2 unknown.
    #[prost(uint32, tag = "6")]
    pub funding: u32,
    /// Digest of the payment code that it was made with.
    #[prost(fixed64, optional, tag = "7")]
    pub code: Option<u64>,
}

/// A token or code that was used up, by its nonce.
#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct Spent {
    #[prost(fixed64, tag = "1")]
    pub nonce: u64,
    #[prost(bool, tag = "2")]
    pub is_code: bool,
}

/// Every rung that was told, in the order of the ladder.
#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Receipt {
    #[prost(message, repeated, tag = "1")]
    pub rungs: Vec<RungSeen>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct RungSeen {
    #[prost(uint32, tag = "1")]
    pub rung: u32,
    #[prost(uint32, tag = "2")]
    pub verdict: u32,
    /// Its numbers; the reason in it means nothing.
    #[prost(message, optional, tag = "3")]
    pub seen: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Reservation {
    #[prost(message, optional, tag = "1")]
    pub payment: Option<Payment>,
    #[prost(int64, tag = "2")]
    pub fee_fen: i64,
    /// Month number; the year follows from `year`, since a clock that steps back may part them.
    #[prost(int32, tag = "3")]
    pub month: i32,
    #[prost(int32, tag = "4")]
    pub year: i32,
    #[prost(int64, tag = "5")]
    pub month_limit_fen: i64,
    #[prost(int64, tag = "6")]
    pub month_used_fen: i64,
    #[prost(int64, tag = "7")]
    pub year_limit_fen: i64,
    #[prost(int64, tag = "8")]
    pub year_used_fen: i64,
    #[prost(message, optional, tag = "9")]
    pub password: Option<PasswordEffect>,
    #[prost(string, tag = "10")]
    pub policy: String,
    /// What is left of the balance; absent for a card.
    #[prost(int64, optional, tag = "11")]
    pub balance_left_fen: Option<i64>,
    #[prost(int64, tag = "12")]
    pub settles_at_ms: i64,
    #[prost(message, optional, tag = "13")]
    pub spent: Option<Spent>,
    #[prost(message, optional, tag = "14")]
    pub receipt: Option<Receipt>,
    /// What the issuer knows it by, if one was asked.
    #[prost(message, optional, tag = "15")]
    pub transaction: Option<Transaction>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Posted {
    /// 0 if this entry is the reservation too.
    #[prost(uint64, tag = "1")]
    pub reserved_by: u64,
    #[prost(message, optional, tag = "2")]
    pub reservation: Option<Reservation>,
    #[prost(bytes, tag = "3")]
    pub approval_code: Vec<u8>,
    /// Set if it was approved in the issuer's place.
    #[prost(message, optional, tag = "4")]
    pub stand_in: Option<StandIn>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Voided {
    #[prost(uint64, tag = "1")]
    pub reserved_by: u64,
    #[prost(message, optional, tag = "2")]
    pub reservation: Option<Reservation>,
    #[prost(message, optional, tag = "3")]
    pub decline: Option<Refused>,
    /// The issuer may have approved it, and is owed the reversal.
    #[prost(bool, tag = "4")]
    pub reversal_owed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Declined {
    #[prost(message, optional, tag = "1")]
    pub payment: Option<Payment>,
    #[prost(message, optional, tag = "2")]
    pub decline: Option<Refused>,
    #[prost(message, optional, tag = "3")]
    pub password: Option<PasswordEffect>,
    #[prost(string, tag = "4")]
    pub policy: String,
    #[prost(message, optional, tag = "5")]
    pub spent: Option<Spent>,
    #[prost(message, optional, tag = "6")]
    pub receipt: Option<Receipt>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct ReversalDecided {
    /// The sequence of the payment's deciding entry.
    #[prost(uint64, tag = "1")]
    pub original: u64,
    #[prost(message, optional, tag = "2")]
    pub reversal: Option<Reversal>,
    #[prost(message, optional, tag = "3")]
    pub refused: Option<Refused>,
    /// It is a refund: after settlement.
    #[prost(bool, tag = "4")]
    pub refund: bool,
    /// The sequence of the step before it in the payment's time line.
    #[prost(uint64, tag = "5")]
    pub previous: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct SettleDecided {
    /// The sequence of the payment's deciding entry.
    #[prost(uint64, tag = "1")]
    pub original: u64,
    /// The sequence of the step before it in the payment's time line.
    #[prost(uint64, tag = "2")]
    pub previous: u64,
    #[prost(int64, tag = "3")]
    pub principal_fen: i64,
    #[prost(int64, tag = "4")]
    pub fee_fen: i64,
    #[prost(message, optional, tag = "5")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct Reversal {
    #[prost(int64, tag = "1")]
    pub principal_fen: i64,
    #[prost(int64, tag = "2")]
    pub fee_fen: i64,
    #[prost(int64, tag = "3")]
    pub remaining_fen: i64,
    /// Month number, and year, in which the payment was counted.
    #[prost(int32, tag = "4")]
    pub month: i32,
    #[prost(int32, tag = "5")]
    pub year: i32,
    #[prost(bool, tag = "6")]
    pub month_restored: bool,
    #[prost(bool, tag = "7")]
    pub year_restored: bool,
    /// The balance afterwards, if it had paid.
    #[prost(int64, optional, tag = "8")]
    pub balance_left_fen: Option<i64>,
    /// What the issuer knows the payment by, if one was asked.
    #[prost(message, optional, tag = "9")]
    pub transaction: Option<Transaction>,
}
