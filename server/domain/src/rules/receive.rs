//! The ladder of `ReceiveFunds`: red packets and transfers into the balance (R72, D12).

use super::refuse_if;
use crate::account::Account;
use crate::event::{FundsKind, FundsReceived};
use crate::identity::DocumentType;
use crate::money::Amount;
use crate::refusal::{ReceiveRefusal as Reason, Refused};

/// Decides whether money comes into the balance.
pub fn decide(account: &Account, kind: FundsKind, amount: Amount) -> FundsReceived {
    FundsReceived {
        kind,
        amount,
        outcome: climb(account).map(|()| account.balance().plus(amount.fen())),
    }
}

fn climb(account: &Account) -> Result<(), Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let Some(identity) = account.identity() else {
        return Err(Refused::because(Reason::WalletNotVerified));
    };
    let by_passport = identity.document == DocumentType::Passport;
    refuse_if(by_passport, because(Reason::IdentityNotPermitted))?; // R72
    refuse_if(account.cards().is_empty(), because(Reason::NoBoundCard)) // R72
}
