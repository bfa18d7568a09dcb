//! Accounts whose personal data are being erased, and for how long such data are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use parking_lot::Mutex;
use waika_domain::identifiers::AccountId;

/// Which accounts wait for it. Each knows best itself: this leads to them.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    retention: Duration,
    waiting: Mutex<BTreeSet<AccountId>>,
}

impl Erasures {
    /// None waits. `retention` is how long personal data are kept at least once an account is closed.
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            retention,
            waiting: Mutex::default(),
        }
    }

    /// How long personal data are kept, in whole seconds.
    pub(crate) fn retention_seconds(&self) -> u32 {
        u32::try_from(self.retention.as_secs()).unwrap_or(u32::MAX)
    }

    /// Notes an account.
    pub(crate) fn begin(&self, account: AccountId) {
        self.waiting.lock().insert(account);
    }

    /// Forgets an account.
    pub(crate) fn end(&self, account: &AccountId) {
        self.waiting.lock().remove(account);
    }

    /// Those that wait, at most so many.
    pub(crate) fn waiting(&self, most: usize) -> Vec<AccountId> {
        self.waiting.lock().iter().take(most).cloned().collect()
    }
}
