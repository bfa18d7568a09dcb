//! What an authorisation costs the whole server, in allocations and, under callgrind, in
//! instructions: both are counts, so they are the same on a busy machine and on an idle one.
//!
//! The server is the real one, with its sockets, its one core and its journal on the disk. Who calls
//! it is another process, so nothing of the caller is counted. `bash tests/guard.sh` counts the
//! instructions too and holds both to the limits. Alone, with `cargo bench -p waika-server --bench
//! authorise`, this tells the allocations.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a caller that is not answered as it should be counts nothing"
)]

#[path = "authorise/calling.rs"]
mod calling;
#[path = "../../tests/guard/counting.rs"]
mod counting;
#[expect(dead_code, reason = "the tests make more requests than these")]
#[path = "../../tests/e2e/requests.rs"]
mod requests;
#[path = "authorise/serving.rs"]
mod serving;
#[path = "authorise/wallets.rs"]
mod wallets;

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, ExitCode};

use counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// Authorisations in flight: as many go out together, and the next once all of them are answered. So
/// what the server finds when it looks depends as little on the time as can be.
const IN_FLIGHT: u32 = 64;

/// Authorisations that are counted if nothing else is said.
const CALLS: &str = "2048";

/// Whatever goes wrong ends the count.
type Wrong = Box<dyn Error + Send + Sync>;

/// How authorisations are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each is a call of its own.
    Unary,
    /// Each is a message of one stream.
    Stream,
    /// All that go out together are one message of a stream.
    Batch,
}

impl Way {
    const ALL: [Self; 3] = [Self::Unary, Self::Stream, Self::Batch];

    fn name(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::Stream => "stream",
            Self::Batch => "batch",
        }
    }

    fn named(name: &str) -> Result<Self, Wrong> {
        let known = Self::ALL.into_iter().find(|way| way.name() == name);
        known.ok_or_else(|| format!("{name} is no way: unary, stream or batch").into())
    }
}

/// `authorise WAY CALLS` counts so many authorisations asked for in one way; `authorise call WAY CALLS
/// RPC ADMIN` is the other process, which asks for them; anything else counts all ways.
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["call", way, calls, rpc, admin] => call(way, calls, rpc, admin),
        [way, calls] => count(way, calls),
        _ => count_all(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            // Standard error may be closed, and there is nobody else to tell.
            let _ = writeln!(std::io::stderr(), "authorise: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn call(way: &str, calls: &str, rpc: &str, admin: &str) -> Result<(), Wrong> {
    calling::call(Way::named(way)?, windows(calls)?, (rpc, admin))
}

/// Tells one line: the way, how many were counted, and of all of them together the allocations, the
/// reallocations, the bytes of both, and the batches that the journal made of them.
fn count(way: &str, calls: &str) -> Result<(), Wrong> {
    let (way, windows) = (Way::named(way)?, windows(calls)?);
    let serving::Counted { counts, batches } = serving::count(way, windows)?;
    let line = format!(
        "{} {} {} {} {} {batches}\n",
        way.name(),
        windows * IN_FLIGHT,
        counts.allocations,
        counts.reallocations,
        counts.bytes,
    );
    Ok(std::io::stdout().write_all(line.as_bytes())?)
}

/// Each way in a process of its own, since one server's metrics are a process's.
fn count_all() -> Result<(), Wrong> {
    for way in Way::ALL {
        let status = Command::new(std::env::current_exe()?)
            .args([way.name(), CALLS])
            .status()?;
        if !status.success() {
            return Err(format!("{} was not counted: {status}", way.name()).into());
        }
    }
    Ok(())
}

/// How many times so many go out together.
fn windows(calls: &str) -> Result<u32, Wrong> {
    let calls: u32 = calls.parse()?;
    if calls == 0 || !calls.is_multiple_of(IN_FLIGHT) {
        return Err(format!("{calls} is not a multiple of {IN_FLIGHT}").into());
    }
    Ok(calls / IN_FLIGHT)
}
