//! The calls of one worker that are open.
//!
//! Each has a slot, whose number goes out with it and comes back with its answer. All calls have the
//! same deadline and are sent nearly in the order in which they are due, so the one that was sent first is
//! taken for the next to time out: one that was sent out of order is given up later by its lag.

use std::collections::VecDeque;

use crate::errand::Rpc;
use crate::journey::Journey;
use crate::oracle::Stamp;
use crate::workload::Request;

/// What the worker must remember of a call.
pub(crate) struct Ticket {
    /// The arrival's index.
    pub(crate) index: u64,
    /// The arrival.
    pub(crate) request: Request,
    /// Which call of it.
    pub(crate) rpc: Rpc,
    /// Its errand, if that has more than one call.
    pub(crate) journey: Option<Box<Journey>>,
    /// What the oracle knew when it was sent.
    pub(crate) stamp: Option<Stamp>,
    /// When it was due, in nanoseconds from the start.
    pub(crate) due_ns: u64,
    /// When it was sent.
    pub(crate) sent_ns: u64,
    /// Which connection it is on.
    pub(crate) lane: usize,
    /// The stream that it has to itself there; `None` if it shares one.
    pub(crate) stream: Option<u32>,
}

/// The calls of one worker.
#[derive(Default)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    free: Vec<usize>,
    oldest: VecDeque<Place>,
    /// Told apart from those that had the same slot before.
    next_serial: u32,
}

/// Where a call is kept, and which of those that were ever kept there it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    slot: u32,
    serial: u32,
}

struct Slot {
    serial: u32,
    open: Option<Ticket>,
}

impl Place {
    /// The place as a number that an answer can carry back.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.serial) << 32 | u64::from(self.slot)
    }

    /// The place with this number.
    pub(crate) fn of_number(number: u64) -> Self {
        let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Self {
            slot: low(number),
            serial: low(number >> 32),
        }
    }

    fn index(self) -> usize {
        usize::try_from(self.slot).unwrap_or(usize::MAX)
    }
}

impl Calls {
    /// How many are open, or about to be.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// A place for a call that is about to be sent. It is to be filled or given back.
    pub(crate) fn take_place(&mut self) -> Place {
        let index = self.free.pop().unwrap_or(self.slots.len());
        if index == self.slots.len() {
            self.slots.push(Slot {
                serial: 0,
                open: None,
            });
        }
        self.next_serial = self.next_serial.wrapping_add(1);
        let serial = self.next_serial;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.serial = serial;
        }
        Place {
            slot: u32::try_from(index).unwrap_or(u32::MAX),
            serial,
        }
    }

    /// Gives back a place that was not filled.
    pub(crate) fn give_back(&mut self, place: Place) {
        self.free.push(place.index());
    }

    /// Takes in a call that was just sent.
    pub(crate) fn fill(&mut self, place: Place, ticket: Ticket) {
        if let Some(slot) = self.slots.get_mut(place.index()) {
            slot.open = Some(ticket);
        }
        self.oldest.push_back(place);
    }

    /// Takes out the call at this place; `None` if it is over already.
    pub(crate) fn take(&mut self, place: Place) -> Option<Ticket> {
        let slot = self.slots.get_mut(place.index())?;
        if slot.serial != place.serial {
            return None;
        }
        let ticket = slot.open.take()?;
        self.free.push(place.index());
        Some(ticket)
    }

    /// Takes out every call that shares the stream of this connection.
    pub(crate) fn take_streamed(&mut self, lane: usize) -> Vec<Ticket> {
        let mut taken = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let is_one = |ticket: &Ticket| ticket.lane == lane && ticket.stream.is_none();
            if slot.open.as_ref().is_some_and(is_one)
                && let Some(ticket) = slot.open.take()
            {
                self.free.push(index);
                taken.push(ticket);
            }
        }
        taken
    }

    /// Closes the calls that were due before `limit_ns`, and hands them over, oldest first.
    pub(crate) fn expire(&mut self, limit_ns: u64, mut expired: impl FnMut(Ticket)) {
        while let Some(&place) = self.oldest.front() {
            match self.due_at(place) {
                Some(due_ns) if due_ns >= limit_ns => return,
                Some(_) => {
                    if let Some(ticket) = self.take(place) {
                        expired(ticket);
                    }
                }
                None => {}
            }
            self.oldest.pop_front();
        }
    }

    /// When the oldest open call was due.
    pub(crate) fn oldest_due(&mut self) -> Option<u64> {
        while let Some(&place) = self.oldest.front() {
            if let Some(due_ns) = self.due_at(place) {
                return Some(due_ns);
            }
            self.oldest.pop_front();
        }
        None
    }

    fn due_at(&self, place: Place) -> Option<u64> {
        let slot = self.slots.get(place.index())?;
        let ticket = slot.open.as_ref()?;
        (slot.serial == place.serial).then_some(ticket.due_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errand::Errand;
    use crate::workload::Mode;

    fn ticket(due_ns: u64, lane: usize, stream: Option<u32>) -> Ticket {
        Ticket {
            index: due_ns,
            request: Request {
                key: 0,
                account: 0,
                merchant: 0,
                amount_fen: 1,
                mode: Mode::OnlineApp,
                wrong_password: false,
                errand: Errand::Pay,
            },
            rpc: Rpc::Authorise,
            journey: None,
            stamp: None,
            due_ns,
            sent_ns: due_ns,
            lane,
            stream,
        }
    }

    #[test]
    fn an_answer_to_what_is_over_finds_nothing() {
        let mut calls = Calls::default();
        let first = calls.take_place();
        calls.fill(first, ticket(1, 0, Some(1)));
        assert_eq!(Place::of_number(first.number()), first);
        assert!(calls.take(first).is_some());
        let second = calls.take_place();
        calls.fill(second, ticket(2, 0, Some(3)));
        assert!(calls.take(first).is_none(), "the slot has another call now");
        assert_eq!(calls.len(), 1);
        assert!(calls.take(second).is_some() && calls.take(second).is_none());
        assert_eq!((calls.len(), calls.oldest_due()), (0, None));
    }

    #[test]
    fn the_oldest_are_given_up_first() {
        let mut calls = Calls::default();
        for due_ns in [1, 2, 3, 4] {
            let place = calls.take_place();
            calls.fill(place, ticket(due_ns, 0, Some(1)));
        }
        let given_back = calls.take_place();
        calls.give_back(given_back);
        let mut expired = Vec::new();
        calls.expire(3, |ticket| expired.push(ticket.due_ns));
        assert_eq!(
            (expired, calls.oldest_due(), calls.len()),
            (vec![1, 2], Some(3), 2)
        );
    }

    #[test]
    fn a_stream_that_ends_takes_its_own_with_it() {
        let mut calls = Calls::default();
        for (lane, stream) in [(0, None), (1, None), (0, Some(7)), (0, None)] {
            let place = calls.take_place();
            calls.fill(place, ticket(1, lane, stream));
        }
        assert_eq!(calls.take_streamed(0).len(), 2);
        assert_eq!(calls.len(), 2);
    }
}
