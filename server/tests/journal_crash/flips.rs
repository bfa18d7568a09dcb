//! F6: one bit is turned over anywhere in a journal's folder. A start finds and refuses it, or it does no
//! harm; never is there a silently shorter or another history.
//!
//! `WAIKA_FLIPS=100000 cargo test --release --test journal_crash one_bit -- --nocapture` is the long form;
//! `WAIKA_SEED=42` looks at one folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{Journal, OpenError, Opened};

use super::state::{Restart, State};
use super::{Counts, History, number};

const FLIPS: u64 = 2_000;
const FLIPS_A_FOLDER: u64 = 100;
/// No batch of a history has more entries.
const LARGEST_BATCH: u64 = 5;

/// What became of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Became {
    /// The start was refused, and the file named.
    Refused,
    /// A damaged snapshot was named, and the start went on without it.
    PassedOver,
    /// Nothing follows from that bit any more.
    Harmless,
    /// The last record looked as if its write had been cut off, and no watermark spoke for it.
    LookedTorn,
}

#[test]
fn f6_one_bit_turned_over_is_found_or_does_no_harm() {
    let flips = number("WAIKA_FLIPS").unwrap_or(FLIPS);
    let mut became = BTreeMap::<_, u64>::new();
    let seeds = match number("WAIKA_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..flips.div_ceil(FLIPS_A_FOLDER),
    };
    let last = seeds.end - 1;
    for seed in seeds {
        turn_over(seed, &mut became);
    }
    let sum: u64 = became.values().sum();
    println!(
        "F6: {sum} bits (seeds up to {last}): {became:?}; no history was shorter unsaid, and none \
         another"
    );
    if last > 1 {
        for needed in [Became::Refused, Became::PassedOver, Became::Harmless] {
            let met = became.keys().any(|(_, outcome)| *outcome == needed);
            assert!(met, "{needed:?} was never met");
        }
    }
}

fn turn_over(seed: u64, became: &mut BTreeMap<(&'static str, Became), u64>) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let (history, disk) = folder(seed);
    let disk = if dice.random_ratio(1, 2) {
        disk.after_kill(Faults::default())
    } else {
        disk.after_power_cut(Faults::default())
    };
    let mut names = disk.list().unwrap();
    names.sort_unstable();
    // The one behind it is laid out ahead, and all ones.
    let is_used = |name: &&String| disk.contents(name).is_some_and(|bytes| bytes[0] != 0xFF);
    let mut segments = names.iter().filter(|name| kind(name) == "journal");
    let last_used = segments.rfind(is_used).cloned();
    for _ in 0..FLIPS_A_FOLDER {
        let file = &names[dice.random_range(0..names.len())];
        let length = disk.contents(file).unwrap().len();
        let (offset, bit) = (dice.random_range(0..length.max(1)), dice.random_range(0..8));
        let flipped = disk.after_kill(Faults::default());
        flipped.flip_bit(file, offset, bit);
        let outcome = judge(&history, &flipped).unwrap_or_else(|wrong| {
            panic!("seed {seed}, bit {bit} of byte {offset} of {file}: {wrong}")
        });
        if outcome == Became::LookedTorn {
            assert_eq!(Some(file), last_used.as_ref(), "seed {seed}: {file}");
        }
        *became.entry((kind(file), outcome)).or_default() += 1;
    }
}

/// A journal of some segments with snapshots beside it.
fn folder(seed: u64) -> (History, SimulatedDisk) {
    let mut history = History::new(seed);
    let disk = SimulatedDisk::new(seed, Faults::default());
    let mut counts = Counts::default();
    let mut journal = history.open(&disk).unwrap().journal;
    while counts.published < 2 {
        assert!(!history.append(&mut journal, &disk, &mut counts));
    }
    (history, disk)
}

/// What a start makes of it; or what is wrong with that.
fn judge(history: &History, disk: &SimulatedDisk) -> Result<Became, String> {
    let mut restart = Restart::default();
    let opened = Journal::open_with(Arc::new(disk.clone()), history.options, &mut restart);
    let Opened { journal, start } = match opened {
        Ok(opened) => opened,
        Err(OpenError::Io(error)) => return Err(format!("not named as damage: {error}")),
        Err(refused) => {
            let names = disk.list().unwrap();
            let said = refused.to_string();
            return if names.iter().any(|name| said.contains(&**name)) {
                Ok(Became::Refused)
            } else {
                Err(format!("no file is named: {said}"))
            };
        }
    };
    let (told, durable) = (history.acknowledged, journal.durable());
    let there = usize::try_from(durable).unwrap();
    if there > history.entries.len() || restart.state != State::of(&history.entries[..there]) {
        return Err("another history".to_owned());
    }
    match told - durable {
        0 if start.passed_over.is_empty() => Ok(Became::Harmless),
        0 => Ok(Became::PassedOver),
        1..=LARGEST_BATCH => Ok(Became::LookedTorn),
        lost => Err(format!(
            "{lost} of {told} entries are gone, and nothing is said"
        )),
    }
}

/// What kind of file that is.
fn kind(file: &str) -> &'static str {
    match file.rsplit_once('.') {
        Some((_, "seg")) => "journal",
        Some((_, "snap")) => "snapshot",
        Some(_) => "unfinished",
        None => "watermark",
    }
}
