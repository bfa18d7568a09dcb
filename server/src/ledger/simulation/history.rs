//! What clients asked for and were told, over all lives of a server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use waika_domain::card::BoundCard;
use waika_domain::event::{DecidedPayment, Event};
use waika_domain::period::Timestamp;

use super::asked::{Asked, What};
use super::counts::Counts;
use crate::ledger::{Answered, LedgerError};

/// One key: what it was used for, and the answer if somebody was told of it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) asked: Asked,
    pub(super) told: Option<Told>,
    /// Answers that were not given before.
    done: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
}

impl Record {
    /// It would set the clock back now, by which nothing here is done: the books know no such thing.
    pub(super) fn would_step_back(&self, now: Timestamp) -> bool {
        let is_early = |from: Timestamp| self.told.is_none() && from < now;
        matches!(self.asked.what, What::Clock { from, .. } if is_early(from))
    }
}

/// How one answer came out for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer,
    Refusal,
    /// Nothing that says whether it was done.
    Nothing,
}

#[derive(Debug)]
pub(super) struct History {
    pub(super) seed: u64,
    /// Used keys are moved out of memory, and time passes slowly.
    pub(super) moves_keys: bool,
    pub(super) dice: RefCell<ChaCha8Rng>,
    pub(super) records: RefCell<BTreeMap<String, Record>>,
    /// Steps of the clients and the server that are left.
    pub(super) steps_left: Cell<u64>,
    /// Clients go on calling.
    pub(super) calling: Cell<bool>,
    pub(super) off: Cell<bool>,
    trace: RefCell<String>,
    pub(super) counts: RefCell<Counts>,
}

impl History {
    pub(super) fn new(seed: u64, steps: u64) -> Self {
        Self {
            seed,
            moves_keys: seed.is_multiple_of(2),
            dice: ChaCha8Rng::seed_from_u64(seed).into(),
            records: RefCell::default(),
            steps_left: Cell::new(steps),
            calling: Cell::new(false),
            off: Cell::new(false),
            trace: RefCell::default(),
            counts: Counts {
                histories: 1,
                ..Counts::default()
            }
            .into(),
        }
    }

    /// A number below a bound.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.dice.borrow_mut().random_range(0..bound)
    }

    pub(super) fn one_in(&self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        let length = of.len() as u64;
        (length > 0).then(|| &of[usize::try_from(self.below(length)).unwrap()])
    }

    pub(super) fn note(&self, line: impl std::fmt::Display) {
        writeln!(self.trace.borrow_mut(), "{line}").unwrap();
    }

    /// What has happened so far.
    pub(super) fn trace(&self) -> String {
        self.trace.borrow().clone()
    }

    pub(super) fn into_trace(self) -> (String, Counts) {
        (self.trace.into_inner(), self.counts.into_inner())
    }

    pub(super) fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.counts.borrow_mut());
    }

    /// Notes what is asked for before it is.
    pub(super) fn asks(&self, asked: &Asked) {
        self.note(format_args!("  ask {asked:?}"));
        let mut records = self.records.borrow_mut();
        records.entry(asked.key.clone()).or_insert_with(|| Record {
            asked: asked.clone(),
            told: None,
            done: 0,
        });
    }

    /// Holds an answer against what was told under its key, which is for ever.
    pub(super) fn hears(&self, asked: &Asked, answer: Result<Answered, LedgerError>) -> Heard {
        self.note(format_args!("  told {} {answer:?}", asked.key));
        let mut records = self.records.borrow_mut();
        let record = records.get_mut(&asked.key).unwrap();
        let same = record.asked == *asked;
        match answer {
            Ok(answered) => {
                assert!(same, "{asked:?} was answered as {:?}", record.asked);
                self.hears_answer(record, answered);
                Heard::Answer
            }
            Err(LedgerError::Stopped | LedgerError::OutcomeUnknown) => Heard::Nothing,
            Err(LedgerError::Unreadable) if self.off.get() => Heard::Nothing,
            Err(LedgerError::KeyConflict { .. }) if !same => Heard::Refusal,
            Err(error) => {
                let told = &record.told;
                assert!(!same || told.is_none(), "{error} after {told:?}");
                let may_be = matches!(
                    error,
                    LedgerError::UnknownAccount
                        | LedgerError::UnknownCard
                        | LedgerError::UnknownAuthorisation
                        | LedgerError::UnknownPolicy
                        | LedgerError::TooManyWrongPasswords
                );
                assert!(may_be, "{asked:?} was refused: {error}");
                Heard::Refusal
            }
        }
    }

    fn hears_answer(&self, record: &mut Record, answered: Answered) {
        let told = Told {
            sequence: answered.sequence,
            at: answered.at,
            event: answered.event,
        };
        if let What::Authorise { right: false, .. } = record.asked.what {
            let decision = told.event.decision();
            let is_approved = matches!(decision, Some(DecidedPayment::Approved(_)));
            assert!(!is_approved, "approved for a wrong password: {told:?}");
        }
        self.count(|counts| {
            counts.told += 1;
            counts.replays += u64::from(answered.replayed);
            let decision = told.event.decision();
            let is_approved = matches!(decision, Some(DecidedPayment::Approved(_)));
            counts.approved += u64::from(is_approved);
            counts.hops += u64::from(told.event.begun_by().is_some());
        });
        record.done += u64::from(!answered.replayed);
        assert!(record.done <= 1, "{:?} was done twice", record.asked);
        match &record.told {
            // Whoever asks again may hear it first.
            Some(before) => assert_eq!(*before, told, "{:?} has two answers", record.asked),
            None => record.told = Some(told),
        }
    }

    /// The cards that somebody was told of.
    pub(super) fn cards(&self, account: u8) -> Vec<BoundCard> {
        let records = self.records.borrow();
        let of_account = records
            .values()
            .filter(|record| record.asked.account == account);
        let events = of_account.filter_map(|record| Some(&record.told.as_ref()?.event));
        let card = |event: &Event| match event {
            Event::BindDecided(decided) => Some(decided.outcome.as_ref().ok()?.card.clone()),
            _ => None,
        };
        events.filter_map(card).collect()
    }
}
