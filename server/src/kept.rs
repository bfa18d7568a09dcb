//! From where on the journal is kept, for those who decide and those who prune.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use waika_domain::period::Timestamp;

use crate::ledger::LedgerError;
use crate::ledger::journal::Beginning;

/// No backup folder holds pruning back.
const NOTHING_HOLDS: u64 = u64::MAX;

/// Where what is kept begins: everything before was pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFrom {
    /// The first sequence.
    pub sequence: u64,
    /// When its entry was decided.
    pub at: Timestamp,
}

impl From<Beginning> for KeptFrom {
    fn from(beginning: Beginning) -> Self {
        Self {
            sequence: beginning.first,
            at: Timestamp::from_unix_ms(beginning.at_ms),
        }
    }
}

/// What is kept, and what may go.
#[derive(Debug)]
pub(crate) struct Kept {
    /// 0: everything.
    first: AtomicU64,
    at_ms: AtomicI64,
    may_go: AtomicU64,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            first: AtomicU64::new(0),
            at_ms: AtomicI64::new(0),
            may_go: AtomicU64::new(NOTHING_HOLDS),
        }
    }
}

impl Kept {
    /// What is before is not kept any more.
    pub(crate) fn begins(&self, from: KeptFrom) {
        self.at_ms.store(from.at.unix_ms(), Ordering::Relaxed);
        self.first.store(from.sequence, Ordering::Release);
    }

    /// Refuses an authorisation whose entry is not kept: of what became of it, too, memory may know
    /// nothing any more.
    pub(crate) fn check(&self, authorisation: u64) -> Result<(), LedgerError> {
        let sequence = self.first.load(Ordering::Acquire);
        if authorisation >= sequence {
            return Ok(());
        }
        let at = Timestamp::from_unix_ms(self.at_ms.load(Ordering::Relaxed));
        Err(LedgerError::AuthorisationPruned(KeptFrom { sequence, at }))
    }

    /// Lets entries go up to a sequence at most; None: however many their age lets go.
    pub(crate) fn let_go_through(&self, through: Option<u64>) {
        let through = through.unwrap_or(NOTHING_HOLDS);
        self.may_go.store(through, Ordering::Release);
    }

    /// Up to which sequence entries may go.
    pub(crate) fn may_go_through(&self) -> u64 {
        self.may_go.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_is_refused_and_says_from_where_on_all_is_kept() {
        let kept = Kept::default();
        assert_eq!(kept.check(1), Ok(()));
        let at = Timestamp::from_unix_ms(5);
        let from = KeptFrom { sequence: 10, at };
        kept.begins(from);
        assert_eq!(kept.check(9), Err(LedgerError::AuthorisationPruned(from)));
        assert_eq!(kept.check(10), Ok(()));
    }

    #[test]
    fn a_backup_folder_holds_back_what_it_does_not_have() {
        let kept = Kept::default();
        assert_eq!(kept.may_go_through(), u64::MAX);
        kept.let_go_through(Some(7));
        assert_eq!(kept.may_go_through(), 7);
        kept.let_go_through(None);
        assert_eq!(kept.may_go_through(), u64::MAX);
    }
}
