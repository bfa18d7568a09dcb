//! One life of a server: opened over what a disk kept, called by clients, and ended.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::disk::PausingDisk;
use super::history::{Heard, History};
use super::job::Job;
use super::task::{Readers, Task};
use super::world::{World, pause};
use crate::commit::Committer;
use crate::config::{LedgerConfig, Store};
use crate::ledger::journal::disk::{Disk, SimulatedDisk};
use crate::ledger::journal::{Batch, Snapshots};
use crate::ledger::open::{OpenError, OpenStore};
use crate::ledger::{Ledger, key_keeper, policies, scrub, snapshot};
use crate::vault::Vault;

/// Runtimes, as the server counts them: each wakes its own callers.
const CORES: usize = 2;
const CLIENTS: usize = 4;
/// Turns after which whatever was asked for has its answer, if it ever has one.
const PATIENCE: u32 = 20_000;

/// A server that can be called, with everything that works for it.
pub(super) struct Life {
    history: Rc<History>,
    world: Arc<World>,
    pub(super) ledger: Arc<Ledger>,
    disk: SimulatedDisk,
    snapshots: Snapshots,
    /// Wants the next segment to be prepared.
    prepares: Arc<AtomicBool>,
    committer: Option<Job>,
    jobs: Vec<Job>,
    tasks: Vec<Task>,
}

impl Life {
    /// Opens a ledger, which may end at a call that the disk does not survive.
    pub(super) fn open(
        history: &Rc<History>,
        world: &Arc<World>,
        disk: &SimulatedDisk,
        segment_bytes: u64,
    ) -> Result<Self, OpenError> {
        let config = config(segment_bytes);
        let store: Arc<dyn Disk> = Arc::new(PausingDisk(disk.clone()));
        #[cfg(feature = "planted-faults")]
        let store = crate::planted::PlantedDisk::over(store, config.planted_fault);
        let store = OpenStore {
            disk: store,
            folder: "simulated".to_owned(),
            vault: Vault::from_key(&[7; 32]),
        };
        let mut given = None;
        let ledger = Ledger::open_over(store, &config, CORES, |_, committer| {
            given = Some(committer);
            Ok(())
        })?;
        // What its threads would do is done when the seed says so.
        ledger.key_keeper.close();
        let mut committer = given.expect("a ledger has a committer");
        let snapshots = committer.journal().snapshots();
        let prepares = Arc::new(AtomicBool::new(false));
        let wanted = Arc::clone(&prepares);
        let work = move |stop: &Arc<AtomicBool>| commit(committer, &wanted, stop);
        let mut life = Self {
            history: Rc::clone(history),
            world: Arc::clone(world),
            disk: disk.clone(),
            snapshots,
            prepares,
            committer: Some(Job::begin("commit", world, work)),
            jobs: Vec::new(),
            tasks: Vec::new(),
            ledger,
        };
        life.begin_tasks();
        Ok(life)
    }

    fn begin_tasks(&mut self) {
        for core in 0..CORES {
            let ledger = Arc::clone(&self.ledger);
            let wakes = async move { ledger.wake_waiters(core).await };
            self.tasks
                .push(Task::new(format!("core {core}"), false, wakes));
        }
        let tends = Arc::clone(&self.ledger).tend_issuers(0);
        self.tasks
            .push(Task::new("advices".to_owned(), false, tends));
        for _ in 0..CLIENTS {
            self.tasks.push(self.client(self.tasks.len()));
        }
    }

    fn client(&self, number: usize) -> Task {
        let (history, ledger) = (Rc::clone(&self.history), Arc::clone(&self.ledger));
        let calls = async move {
            while history.calling.get() {
                let asked = history.draw(ledger.authoriser.clock.now());
                history.asks(&asked);
                let answer = asked.ask(&ledger, number % CORES).await;
                if history.hears(&asked, answer) == Heard::Nothing {
                    return;
                }
            }
        };
        Task::new(format!("client {number}"), true, calls)
    }

    /// Does one thing, chosen by the seed.
    pub(super) async fn step(&mut self) {
        let history = Rc::clone(&self.history);
        match history.below(100) {
            0..45 => self.poll_one(),
            45..70 => self.commit_a_little(),
            70..82 => self.work_a_little(),
            82..92 => self.let_tasks_run().await,
            92..97 => self.let_time_pass(),
            97 => self.prepares.store(true, Ordering::Relaxed),
            98 => self.begin_a_job(),
            _ => self.hang_up(),
        }
        self.history.off.set(self.is_off());
    }

    /// The disk has no power any more.
    pub(super) fn is_off(&self) -> bool {
        self.disk.list().is_err()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.is_off() || self.ledger.queue.has_ended()
    }

    pub(super) fn snapshots(&self) -> Snapshots {
        self.snapshots.clone()
    }

    pub(super) fn is_taking_a_snapshot(&self) -> bool {
        self.jobs.iter().any(|job| job.name == "snapshot")
    }

    fn poll_one(&mut self) {
        let ready = self.tasks.iter_mut().filter(|task| task.is_ready());
        let mut ready: Vec<_> = ready.collect();
        let Some(place) = self
            .history
            .pick(&(0..ready.len()).collect::<Vec<_>>())
            .copied()
        else {
            return;
        };
        self.history.note(&ready[place].name);
        let readers = Readers::hold();
        ready[place].poll();
        readers.let_go();
    }

    /// Lets the committer go on to its next call of the disk.
    fn commit_a_little(&mut self) {
        if let Some(mut committer) = self.committer.take() {
            let goes_on = committer.go_on();
            self.history.note(format_args!(
                "commit: {} of {}",
                self.ledger.queue.durable(),
                self.ledger.queue.appended()
            ));
            self.committer = goes_on.then_some(committer);
        }
    }

    fn work_a_little(&mut self) {
        let places: Vec<_> = (0..self.jobs.len()).collect();
        let Some(place) = self.history.pick(&places).copied() else {
            return;
        };
        self.history.note(self.jobs[place].name);
        if !self.jobs[place].go_on() {
            self.history.note("  ended");
            drop(self.jobs.swap_remove(place));
        }
    }

    /// Lets what the server has begun by itself go on: calls between their entries.
    async fn let_tasks_run(&mut self) {
        self.history.note("tasks");
        let readers = Readers::hold();
        tokio::task::yield_now().await;
        readers.let_go();
    }

    fn let_time_pass(&mut self) {
        const DAY_MS: i64 = 86_400_000;
        const HOUR_MS: i64 = 3_600_000;
        let history = &self.history;
        let now = self.world.now();
        let below = |bound: u64| i64::try_from(history.below(bound)).unwrap();
        let (time_ms, is_little) = match history.below(20) {
            0..9 => (below(400), true),
            9..13 => (self.world.next_wake_ms().unwrap_or_default(), true),
            13..17 => (below(120_000), false),
            17 => (below(2_000_000), false),
            18 => {
                let midnight = now.day().plus_days(1).start().unix_ms();
                (midnight - now.unix_ms() - below(3), false)
            }
            _ => {
                let days = i64::from(history.one_in(8)) * 334 * DAY_MS;
                (
                    now.month().end().unix_ms() - now.unix_ms() - below(3) + days,
                    false,
                )
            }
        };
        // Where keys are moved out of memory, they are forgotten after a day. Of that some is left for what
        // waits for a moment only: it would wait for ever.
        let most_ms = if is_little { DAY_MS } else { DAY_MS - HOUR_MS };
        let is_too_long = self.world.passed_ms() + time_ms > most_ms;
        let time_ms = if history.moves_keys && is_too_long {
            0
        } else {
            time_ms.max(0)
        };
        history.note(format_args!("{time_ms} ms pass"));
        self.world.pass(time_ms);
        let ended = i64::from(self.world.now().month().number() - now.month().number());
        history.count(|counts| counts.month_ends += u64::try_from(ended).unwrap_or_default());
    }

    fn begin_a_job(&mut self) {
        let name = *self.history.pick(&["snapshot", "keys", "scrub"]).unwrap();
        let is_under_way = self.jobs.iter().any(|job| job.name == name);
        if is_under_way || (name == "keys" && !self.history.moves_keys) {
            return;
        }
        self.history.note(format_args!("{name} begins"));
        let (ledger, snapshots) = (Arc::clone(&self.ledger), self.snapshots.clone());
        let job = match name {
            "snapshot" => {
                self.history.count(|counts| counts.snapshots += 1);
                Job::begin(name, &self.world, move |stop| {
                    // One that is given up is no fault.
                    drop(snapshot::take_at_once(&ledger, &snapshots, stop));
                })
            }
            "keys" => Job::begin(name, &self.world, move |_| {
                drop(key_keeper::keep_at_once(&ledger, 4));
            }),
            _ => {
                self.history.count(|counts| counts.scrubs += 1);
                let disk = self.disk.clone();
                Job::begin(name, &self.world, move |stop| {
                    let looked = scrub::look_at_all(&ledger, snapshots, Arc::clone(stop));
                    assert!(looked.is_ok() || disk.list().is_err(), "scrub: {looked:?}");
                })
            }
        };
        self.jobs.push(job);
    }

    /// A client waits no longer. What it asked for goes on, or not.
    fn hang_up(&mut self) {
        if !self.history.one_in(4) {
            return;
        }
        let first = CORES + 1; // behind those that wake, and the advices
        let places: Vec<_> = (first..first + CLIENTS).collect();
        let place = *self.history.pick(&places).unwrap();
        self.history
            .note(format_args!("{} hangs up", self.tasks[place].name));
        self.history.count(|counts| counts.hung_up += 1);
        self.tasks[place] = self.client(place);
    }

    /// Goes on with everything until all calls have their answers and all of it is durable.
    pub(super) async fn settle(&mut self) {
        self.history.note("settles");
        for _ in 0..PATIENCE {
            if self.has_ended() || self.is_settled() {
                return;
            }
            self.step().await;
        }
        let waiting = self.tasks.iter().filter(|task| task.client && !task.ended);
        let waiting: Vec<_> = waiting.map(|task| task.name.as_str()).collect();
        panic!("no end is in sight, and these wait: {waiting:?}");
    }

    fn is_settled(&self) -> bool {
        let calls_wait = self.tasks.iter().any(|task| task.client && !task.ended);
        let authoriser = &self.ledger.authoriser;
        let is_held = authoriser.under_way.oldest().is_some() || authoriser.owed.len() > 0;
        !calls_wait && !is_held && self.jobs.is_empty() && self.ledger.queue.pace().pending == 0
    }

    /// Runs one future beside everything else, for its answer.
    pub(super) async fn run<T: 'static>(&mut self, future: impl Future<Output = T> + 'static) -> T {
        let (told, answer) = mpsc::channel();
        let task = async move { drop(told.send(future.await)) };
        self.tasks.push(Task::new("oracle".to_owned(), true, task));
        self.settle().await;
        self.tasks.retain(|task| !task.ended);
        answer
            .try_recv()
            .expect("nothing ends a server on a good disk")
    }

    /// Ends everything that works for it, on the disk as it was.
    pub(super) fn end(mut self) {
        self.tasks.clear();
        self.jobs.drain(..).for_each(Job::end);
        self.committer.take().into_iter().for_each(Job::end);
        self.ledger.close();
    }
}

/// What the thread that commits does, with the pauses of a simulation.
fn commit(mut committer: Committer, prepares: &AtomicBool, stop: &AtomicBool) {
    let mut batch = Batch::new();
    while !stop.load(Ordering::Relaxed) {
        if prepares.swap(false, Ordering::Relaxed) {
            // The journal goes on without.
            drop(committer.journal().prepare_next());
        }
        if committer.is_idle() {
            pause();
        } else if committer.commit_next(&mut batch).is_none() {
            return;
        }
    }
}

fn config(segment_bytes: u64) -> LedgerConfig {
    LedgerConfig {
        store: Store::Memory {
            delay: Duration::ZERO,
        },
        segment_bytes,
        keys_in_memory: u64::MAX,
        #[cfg(feature = "planted-faults")]
        planted_fault: super::planted::fault(),
        ..policies::tests::config(Path::new("simulated"))
    }
}
