//! The ladders of `Reverse`, `Refund` and `Settle`: what may still become of an authorisation
//! (D13, D14, D25).

use super::refuse_if;
use crate::account::Account;
use crate::decline::{AmountOverLimit, Evidence};
use crate::event::{GiveBack, Reservation, Reversal, Settled, Transaction};
use crate::fee::fee_given_back;
use crate::money::{Amount, Fen};
use crate::period::{Month, Timestamp, Year};
use crate::policy::Policy;
use crate::refusal::{Refused, ReversalRefusal as Reason};

/// What was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    /// Its principal.
    pub principal: Amount,
    /// Its fee.
    pub fee: Fen,
    /// The month that it was decided in.
    pub month: Month,
    /// The year that it was decided in.
    pub year: Year,
    /// It was counted in them: not if the balance paid (D12).
    pub counts: bool,
    /// When it settles by its age (D25).
    pub settles_at: Timestamp,
    /// What its issuer knows it by, if one was asked.
    pub transaction: Option<Transaction>,
}

impl Original {
    /// What is known of it from its reservation.
    pub fn of(reservation: &Reservation) -> Self {
        Self {
            principal: reservation.payment.amount,
            fee: reservation.fee,
            month: reservation.month,
            year: reservation.year,
            counts: reservation.counts(),
            settles_at: reservation.settles_at,
            transaction: reservation.transaction,
        }
    }
}

/// What was given back of an authorisation so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// Of the principal.
    pub principal: Fen,
    /// Of the fee.
    pub fee: Fen,
}

impl GivenBack {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            principal: self.principal.plus(other.principal),
            fee: self.fee.plus(other.fee),
        }
    }
}

/// What became of an authorisation so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Given back before it settled.
    pub reversed: GivenBack,
    /// Given back after it settled.
    pub refunded: GivenBack,
    /// When it was settled early, if it was.
    pub settled_at: Option<Timestamp>,
}

impl SoFar {
    /// All that was given back.
    pub const fn given_back(&self) -> GivenBack {
        self.reversed.plus(self.refunded)
    }
}

/// An approved payment, and what became of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    /// What was authorised.
    pub original: Original,
    /// What became of it.
    pub so_far: SoFar,
}

impl Approved {
    /// True once it can no longer be reversed (D25). What was refunded had settled, wherever the
    /// clock stands now (D1).
    pub fn is_settled(&self, now: Timestamp) -> bool {
        self.so_far.settled_at.is_some()
            || self.so_far.refunded.principal > Fen::ZERO
            || now >= self.original.settles_at
    }

    /// What could still be given back.
    pub fn remaining(&self) -> Fen {
        let principal = self.original.principal.fen();
        principal.minus(self.so_far.given_back().principal)
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Before settlement or after it.
    pub kind: GiveBack,
    /// How much; None for all that remains.
    pub amount: Option<Amount>,
}

/// Decides one reversal or refund; `approved` is None if the payment was declined. The amount is
/// never clamped (D13).
pub fn decide(
    account: &Account,
    asked: Asked,
    approved: Option<&Approved>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Reversal, Refused<Reason>> {
    let approved = approved.ok_or(Refused::because(Reason::DeclinedOriginal))?;
    match (asked.kind, approved.is_settled(now)) {
        (GiveBack::Reversal, true) => return Err(Refused::because(Reason::AlreadySettled)), // D25
        (GiveBack::Refund, false) => return Err(Refused::because(Reason::NotSettled)),      // D25
        (GiveBack::Reversal, false) | (GiveBack::Refund, true) => {}
    }
    let amount = check_remaining(approved, asked.amount)?;

    // From here on nothing can fail.
    let Approved { original, so_far } = approved;
    let before = so_far.given_back();
    let given_back = before.principal.plus(amount);
    let fee_given_back = fee_given_back(original.fee, original.principal, given_back);
    let open = account.usage().at(now);
    let restores = original.counts
        && match asked.kind {
            GiveBack::Reversal => true,
            GiveBack::Refund => policy.refund_restores_limit, // D13
        };
    Ok(Reversal {
        principal: amount,
        fee: fee_given_back.minus(before.fee), // D14
        remaining: approved.remaining().minus(amount),
        month: original.month,
        year: original.year,
        month_restored: restores && original.month == open.month,
        year_restored: restores && original.year == open.year,
        balance_left: (!original.counts).then(|| account.balance().plus(amount)),
        transaction: original.transaction,
    })
}

/// What is to be given back: never more than remains, never nothing.
fn check_remaining(approved: &Approved, asked: Option<Amount>) -> Result<Fen, Refused<Reason>> {
    let remaining = approved.remaining();
    refuse_if(remaining == Fen::ZERO, || {
        Refused::because(Reason::AlreadyReversed)
    })?;
    let amount = asked.map_or(remaining, Amount::fen);
    refuse_if(amount > remaining, || Refused {
        reason: Reason::ExceedsRemaining, // D13
        evidence: Evidence::Amount(AmountOverLimit {
            observed: amount,
            limit: approved.original.principal.fen(),
            remaining,
            largest_approvable: remaining,
            resets_at: None,
        }),
    })?;
    Ok(amount)
}

/// Decides an early settlement (D25): of what was not reversed.
pub fn settle(approved: Option<&Approved>, now: Timestamp) -> Result<Settled, Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let approved = approved.ok_or(Refused::because(Reason::DeclinedOriginal))?;
    refuse_if(approved.is_settled(now), because(Reason::AlreadySettled))?;
    let remaining = approved.remaining();
    refuse_if(remaining == Fen::ZERO, because(Reason::AlreadyReversed))?;
    Ok(Settled {
        principal: remaining,
        fee: approved
            .original
            .fee
            .minus(approved.so_far.given_back().fee),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Month = Month::from_civil(2024, 1);
    const YEAR: Year = Year::from_number(2024);

    fn original(principal: i64, fee: i64) -> Original {
        Original {
            principal: Amount::from_fen(principal).unwrap(),
            fee: Fen::new(fee),
            month: MONTH,
            year: YEAR,
            counts: true,
            settles_at: at("2024-02-02T00:00:00+08:00"),
            transaction: None,
        }
    }

    fn account() -> Account {
        Account::open(crate::event::WalletRegion::Mainland)
    }

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    fn give_back(
        kind: GiveBack,
        original: Option<Original>,
        (principal, fee): (i64, i64),
        amount: Option<i64>,
        now: &str,
    ) -> Result<Reversal, Reason> {
        let reversed = GivenBack {
            principal: Fen::new(principal),
            fee: Fen::new(fee),
        };
        let approved = original.map(|original| Approved {
            original,
            so_far: SoFar {
                reversed,
                ..SoFar::default()
            },
        });
        let amount = amount.map(|fen| Amount::from_fen(fen).unwrap());
        let asked = Asked { kind, amount };
        let policy = Policy::weixin_2023();
        decide(&account(), asked, approved.as_ref(), &policy, at(now))
            .map_err(|refused| refused.reason)
    }

    fn reverse_at(
        original: Option<Original>,
        so_far: (i64, i64),
        amount: Option<i64>,
        now: &str,
    ) -> Result<Reversal, Reason> {
        give_back(GiveBack::Reversal, original, so_far, amount, now)
    }

    fn reverse(
        original: Original,
        so_far: (i64, i64),
        amount: impl Into<Option<i64>>,
    ) -> Result<(i64, i64, i64), Reason> {
        let now = "2024-01-31T12:00:00+08:00";
        reverse_at(Some(original), so_far, amount.into(), now).map(|given| {
            (
                given.principal.value(),
                given.fee.value(),
                given.remaining.value(),
            )
        })
    }

    #[test]
    fn d14_two_parts_of_250_yuan_give_the_whole_fee_back() {
        let whole = original(25_000, 750);
        assert_eq!(reverse(whole, (0, 0), 6_000), Ok((6_000, 180, 19_000)));
        assert_eq!(reverse(whole, (6_000, 180), 19_000), Ok((19_000, 570, 0)));
        assert_eq!(reverse(whole, (6_000, 180), None), Ok((19_000, 570, 0)));
    }

    #[test]
    fn d13_more_than_remains_is_refused_and_never_clamped() {
        let whole = original(10_000, 0);
        let exceeds = Err(Reason::ExceedsRemaining);
        assert_eq!(reverse(whole, (0, 0), 10_001), exceeds);
        assert_eq!(reverse(whole, (9_999, 0), 2), exceeds);
        assert_eq!(reverse(whole, (10_000, 0), 1), Err(Reason::AlreadyReversed));
        assert_eq!(
            reverse(whole, (10_000, 0), None),
            Err(Reason::AlreadyReversed)
        );
    }

    #[test]
    fn d25_what_is_settled_or_was_declined_is_not_reversed() {
        let in_time = "2024-02-01T23:59:59.999+08:00";
        let settled = "2024-02-02T00:00:00.000+08:00";
        let whole = original(100, 0);
        let outcome =
            |original, now| reverse_at(original, (0, 0), None, now).map(|given| given.principal);
        assert_eq!(outcome(Some(whole), in_time), Ok(Fen::new(100)));
        assert_eq!(outcome(Some(whole), settled), Err(Reason::AlreadySettled));
        assert_eq!(outcome(None, settled), Err(Reason::DeclinedOriginal));
    }

    #[test]
    fn d13_the_first_of_february_gives_january_back_to_the_year_only() {
        let given = |now| {
            let given = reverse_at(Some(original(100_000, 3_000)), (0, 0), None, now).unwrap();
            (given.month_restored, given.year_restored)
        };
        assert_eq!(given("2024-01-31T23:59:59.999+08:00"), (true, true));
        assert_eq!(given("2024-02-01T00:00:00.000+08:00"), (false, true));
    }

    #[test]
    fn d13_a_refund_comes_after_settlement_and_gives_no_limit_back() {
        let before = "2024-02-01T23:59:59.999+08:00";
        let after = "2024-02-02T00:00:00.000+08:00";
        let whole = Some(original(25_000, 750));
        let refund = |amount, now| give_back(GiveBack::Refund, whole, (6_000, 180), amount, now);
        assert_eq!(refund(None, before), Err(Reason::NotSettled));
        assert_eq!(refund(Some(19_001), after), Err(Reason::ExceedsRemaining));
        let given = refund(None, after).unwrap();
        assert_eq!(
            (given.principal, given.fee),
            (Fen::new(19_000), Fen::new(570))
        );
        assert!(!given.month_restored && !given.year_restored);
    }

    #[test]
    fn d25_what_is_not_reversed_can_be_settled_early_and_once() {
        let now = at("2024-01-31T12:00:00+08:00");
        let mut approved = Approved {
            original: original(25_000, 750),
            so_far: SoFar::default(),
        };
        approved.so_far.reversed = GivenBack {
            principal: Fen::new(6_000),
            fee: Fen::new(180),
        };
        let settled = settle(Some(&approved), now).unwrap();
        assert_eq!(
            (settled.principal, settled.fee),
            (Fen::new(19_000), Fen::new(570))
        );
        let reason = |approved: Option<&Approved>| settle(approved, now).unwrap_err().reason;
        assert_eq!(reason(None), Reason::DeclinedOriginal);
        approved.so_far.settled_at = Some(now);
        assert_eq!(reason(Some(&approved)), Reason::AlreadySettled);
        approved.so_far.settled_at = None;
        approved.so_far.reversed.principal = Fen::new(25_000);
        assert_eq!(reason(Some(&approved)), Reason::AlreadyReversed);
    }
}
