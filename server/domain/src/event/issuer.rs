//! What passes between Waika and a card's issuer: the names of transactions, what is owed, and
//! what was heard late (D16, D17).

use std::fmt;

use super::{ApprovalCode, Event, GiveBack};
use crate::card::{IssuerCardReference, Scheme};
use crate::decline::DeclineReason;
use crate::identifiers::{IdempotencyKey, MerchantId};
use crate::money::Fen;

/// Names a transaction to its issuer: random, and durable before the issuer hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId([u8; 16]);

/// 32 hexadecimal digits.
impl fmt::Display for TransactionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.number())
    }
}

impl TransactionId {
    /// The name of 128 bits.
    pub const fn from_number(number: u128) -> Self {
        Self(number.to_be_bytes())
    }

    /// Its 128 bits.
    pub const fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// Reads what [`fmt::Display`] has written; None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self::from_number)
    }
}

/// Who was asked, and is told what is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerKind {
    /// The sandbox inside the process, for its cards that do not answer at once.
    Sandbox,
    /// An issuer over the network.
    Remote,
}

/// Something that an issuer is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// Its name.
    pub id: TransactionId,
    /// Who is asked.
    pub issuer: IssuerKind,
    /// The card's scheme, by which it is routed.
    pub scheme: Scheme,
}

/// The issuer was not reached, and Waika approved in its place (D17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// Names the card to the issuer, which is told of the payment later.
    pub reference: IssuerCardReference,
    /// The payment's key, as the issuer would have heard it.
    pub key: IdempotencyKey,
    /// Who is paid.
    pub merchant: Option<MerchantId>,
    /// The code that the payer was given: Waika's.
    pub code: ApprovalCode,
}

/// The issuer has taken an advice: nothing is owed for that event any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdviceTaken {
    /// The sequence of the event since which it was owed.
    pub owed_by: u64,
    /// What the issuer gave back, in fen.
    pub amount: Fen,
}

/// The issuer was told of a payment that was approved in its place (D17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandInReconciled {
    /// The sequence of the payment's deciding event.
    pub original: u64,
    /// The sequence of the step before this one in the payment's time line; 0 for the first.
    pub previous: u64,
    /// Its principal.
    pub principal: Fen,
    /// What the issuer would have said; None if it agrees.
    pub diverged: Option<DeclineReason>,
}

/// The issuer approved a payment after nobody waited any more: it stays declined (D16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerLate {
    /// The sequence of the payment's deciding event.
    pub original: u64,
    /// The sequence of the step before this one in the payment's time line; 0 for the first.
    pub previous: u64,
    /// What was approved, in fen.
    pub amount: Fen,
}

/// Why an issuer is owed an advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwedKind {
    /// No answer was heard, or none that could be believed (D16).
    NoAnswer,
    /// A payment was given back before it settled (D13).
    Reversal,
    /// A payment was given back after it settled.
    Refund,
    /// The debit of a verification is given back (D6).
    Verification,
    /// A payment was approved in the issuer's place (D17).
    StandIn(StandIn),
}

/// What an issuer is owed since an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Why.
    pub kind: OwedKind,
    /// The transaction that it is about.
    pub transaction: Transaction,
    /// Principal and fee in fen; 0 for whatever was approved.
    pub amount: Fen,
    /// Of that, the principal.
    pub principal: Fen,
    /// The sequence of the payment's deciding event, where that is an earlier one.
    pub original: Option<u64>,
}

impl Event {
    /// What the issuer is owed from this event on, if it is.
    pub fn owes(&self) -> Option<Owed> {
        if let Self::Voided(voided) = self {
            let transaction = voided.reservation.transaction;
            return Some(Owed {
                kind: OwedKind::NoAnswer,
                transaction: transaction.filter(|_| voided.reversal_owed)?,
                amount: Fen::ZERO,
                principal: voided.reservation.payment.amount.fen(),
                original: None,
            });
        }
        if let Self::Posted(posted) = self {
            let stand_in = posted.stand_in.as_ref()?;
            let principal = posted.reservation.payment.amount.fen();
            return Some(Owed {
                kind: OwedKind::StandIn(stand_in.clone()),
                transaction: posted.reservation.transaction?,
                amount: principal.plus(posted.reservation.fee),
                principal,
                original: None,
            });
        }
        if let Self::ReversalDecided(decided) = self {
            let given = decided.outcome.ok()?;
            return Some(Owed {
                kind: match decided.kind {
                    GiveBack::Reversal => OwedKind::Reversal,
                    GiveBack::Refund => OwedKind::Refund,
                },
                transaction: given.transaction?,
                amount: given.principal.plus(given.fee),
                principal: given.principal,
                original: Some(decided.original),
            });
        }
        if let Self::BindDecided(decided) = self {
            return Some(Owed {
                kind: OwedKind::Verification,
                transaction: decided.debit?,
                amount: Fen::ZERO,
                principal: Fen::ZERO,
                original: None,
            });
        }
        None
    }

    /// The event since which something was owed that is settled by this one.
    pub fn pays_off(&self) -> Option<u64> {
        if let Self::AdviceTaken(taken) = self {
            Some(taken.owed_by)
        } else if let Self::StandInReconciled(reconciled) = self {
            Some(reconciled.original)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_s_name_reads_back_and_nothing_else_does() {
        for id in [0, 1, u128::MAX, 0x0123_4567_89ab_cdef] {
            let id = TransactionId::from_number(id);
            assert_eq!(TransactionId::parse(&id.to_string()), Some(id));
        }
        let upper = "0123456789ABCDEF0123456789ABCDEF";
        for text in ["", "0", upper, "+0000000000000000000000000000000"] {
            assert_eq!(TransactionId::parse(text), None, "{text}");
        }
    }
}
