//! What is known of the accounts in memory beside what they are.

use compact_str::CompactString;
use dashmap::DashMap;
use foldhash::fast::RandomState;

/// Of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Another each time that it is read anew: what was decided before says nothing of it.
    epoch: u64,
    /// The last entry that changed an authorisation of it, or the version that was read.
    adjusted_at: u64,
    /// It was used since somebody looked for one to let go.
    is_used: bool,
    /// How often in a row it has to be found as this node left it, until it is taken for this node's alone.
    shared: u8,
}

/// Of two nodes with calls of their own a row is found unchanged so often in one of 256 cases.
const SHARED: u8 = 8;

/// By account. Changed under the account's lock.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: DashMap<CompactString, Known, RandomState>,
}

impl Cache {
    /// It was read anew, at this version.
    pub(super) fn read(&self, id: &str, version: u64) {
        let mut known = self.known.entry(id.into()).or_default();
        *known = Known {
            epoch: known.epoch + 1,
            adjusted_at: version,
            is_used: true,
            shared: known.shared,
        };
    }

    /// Something was decided over it, which may change an authorisation. Says in which epoch.
    pub(super) fn decided(&self, id: &str, sequence: u64, adjusts: bool) -> u64 {
        let mut known = self.known.entry(id.into()).or_default();
        known.is_used = true;
        if adjusts {
            known.adjusted_at = sequence;
        }
        known.epoch
    }

    /// Another node decides over it too.
    pub(super) fn share(&self, id: &str) {
        if let Some(mut known) = self.known.get_mut(id) {
            known.shared = SHARED;
        }
    }

    /// It was found as this node left it.
    pub(super) fn found_unchanged(&self, id: &str) {
        if let Some(mut known) = self.known.get_mut(id) {
            known.shared = known.shared.saturating_sub(1);
        }
    }

    /// True if other nodes decide over it too.
    pub(super) fn is_shared(&self, id: &str) -> bool {
        self.known.get(id).is_some_and(|known| known.shared > 0)
    }

    /// True if what was read of its authorisations at a version is all that there is in memory.
    pub(super) fn is_whole_at(&self, id: &str, version: u64) -> bool {
        let known = self.known.get(id);
        known.is_none_or(|known| known.adjusted_at <= version)
    }

    /// Whether it is in that epoch still.
    pub(super) fn is_of(&self, id: &str, epoch: u64) -> bool {
        self.known.get(id).is_some_and(|known| known.epoch == epoch)
    }

    pub(super) fn forget(&self, id: &str) {
        // Not removed: an epoch must not come again while something of it is under way.
        if let Some(mut known) = self.known.get_mut(id) {
            known.epoch += 1;
            known.is_used = false;
        }
    }

    /// Accounts to let go: those first that nobody has used since this was asked last.
    pub(super) fn idle(&self, most: usize) -> Vec<CompactString> {
        let mut idle = Vec::new();
        for mut known in self.known.iter_mut() {
            if idle.len() >= most {
                break;
            }
            if !std::mem::take(&mut known.is_used) {
                idle.push(known.key().clone());
            }
        }
        idle
    }

    /// Nothing of it is under way.
    pub(super) fn remove(&self, id: &str) {
        self.known.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_was_read_anew_is_another() {
        let cache = Cache::default();
        cache.read("a", 7);
        let epoch = cache.decided("a", 8, false);
        assert!(cache.is_of("a", epoch) && cache.is_whole_at("a", 7));
        assert_eq!(cache.decided("a", 9, true), epoch);
        assert!(!cache.is_whole_at("a", 8) && cache.is_whole_at("a", 9));
        cache.forget("a");
        assert!(!cache.is_of("a", epoch));
        cache.read("a", 12);
        assert!(!cache.is_of("a", epoch) && !cache.is_whole_at("a", 11));
    }

    #[test]
    fn an_account_is_shared_until_it_was_found_unchanged_often_enough() {
        let cache = Cache::default();
        cache.share("a");
        assert!(!cache.is_shared("a"), "it is not in memory");
        cache.read("a", 1);
        cache.share("a");
        for _ in 1..SHARED {
            cache.found_unchanged("a");
        }
        cache.forget("a");
        cache.read("a", 2);
        assert!(cache.is_shared("a"), "whatever is read of it");
        cache.found_unchanged("a");
        assert!(!cache.is_shared("a"));
        cache.found_unchanged("a");
        assert!(!cache.is_shared("a"));
    }

    #[test]
    fn what_was_used_is_let_go_only_when_it_was_not_used_again() {
        let cache = Cache::default();
        for id in ["a", "b"] {
            cache.read(id, 1);
        }
        assert!(cache.idle(10).is_empty());
        cache.decided("b", 2, false);
        assert_eq!(cache.idle(10), ["a"]);
    }
}
