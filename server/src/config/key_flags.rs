//! What the commands take that change a store's keys.

use clap::{Arg, Command};

use super::flags::{Flag, KEY_FILE, STORE_DEFAULT};

const STORE: Flag = Flag::value("store", "WAIKA_STORE", "Whose keys: journal:DIR")
    .takes("STORE")
    .or(STORE_DEFAULT);

/// What `rotate-keys` takes, in the order of the help.
pub(super) const ROTATE: &[Flag] = &[STORE, KEY_FILE];

/// What `rewrap-keys` takes, in the order of the help.
pub(super) const REWRAP: &[Flag] = &[
    STORE,
    KEY_FILE,
    Flag::value(
        "new-key-file",
        "WAIKA_NEW_KEY_FILE",
        "The file whose key wraps the keyring from now on; made if it is not there [default: that of \
         --key-file, whose last line wraps]",
    )
    .takes("FILE"),
    Flag::switch(
        "remove-old",
        "WAIKA_REMOVE_OLD",
        "Remove data keys that nothing is under any more",
    ),
];

/// `rotate-keys` and `rewrap-keys`.
pub(super) fn commands() -> [Command; 2] {
    let arguments =
        |flags: &'static [Flag]| -> Vec<Arg> { flags.iter().map(Flag::argument).collect() };
    let rotate = Command::new("rotate-keys")
        .about("Add a data key: what is new is written under it")
        .long_about(
            "Adds a random data key to a store's keyring, as the active one: cards and documents that are \
             bound, and passwords that are set or used, are kept under it from then on. Whatever is under an \
             older key goes on working, and moves when the card is bound again or the password used. A \
             server that runs on the folder goes on with it within two seconds.",
        )
        .after_help(
            "Exit codes: 0 added, 64 configuration, no journal there, the key file does not fit, or four \
             data keys are live already, 65 the keyring is damaged, 69 another command changes it, 73 the \
             folder cannot be written, 74 a read, a write or a sync failed, 130 interrupted. Unless it ends \
             with 0 nothing was changed, or a power cut decides.",
        )
        .args(arguments(ROTATE));
    let rewrap = Command::new("rewrap-keys")
        .about("Change the key that wraps a store's keyring, and tell what is under which data key")
        .long_about(
            "Wraps a store's keyring by another key, at once, whatever is under the keys in it, and tells \
             how many cards, documents and passwords are under each. A server that runs on the folder is not \
             disturbed; it must find the new key in its own --key-file when it starts. With --remove-old, \
             data keys that nothing is under are removed for good.",
        )
        .after_help(
            "Exit codes: 0 done, 64 configuration, no journal there, the key file does not fit, or something \
             is under a key that is to be removed, 65 damaged, 69 another command changes the keyring, 73 \
             the folder or the new key file cannot be written, 74 a read, a write or a sync failed, 130 \
             interrupted.",
        )
        .args(arguments(REWRAP));
    [rotate, rewrap]
}
