//! An errand under way: what its calls have given so far, for those that follow.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::errand::Rpc;
use crate::oracle::Original;
use crate::workload::Request;

/// An errand of several calls under way.
pub(crate) struct Journey {
    /// The arrival that it began with.
    pub(crate) request: Request,
    /// What its calls gave.
    pub(crate) got: Got,
}

/// What the calls of an errand gave. Codes are secrets and are never printed.
#[derive(Default)]
pub(crate) struct Got {
    /// The eighteen digits of `CreatePaymentCode`.
    pub(crate) payment_code: Option<String>,
    /// The id that `Authorise` gave.
    pub(crate) authorisation_id: Option<String>,
    /// What the oracle has to know of it.
    pub(crate) original: Option<Original>,
    /// The code of `SendPhoneCode`.
    pub(crate) phone_code: Option<String>,
    /// The token of the card that `Bind` bound.
    pub(crate) card_token: Option<String>,
}

/// A call that follows another, and is due at an instant of its own.
pub(crate) struct Follower {
    /// When it is due, in nanoseconds from the start.
    pub(crate) due_ns: u64,
    /// The index of the arrival that it belongs to.
    pub(crate) index: u64,
    /// Which call.
    pub(crate) rpc: Rpc,
    /// Its errand.
    pub(crate) journey: Box<Journey>,
}

/// Calls that follow others, by when they are due.
#[derive(Default)]
pub(crate) struct Followers {
    heap: BinaryHeap<Follower>,
}

impl Followers {
    /// Takes one in.
    pub(crate) fn add(&mut self, follower: Follower) {
        self.heap.push(follower);
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.heap.peek().map(|follower| follower.due_ns)
    }

    /// The next one, if it is due by now.
    pub(crate) fn take_due(&mut self, now_ns: u64) -> Option<Follower> {
        if self.next_due()? > now_ns {
            return None;
        }
        self.heap.pop()
    }

    /// Forgets those that are not due yet, and says how many they were.
    pub(crate) fn abandon(&mut self) -> u64 {
        let count = self.heap.len() as u64;
        self.heap.clear();
        count
    }
}

// The earliest is the greatest, for a heap gives its greatest first.
impl Ord for Follower {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due_ns, other.index, other.rpc).cmp(&(self.due_ns, self.index, self.rpc))
    }
}

impl PartialOrd for Follower {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Follower {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Follower {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errand::Errand;
    use crate::workload::Mode;

    fn follower(due_ns: u64, index: u64) -> Follower {
        let request = Request {
            key: index,
            account: 0,
            merchant: 0,
            amount_fen: 1,
            mode: Mode::OnlineApp,
            wrong_password: false,
            errand: Errand::PayAndReverse { back_fen: 1 },
        };
        let journey = Box::new(Journey {
            request,
            got: Got::default(),
        });
        Follower {
            due_ns,
            index,
            rpc: Rpc::Reverse,
            journey,
        }
    }

    #[test]
    fn followers_come_when_they_are_due_and_in_that_order() {
        let mut followers = Followers::default();
        for (due_ns, index) in [(30, 1), (10, 2), (20, 3), (10, 1)] {
            followers.add(follower(due_ns, index));
        }
        let mut taken = Vec::new();
        while let Some(follower) = followers.take_due(20) {
            taken.push((follower.due_ns, follower.index));
        }
        assert_eq!(taken, [(10, 1), (10, 2), (20, 3)]);
        assert_eq!(followers.next_due(), Some(30));
        assert_eq!((followers.abandon(), followers.next_due()), (1, None));
    }
}
