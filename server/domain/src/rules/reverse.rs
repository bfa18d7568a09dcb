//! The ladder of `Reverse`: giving an authorisation back before it settles (D13, D14, D25).

use super::refuse_if;
use crate::decline::{AmountOverLimit, Evidence};
use crate::fee::fee_given_back;
use crate::money::{Amount, Fen};
use crate::refusal::{Refused, ReversalRefusal as Reason};

/// What is known of the authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Original {
    /// It was approved.
    pub approved: bool,
    /// It is settled by now (D25).
    pub settled: bool,
    /// Its principal.
    pub principal: Amount,
    /// Its fee.
    pub fee: Fen,
    /// Principal given back so far.
    pub given_back: Fen,
    /// Fee given back so far.
    pub fee_given_back: Fen,
}

/// What one reversal gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenBack {
    /// Of the principal.
    pub principal: Fen,
    /// Of the fee, so that parts add up to the whole (D14).
    pub fee: Fen,
    /// Of the principal that remains afterwards.
    pub remaining: Fen,
}

/// Decides one reversal; `amount` is None for all that remains. Never clamped (D13).
pub fn decide(original: &Original, amount: Option<Amount>) -> Result<GivenBack, Refused<Reason>> {
    let because = |reason| move || Refused::because(reason);
    let remaining = original.principal.fen().minus(original.given_back);
    refuse_if(original.settled, because(Reason::AlreadySettled))?; // D25
    let nothing_left = original.approved && remaining == Fen::ZERO;
    refuse_if(nothing_left, because(Reason::AlreadyReversed))?;
    let asked = amount.map_or(remaining, Amount::fen);
    refuse_if(original.approved && asked > remaining, || Refused {
        reason: Reason::ExceedsRemaining, // D13
        evidence: Evidence::Amount(AmountOverLimit {
            observed: asked,
            limit: original.principal.fen(),
            remaining,
            largest_approvable: remaining,
            resets_at: None,
        }),
    })?;
    refuse_if(!original.approved, because(Reason::DeclinedOriginal))?;
    let so_far = original.given_back.plus(asked);
    let fee_so_far = fee_given_back(original.fee, original.principal, so_far);
    Ok(GivenBack {
        principal: asked,
        fee: fee_so_far.minus(original.fee_given_back),
        remaining: remaining.minus(asked),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(principal: i64, fee: i64, given_back: i64, fee_given_back: i64) -> Original {
        Original {
            approved: true,
            settled: false,
            principal: Amount::from_fen(principal).unwrap(),
            fee: Fen::new(fee),
            given_back: Fen::new(given_back),
            fee_given_back: Fen::new(fee_given_back),
        }
    }

    fn reverse(original: Original, amount: i64) -> Result<(i64, i64, i64), Reason> {
        decide(&original, Some(Amount::from_fen(amount).unwrap()))
            .map(|given| {
                (
                    given.principal.value(),
                    given.fee.value(),
                    given.remaining.value(),
                )
            })
            .map_err(|refused| refused.reason)
    }

    #[test]
    fn d14_two_parts_of_250_yuan_give_the_whole_fee_back() {
        assert_eq!(
            reverse(original(25_000, 750, 0, 0), 6_000),
            Ok((6_000, 180, 19_000))
        );
        assert_eq!(
            reverse(original(25_000, 750, 6_000, 180), 19_000),
            Ok((19_000, 570, 0))
        );
    }

    #[test]
    fn d13_more_than_remains_is_refused_and_never_clamped() {
        assert_eq!(
            reverse(original(10_000, 0, 0, 0), 10_001),
            Err(Reason::ExceedsRemaining)
        );
        assert_eq!(
            reverse(original(10_000, 0, 9_999, 0), 2),
            Err(Reason::ExceedsRemaining)
        );
        assert_eq!(
            reverse(original(10_000, 0, 10_000, 0), 1),
            Err(Reason::AlreadyReversed)
        );
    }

    #[test]
    fn the_other_rungs() {
        let settled = Original {
            settled: true,
            ..original(100, 0, 0, 0)
        };
        assert_eq!(reverse(settled, 1), Err(Reason::AlreadySettled));
        let declined = Original {
            approved: false,
            ..original(100, 0, 0, 0)
        };
        assert_eq!(reverse(declined, 1), Err(Reason::DeclinedOriginal));
        let all = decide(&original(100, 0, 40, 0), None).unwrap();
        assert_eq!((all.principal.value(), all.remaining.value()), (60, 0));
    }
}
