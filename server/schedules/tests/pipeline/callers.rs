//! Those who append and wait, and the book of what they were told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use waika_schedules::ledger::journal::Disk;
use waika_schedules::pipeline::Pipeline;
use waika_schedules::point;

use crate::course::CORES;

pub(crate) const MOST_CALLERS: usize = 3;
const MOST_CALLS: usize = 3;

/// Locks that order the entries of an account each, and the last sequence under each.
pub(crate) type Accounts = [shuttle::sync::Mutex<u64>; 2];

/// What callers were told.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) disk: Disk,
    /// A halt may then come while a commit goes on, whose entries are durable afterwards.
    halts_from_outside: bool,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    accepted: Vec<(u64, Vec<u8>)>,
    refused: Vec<u64>,
    /// Of the waits that were dropped.
    dropped: Vec<Arc<Nobody>>,
}

/// Nobody is woken by it: it counts who still holds it.
#[derive(Debug)]
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

impl Book {
    pub(crate) fn new(disk: Disk, halts_from_outside: bool) -> Self {
        Self {
            disk,
            halts_from_outside,
            told: Mutex::default(),
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must hold once all threads have ended.
    pub(crate) fn judge(&self) {
        let (mut told, synced) = (self.told(), self.disk.synced());
        told.accepted.sort();
        for (place, (sequence, entry)) in (1..).zip(&told.accepted) {
            if *sequence != place {
                self.wrong(format!("sequence {sequence} is there in place of {place}"));
            }
            let is_there = self.disk.entry(*sequence).as_ref() == Some(entry);
            if *sequence <= synced && !is_there {
                self.wrong(format!("entry {sequence} is not in its place"));
            }
            let may_be_lost = self.disk.has_failed() || self.halts_from_outside;
            if *sequence > synced && !may_be_lost {
                self.wrong(format!("entry {sequence} was accepted and is lost"));
            }
        }
        for sequence in &told.refused {
            if *sequence <= synced && !self.halts_from_outside {
                self.wrong(format!(
                    "{sequence} was told as unknown, and {synced} is durable"
                ));
            }
        }
        if told
            .dropped
            .iter()
            .any(|waker| Arc::strong_count(waker) > 1)
        {
            self.wrong("a dropped wait has left its waker".to_owned());
        }
        if !self.disk.is_released() {
            self.wrong("the journal is not released".to_owned());
        }
    }

    fn wrong(&self, what: String) {
        self.disk.wrong(what);
    }
}

/// Appends a few entries and waits for each, or for what another appended, or hangs up.
pub(crate) fn call(caller: usize, queue: &dyn Pipeline, book: &Book, accounts: &Accounts) {
    let core = caller % CORES;
    for call in 0..thread_rng().gen_range(1..=MOST_CALLS) {
        let length = thread_rng().gen_range(2..=16);
        let entry: Vec<u8> = [caller, call]
            .map(|n| u8::try_from(n).unwrap_or(0))
            .repeat(length / 2);
        let Some(sequence) = append(queue, entry, book, accounts) else {
            continue;
        };
        match thread_rng().gen_range(0..5) {
            0 => hang_up(queue, core, sequence, book),
            // As a replay does, which waits for an entry that is not its own.
            1 => wait(queue, core, queue.appended(), book),
            2 => {
                hang_up(queue, core, sequence, book);
                wait(queue, core, sequence, book);
            }
            _ => wait(queue, core, sequence, book),
        }
    }
}

fn append(queue: &dyn Pipeline, entry: Vec<u8>, book: &Book, accounts: &Accounts) -> Option<u64> {
    let account = accounts.get(thread_rng().gen_range(0..accounts.len()))?;
    let mut last = account.lock().expect("nobody panics with it");
    let had_ended = queue.has_ended() || book.disk.is_released();
    let sequence = queue.append(&entry).ok()?;
    if had_ended {
        book.wrong(format!("entry {sequence} was accepted after the end"));
    }
    if sequence <= *last {
        book.wrong(format!("sequence {sequence} came after {last}"));
    }
    *last = sequence;
    book.told().accepted.push((sequence, entry));
    Some(sequence)
}

fn wait(queue: &dyn Pipeline, core: usize, sequence: u64, book: &Book) {
    let before = queue.durable();
    if before > book.disk.synced() {
        book.wrong(format!("{before} is durable, and not synced"));
    }
    match block_on(queue.wait(core, sequence)) {
        Ok(()) if book.disk.synced() < sequence => {
            book.wrong(format!("{sequence} was told before it was synced"));
        }
        Ok(()) => {}
        Err(_) if before >= sequence => {
            book.wrong(format!(
                "{sequence} was told as unknown, and {before} was durable"
            ));
        }
        Err(_) => book.told().refused.push(sequence),
    }
}

/// Asks once and goes away.
fn hang_up(queue: &dyn Pipeline, core: usize, sequence: u64, book: &Book) {
    let nobody = Arc::new(Nobody);
    let waker = Waker::from(Arc::clone(&nobody));
    let mut wait = queue.wait(core, sequence);
    let answer = wait.as_mut().poll(&mut Context::from_waker(&waker));
    if answer == Poll::Ready(Ok(())) && book.disk.synced() < sequence {
        book.wrong(format!("{sequence} was told before it was synced"));
    }
    drop(waker);
    point();
    drop(wait);
    // While its sequence is not durable nobody has reason to take the waker to wake it.
    let is_held = Arc::strong_count(&nobody) > 1;
    if is_held && queue.durable() < sequence && !queue.has_ended() {
        book.wrong("a dropped wait has left its waker".to_owned());
    }
    book.told().dropped.push(nobody);
}
