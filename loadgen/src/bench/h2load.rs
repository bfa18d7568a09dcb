//! h2load of nghttp2, which repeats one call as fast as it is answered: a second opinion on what a
//! floor costs, and on what this generator itself costs.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::call_template;
use crate::clock::monotonic_ns;
use crate::errand::Rpc;
use crate::exit::Failure;
use crate::job::Job;
use crate::plan::Details;
use crate::population::Population;
use crate::process_group::ProcessGroup;
use crate::wire::RequestWriter;

/// Its program, wherever programs are looked for.
const PROGRAM: &str = "h2load";

/// It is installed.
#[derive(Clone, Debug)]
pub(super) struct H2load {
    /// What it says of its version.
    pub(super) version: String,
}

/// What it found, and what it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Calls that were answered well.
    pub(super) succeeded: u64,
    /// Calls that were not.
    pub(super) failed: u64,
    /// Those that were, a second.
    pub(super) per_second: f64,
    /// Its processor time.
    pub(super) cpu_ns: u64,
    /// How long it ran.
    pub(super) took_ns: u64,
}

impl H2load {
    /// Looks whether it is there.
    pub(super) async fn find() -> Option<Self> {
        let mut command = Command::new(PROGRAM);
        command.arg("--version").stdin(Stdio::null());
        let output = command.output().await.ok()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = said.split_whitespace().next_back()?.to_owned();
        output.status.success().then_some(Self { version })
    }

    /// Sends the first call of a job again and again for so long.
    pub(super) async fn ask(
        &self,
        job: &Job,
        population: &Population,
        length: Duration,
    ) -> Result<Asked, Failure> {
        let folder = TempDir::with_prefix("waika-h2load-").map_err(Failure::tool)?;
        let body = folder.path().join("body");
        let mut writer = RequestWriter::new(0, Details::default());
        let request = job.workload()?.request(0);
        let message = writer.write(&request, population, None);
        let message = message.ok_or_else(|| Failure::tool("there is nobody to pay"))?;
        std::fs::write(&body, message).map_err(Failure::tool)?;
        let connections = job.engine.connections.get();
        let each = job.engine.in_flight.get().div_ceil(connections);
        let mut command = Command::new(PROGRAM);
        command
            .args(["-D", &format!("{}ms", length.as_millis().max(1))])
            .args(["-c", &connections.to_string(), "-m", &each.to_string()])
            .args(["-t", "1", "-H", "te: trailers"])
            .args(["-H", "content-type: application/grpc", "-d"])
            .arg(&body)
            .arg(format!(
                "{}{}",
                job.place.target,
                call_template::path(Rpc::Authorise)
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let (began_ns, before_ns) = (monotonic_ns(), cpu_of_children_ns()?);
        let said = output_of(&mut command)
            .await
            .map_err(|error| Failure::Tool(format!("{PROGRAM}: {error}")))?;
        let (cpu_ns, took_ns) = (
            cpu_of_children_ns()?.saturating_sub(before_ns),
            monotonic_ns().saturating_sub(began_ns),
        );
        let (succeeded, failed, per_second) = read(&said).ok_or_else(|| {
            Failure::Tool(format!(
                "{PROGRAM} {} said something that is not understood: take it off the search path to go without it",
                self.version
            ))
        })?;
        Ok(Asked {
            succeeded,
            failed,
            per_second,
            cpu_ns,
            took_ns,
        })
    }
}

/// Runs it to its end. It is ended with this future.
async fn output_of(command: &mut Command) -> std::io::Result<String> {
    let mut group = ProcessGroup::start(command)?;
    let mut said = String::new();
    if let Some(mut stdout) = group.child.stdout.take() {
        stdout.read_to_string(&mut said).await?;
    }
    let status = group.child.wait().await?;
    if status.success() {
        Ok(said)
    } else {
        Err(std::io::Error::other(format!("it ended with {status}")))
    }
}

/// Processor time of the programs that this one has started and seen the end of.
fn cpu_of_children_ns() -> Result<u64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(Failure::tool)?;
    let nanoseconds = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap_or(0) * 1_000;
    Ok(nanoseconds(usage.user_time()) + nanoseconds(usage.system_time()))
}

/// Pure: the calls that succeeded, those that did not, and how many succeeded a second.
fn read(said: &str) -> Option<(u64, u64, f64)> {
    let line = |begin: &str| said.lines().find_map(|line| line.strip_prefix(begin));
    let counts = line("requests: ")?;
    let count = |name: &str| {
        let counted = counts.split(',').find_map(|part| {
            let (count, named) = part.trim().split_once(' ')?;
            (named == name).then_some(count)
        });
        counted?.parse::<u64>().ok()
    };
    let unlucky = [count("failed")?, count("errored")?, count("timeout")?];
    // An errored call is a failed one as well.
    let failed = unlucky.into_iter().max()?;
    let (_, rate) = line("finished in ")?.split_once(", ")?;
    let rate = rate.split_whitespace().next()?.parse().ok()?;
    Some((count("succeeded")?, failed, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "starting benchmark...\n\nfinished in 2.00s, 93121.50 req/s, 12.31MB/s\n\
        requests: 186243 total, 186499 started, 186243 done, 186240 succeeded, 3 failed, 2 errored, 0 timeout\n\
        status codes: 186243 2xx, 0 3xx, 0 4xx, 0 5xx\n";

    #[test]
    fn what_it_says_is_understood() {
        let (succeeded, failed, rate) = read(SAID).unwrap();
        assert_eq!((succeeded, failed), (186_240, 3));
        assert!((rate - 93_121.5).abs() < 1e-9);
    }

    #[test]
    fn what_it_never_said_is_not() {
        assert_eq!(read(""), None);
        assert_eq!(read(&SAID.replace("succeeded", "good")), None);
        assert_eq!(read(&SAID.replace("93121.50", "many")), None);
        assert_eq!(read(&SAID.replace("finished", "over")), None);
    }
}
