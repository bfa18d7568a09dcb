//! The server's life: start, recover, announce, drain.
//!
//! One runtime accepts, on the main thread; each core has its own and keeps its connections.
//! See `main.rs` for the order in which these steps are taken.

mod age;
mod audit;
mod blocking;
mod calls;
mod connection;
mod control_frames;
mod core;
mod credentials;
mod entrance;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handed_over;
mod keep_alive;
mod linger;
mod listen;
mod metrics_page;
mod payments;
mod preface;
mod process;
mod process_metrics;
mod reload;
mod reply;
mod request_body;
mod room;
mod routes;
mod signals;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::{self, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;
#[cfg(feature = "planted-faults")]
use tracing::error;
use tracing::{info, warn};

use self::core::{Audience, Cores, Dealer};
use self::entrance::Entrances;
use crate::clock;
use crate::config::{Addresses, Bounds, Config, LedgerConfig, Partners};
use crate::exit::{self, Failure, Reason};
use crate::grpc::health::{Health, Phase};
use crate::grpc::{CallMetrics, Doorway, Options};
use crate::partner::Ports;
use crate::traces::Traces;
pub use age::MaxAge;
pub(crate) use blocking::on_a_thread;
use listen::Door;
pub use listen::Listeners;
pub(crate) use listen::bind;
use metrics_page::Figures;
pub(crate) use process::prepare as prepare_process;
use room::RoomWatch;
pub(crate) use routes::with_reflection;
pub use signals::Signals;

/// Once the store has failed, answers that are on their way may still leave for this long.
const LAST_ANSWERS: Duration = Duration::from_millis(40);

/// After a second signal, what is in flight may still end for this long; a third cuts it off.
const HURRIED: Duration = Duration::from_secs(1);

/// A server that listens. It answers UNAVAILABLE until it has recovered.
pub struct Server {
    addresses: Addresses,
    bounds: Bounds,
    ledger_config: LedgerConfig,
    doorway: Arc<Doorway>,
    health: Health,
    /// None if no call is traced.
    traces: Option<Arc<Traces>>,
    cores: Cores,
    /// The loops that accept gRPC connections, until the drain.
    accepting: JoinSet<()>,
    /// Callers whose socket was handed over wait in it until there is something to tell them.
    waiting: Option<(Dealer, Door)>,
    /// What goes on until the very end.
    aside: JoinSet<()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut server = formatter.debug_struct("Server");
        server.field("addresses", &self.addresses);
        server.finish_non_exhaustive()
    }
}

impl Server {
    /// Starts the cores and begins to accept. Needs a runtime.
    pub fn start(
        config: &Config,
        listeners: Listeners,
        metrics: PrometheusHandle,
    ) -> Result<Self, Failure> {
        process::prepare(config.bounds.connections);
        let addresses = listeners.addresses()?;
        let ports = Ports::new(&config.partners, config.cores.get());
        let options = Options {
            allow_live_pan: config.ledger.allow_live_pan,
            // A code that a gateway sends proves the phone: only the sandbox's is shown.
            show_phone_codes: ports.sms_gateway.is_none(),
        };
        let doorway = Arc::new(Doorway::new(options, ports));
        let health = Health::new();
        let (entrances, credentials) = Entrances::of(&config.listening.security);
        let traces = config.traces.as_ref().map(Traces::start).transpose()?;
        let calls = CallMetrics::new(traces.clone());
        let cores = Cores::start(config.cores, config.bounds, |core| {
            routes::services(&doorway, (&health, &calls), &entrances, core)
        })?;

        let dealer = cores.dealer();
        let callers = Door::new(listeners.rpc, "rpc", config.bounds.connections);
        let operators = Door::aside(listeners.admin, "admin");
        let scrapers = Door::aside(listeners.metrics, "metrics");
        let mut accepting = JoinSet::new();
        let waiting = if listeners.is_handed_over {
            Some((dealer.clone(), callers))
        } else {
            accepting.spawn(dealer.clone().deal(callers, Audience::Callers));
            None
        };
        accepting.spawn(dealer.deal(operators, Audience::Operators));
        let mut aside = JoinSet::new();
        aside.spawn(metrics_page::keep_up(metrics.clone()));
        let figures = Figures::new(metrics, calls, Arc::clone(&doorway));
        aside.spawn(metrics_page::serve(scrapers, entrances.scrapers, figures));

        let policy_file = config.ledger.policy_file.clone();
        let look_now = (!credentials.is_empty()).then(Arc::<Notify>::default);
        aside.spawn(reload::on_hangup(
            Arc::clone(&doorway),
            policy_file,
            look_now.clone(),
        )?);
        if let Some(look_now) = look_now {
            aside.spawn(credentials.keep_up(look_now));
        }

        log_start(config);
        Ok(Self {
            addresses,
            bounds: config.bounds,
            ledger_config: config.ledger.clone(),
            doorway,
            health,
            traces,
            cores,
            accepting,
            waiting,
            aside,
        })
    }

    /// Opens the ledger, which may take long, and serves from then on. Dropping this leaves the
    /// recovery to itself: it promises nothing to anybody yet.
    pub async fn recover(&mut self) -> Result<(), Failure> {
        let began = clock::monotonic();
        let ledger = blocking::open(self.ledger_config.clone(), self.cores.count()).await?;
        if let Some(traces) = &self.traces {
            ledger.note_batches(traces.batches());
        }
        self.cores.give(&ledger);
        // Only this function fills the doorway, and it is called once.
        let _ = self.doorway.ledger.set(Arc::clone(&ledger));
        let mut watch = RoomWatch::new(ledger, self.health.clone());
        watch.begin().await;
        self.aside.spawn(watch.go_on());
        if let Some((dealer, callers)) = self.waiting.take() {
            self.accepting
                .spawn(dealer.deal(callers, Audience::Callers));
        }
        info!(took = ?began.elapsed(), "recovered");
        Ok(())
    }

    /// Says on standard output, in exactly one line, where the server listens.
    pub fn announce(&self) {
        let Addresses {
            rpc,
            admin,
            metrics,
        } = self.addresses;
        let line = format!("waika-server listening on {rpc} admin {admin} metrics {metrics}\n");
        if let Err(failure) = exit::print(&line) {
            warn!(%failure, "nobody hears where this server listens");
        }
        info!(%rpc, %admin, %metrics, "listening");
    }

    /// Resolves with what failed once the store has, or is not what memory is; and else never.
    pub async fn halted(&self) -> Failure {
        match self.doorway.ledger.get() {
            Some(ledger) => blocking::halted(ledger).await,
            None => std::future::pending().await,
        }
    }

    /// Ends because the store has failed. What is in flight learns so if it can be told at once.
    pub async fn stop_at_once(&mut self, failed: Failure) -> Failure {
        self.turn_callers_away().await;
        self.cores.finish(sleep(LAST_ANSWERS)).await;
        failed
    }

    /// Ends in good order: tells callers to go, answers what is in flight, commits. A second
    /// signal cuts the waiting short, a third what is in flight. Without a ledger nothing has been promised to anybody.
    pub async fn drain(&mut self, signal: &str, signals: &mut Signals) -> Result<(), Failure> {
        let Some(ledger) = self.doorway.ledger.get().cloned() else {
            info!(signal, "stopped before the ledger was recovered");
            return Ok(());
        };
        info!(signal, wait = ?self.bounds.drain_wait, "draining");
        let halted = tokio::select! {
            biased;
            failed = blocking::halted(&ledger) => Some(failed),
            () = self.finish_calls(signals) => None,
        };
        if let Some(failed) = halted {
            return Err(self.stop_at_once(failed).await);
        }
        blocking::close(ledger.clone(), signals).await?;
        // The process ends: the memory of millions of accounts need not be given back one by one.
        std::mem::forget(ledger);
        self.aside.shutdown().await;
        if let Some(traces) = &self.traces {
            traces.finish().await;
        }
        info!("stopped");
        Ok(())
    }

    async fn finish_calls(&mut self, signals: &mut Signals) {
        self.health.enter(Phase::Draining);
        let hurried = tokio::select! {
            () = sleep(self.bounds.drain_wait) => false,
            _ = signals.next() => true,
        };
        self.turn_callers_away().await;
        let limit = if hurried {
            HURRIED.min(self.bounds.drain)
        } else {
            self.bounds.drain
        };
        let enough = async {
            tokio::select! {
                () = sleep(limit) => {}
                _ = signals.next() => {}
            }
        };
        if !self.cores.finish(enough).await {
            warn!("some calls were still in flight and are cut off");
            self.cores.abandon().await;
        }
    }

    async fn turn_callers_away(&mut self) {
        self.health.enter(Phase::Closing);
        self.doorway.begin_draining();
        self.waiting = None;
        self.accepting.shutdown().await;
    }
}

/// The runtime of the main thread, which accepts and waits for signals.
pub fn main_runtime() -> Result<Runtime, Failure> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Reason::System, format!("the runtime: {error}")))
}

fn log_start(config: &Config) {
    #[cfg(feature = "planted-faults")]
    log_planted(config);
    log_partners(config);
    if config.ledger.allow_live_pan {
        warn!("card numbers outside the test BINs are accepted");
    }
    info!(
        version = env!("CARGO_PKG_VERSION"),
        store = %config.ledger.store,
        key_file = %config.ledger.key_file.display(),
        policy_file = ?config.ledger.policy_file,
        cores = config.cores,
        "starting"
    );
}

/// Says, at any level of the log, that this build is not to be believed.
#[cfg(feature = "planted-faults")]
fn log_planted(config: &Config) {
    match config.ledger.planted_fault {
        None => error!("this build is for tests: it can lie on purpose, and no fault is on"),
        Some(fault) => error!(
            fault = fault.kind.name(),
            one_in = fault.one_in,
            nanoseconds = fault.nanoseconds,
            "this build is for tests: it lies on purpose"
        ),
    }
}

/// Says of each port who answers it.
fn log_partners(config: &Config) {
    let Partners {
        issuer,
        sms_gateway,
        identity_verifier,
    } = &config.partners;
    let issuer = issuer.as_ref().map(|issuer| &issuer.target);
    let ports = [
        ("issuer", issuer),
        ("SMS gateway", sms_gateway.as_ref()),
        ("identity verifier", identity_verifier.as_ref()),
    ];
    for (port, target) in ports {
        if let Some(target) = target {
            info!(port, %target, "is called outside");
        }
        if let Some(target) = target.filter(|target| target.is_exposed()) {
            let text = "is called in plain text, which leaves this machine: use https://";
            warn!(port, %target, "{text}");
        }
    }
    let inside = ports.iter().filter(|(_, target)| target.is_none());
    let inside: Vec<_> = inside.map(|(port, _)| *port).collect();
    if inside.is_empty() {
        return;
    }
    let (inside, asked_for) = (inside.join(", "), config.sandbox_asked_for);
    let text = match issuer {
        None => "the sandbox answers: no real card is charged",
        Some(_) => "the sandbox answers",
    };
    info!(inside, asked_for, seed = config.ledger.seed, "{text}");
}
