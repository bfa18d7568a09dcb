//! What happened to an account: the outcomes that a ledger keeps.
//!
//! An event says what was decided, with every number that was decided; applying it again never
//! decides anything. One call makes one event, or two where an issuer is asked in between.

mod binding;
mod closing;
mod credential;
mod issuer;
mod payment;
mod policy;
mod wallet;

pub use self::binding::{
    BindDecided, BindReserved, Binding, MovedPassword, OlderOfBinding, PasswordVerifier,
    PhoneCodeDecided, PhoneCodeSent, UnbindDecided, Unbound,
};
pub use self::closing::{AccountClosed, Closure, Erasure, ErasureBegun};
pub use self::credential::{
    CodeIssued, PasswordChanged, PasswordResetDecided, PasswordTicket, PasswordTicketResolved,
    PasswordTicketState, PasswordUnlocked, PasswordVerified, PaymentCodeDecided, ResetStep,
    TokenMinted,
};
pub use self::issuer::{
    AdviceTaken, IssuerKind, IssuerLate, Owed, OwedKind, StandIn, StandInReconciled, Transaction,
    TransactionId,
};
pub use self::payment::{
    ApprovalCode, Declined, Funding, GiveBack, Payment, PaymentMode, Posted, Reservation, Reversal,
    ReversalDecided, Scene, SettleDecided, Settled, Spent, Voided, Windows,
};
pub use self::policy::{PolicyActivated, PolicyPut, PolicyShadowed};
pub use self::wallet::{FundsKind, FundsReceived, Material, RegionSwitched, VerificationSubmitted};
use crate::card::IssuerCardReference;
use crate::identifiers::{CallName, CardToken, Fingerprint, TicketId};
use crate::merchant::Merchant;
use crate::period::Timestamp;
use crate::receipt::Receipt;
use crate::risk::RiskResolved;
use crate::sandbox_clock::ClockSetting;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phone code was asked for.
    PhoneCode(PhoneCodeDecided),
    /// A slot for a card is held while the issuer is asked (C2, D6).
    BindReserved(Box<BindReserved>),
    /// A card was bound or refused.
    BindDecided(Box<BindDecided>),
    /// A card was unbound, or not.
    UnbindDecided(Box<UnbindDecided>),
    /// Money is held while the issuer is asked.
    Reserved(Box<Reservation>),
    /// A payment was approved.
    Posted(Box<Posted>),
    /// Money that was held is free again, and the payment declined.
    Voided(Box<Voided>),
    /// A payment was declined before anything was held.
    Declined(Box<Declined>),
    /// A payment was given back, in full or in part, before or after it settled, or not.
    ReversalDecided(Box<ReversalDecided>),
    /// A payment was settled early, or not (D25).
    SettleDecided(SettleDecided),
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
    /// A password was verified for a payment, or not.
    PasswordVerified(PasswordVerified),
    /// A password was changed, or not.
    PasswordChanged(PasswordChanged),
    /// A forgotten password was reset, or not, or not yet.
    PasswordResetDecided(Box<PasswordResetDecided>),
    /// An operator resolved a password ticket.
    PasswordTicketResolved(Box<PasswordTicketResolved>),
    /// An operator unlocked a password.
    PasswordUnlocked(PasswordUnlocked),
    /// A photo for the review came, or was refused.
    VerificationSubmitted(VerificationSubmitted),
    /// The wallet's region was switched.
    RegionSwitched(RegionSwitched),
    /// A payment code was issued, or not.
    PaymentCodeDecided(Box<PaymentCodeDecided>),
    /// Money came into the balance, or was refused.
    FundsReceived(FundsReceived),
    /// An operator stored a policy.
    PolicyPut(PolicyPut),
    /// A policy came into force.
    PolicyActivated(PolicyActivated),
    /// A policy is evaluated beside the one in force, or no more.
    PolicyShadowed(PolicyShadowed),
    /// The issuer has taken an advice that it was owed (D16).
    AdviceTaken(AdviceTaken),
    /// The issuer was told of a payment that was approved in its place (D17).
    StandInReconciled(StandInReconciled),
    /// The issuer approved when nobody waited any more (D16).
    IssuerLate(IssuerLate),
    /// An operator closed an account, or not (decision 0042).
    AccountClosed(Box<AccountClosed>),
    /// An operator had personal data erased, or not (decision 0042).
    ErasureBegun(ErasureBegun),
    /// Nothing personal is left of a closed account, in the journal as in memory (decision 0042).
    ErasureEnded,
}

impl Event {
    /// True if it only begins something: its call's answer comes with a later event.
    pub fn is_beginning(&self) -> bool {
        matches!(self, Self::BindReserved(_) | Self::Reserved(_))
    }

    /// The sequence of the event that its call began with, if that is another one.
    pub fn begun_by(&self) -> Option<u64> {
        if let Self::BindDecided(decided) = self {
            decided.reserved_by
        } else if let Self::Posted(posted) = self {
            posted.reserved_by
        } else if let Self::Voided(voided) = self {
            Some(voided.reserved_by)
        } else {
            None
        }
    }

    /// True if it changes which policies there are, or which hold (D24).
    pub fn is_about_policies(&self) -> bool {
        matches!(
            self,
            Self::PolicyPut(_) | Self::PolicyActivated(_) | Self::PolicyShadowed(_)
        )
    }

    /// The region of the account that it opens, if it is the account's first (D19, D27); None
    /// for an event that only an open account can have.
    pub fn opening_region(&self) -> Option<WalletRegion> {
        if let Self::PhoneCode(decided) = self {
            Some(decided.region)
        } else if let Self::BindReserved(reserved) = self {
            Some(reserved.region)
        } else if let Self::BindDecided(decided) = self {
            Some(decided.region)
        } else if let Self::RegionSwitched(switched) = self {
            Some(switched.region)
        } else {
            None
        }
    }

    /// What it did to the payment password's counter of wrong tries (D7).
    pub fn password_effect(&self) -> PasswordEffect {
        if let Self::BindReserved(reserved) = self {
            reserved.password
        } else if let Self::BindDecided(decided) = self {
            decided.password
        } else if let Self::UnbindDecided(decided) = self {
            decided.password
        } else if let Self::PasswordVerified(verified) = self {
            verified.password
        } else if let Self::PasswordChanged(changed) = self {
            changed.password
        } else if let Self::PaymentCodeDecided(decided) = self {
            decided.password
        } else if let Self::Declined(declined) = self {
            declined.password
        } else if let Self::Reserved(reservation) = self {
            reservation.password
        } else {
            let reservation = self.decision().and_then(DecidedPayment::reservation);
            reservation.map_or(PasswordEffect::Untouched, |held| held.password)
        }
    }

    /// The payment that it decides or holds, if it does.
    pub fn payment(&self) -> Option<&Payment> {
        if let Self::Reserved(reservation) = self {
            Some(&reservation.payment)
        } else {
            self.decision().map(DecidedPayment::payment)
        }
    }

    /// The decision on a payment, if it is one.
    pub fn decision(&self) -> Option<DecidedPayment<'_>> {
        if let Self::Posted(posted) = self {
            Some(DecidedPayment::Approved(posted))
        } else if let Self::Declined(declined) = self {
            Some(DecidedPayment::Declined(declined))
        } else if let Self::Voided(voided) = self {
            Some(DecidedPayment::Voided(voided))
        } else {
            None
        }
    }
}

/// The three ways in which a payment is decided.
#[derive(Debug, Clone, Copy)]
pub enum DecidedPayment<'a> {
    /// Approved.
    Approved(&'a Posted),
    /// Declined before anything was held.
    Declined(&'a Declined),
    /// Held, and then declined.
    Voided(&'a Voided),
}

impl<'a> DecidedPayment<'a> {
    /// What was asked.
    pub fn payment(self) -> &'a Payment {
        match self {
            Self::Approved(posted) => &posted.reservation.payment,
            Self::Declined(declined) => &declined.payment,
            Self::Voided(voided) => &voided.reservation.payment,
        }
    }

    /// What was held; None if nothing was.
    pub fn reservation(self) -> Option<&'a Reservation> {
        match self {
            Self::Approved(posted) => Some(&posted.reservation),
            Self::Voided(voided) => Some(&voided.reservation),
            Self::Declined(_) => None,
        }
    }

    /// Every rung, if the caller asked for that.
    pub fn receipt(self) -> Option<&'a Receipt> {
        let receipt = match self {
            Self::Approved(posted) => &posted.reservation.receipt,
            Self::Voided(voided) => &voided.reservation.receipt,
            Self::Declined(declined) => &declined.receipt,
        };
        receipt.as_deref()
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
    /// It was right, and is kept under another key from now on: the counter begins anew.
    Moved(MovedPassword),
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
    /// The passport's page is to be sent in (R50).
    Required,
    /// Approved.
    Approved,
    /// Rejected: it can be sent in again.
    Rejected,
    /// The page is there; the face is to be checked (R51).
    PageReceived,
    /// The face was not recognised: try again, or use the other method (R54, R55).
    FaceFailed,
    /// Everything is there; an operator looks (R53).
    UnderReview,
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
    /// What it waited under, if it did.
    pub ticket: Option<TicketId>,
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
