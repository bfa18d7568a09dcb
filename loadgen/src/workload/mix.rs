//! Pure: what arrivals are there for, by share, as a function of (seed, index).

use super::Mode;
use crate::draw::Draw;
use crate::errand::Errand;

/// All of something, in parts.
pub(crate) const WHOLE: u32 = 1_000_000;

/// Shares of all arrivals, in parts in a million, together no more than all. Whatever is left is one
/// payment, begun online or by scanning the merchant's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mix {
    /// Paid with the payer's payment code (R56, D10).
    pub(crate) payment_code: u32,
    /// Paid by scanning the merchant's code, or the like share of what is neither paid with a
    /// payment code. The rest is online.
    pub(crate) merchant_qr: u32,
    /// Paid and reversed.
    pub(crate) reversals: u32,
    /// Paid, settled and refunded.
    pub(crate) refunds: u32,
    /// A card bound and unbound.
    pub(crate) churn: u32,
}

impl Default for Mix {
    /// Nothing but payments, by the weight of the merchants that have a code to be scanned.
    fn default() -> Self {
        Self {
            payment_code: 0,
            merchant_qr: 600_000,
            reversals: 0,
            refunds: 0,
            churn: 0,
        }
    }
}

/// A kind of errand, before its amount is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// [`Errand::Pay`].
    Pay,
    /// [`Errand::PayByCode`].
    PayByCode,
    /// [`Errand::PayAndReverse`].
    PayAndReverse,
    /// [`Errand::PayAndRefund`].
    PayAndRefund,
    /// [`Errand::Churn`].
    Churn,
}

impl Mix {
    /// Parts that are one payment and no more.
    pub(crate) fn pay(&self) -> u32 {
        let others = [self.payment_code, self.reversals, self.refunds, self.churn];
        others
            .iter()
            .fold(WHOLE, |left, parts| left.saturating_sub(*parts))
    }

    /// What the arrival with this draw is there for, and the draw to go on with.
    pub(crate) fn kind(&self, mut draw: Draw) -> (Kind, Draw) {
        let mut left = draw.below(WHOLE.into());
        for (parts, kind) in [
            (self.payment_code, Kind::PayByCode),
            (self.reversals, Kind::PayAndReverse),
            (self.refunds, Kind::PayAndRefund),
            (self.churn, Kind::Churn),
        ] {
            match left.checked_sub(parts.into()) {
                Some(rest) => left = rest,
                None => return (kind, draw),
            }
        }
        (Kind::Pay, draw)
    }

    /// How the payment of such an arrival is begun at a merchant whose online shop is of the mode
    /// `online`.
    pub(crate) fn mode(&self, kind: Kind, online: Mode, draw: &mut Draw) -> Mode {
        let without_code = WHOLE.saturating_sub(self.payment_code);
        let scans = draw.below(without_code.into()) < self.merchant_qr.into();
        match kind {
            Kind::PayByCode => Mode::PaymentCode,
            _ if scans => Mode::MerchantQr,
            _ => online,
        }
    }
}

impl Kind {
    /// The errand, when the price is known. Of what is given back, half is all of it and the rest a
    /// part from 1 fen up to all.
    pub(crate) fn errand(self, amount_fen: u64, draw: &mut Draw) -> Errand {
        let back_fen = |draw: &mut Draw| match draw.below(2) {
            0 => amount_fen,
            _ => 1 + draw.below(amount_fen),
        };
        match self {
            Self::Pay => Errand::Pay,
            Self::PayByCode => Errand::PayByCode,
            Self::PayAndReverse => Errand::PayAndReverse {
                back_fen: back_fen(draw),
            },
            Self::PayAndRefund => Errand::PayAndRefund {
                back_fen: back_fen(draw),
            },
            Self::Churn => Errand::Churn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Purpose;

    const EVERYTHING: Mix = Mix {
        payment_code: 200_000,
        merchant_qr: 500_000,
        reversals: 100_000,
        refunds: 50_000,
        churn: 20_000,
    };

    fn count(mix: &Mix, counted: impl Fn(Kind, Mode, Errand) -> bool) -> usize {
        let arrivals = (0..100_000).map(|index| {
            let (kind, mut draw) = mix.kind(Draw::new(3, Purpose::Errand, index));
            let mode = mix.mode(kind, Mode::OnlineApp, &mut draw);
            (kind, mode, kind.errand(10_000, &mut draw))
        });
        arrivals
            .filter(|&(kind, mode, errand)| counted(kind, mode, errand))
            .count()
    }

    #[test]
    fn errands_and_modes_have_their_shares() {
        let check = |found: usize, expected: usize| {
            assert!(found.abs_diff(expected) < 600, "{found} for {expected}");
        };
        let of = |wanted| count(&EVERYTHING, move |kind, _, _| kind == wanted);
        check(of(Kind::PayByCode), 20_000);
        check(of(Kind::PayAndReverse), 10_000);
        check(of(Kind::PayAndRefund), 5_000);
        check(of(Kind::Churn), 2_000);
        check(of(Kind::Pay), 63_000);
        assert_eq!(EVERYTHING.pay(), 630_000);
        let mode = |wanted| count(&EVERYTHING, move |_, mode, _| mode == wanted);
        check(mode(Mode::PaymentCode), 20_000);
        check(mode(Mode::MerchantQr), 50_000);
        check(mode(Mode::OnlineApp), 30_000);
    }

    #[test]
    fn a_payment_code_is_a_mode_and_an_errand_of_its_own() {
        let odd = count(&EVERYTHING, |_, mode, errand| {
            (mode == Mode::PaymentCode) != (errand == Errand::PayByCode)
        });
        assert_eq!(odd, 0);
        let all_code = Mix {
            payment_code: WHOLE,
            merchant_qr: 0,
            ..Mix::default()
        };
        assert_eq!(
            count(&all_code, |kind, _, _| kind == Kind::PayByCode),
            100_000
        );
        assert_eq!(all_code.pay(), 0);
    }

    #[test]
    fn half_of_what_is_given_back_is_all_of_it_and_the_rest_a_part() {
        let back = |errand| match errand {
            Errand::PayAndReverse { back_fen } | Errand::PayAndRefund { back_fen } => {
                Some(back_fen)
            }
            Errand::Pay | Errand::PayByCode | Errand::Churn => None,
        };
        let all = count(&EVERYTHING, |_, _, errand| back(errand) == Some(10_000));
        let part = |from: u64, to: u64| {
            count(&EVERYTHING, move |_, _, errand| {
                back(errand).is_some_and(|fen| (from..to).contains(&fen))
            })
        };
        assert!(all.abs_diff(7_500) < 400, "{all} in full");
        assert!(part(1, 5_000).abs_diff(3_750) < 300);
        assert!(part(5_000, 10_000).abs_diff(3_750) < 300);
        assert_eq!(part(0, 1) + part(10_001, u64::MAX), 0);
        let mut draw = Draw::new(1, Purpose::Errand, 1);
        let least = Kind::PayAndReverse.errand(1, &mut draw);
        assert_eq!(least, Errand::PayAndReverse { back_fen: 1 });
    }
}
