//! A generator that its control group stops in its tracks says so. Groups can only be made by root
//! on a machine that lets it; elsewhere this says that it proves nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use support::{Floor, PROGRAM, said};

/// A control group for processors, which goes with the test.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// Makes one, with a quota of so many thousandths of a processor or without any. The error says
    /// what could not be done.
    fn make(name: &str, quota: Option<u32>) -> Result<Self, String> {
        const PERIOD_US: u32 = 100_000;
        let name = format!("waika-{name}-{}", std::process::id());
        let quota_us = quota.map(|thousandths| thousandths * PERIOD_US / 1_000);
        for place in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"].map(Path::new) {
            if place.join("cpu.cfs_quota_us").exists() || place.join("cpu.shares").exists() {
                let group = Self::create(place.join(name))?;
                group.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
                let quota = quota_us.map_or("-1".to_owned(), |us| us.to_string());
                group.write("cpu.cfs_quota_us", &quota)?;
                return Ok(group);
            }
        }
        let place = Path::new("/sys/fs/cgroup");
        // It may be on already; if it cannot be turned on, there is no cpu.max below.
        drop(std::fs::write(place.join("cgroup.subtree_control"), "+cpu"));
        let group = Self::create(place.join(name))?;
        let quota = quota_us.map_or("max".to_owned(), |us| us.to_string());
        group.write("cpu.max", &format!("{quota} {PERIOD_US}"))?;
        Ok(group)
    }

    fn create(folder: PathBuf) -> Result<Self, String> {
        match std::fs::create_dir(&folder) {
            Ok(()) => Ok(Self { folder }),
            Err(error) => Err(format!("{}: {error}", folder.display())),
        }
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let file = self.folder.join(file);
        // A file that is not there shall not be made: these are the kernel's.
        let opened = std::fs::OpenOptions::new().write(true).open(&file);
        opened
            .and_then(|mut opened| std::io::Write::write_all(&mut opened, text.as_bytes()))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// What the groups around it were throttled by, as the kernel writes it.
    fn around(&self) -> Vec<String> {
        let files = self
            .folder
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("cpu.stat"));
        let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
        texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| line.starts_with("nr_throttled"))
            .collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that has just ended may still be in it.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        eprintln!("left behind: {}", self.folder.display());
    }
}

/// A generator that does not outlive the test.
struct Generator(Option<Child>);

impl Generator {
    /// Starts one, and puts it into the group long before it measures.
    fn start_in(group: &Group, url: &str, rate: &str) -> Self {
        let child = Command::new(PROGRAM)
            .args([
                "run",
                "--no-provision",
                "--accounts",
                "100",
                "--target",
                url,
            ])
            .args(["--rate", rate, "--warm-up", "2s", "--duration", "3s"])
            // Calls that are given up are resets, for which servers close connections.
            .args(["--deadline", "10s", "--in-flight", "50"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().to_string();
        let generator = Self(Some(child));
        group.write("cgroup.procs", &pid).unwrap();
        generator
    }

    fn finish(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

#[test]
fn a_throttled_generator_says_so() {
    let group = match Group::make("throttled", Some(50)) {
        Ok(group) => group,
        Err(reason) => return eprintln!("nothing is proven, no control group: {reason}"),
    };
    let floor = Floor::start("per-core");
    let output = Generator::start_in(&group, &floor.url, "20000").finish();
    let text = said(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(5),
        "{text}\n{}",
        said(&output.stderr)
    );
    assert!(text.contains("throttled by the CPU quota"), "{text}");
    floor.stop();
}

#[test]
fn a_group_without_a_quota_throttles_nobody() {
    let group = match Group::make("free", None) {
        Ok(group) => group,
        Err(reason) => return eprintln!("nothing is proven, no control group: {reason}"),
    };
    let floor = Floor::start("per-core");
    let before = group.around();
    let output = Generator::start_in(&group, &floor.url, "500").finish();
    if group.around() == before {
        let text = said(&output.stdout);
        assert!(text.contains("VALID"), "{text}\n{}", said(&output.stderr));
        assert!(!text.contains("throttled by the CPU quota"), "{text}");
    } else {
        eprintln!("nothing is proven: this whole machine is throttled");
    }
    floor.stop();
}
