//! Starts the real `waika-server` on free ports and a folder of its own, and stops it again.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt as _;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;

pub(crate) use crate::environment::{environment, number};
pub(crate) use crate::programs::binary;

/// A server that is running, in a folder of its own.
pub(crate) struct Server {
    child: Child,
    rpc: String,
    admin: String,
    metrics: String,
    pub home: Home,
}

/// A server that ended before it served, and what it said.
pub(crate) struct NotStarted {
    pub status: ExitStatus,
    pub text: String,
    pub home: Home,
}

/// A folder for a server's data and key, which may outlive it; and a database, where servers have one
/// (`WAIKA_E2E_POSTGRES`, a URL without one).
pub(crate) struct Home {
    folder: TempDir,
    database: OnceLock<String>,
}

/// A test that has failed leaves it, to be looked at.
impl Drop for Home {
    fn drop(&mut self) {
        if let Some(database) = self.database.get()
            && !std::thread::panicking()
        {
            psql(&format!("drop database if exists {database} with (force)"));
        }
        if std::thread::panicking() && self.data().exists() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder.path().display());
        }
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            database: OnceLock::new(),
        }
    }

    /// What servers in this folder keep their promises in.
    pub(crate) fn store(&self) -> String {
        let Some(cluster) = environment("WAIKA_E2E_POSTGRES") else {
            return format!("journal:{}", self.data().display());
        };
        let database = self.database.get_or_init(|| {
            let folder = self.folder.path().file_name().unwrap().to_str().unwrap();
            let letters = folder.bytes().map(|byte| format!("{byte:02x}"));
            let database = format!("waika_{}", letters.collect::<String>());
            psql(&format!("create database {database} template template0"));
            database
        });
        format!("{cluster}/{database}")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A policy file of that text, by its name.
    pub(crate) fn policy(&self, text: &str) -> String {
        let file = self.folder.path().join("policy.toml");
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// What wraps the keys of servers in this folder.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("keys/waika.key")
    }

    /// A server in this folder, not started yet. Port 0 takes any free one.
    pub(crate) fn command(&self) -> Command {
        self.command_with_key(&self.key_file())
    }

    pub(crate) fn command_with_key(&self, key: &Path) -> Command {
        command_over(&self.store(), key)
    }
}

/// A server over a store, not started yet.
pub(crate) fn command_over(store: &str, key: &Path) -> Command {
    let mut command = Command::new(server());
    if let Some(arguments) = environment("WAIKA_CRASH_ARGUMENTS") {
        command.args(arguments.split_whitespace());
    }
    command
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .args(["--metrics-listen", "127.0.0.1:0"])
        // Small ones, so that a hundred short lives do not write ten gigabytes of ones.
        .env("WAIKA_SEGMENT_BYTES", "1048576")
        .args(["--store", store])
        .arg("--key-file")
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Server {
    /// Starts a server in a new folder.
    pub(crate) fn start() -> Self {
        Self::start_in(Home::new(), &[])
    }

    /// Starts a server with more arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(Home::new(), arguments)
    }

    /// Starts a server in a new folder under a policy.
    pub(crate) fn start_under(policy: &str) -> Self {
        let home = Home::new();
        let file = home.policy(policy);
        Self::start_in(home, &["--policy", &file])
    }

    /// Starts a server in a folder that another one left.
    pub(crate) fn start_in(home: Home, arguments: &[&str]) -> Self {
        let mut command = home.command();
        Self::start_by(command.args(arguments), home)
    }

    /// Starts a server by that command.
    pub(crate) fn start_by(command: &mut Command, home: Home) -> Self {
        match Self::try_start(command, home) {
            Ok(server) => server,
            Err(NotStarted { status, text, .. }) => {
                panic!("the server did not start ({status}): {text}")
            }
        }
    }

    /// The same by that command, which may end before its server serves.
    pub(crate) fn try_start(command: &mut Command, home: Home) -> Result<Self, NotStarted> {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        if line.is_empty() {
            let (status, text) = finish(child);
            return Err(NotStarted { status, text, home });
        }
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..3], ["waika-server", "listening", "on"], "{line}");
        let [rpc, admin, metrics] = [3, 5, 7].map(|place| format!("http://{}", words[place]));
        Ok(Self {
            child,
            rpc,
            admin,
            metrics,
            home,
        })
    }

    pub(crate) fn rpc_address(&self) -> &str {
        &self.rpc
    }

    pub(crate) fn admin_address(&self) -> &str {
        &self.admin
    }

    pub(crate) fn metrics_address(&self) -> &str {
        &self.metrics
    }

    /// What Prometheus would scrape.
    pub(crate) async fn metrics(&self) -> String {
        let address = self.metrics.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: waika\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// What a gauge or a counter says, by its name and labels; nothing if it is not there.
    pub(crate) async fn figure(&self, name: &str) -> Option<f64> {
        let page = self.metrics().await;
        let mut lines = page.lines();
        let number = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        number.map(|number| number.parse().unwrap())
    }

    pub(crate) async fn cards(&self) -> CardServiceClient<Channel> {
        CardServiceClient::new(connect(&self.rpc).await)
    }

    pub(crate) async fn authorisations(&self) -> AuthorisationServiceClient<Channel> {
        AuthorisationServiceClient::new(connect(&self.rpc).await)
    }

    pub(crate) async fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(connect(&self.admin).await)
    }

    /// Kills the server where it stands; its folder remains.
    pub(crate) fn kill(mut self) -> Home {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.into_home()
    }

    /// Asks the server to stop and waits until it has.
    pub(crate) fn stop(self, signal: Signal) -> (ExitStatus, Home) {
        self.signal(signal);
        self.ended()
    }

    /// Waits until the server has stopped, for a reason that it knows already.
    pub(crate) fn ended(mut self) -> (ExitStatus, Home) {
        let status = self.child.wait().unwrap();
        (status, self.into_home())
    }

    /// The same, with all that it has logged.
    pub(crate) fn stop_and_read_log(mut self) -> (String, Home) {
        self.signal(Signal::TERM);
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        self.child.wait().unwrap();
        (log, self.into_home())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its memory now, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kibibytes.parse::<u64>().unwrap() * 1_024
    }

    pub(crate) async fn rpc_channel(&self) -> Channel {
        connect(&self.rpc).await
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    fn into_home(mut self) -> Home {
        std::mem::replace(&mut self.home, Home::new())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Has a statement of one's own run by the cluster of `WAIKA_E2E_POSTGRES`.
fn psql(statement: &str) {
    let cluster = environment("WAIKA_E2E_POSTGRES").unwrap();
    let ran = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--command", statement])
        .arg(format!("{cluster}/postgres"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{statement}: {said}");
}

/// The server's own word on an error; empty if it is the connection's.
pub(crate) fn reason_of(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}

/// Waits for a process that is expected to end by itself, and gives what it said.
pub(crate) fn finish(mut child: Child) -> (ExitStatus, String) {
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (child.wait().unwrap(), text)
}

async fn connect(address: &str) -> Channel {
    Endpoint::from_shared(address.to_owned())
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// `WAIKA_CRASH_SERVER`, or the server that is built here.
fn server() -> PathBuf {
    match environment("WAIKA_CRASH_SERVER") {
        Some(path) => path.into(),
        None => binary("waika-server"),
    }
}
