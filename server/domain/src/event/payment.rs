//! Events of payments, from the reservation to what was given back.

use super::PasswordEffect;
use crate::decline::Decline;
use crate::identifiers::{CardToken, MerchantId};
use crate::money::{Amount, Fen};
use crate::period::{Month, Year};
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

/// How a reversal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReversalDecided {
    /// The sequence of the payment's deciding event: what its authorisation id stands for.
    pub original: u64,
    /// What became of it.
    pub outcome: Result<Reversal, Refused<ReversalRefusal>>,
}

/// What a reversal gave back (D13, D14).
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
}
