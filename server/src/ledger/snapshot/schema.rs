//! The records of a snapshot as protobuf messages: internal, and open to growth as the entries of
//! the journal are. A tag is never reused; what a newer server added an older one refuses by name.

use prost::{Message, Oneof};

use crate::ledger::schema::{
    CallName, ClockSetting, Merchant, PasswordTicket, PolicyPut, RiskTicket, StandIn, Transaction,
};

/// Stands for the state of a review in an account that is closed.
pub(super) const CLOSED: u32 = 100;

/// One part of the state.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Record {
    #[prost(oneof = "Part", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12")]
    pub part: Option<Part>,
    /// In the first record, beside the key check: about how many accounts follow, so that a start makes room for
    /// them once. An older server does without.
    #[prost(uint64, tag = "11")]
    pub accounts_ahead: u64,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Part {
    /// Tells the key that the journal was written with.
    #[prost(bytes, tag = "1")]
    KeyCheck(Vec<u8>),
    #[prost(message, tag = "2")]
    Account(Box<Account>),
    #[prost(message, tag = "3")]
    Merchant(Merchant),
    #[prost(message, tag = "4")]
    CardStatus(CardStatus),
    #[prost(message, tag = "5")]
    Adjustment(Adjustment),
    #[prost(message, tag = "6")]
    Clock(ClockSetting),
    /// Used keys, sixteen bytes each, little-endian: hash, and place of the answer.
    #[prost(bytes, tag = "7")]
    Keys(Vec<u8>),
    #[prost(message, tag = "8")]
    Policies(Policies),
    #[prost(message, tag = "9")]
    Owed(Owed),
    #[prost(message, tag = "10")]
    KeysMovedOut(KeysMovedOut),
    /// The sequence of the newest entry of the operator log. Absent where there was none.
    #[prost(uint64, tag = "12")]
    LastOperated(u64),
}

/// Used keys whose answers stand behind `after` and up to `through` are in runs of keys, and not all
/// of them here.
#[derive(Clone, PartialEq, Message)]
pub(super) struct KeysMovedOut {
    #[prost(uint64, tag = "1")]
    pub after: u64,
    #[prost(uint64, tag = "2")]
    pub through: u64,
    /// When the oldest of these runs was written, in milliseconds since 1970.
    #[prost(int64, tag = "3")]
    pub oldest_ms: i64,
}

/// An advice that is owed to an issuer.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Owed {
    /// The sequence of the entry since which it is owed.
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    #[prost(string, tag = "2")]
    pub account: String,
    #[prost(int64, tag = "3")]
    pub since_ms: i64,
    #[prost(message, optional, tag = "4")]
    pub transaction: Option<Transaction>,
    /// 1 no answer, 2 reversal, 3 refund, 4 verification, 5 stand-in.
    #[prost(uint32, tag = "5")]
    pub kind: u32,
    #[prost(int64, tag = "6")]
    pub amount_fen: i64,
    #[prost(int64, tag = "7")]
    pub principal_fen: i64,
    /// What the issuer is told of a stand-in.
    #[prost(message, optional, tag = "8")]
    pub stand_in: Option<StandIn>,
    /// The sequence of the payment's deciding entry, where that is an earlier one; else 0.
    #[prost(uint64, tag = "9")]
    pub original: u64,
}

/// Every policy that was stored, and which of them were activated.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Policies {
    #[prost(message, repeated, tag = "1")]
    pub stored: Vec<PolicyPut>,
    /// Their names, in the order in which they were activated.
    #[prost(string, repeated, tag = "2")]
    pub activated: Vec<String>,
    /// The name of the one that is evaluated beside them, or nothing.
    #[prost(string, tag = "3")]
    pub shadow: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Account {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(uint64, tag = "2")]
    pub last_sequence: u64,
    #[prost(uint32, tag = "3")]
    pub region: u32,
    #[prost(uint32, tag = "4")]
    pub review: u32,
    /// 0 before anybody is verified.
    #[prost(uint32, tag = "5")]
    pub document: u32,
    #[prost(bytes, tag = "6")]
    pub document_fingerprint: Vec<u8>,
    /// Day number.
    #[prost(sint32, tag = "7")]
    pub document_expires_on: i32,
    /// Salt and digest; empty where none is set.
    #[prost(bytes, tag = "8")]
    pub password: Vec<u8>,
    #[prost(message, repeated, tag = "9")]
    pub cards: Vec<Card>,
    #[prost(message, repeated, tag = "10")]
    pub phone_codes: Vec<PhoneCode>,
    /// Month number and year of the windows, and what is used in each.
    #[prost(int32, tag = "11")]
    pub month: i32,
    #[prost(int64, tag = "12")]
    pub in_month_fen: i64,
    #[prost(int32, tag = "13")]
    pub year: i32,
    #[prost(int64, tag = "14")]
    pub in_year_fen: i64,
    #[prost(message, optional, tag = "15")]
    pub rare: Option<Rare>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Card {
    #[prost(fixed64, tag = "1")]
    pub token: u64,
    #[prost(bytes, tag = "2")]
    pub fingerprint: Vec<u8>,
    #[prost(string, tag = "3")]
    pub issuer_reference: String,
    #[prost(uint32, tag = "4")]
    pub bin: u32,
    #[prost(uint32, tag = "5")]
    pub last_four: u32,
    #[prost(uint32, tag = "6")]
    pub scheme: u32,
    #[prost(uint32, tag = "7")]
    pub expiry_year: u32,
    #[prost(uint32, tag = "8")]
    pub expiry_month: u32,
    #[prost(bool, tag = "9")]
    pub holder_matches: bool,
    #[prost(int64, tag = "10")]
    pub bound_at_ms: i64,
    #[prost(uint64, tag = "11")]
    pub bound_by: u64,
    /// Mark of the phone that it was bound with.
    #[prost(fixed32, tag = "12")]
    pub phone: u32,
    /// Who gave the card its reference; 0 is the sandbox inside.
    #[prost(uint32, tag = "13")]
    pub issuer: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PhoneCode {
    #[prost(bytes, tag = "1")]
    pub phone: Vec<u8>,
    #[prost(fixed64, tag = "2")]
    pub nonce: u64,
    /// Seconds before its end from which on another may be asked for.
    #[prost(sint32, tag = "3")]
    pub resend_before: i32,
    #[prost(int64, tag = "4")]
    pub expires_at_ms: i64,
    #[prost(uint32, tag = "5")]
    pub wrong_tries: u32,
    #[prost(bool, tag = "6")]
    pub used: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Rare {
    #[prost(uint32, tag = "1")]
    pub wrong_passwords: u32,
    #[prost(int64, optional, tag = "2")]
    pub password_locked_until_ms: Option<i64>,
    #[prost(message, repeated, tag = "3")]
    pub binds: Vec<PendingBind>,
    #[prost(message, repeated, tag = "4")]
    pub risk_tickets: Vec<RiskTicket>,
    #[prost(message, repeated, tag = "5")]
    pub clearances: Vec<Clearance>,
    #[prost(message, repeated, tag = "6")]
    pub reversed_ahead: Vec<CallName>,
    #[prost(int64, tag = "7")]
    pub balance_fen: i64,
    #[prost(message, repeated, tag = "8")]
    pub tokens: Vec<PaymentToken>,
    #[prost(message, repeated, tag = "9")]
    pub codes: Vec<PaymentCode>,
    #[prost(message, optional, tag = "10")]
    pub password_ticket: Option<PasswordTicket>,
    #[prost(uint32, tag = "11")]
    pub wrong_proofs: u32,
    #[prost(int64, optional, tag = "12")]
    pub reset_locked_until_ms: Option<i64>,
    #[prost(uint32, tag = "13")]
    pub face_failures: u32,
    #[prost(bool, tag = "14")]
    pub review_rejected: bool,
    /// The sequence of the photo that completed a review which waits for an operator; 0 for none.
    #[prost(uint64, tag = "15")]
    pub review_ticket: u64,
    #[prost(int64, tag = "16")]
    pub review_submitted_at_ms: i64,
    /// Approved in an issuer's place and not agreed to since.
    #[prost(int64, tag = "17")]
    pub stood_in_fen: i64,
    #[prost(message, repeated, tag = "18")]
    pub also_known: Vec<AlsoKnown>,
    #[prost(message, optional, tag = "19")]
    pub closure: Option<Closure>,
}

/// The end of an account: instants in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Closure {
    #[prost(int64, tag = "1")]
    pub closed: i64,
    /// When its personal data were asked to be erased.
    #[prost(int64, optional, tag = "2")]
    pub erasure_begun: Option<i64>,
    /// When they were erased.
    #[prost(int64, optional, tag = "3")]
    pub erasure_ended: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct PaymentToken {
    #[prost(fixed64, tag = "1")]
    pub nonce: u64,
    #[prost(int64, tag = "2")]
    pub expires_at_ms: i64,
    #[prost(bool, tag = "3")]
    pub used: bool,
    /// As in a payment of the journal.
    #[prost(uint32, tag = "4")]
    pub funding: u32,
    #[prost(fixed64, tag = "5")]
    pub card_token: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct PaymentCode {
    #[prost(fixed64, tag = "1")]
    pub nonce: u64,
    #[prost(fixed64, tag = "2")]
    pub digest: u64,
    /// As in a payment of the journal.
    #[prost(uint32, tag = "3")]
    pub funding: u32,
    #[prost(fixed64, tag = "4")]
    pub card_token: u64,
    #[prost(int64, tag = "5")]
    pub expires_at_ms: i64,
    #[prost(bool, tag = "6")]
    pub used: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PendingBind {
    #[prost(uint64, tag = "1")]
    pub sequence: u64,
    #[prost(bytes, tag = "2")]
    pub card: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub older_cards: Vec<Vec<u8>>,
}

/// A digest of one of its cards, or of its document, under a live key beside that which is active.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AlsoKnown {
    /// Absent: the document.
    #[prost(fixed64, optional, tag = "1")]
    pub card_token: Option<u64>,
    #[prost(bytes, tag = "2")]
    pub fingerprint: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Clearance {
    #[prost(fixed64, tag = "1")]
    pub card_token: u64,
    #[prost(uint32, tag = "2")]
    pub reason: u32,
    #[prost(uint64, tag = "3")]
    pub sequence: u64,
}

/// What the sandbox issuer thinks of a card.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CardStatus {
    #[prost(string, tag = "1")]
    pub reference: String,
    #[prost(uint32, tag = "2")]
    pub status: u32,
}

/// What became of an authorisation: what was given back before it settled, and the rest.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Adjustment {
    #[prost(uint64, tag = "1")]
    pub authorisation: u64,
    #[prost(int64, tag = "2")]
    pub principal_fen: i64,
    #[prost(int64, tag = "3")]
    pub fee_fen: i64,
    #[prost(uint64, tag = "4")]
    pub last: u64,
    /// What of it was given back after it settled.
    #[prost(int64, tag = "5")]
    pub refunded_fen: i64,
    #[prost(int64, tag = "6")]
    pub refunded_fee_fen: i64,
    /// When it was settled early.
    #[prost(int64, optional, tag = "7")]
    pub settled_at_ms: Option<i64>,
}
