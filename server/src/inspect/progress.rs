//! Showing on standard error how far something is that takes more than two seconds: a bar on a
//! terminal, and elsewhere a line every two seconds.

use std::io::{IsTerminal as _, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Stop;
use super::text;
use crate::exit;
use crate::ledger::journal::Progress;

const EVERY: Duration = Duration::from_secs(2);
const REDRAW: Duration = Duration::from_millis(200);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Accounts,
    Bytes,
    Entries,
    Milliseconds,
}

impl Unit {
    fn show(self, count: u64) -> String {
        match self {
            Self::Accounts => format!("{} accounts", text::grouped(count)),
            Self::Bytes => text::bytes(count),
            Self::Entries => format!("{} entries", text::grouped(count)),
            Self::Milliseconds => format!("{} s", count / 1_000),
        }
    }
}

/// Shows how far something is until it is dropped.
#[derive(Debug)]
pub(super) struct Meter {
    counts: Arc<Counts>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Counts {
    title: &'static str,
    unit: Unit,
    /// 0 as long as nobody knows.
    total: AtomicU64,
    done: AtomicU64,
}

impl Meter {
    /// Begins to show. Without a thread for it nothing is shown.
    pub(super) fn start(title: &'static str, unit: Unit, stop: &Stop) -> Self {
        let counts = Arc::new(Counts {
            title,
            unit,
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
        });
        let (end, ended) = mpsc::channel();
        let (seen, stop) = (Arc::clone(&counts), stop.clone());
        let thread = thread::Builder::new()
            .name("waika-progress".to_owned())
            .spawn(move || show(&seen, &ended, &stop));
        Self {
            counts,
            end: Some(end),
            thread: thread.ok(),
        }
    }
}

impl Progress for Meter {
    fn total(&self, total: u64) {
        self.counts.total.store(total, Ordering::Relaxed);
    }

    fn done(&self, more: u64) {
        self.counts.done.fetch_add(more, Ordering::Relaxed);
    }
}

/// Whatever is said next finds the bar cleared away.
impl Drop for Meter {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn show(counts: &Counts, ended: &Receiver<()>, stop: &Stop) {
    let goes_on = |wait| ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout);
    if !goes_on(EVERY) {
        return;
    }
    if !stderr().is_terminal() {
        loop {
            exit::note(&counts.line());
            if !goes_on(EVERY) {
                return;
            }
        }
    }
    let bar = bar();
    loop {
        bar.set_length(counts.total.load(Ordering::Relaxed).max(1));
        bar.set_position(counts.done.load(Ordering::Relaxed));
        bar.set_message(counts.line());
        if !goes_on(REDRAW) || stop.is_asked() {
            bar.finish_and_clear();
            return;
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:30} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Counts {
    fn line(&self) -> String {
        let (total, done) = (&self.total, self.done.load(Ordering::Relaxed));
        let of = match total.load(Ordering::Relaxed) {
            0 => String::new(),
            total => format!(" of {}", self.unit.show(total)),
        };
        format!("{}: {}{of}", self.title, self.unit.show(done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let check = |unit, total, done, expected: &str| {
            let counts = Counts {
                title: "verify",
                unit,
                total: AtomicU64::new(total),
                done: AtomicU64::new(done),
            };
            assert_eq!(counts.line(), expected);
        };
        check(Unit::Bytes, 0, 0, "verify: 0 bytes");
        check(
            Unit::Bytes,
            2_000_000,
            1_500_000,
            "verify: 1.50 MB of 2.00 MB",
        );
        check(Unit::Entries, 0, 1_234, "verify: 1,234 entries");
        check(Unit::Accounts, 0, 12, "verify: 12 accounts");
        check(Unit::Milliseconds, 15_000, 4_999, "verify: 4 s of 15 s");
    }
}
