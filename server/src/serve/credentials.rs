//! Certificates and the file of callers, read again when they change. A mistake in them changes nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::audit::TARGET;
use super::entrance::Tls;
use crate::clock;
use crate::config::{LoadedTls, TlsFiles, load_tls};
use crate::identity::{Callers, read_callers};

/// How often it is looked whether a file is another one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A certificate that ends so soon should have been renewed by now.
const SOON_SECONDS: i64 = 86_400;

/// Everything that is read again.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    watched: Vec<Watched>,
}

/// Files that belong together, and what becomes of them.
#[derive(Debug)]
struct Watched {
    of: Of,
    seen: Vec<Option<Identity>>,
    taken: Counter,
    refused: Counter,
}

#[derive(Debug)]
enum Of {
    Tls {
        listener: &'static str,
        files: TlsFiles,
        protocol: &'static [u8],
        tls: Arc<Tls>,
        expires: Gauge,
    },
    Callers {
        file: PathBuf,
        callers: Arc<Callers>,
    },
}

/// What tells a file from the one that had its name before: a new one is renamed into its place, or it is
/// written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

fn identity(file: &Path) -> Option<Identity> {
    let found = fs::metadata(file).ok()?;
    Some(Identity {
        device: found.dev(),
        inode: found.ino(),
        bytes: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}

impl Credentials {
    /// Watches a listener's certificate.
    pub(super) fn watch_tls(
        &mut self,
        listener: &'static str,
        (files, loaded): (&TlsFiles, &LoadedTls),
        protocol: &'static [u8],
        tls: &Arc<Tls>,
    ) {
        let expires = gauge!("waika_certificate_expiry_timestamp_seconds", "listener" => listener);
        told_expiry(listener, loaded, &expires);
        self.watched.push(Watched::new(
            listener,
            Of::Tls {
                listener,
                files: files.clone(),
                protocol,
                tls: Arc::clone(tls),
                expires,
            },
        ));
    }

    /// Watches the file of callers.
    pub(super) fn watch_callers(&mut self, file: &Path, callers: &Arc<Callers>) {
        let of = Of::Callers {
            file: file.to_owned(),
            callers: Arc::clone(callers),
        };
        self.watched.push(Watched::new("callers", of));
    }

    /// True if there is nothing to read again.
    pub(super) fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Looks for ever, and at once when it is told to.
    pub(super) async fn keep_up(mut self, look_now: Arc<Notify>) {
        if self.is_empty() {
            return;
        }
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = look_now.notified() => {}
            }
            // A file may lie on a network that does not answer.
            let looked = tokio::task::spawn_blocking(move || {
                self.watched.iter_mut().for_each(Watched::look);
                self
            });
            let Ok(back) = looked.await else {
                error!("certificates and callers are not read again any more");
                return;
            };
            self = back;
        }
    }
}

impl Watched {
    /// What is there now was read a moment ago, so it may have changed since: the first look reads it again.
    fn new(name: &'static str, of: Of) -> Self {
        let count =
            |outcome| counter!("waika_credentials_read_total", "of" => name, "outcome" => outcome);
        Self {
            of,
            seen: Vec::new(),
            taken: count("taken"),
            refused: count("refused"),
        }
    }

    fn look(&mut self) {
        // Before they are read, so that what changes meanwhile is seen the next time.
        let found: Vec<_> = match &self.of {
            Of::Tls { files, .. } => files.all().map(identity).collect(),
            Of::Callers { file, .. } => vec![identity(file)],
        };
        if found == self.seen {
            return;
        }
        let is_first = self.seen.is_empty();
        self.seen = found;
        match self.of.read_again() {
            Ok(true) if !is_first => self.taken.increment(1),
            Ok(_) => {}
            Err(mistake) => {
                self.refused.increment(1);
                error!(target: TARGET, %mistake, "not taken: what was read before holds");
            }
        }
    }
}

impl Of {
    /// True if something is another than before.
    fn read_again(&self) -> Result<bool, String> {
        match self {
            Self::Tls {
                listener,
                files,
                protocol,
                tls,
                expires,
            } => {
                let loaded = load_tls(files, protocol).map_err(|mistake| mistake.what)?;
                tls.replace(Arc::clone(&loaded.config));
                told_expiry(listener, &loaded, expires);
                let expires_at = loaded.expires_at;
                info!(target: TARGET, listener, expires_at, "certificate read");
                Ok(true)
            }
            Self::Callers { file, callers } => {
                let list = read_callers(file).map_err(|mistakes| mistakes.join("; "))?;
                let count = list.len();
                let is_new = callers.replace(list);
                if is_new {
                    info!(target: TARGET, file = %file.display(), callers = count, "callers read");
                }
                Ok(is_new)
            }
        }
    }
}

fn told_expiry(listener: &'static str, loaded: &LoadedTls, expires: &Gauge) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of this century are exact"
    )]
    expires.set(loaded.expires_at as f64);
    let left = loaded.expires_at - clock::machine().unix_ms() / 1_000;
    if left < SOON_SECONDS {
        let left = Duration::from_secs(left.unsigned_abs());
        warn!(listener, ?left, "the certificate ends soon: renew it");
    }
}
