//! A PostgreSQL server of a test's own, from the installed package.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// One server in a folder of its own, which ends with this. Reached over a socket in that folder and over a port.
pub(crate) struct Cluster {
    home: TempDir,
    port: u16,
}

/// Whom `initdb` works for: it refuses root.
const OWNER: &str = "postgres";

impl Cluster {
    /// Starts one with these settings beside the package's own.
    pub(crate) fn start(settings: &[&str]) -> Self {
        Self::start_with(settings, |_| Vec::new())
    }

    /// The same with files of its own in its data folder.
    pub(crate) fn start_with(
        settings: &[&str],
        files: impl FnOnce(&Path) -> Vec<(PathBuf, String)>,
    ) -> Self {
        let mut cluster = Self {
            home: new_home(),
            port: 0,
        };
        cluster.run(
            "initdb",
            &[
                "--auth=trust",
                "--username=waika",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ],
        );
        for (path, text) in files(&cluster.home.path().join("data")) {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            give_away(&path);
        }
        // Somebody else may take a free port before it does.
        for _ in 0..4 {
            cluster.port = free_port();
            if cluster.try_restart(settings).is_ok() {
                return cluster;
            }
        }
        cluster.port = free_port();
        cluster.restart(settings);
        cluster
    }

    /// A copy that follows this one, under a name that `synchronous_standby_names` may have.
    pub(crate) fn replica(&self, name: &str, settings: &[&str]) -> Self {
        let home = new_home();
        let copy = Self {
            home,
            port: free_port(),
        };
        let socket = self.home.path().display();
        let from = format!(
            "host={socket} port={} user=waika application_name={name}",
            self.port
        );
        copy.run(
            "pg_basebackup",
            &[
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--dbname",
                &from,
            ],
        );
        copy.restart(settings);
        copy
    }

    /// It follows nobody any more, and takes writes.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", &["--wait", "promote"]);
    }

    /// From now on whoever connects is asked for a password, once it has read its files again.
    pub(crate) fn ask_for_passwords(&self) {
        let rules = self.home.path().join("data/pg_hba.conf");
        std::fs::write(rules, "host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    }

    /// Starts it, after its end or for the first time.
    pub(crate) fn restart(&self, settings: &[&str]) {
        self.try_restart(settings)
            .unwrap_or_else(|said| panic!("{said}"));
    }

    fn try_restart(&self, settings: &[&str]) -> Result<(), String> {
        let home = self.home.path().display();
        let mut options = format!("-p {} -k {home} -c listen_addresses=127.0.0.1", self.port);
        for setting in settings {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let log = self.home.path().join("log");
        self.try_run(
            "pg_ctl",
            &[
                "--wait",
                "--log",
                log.to_str().unwrap(),
                "--options",
                &options,
                "start",
            ],
        )
    }

    /// Ends it: `immediate` is as good as a kill.
    pub(crate) fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["--wait", "--mode", mode, "stop"]);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://waika@127.0.0.1:{}/postgres", self.port)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        self.try_run(program, arguments)
            .unwrap_or_else(|said| panic!("{said}"));
    }

    fn try_run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let data = self.home.path().join("data");
        let mut command = as_owner(&program_path(program));
        let command = command.arg("--pgdata").arg(data).args(arguments);
        // A file and no pipe, which the server would keep open.
        let said = self.home.path().join("said");
        let file = std::fs::File::create(&said).unwrap();
        let status = command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap_or_else(|error| panic!("{program}: {error}: apt-get install postgresql"));
        if status.success() {
            return Ok(());
        }
        let said = std::fs::read_to_string(said).unwrap();
        Err(format!("{program} ({status}): {said}"))
    }
}

fn new_home() -> TempDir {
    let home = tempfile::Builder::new().prefix("waika-pg-").tempdir();
    let home = home.unwrap();
    give_away(home.path());
    home
}

/// One that nobody had a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.home.path().join("data");
        let mut command = as_owner(&program_path("pg_ctl"));
        let command = command
            .arg("--pgdata")
            .arg(data)
            .args(["--mode", "immediate", "stop"]);
        drop(
            command
                .current_dir("/")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status(),
        );
    }
}

/// Debian keeps each version's programs in a folder of its own.
fn program_path(program: &str) -> PathBuf {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|folders| {
            folders
                .flatten()
                .map(|folder| folder.path().join("bin").join(program))
                .collect()
        })
        .unwrap_or_default();
    versions.retain(|path| path.exists());
    versions.sort();
    versions.pop().unwrap_or_else(|| program.into())
}

fn as_owner(program: &Path) -> Command {
    let mut command = Command::new(program);
    if rustix::process::geteuid().is_root() {
        let (user, group) = owner();
        command.uid(user).gid(group);
    }
    command
}

fn give_away(folder: &Path) {
    if rustix::process::geteuid().is_root() {
        let (user, group) = owner();
        std::os::unix::fs::chown(folder, Some(user), Some(group)).unwrap();
    }
}

/// Its numbers, as the system knows them.
fn owner() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users
        .lines()
        .find(|line| line.starts_with(&format!("{OWNER}:")));
    let line = line.unwrap_or_else(|| panic!("no user {OWNER}: apt-get install postgresql"));
    let mut fields = line
        .split(':')
        .skip(2)
        .map(|number| number.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}
