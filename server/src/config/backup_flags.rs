//! What `backup` and `restore` take, as clap sees it.

use clap::{Arg, Command};

use super::flags::{Flag, STORE_DEFAULT};

/// What `backup` takes, in the order of the help.
pub(super) const BACKUP: &[Flag] = &[
    Flag::value("store", "WAIKA_STORE", "Where the journal is: journal:DIR")
        .takes("STORE")
        .or(STORE_DEFAULT),
    Flag::value(
        "backup-to",
        "WAIKA_BACKUP_TO",
        "The backup's folder: a new one, or one to bring up to date",
    )
    .takes("DIR"),
];

/// What `restore` takes, in the order of the help.
pub(super) const RESTORE: &[Flag] = &[
    Flag::value("backup-from", "WAIKA_BACKUP_FROM", "The backup's folder").takes("DIR"),
    Flag::value(
        "store",
        "WAIKA_STORE",
        "Where the new journal goes: journal:DIR, in which there is none yet",
    )
    .takes("STORE")
    .or(STORE_DEFAULT),
    Flag::value(
        "journal",
        "WAIKA_JOURNAL",
        "The folder of the journal that was backed up, if it is still there, damaged or not: what it \
         has behind the backup's end is restored too",
    )
    .takes("DIR"),
    Flag::value(
        "until",
        "WAIKA_UNTIL",
        "Leave out whatever was decided after this instant, such as 2026-12-01T12:00:00+08:00",
    )
    .takes("INSTANT"),
    Flag::value(
        "until-sequence",
        "WAIKA_UNTIL_SEQUENCE",
        "Leave out whatever comes after this sequence",
    )
    .takes("SEQUENCE"),
];

/// `backup` and `restore`.
pub(super) fn commands() -> [Command; 2] {
    let arguments =
        |flags: &'static [Flag]| -> Vec<Arg> { flags.iter().map(Flag::argument).collect() };
    let backup = Command::new("backup")
        .about("Copy a journal while it is written, or bring its copy up to date")
        .long_about(
            "Copies everything that is durable in a journal, with its newest snapshot. It only reads \
             there and takes no lock, so a server may be running on the folder. Into a folder that \
             has a backup of the same journal already, only what is new is copied; segments that \
             the journal has no more stay, so the folder is its archive too. An interrupted backup \
             is the one before it. The key file is not in it, since it is secret: keep a copy of \
             that elsewhere.",
        )
        .after_help(
            "Exit codes: 0 backed up, 64 configuration, no journal there, or the folder is not for a \
             backup of this journal, 65 the journal or the backup is damaged, 69 another backup \
             is at work there, 73 the folder cannot be made, 74 a read, a write or a sync failed, \
             130 interrupted.",
        )
        .args(arguments(BACKUP));
    let restore = Command::new("restore")
        .about("Make a journal from a backup, up to its end or to an earlier point")
        .long_about(
            "Makes a journal from a backup, in a folder that has none, and checks every file by its \
             SHA-256 and every entry by its record's checksum. With --journal it goes on with what \
             that has behind the backup's end. With --until or --until-sequence it ends there, and \
             what came later is gone from the new journal: its sequences are given out again.",
        )
        .after_help(
            "Exit codes: 0 restored, 64 configuration, no backup there, the store has a journal \
             already, or there is nothing to restore up to that point, 65 damaged, 69 the folder is in use, 73 \
             it cannot be made, 74 a read, a write or a sync failed, 130 interrupted. Unless it \
             ends with 0 no server starts on the folder, and the next restore begins anew.",
        )
        .args(arguments(RESTORE));
    [backup, restore]
}
