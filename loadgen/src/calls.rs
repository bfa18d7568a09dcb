//! The calls of one worker that are open, and which of them have news.
//!
//! Each call has a slot with a waker of its own that lives as long as the worker. A stream with
//! news puts its slot on a list and wakes the worker once; the worker then polls only the slots on
//! the list. A call costs no allocation, no task and no timer here. All calls have the same
//! deadline and are sent in the order in which they are due, so the oldest is always the next to
//! time out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use crate::answer::Answer;
use crate::call::Call;

/// What the worker must remember of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// The request's index.
    pub(crate) index: u64,
    /// The index of the account that pays.
    pub(crate) account: u64,
    /// When it was due, in nanoseconds from the start.
    pub(crate) due_ns: u64,
    /// When it was sent.
    pub(crate) sent_ns: u64,
    /// Which connection it is on.
    pub(crate) lane: usize,
}

/// The calls of one worker.
#[derive(Debug)]
pub(crate) struct Calls {
    slots: Vec<Slot>,
    free: Vec<usize>,
    oldest: VecDeque<(usize, u64)>,
    news: Arc<News>,
    batch: Vec<usize>,
}

#[derive(Debug)]
struct Slot {
    waker: Waker,
    open: Option<(Ticket, Call)>,
}

/// The slots whose streams have news.
#[derive(Debug, Default)]
struct News {
    slots: Mutex<Vec<usize>>,
    worker: AtomicWaker,
}

impl News {
    fn add(&self, slot: usize) {
        let was_empty = {
            let mut slots = self.slots.lock();
            slots.push(slot);
            slots.len() == 1
        };
        if was_empty {
            self.worker.wake();
        }
    }
}

struct SlotWaker {
    slot: usize,
    news: Arc<News>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.news.add(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.news.add(self.slot);
    }
}

impl Calls {
    /// No call is open.
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            oldest: VecDeque::new(),
            news: Arc::default(),
            batch: Vec::new(),
        }
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Takes in a call that was just sent.
    pub(crate) fn open(&mut self, ticket: Ticket, call: Call) {
        let place = self.free.pop().unwrap_or_else(|| self.add_slot());
        if let Some(slot) = self.slots.get_mut(place) {
            slot.open = Some((ticket, call));
        }
        self.oldest.push_back((place, ticket.index));
        // Nothing has been asked of its stream yet: the first poll tells it whom to wake.
        self.news.slots.lock().push(place);
    }

    /// Whether a stream has news; if not, `cx` is woken when one has.
    pub(crate) fn poll_news(&self, cx: &Context<'_>) -> Poll<()> {
        self.news.worker.register(cx.waker());
        if self.news.slots.lock().is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Polls the calls that have news and hands over those that are done.
    pub(crate) fn settle(&mut self, mut done: impl FnMut(Ticket, Answer)) {
        let mut batch = std::mem::take(&mut self.batch);
        std::mem::swap(&mut batch, &mut *self.news.slots.lock());
        for &place in &batch {
            let Some(slot) = self.slots.get_mut(place) else {
                continue;
            };
            let Some((ticket, call)) = &mut slot.open else {
                continue;
            };
            if let Poll::Ready(answer) = call.poll(&mut Context::from_waker(&slot.waker)) {
                done(*ticket, answer);
                slot.open = None;
                self.free.push(place);
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Closes the calls that were due before `limit_ns`, and hands them over, oldest first.
    pub(crate) fn expire(&mut self, limit_ns: u64, mut expired: impl FnMut(Ticket)) {
        while let Some(&(place, index)) = self.oldest.front() {
            match self.ticket_at(place, index) {
                Some(ticket) if ticket.due_ns >= limit_ns => return,
                Some(ticket) => {
                    self.close(place);
                    expired(ticket);
                }
                None => {}
            }
            self.oldest.pop_front();
        }
    }

    /// When the oldest open call was due.
    pub(crate) fn oldest_due(&mut self) -> Option<u64> {
        while let Some(&(place, index)) = self.oldest.front() {
            if let Some(ticket) = self.ticket_at(place, index) {
                return Some(ticket.due_ns);
            }
            self.oldest.pop_front();
        }
        None
    }

    fn ticket_at(&self, place: usize, index: u64) -> Option<Ticket> {
        let (ticket, _) = self.slots.get(place)?.open.as_ref()?;
        (ticket.index == index).then_some(*ticket)
    }

    fn close(&mut self, place: usize) {
        if let Some(slot) = self.slots.get_mut(place)
            && slot.open.take().is_some()
        {
            self.free.push(place);
        }
    }

    fn add_slot(&mut self) -> usize {
        let slot = self.slots.len();
        let news = Arc::clone(&self.news);
        self.slots.push(Slot {
            waker: Waker::from(Arc::new(SlotWaker { slot, news })),
            open: None,
        });
        slot
    }
}
