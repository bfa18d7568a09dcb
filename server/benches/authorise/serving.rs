//! The process that is counted: a server as `main.rs` runs it, and who looks at the counts.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use metrics_exporter_prometheus::PrometheusHandle;
use waika_server::config::{self, Addresses, Config};
use waika_server::serve::{self, Listeners, Server, Signals};
use waika_server::{metrics, telemetry};

use crate::counting::Counts;
use crate::{IN_FLIGHT, Way, Wrong};

/// Where the count begins and ends: tests/guard.sh names this module to callgrind.
mod marks {
    use crate::ALLOCATOR;
    use crate::counting::Counts;

    #[inline(never)]
    pub(super) fn begin() -> Counts {
        ALLOCATOR.counts()
    }

    #[inline(never)]
    pub(super) fn end(begun: Counts) -> Counts {
        ALLOCATOR.counts().since(begun)
    }
}

/// What all authorisations took together.
pub(crate) struct Counted {
    pub(crate) counts: Counts,
    /// What the journal wrote, each with one sync.
    pub(crate) batches: u64,
}

/// The process that calls, and how often so many authorisations go out together.
#[derive(Clone, Copy)]
struct Calls {
    way: Way,
    windows: u32,
    addresses: Addresses,
}

/// Serves another process that calls, and counts what this one does meanwhile.
pub(crate) fn count(way: Way, windows: u32) -> Result<Counted, Wrong> {
    let folder = tempfile::tempdir()?;
    let config = config(folder.path())?;
    telemetry::begin(config.log);
    let metrics = metrics::install()?;
    serve::main_runtime()?.block_on(live(&config, metrics, (way, windows)))
}

/// One core, and nothing that comes by itself: no snapshot, and no port or key that is another the
/// next time.
fn config(folder: &Path) -> Result<Config, Wrong> {
    let key_file = folder.join("key");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&key_file)?;
    writeln!(file, "waika-key-1 {}", "5a".repeat(32))?;
    let store = format!("journal:{}", folder.join("journal").display());
    let anywhere = "127.0.0.1:0";
    let flags = [
        ("listen", anywhere),
        ("admin-listen", anywhere),
        ("metrics-listen", anywhere),
        ("store", &store),
        ("key-file", key_file.to_str().unwrap_or_default()),
        ("cores", "1"),
        ("snapshot-every", "0"),
        ("log-level", "warn"),
        ("sandbox", "true"),
    ];
    let words = flags.map(|(name, value)| OsString::from(format!("--{name}={value}")));
    let program = OsString::from("waika-server");
    match config::parse(std::iter::once(program).chain(words))? {
        config::Command::Serve(config) => Ok(*config),
        _ => Err("these flags do not serve".into()),
    }
}

async fn live(
    config: &Config,
    metrics: PrometheusHandle,
    (way, windows): (Way, u32),
) -> Result<Counted, Wrong> {
    let mut signals = Signals::catch()?;
    let listeners = Listeners::open(&config.listening.addresses)?;
    let calls = Calls {
        way,
        windows,
        addresses: listeners.addresses()?,
    };
    let mut server = Server::start(config, listeners, metrics.clone())?;
    server.recover().await?;
    let counting = tokio::task::spawn_blocking(move || calls.count(&metrics));
    let counted = tokio::select! {
        counted = counting => counted??,
        failed = server.halted() => return Err(failed.into()),
    };
    server.drain("the count is over", &mut signals).await?;
    Ok(counted)
}

impl Calls {
    /// Starts the process that calls. It says a word when it is warm and when it has all answers, and
    /// goes on when it hears one: meanwhile nothing moves.
    fn count(self, metrics: &PrometheusHandle) -> Result<Counted, Wrong> {
        let calls = (self.windows * IN_FLIGHT).to_string();
        let [rpc, admin] = [self.addresses.rpc, self.addresses.admin].map(|at| at.to_string());
        let mut caller = Command::new(std::env::current_exe()?)
            .args(["call", self.way.name(), &calls, &rpc, &admin])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let piped = caller.stdin.take().zip(caller.stdout.take());
        let (mut ear, mouth) = piped.ok_or("the caller has no pipes")?;
        let mut mouth = BufReader::new(mouth);
        let mut heard = String::with_capacity(64);
        let mut wait_for = |word: &str| -> Result<(), Wrong> {
            heard.clear();
            mouth.read_line(&mut heard)?;
            if heard.trim_end() == word {
                Ok(())
            } else {
                Err(format!("the caller said \"{heard}\" and not \"{word}\"").into())
            }
        };

        wait_for("warm")?;
        wait_for_the_next_segment()?;
        let before = batches(metrics)?;
        let begun = marks::begin();
        ear.write_all(b"go\n")?;
        wait_for("answered")?;
        let counts = marks::end(begun);
        let batches = batches(metrics)? - before;
        ear.write_all(b"go\n")?;
        let status = caller.wait()?;
        if !status.success() {
            return Err(format!("the caller failed: {status}").into());
        }
        Ok(Counted { counts, batches })
    }
}

/// Waits until nobody lays out the journal's next segment, which on a slow disk takes longer than all
/// else and would be counted.
fn wait_for_the_next_segment() -> Result<(), Wrong> {
    let is_at_it = || -> Result<bool, Wrong> {
        for thread in std::fs::read_dir("/proc/self/task")? {
            // A thread may end meanwhile.
            let name = std::fs::read_to_string(thread?.path().join("comm")).unwrap_or_default();
            if name.trim_end() == "waika-prepare" {
                return Ok(true);
            }
        }
        Ok(false)
    };
    while is_at_it()? {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(())
}

/// The batches that were made durable so far.
fn batches(metrics: &PrometheusHandle) -> Result<u64, Wrong> {
    let page = metrics.render();
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("waika_commits_total "));
    Ok(line.ok_or("commits are not counted")?.parse()?)
}
