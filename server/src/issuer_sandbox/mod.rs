//! The world outside, played by a process of its own: the issuer of every card, with books, and an
//! SMS gateway and an identity verifier (`waika-server issuer-sandbox`).
//!
//! What it answers, how long that takes and what goes wrong are pure functions of its seed and of
//! what it is asked, so that two runs of one plan meet the same world.

mod books;
mod chance;
mod core;
mod desk;
mod issuer;
mod latency;
mod schemes;
mod timer;
mod trouble;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::core::Cores;
use crate::clock;
use crate::config::IssuerSandboxConfig;
use crate::exit::{self, Failure, Reason};
use crate::grpc::health::{Health, Phase};
use crate::serve::{self, Signals};
use books::Books;
pub(crate) use books::{AdviceTaken, Reversal, State, Transaction, TransactionId};
use desk::Office;
pub(crate) use desk::{Answer, Desk, NoAnswer};
use issuer::Issuer;
pub(crate) use issuer::{Payment, Verification, advice};
use trouble::Outages;

/// Answers that are on their way when the process is told to stop may take this long.
const DRAIN: Duration = Duration::from_secs(3);

/// Replays the books, serves until SIGTERM or SIGINT, and ends in good order. Needs a runtime.
pub async fn run(config: IssuerSandboxConfig) -> Result<(), Failure> {
    let outages = Outages::new(clock::monotonic(), config.outages.clone());
    let mut signals = Signals::catch()?;
    serve::prepare_process(0);
    // Before the books, which may take long: a port that is taken is told at once.
    let (listener, address) = listen(&config)?;
    let books = tokio::select! {
        books = open_books(&config) => books?,
        signal = signals.next() => {
            info!(signal, "stopped before the books were read");
            return Ok(());
        }
    };
    let office = Arc::new(Office {
        issuer: Issuer::new(&config),
        outages,
        books,
        stopping: CancellationToken::new(),
    });
    let health = Health::new();
    let mut cores = Cores::start(&config, &office, &health)?;
    health.enter(Phase::Serving);
    let dealing = tokio::spawn(cores.deal(listener));
    announce(&config, address);

    let signal = tokio::select! {
        halted = office.books.halted() => return Err(Failure::new(Reason::Io, halted.to_string())),
        Some(failure) = cores.ended() => return Err(failure),
        signal = signals.next() => signal,
    };
    info!(signal, "stopping");
    dealing.abort();
    health.enter(Phase::Closing);
    drain(&office, &mut cores, &mut signals).await;
    let closing = Arc::clone(&office);
    let closed = serve::on_a_thread("close", move || closing.books.close()).await?;
    closed.map_err(|halted| Failure::new(Reason::Io, halted.to_string()))?;
    info!("stopped");
    Ok(())
}

fn listen(config: &IssuerSandboxConfig) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = serve::bind(config.listen, "--listen")?;
    let address = listener.local_addr();
    let unknown = |error| Failure::new(Reason::System, format!("the listener: {error}"));
    Ok((listener, address.map_err(unknown)?))
}

async fn open_books(config: &IssuerSandboxConfig) -> Result<Books, Failure> {
    let began = clock::monotonic();
    let (store, segment_bytes) = (config.books.clone(), config.segment_bytes);
    let cores = config.cores.get();
    let open = move || Books::open(&store, segment_bytes, cores);
    let books = serve::on_a_thread("books", open).await??;
    info!(transactions = books.len(), books = %config.books, took = ?began.elapsed(), "opened");
    Ok(books)
}

/// Says on standard output, in exactly one line, where the issuer listens.
fn announce(config: &IssuerSandboxConfig, address: SocketAddr) {
    let line = format!("waika-issuer-sandbox listening on {address}\n");
    if let Err(failure) = exit::print(&line) {
        warn!(%failure, "nobody hears where the issuer listens");
    }
    let (seed, tls) = (config.seed, config.tls.is_some());
    let cores = NonZeroUsize::get(config.cores);
    info!(%address, seed, tls, cores, "listening: no real card is charged");
}

/// Lets answers that are on their way leave, for a time. Another signal cuts it short.
async fn drain(office: &Office, cores: &mut Cores, signals: &mut Signals) {
    office.stopping.cancel();
    tokio::select! {
        _ = cores.ended() => {}
        () = sleep(DRAIN) => warn!("some calls were still open and are cut off"),
        _ = signals.next() => {}
    }
}
