//! F14, its third part: the commit pipeline while a scheduler says after each step which of its threads
//! goes on, at random, or by priorities that change at a few steps (PCT). Nothing is told before its sync
//! returned, every wait ends, nothing accepted is lost or out of place. Each planted mistake is found.
//!
//! `WAIKA_SCHEDULES=1000000 cargo test --release -p waika-schedules -- --nocapture` is the long form: so
//! many of each course. A schedule that fails is printed, with the command that plays it again.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod callers;
mod course;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};
use waika_schedules::pipeline::{Start, start};
use waika_schedules::planted;

use course::{COURSES, Course, Ending, play};

/// Of each course, in CI.
const SCHEDULES: usize = 4_000;
/// Of all courses together, until a mistake is found.
const UNTIL_FOUND: usize = 60_000;
/// With one seed and one scheduler.
const ROUND: usize = 250;
/// How often PCT lets another thread pass in one schedule, at most.
const MOST_CHANGES: usize = 4;
/// Many times what a course takes.
const MOST_STEPS: usize = 100_000;

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn number(name: &str) -> Option<u64> {
    Some(variable(name)?.parse().expect(name))
}

#[expect(clippy::disallowed_methods, reason = "it is told how long it took")]
fn now() -> Instant {
    Instant::now()
}

/// Plays a course under a scheduler and counts. Whatever must not be ends in a panic.
fn run(
    scheduler: impl Scheduler + 'static,
    start: Start,
    course: Course,
    played: &Arc<AtomicUsize>,
) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true;
    let played = Arc::clone(played);
    Runner::new(scheduler, config).run(move || {
        played.fetch_add(1, Ordering::Relaxed);
        play(start, course);
    });
}

/// A round of the one scheduler or of the other.
fn explore(round: usize, start: Start, course: Course, played: &Arc<AtomicUsize>) {
    let seed = number("WAIKA_SEED").unwrap_or(1) + round as u64;
    if round.is_multiple_of(2) {
        run(
            RandomScheduler::new_from_seed(seed, ROUND),
            start,
            course,
            played,
        );
    } else {
        let changes = 1 + round / 2 % MOST_CHANGES;
        run(
            PctScheduler::new_from_seed(seed, changes, ROUND),
            start,
            course,
            played,
        );
    }
}

/// Explores one course, and says how much.
fn check(test: &str, ending: Ending, fails: bool) -> String {
    let course = Course { ending, fails };
    let played = Arc::default();
    let begun_at = now();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        if let Some(schedule) = variable("WAIKA_SCHEDULE") {
            run(
                ReplayScheduler::new_from_encoded(&schedule),
                start,
                course,
                &played,
            );
            return;
        }
        let schedules = number("WAIKA_SCHEDULES").map(usize::try_from);
        let schedules = schedules.map_or(SCHEDULES, |schedules| schedules.expect("it fits"));
        for round in 0..schedules.div_ceil(ROUND) {
            explore(round, start, course, &played);
        }
    }));
    if let Err(panic) = outcome {
        eprintln!(
            "\nWAIKA_SCHEDULE='the last schedule above' cargo test -p waika-schedules {test}"
        );
        panic::resume_unwind(panic);
    }
    let schedules = played.load(Ordering::Relaxed);
    let seconds = begun_at.elapsed().as_secs_f64();
    format!("F14: {course}: {schedules} schedules of the commit pipeline, {seconds:.1} s")
}

/// A test for each course, which is the course's name.
macro_rules! courses {
    ($($test:ident: $ending:ident, $fails:literal;)*) => {$(
        #[test]
        fn $test() {
            println!("{}", check(stringify!($test), Ending::$ending, $fails));
        }
    )*};
}

courses! {
    f14_every_wait_ends: AllAnswered, false;
    f14_every_wait_ends_when_a_commit_fails: AllAnswered, true;
    f14_closing_commits_what_was_accepted: ClosedMeanwhile, false;
    f14_closing_ends_when_a_commit_fails: ClosedMeanwhile, true;
    f14_the_last_handle_commits_what_was_accepted: HandlesDropped, false;
    f14_the_last_handle_ends_when_a_commit_fails: HandlesDropped, true;
    f14_an_entry_that_is_too_long_ends_every_wait: EntryTooLong, false;
    f14_an_entry_that_is_too_long_beside_a_failure: EntryTooLong, true;
}

/// By which course a mistake was found, after how many schedules of all courses, and in whose words.
fn found(start: Start) -> Option<(Course, usize, String)> {
    let played = Arc::new(AtomicUsize::new(0));
    for round in 0.. {
        for course in COURSES {
            if played.load(Ordering::Relaxed) >= UNTIL_FOUND {
                return None;
            }
            // On a thread of its own, which a deadlock leaves with stacks that nobody unwinds.
            let explored = thread::scope(|scope| {
                let exploring = scope.spawn(|| explore(round, start, course, &played));
                exploring.join()
            });
            if let Err(panic) = explored {
                let text = panic.downcast_ref::<String>().map_or("", String::as_str);
                let words = text.split(['\n', ':']).next().unwrap_or_default();
                return Some((course, played.load(Ordering::Relaxed), words.to_owned()));
            }
        }
    }
    None
}

#[test]
fn f14_each_planted_mistake_is_found() {
    let lost = planted::LOST;
    assert!(
        lost.is_empty(),
        "places that are not in the sources any more: {lost:?}"
    );
    let mut missed = Vec::new();
    for (name, start) in planted::STARTS {
        match found(*start) {
            Some((course, schedules, words)) => {
                println!("F14: {name}: found by schedule {schedules} ({course}): {words}");
            }
            None => missed.push(*name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
