//! What the commands that look at a journal or its disk take.

use clap::{Arg, Command};

use super::flags::{Flag, STORE_DEFAULT};
use super::{databases, moving};

const STORE: Flag = Flag::value("store", "WAIKA_STORE", "Where the journal is: journal:DIR")
    .takes("STORE")
    .or(STORE_DEFAULT);

/// What `journal verify` takes, in the order of the help.
pub(super) const VERIFY: &[Flag] = &[
    STORE,
    Flag::value(
        "jobs",
        "WAIKA_JOBS",
        "Threads that read [default: as many as the machine has cores]",
    )
    .takes("N"),
];

/// What `journal export` takes, in the order of the help.
pub(super) const EXPORT: &[Flag] = &[
    STORE,
    Flag::value("format", "WAIKA_FORMAT", "json-lines, csv or sqlite").takes("FORMAT"),
    Flag::value(
        "output",
        "WAIKA_OUTPUT",
        "Where to: a file, or - for standard output (json-lines and csv)",
    )
    .takes("FILE|-"),
    Flag::value("from", "WAIKA_FROM", "The first sequence")
        .takes("SEQUENCE")
        .or("1"),
    Flag::value(
        "to",
        "WAIKA_TO",
        "The last sequence [default: the last there is]",
    )
    .takes("SEQUENCE"),
    Flag::value("account", "WAIKA_ACCOUNT", "Only this account's entries").takes("ID"),
    Flag::switch("force", "WAIKA_FORCE", "Replace FILE if it is there"),
];

/// What `settlement export` takes, in the order of the help.
pub(super) const SETTLEMENT: &[Flag] = &[
    STORE,
    Flag::value(
        "day",
        "WAIKA_DAY",
        "The day in Asia/Shanghai, such as 2024-02-02",
    )
    .takes("DAY"),
    Flag::value("merchant", "WAIKA_MERCHANT", "Only this merchant's rows").takes("ID"),
    Flag::value("format", "WAIKA_FORMAT", "json-lines or csv").takes("FORMAT"),
    Flag::value(
        "output",
        "WAIKA_OUTPUT",
        "Where to: a file, or - for standard output",
    )
    .takes("FILE|-"),
    Flag::switch("force", "WAIKA_FORCE", "Replace FILE if it is there"),
];

/// Figures for programs.
pub(super) const JSON: Flag = Flag::value(
    "json",
    "WAIKA_JSON",
    "Where to write the figures as JSON: a file, or - for standard output instead of the text",
)
.takes("FILE|-");

/// What `fsync-probe` takes, in the order of the help.
pub(super) const FSYNC_PROBE: &[Flag] = &[
    STORE,
    Flag::value(
        "duration",
        "WAIKA_DURATION",
        "How long to measure each size",
    )
    .takes("DURATION")
    .or("5s"),
    Flag::value(
        "bytes",
        "WAIKA_BYTES",
        "Only records of this size [default: 512, 4096 and 65536, one after the other]",
    )
    .takes("BYTES"),
    JSON,
];

/// What `reconcile` takes, in the order of the help.
pub(super) const RECONCILE: &[Flag] = &[
    STORE,
    Flag::value(
        "issuer",
        "WAIKA_ISSUER",
        "Where the sandbox issuer is, such as http://127.0.0.1:50061",
    )
    .takes("URL"),
    Flag::value(
        "partner-ca",
        "WAIKA_PARTNER_CA",
        "PEM roots that vouch for an https:// issuer",
    )
    .takes("FILE"),
    JSON,
];

/// `journal`, `settlement`, `fsync-probe`, `postgres-probe`, `migrate-store` and `reconcile` as clap sees them.
pub(super) fn commands() -> [Command; 6] {
    [
        journal(),
        settlement(),
        fsync_probe(),
        databases::command(),
        moving::command(),
        reconcile(),
    ]
}

fn arguments(flags: &'static [Flag]) -> impl Iterator<Item = Arg> {
    flags.iter().map(Flag::argument)
}

fn journal() -> Command {
    let verify = Command::new("verify")
        .about("Check every segment and every entry of a journal")
        .long_about(
            "Checks every segment and every entry of a journal. It only reads and takes no lock, \
             so a server may be running on the folder. What a write under way has left at the \
             very end is no damage.",
        )
        .after_help(
            "Exit codes: 0 no damage, 64 configuration or no journal there, 65 damaged, 74 a read \
             failed, 130 interrupted.",
        )
        .args(arguments(VERIFY));
    let export = Command::new("export")
        .about("Write every entry of a journal as a row for other tools")
        .long_about(
            "Writes every entry of a journal as a row: JSON lines, CSV or an SQLite database. It \
             only reads and takes no lock, so a server may be running on the folder; it ends \
             where the journal ends by then. Secrets, and digests of them, are left out.",
        )
        .after_help(
            "Exit codes: 0 written, 64 configuration, no journal there, or FILE exists, 65 \
             damaged, 73 FILE cannot be made, 74 a read or write failed, 130 interrupted. Unless \
             it ends with 0 there is no new FILE.",
        )
        .args(arguments(EXPORT));
    Command::new("journal")
        .about("Look at a journal without serving from it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(verify)
        .subcommand(export)
}

fn settlement() -> Command {
    let export = Command::new("export")
        .about("Write what settled on a day, with totals by merchant")
        .long_about(
            "Writes what settled on a calendar day in Asia/Shanghai, one row for each \
             authorisation and each refund, and one for each merchant's total. It only reads and \
             takes no lock, so a server may be running on the folder. Payments without a \
             merchant, such as transfers, are left out.",
        )
        .after_help(SETTLEMENT_HELP)
        .args(arguments(SETTLEMENT));
    Command::new("settlement")
        .about("Look at what settled without serving")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(export)
}

/// The file's format: what programs and spreadsheets rely on.
const SETTLEMENT_HELP: &str = "\
Rows, by the column kind, merchant after merchant in the order of the journal:
  settlement  an authorisation that settled that day: at the midnight that it begins with, or
              earlier by Settle. What was reversed before is taken off; one that was reversed in
              full never settles.
  refund      a refund of that day: negative sums; settled_at is when it was decided.
After them, one row for each merchant:
  total       the sums of the merchant's other rows, so refunds are taken off, and how many they
              are (settlements, refunds). Leave these rows out when you add up a column.

Columns: day, merchant, authorisation_id, kind, principal_fen, fee_fen, total_fen (principal and \
fee), authorised_at, settled_at, settlements, refunds. Sums are in fen; instants are RFC 3339 at \
+08:00. What a row does not have is empty in CSV, and absent in JSON lines.

Exit codes: 0 written, 64 configuration, no journal there, FILE exists, or DAY has not begun, 65 \
damaged, 73 FILE cannot be made, 74 a read or write failed, 130 interrupted. Unless it ends with \
0 there is no new FILE.";

fn fsync_probe() -> Command {
    Command::new("fsync-probe")
        .about("Measure how long the disk takes to make a commit durable")
        .long_about(
            "Measures how long the disk takes for what a commit does: one write into a file that \
             is laid out beforehand, and one fdatasync, one at a time. The file is in the data \
             folder, and is removed at the end.",
        )
        .after_help(
            "Exit codes: 0 measured, 64 configuration, 69 another probe is running there, 73 the \
             folder cannot be written, 74 a write or sync failed, 130 interrupted.",
        )
        .args(arguments(FSYNC_PROBE))
}

fn reconcile() -> Command {
    Command::new("reconcile")
        .about("Compare a journal with the books of the sandbox issuer, to the fen")
        .long_about(
            "Compares every transaction of a journal with the books of an issuer-sandbox: what \
             Waika approved and gave back, and what the issuer did. It only reads and takes no \
             lock, so a server may be running on the folder; while payments come in, those under \
             way differ. Payments that Waika approved in the issuer's place are told apart by what \
             the issuer said of them later.",
        )
        .after_help(
            "Exit codes: 0 both agree and nothing is owed, 1 they differ or something is owed, 64 \
             configuration or no journal there, 65 damaged, 69 the issuer cannot be reached, 73 \
             FILE cannot be made, 74 a read or write failed, 130 interrupted.",
        )
        .args(arguments(RECONCILE))
}
