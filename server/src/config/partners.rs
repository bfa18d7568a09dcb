//! Whom the server calls: the issuer, the SMS gateway and the identity verifier. What is not
//! given, the sandbox inside the process answers.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::uri::Authority;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::certificates::{self, Given, Names};
use super::reader::Reader;
use super::serving::count;
use super::values::{self, Expected};

/// Who answers outside the process.
#[derive(Debug, Clone, Default)]
pub struct Partners {
    /// The issuer, or the switch that leads to it.
    pub issuer: Option<IssuerConfig>,
    /// Who sends phone codes (R19).
    pub sms_gateway: Option<Target>,
    /// Who verifies people and documents (R36, R51).
    pub identity_verifier: Option<Target>,
}

/// How the issuer is called.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// Where it is.
    pub target: Target,
    /// Payments of one scheme that it is asked for at once, at most.
    pub in_flight: usize,
    /// Connections for one scheme on one core, at most.
    pub connections: usize,
}

/// Where a partner is, and how it is reached.
#[derive(Clone)]
pub struct Target {
    host: String,
    port: u16,
    authority: Authority,
    tls: Option<Tls>,
}

/// What makes a connection private, and its two ends known.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Whose certificate is expected.
    pub(crate) name: ServerName<'static>,
    /// Roots, and what we show ourselves.
    pub(crate) config: Arc<ClientConfig>,
}

impl Target {
    /// Its host, by name or number.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a request names them.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// None if it is called in plain text.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// The same, expected to show another name than its host's.
    pub(super) fn known_as(mut self, name: ServerName<'static>) -> Self {
        if let Some(tls) = &mut self.tls {
            tls.name = name;
        }
        self
    }

    /// What is said to it can be read on the way: it is elsewhere, and in plain text.
    pub(crate) fn is_exposed(&self) -> bool {
        let bare = self.host.trim_matches(['[', ']']);
        let address = bare.parse::<IpAddr>().ok();
        let is_here = match address {
            Some(address) => address.to_canonical().is_loopback(),
            None => bare.eq_ignore_ascii_case("localhost"),
        };
        self.tls.is_none() && !is_here
    }

    #[cfg(test)]
    pub(crate) fn plain(address: std::net::SocketAddr) -> Self {
        url(&format!("http://{address}")).map_or_else(|text| panic!("{text}"), |url| url.with(None))
    }

    #[cfg(test)]
    pub(crate) fn over_tls(
        address: std::net::SocketAddr,
        name: &str,
        config: ClientConfig,
    ) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = Tls {
            name,
            config: Arc::new(config),
        };
        Self {
            tls: Some(tls),
            ..Self::plain(address)
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.tls.as_ref().map_or("http", |_| "https");
        write!(formatter, "{scheme}://{}", self.authority)
    }
}

/// As it is written: a key is no part of it.
impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A URL whose TLS is not known yet.
#[derive(Debug)]
pub(super) struct Url {
    is_private: bool,
    host: String,
    port: u16,
    authority: Authority,
}

impl Url {
    /// It is called over TLS.
    pub(super) fn is_private(&self) -> bool {
        self.is_private
    }

    fn with(self, tls: Option<Tls>) -> Target {
        Target {
            host: self.host,
            port: self.port,
            authority: self.authority,
            tls,
        }
    }
}

/// Flags of the three ports, in the order in which they are read.
const PORTS: [&str; 3] = ["issuer", "sms-gateway", "identity-verifier"];

/// How the certificates of all three are named.
const NAMES: Names = Names {
    roots: "partner-ca",
    chain: "partner-cert",
    key: "partner-key",
};

/// Reads all of it, and whether the sandbox was asked for by name.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<(Partners, bool)> {
    let urls = PORTS.map(|flag| read_url(reader, flag));
    let is_given = PORTS.map(|flag| reader.text(flag).is_some());
    let sandbox = read_sandbox(reader, is_given);
    let given = Given {
        roots: reader.text("partner-ca").map(PathBuf::from),
        chain: reader.text("partner-cert").map(PathBuf::from),
        key: reader.text("partner-key").map(PathBuf::from),
    };
    let is_private = urls.iter().flatten().flatten().any(|url| url.is_private);
    let tls = certificates::read(reader, &NAMES, &given, is_private);
    let in_flight = reader.read("issuer-in-flight", |text| {
        values::number(text, &(1..=1_000_000)).map(count)
    });
    let connections = reader.read("issuer-connections", |text| {
        values::number(text, &(1..=256)).map(count)
    });
    let tls = tls?;
    let [issuer, sms_gateway, identity_verifier] =
        urls.map(|url| Some(url?.map(|url| target(url, tls.as_ref()))));
    let (in_flight, connections) = (in_flight?.get(), connections?.get());
    let partners = Partners {
        issuer: issuer?.map(|target| IssuerConfig {
            target,
            in_flight,
            connections,
        }),
        sms_gateway: sms_gateway?,
        identity_verifier: identity_verifier?,
    };
    Some((partners, sandbox?))
}

/// The outer None is a mistake, the inner one a port that the sandbox answers.
#[expect(
    clippy::option_option,
    reason = "wrong and not given are different things"
)]
pub(super) fn read_url(reader: &mut Reader<'_>, flag: &str) -> Option<Option<Url>> {
    // What stands before an @ may be a password, which no message shows.
    if reader.text(flag).is_some_and(|text| text.contains('@')) {
        let what = "holds a user name, and there is no use for one: leave out all up to the @";
        reader.mistake(flag, what);
        return None;
    }
    reader.read_or(flag, None, |text| url(text).map(Some))
}

/// A URL that is called in plain text, as text. The outer None is a mistake.
#[expect(
    clippy::option_option,
    reason = "wrong and not given are different things"
)]
pub(super) fn read_plain_url(reader: &mut Reader<'_>, flag: &str) -> Option<Option<String>> {
    let url = read_url(reader, flag)?;
    if url.as_ref().is_some_and(|url| url.is_private) {
        let what = "is https://, which is not spoken here: run a collector beside the server, name it by http://, \
                    and let it speak TLS to the others";
        reader.mistake(flag, what);
        return None;
    }
    Some(url.map(|url| url.with(None).to_string()))
}

fn url(text: &str) -> Result<Url, Expected> {
    let expected = || {
        "is not http:// or https:// with a host and a port and nothing else, such as \
         https://issuer.example:8443"
            .to_owned()
    };
    let (is_private, rest) = match text.split_once("://").ok_or_else(expected)? {
        ("http", rest) => (false, rest),
        ("https", rest) => (true, rest),
        _ => return Err(expected()),
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let authority: Authority = authority.parse().map_err(|_| expected())?;
    let port = authority.port_u16().filter(|port| *port != 0);
    let port = port.ok_or_else(expected)?;
    let host = authority.host();
    if host.is_empty() || ServerName::try_from(bare(host)).is_err() {
        return Err(expected());
    }
    Ok(Url {
        is_private,
        host: bare(host).to_owned(),
        port,
        authority: authority.clone(),
    })
}

/// A name as it stands in a certificate.
pub(super) fn server_name(text: &str) -> Result<ServerName<'static>, Expected> {
    ServerName::try_from(text.to_owned())
        .map_err(|_| "is no name that a certificate has, such as waika.example".to_owned())
}

/// An address of IPv6 without its brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

pub(super) fn target(url: Url, config: Option<&Arc<ClientConfig>>) -> Target {
    let name = ServerName::try_from(url.host.clone()).ok();
    let tls = name.zip(config).filter(|_| url.is_private);
    let tls = tls.map(|(name, config)| Tls {
        name,
        config: Arc::clone(config),
    });
    url.with(tls)
}

/// The sandbox can be asked for by name, so that a script says what it relies on. It cannot where
/// nothing is left for it, nor be declined where somebody must answer.
fn read_sandbox(reader: &mut Reader<'_>, is_given: [bool; 3]) -> Option<bool> {
    let asked_for = reader.read_or("sandbox", None, |text| values::switch(text).map(Some))?;
    let all_given = is_given.iter().all(|given| *given);
    match asked_for {
        Some(true) if all_given => {
            let what = "nothing is left for the sandbox, since --issuer, --sms-gateway and \
                        --identity-verifier are all given: leave one of the four out";
            reader.mistake("sandbox", what);
            None
        }
        Some(false) if !all_given => {
            let missing: Vec<_> = PORTS.iter().zip(is_given).collect();
            let missing = missing.iter().filter(|(_, given)| !given);
            let missing: Vec<_> = missing.map(|(flag, _)| format!("--{flag}")).collect();
            let missing = missing.join(" and ");
            reader.mistake(
                "sandbox",
                format_args!("false leaves nobody to answer: give {missing}, or leave this out"),
            );
            None
        }
        asked_for => Some(asked_for.unwrap_or_default()),
    }
}

/// A file as a message names it.
pub(super) fn shown(file: &Path) -> String {
    values::shown(&file.display().to_string())
}
