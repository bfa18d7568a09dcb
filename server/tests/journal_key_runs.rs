//! Runs of used keys survive power cuts, kills and disk errors at any operation: what was published is
//! found, whole or merged, and no honest crash keeps them from opening. A seed names a run.

#![expect(clippy::panic, reason = "a test ends at the first surprise")]

use std::sync::Arc;

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};
use waika_server::ledger::journal::{
    Batch, DiskError, Journal, JournalOptions, KeyRun, KeyRuns, OpenError, ReadError, Span,
    UsedKey, open_key_runs,
};

const RUNS: u64 = 400;

/// Several sequences to a hash, and hashes spread over all buckets.
fn hash(sequence: u64) -> u64 {
    (sequence / 3 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

struct Life {
    dice: ChaCha8Rng,
    /// Published: keys up to here must be found.
    moved_out: u64,
    published: u64,
    merged: u64,
    crashes: u64,
}

/// Why a life ended.
enum Ended {
    Well,
    Crashed,
}

impl From<DiskError> for Ended {
    fn from(_: DiskError) -> Self {
        Self::Crashed
    }
}

impl From<ReadError> for Ended {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(_) => Self::Crashed,
            wrong @ (ReadError::Damaged(_) | ReadError::Pruned(_)) => {
                panic!("an honest crash damaged a run: {wrong}")
            }
        }
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io(_) => Self::Crashed,
            refused => panic!("an honest crash was refused: {refused}"),
        }
    }
}

impl Life {
    /// Opens, checks, appends, moves keys out and merges, until something fails or enough was done.
    fn live(&mut self, disk: &SimulatedDisk) -> Result<Ended, Ended> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let found = open_key_runs(&*shared)?;
        let mut runs = found.runs.clone();
        self.check(&runs)?;
        let options = JournalOptions {
            segment_bytes: 4_096,
        };
        let mut journal = Journal::open(shared, options, |_, _| Ok::<_, OpenError>(()))?;
        journal.adopt(&found)?;
        let place = journal.key_runs();
        for _ in 0..self.dice.random_range(1..12) {
            let mut batch = Batch::new();
            for _ in 0..self.dice.random_range(1..200) {
                batch.push(b"entry");
            }
            let durable = journal.commit(&mut batch)?;
            if self.dice.random_ratio(1, 2) {
                runs.push(Arc::new(self.move_out(&place, &runs, durable)?));
                self.published += 1;
            }
            if runs.len() > 1 && self.dice.random_ratio(1, 3) {
                self.merge(&place, &mut runs)?;
            }
        }
        self.check(&runs)?;
        Ok(Ended::Well)
    }

    fn move_out(
        &mut self,
        place: &KeyRuns,
        runs: &[Arc<KeyRun>],
        through: u64,
    ) -> Result<KeyRun, Ended> {
        let after = runs.last().map_or(0, |run| run.span().through);
        let mut keys: Vec<_> = (after + 1..=through)
            .map(|sequence| UsedKey {
                hash: hash(sequence),
                sequence,
            })
            .collect();
        keys.sort_unstable();
        let span = Span {
            after,
            through,
            put_in_ms: 0,
        };
        let mut writer = place.begin(span, keys.len() as u64)?;
        for key in keys {
            writer.push(key)?;
        }
        let run = writer.publish()?;
        self.moved_out = through;
        Ok(run)
    }

    fn merge(&mut self, place: &KeyRuns, runs: &mut Vec<Arc<KeyRun>>) -> Result<(), Ended> {
        let from = self.dice.random_range(0..runs.len() - 1);
        let old = runs.split_off(from);
        let gives_up = self.dice.random_ratio(1, 8);
        if let Some(merged) = place.merge(&old, &mut || !gives_up)? {
            self.merged += 1;
            runs.push(Arc::new(merged));
            for run in &old {
                place.remove(run)?;
            }
        } else {
            runs.extend(old);
        }
        Ok(())
    }

    fn check(&self, runs: &[Arc<KeyRun>]) -> Result<(), Ended> {
        let through = runs.last().map_or(0, |run| run.span().through);
        assert!(through >= self.moved_out, "{through} < {}", self.moved_out);
        // One of each hash, and now and then another; the last for certain.
        let sampled = (1..self.moved_out).step_by(7).chain([self.moved_out]);
        for sequence in sampled.filter(|&sequence| sequence > 0) {
            let mut times = 0;
            for run in runs.iter().filter(|run| run.may_hold(hash(sequence))) {
                let found = run.find(hash(sequence))?;
                times += found.iter().filter(|&&found| found == sequence).count();
            }
            assert_eq!(times, 1, "{sequence} of {}", self.moved_out);
        }
        Ok(())
    }

    fn faults(&mut self) -> Faults {
        let mut faults = Faults::default();
        let at = Some(self.dice.random_range(0..80));
        match self.dice.random_range(0..6) {
            0..4 => faults.power_off_at = at,
            4 => faults.fail_write_at = at,
            _ => faults.fail_sync_at = at,
        }
        faults
    }
}

#[test]
fn d18_what_was_moved_out_of_memory_survives_every_crash() {
    let (mut published, mut merged, mut crashes) = (0, 0, 0);
    for seed in 0..RUNS {
        let mut life = Life {
            dice: ChaCha8Rng::seed_from_u64(seed),
            moved_out: 0,
            published: 0,
            merged: 0,
            crashes: 0,
        };
        let faults = life.faults();
        let mut disk = SimulatedDisk::new(life.dice.next_u64(), faults);
        for _ in 0..4 {
            let ended = life.live(&disk).unwrap_or_else(|ended| ended);
            life.crashes += u64::from(matches!(ended, Ended::Crashed));
            let faults = life.faults();
            disk = if life.dice.random_ratio(1, 3) {
                disk.after_kill(faults)
            } else {
                disk.after_power_cut(faults)
            };
        }
        let last = life.live(&disk.after_power_cut(Faults::default()));
        assert!(matches!(last, Ok(Ended::Well)), "seed {seed}");
        published += life.published;
        merged += life.merged;
        crashes += life.crashes;
    }
    println!("{published} runs published, {merged} merges, {crashes} crashes");
    assert!(published > RUNS && merged > RUNS / 2 && crashes > RUNS);
}
