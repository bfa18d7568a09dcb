//! The entries of the journal as protobuf messages: internal, and open to growth. A tag is
//! never reused, an enum number never changed, and what a newer server added an older one
//! refuses by name rather than skip (see `decode`).

mod closing;
mod credentials;
mod issuer;
mod operators;
mod payments;
mod wallet;

use prost::{Message, Oneof};

pub(super) use self::closing::{AccountClosed, ErasureBegun, ErasureEnded, UnboundCard};
pub(super) use self::credentials::{
    PasswordChanged, PasswordReset, PasswordTicket, PasswordTicketResolved, PasswordVerified,
    PaymentCodeDecided,
};
pub(super) use self::issuer::{AdviceTaken, IssuerLate, StandIn, StandInReconciled, Transaction};
pub(super) use self::operators::{
    CardStatusSet, Change, ClockSetting, Merchant, Operated, PolicyPut, ReviewResolved,
    RiskResolved, RiskTicket,
};
pub(super) use self::payments::{
    Declined, Payment, Posted, Receipt, Reservation, Reversal, ReversalDecided, RungSeen,
    SettleDecided, Spent, Voided,
};
pub(super) use self::wallet::{FundsReceived, VerificationSubmitted};

/// One entry: one thing that happened, with its time and the call that caused it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    /// The account that it happened to; empty where it concerns none.
    #[prost(string, tag = "1")]
    pub account: String,
    /// The sequence of the account's entry before this one; 0 for its first.
    #[prost(uint64, tag = "2")]
    pub previous: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "3")]
    pub at_ms: i64,
    /// The call; absent for what the server did by itself.
    #[prost(message, optional, tag = "4")]
    pub call: Option<Call>,
    /// What an operator did, which stands in there and not here.
    #[prost(message, optional, boxed, tag = "5")]
    pub operated: Option<Box<Operated>>,
    #[prost(
        oneof = "Body",
        tags = "8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
                29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42"
    )]
    pub body: Option<Body>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Call {
    #[prost(uint32, tag = "1")]
    pub rpc: u32,
    #[prost(string, tag = "2")]
    pub caller: String,
    #[prost(string, tag = "3")]
    pub key: String,
    /// Keyed digests of the business fields; empty for a payment, whose event has them.
    #[prost(fixed64, repeated, tag = "4")]
    pub fields: Vec<u64>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Body {
    /// Tells the key that this journal was written with.
    #[prost(bytes, tag = "8")]
    KeyCheck(Vec<u8>),
    #[prost(message, tag = "9")]
    PhoneCode(PhoneCode),
    #[prost(message, tag = "10")]
    BindReserved(BindReserved),
    #[prost(message, tag = "11")]
    BindDecided(Box<BindDecided>),
    #[prost(message, tag = "12")]
    Reserved(Reservation),
    #[prost(message, tag = "13")]
    Posted(Posted),
    #[prost(message, tag = "14")]
    Voided(Voided),
    #[prost(message, tag = "15")]
    Declined(Declined),
    #[prost(message, tag = "16")]
    ReviewResolved(ReviewResolved),
    #[prost(message, tag = "17")]
    MerchantPut(Merchant),
    #[prost(message, tag = "18")]
    CardStatusSet(CardStatusSet),
    #[prost(message, tag = "19")]
    UnbindDecided(UnbindDecided),
    #[prost(message, tag = "20")]
    ReversalDecided(ReversalDecided),
    #[prost(message, tag = "21")]
    ReversedAhead(CallName),
    #[prost(message, tag = "22")]
    RiskResolved(RiskResolved),
    #[prost(message, tag = "23")]
    ClockSet(ClockSetting),
    #[prost(message, tag = "24")]
    SettleDecided(SettleDecided),
    #[prost(message, tag = "25")]
    PasswordVerified(PasswordVerified),
    #[prost(message, tag = "26")]
    PasswordChanged(PasswordChanged),
    #[prost(message, tag = "27")]
    PasswordReset(PasswordReset),
    #[prost(message, tag = "28")]
    PasswordTicketResolved(PasswordTicketResolved),
    /// True if there was a lock.
    #[prost(bool, tag = "29")]
    PasswordUnlocked(bool),
    #[prost(message, tag = "30")]
    VerificationSubmitted(VerificationSubmitted),
    /// The region's number.
    #[prost(uint32, tag = "31")]
    RegionSwitched(u32),
    #[prost(message, tag = "32")]
    PaymentCode(PaymentCodeDecided),
    #[prost(message, tag = "33")]
    FundsReceived(FundsReceived),
    #[prost(message, tag = "34")]
    PolicyPut(PolicyPut),
    /// The policy's name.
    #[prost(string, tag = "35")]
    PolicyActivated(String),
    /// The policy's name, or nothing.
    #[prost(string, tag = "36")]
    PolicyShadowed(String),
    #[prost(message, tag = "37")]
    AdviceTaken(AdviceTaken),
    #[prost(message, tag = "38")]
    StandInReconciled(StandInReconciled),
    #[prost(message, tag = "39")]
    IssuerLate(IssuerLate),
    #[prost(message, tag = "40")]
    AccountClosed(AccountClosed),
    #[prost(message, tag = "41")]
    ErasureBegun(ErasureBegun),
    #[prost(message, tag = "42")]
    ErasureEnded(ErasureEnded),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PhoneCode {
    #[prost(uint32, tag = "1")]
    pub region: u32,
    #[prost(bytes, tag = "2")]
    pub phone: Vec<u8>,
    /// Present if a code was sent.
    #[prost(message, optional, tag = "3")]
    pub sent: Option<PhoneCodeSent>,
    #[prost(message, optional, tag = "4")]
    pub refused: Option<Refused>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PhoneCodeSent {
    #[prost(fixed64, tag = "1")]
    pub nonce: u64,
    #[prost(int64, tag = "2")]
    pub resend_at_ms: i64,
    #[prost(int64, tag = "3")]
    pub expires_at_ms: i64,
}

/// A reason's number in its own enum, and the numbers behind it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Refused {
    #[prost(int32, tag = "1")]
    pub reason: i32,
    #[prost(oneof = "Evidence", tags = "2, 3, 4, 5, 6, 7")]
    pub evidence: Option<Evidence>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Evidence {
    #[prost(message, tag = "2")]
    Amount(AmountOverLimit),
    /// Packed versions.
    #[prost(message, tag = "3")]
    Version(Pair),
    /// Day numbers.
    #[prost(message, tag = "4")]
    Date(Pair),
    /// Year times a hundred plus month.
    #[prost(int64, tag = "5")]
    Expiry(i64),
    #[prost(message, tag = "6")]
    Count(Pair),
    #[prost(int64, tag = "7")]
    UntilMs(i64),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Pair {
    #[prost(int64, tag = "1")]
    pub observed: i64,
    #[prost(int64, tag = "2")]
    pub required: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AmountOverLimit {
    #[prost(int64, tag = "1")]
    pub observed_fen: i64,
    #[prost(int64, tag = "2")]
    pub limit_fen: i64,
    #[prost(int64, tag = "3")]
    pub remaining_fen: i64,
    #[prost(int64, tag = "4")]
    pub largest_approvable_fen: i64,
    #[prost(int64, optional, tag = "5")]
    pub resets_at_ms: Option<i64>,
}

/// Absent where the password was not looked at.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct PasswordEffect {
    /// 0 if it matched, else the wrong tries so far.
    #[prost(uint32, tag = "1")]
    pub wrong_tries: u32,
    #[prost(int64, optional, tag = "2")]
    pub locked_until_ms: Option<i64>,
    /// Both halves of the digest under another key, if it is kept like that from now on. The second half ends
    /// with the key's number and is not 0 then.
    #[prost(fixed64, tag = "3")]
    pub moved_digest: u64,
    #[prost(fixed64, tag = "4")]
    pub moved_rest: u64,
}

/// Absent where the code was not looked at.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PhoneCodeEffect {
    #[prost(bytes, tag = "1")]
    pub phone: Vec<u8>,
    /// 0 if it was right and is used, else the wrong tries so far.
    #[prost(uint32, tag = "2")]
    pub wrong_tries: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BindReserved {
    #[prost(uint32, tag = "1")]
    pub region: u32,
    #[prost(bytes, tag = "2")]
    pub card: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub phone_code: Option<PhoneCodeEffect>,
    #[prost(message, optional, tag = "4")]
    pub password: Option<PasswordEffect>,
    /// The verification debit, where the issuer does not answer at once.
    #[prost(message, optional, tag = "5")]
    pub debit: Option<Transaction>,
    /// Digests of the card's number under other live keys than the active one.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub older_cards: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BindDecided {
    #[prost(uint32, tag = "1")]
    pub region: u32,
    /// 0 if no slot was held.
    #[prost(uint64, tag = "2")]
    pub reserved_by: u64,
    #[prost(message, optional, tag = "3")]
    pub phone_code: Option<PhoneCodeEffect>,
    #[prost(message, optional, tag = "4")]
    pub password: Option<PasswordEffect>,
    #[prost(message, optional, tag = "5")]
    pub binding: Option<Binding>,
    #[prost(message, optional, tag = "6")]
    pub refused: Option<Refused>,
    #[prost(uint32, tag = "7")]
    pub review: u32,
    /// The verification debit that is owed back.
    #[prost(message, optional, tag = "8")]
    pub debit: Option<Transaction>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Binding {
    #[prost(fixed64, tag = "1")]
    pub card_token: u64,
    #[prost(bytes, tag = "2")]
    pub card_fingerprint: Vec<u8>,
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
    #[prost(uint32, tag = "10")]
    pub document: u32,
    #[prost(bytes, tag = "11")]
    pub document_fingerprint: Vec<u8>,
    /// Day number.
    #[prost(sint32, tag = "12")]
    pub document_expires_on: i32,
    /// Salt and digest of the password, if this bind set it.
    #[prost(bytes, tag = "13")]
    pub password_set: Vec<u8>,
    /// Mark of the phone that the card was bound with.
    #[prost(fixed32, tag = "14")]
    pub phone: u32,
    /// Who gave the card its reference; 0 is the sandbox inside.
    #[prost(uint32, tag = "15")]
    pub issuer: u32,
    /// Digests under other live keys than the active one: of the card's number, and of the document.
    #[prost(bytes = "vec", repeated, tag = "16")]
    pub older_cards: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "17")]
    pub older_documents: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct UnbindDecided {
    #[prost(fixed64, tag = "1")]
    pub card_token: u64,
    #[prost(message, optional, tag = "2")]
    pub password: Option<PasswordEffect>,
    #[prost(message, optional, tag = "3")]
    pub refused: Option<Refused>,
    /// Digest of the card's number, if it was unbound.
    #[prost(bytes, tag = "4")]
    pub fingerprint: Vec<u8>,
    /// The sequence of the entry that had bound it.
    #[prost(uint64, tag = "5")]
    pub bound_by: u64,
    /// Digests of the card's number under other keys than that one.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub older_cards: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct CallName {
    #[prost(string, tag = "1")]
    pub caller: String,
    #[prost(string, tag = "2")]
    pub key: String,
}
