//! The commit queue: every waiter is woken, the order is that of the sequences, and after an error
//! nothing more is told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;
use waika_server::commit::{CommitOptions, CommitQueue};
use waika_server::ledger::journal::disk::{Disk, Faults, MemoryDisk, SimulatedDisk};
use waika_server::ledger::journal::{Batch, Journal, JournalOptions};

const JOURNAL: JournalOptions = JournalOptions {
    segment_bytes: 16 << 10,
};
const LIMIT: Duration = Duration::from_secs(30);

fn journal(disk: Arc<dyn Disk>) -> (Journal, Vec<Vec<u8>>) {
    let mut entries = Vec::new();
    let journal = Journal::open(disk, JOURNAL, |_, entry| {
        entries.push(entry.to_vec());
        Ok::<_, Infallible>(())
    });
    (journal.unwrap(), entries)
}

fn queue(disk: Arc<dyn Disk>, cores: usize) -> CommitQueue {
    CommitQueue::start(journal(disk).0, cores, CommitOptions::default()).unwrap()
}

/// Runs a task on a runtime of one core, beside the loop that wakes its waiters.
fn on_core<T>(queue: &CommitQueue, core: usize, task: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let local = LocalSet::new();
    local.spawn_local(queue.wake_waiters(core));
    let limited = local.run_until(async { tokio::time::timeout(LIMIT, task).await });
    runtime.block_on(limited).unwrap()
}

#[test]
fn every_waiter_is_woken_and_the_journal_is_in_the_order_of_the_sequences() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_micros(50)));
    let queue = queue(Arc::clone(&disk), 8);
    let told = AtomicU64::new(0);
    thread::scope(|scope| {
        for core in 0..8 {
            let (queue, told) = (&queue, &told);
            scope.spawn(move || {
                let callers = (0..64).map(|caller| async move {
                    for call in 0..50 {
                        let entry = format!("core {core} caller {caller} call {call}");
                        let sequence = queue.append(entry.as_bytes()).unwrap();
                        queue.wait_durable(core, sequence).await.unwrap();
                        assert!(queue.durable() >= sequence);
                        told.fetch_add(1, Ordering::Relaxed);
                    }
                });
                on_core(queue, core, futures_util::future::join_all(callers));
            });
        }
    });
    assert_eq!(
        (told.into_inner(), queue.appended(), queue.pending()),
        (25_600, 25_600, 0)
    );
    queue.close().unwrap();
    let (journal, entries) = journal(disk);
    assert_eq!(entries.len(), 25_600);
    let sixth = String::from_utf8(entries[5].clone()).unwrap();
    assert_eq!(journal.reader().read(6).unwrap().unwrap(), sixth.as_bytes());
    // The calls of one caller follow each other.
    let mine = entries
        .iter()
        .filter(|entry| entry.starts_with(b"core 3 caller 7 "));
    let expected = (0..50).map(|call| format!("core 3 caller 7 call {call}").into_bytes());
    assert!(mine.cloned().eq(expected));
}

#[test]
fn a_caller_that_hangs_up_leaves_its_entry_and_no_waiter() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_millis(5)));
    let queue = queue(Arc::clone(&disk), 1);
    on_core(&queue, 0, async {
        let mut hung_up = 0;
        for _ in 0..50 {
            let sequence = queue.append(b"abandoned").unwrap();
            let wait = std::pin::pin!(queue.wait_durable(0, sequence));
            // On a busy machine one or the other is durable before it is asked about.
            hung_up += usize::from(futures_util::poll!(wait).is_pending());
        }
        assert!(hung_up > 0);
        let sequence = queue.append(b"kept").unwrap();
        queue.wait_durable(0, sequence).await.unwrap();
    });
    queue.close().unwrap();
    assert_eq!(journal(disk).1.len(), 51);
}

#[test]
fn close_commits_what_is_open_and_refuses_what_comes_later() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_millis(1)));
    let queue = queue(Arc::clone(&disk), 1);
    for _ in 0..100 {
        queue.append(b"entry").unwrap();
    }
    queue.close().unwrap();
    queue.close().unwrap();
    assert!(queue.append(b"late").is_err());
    assert_eq!(queue.durable(), 100);
    on_core(&queue, 0, async {
        queue.wait_durable(0, 100).await.unwrap();
        queue.wait_durable(0, 101).await.unwrap_err();
    });
    assert_eq!(journal(disk).1.len(), 100);
}

#[test]
fn a_batch_beyond_the_bound_becomes_several_records_in_order() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_millis(1)));
    let options = CommitOptions {
        record_bytes: 1_000,
        ..CommitOptions::default()
    };
    let queue = CommitQueue::start(journal(Arc::clone(&disk)).0, 1, options).unwrap();
    let entries: Vec<_> = (0..500_u32).map(|n| n.to_le_bytes().repeat(50)).collect();
    for entry in &entries {
        queue.append(entry).unwrap();
    }
    queue.close().unwrap();
    assert_eq!(journal(disk).1, entries);
}

#[test]
fn an_entry_that_no_record_may_hold_halts_the_queue() {
    let queue = queue(Arc::new(MemoryDisk::default()), 1);
    queue
        .append(&vec![0; Batch::MAX_ENTRY_BYTES + 1])
        .unwrap_err();
    queue.append(b"small").unwrap_err();
    assert!(
        on_core(&queue, 0, queue.halted())
            .to_string()
            .contains("too long")
    );
}

/// Appends one by one until the queue halts: how many were told of.
fn acknowledged_until_halt(queue: &CommitQueue) -> u64 {
    on_core(queue, 0, async {
        for call in 1..10_000_u64 {
            let Ok(sequence) = queue.append(&call.to_le_bytes().repeat(40)) else {
                return call - 1;
            };
            if queue.wait_durable(0, sequence).await.is_err() {
                queue.append(b"after the error").unwrap_err();
                queue.wait_durable(0, sequence).await.unwrap_err();
                queue.halted().await;
                return call - 1;
            }
        }
        panic!("the queue never halted");
    })
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_told_and_a_restart_keeps_what_was() {
    // The start takes 6 writes and 5 syncs; a failure of the segment prepared ahead is no halt.
    let mut halts = 0;
    for place in 6..130 {
        for faults in [
            Faults {
                fail_write_at: Some(place),
                ..Faults::default()
            },
            Faults {
                fail_sync_at: Some(place),
                ..Faults::default()
            },
            Faults {
                power_off_at: Some(place * 2),
                ..Faults::default()
            },
        ] {
            let disk = SimulatedDisk::new(place, faults);
            let Ok(journal) = Journal::open(Arc::new(disk.clone()), JOURNAL, |_, _| {
                Ok::<_, Infallible>(())
            }) else {
                continue;
            };
            let queue = CommitQueue::start(journal, 1, CommitOptions::default()).unwrap();
            let stop = Faults {
                capacity_bytes: Some(200_000),
                ..faults
            };
            disk.set_faults(stop);
            let told = acknowledged_until_halt(&queue);
            assert_eq!(queue.durable(), told, "{faults:?}");
            queue.close().unwrap_err();
            halts += 1;
            for after in [
                disk.after_kill(Faults::default()),
                disk.after_power_cut(Faults::default()),
            ] {
                let kept = self::journal(Arc::new(after)).1.len() as u64;
                assert!(
                    (told..=told + 1).contains(&kept),
                    "{faults:?}: {told} told, {kept} kept"
                );
            }
        }
    }
    assert!(halts > 300, "{halts}");
}

/// Whoever comes first after a quiet time has not waited for all of it.
#[test]
fn the_committer_is_late_only_for_what_waits() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new(Duration::from_millis(1)));
    let queue = queue(disk, 1);
    thread::sleep(Duration::from_secs(1));
    let quiet = queue.still_for();
    queue.append(b"the first for a while").unwrap();
    assert!(queue.still_for() < quiet);
}
