//! Copying the state, part by part, while it changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compact_str::CompactString;
use waika_domain::account::Account;
use waika_domain::period::Timestamp;

use super::{SnapshotError, SnapshotTaken, encode};
use crate::authoriser::Authoriser;
use crate::ledger::Ledger;
use crate::ledger::background::{Stretch, wait};
use crate::ledger::journal::{SnapshotOptions, SnapshotWriter, Snapshots};
use crate::vault::LiveKeys;

/// Accounts that are copied before the thread rests.
const SLICE: usize = 128;
/// It rests so many times as long as it worked, so that three quarters of the disk and of a core
/// are left to answers.
const REST: u32 = 3;
/// Bytes that go to the disk at once: a commit's sync may have to wait for them.
const PIECE_BYTES: usize = 64 << 10;
/// Used keys in one record.
const KEYS_A_RECORD: usize = 4_096;

/// Takes a snapshot and publishes it once everything in it is durable.
pub(super) fn snapshot(
    ledger: &Ledger,
    snapshots: &Snapshots,
    stop: &AtomicBool,
) -> Result<SnapshotTaken, SnapshotError> {
    let authoriser = &ledger.authoriser;
    let begun = ledger.queue.appended();
    authoriser.pass_every_lock();
    // A call that is under way is replayed from its beginning.
    let oldest = authoriser.under_way.oldest();
    let from = oldest.map_or(begun, |oldest| begun.min(oldest - 1));

    let options = SnapshotOptions {
        piece_bytes: PIECE_BYTES,
        ..SnapshotOptions::default()
    };
    let mut copier = Copier {
        writer: snapshots.clone().with_options(options).begin(from)?,
        stop,
    };
    let ahead = authoriser.accounts.len();
    copier.push(&encode::key_check(authoriser.vault.check(), ahead))?;
    let (mut accounts, parts) = (0, authoriser.accounts.parts());
    for part in 0..parts {
        accounts += copier.accounts(authoriser, &authoriser.accounts.names(part, parts))?;
    }
    copier.the_rest(authoriser)?;
    copier.keys(authoriser)?;
    let covers = ledger.queue.appended();
    while ledger.queue.durable() < covers {
        copier.go_on()?;
        if ledger.queue.has_ended() {
            return Err(SnapshotError::Stopping);
        }
        wait(Duration::from_millis(1));
    }
    let published = copier.writer.publish(covers)?;
    Ok(SnapshotTaken {
        published,
        begun,
        accounts,
    })
}

/// An account as it is, but for what nobody can use any more: that is freed in both.
fn copy(account: &mut Account, now: Timestamp, live: &LiveKeys) -> Account {
    account.forget_what_is_over(now);
    account.forget_keys(|key| live.are(key));
    account.clone()
}

struct Copier<'a> {
    writer: SnapshotWriter,
    stop: &'a AtomicBool,
}

impl Copier<'_> {
    fn push(&mut self, record: &[u8]) -> Result<(), SnapshotError> {
        Ok(self.writer.push(record)?)
    }

    fn go_on(&self) -> Result<(), SnapshotError> {
        if self.stop.load(Ordering::Relaxed) {
            Err(SnapshotError::Stopping)
        } else {
            Ok(())
        }
    }

    /// Copies each account under its lock and encodes it afterwards. Says how many there were. Nothing else
    /// comes by accounts at rest, so this frees what they hold of codes that are over.
    fn accounts(
        &mut self,
        authoriser: &Authoriser,
        names: &[CompactString],
    ) -> Result<u64, SnapshotError> {
        let (mut count, mut stretch) = (0, Stretch::begin());
        for slice in names.chunks(SLICE) {
            self.go_on()?;
            let (now, live) = (authoriser.clock.now(), authoriser.vault.live());
            for name in slice {
                let copied = authoriser
                    .accounts
                    .with_account_named(name, |account| copy(account, now, &live));
                let Some(account) = copied else {
                    continue;
                };
                count += 1;
                self.push(&encode::account(name, account.into_parts()))?;
            }
            stretch.rest(REST);
        }
        Ok(count)
    }

    fn the_rest(&mut self, authoriser: &Authoriser) -> Result<(), SnapshotError> {
        for merchant in authoriser.merchants.all() {
            self.push(&encode::merchant(&merchant))?;
        }
        for (reference, status) in authoriser.issuers.sandbox.statuses() {
            self.push(&encode::card_status(&reference, status))?;
        }
        for (authorisation, adjustment) in authoriser.adjusted.all() {
            self.push(&encode::adjustment(authorisation, adjustment))?;
        }
        for (sequence, advice) in authoriser.owed.all() {
            self.push(&encode::owed(sequence, &advice))?;
        }
        let last = authoriser.operator_log.last();
        if last > 0 {
            self.push(&encode::last_operated(last))?;
        }
        self.push(&encode::policies(authoriser.policies.kept()))?;
        self.push(&encode::clock(&authoriser.clock.setting()))
    }

    /// Copies the index of used keys part by part, so that the copy is never as large as it is.
    fn keys(&mut self, authoriser: &Authoriser) -> Result<(), SnapshotError> {
        let parts = authoriser.idempotency.parts();
        let mut stretch = Stretch::begin();
        for part in 0..parts {
            self.go_on()?;
            for keys in authoriser
                .idempotency
                .part(part, parts)
                .chunks(KEYS_A_RECORD)
            {
                self.push(&encode::keys(keys))?;
            }
            stretch.rest(REST);
        }
        // Afterwards: whatever was moved out in the meantime was in a run before it was gone here.
        match authoriser.idempotency.moved_out() {
            None => Ok(()),
            Some(moved_out) => self.push(&encode::keys_moved_out(moved_out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Vault;
    use waika_domain::account::{EXPIRED_KEPT_SECONDS, PhoneCode};
    use waika_domain::event::WalletRegion;
    use waika_domain::identifiers::Fingerprint;

    #[test]
    fn codes_that_are_over_leave_the_account_and_the_copy() {
        let expires_at = Timestamp::from_unix_ms(1_000_000);
        let code = PhoneCode {
            phone: Fingerprint([1; 16]),
            nonce: 7,
            expires_at,
            resend_before: 240,
            wrong_tries: 0,
            used: true,
        };
        let mut parts = Account::open(WalletRegion::Mainland).into_parts();
        parts.phone_codes = [code].into_iter().collect();
        let mut account = Account::from_parts(parts);
        let codes = |account: &Account| account.phone_codes().iter().count();
        for (now, left) in [
            (expires_at, 1),
            (expires_at.plus_seconds(EXPIRED_KEPT_SECONDS), 0),
        ] {
            let copy = copy(&mut account, now, &Vault::from_key(&[7; 32]).live());
            assert_eq!((codes(&account), codes(&copy)), (left, left));
        }
    }
}
