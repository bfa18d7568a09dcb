//! What happened to an account: the outcomes that a ledger keeps.
//!
//! An event says what was decided, with every number that was decided; applying it again never
//! decides anything. One call makes one event, or two where an issuer is asked in between.

use crate::card::{BoundCard, IssuerCardReference};
use crate::decline::Decline;
use crate::identifiers::{CardToken, Fingerprint, MerchantId};
use crate::identity::Identity;
use crate::merchant::Merchant;
use crate::money::{Amount, Fen};
use crate::period::{Month, Timestamp, Year};
use crate::refusal::{BindRefusal, PhoneCodeRefusal, Refused};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phone code was asked for.
    PhoneCode(PhoneCodeDecided),
    /// A slot for a card is held while the issuer is asked (C2, D6).
    BindReserved(BindReserved),
    /// A card was bound or refused.
    BindDecided(Box<BindDecided>),
    /// Money is held while the issuer is asked.
    Reserved(Box<Reservation>),
    /// A payment was approved.
    Posted(Box<Posted>),
    /// Money that was held is free again, and the payment declined.
    Voided(Box<Voided>),
    /// A payment was declined before anything was held.
    Declined(Box<Declined>),
    /// An operator resolved a review.
    ReviewResolved(ReviewResolved),
    /// An operator wrote a merchant.
    MerchantPut(Merchant),
    /// An operator told the sandbox issuer what to think of a card.
    CardStatusSet(CardStatusSet),
}

impl Event {
    /// True if it only begins something: its call's answer comes with a later event.
    pub fn is_beginning(&self) -> bool {
        match self {
            Self::BindReserved(_) | Self::Reserved(_) => true,
            Self::PhoneCode(_)
            | Self::BindDecided(_)
            | Self::Posted(_)
            | Self::Voided(_)
            | Self::Declined(_)
            | Self::ReviewResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_) => false,
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
            | Self::Reserved(_)
            | Self::Declined(_)
            | Self::ReviewResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_) => None,
        }
    }

    /// The region of the account that it opens, if it is the account's first (D19, D27); None
    /// for an event that only an open account can have.
    pub fn opening_region(&self) -> Option<WalletRegion> {
        match self {
            Self::PhoneCode(decided) => Some(decided.region),
            Self::BindReserved(reserved) => Some(reserved.region),
            Self::BindDecided(decided) => Some(decided.region),
            Self::Reserved(_)
            | Self::Posted(_)
            | Self::Voided(_)
            | Self::Declined(_)
            | Self::ReviewResolved(_)
            | Self::MerchantPut(_)
            | Self::CardStatusSet(_) => None,
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

/// A phone code was sent or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCodeDecided {
    /// The wallet's region, which counts only if this opened the account (D19, D27).
    pub region: WalletRegion,
    /// The phone's digest.
    pub phone: Fingerprint,
    /// What became of it.
    pub outcome: Result<PhoneCodeSent, Refused<PhoneCodeRefusal>>,
}

/// A code is outstanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneCodeSent {
    /// Random; the code follows from it under a key, so that no code is ever stored.
    pub nonce: u64,
    /// From when on another may be asked for.
    pub resend_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A slot is held for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BindReserved {
    /// The wallet's region, which counts only if this opened the account.
    pub region: WalletRegion,
    /// Digest of the card's number.
    pub card: Fingerprint,
    /// The code is spent by now.
    pub phone_code: PhoneCodeEffect,
    /// A wrong password would have been refused, so it matched or none was set.
    pub password: PasswordEffect,
}

/// How a bind ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindDecided {
    /// The wallet's region, which counts only if this opened the account.
    pub region: WalletRegion,
    /// The sequence of its `BindReserved`, if it came so far.
    pub reserved_by: Option<u64>,
    /// What it did to the phone code.
    pub phone_code: PhoneCodeEffect,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// What became of it.
    pub outcome: Result<Binding, Refused<BindRefusal>>,
    /// The review's state afterwards.
    pub review: Review,
}

/// A card that was bound, and what it brought along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The card.
    pub card: BoundCard,
    /// Who the wallet is verified as.
    pub identity: Identity,
    /// The password, if this bind set it (R44, D6).
    pub password_set: Option<PasswordVerifier>,
}

/// What is kept of a payment password: enough to check one, under a key that is elsewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PasswordVerifier {
    /// Random.
    pub salt: [u8; 16],
    /// Keyed digest of account, salt and password.
    pub digest: [u8; 32],
}

impl std::fmt::Debug for PasswordVerifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PasswordVerifier(…)")
    }
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

/// What the money is for (R72).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// Buying from a merchant.
    Purchase,
    /// Sending a red packet.
    RedPacket,
    /// Sending a transfer.
    Transfer,
    /// Topping up the balance.
    TopUp,
    /// Buying a wealth product.
    WealthProduct,
}

impl Scene {
    /// Only a purchase has a merchant.
    pub fn has_merchant(self) -> bool {
        self == Self::Purchase
    }
}

/// How a payment was begun (R56).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentMode {
    /// In an app.
    OnlineApp,
    /// In a mini-program.
    OnlineMiniProgram,
    /// The payer scanned the merchant's code.
    MerchantQr,
}

/// The business fields of a payment: what a used key is compared by (D18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The card to charge.
    pub card: CardToken,
    /// Who is paid; None where the scene has no merchant.
    pub merchant: Option<MerchantId>,
    /// Principal.
    pub amount: Amount,
    /// What it is for.
    pub scene: Scene,
    /// How it was begun.
    pub mode: PaymentMode,
}

/// A payment that passed every rung before the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What was asked.
    pub payment: Payment,
    /// Fee in fen; the issuer is asked for principal and fee (D3).
    pub fee: Fen,
    /// The month that it is counted in.
    pub month: Month,
    /// The year that it is counted in.
    pub year: Year,
    /// The windows after it.
    pub windows: Windows,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// Name of the policy that decided.
    pub policy: Box<str>,
}

/// The two cumulative limits and what was used of them after a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The month's limit.
    pub month_limit: Fen,
    /// Used in the month, this payment included.
    pub month_used: Fen,
    /// The year's limit.
    pub year_limit: Fen,
    /// Used in the year, this payment included.
    pub year_used: Fen,
}

/// An approved payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The sequence of its `Reserved`; None where the issuer answered at once, so that this
    /// event is the reservation too.
    pub reserved_by: Option<u64>,
    /// What was reserved.
    pub reservation: Reservation,
    /// Six characters from the issuer (DE38).
    pub approval_code: ApprovalCode,
}

/// The issuer's approval code (DE38): six letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApprovalCode(pub [u8; 6]);

/// A payment that was reserved and then declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voided {
    /// The sequence of its `Reserved`.
    pub reserved_by: u64,
    /// What was reserved.
    pub reservation: Reservation,
    /// Why it was declined.
    pub decline: Decline,
}

/// A payment that was declined before anything was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined {
    /// What was asked.
    pub payment: Payment,
    /// Why it was declined.
    pub decline: Decline,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// Name of the policy that decided.
    pub policy: Box<str>,
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
