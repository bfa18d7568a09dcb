//! Events of payments, from the reservation to what was given back.

use std::sync::Arc;

use super::{PasswordEffect, StandIn, Transaction};
use crate::decline::Decline;
use crate::identifiers::{CardToken, CodeDigest, MerchantId};
use crate::money::{Amount, Fen};
use crate::period::{Month, Timestamp, Year};
use crate::receipt::Receipt;
use crate::refusal::{Refused, ReversalRefusal};

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
    /// The merchant scanned the payer's code (D10).
    PaymentCode,
}

/// Where the money comes from (D12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Funding {
    /// A bound card.
    Card(CardToken),
    /// The balance.
    Balance,
    /// Whatever a payment code stood for that is none of ours.
    Unknown,
}

impl Funding {
    /// The card, if it is one.
    pub const fn card(self) -> Option<CardToken> {
        match self {
            Self::Card(card) => Some(card),
            Self::Balance | Self::Unknown => None,
        }
    }
}

/// The business fields of a payment: what a used key is compared by (D18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Where the money comes from; with a payment code, what that stood for.
    pub funding: Funding,
    /// Who is paid; None where the scene has no merchant.
    pub merchant: Option<MerchantId>,
    /// Principal.
    pub amount: Amount,
    /// What it is for.
    pub scene: Scene,
    /// How it was begun.
    pub mode: PaymentMode,
    /// Digest of the payment code that it was made with (D10).
    pub code: Option<CodeDigest>,
}

/// A credential for one use that a payment has spent, named by its nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// A payment token.
    Token(u64),
    /// A payment code (D10).
    Code(u64),
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
    /// What is left of the balance after it; None for a card.
    pub balance_left: Option<Fen>,
    /// When it settles by its age (D25).
    pub settles_at: Timestamp,
    /// What it did to the password's counter.
    pub password: PasswordEffect,
    /// The token or code that it used up.
    pub spent: Option<Spent>,
    /// Name of the policy that decided.
    pub policy: Arc<str>,
    /// Every rung, if the caller asked for that.
    pub receipt: Option<Box<Receipt>>,
    /// What the issuer knows it by; None where none was asked, or answered at once.
    pub transaction: Option<Transaction>,
}

impl Reservation {
    /// True if it is counted in the limits: from the balance nothing is (D12).
    pub const fn counts(&self) -> bool {
        self.balance_left.is_none()
    }
}

/// The two cumulative limits and what was used of them after a payment, which is not among it
/// if it came from the balance.
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
    /// Set if Waika approved in the issuer's place (D17).
    pub stand_in: Option<StandIn>,
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
    /// The issuer may have approved it all the same, and is owed its reversal (D16).
    pub reversal_owed: bool,
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
    /// The token or code that it used up.
    pub spent: Option<Spent>,
    /// Name of the policy that decided.
    pub policy: Arc<str>,
    /// Every rung, if the caller asked for that.
    pub receipt: Option<Box<Receipt>>,
}

/// Giving back before settlement or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveBack {
    /// Before it (D13).
    Reversal,
    /// After it.
    Refund,
}

/// How a reversal or a refund ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReversalDecided {
    /// Which of the two.
    pub kind: GiveBack,
    /// The sequence of the payment's deciding event: what its authorisation id stands for.
    pub original: u64,
    /// The sequence of the step before this one in the payment's time line; 0 for the first.
    pub previous: u64,
    /// What became of it.
    pub outcome: Result<Reversal, Refused<ReversalRefusal>>,
}

/// How an early settlement ended (D25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettleDecided {
    /// The sequence of the payment's deciding event.
    pub original: u64,
    /// The sequence of the step before this one in the payment's time line; 0 for the first.
    pub previous: u64,
    /// What became of it.
    pub outcome: Result<Settled, Refused<ReversalRefusal>>,
}

/// What was settled early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Of the principal: what was not reversed.
    pub principal: Fen,
    /// Of the fee.
    pub fee: Fen,
}

/// What a reversal or a refund gave back (D13, D14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reversal {
    /// Of the principal.
    pub principal: Fen,
    /// Of the fee.
    pub fee: Fen,
    /// Of the principal that remains afterwards.
    pub remaining: Fen,
    /// The month that it was counted in.
    pub month: Month,
    /// The year that it was counted in.
    pub year: Year,
    /// That month is still open, and has the principal back.
    pub month_restored: bool,
    /// That year is still open, and has the principal back.
    pub year_restored: bool,
    /// The balance has it back; None for a card.
    pub balance_left: Option<Fen>,
    /// What the issuer knows the payment by, and is owed the advice of; None where none was asked.
    pub transaction: Option<Transaction>,
}
