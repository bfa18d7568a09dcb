//! One of the two that are compared: a program, and where it comes from.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use super::blocks::Side;
use super::checkout::Cache;
use super::facts::ArmFacts;
use crate::exit::Failure;
use crate::server_process::{self, ServerProcess};
use crate::signals::StopSignals;

/// A program, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This one.
    Path(PathBuf),
    /// The one that this revision of the repository builds.
    Git(String),
}

impl FromStr for Choice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("git:") {
            Some(revision) => Self::Git(revision.to_owned()),
            None => Self::Path(text.into()),
        })
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(to, "{}", path.display()),
            Self::Git(revision) => write!(to, "git:{revision}"),
        }
    }
}

/// A program that is there.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    side: Side,
    path: PathBuf,
    arguments: Vec<OsString>,
    /// What is told of it.
    pub(crate) facts: ArmFacts,
}

impl Arm {
    /// Finds the program, or builds it; one that cannot be started is a mistake of usage.
    pub(crate) async fn prepare(
        (side, choice): (Side, &Choice),
        arguments: Vec<OsString>,
        cache: &Cache,
        signals: &mut StopSignals,
    ) -> Result<Self, Failure> {
        let (named, commit) = match choice {
            Choice::Path(path) if path.is_file() => (path.clone(), None),
            Choice::Path(path) => {
                return Err(Failure::Usage(format!(
                    "--{}: there is no program at {}: name a waika-server, or git:REF to build the one of a commit",
                    flag(side),
                    path.display()
                )));
            }
            Choice::Git(revision) => {
                let built = cache.server_of(revision, signals).await;
                let built = built.map_err(|failure| in_arm(side, failure))?;
                (built.path, Some(built.commit))
            }
        };
        let refused = |error: std::io::Error| {
            Failure::Usage(format!(
                "--{}: {} cannot be started: {error}: name a waika-server that was built for this machine and may be \
                 executed",
                flag(side),
                named.display()
            ))
        };
        let path = std::path::absolute(&named).map_err(refused)?;
        let version = server_process::version(&path).await.map_err(refused)?;
        let facts = ArmFacts {
            name: choice.to_string(),
            paths: vec![path.display().to_string()],
            commit,
            version,
            ..ArmFacts::default()
        };
        Ok(Self {
            side,
            path,
            arguments,
            facts,
        })
    }

    /// The same program on the other side.
    pub(crate) fn against_itself(&self) -> Self {
        Self {
            side: Side::B,
            ..self.clone()
        }
    }

    /// The arguments that it has besides its own folders and ports.
    pub(crate) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Starts it, with fresh data.
    pub(crate) async fn start(&self) -> Result<ServerProcess, Failure> {
        let started = ServerProcess::start_with(&self.path, &self.arguments).await;
        started.map_err(|error| self.failed(error))
    }

    /// A failure, with its name.
    pub(crate) fn blamed(&self, failure: Failure) -> Failure {
        in_arm(self.side, failure)
    }

    /// A failure that names it.
    pub(crate) fn failed(&self, error: impl std::fmt::Display) -> Failure {
        in_arm(self.side, Failure::tool(error))
    }
}

fn in_arm(side: Side, failure: Failure) -> Failure {
    let told = |text: String| format!("arm {} (--{}): {text}", name(side), flag(side));
    match failure {
        Failure::Usage(text) => Failure::Usage(told(text)),
        Failure::Tool(text) => Failure::Tool(told(text)),
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::A => "A",
        Side::B => "B",
    }
}

fn flag(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_told_from_a_path() {
        let check = |text: &str, choice: Choice| {
            assert_eq!(text.parse(), Ok(choice.clone()));
            assert_eq!(choice.to_string(), text);
        };
        check("git:HEAD~1", Choice::Git("HEAD~1".to_owned()));
        check(
            "./old/waika-server",
            Choice::Path("./old/waika-server".into()),
        );
        check("git", Choice::Path("git".into()));
    }
}
