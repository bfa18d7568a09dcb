//! The payment password, and the tokens and codes that stand for it.

use prost::Message;

use super::{PasswordEffect, PhoneCodeEffect, Refused};

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PasswordVerified {
    /// As in a payment.
    #[prost(uint32, tag = "1")]
    pub funding: u32,
    #[prost(fixed64, tag = "2")]
    pub card_token: u64,
    #[prost(int64, tag = "3")]
    pub amount_fen: i64,
    #[prost(message, optional, tag = "4")]
    pub password: Option<PasswordEffect>,
    #[prost(fixed64, tag = "5")]
    pub nonce: u64,
    #[prost(int64, tag = "6")]
    pub expires_at_ms: i64,
    #[prost(message, optional, tag = "7")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PasswordChanged {
    #[prost(message, optional, tag = "1")]
    pub password: Option<PasswordEffect>,
    /// Salt and digest of the new one, if it was changed.
    #[prost(bytes, tag = "2")]
    pub verifier: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PasswordReset {
    /// What it did to the counter of wrong card data.
    #[prost(message, optional, tag = "1")]
    pub wrong_proofs: Option<PasswordEffect>,
    #[prost(message, optional, tag = "2")]
    pub phone_code: Option<PhoneCodeEffect>,
    /// Salt and digest of the new one, if it was reset.
    #[prost(bytes, tag = "3")]
    pub verifier: Vec<u8>,
    /// Digest of the document, if a ticket was opened.
    #[prost(bytes, tag = "4")]
    pub document: Vec<u8>,
    #[prost(bool, tag = "5")]
    pub matches: bool,
    #[prost(message, optional, tag = "6")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PasswordTicket {
    /// The sequence of the entry that opened it.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(bytes, tag = "2")]
    pub document: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub matches: bool,
    #[prost(int64, tag = "4")]
    pub opened_at_ms: i64,
    #[prost(uint32, tag = "5")]
    pub state: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PasswordTicketResolved {
    #[prost(bool, tag = "1")]
    pub approve: bool,
    #[prost(bool, tag = "2")]
    pub resolved: bool,
    #[prost(message, optional, tag = "3")]
    pub ticket: Option<PasswordTicket>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct PaymentCodeDecided {
    /// As in a payment.
    #[prost(uint32, tag = "1")]
    pub funding: u32,
    #[prost(fixed64, tag = "2")]
    pub card_token: u64,
    #[prost(message, optional, tag = "3")]
    pub password: Option<PasswordEffect>,
    #[prost(fixed64, tag = "4")]
    pub nonce: u64,
    #[prost(fixed64, tag = "5")]
    pub digest: u64,
    #[prost(int64, tag = "6")]
    pub expires_at_ms: i64,
    #[prost(message, optional, tag = "7")]
    pub decline: Option<Refused>,
}
