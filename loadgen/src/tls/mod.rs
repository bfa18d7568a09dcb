//! TLS as a caller begins it: whom it trusts, and what it shows of itself.

pub(crate) mod args;
mod papers;
pub(crate) mod trouble;

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

pub(crate) use args::TlsArgs;
use papers::Papers;

/// The name of HTTP/2 within TLS.
const HTTP2: &[u8] = b"h2";

/// What is read from a socket at once. TLS by itself reads 4 KiB at a time, which would be many
/// system calls for the answers to a turn's calls.
const READ_AHEAD: usize = 64 * 1_024;

/// A socket with TLS over it.
pub(crate) type Secure = TlsStream<BufReader<TcpStream>>;

/// How TLS begins with one server.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    shows_certificate: bool,
}

/// Keys are in it, so that little is shown.
impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Tls");
        shown.field("name", &self.name);
        shown.field("shows_certificate", &self.shows_certificate);
        shown.finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS with a server of this name that one of these roots vouches for. Every connection is a
    /// whole handshake: one that took up an earlier session would be cheaper than a new caller's.
    fn new(
        roots: RootCertStore,
        papers: Option<Papers>,
        name: ServerName<'static>,
    ) -> Result<Self, rustls::Error> {
        let shows_certificate = papers.is_some();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let mut config = match papers {
            None => builder.with_no_client_auth(),
            Some(Papers { chain, key }) => builder.with_client_auth_cert(chain, key)?,
        };
        config.alpn_protocols = vec![HTTP2.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
            shows_certificate,
        })
    }

    /// A server that asks for a certificate is shown one.
    pub(crate) fn shows_certificate(&self) -> bool {
        self.shows_certificate
    }

    /// The name that the server's certificate must be for.
    pub(crate) fn name(&self) -> String {
        self.name.to_str().into_owned()
    }

    /// Begins it on a socket; it must come to HTTP/2.
    pub(crate) async fn begin(&self, socket: TcpStream) -> io::Result<Secure> {
        let socket = BufReader::with_capacity(READ_AHEAD, socket);
        let stream = self.connector.connect(self.name.clone(), socket).await?;
        if stream.get_ref().1.alpn_protocol() == Some(HTTP2) {
            return Ok(stream);
        }
        let error = rustls::Error::NoApplicationProtocol;
        Err(io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// The first words of a caller to this host, only to see whether they are understood: whoever
/// answers is not trusted, and nothing comes of it.
pub(crate) fn hello(host: &str) -> Result<Vec<u8>, String> {
    let told = |error: rustls::Error| error.to_string();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(told)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let mut beginning = rustls::ClientConnection::new(Arc::new(config), name).map_err(told)?;
    let mut words = Vec::new();
    let written = beginning.write_tls(&mut words);
    written.map_err(|error| error.to_string())?;
    Ok(words)
}
