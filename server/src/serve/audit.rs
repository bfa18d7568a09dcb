//! What the log tells of calls that leave no entry: those that were denied, and those of operators that change
//! nothing in the journal. Sparingly, so that nobody fills a disk with calls.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::clock::monotonic;
use crate::grpc;
use crate::identity::{Denied, METRICS, is_open_to_all};
use crate::ledger::{Numbered as _, Rpc};

/// By this, whoever reads the log finds what concerns who may do what.
pub(super) const TARGET: &str = "waika_server::audit";

/// From one line to the next about the same.
const EVERY: Duration = Duration::from_secs(1);
/// So many things are told apart at once.
const MOST_TOLD: usize = 1_024;
/// What a path is called that is none of ours: a caller may have put anything into it.
const NOT_SERVED: &str = "(not served)";

/// What is told, and what was told a moment ago.
#[derive(Debug)]
pub(super) struct Audit {
    /// Paths of calls that are served, and `metrics`.
    served: HashSet<Box<str>>,
    /// Paths of calls that leave an entry.
    recorded: HashSet<&'static str>,
    denied: Sparing,
    called: Sparing,
}

impl Audit {
    pub(super) fn new() -> Self {
        let methods = grpc::methods().into_iter();
        let paths = methods.flat_map(|(service, methods)| {
            let methods = methods.into_iter();
            methods.map(move |method| format!("/{service}/{method}").into())
        });
        Self {
            served: paths.chain([METRICS.into()]).collect(),
            recorded: (1..)
                .map_while(Rpc::from_number)
                .map(grpc::path_of)
                .collect(),
            denied: Sparing::default(),
            called: Sparing::default(),
        }
    }

    /// A call was denied: at most one line a second for each reason.
    pub(super) fn denied(&self, listener: &'static str, denied: &Denied, path: &str) {
        let reason = denied.reason();
        let Some(left_out) = self.denied.may_tell(reason, monotonic()) else {
            return;
        };
        let (caller, rpc) = (denied.caller(), self.named(path));
        warn!(target: TARGET, reason, caller, rpc, listener, left_out, "a call was denied");
    }

    /// An operator makes a call: at most one line a second for each caller and path.
    pub(super) fn called(&self, caller: &str, path: &str) {
        if self.recorded.contains(path) || is_open_to_all(path) {
            return;
        }
        let rpc = self.named(path);
        let about = format!("{rpc} {caller}");
        if let Some(left_out) = self.called.may_tell(&about, monotonic()) {
            info!(target: TARGET, caller, rpc, left_out, "an operator has called");
        }
    }

    fn named<'a>(&self, path: &'a str) -> &'a str {
        if self.served.contains(path) {
            path
        } else {
            NOT_SERVED
        }
    }
}

/// Lets a line through once in a while for each thing that there are lines about.
#[derive(Debug, Default)]
struct Sparing {
    told: Mutex<HashMap<Box<str>, Told>>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    left_out: u64,
}

impl Sparing {
    /// Whether a line may be written now, and then how many about the same were left out since the last.
    fn may_tell(&self, about: &str, now: Instant) -> Option<u64> {
        let is_over = |told: &Told| now.saturating_duration_since(told.at) >= EVERY;
        let mut all = self.told.lock();
        if let Some(told) = all.get_mut(about) {
            if !is_over(told) {
                told.left_out += 1;
                return None;
            }
            told.at = now;
            return Some(std::mem::take(&mut told.left_out));
        }
        if all.len() >= MOST_TOLD {
            all.retain(|_, told| !is_over(told));
        }
        if all.len() >= MOST_TOLD {
            return None;
        }
        let told = Told {
            at: now,
            left_out: 0,
        };
        all.insert(about.into(), told);
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_is_written_about_the_same_and_the_others_are_counted() {
        let sparing = Sparing::default();
        let begin = monotonic();
        let tell = |about, ms| sparing.may_tell(about, begin + Duration::from_millis(ms));
        for (about, ms, told) in [
            ("a", 0, Some(0)),
            ("a", 1, None),
            ("b", 2, Some(0)),
            ("a", 999, None),
            ("a", 1_000, Some(2)),
            ("a", 1_999, None),
            ("a", 5_000, Some(1)),
            ("b", 5_000, Some(0)),
        ] {
            assert_eq!(tell(about, ms), told, "{about} at {ms} ms");
        }
    }

    #[test]
    fn many_things_at_once_take_no_more_room_than_there_is() {
        let sparing = Sparing::default();
        let begin = monotonic();
        let tell = |number: usize, at| sparing.may_tell(&number.to_string(), at);
        assert!((0..MOST_TOLD).all(|number| tell(number, begin) == Some(0)));
        assert_eq!(tell(MOST_TOLD, begin), None);
        assert_eq!(tell(MOST_TOLD, begin + EVERY), Some(0));
        assert_eq!(sparing.told.lock().len(), 1);
    }

    #[test]
    fn a_path_is_named_if_it_is_one_of_ours_and_nothing_that_a_caller_makes_up() {
        let audit = Audit::new();
        for (path, named) in [
            ("/waika.v1.AdminService/TakeBackup", true),
            ("/waika.v1.CardService/Bind", true),
            ("metrics", true),
            ("/waika.v1.CardService/4111111111111111", false),
            ("", false),
        ] {
            let expected = if named { path } else { NOT_SERVED };
            assert_eq!(audit.named(path), expected);
        }
        assert!(
            audit
                .recorded
                .contains("/waika.v1.AdminService/PutMerchant")
        );
        assert!(!audit.recorded.contains("/waika.v1.AdminService/TakeBackup"));
    }
}
