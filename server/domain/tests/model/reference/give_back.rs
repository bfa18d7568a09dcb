//! Reversals, refunds and early settlement (D13, D14, D25).

use waika_domain::event::GiveBack;

use super::ladder::half_up;
use super::{Happening, Model, Paid, Source, Verdict, refuse};
use crate::answer::Answer;
use crate::calendar::{Ms, month, year};
use crate::terms::Terms;

impl Model {
    /// The payment that was decided by that event.
    pub(crate) fn decided(&self, original: u64) -> Option<Paid> {
        let mut all = self.paid().into_iter();
        all.find(|paid| paid.decided == Some(original))
    }

    /// Gives an amount back, or all that remains.
    pub(crate) fn give_back(
        &self,
        (original, kind, amount): (u64, GiveBack, Option<i64>),
        terms: &Terms,
        now: Ms,
    ) -> Verdict {
        let paid = self.decided(original).unwrap();
        let remaining = paid.principal - paid.given_back();
        let settled = paid.is_settled(now);
        let fen = amount.unwrap_or(remaining);
        let climbed = refuse(paid.is_void, "DECLINED_ORIGINAL")
            .and_then(|()| refuse(kind == GiveBack::Reversal && settled, "ALREADY_SETTLED"))
            .and_then(|()| refuse(kind == GiveBack::Refund && !settled, "NOT_SETTLED"))
            .and_then(|()| refuse(remaining == 0, "ALREADY_REVERSED"));
        if let Err(answer) = climbed {
            return Verdict::new(answer, Vec::new());
        }
        if fen > remaining {
            let answer = Answer::of("EXCEEDS_REMAINING")
                .with("observed", fen)
                .with("limit", paid.principal)
                .with("remaining", remaining)
                .with("at_most", remaining);
            return Verdict::new(answer, Vec::new());
        }
        let restores = paid.counts() && (kind == GiveBack::Reversal || terms.refund_restores_limit);
        let open = self.open_at(now);
        let in_month = restores && month(paid.counted_at) == month(open);
        let in_year = restores && year(paid.counted_at) == year(open);
        let balance = paid.source == Source::Balance;
        let answer = Answer::of("GIVEN_BACK")
            .with("principal", fen)
            .with("fee", fee_back(&paid, fen))
            .with("remaining", remaining - fen)
            .with("month_restored", i64::from(in_month))
            .with("year_restored", i64::from(in_year))
            .with_any("balance_left", balance.then(|| self.balance() + fen));
        let gave = Happening::GaveBack {
            original,
            kind,
            fen,
            restores,
        };
        Verdict::new(answer, vec![gave])
    }

    /// D25: earlier than by age, of what was not reversed.
    pub(crate) fn settle(&self, original: u64, now: Ms) -> Verdict {
        let paid = self.decided(original).unwrap();
        let given_back = paid.given_back();
        let climbed = refuse(paid.is_void, "DECLINED_ORIGINAL")
            .and_then(|()| refuse(paid.is_settled(now), "ALREADY_SETTLED"))
            .and_then(|()| refuse(given_back == paid.principal, "ALREADY_REVERSED"));
        if let Err(answer) = climbed {
            return Verdict::new(answer, Vec::new());
        }
        let answer = Answer::of("SETTLED")
            .with("principal", paid.principal - given_back)
            .with("fee", paid.fee - fee_of(&paid, given_back));
        Verdict::new(answer, vec![Happening::Settled { original }])
    }
}

/// D14: what shall have been given back of the fee once so much of the principal has been.
fn fee_of(paid: &Paid, given_back: i64) -> i64 {
    half_up(
        i128::from(paid.fee) * i128::from(given_back),
        i128::from(paid.principal),
    )
}

fn fee_back(paid: &Paid, fen: i64) -> i64 {
    let before = paid.given_back();
    fee_of(paid, before + fen) - fee_of(paid, before)
}
