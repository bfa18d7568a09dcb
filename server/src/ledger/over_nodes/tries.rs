//! Deciding again, for as long as anybody can wait for it.

use std::time::{Duration, Instant};

use crate::clock::{monotonic, sleep};
use crate::ledger::LedgerError;
use crate::vault::random_bits;

/// Nobody decides the same for longer than this.
const LONGEST: Duration = Duration::from_secs(10);
/// The first pause is about this long.
const FIRST: Duration = Duration::from_micros(500);
/// And none is longer.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Pauses, each longer than the one before it, and never as long as somebody else's.
#[derive(Debug)]
pub(super) struct Tries {
    until: Instant,
    pause: Duration,
    is_first: bool,
}

impl Tries {
    /// Until the caller stops waiting, if it said when.
    pub(super) fn until(deadline: Option<Instant>) -> Self {
        let longest = monotonic() + LONGEST;
        Self {
            until: deadline.map_or(longest, |deadline| deadline.min(longest)),
            pause: FIRST,
            is_first: true,
        }
    }

    /// Waits before the next try; the first comes at once. An error says that there is no more time.
    pub(super) async fn pause(&mut self) -> Result<(), LedgerError> {
        if std::mem::take(&mut self.is_first) {
            return Ok(());
        }
        let share = u32::try_from(random_bits().unwrap_or_default() % 1_000).unwrap_or_default();
        let pause = self.pause / 2 + self.pause * share / 1_000;
        if monotonic() + pause >= self.until {
            return Err(LedgerError::Contended);
        }
        sleep(pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
