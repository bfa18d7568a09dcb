//! The journal and its snapshots survive power cuts, kills and disk errors at any operation: nothing
//! acknowledged is lost, what is read is exactly a prefix of what was appended, a start from a
//! snapshot ends in the state of a full replay, and no honest crash keeps it from starting.
//!
//! `WAIKA_CRASHES=1000000 cargo test --test journal_crash` runs more; `WAIKA_SEED=42` runs one, and
//! `WAIKA_STEPS=17` its first batches alone. A history that fails is told with the fewest that still do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]
#![expect(clippy::indexing_slicing, reason = "a test ends at the first surprise")]

#[path = "journal_crash/counts.rs"]
mod counts;
#[path = "journal_crash/flips.rs"]
mod flips;
#[cfg(feature = "planted-faults")]
#[path = "journal_crash/planted.rs"]
mod planted;
#[path = "journal_crash/points.rs"]
mod points;
#[path = "journal_crash/shrink.rs"]
mod shrink;
#[path = "journal_crash/state.rs"]
mod state;

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use counts::Counts;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use state::{Copying, Restart, State};
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{
    Batch, DiskError, Journal, JournalOptions, OpenError, Opened, Published, SnapshotOptions,
    Snapshots, Start, verify,
};

const CRASHES: u64 = 12_000;

/// Small, so that a snapshot has several blocks, and is synced between them.
const SNAPSHOT_OPTIONS: SnapshotOptions = SnapshotOptions {
    block_bytes: 200,
    piece_bytes: 500,
};

/// Steps of a history that is not cut short: more than any has.
const ALL_STEPS: u64 = u64::MAX;

/// One history: what was appended, and how much of it somebody was told of.
struct History {
    seed: u64,
    dice: ChaCha8Rng,
    options: JournalOptions,
    entries: Vec<Vec<u8>>,
    acknowledged: u64,
    state: State,
    copying: Option<Copying>,
    /// How many further batches may be appended.
    steps_left: u64,
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
            state: State::default(),
            copying: None,
            steps_left: ALL_STEPS,
        }
    }

    /// Opens from the newest snapshot, compares what came back, and takes all of it as told from
    /// now on.
    fn open(&mut self, disk: &SimulatedDisk) -> Result<Opened, OpenError> {
        let (seed, mut restart) = (self.seed, Restart::default());
        let opened = Journal::open_with(under_test(disk), self.options, &mut restart)?;
        let Start {
            snapshot,
            passed_over,
            entries,
        } = &opened.start;
        assert!(passed_over.is_empty(), "seed {seed}: {passed_over:?}");
        assert_eq!(*entries, restart.entries.len() as u64, "seed {seed}");
        let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.from);
        let durable = opened.journal.durable();
        let (told, appended) = (self.acknowledged, self.entries.len() as u64);
        assert!(durable >= told, "seed {seed}: {told} told, {durable} read");
        assert!(durable <= appended, "seed {seed}: {appended} appended");
        assert_eq!(from + entries, durable, "seed {seed}");
        self.entries.truncate(usize::try_from(durable).unwrap());
        for (at, (sequence, entry)) in (from..).zip(&restart.entries) {
            assert_eq!(*sequence, at + 1, "seed {seed}");
            let appended = &self.entries[usize::try_from(at).unwrap()];
            assert!(entry == appended, "seed {seed}: not what was appended");
        }
        assert_eq!(restart.state, State::of(&self.entries), "seed {seed}");
        self.state = restart.state;
        self.acknowledged = durable;
        Ok(opened)
    }

    /// Appends until the disk fails or enough is done; says whether it failed.
    fn append(&mut self, journal: &mut Journal, disk: &SimulatedDisk, counts: &mut Counts) -> bool {
        let snapshots = journal.snapshots().with_options(SNAPSHOT_OPTIONS);
        let mut batch = Batch::new();
        for _ in 0..self.dice.random_range(1..40) {
            let Some(left) = self.steps_left.checked_sub(1) else {
                return false;
            };
            self.steps_left = left;
            while self.dice.random_ratio(1, 2) {
                self.snapshot(&snapshots, disk, counts);
            }
            if self.dice.random_ratio(1, 6) && journal.prepare_next().is_err() {
                // The journal must go on without a segment that was prepared ahead.
                continue;
            }
            batch.clear();
            for _ in 0..self.dice.random_range(1..6) {
                let entry = self.entry();
                batch.push(&entry);
                self.entries.push(entry);
                let sequence = self.entries.len() as u64;
                self.state
                    .apply(sequence, &self.entries[self.entries.len() - 1]);
                if self.dice.random_ratio(1, 4) {
                    // Before the entry is durable: what is copied now is ahead of the disk.
                    self.snapshot(&snapshots, disk, counts);
                }
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

    /// Goes a step on with the snapshot, or begins one. A disk that fails it alone does not fail
    /// the journal.
    fn snapshot(&mut self, snapshots: &Snapshots, disk: &SimulatedDisk, counts: &mut Counts) {
        let was_on = disk.list().is_ok();
        let done = match self.copying.take() {
            None if self.dice.random_ratio(4, 5) => return,
            None => {
                let applied = self.entries.len() as u64;
                Copying::begin(snapshots, applied).map(|begun| self.copying = Some(begun))
            }
            Some(copying) if copying.is_ready(self.acknowledged) => {
                let published = copying.publish();
                counts.published += u64::from(published.is_ok());
                published.map(|published| check_published(&published, snapshots, disk))
            }
            Some(mut copying) => {
                let padding = self.dice.random_range(0..300);
                let copied = copying.copy(&self.state, padding);
                copied.map(|()| self.copying = Some(copying))
            }
        };
        let is_off = was_on && disk.list().is_err();
        let step = match done {
            Ok(()) if is_off => "removal of an older one".to_owned(),
            Ok(()) => return,
            Err(DiskError { action, file, .. }) => format!("{action} {file}"),
        };
        if is_off {
            *counts.crashes_in_snapshots.entry(step).or_default() += 1;
        } else if was_on {
            counts.snapshots_given_up += 1;
        }
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

/// The disk as the journal sees it.
fn under_test(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    let disk = Arc::new(disk.clone());
    #[cfg(feature = "planted-faults")]
    let disk = waika_server::planted::PlantedDisk::over(disk, planted::fault());
    disk
}

/// A few lives of one journal, each ended by a crash, some of them while it starts.
fn run(seed: u64, counts: &mut Counts) {
    run_steps(seed, ALL_STEPS, counts);
}

/// The same, with so many appends at most.
fn run_steps(seed: u64, steps: u64, counts: &mut Counts) {
    let history = &mut History::new(seed);
    history.steps_left = steps;
    let mut disk = SimulatedDisk::new(seed, history.faults(120));
    for _ in 0..history.dice.random_range(1..5) {
        let failed = match history.open(&disk) {
            Ok(Opened { mut journal, start }) => {
                counts.starts_from_snapshots += u64::from(start.snapshot.is_some());
                history.append(&mut journal, &disk, counts)
            }
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
        // What a process leaves that is gone: an unfinished file.
        history.copying = None;
    }
    let told = history.acknowledged;
    let disk = disk.after_power_cut(Faults::default());
    let mut journal = honest(history, &disk, counts);
    counts.recovered_unacknowledged += history.acknowledged - told;
    assert!(
        !history.append(&mut journal, &disk, counts),
        "seed {seed}: nothing is appended any more"
    );
    check_reader(history, &journal);
    if seed.is_multiple_of(4) {
        check_whole(history, &disk);
    }
    drop(journal);
    history.copying = None;
    // What the last start and the last appends told must stand without any further sync.
    let disk = disk.after_power_cut(Faults::default());
    let journal = honest(history, &disk, counts);
    check_reader(history, &journal);
    counts.acknowledged += history.acknowledged;
    counts.runs += 1;
}

/// It is the newest, and one more is kept at most, unless the power is off.
fn check_published(published: &Published, snapshots: &Snapshots, disk: &SimulatedDisk) {
    if let Ok(names) = disk.list() {
        assert_eq!(snapshots.newest().unwrap().as_ref(), Some(published));
        let kept = names
            .iter()
            .filter(|name| name.starts_with("snapshot-"))
            .count();
        assert!(kept <= 2, "{names:?}");
    }
}

/// Opens on a disk without faults.
fn honest(history: &mut History, disk: &SimulatedDisk, counts: &mut Counts) -> Journal {
    match history.open(disk) {
        Ok(Opened { journal, start }) => {
            counts.starts_from_snapshots += u64::from(start.snapshot.is_some());
            journal
        }
        Err(refused) => panic!(
            "seed {}: an honest crash was refused: {refused}",
            history.seed
        ),
    }
}

/// The journal beside its snapshots is still all there, to a full replay and to a check.
fn check_whole(history: &History, disk: &SimulatedDisk) {
    let (seed, mut read) = (history.seed, Vec::new());
    let verified = verify(disk, 1, &(), &|_, _| Ok(())).unwrap();
    assert_eq!(verified.damages, [], "seed {seed}");
    assert_eq!(verified.last, history.acknowledged, "seed {seed}");
    let disk = Arc::new(disk.after_kill(Faults::default()));
    let journal = Journal::open(disk, history.options, |_, entry| {
        read.push(entry.to_vec());
        Ok::<_, Infallible>(())
    });
    assert!(journal.is_ok() && read == history.entries, "seed {seed}");
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
        let steps = number("WAIKA_STEPS").unwrap_or(ALL_STEPS);
        return run_steps(seed, steps, &mut counts);
    }
    let crashes = number("WAIKA_CRASHES").unwrap_or(CRASHES);
    for seed in 0.. {
        if counts.crashes >= crashes {
            break;
        }
        let lives = catch_unwind(AssertUnwindSafe(|| run(seed, &mut counts)));
        if let Err(panic) = lives {
            println!("{}", shrink::report(seed));
            resume_unwind(panic);
        }
    }
    println!("F3: {}", counts.report());
    counts.check();
}
