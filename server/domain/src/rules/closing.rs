//! The ladders of `CloseAccount` and `EraseAccount` (decision 0042).

use super::refuse_if;
use crate::account::Account;
use crate::decline::Evidence;
use crate::event::{AccountClosed, Erasure, ErasureBegun, Unbound};
use crate::money::Fen;
use crate::period::Timestamp;
use crate::refusal::{ClosingRefusal, ErasureRefusal, Refused};

/// Personal data stay at least so long after an account was closed: until no key is known any more whose
/// answer they are part of (D18).
pub const LEAST_KEPT_SECONDS: u32 = 2 * 24 * 60 * 60;

/// Decides whether an account is closed. Its cards are unbound by that: whoever closes it has the person's
/// word, and not the password.
pub fn close(account: &Account) -> AccountClosed {
    let unbound = || {
        let cards = account.cards().iter().map(|card| Unbound {
            card: account.fingerprints_of(card),
            bound_by: card.bound_by,
        });
        cards.collect()
    };
    AccountClosed {
        outcome: climb_to_close(account).map(|()| unbound()),
    }
}

fn climb_to_close(account: &Account) -> Result<(), Refused<ClosingRefusal>> {
    use ClosingRefusal as Reason;
    let because = |reason| move || Refused::because(reason);
    refuse_if(account.closure().is_some(), because(Reason::AlreadyClosed))?;
    let is_binding = !account.pending_binds().is_empty();
    refuse_if(is_binding, because(Reason::BindUnderWay))?;
    let has_money = account.balance() != Fen::ZERO;
    refuse_if(has_money, because(Reason::BalanceLeft))?;
    let is_awaited = account.stood_in() != Fen::ZERO;
    refuse_if(is_awaited, because(Reason::StandInOpen))
}

/// From when on personal data may be erased of an account that was closed then. `kept` is the retention in
/// seconds.
pub fn erasable_from(closed_at: Timestamp, kept: u32) -> Timestamp {
    closed_at.plus_seconds(kept.max(LEAST_KEPT_SECONDS))
}

/// Decides whether the erasure of personal data begins. `kept` is the retention in seconds.
pub fn erase(account: &Account, kept: u32, now: Timestamp) -> ErasureBegun {
    ErasureBegun {
        outcome: climb_to_erase(account, kept, now),
    }
}

fn climb_to_erase(
    account: &Account,
    kept: u32,
    now: Timestamp,
) -> Result<(), Refused<ErasureRefusal>> {
    use ErasureRefusal as Reason;
    let because = |reason| move || Refused::because(reason);
    let Some(closure) = account.closure() else {
        return Err(Refused::because(Reason::NotClosed));
    };
    let is_begun = closure.erasure != Erasure::NotAsked;
    refuse_if(is_begun, because(Reason::AlreadyBegun))?;
    let from = erasable_from(closure.closed_at, kept);
    refuse_if(now < from, || Refused {
        reason: Reason::RetentionNotOver,
        evidence: Evidence::Until(from),
    })?;
    let has_money = account.balance() != Fen::ZERO;
    refuse_if(has_money, because(Reason::BalanceLeft))
}
