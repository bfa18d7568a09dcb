//! Whatever is paid, reversed, settled early and refunded: the statements of all days together
//! are what was approved, less what was given back, to the fen.

use proptest::prelude::*;
use waika_domain::event::GiveBack;
use waika_domain::period::Timestamp;

use super::testing::{Journal, at};
use super::{LineKind, Statement};

const DAY_MS: i64 = 86_400_000;
const MERCHANTS: [Option<&str>; 3] = [Some("noodles"), Some("tea"), None];

/// What is tried with the payment of some number; the rules may refuse it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pay { merchant: usize, fen: i64 },
    Reverse { which: usize, fen: Option<i64> },
    Refund { which: usize, fen: Option<i64> },
    Settle { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let fen = prop_oneof![1_i64..=30_000, 20_000_i64..=600_000];
    let part = || prop_oneof![Just(None), (1_i64..=300_000).prop_map(Some)];
    let which = any::<usize>;
    prop_oneof![
        6 => (0..MERCHANTS.len(), fen).prop_map(|(merchant, fen)| Step::Pay { merchant, fen }),
        3 => (which(), part()).prop_map(|(which, fen)| Step::Reverse { which, fen }),
        4 => (which(), part()).prop_map(|(which, fen)| Step::Refund { which, fen }),
        2 => which().prop_map(|which| Step::Settle { which }),
    ]
}

/// How long before a step, in milliseconds: also exactly to midnight, and one before it.
fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![
        0..3_600_000_i64,
        0..2 * DAY_MS,
        Just(DAY_MS),
        Just(DAY_MS - 1),
        Just(1)
    ]
}

/// Principal and fee of one merchant, or of all.
type Sums = (i64, i64);

/// The journal that some steps write, what it comes to for each merchant, and when it ends.
fn written(steps: &[(i64, Step)]) -> (Journal, [Sums; 2], Timestamp) {
    let mut journal = Journal::default();
    let mut payments: Vec<(u64, usize)> = Vec::new();
    let mut sums = [(0, 0); 2];
    let mut now = at("2024-01-30");
    for (pause, step) in steps {
        now = Timestamp::from_unix_ms(now.unix_ms() + pause);
        let chosen = |which: usize| payments.get(which.checked_rem(payments.len())?).copied();
        let mut give_back = |kind, which, fen| {
            let (original, merchant) = chosen(which)?;
            let given = journal.give_back(kind, original, now, fen)?;
            let sums = sums.get_mut(merchant)?;
            sums.0 -= given.principal.value();
            sums.1 -= given.fee.value();
            Some(())
        };
        match *step {
            Step::Reverse { which, fen } => drop(give_back(GiveBack::Reversal, which, fen)),
            Step::Refund { which, fen } => drop(give_back(GiveBack::Refund, which, fen)),
            Step::Settle { which } => {
                let settled = chosen(which).map(|(original, _)| journal.settle(original, now));
                let _ = settled;
            }
            Step::Pay { merchant, fen } => {
                let sequence = journal.pay(now, MERCHANTS[merchant], fen);
                payments.push((sequence, merchant));
                if let Some(sums) = sums.get_mut(merchant) {
                    sums.0 += fen;
                    // As D4 says, written once more: 3 % above 200.00, half away from zero.
                    sums.1 += if fen > 20_000 {
                        (fen * 3 + 50) / 100
                    } else {
                        0
                    };
                }
            }
        }
    }
    (journal, sums, now)
}

/// The totals of a statement are the sums of its lines.
fn check_totals(statement: &Statement) {
    let lines = statement.lines.iter();
    let of_lines: Sums = lines.fold((0, 0), |sums, line| {
        (sums.0 + line.principal_fen, sums.1 + line.fee_fen)
    });
    let totals = statement.totals.iter();
    let of_totals: Sums = totals.fold((0, 0), |sums, total| {
        (sums.0 + total.principal_fen, sums.1 + total.fee_fen)
    });
    assert_eq!(of_totals, of_lines, "{statement:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn d25_all_days_add_up_to_approvals_less_reversals_and_refunds(
        steps in prop::collection::vec((pause(), step()), 1..60),
    ) {
        let (journal, expected, end) = written(&steps);
        let last = Timestamp::from_unix_ms(end.unix_ms() + 4 * DAY_MS);
        let mut found = [(0, 0); 2];
        let mut settled = Vec::new();
        let mut day = at("2024-01-30").day();
        while day <= last.day() {
            let statement = journal.statement(&day.to_string(), None, last);
            check_totals(&statement);
            for total in &statement.totals {
                let name = Some(total.merchant.as_str());
                let place = MERCHANTS.iter().position(|known| *known == name);
                let sums = &mut found[place.unwrap()];
                sums.0 += total.principal_fen;
                sums.1 += total.fee_fen;
            }
            let lines = statement.lines.iter();
            let settlements = lines.filter(|line| line.kind == LineKind::Settlement);
            settled.extend(settlements.map(|line| line.authorisation.sequence()));
            day = day.plus_days(1);
        }
        prop_assert_eq!(found, expected);
        let times = settled.len();
        settled.sort_unstable();
        settled.dedup();
        prop_assert_eq!(times, settled.len(), "no payment settles twice");
    }
}
