//! The journal survives power cuts, kills and disk errors at any operation: nothing acknowledged
//! is lost, what is read is exactly a prefix of what was appended, and no honest crash keeps it
//! from starting.
//!
//! `WAIKA_CRASHES=1000000 cargo test --test journal_crash` runs more; `WAIKA_SEED=42` runs one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]
#![expect(clippy::indexing_slicing, reason = "a test ends at the first surprise")]

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use waika_server::ledger::journal::disk::{Faults, SimulatedDisk};
use waika_server::ledger::journal::{Batch, Journal, JournalOptions, OpenError};

const CRASHES: u64 = 12_000;

#[derive(Default)]
struct Counts {
    runs: u64,
    crashes: u64,
    kills: u64,
    failures: u64,
    crashes_in_recovery: u64,
    acknowledged: u64,
    recovered_unacknowledged: u64,
}

/// One history: what was appended, and how much of it somebody was told of.
struct History {
    seed: u64,
    dice: ChaCha8Rng,
    options: JournalOptions,
    entries: Vec<Vec<u8>>,
    acknowledged: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let options = JournalOptions {
            segment_bytes: 4096 << dice.random_range(0..4),
        };
        Self {
            seed,
            dice,
            options,
            entries: Vec::new(),
            acknowledged: 0,
        }
    }

    /// Opens, compares every entry, and takes all that came back as told from now on.
    fn open(&mut self, disk: &SimulatedDisk) -> Result<Journal, OpenError> {
        let mut read = Vec::new();
        let journal = Journal::open(Arc::new(disk.clone()), self.options, |sequence, entry| {
            assert_eq!(sequence, read.len() as u64 + 1, "seed {}", self.seed);
            read.push(entry.to_vec());
            Ok::<_, Infallible>(())
        })?;
        let (seed, told, appended) = (self.seed, self.acknowledged, self.entries.len());
        assert!(
            read.len() as u64 >= told,
            "seed {seed}: {told} acknowledged, {} read",
            read.len()
        );
        assert!(
            read.len() <= appended,
            "seed {seed}: {appended} appended, {} read",
            read.len()
        );
        assert!(
            read == self.entries[..read.len()],
            "seed {seed}: not what was appended"
        );
        assert_eq!(journal.durable(), read.len() as u64, "seed {seed}");
        self.acknowledged = journal.durable();
        self.entries = read;
        Ok(journal)
    }

    /// Appends until the disk fails or enough is done; says whether it failed.
    fn append(&mut self, journal: &mut Journal) -> bool {
        let mut batch = Batch::new();
        for _ in 0..self.dice.random_range(1..40) {
            if self.dice.random_ratio(1, 6) && journal.prepare_next().is_err() {
                // The journal must go on without a segment that was prepared ahead.
                continue;
            }
            batch.clear();
            for _ in 0..self.dice.random_range(1..6) {
                let entry = self.entry();
                batch.push(&entry);
                self.entries.push(entry);
            }
            let Ok(durable) = journal.commit(&mut batch) else {
                let again = journal.commit(&mut Batch::new());
                assert!(again.is_err(), "seed {}: an error is for ever", self.seed);
                return true;
            };
            assert_eq!(durable, self.entries.len() as u64, "seed {}", self.seed);
            self.acknowledged = durable;
        }
        false
    }

    /// Mostly small; some longer than a sector, a few longer than a segment.
    fn entry(&mut self) -> Vec<u8> {
        let length = match self.dice.random_range(0..100) {
            0..80 => self.dice.random_range(0..200),
            80..99 => self.dice.random_range(0..3_000),
            _ => self.dice.random_range(0..3 * self.options.segment_bytes),
        };
        let mut entry = vec![0; length];
        match self.dice.random_range(0..10) {
            0 => {}
            1 => entry.fill(0xFF),
            _ => self.dice.fill_bytes(&mut entry),
        }
        entry
    }

    fn faults(&mut self, within: u64) -> Faults {
        let mut faults = Faults::default();
        let at = Some(self.dice.random_range(0..within));
        match self.dice.random_range(0..10) {
            0..6 => faults.power_off_at = at,
            6 => faults.fail_write_at = at,
            7..9 => faults.fail_sync_at = at,
            _ => faults.capacity_bytes = Some(self.options.segment_bytes * 4),
        }
        faults
    }
}

/// A few lives of one journal, each ended by a crash, some of them while it starts.
fn run(seed: u64, counts: &mut Counts) {
    let history = &mut History::new(seed);
    let mut disk = SimulatedDisk::new(seed, history.faults(120));
    for _ in 0..history.dice.random_range(1..5) {
        let failed = match history.open(&disk) {
            Ok(mut journal) => history.append(&mut journal),
            Err(OpenError::Io(_)) => {
                counts.crashes_in_recovery += 1;
                true
            }
            Err(refused) => panic!("seed {seed}: an honest crash was refused: {refused}"),
        };
        counts.failures += u64::from(failed);
        counts.crashes += 1;
        let within = if history.dice.random_ratio(1, 2) {
            12
        } else {
            120
        };
        let faults = history.faults(within);
        disk = if history.dice.random_ratio(1, 3) {
            counts.kills += 1;
            disk.after_kill(faults)
        } else {
            disk.after_power_cut(faults)
        };
    }
    let told = history.acknowledged;
    let disk = disk.after_power_cut(Faults::default());
    let mut journal = match history.open(&disk) {
        Ok(journal) => journal,
        Err(refused) => panic!("seed {seed}: an honest crash was refused: {refused}"),
    };
    counts.recovered_unacknowledged += history.acknowledged - told;
    assert!(
        !history.append(&mut journal),
        "seed {seed}: nothing is appended any more"
    );
    check_reader(history, &journal);
    drop(journal);
    // What the last start and the last appends told must stand without any further sync.
    if let Err(refused) = history.open(&disk.after_power_cut(Faults::default())) {
        panic!("seed {seed}: an honest crash was refused: {refused}");
    }
    counts.acknowledged += history.acknowledged;
    counts.runs += 1;
}

fn check_reader(history: &mut History, journal: &Journal) {
    let reader = journal.reader();
    for _ in 0..3 {
        let sequence = history
            .dice
            .random_range(0..history.entries.len() as u64 + 2);
        let place = sequence
            .checked_sub(1)
            .map(|place| usize::try_from(place).unwrap());
        let expected = place.and_then(|place| history.entries.get(place).cloned());
        assert_eq!(
            reader.read(sequence).unwrap(),
            expected,
            "seed {}",
            history.seed
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

#[test]
fn no_crash_loses_what_was_acknowledged_and_none_keeps_the_journal_from_starting() {
    let mut counts = Counts::default();
    if let Some(seed) = number("WAIKA_SEED") {
        return run(seed, &mut counts);
    }
    let crashes = number("WAIKA_CRASHES").unwrap_or(CRASHES);
    for seed in 0.. {
        if counts.crashes >= crashes {
            break;
        }
        run(seed, &mut counts);
    }
    let mut line = String::new();
    let Counts {
        runs,
        crashes,
        kills,
        crashes_in_recovery,
        ..
    } = counts;
    write!(
        line,
        "{crashes} crashes in {runs} histories (seeds 0 to {}), ",
        runs - 1
    )
    .unwrap();
    write!(
        line,
        "{kills} of them kills, {crashes_in_recovery} during a start, "
    )
    .unwrap();
    write!(line, "{} ended by a failing disk; ", counts.failures).unwrap();
    write!(
        line,
        "{} entries acknowledged, 0 lost; ",
        counts.acknowledged
    )
    .unwrap();
    println!(
        "{line}{} kept that nobody was told of",
        counts.recovered_unacknowledged
    );
}
