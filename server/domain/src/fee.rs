//! The fee, and how it is given back (R71, D4, D14).

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::event::Funding;
use crate::money::{Amount, Fen};
use crate::policy::FeeRule;

/// The fee on a payment: nothing up to the waived amount, else a share of the whole principal,
/// rounded half away from zero to the fen (D4).
pub fn fee(amount: Amount, rule: &FeeRule) -> Fen {
    if amount.fen() <= rule.waived_up_to {
        return Fen::ZERO;
    }
    round(Decimal::from(amount.fen().value()).saturating_mul(rule.rate))
}

/// The fee on a payment from one funding or another: the balance has none (D12).
pub fn fee_from(funding: Funding, amount: Amount, rule: &FeeRule) -> Fen {
    match funding {
        Funding::Card(_) | Funding::Unknown => fee(amount, rule), // R71
        Funding::Balance => Fen::ZERO,
    }
}

/// The fee that shall have been given back in all once `given_back` of the principal has been:
/// computed from the totals each time, so that parts add up to the whole (D14).
pub fn fee_given_back(fee: Fen, principal: Amount, given_back: Fen) -> Fen {
    let share = Decimal::from(fee.value()).saturating_mul(Decimal::from(given_back.value()));
    share
        .checked_div(Decimal::from(principal.fen().value()))
        .map_or(Fen::ZERO, round)
}

fn round(fen: Decimal) -> Fen {
    let rounded = fen.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    Fen::new(rounded.to_i64().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn amount(fen: i64) -> Amount {
        Amount::from_fen(fen).unwrap()
    }

    #[test]
    fn r71_d4_the_fee_is_on_the_whole_principal_above_the_waived_amount() {
        let rule = Policy::weixin_2023().fee;
        for (principal, expected) in [
            (1, 0),
            (20_000, 0),
            (20_001, 600),
            (20_016, 600),
            (20_017, 601),
            (20_150, 605),
            (600_000, 18_000),
            (Amount::MAX_FEN, 30_000_000_000),
        ] {
            assert_eq!(
                fee(amount(principal), &rule).value(),
                expected,
                "{principal}"
            );
        }
    }

    #[test]
    fn d14_parts_given_back_add_up_to_the_fee() {
        let principal = amount(25_000);
        let whole = fee(principal, &Policy::weixin_2023().fee);
        assert_eq!(whole.value(), 750);
        let first = fee_given_back(whole, principal, Fen::new(6_000));
        let both = fee_given_back(whole, principal, Fen::new(25_000));
        assert_eq!(first.value(), 180);
        assert_eq!(both.minus(first).value(), 570);
    }

    proptest::proptest! {
        #[test]
        fn d14_no_fen_is_lost_or_won(principal in 20_001_i64..600_000, cuts in proptest::collection::vec(1_i64..50_000, 1..8)) {
            let principal = amount(principal);
            let whole = fee(principal, &Policy::weixin_2023().fee);
            let mut given_back = Fen::ZERO;
            let mut fee_back = Fen::ZERO;
            for cut in cuts {
                given_back = Fen::new((given_back.value() + cut).min(principal.fen().value()));
                let total = fee_given_back(whole, principal, given_back);
                proptest::prop_assert!(total >= fee_back && total <= whole);
                fee_back = total;
            }
            proptest::prop_assert_eq!(fee_given_back(whole, principal, principal.fen()), whole);
        }
    }
}
