//! Cores: threads with a runtime each, on which connections live from first byte to last.

use std::net;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::calls::RpcService;
use super::connection::Protocol;
use super::listen::{Door, Ticket};
use crate::config::Bounds;
use crate::exit::{Failure, Reason};
use crate::ledger::Ledger;

/// Threads beside a core's runtime that read entries of the journal again, for replays.
const BLOCKING_THREADS: usize = 4;

/// Which services a connection came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Callers,
    Operators,
}

/// The services of one core.
pub(super) struct Services {
    pub(super) callers: RpcService,
    pub(super) operators: RpcService,
}

/// What a core is given to do. Connections need no bound here: each holds a place of its door.
enum Work {
    Connection(net::TcpStream, Ticket, Audience),
    Ledger(Arc<Ledger>),
}

/// The running cores.
pub(super) struct Cores {
    inboxes: Vec<UnboundedSender<Work>>,
    goaway: CancellationToken,
    abandon: CancellationToken,
    /// Ends when the last core has ended.
    running: mpsc::Receiver<()>,
}

impl Cores {
    /// Starts a thread for each core.
    pub(super) fn start(
        count: NonZeroUsize,
        bounds: Bounds,
        services: impl Fn(usize) -> Result<Services, Failure>,
    ) -> Result<Self, Failure> {
        let (alive, running) = mpsc::channel(1);
        let mut cores = Self {
            inboxes: Vec::with_capacity(count.get()),
            goaway: CancellationToken::new(),
            abandon: CancellationToken::new(),
            running,
        };
        for number in 0..count.get() {
            let (inbox, work) = mpsc::unbounded_channel();
            let core = Core {
                number,
                services: services(number)?,
                protocol: Protocol::new(bounds.preface, cores.goaway.child_token())
                    .with_max_age(bounds.max_age),
                abandon: cores.abandon.child_token(),
                _alive: alive.clone(),
            };
            core.start(work)?;
            cores.inboxes.push(inbox);
        }
        Ok(cores)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.inboxes.len()
    }

    /// Tells every core of the ledger, once it has recovered.
    pub(super) fn give(&self, ledger: &Arc<Ledger>) {
        for inbox in &self.inboxes {
            let _ = inbox.send(Work::Ledger(ledger.clone()));
        }
    }

    /// Deals connections out, one core after the other.
    pub(super) fn dealer(&self) -> Dealer {
        Dealer {
            inboxes: self.inboxes.clone(),
            next: Arc::default(),
        }
    }

    /// Sends GOAWAY to all and waits until what is in flight is answered, or until it is enough.
    /// True if everything was answered. All dealers must be gone before.
    pub(super) async fn finish(&mut self, enough: impl Future<Output = ()>) -> bool {
        self.goaway.cancel();
        self.inboxes.clear();
        tokio::select! {
            biased;
            _ = self.running.recv() => true,
            () = enough => false,
        }
    }

    /// Drops whatever is still in flight.
    pub(super) async fn abandon(&mut self) {
        self.abandon.cancel();
        if timeout(ABANDON_LIMIT, self.running.recv()).await.is_err() {
            warn!("a core does not end");
        }
    }
}

/// A core that was told to drop everything has this long to do so.
const ABANDON_LIMIT: Duration = Duration::from_millis(500);

/// Deals connections to the cores in turn, through one turn for all listeners.
#[derive(Clone)]
pub(super) struct Dealer {
    inboxes: Vec<UnboundedSender<Work>>,
    next: Arc<AtomicUsize>,
}

impl Dealer {
    /// Accepts for ever.
    pub(super) async fn deal(self, door: Door, audience: Audience) {
        loop {
            let (stream, ticket) = door.accept().await;
            // Unregistered here, registered again with the core's own runtime.
            let Ok(stream) = stream.into_std() else {
                continue;
            };
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len().max(1);
            if let Some(inbox) = self.inboxes.get(turn) {
                let _ = inbox.send(Work::Connection(stream, ticket, audience));
            }
        }
    }
}

struct Core {
    number: usize,
    services: Services,
    protocol: Protocol,
    abandon: CancellationToken,
    _alive: mpsc::Sender<()>,
}

impl Core {
    fn start(self, work: UnboundedReceiver<Work>) -> Result<(), Failure> {
        let number = self.number;
        let refused = |error| Failure::new(Reason::System, format!("core {number}: {error}"));
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(format!("waika-aside-{number}"))
            .build()
            .map_err(refused)?;
        std::thread::Builder::new()
            .name(format!("waika-core-{number}"))
            .spawn(move || {
                runtime.block_on(self.run(work));
                runtime.shutdown_background();
            })
            .map_err(refused)?;
        Ok(())
    }

    async fn run(self, mut work: UnboundedReceiver<Work>) {
        let connections = TaskTracker::new();
        let protocol = Arc::new(self.protocol);
        let serve_all = async {
            let mut ledger_given = None;
            while let Some(work) = work.recv().await {
                match work {
                    Work::Ledger(ledger) => {
                        let number = self.number;
                        ledger_given = Some(Arc::clone(&ledger));
                        if number == 0 {
                            let ledger = Arc::clone(&ledger);
                            tokio::spawn(async move { ledger.tend_issuers(number).await });
                        }
                        tokio::spawn(async move { ledger.wake_waiters(number).await });
                    }
                    Work::Connection(stream, ticket, audience) => {
                        let service = match audience {
                            Audience::Callers => self.services.callers.clone(),
                            Audience::Operators => self.services.operators.clone(),
                        };
                        let protocol = protocol.clone();
                        connections.spawn(async move {
                            match TcpStream::from_std(stream) {
                                Ok(stream) => protocol.serve(stream, ticket, service).await,
                                Err(error) => error!(%error, "a connection is lost"),
                            }
                        });
                    }
                }
            }
            connections.close();
            connections.wait().await;
            // What goes on without a caller needs this runtime until it is done.
            if let Some(ledger) = ledger_given {
                ledger.settled().await;
            }
        };
        tokio::select! {
            () = serve_all => {}
            () = self.abandon.cancelled() => {}
        }
    }
}
