//! Payments, reversals, refunds and early settlements in any mix, held against a plain list of what
//! was approved and what was given back of it, and when (D1, D13, D14, D25).

use proptest::prelude::*;

use super::authorise::{Decision, decide, resolve};
use super::reverse::{self, Approved, Asked, GivenBack, Original, SoFar};
use super::testing::wallet::{Wallet, merchant, payment, payment_facts};
use crate::account::Account;
use crate::event::{ApprovalCode, Event, GiveBack, ReversalDecided, SettleDecided};
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
    GiveBack {
        kind: GiveBack,
        which: usize,
        fen: Option<i64>,
    },
    /// The approved payment of that number.
    Settle {
        which: usize,
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
    let kind = prop_oneof![
        3 => Just(GiveBack::Reversal),
        1 => Just(GiveBack::Refund),
    ];
    prop_oneof![
        6 => fen.prop_map(|fen| Step::Pay { fen }),
        4 => (kind, any::<usize>(), part)
            .prop_map(|(kind, which, fen)| Step::GiveBack { kind, which, fen }),
        1 => any::<usize>().prop_map(|which| Step::Settle { which }),
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
    /// What became of it, as the rules are told.
    so_far: SoFar,
    back_to_month: i64,
    back_to_year: i64,
}

impl Entry {
    fn approved(&self) -> Approved {
        Approved {
            original: self.original,
            so_far: self.so_far,
        }
    }

    /// D25: two midnights, or by word, or so long ago that some of it was refunded.
    fn is_settled(&self, now: Timestamp) -> bool {
        let days = (date(now) - date(self.decided)).get_days();
        let refunded = self.so_far.refunded.principal > Fen::ZERO;
        days > 1 || self.so_far.settled_at.is_some() || refunded
    }

    fn expected(&self, kind: GiveBack, fen: Option<i64>, now: Timestamp) -> Result<i64, Reason> {
        let remaining = self.principal - self.given_back;
        let asked = fen.unwrap_or(remaining);
        match (kind, self.is_settled(now)) {
            (GiveBack::Reversal, true) => Err(Reason::AlreadySettled),
            (GiveBack::Refund, false) => Err(Reason::NotSettled),
            _ if remaining == 0 => Err(Reason::AlreadyReversed),
            _ if asked > remaining => Err(Reason::ExceedsRemaining),
            _ => Ok(asked),
        }
    }
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
            Decision::Reserve(reservation) => reservation,
        };
        prop_assert!(passes);
        let decided = self.wallet.now;
        let original = Original::of(&reservation);
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
            so_far: SoFar::default(),
            back_to_month: 0,
            back_to_year: 0,
        });
        Ok(())
    }

    fn give_back(
        &mut self,
        kind: GiveBack,
        which: usize,
        fen: Option<i64>,
    ) -> Result<(), TestCaseError> {
        let (open, now) = (self.open_month(), self.wallet.now);
        let entry = &mut self.entries[which];
        let asked = Asked {
            kind,
            amount: fen.map(|fen| Amount::from_fen(fen).unwrap()),
        };
        let approved = entry.approved();
        let Wallet {
            account, policy, ..
        } = &self.wallet;
        let restores = kind == GiveBack::Reversal || policy.refund_restores_limit;
        let outcome = reverse::decide(account, asked, Some(&approved), policy, now);
        self.wallet
            .record(Event::ReversalDecided(Box::new(ReversalDecided {
                kind,
                original: entry.sequence,
                previous: 0,
                outcome,
            })));
        let got = outcome
            .map(|given| given.principal.value())
            .map_err(|refused| refused.reason);
        prop_assert_eq!(got, entry.expected(kind, fen, now));
        let Ok(given) = outcome else { return Ok(()) };
        self.latest = now.max(self.latest);
        entry.given_back += given.principal.value();
        entry.fee_given_back += given.fee.value();
        let part = GivenBack {
            principal: given.principal,
            fee: given.fee,
        };
        match kind {
            GiveBack::Reversal => entry.so_far.reversed = entry.so_far.reversed.plus(part),
            GiveBack::Refund => entry.so_far.refunded = entry.so_far.refunded.plus(part),
        }
        let to_month = restores && entry.counted_in == open;
        let to_year = restores && entry.counted_in.0 == open.0;
        if to_month {
            entry.back_to_month += given.principal.value();
        }
        if to_year {
            entry.back_to_year += given.principal.value();
        }
        prop_assert_eq!(
            (given.month_restored, given.year_restored),
            (to_month, to_year)
        );
        // D14: half away from zero, of everything given back so far.
        let share = (2 * entry.fee * entry.given_back + entry.principal) / (2 * entry.principal);
        prop_assert_eq!(entry.fee_given_back, share);
        Ok(())
    }

    fn settle(&mut self, which: usize) -> Result<(), TestCaseError> {
        let now = self.wallet.now;
        let entry = &mut self.entries[which];
        let outcome = reverse::settle(Some(&entry.approved()), now);
        let remaining = entry.principal - entry.given_back;
        let expected = if entry.is_settled(now) {
            Err(Reason::AlreadySettled)
        } else if remaining == 0 {
            Err(Reason::AlreadyReversed)
        } else {
            Ok((remaining, entry.fee - entry.fee_given_back))
        };
        let got = outcome
            .map(|settled| (settled.principal.value(), settled.fee.value()))
            .map_err(|refused| refused.reason);
        prop_assert_eq!(got, expected);
        if outcome.is_ok() {
            entry.so_far.settled_at = Some(now);
        }
        self.wallet.record(Event::SettleDecided(SettleDecided {
            original: entry.sequence,
            previous: 0,
            outcome,
        }));
        Ok(())
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let payments = self.entries.len();
        match *step {
            Step::Pay { fen } => self.pay(fen),
            Step::GiveBack { .. } | Step::Settle { .. } if payments == 0 => Ok(()),
            Step::GiveBack { kind, which, fen } => self.give_back(kind, which % payments, fen),
            Step::Settle { which } => self.settle(which % payments),
        }
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
        restores in any::<bool>(),
        steps in prop::collection::vec((pause(), step()), 1..70),
    ) {
        let mut both = Both {
            wallet: Wallet::verified(),
            entries: Vec::new(),
            latest: Timestamp::default(),
        };
        both.wallet.policy.refund_restores_limit = restores;
        for (pause, step) in steps {
            both.wallet.now = pause.after(both.wallet.now);
            both.act(&step)?;
            both.agree()?;
        }
        let account = both.wallet.account.clone();
        prop_assert_eq!(&both.wallet.replayed(), &account);
        prop_assert_eq!(Account::from_parts(account.clone().into_parts()), account);
    }
}
