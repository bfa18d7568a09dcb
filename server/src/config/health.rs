//! Whom `health` asks, and how.

use std::path::PathBuf;
use std::time::Duration;

use clap::Command;

use super::certificates::{self, Given, Names};
use super::flags::Flag;
use super::partners::{self, Target};
use super::reader::Reader;
use super::values;

/// What `health` takes, in the order of the help.
pub(super) const HEALTH: &[Flag] = &[
    Flag::value(
        "address",
        "WAIKA_ADDRESS",
        "The listener that is asked: http:// or https:// with host and port",
    )
    .takes("URL")
    .or("http://127.0.0.1:50051"),
    Flag::value(
        "service",
        "WAIKA_SERVICE",
        "Which of its services, such as waika.v1.CardService [default: the whole server]",
    )
    .takes("NAME"),
    Flag::value(
        "ca",
        "WAIKA_CA",
        "PEM file of the roots that vouch for an https:// listener [default: the machine's own]",
    )
    .takes("FILE"),
    Flag::value(
        "cert",
        "WAIKA_CERT",
        "PEM file of the certificate to show, with its chain, where the listener asks for one",
    )
    .takes("FILE"),
    Flag::value(
        "key",
        "WAIKA_KEY",
        "PEM file of that certificate's private key",
    )
    .takes("FILE"),
    Flag::value(
        "server-name",
        "WAIKA_SERVER_NAME",
        "The name in an https:// listener's certificate [default: the URL's host]",
    )
    .takes("NAME"),
    Flag::value("timeout", "WAIKA_TIMEOUT", "How long all of it may take")
        .takes("DURATION")
        .or("1s"),
];

/// How its certificates are named.
const NAMES: Names = Names {
    roots: "ca",
    chain: "cert",
    key: "key",
};

/// What `health` asks.
#[derive(Debug, Clone)]
pub struct HealthConfig {
    /// The listener.
    pub target: Target,
    /// The service; empty for the whole server.
    pub service: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// The command as clap sees it.
pub(super) fn command() -> Command {
    Command::new("health")
        .about("Ask a server whether it takes calls, as a probe")
        .long_about(
            "Asks a server's health once and prints it. It is for probes that speak no TLS \
             themselves, such as the kubelet's: they run it beside the server instead.",
        )
        .after_help(
            "Exit codes: 0 SERVING, 64 configuration or no such service there, 69 nobody answers \
             in time, 75 any other status, such as NOT_SERVING.",
        )
        .args(HEALTH.iter().map(Flag::argument))
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<HealthConfig> {
    let given = Given {
        roots: reader.text("ca").map(PathBuf::from),
        chain: reader.text("cert").map(PathBuf::from),
        key: reader.text("key").map(PathBuf::from),
    };
    let url = partners::read_url(reader, "address").flatten();
    let is_private = url.as_ref().is_some_and(partners::Url::is_private);
    let tls = certificates::read(reader, &NAMES, &given, is_private);
    let name = reader.read_or("server-name", None, |text| {
        partners::server_name(text).map(Some)
    });
    let timeout = reader.read("timeout", |text| {
        let range = Duration::from_millis(1)..=Duration::from_secs(60);
        values::duration(text, &range)
    });
    let service = reader.text("service").unwrap_or_default().to_owned();
    let target = partners::target(url?, tls?.as_ref());
    Some(HealthConfig {
        target: match name? {
            Some(name) => target.known_as(name),
            None => target,
        },
        service,
        timeout: timeout?,
    })
}
