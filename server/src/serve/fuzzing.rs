//! The fuzz target `http2`: bytes as what a caller sends on a connection, served as any other is.
//!
//! The socket is one end of a pair and not a listener's, so that a million connections leave no port behind.
//! All that comes after `accept` is the server's own.

#![expect(
    clippy::expect_used,
    reason = "what cannot begin has nothing to show, and ends as a target does that has found something"
)]

mod script;

use std::net;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::script::{Manner, Script};
use super::audit::Audit;
use super::calls::{GRPC, RpcService};
use super::connection::Protocol;
use super::core::Services;
use super::entrance::{Entrance, Entrances, Knows};
use super::listen::Door;
use super::routes;
use crate::fuzzing::panics;
use crate::grpc::CallMetrics;
use crate::grpc::fuzzing::{PAYER, World, framed};
use crate::grpc::health::{Health, Phase};

/// How long a connection has to begin: a piece of a preface is waited for so long, which is most of the time
/// that an input of that kind takes.
const PREFACE: Duration = Duration::from_millis(30);
/// A connection ends at once when its caller has ended it. Whatever takes longer hangs.
const LIMIT: Duration = Duration::from_secs(10);
/// How long somebody goes on sending who reads no answer.
const DEAF: Duration = Duration::from_millis(20);
/// After so many connections a good call is answered.
const GOOD_CALL_EVERY: u64 = 64;
/// Places of the listener: more are never open, unless one is not given back.
const PLACES: usize = 2;

/// Takes inputs, one after the other.
#[derive(Debug, Default)]
pub struct Connections {
    world: Option<World>,
    serving: Option<Serving>,
    served: u64,
}

impl Connections {
    /// Lets a caller say what an input says.
    ///
    /// # Panics
    ///
    /// Where the connection does not end in time, a call panics, something of it is left, or the next good call
    /// is not answered.
    pub fn run(&mut self, input: &[u8]) {
        if self.world.as_ref().is_none_or(World::is_used_up) {
            self.serving = None;
        }
        let world = World::renewed(&mut self.world);
        let serving = self.serving.get_or_insert_with(|| Serving::of(world));
        let script = Script::of(input, |message| world.with_names(message));
        let before = panics();
        world.runtime.block_on(async {
            serving.speak(&script).await;
            world.until_quiet().await;
            if self.served.is_multiple_of(GOOD_CALL_EVERY) {
                serving.answer_a_good_call().await;
                world.until_quiet().await;
            }
        });
        assert_eq!(panics(), before, "a call panicked");
        self.served += 1;
    }
}

/// Both listeners' services, without the listeners.
struct Serving {
    door: Door,
    services: Services,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Serving(…)")
    }
}

impl Serving {
    fn of(world: &World) -> Self {
        let health = Health::new();
        health.enter(Phase::Serving);
        let audit = Arc::new(Audit::new());
        let entrance = |listener| {
            Arc::new(Entrance {
                listener,
                audit: Arc::clone(&audit),
                tls: None,
                knows: Knows::Nobody,
            })
        };
        let entrances = Entrances {
            callers: entrance("rpc"),
            operators: entrance("admin"),
            scrapers: entrance("metrics"),
        };
        let services = routes::services(
            &world.doorway,
            (&health, &CallMetrics::new(None)),
            &entrances,
            0,
        );
        let listener = world.runtime.block_on(async {
            // Writing to who is gone ends a process whose main function is not Rust's, unless it is caught.
            drop(signal(SignalKind::pipe()));
            TcpListener::bind("127.0.0.1:0").await
        });
        Self {
            door: Door::new(listener.expect("a port"), "rpc", PLACES),
            services: services.expect("services"),
        }
    }

    /// The caller's end of a connection that is served.
    fn connect(&self, service: &RpcService, protocol: Protocol) -> (TcpStream, Served) {
        let (caller, accepted) = UnixStream::pair().expect("a pair of sockets");
        let [caller, accepted] = [caller, accepted].map(|end| {
            let end = net::TcpStream::from(OwnedFd::from(end));
            end.set_nonblocking(true).expect("a socket that is open");
            TcpStream::from_std(end).expect("a socket that is open")
        });
        let ticket = self.door.ticket().expect("a place: all were given back");
        let service = service.clone();
        let served = tokio::spawn(async move { protocol.serve(accepted, ticket, service).await });
        (caller, Served(served))
    }

    async fn speak(&self, script: &Script) {
        let goaway = CancellationToken::new();
        let service = if script.is_an_operators {
            &self.services.operators
        } else {
            &self.services.callers
        };
        let protocol = Protocol::new(PREFACE, goaway.clone());
        let (caller, served) = self.connect(service, protocol);
        let spoken = timeout(LIMIT, script.speak(caller, goaway)).await;
        assert!(spoken.is_ok(), "a caller is held up");
        served.has_ended().await;
    }

    /// As if nothing had been.
    async fn answer_a_good_call(&self) {
        let protocol = Protocol::new(LIMIT, CancellationToken::new());
        let (caller, served) = self.connect(&self.services.callers, protocol);
        let answered = timeout(LIMIT, status_of_a_good_call(caller)).await;
        assert_eq!(answered, Ok(Some("0".to_owned())), "a good call");
        served.has_ended().await;
    }
}

/// A connection that is served.
struct Served(JoinHandle<()>);

impl Served {
    async fn has_ended(self) {
        let ended = timeout(LIMIT, self.0).await;
        assert!(ended.is_ok_and(|ended| ended.is_ok()), "it does not end");
    }
}

impl Script {
    async fn speak(&self, caller: TcpStream, goaway: CancellationToken) {
        let (mut reader, mut writer) = caller.into_split();
        let say = async {
            for piece in self.bytes.chunks(self.piece_bytes) {
                // Whoever is not listened to any more has been answered.
                if writer.write_all(piece).await.is_err() {
                    break;
                }
                yield_now().await;
            }
            if self.is_told_to_go {
                goaway.cancel();
                yield_now().await;
            }
            if self.manner == Manner::Polite {
                let _ = writer.shutdown().await;
            }
        };
        let hear = async {
            let mut bytes = [0; 4_096];
            while reader.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
        };
        match self.manner {
            Manner::Polite => {
                tokio::join!(say, hear);
            }
            Manner::HangsUp => {
                tokio::select! {
                    biased;
                    () = say => yield_now().await,
                    () = hear => {}
                }
            }
            Manner::Deaf => {
                let _ = timeout(DEAF, say).await;
            }
        }
    }
}

/// The gRPC status of a balance that is asked for; None if it is not told.
async fn status_of_a_good_call(caller: TcpStream) -> Option<String> {
    let (mut send, connection) = h2::client::handshake(caller).await.ok()?;
    let driver = tokio::spawn(connection);
    let request = Request::post("http://waika/waika.v1.CardService/GetBalance");
    let request = request.header(CONTENT_TYPE, GRPC).header("te", "trailers");
    let (response, mut body) = send.send_request(request.body(()).ok()?, false).ok()?;
    let mut account = vec![10, u8::try_from(PAYER.len()).ok()?];
    account.extend_from_slice(PAYER.as_bytes());
    body.send_data(framed(&account), true).ok()?;
    let mut answer = response.await.ok()?.into_body();
    while let Some(bytes) = answer.data().await {
        let bytes: Bytes = bytes.ok()?;
        let _ = answer.flow_control().release_capacity(bytes.len());
    }
    let trailers = answer.trailers().await.ok()??;
    // A connection ends once nothing of it is held.
    drop((send, body, answer));
    let _ = driver.await;
    trailers
        .get("grpc-status")?
        .to_str()
        .ok()
        .map(str::to_owned)
}
