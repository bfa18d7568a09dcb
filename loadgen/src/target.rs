//! Where a server listens, as the user named it.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// A server's address: `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// `host:port`.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A server on this very machine, whose processor time can be read.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "[::1]") || self.host.starts_with("127.")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}:{}", self.host, self.port)
    }
}

/// An address that names no server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// Not of the form `http://host:port`.
    #[error("must be a URL such as http://127.0.0.1:50051")]
    NotAUrl,
    /// TLS was asked for.
    #[error("TLS is not supported yet: use http:// and a server in clear text")]
    Tls,
    /// It names something below the server.
    #[error("must end after the port: the RPC's path is added here")]
    HasPath,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let uri = Uri::from_str(text).map_err(|_| TargetError::NotAUrl)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(TargetError::Tls),
            Some(_) | None => return Err(TargetError::NotAUrl),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(TargetError::HasPath);
        }
        let authority = uri.authority().ok_or(TargetError::NotAUrl)?.as_str();
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(TargetError::NotAUrl)?;
        // What is not host and port, such as a user's name, leaves something before or behind.
        let port = match authority.strip_prefix(host) {
            Some("") => 80,
            Some(rest) => rest
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or(TargetError::NotAUrl)?,
            None => return Err(TargetError::NotAUrl),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused_by_reason() {
        let check = |text: &str, expected: Result<&str, TargetError>| {
            let read = text.parse::<Target>().map(|target| target.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        };
        check("http://127.0.0.1:50051", Ok("http://127.0.0.1:50051"));
        check("http://localhost:1/", Ok("http://localhost:1"));
        check("http://[::1]:50051", Ok("http://[::1]:50051"));
        check("http://server", Ok("http://server:80"));
        check("https://server:1", Err(TargetError::Tls));
        check("server:50051", Err(TargetError::NotAUrl));
        check("127.0.0.1:50051", Err(TargetError::NotAUrl));
        check("", Err(TargetError::NotAUrl));
        check("http://", Err(TargetError::NotAUrl));
        check("http://host:99999", Err(TargetError::NotAUrl));
        check("http://user@host:1", Err(TargetError::NotAUrl));
        check("http://host:", Err(TargetError::NotAUrl));
        check("ftp://host:1", Err(TargetError::NotAUrl));
        check("http://host:1/path", Err(TargetError::HasPath));
    }

    #[test]
    fn loopback_is_local() {
        let local = |text: &str| text.parse::<Target>().unwrap().is_local();
        assert!(local("http://127.0.0.1:1") && local("http://localhost:1"));
        assert!(!local("http://10.0.0.1:1"));
    }
}
