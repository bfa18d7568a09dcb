//! Pruning by age: segments whose entries were all decided longer ago than the retention go, a few at a
//! time, on the thread that takes snapshots.
//!
//! Nothing that a start, or anything in memory, reads by its sequence goes: a call under way holds
//! snapshots back, and these hold pruning; what is owed stands in memory and in snapshots with all that
//! is sent. Whatever else reads an entry hears that it is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge, counter, gauge};
use waika_domain::period::Timestamp;

use super::background::Stretch;
use super::journal::{Beginning, NotPruned, OpenError, Pruned, Pruner, Wanted};
use super::{Ledger, decode};
use crate::authoriser::Authoriser;
use crate::clock::monotonic;
use crate::config::least_retention;
use crate::idempotency::Idempotency;
use crate::kept::KeptFrom;

/// From one look to the next, besides those after snapshots that operators asked for.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);
/// Segments that go at once.
const MOST_AT_ONCE: usize = 64;
/// It rests so many times as long as it worked.
const REST: u32 = 3;
/// Keys that are forgotten from one rest to the next.
const SLICE: usize = 16_384;
/// Entries of one batch are not in the order of their instants, but nearly.
const OUT_OF_ORDER_SECONDS: u32 = 60;

/// What prunes a ledger's journal.
#[derive(Debug)]
pub(super) struct Pruning {
    pruner: Pruner,
    /// Zero: everything is kept.
    retention: Duration,
    next_look: Instant,
    first: Gauge,
    segments: Counter,
    bytes: Counter,
}

impl Pruning {
    pub(super) fn new(pruner: Pruner, retention: Duration) -> Self {
        let pruning = Self {
            pruner,
            retention,
            next_look: monotonic() + LOOK_EVERY,
            first: gauge!("waika_journal_first_sequence"),
            segments: counter!("waika_journal_pruned_segments_total"),
            bytes: counter!("waika_journal_pruned_bytes_total"),
        };
        pruning.tell_first(pruning.pruner.beginning());
        pruning
    }

    fn tell_first(&self, beginning: Option<Beginning>) {
        let first = beginning.map_or(1, |beginning| beginning.first);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge is a float, and exact up to 2^53"
        )]
        self.first.set(first as f64);
    }

    /// Whether it has been some time since the last look.
    pub(super) fn is_due(&self) -> bool {
        monotonic() >= self.next_look
    }

    /// Removes what is old enough, if anything is.
    pub(super) fn look(&mut self, ledger: &Ledger, stop: &AtomicBool) {
        self.next_look = monotonic() + LOOK_EVERY;
        if self.retention.is_zero() {
            return;
        }
        match self.prune(ledger, stop) {
            Ok(None) | Err(NotPruned::Stopped) => {}
            Ok(Some(pruned)) => {
                let Pruned {
                    beginning,
                    segments,
                    bytes,
                } = pruned;
                self.segments.increment(segments);
                self.bytes.increment(bytes);
                tracing::info!(
                    segments,
                    bytes,
                    first = beginning.first,
                    "old journal segments pruned"
                );
            }
            Err(error) => {
                tracing::warn!(%error, "old journal segments are not pruned for the present");
            }
        }
    }

    fn prune(&self, ledger: &Ledger, stop: &AtomicBool) -> Result<Option<Pruned>, NotPruned> {
        let authoriser = &ledger.authoriser;
        let longest = authoriser.policies.longest_to_settle();
        let Some((first, at)) = self.place(authoriser, longest)? else {
            return Ok(None);
        };
        // A payment of that day settles on this one at the latest.
        let last_day = at.plus_seconds(OUT_OF_ORDER_SECONDS).day();
        let days_from = last_day.plus_days(longest.saturating_add(2)).start();
        let known = self.pruner.beginning();
        let before = known.map_or(i64::MIN, |beginning| beginning.days_from_ms);
        let wanted = Wanted {
            first,
            at_ms: at.unix_ms(),
            days_from_ms: days_from.unix_ms().max(before),
            keys_through: authoriser.idempotency.moved_out_through(),
        };
        let mut stretch = Stretch::begin();
        let pruned = self.pruner.prune(wanted, &mut || {
            stretch.rest(REST);
            !stop.load(Ordering::Relaxed)
        });
        // Also where a file could not be removed: what is before it is not read any more.
        let now = self.pruner.beginning();
        if let Some(beginning) = now.filter(|_| now != known) {
            self.tell_first(now);
            forget(authoriser, beginning);
        }
        pruned.map(Some)
    }

    /// With which sequence the journal is to begin, and when that was decided: that of the youngest segment
    /// before which nothing is needed.
    fn place(
        &self,
        authoriser: &Authoriser,
        longest: u8,
    ) -> Result<Option<(u64, Timestamp)>, NotPruned> {
        let kept = self.retention.max(least_retention(longest));
        let kept_ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        let oldest_ms = authoriser.clock.now().unix_ms().saturating_sub(kept_ms);
        let most = self.pruner.held_by_snapshots()?;
        let most = most.min(authoriser.kept.may_go_through().saturating_add(1));
        let mut found = None;
        let places = self.pruner.places().into_iter();
        for first in places.take_while(|&first| first <= most).take(MOST_AT_ONCE) {
            let entry = self.pruner.first_entry(first).map_err(OpenError::from)?;
            let at = entry.and_then(|entry| decode::entry(&entry).ok());
            // What cannot be read is for the scrub to tell.
            let Some(at) = at.map(|stored| stored.at) else {
                break;
            };
            if at.unix_ms() >= oldest_ms {
                break;
            }
            found = Some((first, at));
        }
        Ok(found)
    }
}

/// Forgets in memory what leads to entries that are gone.
fn forget(authoriser: &Authoriser, beginning: Beginning) {
    authoriser.kept.begins(KeptFrom::from(beginning));
    // Whoever found an authorisation before it went has decided by now, or hears that it is gone.
    authoriser.pass_every_lock();
    authoriser.adjusted.forget_before(beginning.first);
    forget_keys(&authoriser.idempotency, beginning.first);
}

fn forget_keys(index: &Idempotency, first: u64) {
    let mut stretch = Stretch::begin();
    for slice in index.answered_up_to(first.saturating_sub(1)).chunks(SLICE) {
        for key in slice {
            index.forget(*key);
        }
        stretch.rest(REST);
    }
}
