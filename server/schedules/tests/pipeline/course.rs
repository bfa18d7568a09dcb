//! One run of the pipeline from its start to its end, and what must hold at the end.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use shuttle::future::{block_on, spawn};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::{self, JoinHandle};
use waika_schedules::ledger::journal::{Disk, Failure, Journal};
use waika_schedules::pipeline::{Pipeline, Settings, Start};

use crate::callers::{Accounts, Book, MOST_CALLERS, call};

pub(crate) const CORES: usize = 2;
/// The header and about three entries.
const RECORD_BYTES: usize = 36 + 30;
/// Longer than any record may be. It is never written to, so it takes no memory.
static TOO_LONG: [u8; (16 << 20) + 1] = [0; (16 << 20) + 1];

/// How the queue comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is closed once every caller has its answer: a wake-up that is lost is not made good by the end.
    AllAnswered,
    /// Two threads close it while callers call.
    ClosedMeanwhile,
    /// Nobody closes it: the last handle goes with a caller.
    HandlesDropped,
    /// An entry that no record may hold is appended while callers call.
    EntryTooLong,
}

/// What a test plays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) ending: Ending,
    pub(crate) fails: bool,
}

/// All that there are.
pub(crate) const COURSES: [Course; 8] = [
    course(Ending::AllAnswered, false),
    course(Ending::AllAnswered, true),
    course(Ending::ClosedMeanwhile, false),
    course(Ending::ClosedMeanwhile, true),
    course(Ending::HandlesDropped, false),
    course(Ending::HandlesDropped, true),
    course(Ending::EntryTooLong, false),
    course(Ending::EntryTooLong, true),
];

const fn course(ending: Ending, fails: bool) -> Course {
    Course { ending, fails }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.ending {
            Ending::AllAnswered => "all are answered",
            Ending::ClosedMeanwhile => "closed meanwhile",
            Ending::HandlesDropped => "the last handle goes",
            Ending::EntryTooLong => "an entry is too long",
        };
        let fails = if self.fails { ", a commit fails" } else { "" };
        write!(f, "{ending}{fails}")
    }
}

/// Plays it once.
pub(crate) fn play(start: Start, course: Course) {
    let disk = Disk::default();
    let failure = course.fails.then(|| {
        let nth = thread_rng().gen_range(1..=3);
        if thread_rng().r#gen() {
            Failure::Write(nth)
        } else {
            Failure::Sync(nth)
        }
    });
    let journal = Journal::new(disk.clone(), RECORD_BYTES, failure);
    let settings = Settings {
        cores: CORES,
        record_bytes: RECORD_BYTES,
        spacing_above: thread_rng().gen_range(0..=3),
    };
    let queue = start(journal, settings);
    let loops: Vec<_> = (0..CORES).map(|core| spawn(queue.wake(core))).collect();
    let book = Arc::new(Book::new(
        disk.clone(),
        course.ending == Ending::EntryTooLong,
    ));
    let accounts = Arc::new(Accounts::default());
    let callers: Vec<_> = (0..thread_rng().gen_range(1..=MOST_CALLERS))
        .map(|caller| {
            let (queue, book, accounts) =
                (queue.handle(), Arc::clone(&book), Arc::clone(&accounts));
            thread::spawn(move || call(caller, &*queue, &book, &accounts))
        })
        .collect();
    match course.ending {
        Ending::AllAnswered => {
            join(callers);
            close(&*queue, &disk);
            judge(&*queue, &book);
        }
        Ending::ClosedMeanwhile => {
            let closers = (0..2).map(|_| {
                let (queue, disk) = (queue.handle(), disk.clone());
                thread::spawn(move || close(&*queue, &disk))
            });
            join(closers.collect());
            join(callers);
            judge(&*queue, &book);
        }
        Ending::EntryTooLong => {
            if queue.append(&TOO_LONG).is_ok() {
                disk.wrong("an entry that is too long was accepted".to_owned());
            }
            join(callers);
            block_on(queue.halted());
            if queue.close().is_ok() {
                disk.wrong("closing does not tell that it halted".to_owned());
            }
            judge(&*queue, &book);
        }
        Ending::HandlesDropped => {
            drop(queue);
            join(callers);
        }
    }
    for end in loops {
        block_on(end).expect("it is not aborted");
    }
    book.judge();
    let wrong = disk.all_wrong();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread
            .join()
            .expect("what is wrong is kept, and nothing panics");
    }
}

/// Closes, and looks at once whether that was all.
fn close(queue: &dyn Pipeline, disk: &Disk) {
    let outcome = queue.close();
    if !disk.is_released() {
        disk.wrong("closed, and the journal is not released".to_owned());
    }
    if outcome.is_err() != disk.has_failed() {
        disk.wrong(format!("closing says {outcome:?}"));
    }
    if queue.append(b"late").is_ok() {
        disk.wrong("an append was accepted after the end".to_owned());
    }
    if !queue.has_ended() {
        disk.wrong("closed, and it has not ended".to_owned());
    }
}

/// What the queue says after the end.
fn judge(queue: &dyn Pipeline, book: &Book) {
    let (durable, synced) = (queue.durable(), book.disk.synced());
    if durable != synced {
        book.disk
            .wrong(format!("{durable} is durable, and {synced} was synced"));
    }
    if queue.append(b"late").is_ok() {
        book.disk
            .wrong("an append was accepted after the end".to_owned());
    }
    if book.disk.has_failed() {
        block_on(queue.halted());
    }
    for sequence in 1..=queue.appended() + 1 {
        let mut wait = queue.wait(0, sequence);
        match wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) if outcome.is_ok() == (sequence <= durable) => {}
            answer => book.disk.wrong(format!(
                "after the end a wait for {sequence}: {answer:?}, durable {durable}"
            )),
        }
    }
}
