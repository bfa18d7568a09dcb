//! What the journal costs: CPU and time for each 140-byte event, and how fast it is read back.
//!
//! `cargo run --release --example journal_bench -- [FOLDER]`; the folder decides which disk.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement ends at the first surprise"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a measurement ends at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "the figures are what this is for")]
#![expect(
    clippy::cast_precision_loss,
    reason = "figures are printed, not compared"
)]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use waika_server::clock::monotonic;
use waika_server::commit::{CommitOptions, CommitQueue};
use waika_server::ledger::journal::disk::RealDisk;
use waika_server::ledger::journal::{
    Batch, Journal, JournalOptions, Replay, SnapshotBlock, Verified, verify,
};

const EVENT: [u8; 140] = [b'e'; 140];

fn main() {
    let base = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    println!(
        "batch      events  thread CPU/event  process CPU/event  events/s  commit p50, p99, p99.9"
    );
    for batch in [26, 128, 512] {
        let folder = tempfile::tempdir_in(&base).unwrap();
        commit_batches(folder.path(), batch, 6_000);
    }
    for in_flight in [64, 256, 1_024] {
        let folder = tempfile::tempdir_in(&base).unwrap();
        group_commits(folder.path(), in_flight);
    }
    let folder = tempfile::tempdir_in(&base).unwrap();
    recover(folder.path(), 5_000_000);
    start_from_snapshot(folder.path(), 200_000_000);
    check(folder.path());
}

fn open(folder: &Path, mut on_entry: impl FnMut(&[u8])) -> Journal {
    let disk = Arc::new(RealDisk::open(folder).unwrap());
    let options = JournalOptions::default();
    Journal::open(disk, options, |_, entry| {
        on_entry(entry);
        Ok::<_, Infallible>(())
    })
    .unwrap()
}

fn fill(batch: &mut Batch, count: u32) {
    batch.clear();
    (0..count).for_each(|_| batch.push(&EVENT));
}

/// The bare journal: batches of one size, one after the other.
fn commit_batches(folder: &Path, size: u32, commits: usize) {
    let mut journal = open(folder, |_| ());
    let mut batch = Batch::new();
    let mut times = Vec::with_capacity(commits);
    let cpu_before = cpu();
    let begun_at = monotonic();
    for _ in 0..commits {
        journal.prepare_in_background();
        fill(&mut batch, size);
        let before = monotonic();
        journal.commit(&mut batch).unwrap();
        times.push(before.elapsed());
    }
    let (elapsed, cpu_after) = (begun_at.elapsed(), cpu());
    let events = commits as f64 * f64::from(size);
    let [thread, process] =
        [0, 1].map(|at| cpu_after[at].saturating_sub(cpu_before[at]).as_secs_f64() * 1e6 / events);
    times.sort_unstable();
    let at = |per_mille: usize| times[(commits - 1) * per_mille / 1000].as_secs_f64() * 1e3;
    let rate = events / elapsed.as_secs_f64();
    println!(
        "{size:>5} {events:>11} {thread:>13.2} µs {process:>15.2} µs {rate:>9.0}  \
         {:.2} {:.2} {:.2} ms (longest {:.1})",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
}

/// The pipeline: callers on one core, each with one call in flight.
fn group_commits(folder: &Path, in_flight: usize) {
    let queue = CommitQueue::start(open(folder, |_| ()), 1, CommitOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let calls = 200_000 / in_flight;
    let cpu_before = cpu();
    let begun_at = monotonic();
    runtime.spawn(queue.wake_waiters(0));
    runtime.block_on(async {
        let callers = (0..in_flight).map(|_| {
            let queue = queue.clone();
            runtime.spawn(async move {
                for _ in 0..calls {
                    let sequence = queue.append(&EVENT).unwrap();
                    queue.wait_durable(0, sequence).await.unwrap();
                }
            })
        });
        join_all(callers).await;
    });
    let rate = (calls * in_flight) as f64 / begun_at.elapsed().as_secs_f64();
    let process =
        cpu()[1].saturating_sub(cpu_before[1]).as_secs_f64() * 1e6 / (calls * in_flight) as f64;
    println!("group commit, {in_flight} in flight: {rate:.0} events/s, {process:.2} µs CPU each");
    queue.close().unwrap();
}

fn recover(folder: &Path, events: u32) {
    let mut journal = open(folder, |_| ());
    let mut batch = Batch::new();
    for _ in 0..events / 500 {
        fill(&mut batch, 500);
        journal.commit(&mut batch).unwrap();
        journal.prepare_in_background();
    }
    drop(journal);
    let (mut count, mut bytes) = (0_u64, 0);
    let begun_at = monotonic();
    drop(open(folder, |entry| {
        count += 1;
        bytes += entry.len();
    }));
    let elapsed = begun_at.elapsed();
    let rate = count as f64 / elapsed.as_secs_f64() / 1e6;
    println!("recovery: {count} events, {bytes} bytes in {elapsed:.2?}: {rate:.1} M events/s");
}

/// Counts what a start hands over.
#[derive(Default)]
struct Counting {
    records: u64,
    bytes: usize,
    entries: u64,
}

impl Replay for Counting {
    type Error = Infallible;

    fn block(&mut self, block: SnapshotBlock) -> Result<(), Infallible> {
        self.records += u64::from(block.count());
        self.bytes += block.records().map(<[u8]>::len).sum::<usize>();
        Ok(())
    }

    fn entry(&mut self, _: u64, _: &[u8]) -> Result<(), Infallible> {
        self.entries += 1;
        Ok(())
    }
}

/// A snapshot of so many bytes at the end of the journal that is there.
fn start_from_snapshot(folder: &Path, bytes: usize) {
    let journal = open(folder, |_| ());
    let begun_at = monotonic();
    let mut writer = journal.snapshots().begin(journal.durable()).unwrap();
    for number in 0..bytes / 200 {
        writer.push(&[number.to_le_bytes(); 25].concat()).unwrap();
    }
    let published = writer.publish(journal.durable()).unwrap();
    println!(
        "snapshot: {published}, written in {:.2?}",
        begun_at.elapsed()
    );
    drop(journal);
    for _ in 0..3 {
        let disk = Arc::new(RealDisk::open(folder).unwrap());
        let mut counting = Counting::default();
        let begun_at = monotonic();
        let opened = Journal::open_with(disk, JournalOptions::default(), &mut counting).unwrap();
        let elapsed = begun_at.elapsed();
        let first_read = monotonic();
        opened.journal.reader().read(1).unwrap();
        let Counting {
            records,
            bytes,
            entries,
        } = counting;
        println!(
            "start from it: {records} records, {bytes} bytes and {entries} entries in \
             {elapsed:.2?}; the first read of an old segment indexes it in {:.2?}",
            first_read.elapsed()
        );
    }
}

fn check(folder: &Path) {
    for jobs in [1, 2] {
        let disk = RealDisk::open_read_only(folder).unwrap();
        let begun_at = monotonic();
        let verified = verify(&disk, jobs, &(), &|_, _| Ok(())).unwrap();
        assert_eq!(verified.damages, []);
        let elapsed = begun_at.elapsed();
        let Verified { entries, bytes, .. } = verified;
        println!("check on {jobs} threads: {entries} entries, {bytes} bytes in {elapsed:.2?}");
    }
}

/// The CPU time of this thread, and of the process (to 10 ms).
fn cpu() -> [Duration; 2] {
    let thread = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let thread = thread.split(' ').next().unwrap().parse().unwrap();
    let process = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = process
        .rsplit(')')
        .next()
        .unwrap()
        .split(' ')
        .skip(12)
        .take(2);
    let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
    [
        Duration::from_nanos(thread),
        Duration::from_millis(ticks * 10),
    ]
}
