//! The server of a commit: checked out and built once, and kept.
//!
//! A server is built in a folder of another name and moved to its own when it is whole, so that
//! none is ever found half built; the compiler's own files are kept for the next one. All are built
//! in one place, one after the other, so that two of one commit are alike to the last byte: a lock
//! on a file keeps other processes waiting.

use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::exit::Failure;
use crate::output;
use crate::signals::StopSignals;
use crate::watch::{self, View};

/// So many of a failed build's last lines are told.
const LAST_LINES: usize = 20;

/// What else decides what the compiler makes of a commit.
const FLAGS: [&str; 3] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
];

/// Where built servers are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cache(PathBuf);

/// A server that was built of a commit.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// The program.
    pub(crate) path: PathBuf,
    /// The commit, in full.
    pub(crate) commit: String,
}

impl Cache {
    /// In this folder, or else where programs of this user keep such things. It is made absolute:
    /// git and cargo are called in folders of their own.
    pub(crate) fn new(folder: Option<&Path>) -> Result<Self, Failure> {
        let folder = folder.map(Path::to_path_buf);
        let own = || std::env::home_dir().map(|home| home.join(".cache"));
        match folder.or_else(caches).or_else(own) {
            Some(folder) => std::path::absolute(folder.join("waika"))
                .map(Self)
                .map_err(|error| Failure::Usage(format!("--cache: {error}"))),
            None => Err(Failure::Usage(
                "there is no home folder to keep built servers in: name one with --cache"
                    .to_owned(),
            )),
        }
    }

    /// The server of a revision of the repository that this process stands in.
    pub(crate) async fn server_of(
        &self,
        revision: &str,
        signals: &mut StopSignals,
    ) -> Result<Built, Failure> {
        let repository = git(Path::new("."), ["rev-parse", "--show-toplevel"]).await;
        let repository = PathBuf::from(repository.map_err(|reason| {
            Failure::Usage(format!(
                "git:{revision} needs a repository, and this is none ({reason}): call it inside one, or name a \
                 program"
            ))
        })?);
        let name = format!("{revision}^{{commit}}");
        let commit = git(
            &repository,
            [
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &name,
            ],
        )
        .await;
        let commit = commit.map_err(|_| {
            Failure::Usage(format!(
                "git:{revision} is no commit of {}: see `git log`, or fetch it first (a shallow clone has only the \
                 newest)",
                repository.display()
            ))
        })?;
        if let Ok(changed) = git(
            &repository,
            ["status", "--porcelain", "--untracked-files=no"],
        )
        .await
            && !changed.is_empty()
        {
            output::note(&format!(
                "git:{revision} is commit {commit} as it was committed: the changes in {} that are not are left out.",
                repository.display()
            ));
        }
        let compiler = compiler(&repository).await?;
        let place = self.0.join("servers").join(key(&commit, &compiler));
        let path = place.join("waika-server");
        if !path.is_file() {
            let building = self.build(&repository, &commit, &place);
            tokio::select! {
                built = building => built?,
                () = signals.received() => {
                    forget_trees(&repository).await;
                    return Err(Failure::Tool(format!(
                        "interrupted while building commit {commit}; nothing half built is kept"
                    )));
                }
            }
        }
        Ok(Built { path, commit })
    }

    /// Builds the server of a commit into its place, while nobody else builds any.
    async fn build(&self, repository: &Path, commit: &str, place: &Path) -> Result<(), Failure> {
        let servers = self.0.join("servers");
        let cannot = |error: std::io::Error| {
            Failure::Tool(format!(
                "{}: {error}: name another folder with --cache",
                servers.display()
            ))
        };
        std::fs::create_dir_all(&servers).map_err(cannot)?;
        let _lock = self.lock().await.map_err(cannot)?;
        if place.join("waika-server").is_file() {
            // Whoever had the lock has built the same.
            return Ok(());
        }
        let folder = self.building_place().map_err(cannot)?;
        forget_trees(repository).await;
        let tree = folder.path().join("tree");
        let add = ["worktree", "add", "--quiet", "--detach"].map(OsStr::new);
        let added = git(
            repository,
            add.into_iter()
                .chain([tree.as_os_str(), OsStr::new(commit)]),
        )
        .await;
        added
            .map_err(|reason| Failure::Tool(format!("git cannot check out {commit}: {reason}")))?;
        let built = compile(&tree, &self.0.join("target"), commit).await;
        let program = self.0.join("target/release/waika-server");
        let kept = built.and_then(|()| {
            let whole = TempDir::with_prefix_in("whole-", &servers).map_err(cannot)?;
            std::fs::copy(&program, whole.path().join("waika-server")).map_err(cannot)?;
            std::fs::rename(whole.path(), place).map_err(cannot)
        });
        drop(folder);
        forget_trees(repository).await;
        kept
    }
}

impl Cache {
    /// Waits until nobody else builds here. The lock lasts as long as the file is open, and ends with
    /// its process.
    async fn lock(&self) -> std::io::Result<File> {
        let path = self.0.join("lock");
        let file = File::create(&path)?;
        let mut is_told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {}
            }
            if !is_told {
                is_told = true;
                output::note(&format!(
                    "Another process builds a server in {}: waiting for it.",
                    self.0.display()
                ));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The empty folder in which every server is built. What a process that was killed has left there
    /// goes.
    fn building_place(&self) -> std::io::Result<TempDir> {
        let servers = self.0.join("servers");
        match std::fs::remove_dir_all(servers.join("building")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        tempfile::Builder::new()
            .prefix("building")
            .rand_bytes(0)
            .tempdir_in(&servers)
    }
}

/// What the compiler says of itself, in the folder whose settings hold for it.
async fn compiler(repository: &Path) -> Result<Vec<u8>, Failure> {
    let program = variable("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(program);
    command
        .arg("-vV")
        .current_dir(repository)
        .kill_on_drop(true);
    match command.stdin(Stdio::null()).output().await {
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => Err(Failure::Tool(format!(
            "rustc does not say its version ({}): {}; mend that, or name a program instead",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ))),
        Err(error) => Err(Failure::Tool(format!(
            "rustc cannot be started ({error}): building a commit needs Rust; name a program instead"
        ))),
    }
}

/// The name of what this compiler makes of a commit with the flags of this environment. One that was
/// hashed by another Rust may only be built once more.
fn key(commit: &str, compiler: &[u8]) -> String {
    key_of(commit, compiler, variable)
}

fn key_of(commit: &str, compiler: &[u8], flag: impl Fn(&str) -> Option<OsString>) -> String {
    let mut hasher = DefaultHasher::new();
    compiler.hash(&mut hasher);
    for name in FLAGS {
        flag(name).hash(&mut hasher);
    }
    format!("{commit}-{:016x}", hasher.finish())
}

/// A variable that cargo goes by.
#[expect(
    clippy::disallowed_methods,
    reason = "it is meant for cargo, and no setting of this program"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The folder that the environment names for caches. By its specification, a path that is empty or
/// relative is not to be heeded: <https://specifications.freedesktop.org/basedir-spec/latest/>.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line would refuse a value that must be left unheeded"
)]
fn caches() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.filter(|folder| folder.is_absolute())
}

/// Lets git forget trees that are gone.
async fn forget_trees(repository: &Path) {
    // It would forget them by itself some day.
    drop(git(repository, ["worktree", "prune"]).await);
}

async fn compile(tree: &Path, target: &Path, commit: &str) -> Result<(), Failure> {
    let mut child = Command::new("cargo")
        .args(["build", "--release", "--locked", "-p", "waika-server", "--target-dir"])
        .arg(target)
        .current_dir(tree)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Failure::Tool(format!(
                "cargo cannot be started ({error}): building a commit needs Rust; name a program instead"
            ))
        })?;
    let lines = Arc::new(Mutex::new(Vec::new()));
    let stderr = child.stderr.take();
    let work = async {
        if let Some(stderr) = stderr {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                lines.lock().push(line);
            }
        }
        child.wait().await
    };
    let short: String = commit.chars().take(12).collect();
    let view = View {
        title: &format!("building the server of {short}, cargo's lines"),
        total: None,
        every: Duration::from_secs(10),
    };
    let look = || {
        let lines = lines.lock();
        let last = lines
            .last()
            .map_or("", |line: &String| line.trim())
            .to_owned();
        (lines.len() as u64, last)
    };
    let ended = watch::while_working(view, look, work).await;
    let status = ended.map_err(Failure::tool)?;
    if status.success() {
        return Ok(());
    }
    let lines = lines.lock();
    let last = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
    let last: Vec<&str> = last.map(String::as_str).collect();
    Err(Failure::Tool(format!(
        "the server of commit {commit} cannot be built ({status}); cargo says:\n{}\nMend that, choose a commit that \
         builds, or build it by hand and name the program.",
        last.join("\n")
    )))
}

/// What git says, without the line's end; the error is what it says of its failure.
async fn git<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<String, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("git cannot be started: {error}"))?;
    let said = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if output.status.success() {
        Ok(said(output.stdout))
    } else {
        Err(said(output.stderr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_compiler_or_other_flags_make_another_server() {
        let key = |compiler: &str, flags: &str| {
            key_of("4aa028b", compiler.as_bytes(), |name| {
                (name == "RUSTFLAGS" && !flags.is_empty()).then(|| flags.into())
            })
        };
        let plain = key("rustc 1.95.0", "");
        assert!(
            plain.starts_with("4aa028b-") && plain.len() == 24,
            "{plain}"
        );
        assert_eq!(plain, key("rustc 1.95.0", ""));
        assert_ne!(plain, key("rustc 1.96.0", ""));
        assert_ne!(plain, key("rustc 1.95.0", "-C target-cpu=native"));
    }

    #[test]
    fn one_builds_at_a_time_in_one_place() {
        let folder = TempDir::new().unwrap();
        let cache = Cache::new(Some(folder.path())).unwrap();
        std::fs::create_dir_all(cache.0.join("servers/building/left")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let held = runtime.block_on(cache.lock()).unwrap();
        let soon = Duration::from_millis(10);
        let waits = runtime.block_on(async { tokio::time::timeout(soon, cache.lock()).await });
        assert!(waits.is_err(), "two have the lock");
        let place = cache.building_place().unwrap();
        assert_eq!(place.path(), cache.0.join("servers/building"));
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        drop(held);
        assert!(runtime.block_on(cache.lock()).is_ok());
    }
}
