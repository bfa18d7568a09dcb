//! Starts the real `waika-server issuer-sandbox` on a free port and a folder of its own, and
//! stops it again.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use waika::v1;
use waika::v1::issuer_sandbox_service_client::IssuerSandboxServiceClient;
use waika::v1::issuer_service_client::IssuerServiceClient;

use crate::support::{Home, Server, binary, finish};
use crate::wallet::Callers;

/// An issuer that is running, with books of its own.
pub(crate) struct IssuerSandbox {
    child: Child,
    port: u16,
    home: IssuerHome,
}

/// A port that is free, and none of those that the system gives to whoever connects: nothing takes it
/// while an issuer is away.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 97).unwrap();
    (0..20_000)
        .map(|_| 10_000 + (NEXT.fetch_add(1, Ordering::Relaxed) + process * 200) % 20_000)
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .unwrap()
}

/// A folder for an issuer's books and whatever else it reads, which may outlive it.
pub(crate) struct IssuerHome(TempDir);

impl IssuerHome {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where the books are.
    pub(crate) fn books(&self) -> PathBuf {
        self.file("books")
    }

    /// A path in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An issuer in this folder, not started yet, on that port of this machine and with its books in
    /// a journal, unless the arguments say otherwise. Port 0 takes any free one.
    pub(crate) fn command(&self, port: u16, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("waika-server"));
        command
            .arg("issuer-sandbox")
            // Small ones, so that short lives do not write a hundred megabytes of ones.
            .args(["--segment-bytes", "1048576"]);
        let says = |flag: &str| arguments.iter().any(|argument| argument.starts_with(flag));
        if !says("--listen") {
            command.args(["--listen", &format!("127.0.0.1:{port}")]);
        }
        if !says("--books") {
            command.arg("--books");
            command.arg(format!("journal:{}", self.books().display()));
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl IssuerSandbox {
    /// Starts an issuer in a new folder on a free port, to which one can come back.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(IssuerHome::new(), free_port(), arguments)
    }

    /// Starts an issuer in a folder that another one left, on its port or any other.
    pub(crate) fn start_in(home: IssuerHome, port: u16, arguments: &[&str]) -> Self {
        let mut child = home.command(port, arguments).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.strip_prefix("waika-issuer-sandbox listening on ");
        let Some(address) = address else {
            let (status, text) = finish(child);
            panic!("the issuer did not start ({status}): {line}{text}");
        };
        let (_, port) = address.trim_end().rsplit_once(':').unwrap();
        let port = port.parse().unwrap();
        Self { child, port, home }
    }

    /// Where servers call it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where its books are, as `--books` names them.
    pub(crate) fn books(&self) -> String {
        format!("journal:{}", self.home.books().display())
    }

    /// For starting another one in its place.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.address()).unwrap();
        endpoint.connect().await.unwrap()
    }

    pub(crate) async fn issuer(&self) -> IssuerServiceClient<Channel> {
        IssuerServiceClient::new(self.channel().await)
    }

    /// Everything in its books, in the order of the transactions' names.
    pub(crate) async fn transactions(&self) -> Vec<v1::SandboxTransaction> {
        let mut client = IssuerSandboxServiceClient::new(self.channel().await);
        let request = v1::ListTransactionsRequest {};
        let mut stream = client
            .list_transactions(request)
            .await
            .unwrap()
            .into_inner();
        let mut all = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            assert!((1..=1_000).contains(&message.transactions.len()));
            all.extend(message.transactions);
        }
        all.sort_by(|one, other| one.transaction_id.cmp(&other.transaction_id));
        all
    }

    /// Its memory now, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kibibytes.parse::<u64>().unwrap() * 1_024
    }

    /// Kills it where it stands; its folder remains.
    pub(crate) fn kill(mut self) -> IssuerHome {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.into_home()
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self, signal: Signal) -> (ExitStatus, IssuerHome) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
        let status = self.child.wait().unwrap();
        (status, self.into_home())
    }

    fn into_home(mut self) -> IssuerHome {
        std::mem::replace(&mut self.home, IssuerHome::new())
    }
}

impl Drop for IssuerSandbox {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server with an issuer in a process of its own, and a caller with a merchant.
pub(crate) struct Issued {
    pub(crate) callers: Callers,
    pub(crate) issuer: IssuerSandbox,
    pub(crate) server: Server,
}

impl Issued {
    /// Starts both, with more arguments for each.
    pub(crate) async fn start(of_issuer: &[&str], of_server: &[&str]) -> Self {
        let issuer = IssuerSandbox::start(of_issuer);
        let address = issuer.address();
        let arguments = [&["--issuer", &*address], of_server].concat();
        let server = Server::start_with(&arguments);
        Self {
            callers: Callers::of(&server).await,
            issuer,
            server,
        }
    }
}

/// What `reconcile` says of a server's journal and an issuer's books, and its exit code.
pub(crate) fn reconcile(home: &Home, issuer: &str) -> (Option<i32>, String) {
    let output = Command::new(binary("waika-server"))
        .args(["reconcile", "--store"])
        .arg(format!("journal:{}", home.data().display()))
        .args(["--issuer", issuer])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Both books agree to the fen.
pub(crate) async fn books_agree(server: &Server, issuer: &IssuerSandbox) {
    let (home, address) = (server.home.data(), issuer.address());
    let (code, text) = reconcile(&server.home, &address);
    assert_eq!(code, Some(0), "{} and {address}: {text}", home.display());
    assert!(text.contains("agree to the fen"), "{text}");
}
