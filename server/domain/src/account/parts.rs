//! What an account is made of.

use std::collections::BTreeSet;

use super::{Account, PhoneCodes};
use crate::card::BoundCard;
use crate::event::{Closure, Funding, PasswordTicket, PasswordVerifier, Review, WalletRegion};
use crate::fingerprints::{AlsoKnown, Fingerprints};
use crate::identifiers::{CallName, CodeDigest, TicketId};
use crate::identity::Identity;
use crate::money::Fen;
use crate::period::Timestamp;
use crate::risk::{Clearance, RiskTicket};
use crate::usage::Usage;

/// How long after its end a code or token is still known, so that using it late is told as that.
pub const EXPIRED_KEPT_SECONDS: u32 = 600;
/// Tokens, and codes, of one account that are known at once: the oldest makes room. A bound on
/// memory.
pub(super) const MOST_CREDENTIALS: usize = 16;

/// True while something that ends at an instant is still known.
pub(super) fn is_remembered(expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at.plus_seconds(EXPIRED_KEPT_SECONDS)
}

/// What an account is made of: for a snapshot of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountParts {
    /// The wallet's region.
    pub region: WalletRegion,
    /// A passport holder's review.
    pub review: Review,
    /// Who it was verified as.
    pub identity: Option<Identity>,
    /// What a payment password is checked against.
    pub password: Option<PasswordVerifier>,
    /// Its cards, oldest first.
    pub cards: Box<[BoundCard]>,
    /// Codes that were sent and not forgotten yet.
    pub phone_codes: PhoneCodes,
    /// What is used of the limits.
    pub usage: Usage,
    /// The sequence of its last event.
    pub last_sequence: u64,
    /// What few accounts have.
    pub rare: Rare,
}

/// What few accounts have at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rare {
    /// Wrong tries of the password since the last right one.
    pub wrong_passwords: u8,
    /// Until when the password is locked (D7).
    pub password_locked_until: Option<Timestamp>,
    /// Slots that are held for cards being bound.
    pub binds: Vec<PendingBind>,
    /// Open risk tickets, oldest first (R68).
    pub risk_tickets: Vec<RiskTicket>,
    /// What operators have said of risks.
    pub clearances: Vec<Clearance>,
    /// Payments that were reversed before they came (D31).
    pub reversed_ahead: BTreeSet<CallName>,
    /// The balance (D12).
    pub balance: Fen,
    /// Payment tokens that are outstanding or remembered, oldest first.
    pub tokens: Vec<PaymentToken>,
    /// Payment codes that are outstanding or remembered, oldest first (D10).
    pub codes: Vec<PaymentCode>,
    /// A request to reset the password.
    pub password_ticket: Option<PasswordTicket>,
    /// Wrong card data and wrong documents since the last right ones, when a password was to be
    /// reset.
    pub wrong_proofs: u8,
    /// Until when no password can be reset.
    pub reset_locked_until: Option<Timestamp>,
    /// Face checks that failed in this review (R54).
    pub face_failures: u32,
    /// A review was rejected and none approved since (D5).
    pub review_rejected: bool,
    /// A review that waits for an operator (R53).
    pub review_ticket: Option<ReviewTicket>,
    /// Approved in an issuer's place and not agreed to since, in principal (D17).
    pub stood_in: Fen,
    /// Digests of its document and cards under live keys beside their own: none but while keys change.
    pub also_known: Vec<AlsoKnown>,
    /// Set once it is closed (decision 0042).
    pub closure: Option<Closure>,
}

/// A passport holder's review that waits for an operator (R53).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewTicket {
    /// The sequence of the photo that completed it.
    pub id: TicketId,
    /// When that came.
    pub submitted_at: Timestamp,
}

/// A token that stands for the password in one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentToken {
    /// What the token follows from.
    pub nonce: u64,
    /// What it pays from.
    pub funding: Funding,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// It was used.
    pub used: bool,
}

/// A code that stands for account, funding and password in one payment (D10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentCode {
    /// What the code follows from.
    pub nonce: u64,
    /// What it is found by.
    pub digest: CodeDigest,
    /// What it pays from.
    pub funding: Funding,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// It was used.
    pub used: bool,
}

impl PaymentCode {
    /// False once it is so old that it counts as none of ours, whether or not its place was freed
    /// since.
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        is_remembered(self.expires_at, now)
    }
}

/// A slot that is held while the issuer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingBind {
    /// The sequence of its `BindReserved`.
    pub sequence: u64,
    /// Digests of the card's number.
    pub card: Fingerprints,
}

impl Account {
    /// An account as a snapshot kept it.
    pub fn from_parts(parts: AccountParts) -> Self {
        let AccountParts {
            region,
            review,
            identity,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare,
        } = parts;
        let mut account = Self {
            review,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            ..Self::open(region)
        };
        if let Some(identity) = identity {
            account.verify(identity);
        }
        account
    }

    /// What a snapshot keeps of it.
    pub fn into_parts(self) -> AccountParts {
        let identity = self.identity();
        let Self {
            region,
            review,
            document: _,
            document_fingerprint: _,
            document_expires_on: _,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare,
        } = self;
        AccountParts {
            region,
            review,
            identity,
            password,
            cards,
            phone_codes,
            usage,
            last_sequence,
            rare: rare.map(|rare| *rare).unwrap_or_default(),
        }
    }
}
