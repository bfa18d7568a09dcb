//! How one gets in at a listener: over TLS or not, known by whom, and allowed what.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::request::Parts;
use metrics::counter;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tracing::{debug, info};

use super::audit::Audit;
use super::credentials::Credentials;
use super::transport::{READ_AHEAD, Secure, Transport};
use crate::caller::Caller;
use crate::config::{HTTP1, HTTP2, ListenerTls, Security};
use crate::identity::{
    AllowList, Callers, Denied, Granted, IdentityHeader, METRICS, Pass, id_of_certificate,
    is_open_to_all,
};

/// TLS of one listener, whose certificate may be replaced while it listens.
#[derive(Debug)]
pub(super) struct Tls {
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Self {
        Self {
            config: ArcSwap::new(config),
        }
    }

    /// From now on connections begin so; those that are open stay as they are.
    pub(super) fn replace(&self, config: Arc<ServerConfig>) {
        self.config.store(config);
    }

    /// Completes once the caller has proved what it has to prove.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<Secure> {
        let socket = BufReader::with_capacity(READ_AHEAD, socket);
        TlsAcceptor::from(self.config.load_full())
            .accept(socket)
            .await
    }
}

/// How callers of a listener are told apart.
#[derive(Debug, Clone)]
pub(super) enum Knows {
    /// Not at all: whoever reaches it may call it.
    Nobody,
    /// By their certificates.
    Certificates(Arc<Callers>),
    /// By what a proxy at one of these addresses says of them.
    Proxy {
        callers: Arc<Callers>,
        header: IdentityHeader,
        addresses: Arc<[IpAddr]>,
    },
}

impl Knows {
    /// For the log.
    fn words(&self) -> &'static str {
        match self {
            Self::Nobody => "anybody",
            Self::Certificates(_) => "known by their certificates",
            Self::Proxy { .. } => "known by the word of the mesh's proxy",
        }
    }
}

/// The listener for operators.
const OPERATORS: &str = "admin";

/// What one listener asks of whoever comes.
#[derive(Debug, Clone)]
pub(super) struct Entrance {
    pub(super) listener: &'static str,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) knows: Knows,
    pub(super) audit: Arc<Audit>,
}

impl Entrance {
    /// Counts a call that was denied, and tells the log of it.
    pub(super) fn tell_denied(&self, denied: &Denied, path: &str) {
        let (listener, reason) = (self.listener, denied.reason());
        counter!("waika_calls_denied_total", "listener" => listener, "reason" => reason)
            .increment(1);
        self.audit.denied(listener, denied, path);
    }

    /// Tells the log of a call that an operator makes, unless the operator log will.
    pub(super) fn tell_of_operators(&self, caller: &Caller, path: &str) {
        if self.listener == OPERATORS {
            self.audit.called(caller, path);
        }
    }

    /// Begins TLS where it is spoken; nothing if that fails.
    pub(super) async fn open(&self, socket: TcpStream) -> Option<Transport> {
        let Some(tls) = &self.tls else {
            return Some(Transport::Plain(socket));
        };
        match tls.accept(socket).await {
            Ok(stream) => Some(Transport::Tls(Box::new(stream))),
            Err(error) => {
                debug!(listener = self.listener, %error, "a caller did not get in");
                None
            }
        }
    }

    /// The gate of one connection.
    pub(super) fn gate(&self, transport: &Transport) -> Gate {
        let known_by = match &self.knows {
            Knows::Nobody => KnownBy::Nothing,
            Knows::Certificates(callers) => by_certificate(transport.certificate(), callers),
            Knows::Proxy {
                callers,
                header,
                addresses,
            } => match transport.socket().peer_addr() {
                Ok(peer) if addresses.contains(&peer.ip().to_canonical()) => KnownBy::Header {
                    callers: Arc::clone(callers),
                    header: *header,
                    last: None,
                },
                Ok(_) | Err(_) => KnownBy::Unknown(NOT_THE_PROXY),
            },
        };
        Gate { known_by }
    }
}

const NO_ID: &str =
    "this certificate has no SPIFFE id: a caller is known by the one URI in its subjectAltName";
const NOT_THE_PROXY: &str =
    "callers are known by what the mesh's proxy says of them: call through it";
const NOT_SAID: &str = "the mesh's proxy did not say who calls";

fn by_certificate(certificate: Option<&CertificateDer<'_>>, callers: &Arc<Callers>) -> KnownBy {
    match certificate.and_then(id_of_certificate) {
        Some(id) => KnownBy::Certificate(Granted::to((&*id).into(), callers)),
        None => KnownBy::Unknown(NO_ID),
    }
}

impl Gate {
    /// Checks one who scrapes, on a listener where callers are known by their certificates or not at all.
    pub(super) fn check_scraper(&mut self) -> Result<(), Denied> {
        match &mut self.known_by {
            KnownBy::Nothing | KnownBy::Header { .. } => Ok(()),
            KnownBy::Certificate(granted) => granted.begin(METRICS).map(drop),
            KnownBy::Unknown(why) => Err(Denied::Unknown(why)),
        }
    }
}

/// What one connection's calls are known by.
#[derive(Debug)]
enum KnownBy {
    Nothing,
    Certificate(Granted),
    Header {
        callers: Arc<Callers>,
        header: IdentityHeader,
        /// The last header and whom it named: most calls in a row are the same caller's.
        last: Option<(Box<str>, Granted)>,
    },
    /// All but probes are refused, and this is why.
    Unknown(&'static str),
}

/// Lets the calls of one connection in, or not.
#[derive(Debug)]
pub(super) struct Gate {
    known_by: KnownBy,
}

impl Gate {
    /// Says who makes this call, if it may be made.
    pub(super) fn check(&mut self, head: &Parts) -> Result<Caller, Denied> {
        let path = head.uri.path();
        match &mut self.known_by {
            KnownBy::Nothing => Ok(Caller::default()),
            KnownBy::Certificate(granted) => granted.begin(path).cloned(),
            KnownBy::Unknown(why) => unless_open(path, why),
            KnownBy::Header {
                callers,
                header,
                last,
            } => {
                let Some(text) = header.text(&head.headers) else {
                    return unless_open(path, NOT_SAID);
                };
                if last.as_ref().is_none_or(|(known, _)| **known != *text) {
                    *last = header
                        .caller(text)
                        .map(|name| (text.into(), Granted::to((&*name).into(), callers)));
                }
                match last {
                    Some((_, granted)) => granted.begin(path).cloned(),
                    None => unless_open(path, NOT_SAID),
                }
            }
        }
    }

    /// What goes with a call that was let in, and may go on for long.
    pub(super) fn pass(&self, caller: &Caller) -> Pass {
        match &self.known_by {
            KnownBy::Certificate(granted) => Pass::of(granted.clone()),
            KnownBy::Header { callers, .. } if !caller.is_nobody() => {
                Pass::of(Granted::to(caller.clone(), callers))
            }
            KnownBy::Header { .. } | KnownBy::Nothing | KnownBy::Unknown(_) => Pass::default(),
        }
    }
}

fn unless_open(path: &str, why: &'static str) -> Result<Caller, Denied> {
    if is_open_to_all(path) {
        return Ok(Caller::default());
    }
    Err(Denied::Unknown(why))
}

/// Both gRPC listeners'.
#[derive(Debug, Clone)]
pub(super) struct Entrances {
    pub(super) callers: Arc<Entrance>,
    pub(super) operators: Arc<Entrance>,
    /// Of those who scrape.
    pub(super) scrapers: Arc<Entrance>,
}

impl Entrances {
    /// As the configuration says, and what of it is read again.
    pub(super) fn of(security: &Security) -> (Self, Credentials) {
        let mut credentials = Credentials::default();
        let callers = security.callers.as_ref().map(|given| {
            let callers = Arc::new(Callers::new(AllowList::clone(&given.list)));
            credentials.watch_callers(&given.file, &callers);
            callers
        });
        let audit = Arc::new(Audit::new());
        let mut entrance = |listener, given: Option<&ListenerTls>, protocol, by_header: bool| {
            let has_client_ca = given.is_some_and(|given| given.files.client_ca.is_some());
            let tls = given.map(|given| {
                let tls = Arc::new(Tls::new(Arc::clone(&given.loaded.config)));
                credentials.watch_tls(listener, (&given.files, &given.loaded), protocol, &tls);
                tls
            });
            let knows = match (&callers, &security.proxy) {
                (Some(callers), _) if has_client_ca => Knows::Certificates(Arc::clone(callers)),
                (Some(callers), Some(proxy)) if by_header => Knows::Proxy {
                    callers: Arc::clone(callers),
                    header: proxy.header,
                    addresses: Arc::clone(&proxy.addresses),
                },
                (Some(_) | None, _) => Knows::Nobody,
            };
            let is_secured = tls.is_some();
            info!(
                listener,
                tls = is_secured,
                callers = knows.words(),
                "listens"
            );
            Arc::new(Entrance {
                listener,
                tls,
                knows,
                audit: Arc::clone(&audit),
            })
        };
        let entrances = Self {
            callers: entrance("rpc", security.rpc.as_ref(), HTTP2, true),
            operators: entrance(OPERATORS, security.admin.as_ref(), HTTP2, true),
            scrapers: entrance("metrics", security.metrics.as_ref(), HTTP1, false),
        };
        (entrances, credentials)
    }
}
