//! Cores: threads with a runtime each, on which connections live from first byte to last.

use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tracing::warn;

use super::desk::{Desk, Office};
use super::timer::Timer;
use crate::config::IssuerSandboxConfig;
use crate::exit::{Failure, Reason};
use crate::grpc::health::Health;
use crate::grpc::issuer_sandbox;
use crate::serve;

/// Calls that one connection may hold open: callers wait for twenty thousand answers on a few.
const MAX_CONCURRENT_STREAMS: u32 = 65_536;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// Calls that a caller gave up before we came to them: it may give up all at once.
const MAX_PENDING_ACCEPT_RESET_STREAMS: usize = 65_536;

/// How long to leave a listener alone that cannot accept, such as for want of descriptors.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The running cores.
#[derive(Debug)]
pub(super) struct Cores {
    inboxes: Vec<UnboundedSender<StdStream>>,
    /// What a core fails with; ends when the last core has ended.
    running: mpsc::Receiver<Failure>,
}

impl Cores {
    /// Starts a thread for each core.
    pub(super) fn start(
        config: &IssuerSandboxConfig,
        office: &Arc<Office>,
        health: &Health,
    ) -> Result<Self, Failure> {
        let (alive, running) = mpsc::channel(1);
        let mut inboxes = Vec::with_capacity(config.cores.get());
        for core in 0..config.cores.get() {
            let (inbox, connections) = mpsc::unbounded_channel();
            let work = Core {
                number: core,
                office: Arc::clone(office),
                health: health.clone(),
                server: server(config)?,
                alive: alive.clone(),
            };
            work.start(connections)?;
            inboxes.push(inbox);
        }
        Ok(Self { inboxes, running })
    }

    /// Accepts for ever, and deals connections out, one core after the other.
    pub(super) fn deal(&self, listener: TcpListener) -> impl Future<Output = ()> + use<> {
        let inboxes = self.inboxes.clone();
        async move {
            for inbox in inboxes.iter().cycle() {
                let stream = accept(&listener).await;
                // A core that is gone has told why.
                let _ = inbox.send(stream);
            }
        }
    }

    /// Completes with what a core has failed with, or with nothing once all have ended.
    pub(super) async fn ended(&mut self) -> Option<Failure> {
        self.running.recv().await
    }
}

/// The next connection that can be used.
async fn accept(listener: &TcpListener) -> StdStream {
    loop {
        match listener.accept().await {
            // Without the first a small answer waits for the caller's delayed acknowledgement.
            // Unregistered here, it is registered again with its core's own runtime.
            Ok((stream, _)) => match stream.set_nodelay(true).and_then(|()| stream.into_std()) {
                Ok(stream) => return stream,
                Err(error) => warn!(%error, "a connection was lost"),
            },
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

fn server(config: &IssuerSandboxConfig) -> Result<Server, Failure> {
    let server = Server::builder()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_ACCEPT_RESET_STREAMS));
    match &config.tls {
        None => Ok(server),
        Some(tls) => server
            .tls_config(tls.clone())
            .map_err(|error| Failure::new(Reason::Configuration, format!("TLS: {error}"))),
    }
}

struct Core {
    number: usize,
    office: Arc<Office>,
    health: Health,
    server: Server,
    alive: mpsc::Sender<Failure>,
}

impl Core {
    fn start(self, connections: UnboundedReceiver<StdStream>) -> Result<(), Failure> {
        let number = self.number;
        let refused = |error| Failure::new(Reason::System, format!("core {number}: {error}"));
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(refused)?;
        std::thread::Builder::new()
            .name(format!("waika-core-{number}"))
            .spawn(move || {
                if let Err(failure) = runtime.block_on(self.run(connections)) {
                    // Only the first is told, and the process ends by it.
                    let _ = self.alive.try_send(failure);
                }
                runtime.shutdown_background();
            })
            .map_err(refused)?;
        Ok(())
    }

    async fn run(&self, connections: UnboundedReceiver<StdStream>) -> Result<(), Failure> {
        let number = self.number;
        let failure = |error: &dyn std::fmt::Display| {
            Failure::new(Reason::System, format!("core {number}: {error}"))
        };
        let timer = Timer::start(number).map_err(|error| failure(&error))?;
        let ringing = timer.clone();
        let ringing = tokio::spawn(async move { ringing.run().await });
        tokio::spawn(self.office.books.wake_waiters(number));
        let routes = self.routes(timer)?;
        let stopping = self.office.stopping.clone();
        let serving =
            routes.serve_with_incoming_shutdown(incoming(connections), stopping.cancelled());
        let served = serving.await;
        ringing.abort();
        served.map_err(|error| failure(&error))
    }

    fn routes(&self, timer: Timer) -> Result<Router, Failure> {
        let desk = Desk {
            office: Arc::clone(&self.office),
            core: self.number,
            timer,
        };
        let routes: Routes = issuer_sandbox::routes(&desk);
        let names = issuer_sandbox::SERVICES;
        let routes = routes.add_service(self.health.service(names));
        let routes = serve::with_reflection(routes, names)
            .map_err(|error| Failure::new(Reason::System, format!("reflection: {error}")))?;
        Ok(self.server.clone().add_routes(routes.prepare()))
    }
}

/// Connections as they are dealt.
fn incoming(
    connections: UnboundedReceiver<StdStream>,
) -> impl Stream<Item = std::io::Result<TcpStream>> {
    futures_util::stream::unfold(connections, |mut connections| async move {
        let stream = connections.recv().await?;
        Some((TcpStream::from_std(stream), connections))
    })
}
