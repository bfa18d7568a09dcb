//! The policy file that a server is started with, and reads again at SIGHUP (D24).

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;

use crate::support::{Home, Server, finish};
use crate::wallet::Callers;

/// A server whose log can be read while it runs.
struct Logged {
    child: Child,
    admin: String,
    home: Home,
}

impl Logged {
    fn start(home: Home, arguments: &[&str]) -> Self {
        let log = File::create(log_of(&home)).unwrap();
        let mut command = home.command();
        let mut child = command.args(arguments).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        let admin = format!("http://{}", words[5]);
        Self { child, admin, home }
    }

    async fn active(&self) -> String {
        let channel = Endpoint::from_shared(self.admin.clone()).unwrap();
        let mut admin = AdminServiceClient::new(channel.connect().await.unwrap());
        let listed = admin.list_policies(v1::ListPoliciesRequest {}).await;
        listed.unwrap().into_inner().active
    }

    /// Asks it to read its policy file again, and waits until its log says that.
    async fn hang_up(&self, says: &str) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::HUP).unwrap();
        let told = async {
            loop {
                let log = fs::read_to_string(log_of(&self.home)).unwrap();
                if log.contains(says) {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let told = timeout(Duration::from_secs(60), told).await;
        assert!(told.is_ok(), "the log never says {says}");
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn log_of(home: &Home) -> PathBuf {
    home.data().with_file_name("log")
}

fn policy_file(home: &Home, toml: &str) -> String {
    let file = home.data().with_file_name("policy.toml");
    fs::write(&file, toml).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn d24_a_hangup_reads_the_file_again_and_a_bad_file_changes_nothing() {
    let home = Home::new();
    let file = policy_file(&home, "name = \"one\"\n");
    let server = Logged::start(home, &["--policy", &file]);
    assert_eq!(server.active().await, "one");
    server.hang_up("policy unchanged").await;

    fs::write(
        &file,
        "name = \"two\"\n[limits]\nsingle_fen = 0\nweek = 1\n",
    )
    .unwrap();
    let bad = [&*file, ":3: limits.single_fen must be"].concat();
    server.hang_up(&bad).await;
    let log = fs::read_to_string(log_of(&server.home)).unwrap();
    assert!(log.contains("policy not taken"), "{log}");
    assert!(log.contains(":4: limits.week is no key here"), "{log}");
    assert_eq!(server.active().await, "one");

    // Other content under a name that decisions carry already.
    fs::write(&file, "name = \"one\"\n[limits]\nsingle_fen = 30000\n").unwrap();
    server.hang_up("already").await;
    assert_eq!(server.active().await, "one");
    // Whoever saves a file empties it first.
    fs::write(&file, "").unwrap();
    server.hang_up("the policy file is empty").await;
    assert_eq!(server.active().await, "one");
    fs::remove_file(&file).unwrap();
    server.hang_up("cannot be read").await;
    assert_eq!(server.active().await, "one");

    fs::write(&file, "name = \"three\"\n[limits]\nsingle_fen = 30000\n").unwrap();
    server.hang_up("policy activated").await;
    assert_eq!(server.active().await, "three");
}

#[tokio::test]
async fn a_hangup_without_a_policy_file_ends_nothing() {
    let server = Logged::start(Home::new(), &[]);
    server.hang_up("none was given").await;
    assert_eq!(server.active().await, "weixin-2023");
}

#[tokio::test]
async fn d24_a_restart_keeps_what_operators_have_activated_since() {
    let home = Home::new();
    let file = policy_file(&home, "name = \"file\"\n[limits]\nsingle_fen = 30000\n");
    let arguments = ["--policy", &*file];
    let server = Server::start_in(home, &arguments);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    assert_eq!(callers.decides("a", &card).await, "file");
    callers.hold("name = \"operators\"\n").await;
    let server = Server::start_in(server.kill(), &arguments);
    let mut callers = Callers::of(&server).await;
    let decides = callers.decides("a", &card).await;
    assert_eq!(decides, "operators", "the file is known already");
    // Without the file too, and from a snapshot.
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.decides("a", &card).await, "operators");
    let server = server.restarted_from_snapshot().await;
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.decides("a", &card).await, "operators");
    let listed = callers.policies().await;
    let names: Vec<_> = listed.policies.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["file", "operators", "weixin-2023"]);
    let activated = listed.policies.iter().map(|one| one.activated);
    assert_eq!(activated.collect::<Vec<_>>(), [true, true, false]);
    // A file that it has not seen is taken at the start.
    let home = server.kill();
    let file = policy_file(&home, "name = \"newer\"\n");
    let server = Server::start_in(home, &["--policy", &file]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.decides("a", &card).await, "newer");
}

#[tokio::test]
async fn a_start_with_other_content_under_a_known_name_is_refused() {
    let home = Home::new();
    let file = policy_file(&home, "name = \"one\"\n");
    let server = Server::start_in(home, &["--policy", &file]);
    // What is told is durable: a name that no answer carried may be lost with a kill.
    let listed = Callers::of(&server).await.policies().await;
    assert_eq!(listed.active, "one");
    let home = server.kill();
    let file = policy_file(&home, "name = \"one\"\n[cards]\ncap = 2\n");
    let mut command = home.command();
    command.args(["--policy", &file]).stdout(Stdio::null());
    let (status, text) = finish(command.spawn().unwrap());
    assert_eq!(status.code(), Some(64), "{text}");
    for part in ["one", &*file, "name of its own"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // And one with mistakes, which are all told.
    let file = policy_file(&home, "name = \"two\"\n[cards]\ncap = 0\nfloor = 1\n");
    let mut command = home.command();
    command.args(["--policy", &file]).stdout(Stdio::null());
    let (status, text) = finish(command.spawn().unwrap());
    assert_eq!(status.code(), Some(64), "{text}");
    for part in [":3: cards.cap", ":4: cards.floor"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
