//! What `serve` takes about connections and their end, in the order of the help.

use super::flags::Flag;

/// How many, how old, and how the server leaves them.
pub(super) const CONNECTIONS: &[Flag] = &[
    Flag::value(
        "drain-wait",
        "WAIKA_DRAIN_WAIT",
        "How long to be NOT_SERVING, and still answer, before draining",
    )
    .takes("DURATION")
    .or("0s"),
    Flag::value(
        "drain-timeout",
        "WAIKA_DRAIN_TIMEOUT",
        "How long calls in flight may take while draining",
    )
    .takes("DURATION")
    .or("10s"),
    Flag::value(
        "max-connection-age",
        "WAIKA_MAX_CONNECTION_AGE",
        "How old a connection may become before it is told to go (GOAWAY), a tenth more or less; 0: as old as it likes",
    )
    .takes("DURATION")
    .or("0s"),
    Flag::value(
        "max-connection-age-grace",
        "WAIKA_MAX_CONNECTION_AGE_GRACE",
        "How long calls of a connection that was told to go may still take, streams too",
    )
    .takes("DURATION")
    .or("10s"),
    Flag::value(
        "max-connections",
        "WAIKA_MAX_CONNECTIONS",
        "Connections at once on --listen; one more is closed",
    )
    .takes("N")
    .or("10000"),
    Flag::value(
        "preface-timeout",
        "WAIKA_PREFACE_TIMEOUT",
        "How long a connection may take to say HTTP/2, its TLS handshake included",
    )
    .takes("DURATION")
    .or("5s")
    .hidden(),
];
