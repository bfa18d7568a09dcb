//! The end of an account.

use prost::Message;

use super::Refused;

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct AccountClosed {
    /// The cards that are bound no longer.
    #[prost(message, repeated, tag = "1")]
    pub unbound: Vec<UnboundCard>,
    #[prost(message, optional, tag = "2")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct UnboundCard {
    /// Digest of the card's number.
    #[prost(bytes, tag = "1")]
    pub fingerprint: Vec<u8>,
    /// Digests of the card's number under other keys than that one.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub older_cards: Vec<Vec<u8>>,
    /// The sequence of the entry that had bound it.
    #[prost(uint64, tag = "3")]
    pub bound_by: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(in crate::ledger) struct ErasureBegun {
    #[prost(message, optional, tag = "1")]
    pub refused: Option<Refused>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(in crate::ledger) struct ErasureEnded {}
