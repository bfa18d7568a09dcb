//! The limits, held against a second count that knows nothing of windows: a plain list of what
//! was approved and when, summed by the months and years of another calendar (R63 to R65).

use proptest::prelude::*;

use super::authorise::{Decision, decide, resolve};
use super::testing::wallet::{Wallet, merchant, payment, payment_facts};
use crate::decline::{DeclineReason as Reason, IssuerRefusal};
use crate::event::{ApprovalCode, Event, Reservation};
use crate::money::Amount;
use crate::period::Timestamp;

const SINGLE: i64 = 600_000;
const MONTH: i64 = 5_000_000;
const YEAR: i64 = 6_000_000;

/// One thing that happens to the wallet.
#[derive(Debug, Clone)]
enum Step {
    /// A payment that the issuer answers at once.
    Pay { fen: i64, refused: bool },
    /// A payment whose issuer answers later.
    Hold { fen: i64 },
    /// The answer for one of those that wait.
    Answer { which: usize, refused: bool },
}

fn fen() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => 1_i64..=20_000,
        4 => 500_000..=SINGLE,
        1 => SINGLE - 2..=SINGLE + 2,
        1 => Just(200_000),
        1 => Just(1),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (fen(), prop::bool::weighted(0.1)).prop_map(|(fen, refused)| Step::Pay { fen, refused }),
        2 => fen().prop_map(|fen| Step::Hold { fen }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, refused)| Step::Answer { which, refused }),
    ]
}

/// Mostly forwards by minutes or days, sometimes back by minutes: milliseconds.
fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0_i64..=3_600_000,
        3 => 0_i64..=5 * 86_400_000,
        1 => 0_i64..=60 * 86_400_000,
        2 => -600_000_i64..=0,
    ]
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    prop::collection::vec((pause(), step()), 1..60)
}

/// The second count.
#[derive(Default)]
struct Recount {
    /// Approved or held: a number of its own, year and month, how much.
    entries: Vec<(u64, (i16, i8), i64)>,
    next: u64,
    /// The latest instant at which something was counted: no period before it is open (D1).
    latest: Timestamp,
}

impl Recount {
    fn in_shanghai(instant: Timestamp) -> (i16, i8) {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
        let instant = jiff::Timestamp::from_millisecond(instant.unix_ms()).unwrap();
        let date = instant.to_zoned(zone).date();
        (date.year(), date.month())
    }

    fn sum(&self, counts: impl Fn((i16, i8)) -> bool) -> i64 {
        let counted = self.entries.iter().filter(|entry| counts(entry.1));
        counted.map(|entry| entry.2).sum()
    }

    fn in_month(&self, month: (i16, i8)) -> i64 {
        self.sum(|other| other == month)
    }

    fn in_year(&self, year: i16) -> i64 {
        self.sum(|(other, _)| other == year)
    }

    fn objection(&self, now: Timestamp, fen: i64) -> Option<Reason> {
        let month = Self::in_shanghai(now.max(self.latest));
        if fen > SINGLE {
            Some(Reason::LimitSingle)
        } else if self.in_month(month) + fen > MONTH {
            Some(Reason::LimitMonth)
        } else if self.in_year(month.0) + fen > YEAR {
            Some(Reason::LimitYear)
        } else {
            None
        }
    }

    fn count(&mut self, now: Timestamp, fen: i64) -> u64 {
        self.latest = now.max(self.latest);
        self.next += 1;
        self.entries
            .push((self.next, Self::in_shanghai(self.latest), fen));
        self.next
    }

    fn forget(&mut self, number: u64) {
        self.entries.retain(|entry| entry.0 != number);
    }

    fn is_within_every_limit(&self) -> bool {
        self.entries.iter().all(|&(_, month, fen)| {
            fen <= SINGLE && self.in_month(month) <= MONTH && self.in_year(month.0) <= YEAR
        })
    }
}

struct Both {
    wallet: Wallet,
    recount: Recount,
    /// What waits for its issuer: its sequence, its number in the second count, what was held.
    waiting: Vec<(u64, u64, Reservation)>,
}

impl Both {
    fn decide(&self, fen: i64) -> Result<Reservation, (Reason, Event)> {
        let merchant = merchant();
        let facts = payment_facts(&merchant);
        let payment = payment(Amount::from_fen(fen).unwrap());
        let Wallet {
            account,
            policy,
            now,
            ..
        } = &self.wallet;
        match decide(account, payment, &facts, policy, *now) {
            Decision::Reserve(reservation) => Ok(reservation),
            Decision::Decline(declined) => {
                Err((declined.decline.reason, Event::Declined(declined)))
            }
        }
    }

    fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Pay { fen, .. } | Step::Hold { fen } => {
                let expected = self.recount.objection(self.wallet.now, fen);
                match self.decide(fen) {
                    Err((reason, event)) => {
                        prop_assert_eq!(Some(reason), expected);
                        self.wallet.record(event);
                    }
                    Ok(reservation) => {
                        prop_assert_eq!(None, expected);
                        self.reserve(step, reservation);
                    }
                }
            }
            Step::Answer { which, refused } if !self.waiting.is_empty() => {
                let (sequence, number, held) = self.waiting.remove(which % self.waiting.len());
                self.wallet
                    .record(resolve(held, Some(sequence), answer(refused)));
                if refused {
                    self.recount.forget(number);
                }
            }
            Step::Answer { .. } => {}
        }
        Ok(())
    }

    fn reserve(&mut self, step: &Step, reservation: Reservation) {
        let (now, fen) = (self.wallet.now, reservation.payment.amount.fen().value());
        match *step {
            Step::Pay { refused, .. } => {
                self.wallet
                    .record(resolve(reservation, None, answer(refused)));
                if !refused {
                    self.recount.count(now, fen);
                }
            }
            Step::Hold { .. } | Step::Answer { .. } => {
                let sequence = self
                    .wallet
                    .record(Event::Reserved(Box::new(reservation.clone())));
                let number = self.recount.count(now, fen);
                self.waiting.push((sequence, number, reservation));
            }
        }
    }
}

fn answer(refused: bool) -> Result<ApprovalCode, IssuerRefusal> {
    if refused {
        Err(IssuerRefusal::DoNotHonour)
    } else {
        Ok(ApprovalCode(*b"A1B2C3"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// R63, R64, R65, C2: approves exactly when a plain sum says so, and replays to the same.
    #[test]
    fn r63_r64_r65_c2_payments_pass_exactly_when_a_plain_sum_allows_them(steps in steps()) {
        let mut both = Both {
            wallet: Wallet::verified(),
            recount: Recount::default(),
            waiting: Vec::new(),
        };
        for (pause, step) in &steps {
            let now = both.wallet.now.unix_ms() + pause;
            both.wallet.now = Timestamp::from_unix_ms(now);
            both.act(step)?;
            prop_assert!(both.recount.is_within_every_limit());
        }
        prop_assert_eq!(both.wallet.replayed(), both.wallet.account);
    }
}
