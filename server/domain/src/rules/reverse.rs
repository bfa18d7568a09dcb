//! The ladder of `Reverse`: giving an authorisation back before it settles (D13, D14, D25).

use super::refuse_if;
use crate::decline::{AmountOverLimit, Evidence};
use crate::event::Reversal;
use crate::fee::fee_given_back;
use crate::money::{Amount, Fen};
use crate::period::{Month, Timestamp, Year};
use crate::refusal::{Refused, ReversalRefusal as Reason};
use crate::usage::Usage;

/// What is known of the authorisation: it was declined, or these are its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    /// Its principal.
    pub principal: Amount,
    /// Its fee.
    pub fee: Fen,
    /// The month that it was counted in.
    pub month: Month,
    /// The year that it was counted in.
    pub year: Year,
    /// When it settles (D25).
    pub settles_at: Timestamp,
}

/// What was given back of an authorisation so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// Of the principal.
    pub principal: Fen,
    /// Of the fee.
    pub fee: Fen,
}

/// Decides one reversal of an approved authorisation; None in its place if it was declined.
/// `amount` is None for all that remains; it is never clamped (D13). `usage` is the account's.
pub fn decide(
    original: Option<&Original>,
    so_far: GivenBack,
    amount: Option<Amount>,
    usage: Usage,
    now: Timestamp,
) -> Result<Reversal, Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let Some(original) = original else {
        return Err(Refused::because(Reason::DeclinedOriginal));
    };
    refuse_if(now >= original.settles_at, because(Reason::AlreadySettled))?; // D25
    let remaining = original.principal.fen().minus(so_far.principal);
    refuse_if(remaining == Fen::ZERO, because(Reason::AlreadyReversed))?;
    let asked = amount.map_or(remaining, Amount::fen);
    refuse_if(asked > remaining, || Refused {
        reason: Reason::ExceedsRemaining, // D13
        evidence: Evidence::Amount(AmountOverLimit {
            observed: asked,
            limit: original.principal.fen(),
            remaining,
            largest_approvable: remaining,
            resets_at: None,
        }),
    })?;

    // From here on nothing can fail.
    let given_back = so_far.principal.plus(asked);
    let fee_given_back = fee_given_back(original.fee, original.principal, given_back);
    let open = usage.at(now);
    Ok(Reversal {
        principal: asked,
        fee: fee_given_back.minus(so_far.fee), // D14
        remaining: remaining.minus(asked),
        month: original.month,
        year: original.year,
        month_restored: original.month == open.month,
        year_restored: original.year == open.year,
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
            settles_at: at("2024-02-02T00:00:00+08:00"),
        }
    }

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    fn reverse_at(
        original: Option<Original>,
        (principal, fee): (i64, i64),
        amount: Option<i64>,
        now: &str,
    ) -> Result<Reversal, Reason> {
        let so_far = GivenBack {
            principal: Fen::new(principal),
            fee: Fen::new(fee),
        };
        let amount = amount.map(|fen| Amount::from_fen(fen).unwrap());
        decide(original.as_ref(), so_far, amount, Usage::default(), at(now))
            .map_err(|refused| refused.reason)
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
}
