//! What happened to an account: the outcomes that a ledger keeps.
//!
//! An event says what was decided, with every number that was decided; applying it again never
//! decides anything. One call makes one event, or two where an issuer is asked in between.

mod binding;
mod payment;

pub use self::binding::{
    BindDecided, BindReserved, Binding, PasswordVerifier, PhoneCodeDecided, PhoneCodeSent,
    UnbindDecided, Unbound,
};
pub use self::payment::{
    ApprovalCode, Declined, Payment, PaymentMode, Posted, Reservation, Reversal, ReversalDecided,
    Scene, Voided, Windows,
};
use crate::card::IssuerCardReference;
use crate::identifiers::{CallName, CardToken, Fingerprint};
use crate::merchant::Merchant;
use crate::period::Timestamp;
use crate::risk::RiskResolved;
use crate::sandbox_clock::ClockSetting;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phone code was asked for.
    PhoneCode(PhoneCodeDecided),
    /// A slot for a card is held while the issuer is asked (C2, D6).
    BindReserved(BindReserved),
    /// A card was bound or refused.
    BindDecided(Box<BindDecided>),
    /// A card was unbound, or not.
    UnbindDecided(UnbindDecided),
    /// Money is held while the issuer is asked.
    Reserved(Box<Reservation>),
    /// A payment was approved.
    Posted(Box<Posted>),
    /// Money that was held is free again, and the payment declined.
    Voided(Box<Voided>),
    /// A payment was declined before anything was held.
    Declined(Box<Declined>),
    /// A payment was given back, in full or in part, or not.
    ReversalDecided(Box<ReversalDecided>),
    /// A reversal came before its payment did (D31).
    ReversedAhead(Box<CallName>),
    /// An operator resolved a review.
    ReviewResolved(ReviewResolved),
    /// An operator closed a risk ticket.
    RiskResolved(RiskResolved),
    /// An operator wrote a merchant.
    MerchantPut(Merchant),
    /// An operator told the sandbox issuer what to think of a card.
    CardStatusSet(CardStatusSet),
    /// An operator set the sandbox's clock.
    ClockSet(ClockSetting),
}

impl Event {
    /// True if it only begins something: its call's answer comes with a later event.
    pub fn is_beginning(&self) -> bool {
        match self {
            Self::BindReserved(_) | Self::Reserved(_) => true,
            Self::PhoneCode(_)
            | Self::BindDecided(_)
            | Self::UnbindDecided(_)
            | Self::Posted(_)
            | Self::Voided(_)
            | Self::Declined(_)
            | Self::ReversalDecided(_)
            | Self::ReversedAhead(_)
            | Self::ReviewResolved(_)
            | Self::RiskResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_)
            | Self::ClockSet(_) => false,
        }
    }

    /// The sequence of the event that its call began with, if that is another one.
    pub fn begun_by(&self) -> Option<u64> {
        match self {
            Self::BindDecided(decided) => decided.reserved_by,
            Self::Posted(posted) => posted.reserved_by,
            Self::Voided(voided) => Some(voided.reserved_by),
            Self::PhoneCode(_)
            | Self::BindReserved(_)
            | Self::UnbindDecided(_)
            | Self::Reserved(_)
            | Self::Declined(_)
            | Self::ReversalDecided(_)
            | Self::ReversedAhead(_)
            | Self::ReviewResolved(_)
            | Self::RiskResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_)
            | Self::ClockSet(_) => None,
        }
    }

    /// The region of the account that it opens, if it is the account's first (D19, D27); None
    /// for an event that only an open account can have.
    pub fn opening_region(&self) -> Option<WalletRegion> {
        match self {
            Self::PhoneCode(decided) => Some(decided.region),
            Self::BindReserved(reserved) => Some(reserved.region),
            Self::BindDecided(decided) => Some(decided.region),
            Self::UnbindDecided(_)
            | Self::Reserved(_)
            | Self::Posted(_)
            | Self::Voided(_)
            | Self::Declined(_)
            | Self::ReversalDecided(_)
            | Self::ReversedAhead(_)
            | Self::ReviewResolved(_)
            | Self::RiskResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_)
            | Self::ClockSet(_) => None,
        }
    }
}

/// The region of a wallet (R30 to R33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletRegion {
    /// Weixin Pay, Chinese mainland.
    Mainland,
    /// WeChat Pay HK.
    HongKong,
    /// WeChat Pay MY.
    Malaysia,
    /// Any other.
    Other,
}

/// What a call did to the payment password's counter of wrong tries (D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordEffect {
    /// It was not looked at.
    Untouched,
    /// It was right: the counter begins anew.
    Matched,
    /// It was wrong.
    Wrong {
        /// Wrong tries since the last right one.
        tries: u8,
        /// Set by the try that locks it.
        locked_until: Option<Timestamp>,
    },
}

/// What a call did to an outstanding phone code (D8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneCodeEffect {
    /// It was not looked at.
    Untouched,
    /// It was wrong.
    Wrong {
        /// The phone's digest.
        phone: Fingerprint,
        /// Wrong tries of this code.
        tries: u8,
    },
    /// It was right, and is spent.
    Used {
        /// The phone's digest.
        phone: Fingerprint,
    },
}

/// State of a passport holder's review (R49, D5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// No passport, or nobody verified yet.
    NotRequired,
    /// Not reviewed yet.
    Required,
    /// Approved.
    Approved,
    /// Rejected.
    Rejected,
}

/// An operator's verdict on a review, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewResolved {
    /// The verdict: approve or reject.
    pub approve: bool,
    /// False if there was nothing to resolve.
    pub resolved: bool,
    /// The state afterwards.
    pub review: Review,
}

/// What the sandbox issuer thinks of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardStatus {
    /// As the table of test cards says.
    Normal,
    /// Expired.
    Expired,
    /// Locked.
    Locked,
    /// Reported lost.
    Lost,
    /// Reported stolen.
    Stolen,
    /// To be picked up.
    Pickup,
    /// Without funds.
    NoFunds,
}

/// A card's status was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardStatusSet {
    /// The card's name in the account that was named.
    pub card: CardToken,
    /// Names the card to the issuer, wherever it is bound.
    pub reference: IssuerCardReference,
    /// Its status from now on.
    pub status: CardStatus,
}
