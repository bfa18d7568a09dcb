//! What `issuer-sandbox` takes.

use clap::Command;

use super::flags::{CORES, Flag, INSECURE_LISTEN, LOG, LOG_LEVEL, SEED, SEGMENT_BYTES};

/// In the order of the help.
pub(super) const ISSUER_SANDBOX: &[Flag] = &[
    Flag::value("listen", "WAIKA_LISTEN", "Where servers call")
        .takes("ADDRESS")
        .or("127.0.0.1:50061"),
    INSECURE_LISTEN,
    Flag::value(
        "tls-cert",
        "WAIKA_TLS_CERT",
        "The certificate to serve TLS with, and those up to its root: PEM",
    )
    .takes("FILE"),
    Flag::value("tls-key", "WAIKA_TLS_KEY", "The certificate's key: PEM").takes("FILE"),
    Flag::value(
        "books",
        "WAIKA_BOOKS",
        "The issuer's own ledger: memory:, or journal:DIR, durable before an answer is given",
    )
    .takes("STORE")
    .or("memory:"),
    SEED,
    Flag::value(
        "latency",
        "WAIKA_LATENCY",
        "How long answers take: [SCHEME:]20ms, or [SCHEME:]p50=20ms,p99=80ms[,tail=0.1%@2s] \
         [default: 0]",
    )
    .takes("SPEC")
    .repeated(),
    Flag::value(
        "errors",
        "WAIKA_ERRORS",
        "What goes wrong with a share of the calls: [SCHEME:]RATE%=KIND",
    )
    .takes("SPEC")
    .repeated(),
    Flag::value(
        "outage",
        "WAIKA_OUTAGE",
        "When the issuer is out: [SCHEME:]10s..15s[=KIND] from its start, or \
         [SCHEME:]every=60s,for=5s[=KIND]",
    )
    .takes("SPEC")
    .repeated(),
    CORES,
    LOG,
    LOG_LEVEL,
    SEGMENT_BYTES,
];

/// The command as clap sees it.
pub(super) fn issuer_sandbox() -> Command {
    Command::new("issuer-sandbox")
        .about("Play the issuer of every card, an SMS gateway and an identity verifier")
        .long_about(
            "Plays the world outside, for a server to call: the issuer of every card, with books \
             of its own, an SMS gateway and an identity verifier. What it answers, how long that \
             takes and what goes wrong follow from the seed, the card and the idempotency key \
             alone. It serves until SIGTERM or SIGINT.",
        )
        .after_help(HELP)
        .args(ISSUER_SANDBOX.iter().map(Flag::argument))
}

const HELP: &str = "\
SCHEME is visa, mastercard, diners, discover or jcb. A latency or an error without one is for the \
schemes that have none of their own; an outage without one is for all. --latency, --errors and \
--outage may be given more than once; a variable holds several with spaces between them.

KIND of an error, for payments and verifications:
  05, 51, 91 ...  declined with that response code (DE39)
  unavailable     gRPC UNAVAILABLE; not booked
  silent          never booked, never answered
  mute            decided and booked, never answered
  wrong-amount    approved and booked for one fen more, and answered so
  wrong-id        decided and booked; the answer names another transaction
  wrong-code      decided and booked; the answer's response code is ZZ
A repeat is answered right after the last four; a fen too many is then taken back.

KIND of an outage, for every call to the issuer: unavailable (the default), silent or mute. With \
every=60s,for=5s the first begins 60 s after the start.

Exit codes: 0 stopped as asked, 64 configuration, 65 books damaged, 69 port or books in use, 71 \
refused by the machine, 73 books' folder not writable, 74 read or write failed.";
