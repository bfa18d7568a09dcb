//! The real server in a folder that outlives it: started, killed, and killed before it serves.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::environment::environment;
use crate::programs::binary;

/// The built-in one, but for wrong passwords: a release build gets through more than a caller may have.
const POLICY: &str = "name = \"crash\"\n[password]\ncaller_wrong_per_minute = 1000000\n";

/// Where one server after the other lives.
pub(crate) struct Home {
    folder: TempDir,
    arguments: Vec<String>,
}

/// A server that serves.
pub(crate) struct Life {
    child: Child,
    pub rpc: String,
    pub admin: String,
    /// From its start until it served.
    pub took: Duration,
}

/// What the servers' own logs say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged {
    pub starts_from_snapshot: u64,
    pub starts_without: u64,
    pub snapshots_taken: u64,
    /// Accounts that were compared with the store while their server served, and were the same.
    pub compared: u64,
}

impl Home {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
        };
        home.with_policy("")
    }

    /// The same with more in its policy.
    pub(crate) fn with_policy(self, more: &str) -> Self {
        fs::write(self.policy_file(), format!("{POLICY}{more}")).unwrap();
        self
    }

    fn policy_file(&self) -> PathBuf {
        self.folder.path().join("policy.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Leaves the folder on the disk, and says where.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Starts a server and waits until it serves.
    pub(crate) async fn start(&self) -> Life {
        let began = Instant::now();
        let mut child = self.spawn();
        let stdout = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).unwrap();
            line
        });
        let line = line.await.unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert!(
            words.starts_with(&["waika-server", "listening", "on"]),
            "the server did not start: {line:?}; its log ends with\n{}",
            self.log().lines().last().unwrap_or_default()
        );
        Life {
            child,
            rpc: format!("http://{}", words[3]),
            admin: format!("http://{}", words[5]),
            took: began.elapsed(),
        }
    }

    /// Starts a server and kills it after a while. True if it had not served by then.
    pub(crate) async fn start_and_kill(&self, after: Duration) -> bool {
        let mut child = self.spawn();
        sleep(after).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        said.is_empty()
    }

    /// True while a snapshot is being written, or was when the server was killed.
    pub(crate) fn has_unfinished_snapshot(&self) -> bool {
        self.data().join("snapshot.tmp").exists()
    }

    pub(crate) fn newest_snapshot(&self) -> Option<String> {
        let entries = fs::read_dir(self.data()).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        let newest = files.filter(|file| file.extension().is_some_and(|end| end == "snap"));
        newest.max()?.file_name()?.to_str().map(str::to_owned)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub(crate) fn logged(&self) -> Logged {
        let mut logged = Logged::default();
        for line in self.log().lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue; // A line that a kill has cut.
            };
            let fields = &line["fields"];
            match (fields["message"].as_str(), &fields["snapshot"]) {
                (Some("recovered"), Value::String(_)) => logged.starts_from_snapshot += 1,
                (Some("recovered"), _) if !fields["entries"].is_null() => {
                    logged.starts_without += 1;
                }
                (Some("snapshot taken"), _) => logged.snapshots_taken += 1,
                (Some("memory and store agree"), _) => {
                    logged.compared += fields["same"].as_u64().unwrap();
                }
                _ => {}
            }
        }
        logged
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn spawn(&self) -> Child {
        let mut log = File::options();
        let log = log.create(true).append(true).open(self.log_file()).unwrap();
        let key = self.folder.path().join("keys/waika.key");
        let mut command = Command::new(server());
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("WAIKA_") {
                command.env_remove(variable);
            }
        }
        command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--metrics-listen", "127.0.0.1:0", "--log", "json"])
            .args(["--snapshot-every", "500", "--segment-bytes", "262144"])
            // What memory and the store do not agree on ends a server that should go on.
            .args(["--scrub-every", "50ms"])
            .arg("--store")
            .arg(format!("journal:{}", self.data().display()))
            .arg("--key-file")
            .arg(key)
            .arg("--policy")
            .arg(self.policy_file())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        command.spawn().unwrap()
    }
}

/// With SIGKILL.
impl Drop for Life {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `WAIKA_CRASH_SERVER`, or the one that is built here.
fn server() -> PathBuf {
    environment("WAIKA_CRASH_SERVER").map_or_else(|| binary("waika-server"), PathBuf::from)
}
