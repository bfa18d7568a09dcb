//! Where a server listens, and how one gets in there.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::tls::Tls;

/// What a user calls a server: `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// In clear text, or over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Address {
    /// Whether TLS is spoken there.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        let inner = self.host.strip_prefix('[');
        inner
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// The same in clear text.
    pub(crate) fn in_clear_text(&self) -> Self {
        Self {
            scheme: Scheme::Http,
            ..self.clone()
        }
    }

    /// The same over TLS.
    pub(crate) fn over_tls(&self) -> Self {
        Self {
            scheme: Scheme::Https,
            ..self.clone()
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        write!(formatter, "{}://{host}:{port}", scheme.name())
    }
}

/// A server that can be connected to. Where TLS is spoken, it is known how it begins.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    address: Address,
    tls: Option<Tls>,
}

/// How what is sent to a server is protected on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protection {
    /// Not at all.
    #[default]
    ClearText,
    /// The server has shown a certificate.
    Tls,
    /// Both sides have one; whether the server asked for ours, it does not say.
    MutualTls,
}

impl Protection {
    /// For people, behind an address.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::ClearText => "in clear text",
            Self::Tls => "over TLS",
            Self::MutualTls => "over mutual TLS",
        }
    }
}

impl Target {
    /// A server in clear text; `None` for one that speaks TLS.
    pub(crate) fn plain(address: Address) -> Option<Self> {
        (!address.is_tls()).then_some(Self { address, tls: None })
    }

    /// A server to which TLS is spoken like this, whatever its address says.
    pub(crate) fn secure(address: &Address, tls: Tls) -> Self {
        Self {
            address: address.over_tls(),
            tls: Some(tls),
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// How TLS begins there, where it is spoken.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// How what is sent there is protected.
    pub(crate) fn protection(&self) -> Protection {
        match &self.tls {
            None => Protection::ClearText,
            Some(tls) if tls.shows_certificate() => Protection::MutualTls,
            Some(_) => Protection::Tls,
        }
    }

    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.address.host, self.address.port)
    }

    /// A server on this very machine, whose processor time can be read.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.address.host.as_str();
        matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

/// An address that names no server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// Not of the form `http://host:port`.
    #[error(
        "must be a URL such as http://127.0.0.1:50051, or https://… where the server speaks TLS"
    )]
    NotAUrl,
    /// It names something below the server.
    #[error("must end after the port: the RPC's path is added here")]
    HasPath,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let uri = Uri::from_str(text).map_err(|_| AddressError::NotAUrl)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            Some(_) | None => return Err(AddressError::NotAUrl),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(AddressError::HasPath);
        }
        let authority = uri.authority().ok_or(AddressError::NotAUrl)?.as_str();
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(AddressError::NotAUrl)?;
        // What is not host and port, such as a user's name, leaves something before or behind.
        let port = match authority.strip_prefix(host) {
            Some("") => scheme.usual_port(),
            Some(rest) => rest
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or(AddressError::NotAUrl)?,
            None => return Err(AddressError::NotAUrl),
        };
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_or_refused_by_reason() {
        let check = |text: &str, expected: Result<&str, AddressError>| {
            let read = text.parse::<Address>().map(|address| address.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        };
        check("http://127.0.0.1:50051", Ok("http://127.0.0.1:50051"));
        check("http://localhost:1/", Ok("http://localhost:1"));
        check("http://[::1]:50051", Ok("http://[::1]:50051"));
        check("http://server", Ok("http://server:80"));
        check("https://server:1", Ok("https://server:1"));
        check("https://server", Ok("https://server:443"));
        check("https://[::1]/", Ok("https://[::1]:443"));
        check("server:50051", Err(AddressError::NotAUrl));
        check("127.0.0.1:50051", Err(AddressError::NotAUrl));
        check("", Err(AddressError::NotAUrl));
        check("http://", Err(AddressError::NotAUrl));
        check("https://", Err(AddressError::NotAUrl));
        check("http://host:99999", Err(AddressError::NotAUrl));
        check("http://user@host:1", Err(AddressError::NotAUrl));
        check("http://host:", Err(AddressError::NotAUrl));
        check("ftp://host:1", Err(AddressError::NotAUrl));
        check("http://host:1/path", Err(AddressError::HasPath));
        check("https://host:1/path", Err(AddressError::HasPath));
    }

    #[test]
    fn only_an_address_in_clear_text_is_a_target_as_it_is() {
        let target = Target::plain(address("http://host:1")).unwrap();
        assert_eq!(target.protection(), Protection::ClearText);
        assert!(Target::plain(address("https://host:1")).is_none());
    }

    #[test]
    fn a_host_is_named_without_its_brackets() {
        assert_eq!(address("https://[::1]:1").host(), "::1");
        assert_eq!(address("https://server:1").host(), "server");
        assert_eq!(address("http://a:1").over_tls(), address("https://a:1"));
        assert_eq!(
            address("https://a:1").in_clear_text(),
            address("http://a:1")
        );
    }

    #[test]
    fn loopback_is_local() {
        let local = |text: &str| Target::plain(address(text)).unwrap().is_local();
        assert!(local("http://127.0.0.1:1") && local("http://localhost:1"));
        assert!(!local("http://10.0.0.1:1"));
    }
}
