//! A wallet's balance, and a passport holder's review.

use prost::Message;

use super::Refused;

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct VerificationSubmitted {
    #[prost(uint32, tag = "1")]
    pub material: u32,
    #[prost(bytes, tag = "2")]
    pub digest: Vec<u8>,
    #[prost(uint32, tag = "3")]
    pub bytes: u32,
    #[prost(uint32, tag = "4")]
    pub review: u32,
    #[prost(message, optional, tag = "5")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct FundsReceived {
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    #[prost(int64, tag = "2")]
    pub amount_fen: i64,
    #[prost(int64, tag = "3")]
    pub balance_fen: i64,
    #[prost(message, optional, tag = "4")]
    pub refused: Option<Refused>,
}
