//! How many wrong passwords one caller may send in a minute, over all accounts (D7): five tries an
//! account are no bound for somebody who tries every account.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock::monotonic;

const WINDOW: Duration = Duration::from_secs(60);
/// Callers that are kept apart at once; those whose minute is over are forgotten beyond it.
const MOST_CALLERS: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Minute {
    began_at: Instant,
    wrong: u32,
}

/// The budgets. By the machine's clock, since they protect the machine's time and not the sandbox's.
#[derive(Debug, Default)]
pub(crate) struct CallerBudget {
    minutes: Mutex<HashMap<Box<str>, Minute>>,
}

impl CallerBudget {
    /// True if a caller has sent as many wrong passwords in this minute as it may.
    pub(crate) fn is_spent(&self, caller: &str, most: u32) -> bool {
        self.is_spent_at(caller, most, monotonic())
    }

    /// Counts a wrong password.
    pub(crate) fn count(&self, caller: &str) {
        self.count_at(caller, monotonic());
    }

    fn is_spent_at(&self, caller: &str, most: u32, now: Instant) -> bool {
        let minutes = self.minutes.lock();
        let minute = minutes.get(caller);
        minute.is_some_and(|minute| !is_over(minute, now) && minute.wrong >= most)
    }

    fn count_at(&self, caller: &str, now: Instant) {
        let mut minutes = self.minutes.lock();
        if minutes.len() >= MOST_CALLERS {
            minutes.retain(|_, minute| !is_over(minute, now));
        }
        let fresh = Minute {
            began_at: now,
            wrong: 0,
        };
        let minute = minutes.entry(caller.into()).or_insert(fresh);
        if is_over(minute, now) {
            *minute = fresh;
        }
        minute.wrong = minute.wrong.saturating_add(1);
    }
}

fn is_over(minute: &Minute, now: Instant) -> bool {
    now.saturating_duration_since(minute.began_at) >= WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d7_a_caller_has_so_many_wrong_passwords_a_minute() {
        let budget = CallerBudget::default();
        let begin = monotonic();
        for _ in 0..3 {
            assert!(!budget.is_spent_at("a", 3, begin));
            budget.count_at("a", begin);
        }
        let late = begin + Duration::from_secs(59);
        assert!(budget.is_spent_at("a", 3, late));
        assert!(!budget.is_spent_at("b", 3, late), "another caller");
        let over = begin + Duration::from_secs(60);
        assert!(!budget.is_spent_at("a", 3, over));
        budget.count_at("a", over);
        assert!(!budget.is_spent_at("a", 3, over));
    }
}
