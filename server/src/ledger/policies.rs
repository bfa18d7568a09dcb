//! Policies: adopting the file that a server was started with, and reading it again (D24).

use std::path::Path;
use std::sync::Arc;

use waika_domain::policy::Policy;

use super::{Ledger, LedgerError, OpenError};
use crate::config::{LedgerConfig, read_file};
use crate::policy_book::{PolicyBook, Stored};
use crate::shadow::ShadowReport;

/// What became of a policy file that was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyReload {
    /// It holds now, or from its own date on.
    Activated(Arc<str>),
    /// It is the newest that was activated already.
    Unchanged(Arc<str>),
}

/// Why a policy file was not taken: nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PolicyReloadError {
    /// Every mistake in it.
    #[error("{}", .0.join("; "))]
    Mistakes(Vec<String>),
    /// It cannot be stored.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// Adopts the policy that a server was started with, if the store has never activated it. What
    /// operators have activated since then stands.
    pub(super) fn adopt_policy(&self, config: &LedgerConfig) -> Result<(), OpenError> {
        let Some(file) = &config.policy_file else {
            return Ok(());
        };
        let policy = &config.policy;
        let adopted = self.adopt(policy, PolicyBook::was_activated);
        adopted.map(drop).map_err(|error| match error {
            LedgerError::PolicyNameTaken => OpenError::PolicyNameTaken {
                name: policy.name.to_string(),
                file: file.display().to_string(),
            },
            LedgerError::PoliciesFull => OpenError::PoliciesFull {
                name: policy.name.to_string(),
                file: file.display().to_string(),
            },
            error => OpenError::Unwritable {
                folder: config.store.to_string(),
                reason: error.to_string(),
            },
        })
    }

    /// Reads a policy file and lets it hold. A mistake in it changes nothing.
    pub fn reload_policy(&self, file: &Path) -> Result<PolicyReload, PolicyReloadError> {
        // Opening a pipe waits for somebody who writes into it, and a stop would wait for that.
        if std::fs::metadata(file).is_ok_and(|found| !found.is_file()) {
            let file = file.display();
            let what = format!("{file}: the policy file cannot be read: it is no regular file");
            return Err(PolicyReloadError::Mistakes(vec![what]));
        }
        let read = read_file(file);
        let policy = read.map_err(PolicyReloadError::Mistakes)?;
        let activated = self.adopt(&policy, PolicyBook::is_newest)?;
        Ok(if activated {
            PolicyReload::Activated(policy.name)
        } else {
            PolicyReload::Unchanged(policy.name)
        })
    }

    fn adopt(
        &self,
        policy: &Policy,
        is_known: fn(&PolicyBook, &str) -> bool,
    ) -> Result<bool, LedgerError> {
        match self.node() {
            None => (self.authoriser).adopt_policy(&self.queue, policy, is_known),
            Some(node) => self.adopt_policy_on(node, policy, is_known),
        }
    }

    /// Every policy in the order of names, and whether it was activated; the names of the one in
    /// force and of the shadow.
    pub(crate) async fn policies(&self, core: usize) -> Result<PolicyList, LedgerError> {
        let policies = &self.authoriser.policies;
        let now = self.authoriser.clock.now();
        let list = PolicyList {
            all: policies.all(),
            active: Arc::clone(&policies.policy_at(now).name),
            shadow: policies.shadow_name(),
        };
        self.kept(core).await?;
        Ok(list)
    }

    /// The policy of that name, or the one in force; and whether it was activated.
    pub(crate) async fn policy(
        &self,
        core: usize,
        name: Option<&str>,
    ) -> Result<(Stored, bool), LedgerError> {
        let policies = &self.authoriser.policies;
        let in_force = policies.policy_at(self.authoriser.clock.now());
        let name = name.unwrap_or(&in_force.name);
        let found = policies.find(name).ok_or(LedgerError::UnknownPolicy);
        let activated = policies.was_activated(name);
        self.kept(core).await?;
        Ok((found?, activated))
    }

    /// What the shadow policy would have decided otherwise, and its name.
    pub(crate) async fn shadow_report(
        &self,
        core: usize,
    ) -> Result<(Option<Box<str>>, ShadowReport), LedgerError> {
        let name = self.authoriser.policies.shadow_name();
        let report = self.authoriser.shadow.report();
        self.kept(core).await?;
        Ok((name, report))
    }
}

/// The policies that are known.
#[derive(Debug)]
pub(crate) struct PolicyList {
    pub(crate) all: Vec<(Stored, bool)>,
    pub(crate) active: Arc<str>,
    pub(crate) shadow: Option<Box<str>>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::time::Duration;

    use crate::clock::ClockAsked;
    use crate::config::Store;
    use crate::ledger::{Business, Call, GlobalOperation, Rpc};
    use waika_domain::identifiers::IdempotencyKey;
    use waika_domain::money::Fen;
    use waika_domain::period::Timestamp;

    pub(in crate::ledger) fn config(folder: &Path) -> LedgerConfig {
        LedgerConfig {
            store: Store::Journal(folder.join("journal")),
            key_file: folder.join("key/waika.key"),
            key_file_is_default: false,
            allow_live_pan: false,
            seed: 1,
            issuer: None,
            policy: Arc::new(Policy::weixin_2023()),
            policy_file: None,
            commit_spacing: Duration::ZERO,
            segment_bytes: 65_536,
            snapshot_every: 0,
            scrub_every: Duration::ZERO,
            backup: None,
            journal_retention: Duration::ZERO,
            personal_data_retention: Duration::ZERO,
            keys_in_memory: 1_000,
            accounts_in_memory: 1_000,
            max_pending: 32_768,
            min_free_bytes: 0,
            #[cfg(feature = "planted-faults")]
            planted_fault: None,
        }
    }

    fn single(name: &str, fen: i64) -> Policy {
        let mut policy = Policy::weixin_2023();
        policy.name = name.into();
        policy.limits.single = Fen::new(fen);
        policy
    }

    fn global(ledger: &Ledger, key: &str, operation: &GlobalOperation) {
        let call = Call::new(
            Rpc::PutPolicy,
            crate::caller::Caller::default(),
            IdempotencyKey::parse(key).unwrap(),
            Business::Fields(Vec::new()),
        );
        let slot = ledger.authoriser.idempotency.slot("test/", &call);
        let done = ledger
            .authoriser
            .global(&ledger.queue, &call, slot, operation);
        done.unwrap();
    }

    #[test]
    fn d24_a_file_takes_no_name_that_other_content_has() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&config(folder.path()), 1).unwrap();
        let put = GlobalOperation::PutPolicy(Arc::new(single("a", 500_000)));
        global(&ledger, "put", &put);
        let file = folder.path().join("policy.toml");
        let reload = |text: &str| {
            std::fs::write(&file, text).unwrap();
            ledger.reload_policy(&file)
        };
        let taken = reload("name = \"a\"\n[limits]\nsingle_fen = 400000\n");
        let taken = taken.unwrap_err().to_string();
        assert!(taken.starts_with("another policy has that name"), "{taken}");
        let same = "name = \"a\"\n[limits]\nsingle_fen = 500000\n";
        assert_eq!(reload(same).unwrap(), PolicyReload::Activated("a".into()));
        assert_eq!(reload(same).unwrap(), PolicyReload::Unchanged("a".into()));
        ledger.close();
    }

    #[test]
    fn d24_a_full_book_takes_no_file_and_starts_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let ledger = Ledger::open(&config, 1).unwrap();
        for number in 1..256 {
            let name = format!("p{number}");
            let put = GlobalOperation::PutPolicy(Arc::new(single(&name, 500_000)));
            global(&ledger, &name, &put);
        }
        let file = folder.path().join("policy.toml");
        std::fs::write(&file, "name = \"new\"\n").unwrap();
        let refused = ledger.reload_policy(&file).unwrap_err().to_string();
        assert!(refused.starts_with("there are 256 policies"), "{refused}");
        ledger.close();
        drop(ledger);

        config.policy_file = Some(file.clone());
        config.policy = Arc::new(single("new", 500_000));
        let refused = Ledger::open(&config, 1).unwrap_err();
        assert!(
            refused.to_string().contains("without --policy"),
            "{refused}"
        );
        assert!(matches!(refused, OpenError::PoliciesFull { .. }));
        config.policy = Arc::new(single("p9", 500_000));
        // A process that another test begins has our files, and so the lock, until it is another program.
        let opened = std::iter::repeat_with(|| {
            std::thread::sleep(Duration::from_millis(5));
            Ledger::open(&config, 1)
        });
        let ledger = opened.take(200).flatten().next().unwrap();
        let in_force = ledger
            .authoriser
            .policies
            .policy_at(Timestamp::from_unix_ms(0));
        assert_eq!(&*in_force.name, "p9");
        ledger.close();
    }

    /// A pipe without a writer is waited for, and so would be the reading of it.
    #[test]
    fn d24_a_pipe_in_place_of_the_file_is_told_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&config(folder.path()), 1).unwrap();
        let file = folder.path().join("policy.toml");
        let made = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(made.unwrap().success());
        let refused = ledger.reload_policy(&file).unwrap_err().to_string();
        assert!(refused.ends_with("no regular file"), "{refused}");
        ledger.close();
    }

    #[test]
    fn what_a_shadow_counted_is_told_since_the_start_and_not_since_it_was_set() {
        let folder = tempfile::tempdir().unwrap();
        let set_at = Timestamp::from_unix_ms(1_700_000_000_000);
        let ledger = Ledger::open(&config(folder.path()), 1).unwrap();
        let (from, rate) = (Some(set_at), 3_600);
        global(
            &ledger,
            "go",
            &GlobalOperation::SetClock(ClockAsked::Go { from, rate }),
        );
        let put = GlobalOperation::PutPolicy(Arc::new(single("a", 500_000)));
        global(&ledger, "put", &put);
        global(
            &ledger,
            "set",
            &GlobalOperation::SetShadow(Some("a".into())),
        );
        let since = ledger.authoriser.shadow.report().since;
        ledger.close();
        drop(ledger);
        std::thread::sleep(Duration::from_millis(10));
        let ledger = Ledger::open(&config(folder.path()), 1).unwrap();
        assert_eq!(ledger.authoriser.policies.shadow_name(), Some("a".into()));
        let since_start = ledger.authoriser.shadow.report().since;
        let year = set_at.plus_seconds(31_536_000);
        assert!(since_start > since, "{since_start:?}");
        assert!(since_start < year, "by the sandbox's clock");
        ledger.close();
    }
}
