//! What `issuer-sandbox` takes: every value checked by itself, and then against the others.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use tonic::transport::{Identity, Server, ServerTlsConfig};
use waika_domain::card::Scheme;
use zeroize::Zeroizing;

use super::issuer_specs::{ErrorSpec, LatencySpec, OutageSpec, scheme_name};
use super::reader::Reader;
use super::values::{Expected, shown};
use super::{issuer_specs, serving, values};
use crate::telemetry::LogConfig;

/// How long a caller may take to agree on keys.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What the sandbox's issuer needs to know.
#[derive(Debug, Clone)]
pub struct IssuerSandboxConfig {
    /// Where it listens. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// With what it serves TLS; None: nothing is encrypted.
    pub tls: Option<ServerTlsConfig>,
    /// Where its books are.
    pub books: BooksStore,
    /// What its answers depend on.
    pub seed: u64,
    /// How long answers take.
    pub latencies: Vec<LatencySpec>,
    /// What goes wrong by chance.
    pub errors: Vec<ErrorSpec>,
    /// When it is out.
    pub outages: Vec<OutageSpec>,
    /// Threads that serve.
    pub cores: NonZeroUsize,
    /// Logs.
    pub log: LogConfig,
    /// Size of a segment of the books' journal in bytes.
    pub segment_bytes: u64,
}

/// Where the issuer's books are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BooksStore {
    /// Nowhere else.
    Memory,
    /// In a journal in this folder.
    Journal(PathBuf),
}

/// `memory:` or `journal:DIR`.
impl fmt::Display for BooksStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => formatter.write_str("memory:"),
            Self::Journal(folder) => write!(formatter, "journal:{}", folder.display()),
        }
    }
}

/// Reads everything before it gives up on anything, so that every mistake is found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<IssuerSandboxConfig> {
    let listen = read_listen(reader);
    let tls = read_tls(reader);
    let books = reader.read("books", books);
    let seed = reader.read("seed", |text| values::number(text, &(0..=u64::MAX)));
    let latencies = read_latencies(reader);
    let errors = read_errors(reader);
    let outages = reader.read_each("outage", issuer_specs::outage);
    let cores = reader.read_or("cores", serving::available_cores(), |text| {
        values::number(text, &(1..=256)).map(serving::count)
    });
    let format = reader.read("log", values::log_format);
    let level = reader.read("log-level", values::log_level);
    let segment_bytes = reader.read("segment-bytes", |text| {
        values::number(text, &(4_096..=1_073_741_824))
    });
    Some(IssuerSandboxConfig {
        listen: listen?,
        tls: tls?,
        books: books?,
        seed: seed?,
        latencies: latencies?,
        errors: errors?,
        outages: outages?,
        cores: cores?,
        log: LogConfig {
            format: format?,
            level: level?,
        },
        segment_bytes: segment_bytes?,
    })
}

fn read_listen(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let insecure = reader.read_or("insecure-listen", false, values::switch);
    let listen = reader.read("listen", values::address)?;
    let is_exposed = !listen.ip().to_canonical().is_loopback();
    let has_tls = ["tls-cert", "tls-key"].map(|flag| reader.text(flag).is_some());
    if is_exposed && has_tls == [false, false] && insecure == Some(false) {
        let what = format_args!(
            "\"{listen}\" is reached from other machines, and nothing is encrypted: add --tls-cert \
             and --tls-key, or --insecure-listen"
        );
        reader.mistake("listen", what);
    }
    Some(listen)
}

fn books(text: &str) -> Result<BooksStore, Expected> {
    match text.split_once(':') {
        Some(("memory", "")) => Ok(BooksStore::Memory),
        Some(("journal", "")) => Err("names no folder: write journal:DIR".to_owned()),
        Some(("journal", folder)) => Ok(BooksStore::Journal(folder.into())),
        _ => Err("is no place for books: memory: or journal:DIR".to_owned()),
    }
}

fn read_latencies(reader: &mut Reader<'_>) -> Option<Vec<LatencySpec>> {
    let specs = reader.read_each("latency", issuer_specs::latency)?;
    let names = Scheme::ALL.into_iter().map(Some).chain([None]);
    for name in names {
        if specs.iter().filter(|spec| spec.scheme == name).count() > 1 {
            let whose = of_scheme(name);
            let what = format_args!("gives {whose} more than one latency: give one");
            reader.mistake("latency", what);
        }
    }
    Some(specs)
}

fn read_errors(reader: &mut Reader<'_>) -> Option<Vec<ErrorSpec>> {
    let specs = reader.read_each("errors", issuer_specs::error)?;
    let names = Scheme::ALL.into_iter().map(Some).chain([None]);
    for name in names {
        let of_name = specs.iter().filter(|spec| spec.scheme == name);
        let sum: u64 = of_name.map(|spec| u64::from(spec.share)).sum();
        if sum > 1_000_000_000 {
            let whose = of_scheme(name);
            let what = format_args!("gives {whose} rates that add up to more than 100%: lower one");
            reader.mistake("errors", what);
        }
    }
    Some(specs)
}

fn of_scheme(name: Option<Scheme>) -> &'static str {
    name.map_or("every scheme", scheme_name)
}

/// The outer None means a mistake.
#[expect(
    clippy::option_option,
    reason = "a mistake and no TLS are different things"
)]
fn read_tls(reader: &mut Reader<'_>) -> Option<Option<ServerTlsConfig>> {
    let given = ["tls-cert", "tls-key"].map(|flag| reader.text(flag).is_some());
    match given {
        [false, false] => return Some(None),
        [true, true] => {}
        [true, false] => {
            let what = "is given without --tls-key: name the certificate's key too";
            reader.mistake("tls-cert", what);
            return None;
        }
        [false, true] => {
            let what = "is given without --tls-cert: name the key's certificate too";
            reader.mistake("tls-key", what);
            return None;
        }
    }
    let certificate = reader.read("tls-cert", |file| pem(file, "CERTIFICATE"));
    let key = reader.read("tls-key", |file| pem(file, "PRIVATE KEY"));
    let (certificate, key) = (certificate?, key?);
    let identity = Identity::from_pem(&*certificate, &*key);
    let tls = ServerTlsConfig::new()
        .identity(identity)
        .timeout(HANDSHAKE_LIMIT);
    match Server::builder().tls_config(tls.clone()) {
        Ok(_) => Some(Some(tls)),
        Err(error) => {
            let [certificate, key] =
                ["tls-cert", "tls-key"].map(|flag| shown(reader.text(flag).unwrap_or_default()));
            let what = format_args!(
                "{certificate} and --tls-key {key} cannot be used together ({}): name a \
                 certificate and its own key",
                cause(&error)
            );
            reader.mistake("tls-cert", what);
            None
        }
    }
}

/// The content of a PEM file, which may be a secret.
fn pem(file: &str, what: &str) -> Result<Zeroizing<Vec<u8>>, Expected> {
    let read = std::fs::read(file).map(Zeroizing::new);
    let content = read.map_err(|error| format!("cannot be read ({error}): name a PEM file"))?;
    let mark = format!("{what}-----");
    let found = content
        .windows(mark.len())
        .any(|text| text == mark.as_bytes());
    if found {
        Ok(content)
    } else {
        Err(format!(
            "holds no -----BEGIN {mark}: name a PEM file that does"
        ))
    }
}

/// What lies at the bottom of an error.
fn cause(error: &dyn std::error::Error) -> String {
    let mut bottom = error;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    bottom.to_string()
}
