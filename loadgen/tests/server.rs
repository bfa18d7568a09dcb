//! Servers that misbehave: scripts that are started in a server's place.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds the world broken fails"
)]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_waika-loadgen");

/// Starts a program that stays behind, and notes its number beside the script.
const STAYS: &str = "sleep 600 >/dev/null 2>&1 & echo $! >\"${0%/*}/stays\"\n";

/// What a server says, of ports where nobody is.
const SERVES: &str =
    "echo 'waika-server listening on 127.0.0.1:1 admin 127.0.0.1:1 metrics 127.0.0.1:1'\n";

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A script in a folder of its own.
struct Script {
    folder: TempDir,
}

impl Script {
    fn new(lines: &[&str]) -> Self {
        let script = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(script.temporary()).unwrap();
        // Its version is asked for as well, and nothing more is to happen then.
        let quiet = "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n";
        std::fs::write(script.path(), quiet.to_owned() + &lines.concat()).unwrap();
        script.set_mode(0o755);
        script
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a-server")
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    fn set_mode(&self, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(), mode).unwrap();
    }

    fn quickstart(&self, server: &Path) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(["quickstart", "--duration", "1s", "--server"])
            .arg(server)
            .env("TMPDIR", self.temporary())
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Checks that quickstart fails with the script for a server, and returns what it says.
    fn fails(&self) -> String {
        let output = self.quickstart(&self.path()).output().unwrap();
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        self.left_nothing();
        message
    }

    /// Waits until the script has started what stays behind, and returns its number.
    fn stays(&self) -> String {
        for _ in 0..3000 {
            let number = std::fs::read_to_string(self.folder.path().join("stays"));
            match number {
                Ok(number) if number.ends_with('\n') => return number.trim().to_owned(),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        panic!("the script was not started");
    }

    fn left_nothing(&self) {
        let left = std::fs::read_dir(self.temporary()).unwrap().count();
        assert_eq!(left, 0, "a folder was left");
        if !self.folder.path().join("stays").exists() {
            return;
        }
        // It is killed, and who takes it over may need a moment to notice.
        let status = format!("/proc/{}/stat", self.stays());
        for _ in 0..500 {
            match std::fs::read_to_string(&status) {
                Ok(text) if !text.contains(") Z ") => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => return,
            }
        }
        panic!("{} is still there", self.stays());
    }
}

#[test]
fn one_that_closes_its_output_and_stays_is_killed_with_all_it_started() {
    let message = Script::new(&[STAYS, "exec >&-\n", "wait\n"]).fails();
    assert!(message.contains("closed its output"), "{message}");
    let message = Script::new(&[STAYS, "exit 7\n"]).fails();
    assert!(message.contains("ended with exit status: 7"), "{message}");
}

#[test]
fn what_it_says_is_shown_in_part_and_harmless() {
    let message = Script::new(&[STAYS, "printf '\\377\\033[31mred\\n'\n", "wait\n"]).fails();
    let red = "it said \"\\u{fffd}\\u{1b}[31mred\"";
    assert!(message.contains(red), "{message}");
    let message = Script::new(&["exec yes | tr -d '\\n'\n"]).fails();
    assert!(message.contains(&"y".repeat(80)), "{message}");
    assert!(!message.contains(&"y".repeat(81)), "{message}");
}

#[test]
fn one_that_is_named_without_a_folder_is_the_one_here() {
    let script = Script::new(&["echo I am here\n"]);
    let output = script.quickstart(Path::new("a-server")).output().unwrap();
    let message = said(&output.stderr);
    assert!(message.contains("it said \"I am here\""), "{message}");
    let gate = Command::new(PROGRAM)
        .args(["gate", "--a", "a-server", "--b", "/bin/true"])
        // No folder at all: it is left unheeded.
        .env("XDG_CACHE_HOME", "")
        .current_dir(script.folder.path())
        .output()
        .unwrap();
    let message = said(&gate.stderr);
    assert!(message.contains("it said \"I am here\""), "{message}");
}

#[test]
fn one_that_cannot_be_started_is_found_before_anything_begins() {
    let check = |script: &Script, word: &str| {
        let gate = Command::new(PROGRAM)
            .args(["gate", "--a", "/bin/true", "--b"])
            .arg(script.path())
            .output()
            .unwrap();
        let message = said(&gate.stderr);
        assert_eq!(gate.status.code(), Some(64), "{message}");
        assert!(
            message.contains("--b") && message.contains(word),
            "{message}"
        );
    };
    let script = Script::new(&[]);
    script.set_mode(0o644);
    check(&script, "denied");
    script.set_mode(0o755);
    std::fs::write(script.path(), "no program at all").unwrap();
    check(&script, "format");
}

/// Which signals a process ignores, the first as the lowest bit.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(mask.unwrap().trim(), 16).unwrap()
}

#[test]
fn every_signal_that_asks_to_stop_leaves_nothing_behind() {
    let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap());
    for asked in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
        // Whoever runs the tests may have had them ignore some, and these two then are.
        if [Signal::HUP, Signal::QUIT].contains(&asked) && ignored >> (asked.as_raw() - 1) & 1 == 1
        {
            continue;
        }
        let script = Script::new(&[STAYS, "wait\n"]);
        let child = script.quickstart(&script.path()).spawn().unwrap();
        script.stays();
        signal(&child, asked);
        let output = child.wait_with_output().unwrap();
        let message = said(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{asked:?}: {message}");
        assert!(message.contains("interrupted"), "{asked:?}: {message}");
        script.left_nothing();
    }
}

#[test]
fn a_signal_that_is_to_be_ignored_is() {
    let script = Script::new(&[STAYS, "wait\n"]);
    let mut nohup = Command::new("sh");
    nohup
        .args([
            "-c",
            "trap '' HUP; exec \"$0\" quickstart --server \"$1\"",
            PROGRAM,
        ])
        .arg(script.path())
        .env("TMPDIR", script.temporary())
        .stderr(Stdio::piped());
    let child = nohup.spawn().unwrap();
    script.stays();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    signal(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    assert_eq!(ignored(&status) & 1, 1, "{status}");
    script.left_nothing();
}

/// Asks again and again until it ends.
fn insist(child: &mut Child) {
    while child.try_wait().unwrap().is_none() {
        signal(child, Signal::INT);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn one_that_does_not_stop_is_killed_at_the_next_signal() {
    // The accounts cannot be created, so it is stopped at once, and does not hear of it.
    let script = Script::new(&["trap '' TERM\n", STAYS, SERVES, "wait\n"]);
    let mut child = script.quickstart(&script.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_stopping = |line: String| line.contains("Stopping the server");
    assert!(lines.any(|line| is_stopping(line.unwrap())));
    insist(&mut child);
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(told.concat().contains("the server is killed"), "{told:?}");
    script.left_nothing();
}
