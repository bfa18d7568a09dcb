//! Looking at a journal, at the disk below it, or at a database, without serving from it: nothing here takes the
//! folder's lock or changes what is in it. Backups and journals made from them go to folders of their own.

mod backup;
mod destination;
mod entries;
mod export;
mod fsync_probe;
mod instants;
mod interrupt;
mod keys;
mod migrate_store;
mod percentiles;
mod postgres_probe;
mod progress;
mod reconcile;
mod restore;
mod settlement;
mod table;
mod text;
mod told;
mod verify;

use std::path::Path;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

pub(crate) use self::instants::in_utc;
use crate::config::Inspection;
use crate::exit::{Failure, Reason};
use crate::ledger::journal::backup::RESTORING;
use crate::telemetry::{self, LogConfig, LogFormat};

/// How long an unfinished file may take to be removed.
const GRACE: Duration = Duration::from_secs(5);

/// Does what the command line asks for, and ends early on SIGINT or SIGTERM.
pub fn run(inspection: Inspection) -> Result<(), Failure> {
    match inspection {
        Inspection::Verify(config) => verify::run(config),
        Inspection::Export(config) => export::run(config),
        Inspection::Settlement(config) => settlement::run(config),
        Inspection::FsyncProbe(config) => fsync_probe::run(config),
        Inspection::PostgresProbe(config) => postgres_probe::run(*config),
        Inspection::MigrateStore(config) => migrate_store::run(&config),
        Inspection::Reconcile(config) => reconcile::run(*config),
        Inspection::Backup(config) => {
            tell_warnings();
            backup::run(config)
        }
        Inspection::Restore(config) => {
            tell_warnings();
            restore::run(config)
        }
        Inspection::RotateKeys(config) => keys::rotate(config),
        Inspection::RewrapKeys(config) => {
            tell_warnings();
            keys::rewrap(config)
        }
    }
}

/// What is passed over on the way is logged, as by a server.
fn tell_warnings() {
    telemetry::begin(LogConfig {
        format: LogFormat::Text,
        level: LevelFilter::WARN,
    });
}

/// Refuses a folder that is not there, cannot be read, or has no segment in it: most likely its
/// name is mistyped.
fn require_journal(folder: &Path) -> Result<(), Failure> {
    if !folder.join(RESTORING).exists() {
        return require_segments("--store", folder);
    }
    let text = format!(
        "--store: a restore into \"{}\" was not finished: run waika-server restore again",
        folder.display()
    );
    Err(Failure::new(Reason::Configuration, text))
}

/// The same, whatever else is there.
fn require_segments(flag: &str, folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    let names = std::fs::read_dir(folder).map_err(|error| {
        let text = format!(
            "{flag}: the folder \"{shown}\" cannot be read ({error}): name the data folder of a \
             server"
        );
        Failure::new(Reason::Configuration, text)
    })?;
    let is_segment = |name: &Path| {
        let begins = name
            .to_str()
            .is_some_and(|name| name.starts_with("journal-"));
        begins && name.extension().is_some_and(|end| end == "seg")
    };
    let found = names
        .flatten()
        .any(|entry| is_segment(Path::new(&entry.file_name())));
    if found {
        return Ok(());
    }
    let text = format!(
        "{flag}: there is no journal in \"{shown}\" (no file journal-….seg): name the data folder \
         of a server"
    );
    Err(Failure::new(Reason::Configuration, text))
}
