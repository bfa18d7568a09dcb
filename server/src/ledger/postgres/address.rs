//! Where a database is, and how it is reached.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};
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
    /// Each with one host.
    hosts: Vec<Config>,
    /// Where the next session is looked for first: where the last one was found.
    preferred: Arc<AtomicUsize>,
    tls: Option<Arc<ClientConfig>>,
    may_lose_commits: bool,
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
        if let Some(what) = misplaced_at(url) {
            return Err(what.to_owned());
        }
        // Its text quotes no part of the URL but an option's name.
        let config =
            Config::from_str(url).map_err(|error| format!("{EXPECTED} ({})", innermost(&error)))?;
        if let Some(what) = missing(&config) {
            return Err(what.to_owned());
        }
        let is_here = config.get_hosts().iter().all(is_here);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            // `prefer` is what a URL without the option has; whoever stands between could refuse TLS.
            SslMode::Prefer if is_here && roots.is_none() => None,
            _ => Some(Arc::new(vouched_for(roots)?)),
        };
        let hosts = one_each(&config, tls.is_some());
        Ok(Self {
            hosts,
            preferred: Arc::default(),
            tls,
            may_lose_commits: false,
        })
    }

    /// The same where settings may stand by which a commit that was answered can be lost.
    #[must_use]
    pub fn with_commits_that_may_be_lost(mut self) -> Self {
        self.may_lose_commits = true;
        self
    }

    /// The same with a password that does not stand in the URL.
    #[must_use]
    pub fn with_password(mut self, password: &[u8]) -> Self {
        for host in &mut self.hosts {
            host.password(password);
        }
        self
    }

    /// The same with another schema, for what is no store.
    #[must_use]
    pub(crate) fn with_schema(mut self, schema: &str) -> Self {
        for host in &mut self.hosts {
            // Of two settings of one name the later counts.
            let before = host.get_options().unwrap_or_default();
            let all = format!("{before} -csearch_path={schema}");
            host.options(all.trim_start());
        }
        self
    }

    /// True if a password is known.
    pub fn has_password(&self) -> bool {
        self.first().and_then(Config::get_password).is_some()
    }

    /// True if a commit that was answered may be lost.
    pub fn may_lose_commits(&self) -> bool {
        self.may_lose_commits
    }

    /// How many hosts there are: at least one.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// Each with its number, in the order in which they are to be tried.
    pub(super) fn in_order(&self) -> Vec<(usize, &Config)> {
        let mut all: Vec<_> = self.hosts.iter().enumerate().collect();
        let first = self.preferred.load(Ordering::Relaxed).min(all.len());
        all.rotate_left(first);
        all
    }

    /// Says which was good.
    pub(super) fn prefer(&self, number: usize) {
        self.preferred.store(number, Ordering::Relaxed);
    }

    /// Says that the one that is tried first was not good after all.
    pub(super) fn pass_over(&self) {
        let next = self.preferred.load(Ordering::Relaxed) + 1;
        let next = if next < self.hosts.len() { next } else { 0 };
        self.prefer(next);
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    fn first(&self) -> Option<&Config> {
        self.hosts.first()
    }
}

/// The URL's parts are found by their marks, so that one in a password would make something else of the rest of
/// it, which is told as host, database or option.
fn misplaced_at(url: &str) -> Option<&'static str> {
    let (_, rest) = url.split_once("://")?;
    let before_path = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (rest.matches('@').count() != before_path.matches('@').count() || rest.matches('@').count() > 1)
        .then_some(
            "has an @ that is not the one before its host: write %40 for one in a user, a password or an option, \
             and %2F, %3F and %23 for /, ? and #",
        )
}

/// What has to be there, and what must not be.
fn missing(config: &Config) -> Option<&'static str> {
    if config.get_hosts().is_empty() {
        Some("names no host: write postgres://USER@HOST/DATABASE")
    } else if config.get_user().is_none() {
        Some("names no user: write postgres://USER@HOST/DATABASE")
    } else if config.get_dbname().is_none() {
        Some("names no database: write postgres://USER@HOST/DATABASE")
    } else if !config.get_hostaddrs().is_empty() {
        Some("has hostaddr, so that its host is not where it leads: write that address as its host")
    } else if config.get_load_balance_hosts() != LoadBalanceHosts::Disable
        || config.get_target_session_attrs() != TargetSessionAttrs::Any
    {
        Some(
            "has load_balance_hosts or target_session_attrs: leave them out, the host that writes is found anyway",
        )
    } else {
        None
    }
}

fn vouched_for(roots: Option<RootCertStore>) -> Result<ClientConfig, String> {
    let roots = roots.ok_or(
        "is reached over TLS, and nothing vouches for its server: name PEM roots with --store-ca, or write \
         ?sslmode=disable at its end if everybody on the way may read and change what is said",
    )?;
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    Ok(versions
        .map_err(|error| format!("cannot be reached over TLS: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// The same with each of its hosts alone.
fn one_each(all: &Config, tls: bool) -> Vec<Config> {
    let ports = all.get_ports();
    let with_host = |(number, host): (usize, &Host)| {
        let mut one = Config::new();
        match host {
            Host::Tcp(name) => one.host(name),
            Host::Unix(path) => one.host_path(path),
        };
        // One port is every host's.
        one.port(*ports.get(number).or(ports.first()).unwrap_or(&5_432))
            .user(all.get_user().unwrap_or_default())
            .dbname(all.get_dbname().unwrap_or_default())
            .application_name(all.get_application_name().unwrap_or("waika-server"))
            .ssl_mode(if tls {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .ssl_negotiation(all.get_ssl_negotiation())
            .channel_binding(all.get_channel_binding())
            .connect_timeout(*all.get_connect_timeout().unwrap_or(&CONNECT_LIMIT))
            .tcp_user_timeout(*all.get_tcp_user_timeout().unwrap_or(&SILENCE_LIMIT))
            .keepalives(all.get_keepalives())
            .keepalives_idle(all.get_keepalives_idle());
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(options) = all.get_options() {
            one.options(options);
        }
        if let Some(interval) = all.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = all.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        one
    };
    all.get_hosts().iter().enumerate().map(with_host).collect()
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

/// A host and its port.
pub(super) fn host_and_port(config: &Config) -> String {
    let port = config.get_ports().first().unwrap_or(&5_432);
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) if name.contains(':') => format!("[{name}]:{port}"),
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        Some(Host::Unix(path)) => format!("{}:{port}", path.display()),
        None => String::new(),
    }
}

/// User, hosts and database, without a password.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.first().and_then(Config::get_user).unwrap_or_default();
        let database = self
            .first()
            .and_then(Config::get_dbname)
            .unwrap_or_default();
        let hosts: Vec<_> = self.hosts.iter().map(host_and_port).collect();
        write!(
            formatter,
            "postgres://{user}@{}/{database}",
            hosts.join(",")
        )
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
            ("postgres://waika:x@s3cret@localhost/shop", "%40"),
            ("postgres://waika:x/s3cret@localhost/shop", "%2F"),
            ("postgres://waika:x?s3cret@localhost/shop", "%3F"),
            (
                "postgres://waika:s3cret@localhost/shop?hostaddr=10.0.0.1",
                "hostaddr",
            ),
            (
                "postgres://waika:s3cret@localhost/shop?target_session_attrs=read-write",
                "target_session_attrs",
            ),
            (
                "postgres://waika:s3cret@localhost/shop?load_balance_hosts=random",
                "load_balance_hosts",
            ),
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

    #[test]
    fn hosts_are_tried_from_the_last_good_one_on_and_have_all_that_the_url_says() {
        let url =
            "postgres://waika:x@localhost:1,127.0.0.1:2,[::1]:3/shop?options=-cwork_mem%3D8MB";
        let address = Address::parse(url, None).unwrap().with_schema("probe");
        let order = || {
            let all = address.in_order();
            all.iter().map(|(number, _)| *number).collect::<Vec<_>>()
        };
        assert_eq!(order(), [0, 1, 2]);
        address.prefer(2);
        assert_eq!(order(), [2, 0, 1]);
        address.pass_over();
        assert_eq!(order(), [0, 1, 2]);
        for (_, config) in address.in_order() {
            let options = config.get_options();
            assert_eq!(options, Some("-cwork_mem=8MB -csearch_path=probe"));
            assert_eq!(config.get_hosts().len(), 1);
            assert_eq!(config.get_password(), Some(&b"x"[..]));
        }
    }
}
