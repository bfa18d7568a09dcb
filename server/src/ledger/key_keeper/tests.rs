//! Keys that were moved out of memory answer like those in it, through restarts, merges and damage.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio::task::JoinHandle as Task;

use super::*;
use crate::ledger::journal::disk::{Disk as _, RealDisk};
use crate::ledger::policies::tests::config;
use crate::ledger::{Business, Call, GlobalOperation, LedgerError, OpenError, Rpc};
use waika_domain::identifiers::IdempotencyKey;

/// Nothing is moved out but by the test.
const NEVER: u64 = u64::MAX;

struct Stage {
    folder: TempDir,
    ledger: Arc<Ledger>,
    keeper: Keeper,
    waking: Task<()>,
}

fn open(folder: &Path) -> Result<Arc<Ledger>, OpenError> {
    let mut config = config(folder);
    config.keys_in_memory = NEVER;
    Ledger::open(&config, 1)
}

impl Stage {
    fn new() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap())
    }

    fn in_folder(folder: TempDir) -> Self {
        let ledger = open(folder.path()).unwrap();
        // What the test does is done by nobody else.
        ledger.key_keeper.close();
        let waking = Arc::clone(&ledger);
        let waking = tokio::spawn(async move { waking.wake_waiters(0).await });
        let keeper = Keeper {
            runs: ledger.key_keeper.keeper.runs.clone(),
            keeping: KeyKeeping::of(100),
            stop: AtomicBool::new(false),
            recent: Gauge::noop(),
            older: Gauge::noop(),
            memory: Gauge::noop(),
            leftover: Mutex::default(),
        };
        Self {
            folder,
            ledger,
            keeper,
            waking,
        }
    }

    /// The folder is free when this returns.
    async fn closed(self) -> TempDir {
        self.ledger.close();
        self.waking.abort();
        // Its end, which is that it was aborted.
        drop(self.waking.await);
        self.folder
    }

    async fn restarted(self) -> Self {
        Self::in_folder(self.closed().await)
    }

    /// Does something under a key of its number; its sequence, and whether that was a replay.
    async fn put(&self, number: u64) -> (u64, bool) {
        let put = GlobalOperation::SetShadow(None);
        let answered = self.ledger.submit_global(0, call(number), put).await;
        let answered = answered.unwrap();
        (answered.sequence, answered.replayed)
    }

    /// Keys that were not used before.
    async fn use_keys(&self, numbers: std::ops::Range<u64>) -> Vec<u64> {
        let mut sequences = Vec::new();
        for number in numbers {
            let (sequence, replayed) = self.put(number).await;
            assert!(!replayed, "{number}");
            sequences.push(sequence);
        }
        sequences
    }

    async fn assert_known(&self, sequences: &[u64]) {
        for (number, &sequence) in (0..).zip(sequences) {
            assert_eq!(self.put(number).await, (sequence, true), "key {number}");
        }
    }

    fn index(&self) -> &Idempotency {
        &self.ledger.authoriser.idempotency
    }

    fn spans(&self) -> Vec<(u64, u64)> {
        let runs = self.index().runs();
        let spans = runs.runs().iter().map(|run| run.span());
        spans.map(|span| (span.after, span.through)).collect()
    }
}

fn call(number: u64) -> Call {
    Call::new(
        Rpc::SetShadowPolicy,
        crate::caller::Caller::default(),
        IdempotencyKey::parse(&format!("k{number}")).unwrap(),
        Business::Fields(vec![("name", number)]),
    )
}

fn files(folder: &TempDir, ending: &str) -> Vec<String> {
    let disk = RealDisk::open_read_only(&folder.path().join("journal")).unwrap();
    let mut names = disk.list().unwrap();
    names.retain(|name| name.ends_with(ending));
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_key_that_was_moved_out_has_its_answer_through_restarts() {
    let mut stage = Stage::new();
    let mut sequences = stage.use_keys(0..300).await;
    stage.keeper.keep(&stage.ledger).unwrap();
    let (recent, older) = (stage.index().recent_keys(), stage.index().older_keys());
    assert_eq!(recent + older, 300);
    assert!(recent <= 100 && older >= 200, "{recent}");
    stage.assert_known(&sequences).await;
    for round in 0..3_u64 {
        if round == 1 {
            stage.ledger.take_snapshot().await.unwrap();
        }
        stage = stage.restarted().await;
        assert_eq!(stage.index().older_keys(), older, "round {round}");
        let recent = sequences.len() as u64 - older;
        assert_eq!(stage.index().recent_keys(), recent, "round {round}");
        stage.assert_known(&sequences).await;
        let next = 300 + round;
        sequences.extend(stage.use_keys(next..next + 1).await);
    }
    stage.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_runs_are_merged_and_keys_are_let_go_of_after_a_day_and_not_before() {
    let mut stage = Stage::new();
    let mut sequences = Vec::new();
    for round in 0..20_u64 {
        sequences.extend(stage.use_keys(round * 120..(round + 1) * 120).await);
        stage.keeper.keep(&stage.ledger).unwrap();
    }
    let runs = stage.spans();
    assert!(runs.len() < MERGED, "{runs:?}");
    assert!(runs.windows(2).all(|two| two[0].1 == two[1].0), "{runs:?}");
    assert_eq!(files(&stage.folder, ".run").len(), runs.len());
    stage.assert_known(&sequences).await;
    let kept = stage.spans();
    stage.keeper.keep(&stage.ledger).unwrap();
    assert_eq!(stage.spans(), kept, "a day is not over");

    stage.keeper.keeping.kept = Duration::ZERO;
    std::thread::sleep(Duration::from_millis(2));
    stage.keeper.keep(&stage.ledger).unwrap();
    let newest = stage.spans();
    assert_eq!(
        newest.as_slice(),
        &kept[kept.len() - 1..],
        "the newest stays"
    );
    assert_eq!(files(&stage.folder, ".run").len(), 1);
    stage.ledger.take_snapshot().await.unwrap();
    let stage = stage.restarted().await;
    assert_eq!(stage.spans(), newest);
    // What was kept for a day may be used again; what was not has its answer.
    assert!(!stage.put(0).await.1);
    let last = sequences.len() as u64 - 1;
    assert!(stage.put(last).await.1);
    stage.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_missing_or_damaged_is_refused_and_made_again_from_the_journal() {
    let stage = Stage::new();
    let sequences = stage.use_keys(0..300).await;
    stage.keeper.keep(&stage.ledger).unwrap();
    stage.ledger.take_snapshot().await.unwrap();
    let folder = stage.closed().await;
    let data = folder.path().join("journal");
    let runs = files(&folder, ".run");
    let newest = data.join(runs.last().unwrap());
    let whole = fs::read(&newest).unwrap();
    let refused = || open(folder.path()).unwrap_err().to_string();

    fs::remove_file(&newest).unwrap();
    let missing = refused();
    assert!(
        missing.contains("to keys-*.run files, and not all"),
        "{missing}"
    );
    fs::write(&newest, &whole[..whole.len() - 1]).unwrap();
    let cut = refused();
    assert!(cut.contains("move every keys-*.run"), "{cut}");
    // As the message says.
    for name in files(&folder, ".run")
        .into_iter()
        .chain(files(&folder, ".snap"))
    {
        fs::remove_file(data.join(name)).unwrap();
    }
    let stage = Stage::in_folder(folder);
    assert_eq!(stage.index().older_keys(), 0);
    stage.assert_known(&sequences).await;
    stage.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_keys_are_damaged_answers_nobody() {
    let stage = Stage::new();
    stage.use_keys(0..300).await;
    stage.keeper.keep(&stage.ledger).unwrap();
    let folder = stage.closed().await;
    let oldest = folder
        .path()
        .join("journal")
        .join(&files(&folder, ".run")[0]);
    let mut bytes = fs::read(&oldest).unwrap();
    bytes[64] ^= 1;
    fs::write(&oldest, bytes).unwrap();
    let stage = Stage::in_folder(folder);
    let put = GlobalOperation::SetShadow(None);
    let told = stage.ledger.submit_global(0, call(0), put).await;
    assert_eq!(told.unwrap_err(), LedgerError::Unreadable);
    stage.closed().await;
}
