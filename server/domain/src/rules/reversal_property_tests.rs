//! Payments and reversals in any mix, held against a plain list of what was approved and what was
//! given back of it, and when (D1, D13, D14, D25).

use proptest::prelude::*;

use super::authorise::{Decision, decide, resolve};
use super::reverse::{self, GivenBack, Original};
use super::settlement::settles_at;
use super::testing::wallet::{Wallet, merchant, payment, payment_facts};
use crate::account::Account;
use crate::event::{ApprovalCode, Event, ReversalDecided};
use crate::money::{Amount, Fen};
use crate::period::Timestamp;
use crate::refusal::ReversalRefusal as Reason;

const SINGLE: i64 = 600_000;
const MONTH: i64 = 5_000_000;
const YEAR: i64 = 6_000_000;

#[derive(Debug, Clone)]
enum Step {
    Pay {
        fen: i64,
    },
    /// Of the approved payment of that number; None for all that remains.
    Reverse {
        which: usize,
        fen: Option<i64>,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let fen = prop_oneof![
        2 => 1_i64..=30_000,
        5 => 450_000..=SINGLE,
        1 => Just(20_001),
    ];
    let part = prop_oneof![
        2 => Just(None),
        3 => (1_i64..=300_000).prop_map(Some),
        1 => (1_i64..=30).prop_map(Some),
    ];
    prop_oneof![
        6 => fen.prop_map(|fen| Step::Pay { fen }),
        4 => (any::<usize>(), part).prop_map(|(which, fen)| Step::Reverse { which, fen }),
    ]
}

/// How time passes before a step: milliseconds.
#[derive(Debug, Clone)]
enum Pause {
    By(i64),
    /// To so long before or after the end of the month.
    ToMonthEnd(i64),
}

impl Pause {
    fn after(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix_ms(match *self {
            Self::By(ms) => now.unix_ms() + ms,
            Self::ToMonthEnd(ms) => now.month().end().unix_ms() + ms,
        })
    }
}

/// Mostly forwards, so that months and settlements pass; sometimes back by minutes.
fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        10 => (0_i64..=3_600_000).prop_map(Pause::By),
        4 => (0_i64..=2 * 86_400_000).prop_map(Pause::By),
        4 => (-600_000_i64..=0).prop_map(Pause::By),
        3 => (-300_000_i64..=300_000).prop_map(Pause::ToMonthEnd),
    ]
}

/// An approved payment, as the second count knows it.
struct Entry {
    sequence: u64,
    original: Original,
    decided: Timestamp,
    counted_in: (i16, i8),
    principal: i64,
    fee: i64,
    given_back: i64,
    fee_given_back: i64,
    back_to_month: i64,
    back_to_year: i64,
}

struct Both {
    wallet: Wallet,
    entries: Vec<Entry>,
    /// The latest instant at which something was counted or given back: no period before it is
    /// open (D1).
    latest: Timestamp,
}

fn date(instant: Timestamp) -> jiff::civil::Date {
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let instant = jiff::Timestamp::from_millisecond(instant.unix_ms()).unwrap();
    instant.to_zoned(zone).date()
}

fn month(instant: Timestamp) -> (i16, i8) {
    let date = date(instant);
    (date.year(), date.month())
}

impl Both {
    fn open_month(&self) -> (i16, i8) {
        month(self.wallet.now.max(self.latest))
    }

    fn used(&self) -> (i64, i64) {
        let open = self.open_month();
        let entries = self.entries.iter();
        let in_month = entries
            .clone()
            .filter(|entry| entry.counted_in == open)
            .map(|entry| entry.principal - entry.back_to_month);
        let in_year = entries
            .filter(|entry| entry.counted_in.0 == open.0)
            .map(|entry| entry.principal - entry.back_to_year);
        (in_month.sum(), in_year.sum())
    }

    fn pay(&mut self, fen: i64) -> Result<(), TestCaseError> {
        let (in_month, in_year) = self.used();
        let passes = fen <= SINGLE && in_month + fen <= MONTH && in_year + fen <= YEAR;
        let merchant = merchant();
        let facts = payment_facts(&merchant);
        let payment = payment(Amount::from_fen(fen).unwrap());
        let wallet = &self.wallet;
        let decision = decide(&wallet.account, payment, &facts, &wallet.policy, wallet.now);
        let reservation = match decision {
            Decision::Decline(declined) => {
                prop_assert!(!passes, "{declined:?}");
                self.latest = self.wallet.now.max(self.latest); // D1
                self.wallet.record(Event::Declined(declined));
                return Ok(());
            }
            Decision::Reserve(reservation) => *reservation,
        };
        prop_assert!(passes);
        let decided = self.wallet.now;
        let original = Original {
            principal: reservation.payment.amount,
            fee: reservation.fee,
            month: reservation.month,
            year: reservation.year,
            settles_at: settles_at(decided, &self.wallet.policy),
        };
        let event = resolve(reservation, None, Ok(ApprovalCode(*b"A1B2C3")));
        self.latest = decided.max(self.latest);
        self.entries.push(Entry {
            sequence: self.wallet.record(event),
            original,
            decided,
            counted_in: month(self.latest),
            principal: fen,
            fee: original.fee.value(),
            given_back: 0,
            fee_given_back: 0,
            back_to_month: 0,
            back_to_year: 0,
        });
        Ok(())
    }

    fn reverse(&mut self, which: usize, fen: Option<i64>) -> Result<(), TestCaseError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let (open, now) = (self.open_month(), self.wallet.now);
        let which = which % self.entries.len();
        let entry = &mut self.entries[which];
        let so_far = GivenBack {
            principal: Fen::new(entry.given_back),
            fee: Fen::new(entry.fee_given_back),
        };
        let amount = fen.map(|fen| Amount::from_fen(fen).unwrap());
        let usage = self.wallet.account.usage();
        let outcome = reverse::decide(Some(&entry.original), so_far, amount, usage, now);
        self.wallet
            .record(Event::ReversalDecided(Box::new(ReversalDecided {
                original: entry.sequence,
                outcome,
            })));
        let remaining = entry.principal - entry.given_back;
        let asked = fen.unwrap_or(remaining);
        let days = (date(now) - date(entry.decided)).get_days();
        let expected = if days > 1 {
            Err(Reason::AlreadySettled) // D25: two midnights
        } else if remaining == 0 {
            Err(Reason::AlreadyReversed)
        } else if asked > remaining {
            Err(Reason::ExceedsRemaining)
        } else {
            Ok(asked)
        };
        let got = outcome
            .map(|given| given.principal.value())
            .map_err(|refused| refused.reason);
        prop_assert_eq!(got, expected);
        let Ok(given) = outcome else { return Ok(()) };
        self.latest = now.max(self.latest);
        entry.given_back += asked;
        entry.fee_given_back += given.fee.value();
        if entry.counted_in == open {
            entry.back_to_month += asked;
        }
        if entry.counted_in.0 == open.0 {
            entry.back_to_year += asked;
        }
        prop_assert_eq!(given.month_restored, entry.counted_in == open);
        prop_assert_eq!(given.year_restored, entry.counted_in.0 == open.0);
        // D14: half away from zero, of everything given back so far.
        let share = (2 * entry.fee * entry.given_back + entry.principal) / (2 * entry.principal);
        prop_assert_eq!(entry.fee_given_back, share);
        Ok(())
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        let usage = self.wallet.account.usage().at(self.wallet.now);
        let counted = (usage.in_month.value(), usage.in_year.value());
        prop_assert_eq!(counted, self.used());
        prop_assert!(counted.0 <= MONTH && counted.1 <= YEAR);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// D1, D13, D14: used in a window is what was approved in it less what came back while it was
    /// open; never above a limit; and the events and the parts give the same account.
    #[test]
    fn d1_d13_d14_windows_hold_what_was_approved_less_what_was_given_back(
        steps in prop::collection::vec((pause(), step()), 1..70),
    ) {
        let mut both = Both {
            wallet: Wallet::verified(),
            entries: Vec::new(),
            latest: Timestamp::default(),
        };
        for (pause, step) in steps {
            both.wallet.now = pause.after(both.wallet.now);
            match step {
                Step::Pay { fen } => both.pay(fen)?,
                Step::Reverse { which, fen } => both.reverse(which, fen)?,
            }
            both.agree()?;
        }
        let account = both.wallet.account.clone();
        prop_assert_eq!(&both.wallet.replayed(), &account);
        prop_assert_eq!(Account::from_parts(account.clone().into_parts()), account);
    }
}
