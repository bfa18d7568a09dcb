//! Five wrong passwords, and then a lock: followed line by line through the history (D7).

use waika::v1::{self, DeclineReason};

use super::{Book, declined};
use crate::calendar::milliseconds;
use crate::finding::{Finding, Kind};
use crate::people::PASSWORD;

const TRIES: u32 = 5;
const LOCK_MILLISECONDS: i64 = 30 * 60 * 1_000;

/// The counter as it must have been.
#[derive(Default)]
struct Counter {
    wrong: u32,
    locked_until: Option<i64>,
}

/// What a password met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Right,
    Wrong,
    Lock,
}

impl Counter {
    fn tries(&mut self, password: &str, at: i64) -> Met {
        let is_right = password == PASSWORD;
        if self.locked_until.is_some_and(|until| at < until) {
            return Met::Lock;
        }
        if is_right || self.locked_until.is_some() {
            *self = Self::default();
        }
        if is_right {
            return Met::Right;
        }
        self.wrong += 1;
        self.locked_until = (self.wrong >= TRIES).then_some(at + LOCK_MILLISECONDS);
        Met::Wrong
    }
}

/// For accounts whose password is tried by payments only. The history is newest first.
pub(super) fn check(book: &mut Book<'_>, history: &[v1::AuthorisationRecord]) {
    let mut counter = Counter::default();
    for line in history.iter().rev() {
        let listed = line.authorisation.as_ref().unwrap();
        let Some(paid) = book.paid.get(&*listed.authorisation_id) else {
            continue;
        };
        let reason = declined(paid.decided);
        if reason == Some(DeclineReason::ReversedBeforeArrival) {
            continue; // It came before the password's rung.
        }
        let at = milliseconds(paid.decided.decided_at.as_ref().unwrap());
        let must = counter.tries(&paid.asked.payment_password, at);
        let met = match reason {
            Some(DeclineReason::PasswordWrong) => Met::Wrong,
            Some(DeclineReason::PasswordLocked) => Met::Lock,
            Some(_) | None => Met::Right,
        };
        if met == must {
            continue;
        }
        let (kind, what) = match (must, met) {
            (Met::Lock, _) => (Kind::Exceeded, "a password was tried during its lock (D7)"),
            (_, Met::Lock) => (Kind::Other, "a password was locked before its time (D7)"),
            _ => (Kind::Other, "a password was mistaken (R69)"),
        };
        let finding = Finding::new(kind, what).about(paid.request, Some(paid.answer));
        return book.findings.push(finding);
    }
}
