//! The generator's own model of every account: what a server has told, checked against what it may
//! tell.
//!
//! Calls on one account overlap, so that what an answer ought to say is mostly not one figure but an
//! interval: from what must have been counted before the call was sent to what may have been counted
//! by the time its answer is there. An answer outside of it is a lie whatever the order was in which
//! the server took the calls. After the run, when nothing is open any more, the audit asks for every
//! account and expects equality.
//!
//! An effect is counted when an answer says that it is no replay, which under one key only one may
//! say. A call without an answer stays open until the audit has asked again under its key: until then
//! it widens the intervals of its account, and never narrows them wrongly.
//!
//! Nothing here is shared with the server: calendar, fees and limits are written again. An account
//! takes about 100 bytes however long the run is.

mod arithmetic;
mod ask;
mod asked;
mod audit;
mod baseline;
mod book;
mod calendar;
mod cards;
mod compare;
mod finding;
mod judge;
mod keys;
mod read;
mod resolve;
mod sums;
mod tally;
mod told;
mod unknown;

use parking_lot::Mutex;

pub(crate) use arithmetic::{body_hash, id_hash};
pub(crate) use ask::Place;
pub(crate) use asked::{
    Asked, Baseline, Decision, KeyMemory, Original, Refusal, Reversed, Terms, Told, What, Window,
};
pub(crate) use audit::{Again, Audited, audit};
pub(crate) use baseline::baselines;
pub(crate) use book::Stamp;
pub(crate) use calendar::Month;
pub(crate) use finding::Violation;
pub(crate) use tally::Tally;

use book::Book;
use calendar::Calendar;
use finding::Findings;
use keys::Keys;
use unknown::Unknowns;

/// Parts that the tally is kept in, so that workers seldom meet at one.
const TALLIES: usize = 16;

/// The model of every account of a run, shared by its workers.
#[derive(Debug)]
pub(crate) struct Oracle {
    books: Vec<Mutex<Book>>,
    calendar: Calendar,
    terms: Terms,
    keys: Keys,
    unknowns: Mutex<Unknowns>,
    tallies: Vec<Mutex<Tally>>,
    findings: Findings,
}

impl Oracle {
    /// The model of accounts that begin so, by place, under these terms.
    pub(crate) fn new(accounts: &[Baseline], terms: Terms, keys: KeyMemory) -> Self {
        let months = accounts.iter().map(|baseline| baseline.month);
        let month = months.max().unwrap_or_default();
        Self {
            books: accounts
                .iter()
                .map(|baseline| Mutex::new(Book::opened(baseline)))
                .collect(),
            calendar: Calendar::around(month),
            terms,
            keys: Keys::new(keys),
            unknowns: Mutex::default(),
            tallies: (0..TALLIES).map(|_| Mutex::default()).collect(),
            findings: Findings::default(),
        }
    }

    /// Whether answers to one key are compared, so that [`Decision::body_hash`] is wanted.
    pub(crate) fn compares_bodies(&self) -> bool {
        self.keys.is_any()
    }

    /// Notes that a call is about to be sent, and gives back what is known at this moment.
    pub(crate) fn sending(&self, asked: &Asked) -> Stamp {
        let Some(book) = self.book(asked.account) else {
            return Stamp::default();
        };
        let mut book = book.lock();
        let stamp = book.stamp();
        match asked.what {
            What::Authorise {
                amount_fen,
                wrong_password,
                ..
            } => book.pay(amount_fen, wrong_password),
            What::Reverse { back_fen, original } => {
                book.give_back(all_or(back_fen, &original));
            }
            What::Bind => book.cards.bind(),
            What::Unbind => book.cards.unbind(),
            What::Refund { .. } | What::Settle | What::Other => {}
        }
        stamp
    }

    /// Checks the answer to a call, and takes note of it.
    pub(crate) fn told(&self, asked: &Asked, stamp: Stamp, told: &Told) {
        match (&asked.what, told) {
            (What::Authorise { .. }, Told::Decision(decision)) => {
                self.decided(asked, stamp, decision);
            }
            (What::Reverse { back_fen, original }, Told::Reversed(reversed)) => {
                self.reversed(asked, (*back_fen, original), reversed);
            }
            (What::Refund { back_fen, original }, Told::Reversed(reversed)) => {
                self.refunded(asked, (*back_fen, original), reversed);
            }
            (What::Reverse { .. } | What::Refund { .. }, Told::Refused(refusal)) => {
                self.not_given_back(asked, *refusal);
            }
            (What::Settle, Told::Done) => self.count(asked, |tally| tally.settled += 1),
            (What::Settle, Told::Refused(_)) => self.count(asked, |tally| tally.refused += 1),
            (What::Bind, Told::Done | Told::Refused(_)) => self.bound(asked, stamp, told),
            (What::Unbind, Told::Done | Told::Refused(_)) => self.unbound(asked, told),
            (_, Told::NotDone) => self.not_done(asked),
            (What::Other, _) => {}
            // An answer to another question is none.
            (_, _) => self.unknown(asked, stamp),
        }
    }

    /// Notes that no decision came: a time-out, a broken connection, or an error that does not say
    /// that nothing was written. The audit asks again.
    pub(crate) fn unknown(&self, asked: &Asked, _stamp: Stamp) {
        match asked.what {
            What::Authorise { .. } => {
                self.count(asked, |tally| tally.unknown += 1);
                if self.keys.was_counted(asked.key) {
                    self.no_longer_open(asked);
                } else {
                    self.remember_unknown(asked);
                }
            }
            What::Reverse { .. } => {
                self.count(asked, |tally| tally.unknown += 1);
                self.remember_unknown(asked);
            }
            What::Bind | What::Unbind | What::Settle | What::Refund { .. } => {
                // Limits do not depend on it. Cards stay between what is sure and what may be.
                self.count(asked, |tally| tally.unknown += 1);
            }
            What::Other => {}
        }
    }

    /// Lies found so far.
    pub(crate) fn violation_count(&self) -> u64 {
        self.findings.count()
    }

    /// The lies that were kept in full: the first hundred, and at most five of one account.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.findings.kept()
    }

    /// What was counted so far.
    pub(crate) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in &self.tallies {
            sum.add(&tally.lock());
        }
        sum
    }

    fn book(&self, account: u64) -> Option<&Mutex<Book>> {
        self.books.get(usize::try_from(account).ok()?)
    }

    fn count(&self, asked: &Asked, note: impl FnOnce(&mut Tally)) {
        self.count_of(asked.account, note);
    }

    fn count_of(&self, account: u64, note: impl FnOnce(&mut Tally)) {
        let place = usize::try_from(account % TALLIES as u64).unwrap_or(0);
        if let Some(tally) = self.tallies.get(place) {
            note(&mut tally.lock());
        }
    }

    /// What a call could have done is done, or was not.
    fn no_longer_open(&self, asked: &Asked) {
        let Some(book) = self.book(asked.account) else {
            return;
        };
        let mut book = book.lock();
        match asked.what {
            What::Authorise { amount_fen, .. } => book.pay_no_more(amount_fen),
            What::Reverse { back_fen, original } => {
                book.give_back_no_more(all_or(back_fen, &original));
            }
            What::Bind => book.cards.bind_no_more(false),
            What::Unbind => book.cards.unbind_no_more(false),
            What::Refund { .. } | What::Settle | What::Other => {}
        }
    }

    fn not_done(&self, asked: &Asked) {
        self.count(asked, |tally| tally.not_done += 1);
        self.no_longer_open(asked);
    }

    fn remember_unknown(&self, asked: &Asked) {
        if !self.unknowns.lock().remember(asked)
            && let Some(book) = self.book(asked.account)
        {
            book.lock().give_up_proof();
        }
    }
}

/// Principal to give back, where 0 stands for all.
fn all_or(back_fen: u64, original: &Original) -> u64 {
    if back_fen == 0 {
        original.of_fen
    } else {
        back_fen
    }
}

#[cfg(test)]
mod tests;
