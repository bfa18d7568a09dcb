//! What `migrate-store` takes.

use std::path::PathBuf;

use clap::{Arg, Command};

use super::Store;
use super::databases::{self, STORE_CA, STORE_MAY_LOSE_COMMITS, STORE_PASSWORD_FILE};
use super::flags::Flag;
use super::inspect_flags::JSON;
use super::inspecting::{self, Inspection, Output};
use super::reader::Reader;
use super::serving::read_key_file;
use crate::ledger::postgres::Address;

/// What is moved, and where it is moved to: arguments without a flag.
pub(super) const PLACES: [&str; 2] = [JOURNAL, DATABASE];
const JOURNAL: &str = "JOURNAL";
const DATABASE: &str = "DATABASE";

/// The flags beside them, in the order of the help.
pub(super) const MIGRATE_STORE: &[Flag] = &[
    Flag::value(
        "key-file",
        "WAIKA_KEY_FILE",
        "The journal's key file, which is the database's from then on [default: the one that serve has]",
    )
    .takes("FILE"),
    STORE_CA,
    STORE_PASSWORD_FILE,
    STORE_MAY_LOSE_COMMITS,
    JSON,
];

/// What to move, and where to.
#[derive(Debug, Clone)]
pub struct MigrateConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// What wraps its keys.
    pub key_file: PathBuf,
    /// Where the database is, and on which terms it is taken.
    pub address: Address,
    /// Where the figures go as JSON.
    pub json: Option<Output>,
}

/// `migrate-store` as clap sees it.
pub(super) fn command() -> Command {
    let place = |name: &'static str, help: &'static str| Arg::new(name).required(true).help(help);
    Command::new("migrate-store")
        .about("Move a journal into a database, with its history")
        .long_about(
            "Moves a journal into an empty database: keys, accounts, and every entry, in one transaction, in which \
             all of it is read back and compared with the journal, row by row. No server may run on either. The \
             journal stays as it is, but no server starts on it any more: the file moved-to-database in it says \
             so. Run again, it compares what is there with the journal and writes nothing.",
        )
        .after_help(
            "Exit codes: 0 moved, or there already, 1 what was read back differs, 64 configuration, no journal there, a \
             database that is not empty or not one to decide over, 65 damaged, 69 a server runs on one of them, \
             or the database cannot be reached, 73 a folder or schema cannot be written, 74 it failed, 130 \
             interrupted. Unless it ends with 0 nothing was moved, but for a commit that was not answered: then \
             run it again.",
        )
        .arg(place(JOURNAL, "What to move: journal:DIR"))
        .arg(place(
            DATABASE,
            "Where to: postgres://USER@HOST[:PORT][,HOST...]/DATABASE[?OPTION=VALUE&...]",
        ))
        .args(MIGRATE_STORE.iter().map(Flag::argument))
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = inspecting::folder_of(reader, JOURNAL);
    let named = reader.text("key-file").map(PathBuf::from);
    let store = folder.clone().map(Store::Journal);
    let key_file = read_key_file(reader, named, store.as_ref());
    let address = databases::address_of(reader, DATABASE);
    let json = reader.read_or("json", None, |text| inspecting::output(text).map(Some));
    Some(Inspection::MigrateStore(Box::new(MigrateConfig {
        folder: folder?,
        key_file: key_file?,
        address: address?,
        json: json?,
    })))
}
