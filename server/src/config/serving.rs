//! What `serve` takes: every value checked by itself, and then against the others.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use waika_domain::policy::Policy;
use waika_domain::rules::closing::LEAST_KEPT_SECONDS;

use super::reader::Reader;
use super::{
    Bounds, Config, LedgerConfig, Store, databases, key_file, listening, partners, read_file,
    values,
};
use crate::serve::MaxAge;
use crate::telemetry::LogConfig;

/// Reads everything before it gives up on anything, so that every mistake is found.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Config> {
    let listening = listening::read(reader);
    let ledger = read_ledger(reader);
    let cores = reader.read_or("cores", available_cores(), |text| {
        values::number(text, &(1..=256)).map(count)
    });
    let partners = partners::read(reader);
    let format = reader.read("log", values::log_format);
    let level = reader.read("log-level", values::log_level);
    let bounds = read_bounds(reader);
    let traces = super::traces::read(reader);
    let (partners, sandbox_asked_for) = partners?;
    let ledger = LedgerConfig {
        issuer: partners.issuer.clone(),
        ..ledger?
    };
    Some(Config {
        listening: listening?,
        cores: cores?,
        ledger,
        partners,
        sandbox_asked_for,
        log: LogConfig {
            format: format?,
            level: level?,
        },
        traces: traces?,
        bounds: bounds?,
    })
}

fn read_ledger(reader: &mut Reader<'_>) -> Option<LedgerConfig> {
    let store = read_store(reader);
    let named_key_file = reader.text("key-file").map(PathBuf::from);
    let key_file_is_default = named_key_file.is_none();
    let key_file = read_key_file(reader, named_key_file, store.as_ref());
    let policy_file = reader.text("policy").map(PathBuf::from);
    let policy = read_policy(reader, policy_file.as_deref());
    let seed = reader.read("seed", |text| values::number(text, &(0..=u64::MAX)));
    let allow_live_pan = reader.read_or("allow-live-pan", false, values::switch);
    let commit_spacing = reader.read("commit-spacing", |text| {
        values::duration(text, &(Duration::ZERO..=Duration::from_secs(1)))
    });
    let segment_bytes = reader.read("segment-bytes", |text| {
        values::number(text, &(4_096..=1_073_741_824))
    });
    let snapshot_every = reader.read("snapshot-every", |text| {
        values::number(text, &(0..=u64::MAX))
    });
    let scrub_every = reader.read("scrub-every", |text| {
        values::duration(text, &(Duration::ZERO..=Duration::from_secs(30 * 86_400)))
    });
    let backup = super::backups::keeping(reader, store.as_ref());
    let journal_retention = read_retention(reader, policy.as_ref());
    let personal_data_retention = reader.read("personal-data-retention", |text| {
        let least = Duration::from_secs(u64::from(LEAST_KEPT_SECONDS));
        values::duration(text, &(least..=Duration::from_secs(36_500 * 86_400)))
    });
    let keys_in_memory = reader.read("keys-in-memory", |text| {
        values::number(text, &(1_000..=33_554_432))
    });
    let accounts_in_memory = reader.read("accounts-in-memory", |text| {
        values::number(text, &(1_000..=1_000_000_000))
    });
    let max_pending = reader.read("max-pending", |text| {
        values::number(text, &(64..=16_777_216))
    });
    let min_free_bytes = reader.read("min-free-bytes", |text| {
        values::number(text, &(0..=u64::MAX))
    });
    #[cfg(feature = "planted-faults")]
    let planted_fault = super::planted_flags::read(reader);
    Some(LedgerConfig {
        store: store?,
        key_file: key_file?,
        key_file_is_default,
        allow_live_pan: allow_live_pan?,
        seed: seed?,
        issuer: None,
        policy: Arc::new(policy?),
        policy_file,
        commit_spacing: commit_spacing?,
        segment_bytes: segment_bytes?,
        snapshot_every: snapshot_every?,
        scrub_every: scrub_every?,
        backup,
        journal_retention: journal_retention?,
        personal_data_retention: personal_data_retention?,
        keys_in_memory: keys_in_memory?,
        accounts_in_memory: accounts_in_memory?,
        max_pending: max_pending?,
        min_free_bytes: min_free_bytes?,
        #[cfg(feature = "planted-faults")]
        planted_fault,
    })
}

fn read_store(reader: &mut Reader<'_>) -> Option<Store> {
    if databases::is_database(reader.text("store")) {
        return databases::address(reader).map(Store::Postgres);
    }
    for flag in ["store-ca", "store-password-file"] {
        if reader.text(flag).is_some() {
            reader.mistake(
                flag,
                "is for a database: --store postgres://USER@HOST/DATABASE",
            );
        }
    }
    reader.read("store", values::store)
}

/// Nothing may go that the policy still needs.
fn read_retention(reader: &mut Reader<'_>, policy: Option<&Policy>) -> Option<Duration> {
    let kept = reader.read("journal-retention", values::retention)?;
    let days = policy.map_or(0, |policy| policy.settle_after_days);
    let least = values::least_retention(days);
    if !kept.is_zero() && kept < least {
        reader.mistake(
            "journal-retention",
            format_args!(
                "is shorter than {}d: by the policy a payment settles after {days} days, and is \
                 reversed by its key until then",
                least.as_secs() / 86_400
            ),
        );
        return None;
    }
    Some(kept)
}

fn read_policy(reader: &mut Reader<'_>, file: Option<&Path>) -> Option<Policy> {
    let Some(file) = file else {
        return Some(Policy::weixin_2023());
    };
    read_file(file)
        .map_err(|mistakes| reader.mistakes(mistakes))
        .ok()
}

pub(super) fn read_key_file(
    reader: &mut Reader<'_>,
    named: Option<PathBuf>,
    store: Option<&Store>,
) -> Option<PathBuf> {
    let Some(key_file) = named.or_else(key_file::default_path) else {
        let what = "neither XDG_STATE_HOME nor HOME is set, so there is no default: name a file";
        reader.mistake("key-file", what);
        return None;
    };
    if let Some(folder) = store.and_then(|store| key_file::folder_around(&key_file, store)) {
        reader.mistake(
            "key-file",
            format_args!(
                "\"{}\" is inside the data folder \"{}\", where every copy of the data would \
                 carry its key: name a file outside it",
                key_file.display(),
                folder.display()
            ),
        );
    }
    Some(key_file)
}

fn read_bounds(reader: &mut Reader<'_>) -> Option<Bounds> {
    const HOUR: Duration = Duration::from_secs(3_600);
    let connections = reader.read("max-connections", |text| {
        values::number(text, &(1..=1_000_000)).map(count)
    });
    let preface = reader.read("preface-timeout", |text| {
        values::duration(text, &(Duration::from_millis(1)..=HOUR))
    });
    let drain_wait = reader.read("drain-wait", |text| {
        values::duration(text, &(Duration::ZERO..=HOUR))
    });
    let drain = reader.read("drain-timeout", |text| {
        values::duration(text, &(Duration::ZERO..=HOUR))
    });
    let age = reader.read("max-connection-age", |text| {
        values::duration(text, &(Duration::ZERO..=24 * HOUR))
    });
    let grace = reader.read("max-connection-age-grace", |text| {
        values::duration(text, &(Duration::ZERO..=24 * HOUR))
    });
    let (limit, grace) = (age?, grace?);
    Some(Bounds {
        connections: connections?.get(),
        preface: preface?,
        drain_wait: drain_wait?,
        drain: drain?,
        max_age: (!limit.is_zero()).then_some(MaxAge { limit, grace }),
    })
}

pub(super) fn available_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

pub(super) fn count(number: u64) -> NonZeroUsize {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
