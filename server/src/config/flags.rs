//! Every flag and variable of `waika-server`, in one table, and the command line made from it.
//!
//! Values are taken as text: clap stops at the first bad one, and we want to name them all.

use clap::{Arg, ArgAction, Command};

#[cfg(feature = "planted-faults")]
use super::planted_flags::PLANTED;
use super::{
    backup_flags, connection_flags, databases, health, inspect_flags, issuer_flags, key_flags,
    moving, partner_flags, security_flags, traces,
};

/// One flag with its variable.
pub(super) struct Flag {
    /// Without the dashes.
    pub(super) name: &'static str,
    /// The environment variable that sets it too.
    pub(super) variable: &'static str,
    placeholder: &'static str,
    default: Option<&'static str>,
    help: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Value,
    Switch,
    /// May be given more than once, and each time with several values between spaces.
    Repeated,
    /// Not in the help: for tests and measurements.
    Hidden,
}

impl Flag {
    pub(super) const fn value(
        name: &'static str,
        variable: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            variable,
            placeholder: "VALUE",
            default: None,
            help,
            kind: Kind::Value,
        }
    }

    pub(super) const fn switch(
        name: &'static str,
        variable: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            kind: Kind::Switch,
            ..Self::value(name, variable, help)
        }
    }

    pub(super) const fn takes(mut self, placeholder: &'static str) -> Self {
        self.placeholder = placeholder;
        self
    }

    pub(super) const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn repeated(mut self) -> Self {
        self.kind = Kind::Repeated;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.kind = Kind::Hidden;
        self
    }

    pub(super) fn argument(&self) -> Arg {
        let argument = Arg::new(self.name)
            .long(self.name)
            .env(self.variable)
            .hide_env_values(true)
            .action(ArgAction::Set)
            .allow_negative_numbers(true)
            .hide(self.kind == Kind::Hidden)
            .help(self.help);
        let argument = match self.default {
            Some(default) => argument.default_value(default),
            None => argument,
        };
        match self.kind {
            Kind::Switch => argument
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_name("true|false"),
            Kind::Repeated => argument
                .action(ArgAction::Append)
                .value_name(self.placeholder),
            Kind::Value | Kind::Hidden => argument.value_name(self.placeholder),
        }
    }
}

/// What `serve` takes, in the order of the help; whom it calls comes after.
pub(super) const SERVE: &[Flag] = &[
    LISTEN,
    Flag::value("admin-listen", "WAIKA_ADMIN_LISTEN", "Where operators call")
        .takes("ADDRESS")
        .or("127.0.0.1:50052"),
    Flag::value(
        "metrics-listen",
        "WAIKA_METRICS_LISTEN",
        "Where Prometheus scrapes GET /metrics, over HTTP/1.1",
    )
    .takes("ADDRESS")
    .or("127.0.0.1:9464"),
    INSECURE_LISTEN,
    Flag::value(
        "store",
        "WAIKA_STORE",
        "journal:DIR; postgres://USER@HOST[:PORT][,HOST...]/DATABASE for many servers over one database; or \
         memory: (memory:delay=2ms) to measure without a disk",
    )
    .takes("STORE")
    .or(STORE_DEFAULT),
    databases::STORE_CA,
    databases::STORE_PASSWORD_FILE,
    databases::STORE_MAY_LOSE_COMMITS,
    Flag::value(
        "accounts-in-memory",
        "WAIKA_ACCOUNTS_IN_MEMORY",
        "Accounts of a database kept in memory at most, some 400 bytes each",
    )
    .takes("N")
    .or("1000000"),
    KEY_FILE,
    CORES,
    POLICY,
    Flag::switch(
        "sandbox",
        "WAIKA_SANDBOX",
        "Answer from inside as issuer, SMS gateway and identity verifier, where no URL is given",
    ),
    SEED,
    Flag::switch(
        "allow-live-pan",
        "WAIKA_ALLOW_LIVE_PAN",
        "Accept card numbers outside the test BINs (D26)",
    ),
    LOG,
    LOG_LEVEL,
    Flag::value(
        "commit-spacing",
        "WAIKA_COMMIT_SPACING",
        "Smallest time from one sync to the next under load",
    )
    .takes("DURATION")
    .or("1ms"),
    Flag::value(
        "snapshot-every",
        "WAIKA_SNAPSHOT_EVERY",
        "Journal entries from where one snapshot begins to the next; 0: only when an operator asks",
    )
    .takes("ENTRIES")
    .or("2000000"),
    Flag::value(
        "scrub-every",
        "WAIKA_SCRUB_EVERY",
        "How often a part of the accounts is compared with what the store holds; 0: never",
    )
    .takes("DURATION")
    .or("60m"),
    Flag::value(
        "backup-to",
        "WAIKA_BACKUP_TO",
        "A folder that a backup of the journal is kept in, beside the one that serves",
    )
    .takes("DIR"),
    Flag::value(
        "backup-every",
        "WAIKA_BACKUP_EVERY",
        "How often the backup is brought up to date; 0: only when an operator asks",
    )
    .takes("DURATION")
    .or("60m"),
    Flag::value(
        "journal-retention",
        "WAIKA_JOURNAL_RETENTION",
        "How long entries of the journal are kept at least, such as 400d; 0: for ever",
    )
    .takes("DURATION")
    .or("0"),
    Flag::value(
        "personal-data-retention",
        "WAIKA_PERSONAL_DATA_RETENTION",
        "How long personal data of a closed account are kept before EraseAccount may erase them, \
         such as 1825d; two days at least",
    )
    .takes("DURATION")
    .or("2d"),
    // The map has room for 7.3 million before it doubles, and some come while others are moved.
    Flag::value(
        "keys-in-memory",
        "WAIKA_KEYS_IN_MEMORY",
        "Idempotency keys kept in memory, 16 bytes each; older ones go to the data folder for a \
         day at least, and leave 2 bytes each",
    )
    .takes("N")
    .or("5242880"),
    Flag::value(
        "max-pending",
        "WAIKA_MAX_PENDING",
        "Decisions that may wait for the disk before payments are refused; reads are from half as many on",
    )
    .takes("N")
    .or("32768"),
    Flag::value(
        "min-free-bytes",
        "WAIKA_MIN_FREE_BYTES",
        "Room on the store's disk below which nothing new is begun until there is more; 0: \
         however little there is",
    )
    .takes("BYTES")
    .or("134217728"),
    SEGMENT_BYTES,
];

/// No fault can be planted in this build.
#[cfg(not(feature = "planted-faults"))]
const PLANTED: &[Flag] = &[];

/// Where the journal is, for every command.
pub(super) const STORE_DEFAULT: &str = "journal:./waika-data";

/// Every flag of every command.
pub(super) fn all() -> impl Iterator<Item = &'static Flag> {
    let tables = [SERVE, partner_flags::PARTNERS, inspect_flags::VERIFY];
    let more = [
        inspect_flags::EXPORT,
        inspect_flags::SETTLEMENT,
        inspect_flags::FSYNC_PROBE,
        inspect_flags::RECONCILE,
        databases::POSTGRES_PROBE,
        moving::MIGRATE_STORE,
        health::HEALTH,
        backup_flags::BACKUP,
        backup_flags::RESTORE,
        key_flags::ROTATE,
        key_flags::REWRAP,
    ];
    let tables = tables.into_iter().chain(more).chain([
        security_flags::SECURITY,
        connection_flags::CONNECTIONS,
        traces::TRACES,
    ]);
    tables
        .chain([issuer_flags::ISSUER_SANDBOX, PLANTED])
        .flatten()
}

const LISTEN: Flag = Flag::value("listen", "WAIKA_LISTEN", "Where merchants and wallets call")
    .takes("ADDRESS")
    .or("127.0.0.1:50051");

pub(super) const INSECURE_LISTEN: Flag = Flag::switch(
    "insecure-listen",
    "WAIKA_INSECURE_LISTEN",
    "Allow addresses that other machines reach without TLS, or without knowing who calls",
);

pub(super) const CORES: Flag = Flag::value(
    "cores",
    "WAIKA_CORES",
    "Threads that serve [default: as many as the machine has]",
)
.takes("N");

pub(super) const SEED: Flag =
    Flag::value("seed", "WAIKA_SEED", "What the sandbox's answers depend on")
        .takes("N")
        .or("1");

pub(super) const LOG: Flag = Flag::value("log", "WAIKA_LOG", "json or text, to standard error")
    .takes("FORMAT")
    .or("text");

pub(super) const LOG_LEVEL: Flag = Flag::value(
    "log-level",
    "WAIKA_LOG_LEVEL",
    "error, warn, info, debug or trace",
)
.takes("LEVEL")
.or("info");

pub(super) const SEGMENT_BYTES: Flag = Flag::value(
    "segment-bytes",
    "WAIKA_SEGMENT_BYTES",
    "Size of a journal segment",
)
.takes("BYTES")
.or("67108864")
.hidden();

pub(super) const KEY_FILE: Flag = Flag::value(
    "key-file",
    "WAIKA_KEY_FILE",
    "The secret key, outside the data folder \
     [default: $XDG_STATE_HOME/waika/waika.key, or below ~/.local/state]",
)
.takes("FILE");

const POLICY: Flag = Flag::value(
    "policy",
    "WAIKA_POLICY",
    "A TOML file with the limits, the fee and the rest [default: weixin-2023]",
)
.takes("FILE");

/// The command line as clap sees it. `serve` may be left out.
pub(super) fn command() -> Command {
    let serve_flags = || {
        let tables = [
            SERVE,
            connection_flags::CONNECTIONS,
            security_flags::SECURITY,
            partner_flags::PARTNERS,
            traces::TRACES,
            PLANTED,
        ];
        tables.into_iter().flatten()
    };
    let serve_arguments = || serve_flags().map(Flag::argument);
    let show = Command::new("show")
        .about("Print the policy in force as TOML")
        .arg(POLICY.argument());
    let check = Command::new("check")
        .about("Check a policy file and name every mistake in it")
        .arg(Arg::new("file").value_name("FILE").required(true));
    Command::new("waika-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Authorises payments made with international cards bound to a mainland wallet")
        .after_help(
            "Exit codes: 0 stopped or done, 1 books differ (reconcile), 64 configuration, 65 journal damaged, 69 port or data \
             folder in use, 71 refused by the machine, 73 folder not writable, 74 read or write \
             failed, 75 not serving (health), 130 a command other than serve was interrupted.",
        )
        .args_conflicts_with_subcommands(true)
        .args(serve_arguments())
        .subcommand(
            Command::new("serve")
                .about("Serve until SIGTERM or SIGINT (the default)")
                .args(serve_arguments()),
        )
        .subcommand(
            Command::new("policy")
                .about("Look at policies")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(show)
                .subcommand(check),
        )
        .subcommand(issuer_flags::issuer_sandbox())
        .subcommand(health::command())
        .subcommands(inspect_flags::commands())
        .subcommands(backup_flags::commands())
        .subcommands(key_flags::commands())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        for flag in all() {
            let variable = flag.name.replace('-', "_").to_uppercase();
            assert_eq!(flag.variable, format!("WAIKA_{variable}"));
        }
    }
}
