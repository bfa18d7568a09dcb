//! Why a call to the outside brought no answer.

use std::fmt;

/// Names of the gRPC codes, in the order of their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// No answer came, or none that can be read. Carries nothing of what was said on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallFailed {
    /// It provably never reached whoever was called, so that nothing can have come of it.
    pub(crate) not_sent: bool,
    /// What happened.
    pub(crate) why: Why,
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is no connection, and none could be made in time.
    NoConnection,
    /// Whoever was called said that it has not looked at it.
    Refused,
    /// The connection broke, or the call was cut off.
    BrokenOff,
    /// An error of gRPC instead of an answer, by its number.
    Status(u8),
    /// An answer of HTTP and not of gRPC, by its status.
    Http(u16),
    /// An answer that is against the contract.
    Nonsense,
}

impl CallFailed {
    /// No connection, so nothing was sent.
    pub(crate) const NO_CONNECTION: Self = Self {
        not_sent: true,
        why: Why::NoConnection,
    };

    /// It was sent, or may have been.
    pub(super) const fn sent(why: Why) -> Self {
        Self {
            not_sent: false,
            why,
        }
    }
}

impl CallFailed {
    /// Nobody was there, or a proxy or server that has no time now: it is tried again later, and so is
    /// everything else that goes there. Anything else was said by whoever was called. HTTP statuses
    /// count as gRPC maps them.
    pub(crate) fn is_nobody_there(self) -> bool {
        match self.why {
            Why::NoConnection | Why::Refused | Why::BrokenOff => true,
            // CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE.
            Why::Status(code) => matches!(code, 1 | 2 | 4 | 8 | 14),
            Why::Http(status) => matches!(status, 429 | 502..=504),
            Why::Nonsense => false,
        }
    }
}

/// A stream that ended before its answer was whole. A refused stream, and one behind the last that
/// a GOAWAY names, was not looked at (RFC 9113, 8.7): h2 ends only the latter with the other side's GOAWAY.
impl From<h2::Error> for CallFailed {
    fn from(error: h2::Error) -> Self {
        let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let not_sent = error.is_remote() && (refused || error.is_go_away());
        let why = if not_sent {
            Why::Refused
        } else {
            Why::BrokenOff
        };
        Self { not_sent, why }
    }
}

impl fmt::Display for CallFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.why, formatter)
    }
}

impl std::error::Error for CallFailed {}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection => formatter.write_str("no connection"),
            Self::Refused => formatter.write_str("refused unseen"),
            Self::BrokenOff => formatter.write_str("broken off"),
            Self::Status(code) => {
                let name = CODES.get(usize::from(*code)).unwrap_or(&"UNKNOWN");
                write!(formatter, "gRPC {name}")
            }
            Self::Http(status) => write!(formatter, "HTTP {status}"),
            Self::Nonsense => formatter.write_str("an answer against the contract"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_without_a_server_behind_it_is_nobody() {
        for (why, nobody) in [
            (Why::NoConnection, true),
            (Why::BrokenOff, true),
            (Why::Status(14), true),
            (Why::Status(3), false),
            (Why::Http(503), true),
            (Why::Http(404), false),
            (Why::Nonsense, false),
        ] {
            assert_eq!(CallFailed::sent(why).is_nobody_there(), nobody, "{why:?}");
        }
    }

    #[test]
    fn what_happened_is_told_in_few_words() {
        for (why, text) in [
            (Why::Status(14), "gRPC UNAVAILABLE"),
            (Why::Status(200), "gRPC UNKNOWN"),
            (Why::Http(503), "HTTP 503"),
            (Why::NoConnection, "no connection"),
        ] {
            assert_eq!(CallFailed::sent(why).to_string(), text);
        }
    }
}
