//! What a command takes that looks at a database.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use clap::Command;
use zeroize::Zeroizing;

use super::flags::Flag;
use super::inspect_flags::JSON;
use super::inspecting::{self, Inspection, Output};
use super::reader::Reader;
use super::values::{self, Expected};
use super::{pem, serving};
use crate::ledger::postgres::Address;

/// Roots that vouch for a database's server.
pub(super) const STORE_CA: Flag = Flag::value(
    "store-ca",
    "WAIKA_STORE_CA",
    "PEM roots that vouch for its server; needed everywhere but on this machine",
)
.takes("FILE");

/// A database's password.
pub(super) const STORE_PASSWORD_FILE: Flag = Flag::value(
    "store-password-file",
    "WAIKA_STORE_PASSWORD_FILE",
    "File with the password: command lines can be read by everybody on a machine",
)
.takes("FILE");

/// Terms on which a database is taken.
pub(super) const STORE_MAY_LOSE_COMMITS: Flag = Flag::switch(
    "store-may-lose-commits",
    "WAIKA_STORE_MAY_LOSE_COMMITS",
    "Take a database whose settings let it lose commits that it has answered",
);

/// What `postgres-probe` takes, in the order of the help.
pub(super) const POSTGRES_PROBE: &[Flag] = &[
    Flag::value(
        "store",
        "WAIKA_STORE",
        "Where the database is: postgres://USER@HOST[:PORT][,HOST...]/DATABASE[?OPTION=VALUE&...]",
    )
    .takes("URL"),
    STORE_CA,
    STORE_PASSWORD_FILE,
    STORE_MAY_LOSE_COMMITS,
    Flag::value(
        "duration",
        "WAIKA_DURATION",
        "How long each row of the table is measured",
    )
    .takes("DURATION")
    .or("5s"),
    Flag::value(
        "lanes",
        "WAIKA_LANES",
        "Connections that each send one batch at a time",
    )
    .takes("N")
    .or("4"),
    Flag::value(
        "at-once",
        "WAIKA_AT_ONCE",
        "Decisions under way for each lane, so about how many stand in a batch",
    )
    .takes("N")
    .or("256"),
    JSON,
];

/// What to measure, and how long.
#[derive(Debug, Clone)]
pub struct PostgresProbeConfig {
    /// Where the database is, and on which terms it is taken.
    pub address: Address,
    /// How long each row of the table is measured.
    pub duration: Duration,
    /// Connections.
    pub lanes: NonZeroUsize,
    /// Decisions under way for each of them.
    pub at_once: NonZeroUsize,
    /// Where the figures go as JSON.
    pub json: Option<Output>,
}

/// `postgres-probe` as clap sees it.
pub(super) fn command() -> Command {
    Command::new("postgres-probe")
        .about("Check a PostgreSQL, and measure how long it takes to make decisions durable")
        .long_about(
            "Checks whether a PostgreSQL is one to decide over (its version, whether a commit that it has answered \
             can be lost, whether it takes writes, whether its clock is this machine's), and measures how long it \
             takes for what a decision asks of it: compare-and-set of whole accounts, one alone and many in \
             batches. It makes a schema of its own there, and removes it at the end.",
        )
        .after_help(
            "Exit codes: 0 measured, 64 configuration, or a database that is not one to decide over, 69 it cannot \
             be reached, 73 its user may not make a schema, 74 it failed, 130 interrupted.",
        )
        .args(POSTGRES_PROBE.iter().map(Flag::argument))
}

pub(super) fn probe(reader: &mut Reader<'_>) -> Option<Inspection> {
    let address = address(reader);
    let duration = reader.read("duration", |text| {
        values::duration(
            text,
            &(Duration::from_millis(1)..=Duration::from_secs(3_600)),
        )
    });
    let lanes = reader.read("lanes", |text| {
        values::number(text, &(1..=64)).map(serving::count)
    });
    let at_once = reader.read("at-once", |text| {
        values::number(text, &(1..=256)).map(serving::count)
    });
    let json = reader.read_or("json", None, |text| inspecting::output(text).map(Some));
    let address = address?;
    Some(Inspection::PostgresProbe(Box::new(PostgresProbeConfig {
        address,
        duration: duration?,
        lanes: lanes?,
        at_once: at_once?,
        json: json?,
    })))
}

/// True if a store is a database, or would be.
pub(super) fn is_database(store: Option<&str>) -> bool {
    store.is_some_and(|store| {
        let scheme = store.split_once(':').map_or(store, |(scheme, _)| scheme);
        scheme == "postgres" || scheme == "postgresql"
    })
}

/// Where a database is, with its roots, its password, and the terms on which it is taken.
pub(super) fn address(reader: &mut Reader<'_>) -> Option<Address> {
    address_of(reader, "store")
}

/// The same, named by another argument.
pub(super) fn address_of(reader: &mut Reader<'_>, name: &str) -> Option<Address> {
    let may_lose_commits = reader.read_or("store-may-lose-commits", false, values::switch);
    let roots = reader.read_or("store-ca", None, |file| {
        pem::roots(Path::new(file)).map(Some)
    });
    let password = reader.read_or("store-password-file", None, |file| password(file).map(Some));
    let Some(url) = reader.text(name) else {
        reader.mistake(name, "is missing: postgres://USER@HOST/DATABASE");
        return None;
    };
    let roots = roots?;
    // Never shown, even if it is wrong: it may hold a password.
    let address = Address::parse(url, roots)
        .map_err(|what| reader.mistake(name, format_args!("the URL {what}")));
    let address = address.ok()?;
    let password = password?;
    if password.is_some() && address.has_password() {
        reader.mistake(
            "store-password-file",
            "is one password too many: the URL has one",
        );
        return None;
    }
    let address = match password {
        Some(password) => address.with_password(&password),
        None => address,
    };
    Some(if may_lose_commits? {
        address.with_commits_that_may_be_lost()
    } else {
        address
    })
}

/// The first line of a file.
fn password(file: &str) -> Result<Zeroizing<Vec<u8>>, Expected> {
    let text = fs::read(file).map(Zeroizing::new);
    let text =
        text.map_err(|error| format!("cannot be read ({error}): name a file of one line"))?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err("has no password in its first line".to_owned());
    }
    Ok(Zeroizing::new(line.to_vec()))
}
