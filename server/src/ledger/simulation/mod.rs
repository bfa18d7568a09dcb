//! The whole server above the wire under one seed: clients, issuer, clock, disk, and every thread's turn.
//!
//! A history is some lives of one ledger over the simulated disk. Each is ended by a loss of power or a kill
//! at a call of the disk, in a start and in a snapshot too, by a disk that fails, or by a stop. After each, books
//! that are kept by no rule of the server's are held against what the clients were told, and against memory.
//!
//! `WAIKA_HISTORIES=10000 cargo test --release -p waika-server --lib simulation -- --nocapture` is the long form;
//! `WAIKA_SEED=42` runs one history, and `WAIKA_STEPS=17` its beginning alone.
//!
//! One thread runs at a time: those in the background hand over before each change of the disk and at each
//! rest ([`job`]), reads have one thread, which is waited for, and what sleeps does so by the world's time
//! ([`world`]). So a seed is one history, to the last byte.

mod asked;
mod book;
mod counts;
mod disk;
mod draw;
mod history;
mod job;
mod life;
#[cfg(feature = "planted-faults")]
mod planted;
mod shrink;
mod task;
pub(crate) mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use waika_domain::period::{Day, Timestamp};

use self::asked::{Asked, What, account_id, merchant};
use self::book::Book;
use self::counts::Counts;
use self::history::{Heard, History};
use self::life::Life;
use self::world::World;
use super::journal::disk::{Faults, SimulatedDisk};
use super::open::OpenError;
use super::{Numbered as _, journal, scrub};

const HISTORIES: u64 = 100;

/// More steps than any history has.
const ALL_STEPS: u64 = u64::MAX;

/// One history: its trace, and what it met. A surprise is a panic.
fn run(seed: u64, steps: u64) -> (String, Counts) {
    let history = Rc::new(History::new(seed, steps));
    // At the end of a month of a leap year, or of a year.
    let (year, month) = *history.pick(&[(2024, 3), (2024, 2), (2024, 1)]).unwrap();
    let end = Day::from_civil(year, month, 1).unwrap().start().unix_ms();
    let before_ms = i64::try_from(history.below(30 * 3_600_000)).unwrap();
    let began_at = Timestamp::from_unix_ms(end - before_ms);
    let world = World::new(seed, began_at);
    world.enter();
    let _left = Left;
    let lived = catch_unwind(AssertUnwindSafe(|| lives(&history, &world)));
    if let Err(panic) = lived {
        if variable("WAIKA_SEED").is_some() {
            eprintln!("{}", history.trace());
        }
        resume_unwind(panic);
    }
    Rc::into_inner(history)
        .expect("nobody has it any more")
        .into_trace()
}

/// Whatever happens, the thread is in the real world again.
struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        World::leave();
    }
}

fn lives(history: &Rc<History>, world: &Arc<World>) {
    let segment_bytes = 4096 << history.below(4);
    let mut disk = SimulatedDisk::new(history.seed, faults(history, 500));
    for _ in 0..=history.below(4) {
        disk = in_runtime(live(history, world, &disk, segment_bytes));
    }
    disk.set_faults(Faults::default());
    for is_last in [false, true] {
        disk = in_runtime(check(history, world, &disk, (segment_bytes, is_last)));
    }
}

/// A runtime whose only other thread reads, one thing after the other.
fn in_runtime<T>(life: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.max_blocking_threads(1).build().unwrap();
    runtime.block_on(life)
}

fn faults(history: &History, within: u64) -> Faults {
    let at = Some(history.below(within));
    let mut faults = Faults::default();
    match history.below(10) {
        0..5 => faults.power_off_at = at,
        5 => faults.fail_write_at = at,
        6..8 => faults.fail_sync_at = at.map(|at| at / 2),
        8 => faults.capacity_bytes = Some(40_000 + usize::try_from(within).unwrap() * 100),
        _ => {}
    }
    faults
}

/// One life; gives what the next one finds on the disk.
async fn live(
    history: &Rc<History>,
    world: &Arc<World>,
    disk: &SimulatedDisk,
    segment_bytes: u64,
) -> SimulatedDisk {
    history.note(format_args!("a life, {:?}", disk.counts()));
    history.count(|counts| counts.lives += 1);
    history.off.set(false);
    match Life::open(history, world, disk, segment_bytes) {
        Ok(mut life) => {
            check_told(history, &Book::read(&life.ledger));
            call(history, &mut life).await;
            if !life.has_ended() && history.one_in(4) {
                life.settle().await;
                history.count(|counts| counts.stops += 1);
                if !life.has_ended() {
                    Book::read(&life.ledger).compare(&life.ledger);
                }
            }
            let is_taking = life.is_taking_a_snapshot();
            history.count(|counts| {
                counts.in_snapshots += u64::from(is_taking);
                counts.failed_disks += u64::from(life.has_ended() && !life.is_off());
            });
            let next = next_disk(history, disk);
            life.end();
            next
        }
        Err(OpenError::Journal(journal::OpenError::Io(error))) => {
            history.note(format_args!("no start: {error}"));
            history.count(|counts| counts.in_starts += 1);
            next_disk(history, disk)
        }
        Err(refused) => panic!("an honest crash was refused: {refused}"),
    }
}

/// Lets clients call for some steps.
async fn call(history: &Rc<History>, life: &mut Life) {
    history.calling.set(true);
    for _ in 0..20 + history.below(700) {
        if history.steps_left.get() == 0 || life.has_ended() {
            break;
        }
        history.steps_left.set(history.steps_left.get() - 1);
        life.step().await;
    }
    history.calling.set(false);
}

/// What is left when it all ends now.
fn next_disk(history: &History, disk: &SimulatedDisk) -> SimulatedDisk {
    let within = if history.one_in(3) { 20 } else { 500 };
    let faults = faults(history, within);
    if history.one_in(3) {
        history.note("killed");
        history.count(|counts| counts.kills += 1);
        disk.after_kill(faults)
    } else {
        history.note("without power");
        history.count(|counts| counts.power_cuts += 1);
        disk.after_power_cut(faults)
    }
}

/// Opens on a good disk, where everything is held against the books and asked for again.
async fn check(
    history: &Rc<History>,
    world: &Arc<World>,
    disk: &SimulatedDisk,
    (segment_bytes, is_last): (u64, bool),
) -> SimulatedDisk {
    history.note("the books are checked");
    history.off.set(false);
    let opened = Life::open(history, world, disk, segment_bytes);
    let mut life =
        opened.unwrap_or_else(|refused| panic!("an honest crash was refused: {refused}"));
    check_told(history, &Book::read(&life.ledger));
    life.settle().await;
    let book = Book::read(&life.ledger);
    book.compare(&life.ledger);
    ask_again(history, &mut life, &book).await;
    life.settle().await;
    let book = Book::read(&life.ledger);
    check_told(history, &book);
    book.compare(&life.ledger);
    let stop = Arc::new(AtomicBool::new(false));
    let looked = scrub::look_at_all(&life.ledger, life.snapshots(), stop);
    looked.unwrap_or_else(|wrong| panic!("the scrub: {wrong}"));
    if is_last {
        for (sequence, entry) in &book.entries {
            history.note(format_args!("{sequence} {entry:?}"));
        }
    }
    life.end();
    disk.after_power_cut(Faults::default())
}

/// What somebody was told of is there, as it was told, and in one place.
fn check_told(history: &History, book: &Book) {
    for record in history.records.borrow().values() {
        let Some(told) = &record.told else { continue };
        let asked = &record.asked;
        let stored = book.entries.get(&told.sequence);
        let stored = stored.unwrap_or_else(|| panic!("{asked:?} is lost, and {told:?} was told"));
        assert_eq!(
            (stored.at, stored.event()),
            (told.at, Some(&told.event)),
            "{asked:?}"
        );
        assert_eq!(decided(book, asked), Some(told.sequence), "{asked:?}");
    }
}

fn decided(book: &Book, asked: &Asked) -> Option<u64> {
    let scope = match &asked.what {
        What::Merchant {
            merchant: number,
            version,
        } => merchant(*number, *version).id.to_string(),
        What::Clock { .. } | What::PutPolicy { .. } | What::ActivatePolicy { .. } => String::new(),
        _ => account_id(asked.account).to_string(),
    };
    book.decided((asked.rpc().number(), &scope, &asked.key))
}

/// Asks for everything once more: what was there is told again, and what was not is done now.
async fn ask_again(history: &Rc<History>, life: &mut Life, book: &Book) {
    let ledger = Arc::clone(&life.ledger);
    let mut records: Vec<_> = history.records.borrow().values().cloned().collect();
    // In any year that may come until then.
    let end = Day::from_civil(9_999, 1, 1).unwrap().start();
    records.retain(|record| !record.would_step_back(end));
    let all: Vec<_> = records.iter().map(|record| record.asked.clone()).collect();
    let answers = life.run(async move {
        let mut answers = Vec::new();
        for asked in all {
            answers.push(asked.ask(&ledger, 0).await);
        }
        answers
    });
    for (record, answer) in records.iter().zip(answers.await) {
        let before = decided(book, &record.asked);
        let now = answer
            .as_ref()
            .ok()
            .map(|answered| (answered.sequence, answered.replayed));
        let heard = history.hears(&record.asked, answer);
        assert!(heard != Heard::Nothing, "{:?} has no answer", record.asked);
        match (before, now) {
            (Some(before), _) => assert_eq!(now, Some((before, true)), "{:?}", record.asked),
            (None, Some((_, replayed))) => assert!(!replayed, "{:?}", record.asked),
            (None, None) => {}
        }
        history.count(|counts| {
            counts.lost_answers += u64::from(record.told.is_none());
            counts.found_again += u64::from(record.told.is_none() && before.is_some());
        });
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    let text = variable(name)?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn no_end_of_a_server_loses_an_answer_gives_a_second_one_or_passes_a_limit() {
    if let Some(seed) = number("WAIKA_SEED") {
        let (trace, counts) = run(seed, number("WAIKA_STEPS").unwrap_or(ALL_STEPS));
        println!("{trace}{counts:?}");
        return;
    }
    let mut counts = Counts::default();
    for seed in 0..number("WAIKA_HISTORIES").unwrap_or(HISTORIES) {
        match catch_unwind(AssertUnwindSafe(|| run(seed, ALL_STEPS))) {
            Ok((_, met)) => counts += met,
            Err(panic) => {
                println!("{}", shrink::report(seed));
                resume_unwind(panic);
            }
        }
    }
    println!("SIM: {}", counts.report());
    counts.check();
}

#[test]
fn a_seed_is_one_history_to_the_last_byte() {
    for seed in 0..12 {
        let [(one, _), (other, _)] = [(), ()].map(|()| run(seed, ALL_STEPS));
        let differs = one
            .lines()
            .zip(other.lines())
            .position(|(one, other)| one != other);
        if let Some(line) = differs {
            let at = |trace: &str| trace.lines().nth(line).unwrap_or_default().to_owned();
            panic!("seed {seed}, line {line}:\n{}\n{}", at(&one), at(&other));
        }
        assert_eq!(one.len(), other.len(), "seed {seed}");
    }
}
