//! Where a database is, and how it is reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long one host may take to answer, if the URL does not say.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long what was sent may stay without an acknowledgement: a host that is gone says nothing.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// A `postgres://` URL that was read: `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST…]/DATABASE[?OPTION=VALUE&…]`,
/// with the options of tokio-postgres. The password is in no output.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<Arc<ClientConfig>>,
}

impl Address {
    /// Reads a URL. `roots` vouch for its server where that is reached over TLS: everywhere but on this machine,
    /// unless the URL says `sslmode=disable`. An error completes "`URL` …".
    pub fn parse(url: &str, roots: Option<RootCertStore>) -> Result<Self, String> {
        const EXPECTED: &str =
            "is not a PostgreSQL URL, such as postgres://waika@db.example:5432/waika";
        // Elsewhere words with `=` between them are taken as well.
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|begin| url.starts_with(begin))
        {
            return Err(EXPECTED.to_owned());
        }
        // Its text quotes no part of the URL but an option's name.
        let mut config =
            Config::from_str(url).map_err(|error| format!("{EXPECTED} ({})", innermost(&error)))?;
        if config.get_hosts().is_empty() {
            return Err("names no host: write postgres://USER@HOST/DATABASE".to_owned());
        }
        if config.get_user().is_none() {
            return Err("names no user: write postgres://USER@HOST/DATABASE".to_owned());
        }
        if config.get_dbname().is_none() {
            return Err("names no database: write postgres://USER@HOST/DATABASE".to_owned());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_LIMIT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_LIMIT);
        }
        // Of several hosts the one that writes: after a fail-over another.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.application_name("waika-server");
        let is_here = config.get_hosts().iter().all(is_here);
        match config.get_ssl_mode() {
            SslMode::Disable => return Ok(Self { config, tls: None }),
            // `prefer` is what a URL without the option has; whoever stands between could refuse TLS.
            SslMode::Prefer if is_here && roots.is_none() => {
                config.ssl_mode(SslMode::Disable);
                return Ok(Self { config, tls: None });
            }
            _ => config.ssl_mode(SslMode::Require),
        };
        let roots = roots.ok_or(
            "is reached over TLS, and nothing vouches for its server: name PEM roots with --store-ca, or write \
             ?sslmode=disable at its end if everybody on the way may read and change what is said",
        )?;
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot be reached over TLS: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: Some(Arc::new(tls)),
        })
    }

    /// The same with a password that does not stand in the URL.
    #[must_use]
    pub fn with_password(mut self, password: &[u8]) -> Self {
        self.config.password(password);
        self
    }

    /// The same with another schema, for what is no store.
    #[must_use]
    pub(crate) fn with_schema(mut self, schema: &str) -> Self {
        self.config.options(format!("-csearch_path={schema}"));
        self
    }

    /// True if a password is known.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }
}

/// What was wrong with a URL, without the words before it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// True if nobody stands between.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => match name.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        },
    }
}

/// User, hosts and database, without a password.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        write!(
            formatter,
            "postgres://{}@",
            config.get_user().unwrap_or_default()
        )?;
        let ports = config.get_ports();
        for (number, host) in config.get_hosts().iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            // One port is every host's.
            let port = ports.get(number).or(ports.first()).unwrap_or(&5_432);
            match host {
                Host::Tcp(name) if name.contains(':') => {
                    write!(formatter, "{comma}[{name}]:{port}")?;
                }
                Host::Tcp(name) => write!(formatter, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(formatter, "{comma}{}:{port}", path.display())?,
            }
        }
        write!(formatter, "/{}", config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_without_their_passwords() {
        for (url, told) in [
            (
                "postgres://waika@localhost/shop",
                "postgres://waika@localhost:5432/shop",
            ),
            (
                "postgresql://waika:s3cret@127.0.0.1:6000/shop",
                "postgres://waika@127.0.0.1:6000/shop",
            ),
            (
                "postgres://waika@[::1]:6000/shop",
                "postgres://waika@[::1]:6000/shop",
            ),
            (
                "postgres://waika@localhost:1,localhost:2/shop?connect_timeout=1",
                "postgres://waika@localhost:1,localhost:2/shop",
            ),
            (
                "postgres://waika@%2Frun%2Fpg/shop",
                "postgres://waika@/run/pg:5432/shop",
            ),
            (
                "postgres://waika:s3cret@db.example/shop?sslmode=disable",
                "postgres://waika@db.example:5432/shop",
            ),
        ] {
            let address = Address::parse(url, None).unwrap();
            assert_eq!(address.to_string(), told, "{url}");
            assert!(!format!("{address:?}").contains("s3cret"));
            assert_eq!(address.has_password(), url.contains("s3cret"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_named_and_no_secret_told() {
        for (url, word) in [
            ("journal:./d", "is not a PostgreSQL URL"),
            (
                "host=localhost user=waika dbname=shop",
                "is not a PostgreSQL URL",
            ),
            ("postgres://localhost/shop", "user"),
            ("postgres://waika:s3cret@localhost", "database"),
            ("postgres:///shop?user=waika", "host"),
            ("postgres://waika:s3cret@localhost:port/shop", "port"),
            (
                "postgres://waika:s3cret@localhost/shop?sslmode=maybe",
                "sslmode",
            ),
            ("postgres://waika:s3cret@localhost/shop?schema=x", "schema"),
            ("postgres://waika:s3cret@db.example/shop", "--store-ca"),
            (
                "postgres://waika:s3cret@localhost,db.example/shop",
                "--store-ca",
            ),
            (
                "postgres://waika:s3cret@localhost/shop?sslmode=require",
                "--store-ca",
            ),
        ] {
            let error = Address::parse(url, None).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
