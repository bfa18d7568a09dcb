//! Which account a payment code leads to (D10). The codes themselves stand in their accounts, by
//! digest; so do they here, since a code is a secret (R57).

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use foldhash::fast::RandomState;
use waika_domain::account::EXPIRED_KEPT_SECONDS;
use waika_domain::identifiers::{AccountId, CodeDigest};
use waika_domain::period::Timestamp;

/// Codes after which those are looked for that nobody remembers.
const SWEEP_AT_LEAST: usize = 4_096;

#[derive(Debug)]
struct Lead {
    account: AccountId,
    /// As long as the account remembers it.
    known_until: Timestamp,
}

/// Codes that are outstanding or remembered.
#[derive(Debug)]
pub(crate) struct PaymentCodes {
    map: DashMap<CodeDigest, Lead, RandomState>,
    /// How many there may be before the next sweep.
    sweep_at: AtomicUsize,
}

impl Default for PaymentCodes {
    fn default() -> Self {
        Self {
            map: DashMap::default(),
            sweep_at: AtomicUsize::new(SWEEP_AT_LEAST),
        }
    }
}

impl PaymentCodes {
    /// The account that a code leads to.
    pub(crate) fn find(&self, code: CodeDigest) -> Option<AccountId> {
        self.map.get(&code).map(|lead| lead.account.clone())
    }

    /// True if a code is known: another account's must not be issued again.
    pub(crate) fn is_known(&self, code: CodeDigest) -> bool {
        self.map.contains_key(&code)
    }

    /// Notes a code that was issued, and forgets now and then those that are long over.
    pub(crate) fn issue(
        &self,
        code: CodeDigest,
        account: AccountId,
        expires_at: Timestamp,
        now: Timestamp,
    ) {
        let known_until = expires_at.plus_seconds(EXPIRED_KEPT_SECONDS);
        self.map.insert(
            code,
            Lead {
                account,
                known_until,
            },
        );
        if self.map.len() >= self.sweep_at.load(Ordering::Relaxed) {
            self.map.retain(|_, lead| now < lead.known_until);
            let next = (self.map.len() * 2).max(SWEEP_AT_LEAST);
            self.sweep_at.store(next, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_long_over_are_forgotten() {
        let codes = PaymentCodes::default();
        let account = AccountId::parse("a").unwrap();
        let at = |second: i64| Timestamp::from_unix_ms(second * 1_000);
        let codes_to_sweep = u64::try_from(SWEEP_AT_LEAST).unwrap();
        for number in 0..codes_to_sweep - 1 {
            codes.issue(CodeDigest(number), account.clone(), at(60), at(0));
        }
        assert_eq!(codes.find(CodeDigest(7)), Some(account.clone()));
        let late = at(60 + i64::from(EXPIRED_KEPT_SECONDS));
        codes.issue(CodeDigest(u64::MAX), account, at(10_000), late);
        assert!(codes.is_known(CodeDigest(u64::MAX)));
        assert!(!codes.is_known(CodeDigest(7)));
    }
}
