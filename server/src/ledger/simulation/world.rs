//! What a simulated server takes for the world: its time, its randomness, and when a thread goes on.
//!
//! Each is a matter of the thread that asks: one that belongs to no simulation has the real ones.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::poll_fn;
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use waika_domain::period::Timestamp;

thread_local! {
    static WORLD: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
    static BATON: RefCell<Option<Baton>> = const { RefCell::new(None) };
}

/// The world of one history.
#[derive(Debug)]
pub(crate) struct World {
    /// What its seconds are added to where an instant is asked for.
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    began_at: Timestamp,
    now_ms: i64,
    dice: ChaCha8Rng,
    /// Who sleeps, by when they wake and by ticket.
    sleepers: BTreeMap<(i64, u64), Waker>,
    tickets: u64,
}

/// What a thread has that goes on only when it is told to.
#[derive(Debug)]
pub(super) struct Baton {
    pub(super) go: Receiver<()>,
    pub(super) paused: Sender<()>,
}

impl World {
    pub(super) fn new(seed: u64, began_at: Timestamp) -> Arc<Self> {
        let state = State {
            began_at,
            now_ms: began_at.unix_ms(),
            dice: ChaCha8Rng::seed_from_u64(!seed),
            sleepers: BTreeMap::new(),
            tickets: 0,
        };
        Arc::new(Self {
            began: crate::clock::monotonic(),
            state: Mutex::new(state),
        })
    }

    /// Makes it the world of this thread.
    pub(super) fn enter(self: &Arc<Self>) {
        WORLD.set(Some(Arc::clone(self)));
    }

    /// This thread is back in the real one.
    pub(super) fn leave() {
        WORLD.set(None);
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.state.lock().now_ms)
    }

    /// How long the world has been there.
    pub(super) fn passed_ms(&self) -> i64 {
        let state = self.state.lock();
        state.now_ms - state.began_at.unix_ms()
    }

    /// Lets time pass, and wakes whoever has slept long enough.
    pub(super) fn pass(&self, time_ms: i64) {
        let due = {
            let mut state = self.state.lock();
            state.now_ms += time_ms;
            let first_later = (state.now_ms + 1, 0);
            let later = state.sleepers.split_off(&first_later);
            std::mem::replace(&mut state.sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// How long the next sleeper has still to sleep.
    pub(super) fn next_wake_ms(&self) -> Option<i64> {
        let state = self.state.lock();
        let ((due, _), _) = state.sleepers.first_key_value()?;
        Some(due - state.now_ms)
    }
}

fn world() -> Option<Arc<World>> {
    WORLD.with_borrow(Clone::clone)
}

/// What the machine's clock shows there.
pub(crate) fn machine() -> Option<Timestamp> {
    world().map(|world| world.now())
}

/// What a clock that only measures shows there.
pub(crate) fn monotonic() -> Option<Instant> {
    let world = world()?;
    let state = world.state.lock();
    let passed = u64::try_from(state.now_ms - state.began_at.unix_ms());
    Some(world.began + Duration::from_millis(passed.unwrap_or_default()))
}

/// Random bits there.
pub(crate) fn random() -> Option<u128> {
    let world = world()?;
    let mut bytes = [0; 16];
    world.state.lock().dice.fill_bytes(&mut bytes);
    Some(u128::from_le_bytes(bytes))
}

/// Lets others go on, until this thread is told to; false on one that nobody tells.
pub(crate) fn pause() -> bool {
    BATON.with_borrow(|baton| {
        let Some(Baton { go, paused }) = baton else {
            return false;
        };
        // Nobody leads any more after a failure: then it goes on to its end.
        let _ = paused.send(()).map(|()| go.recv());
        true
    })
}

/// Makes this thread one that is told when to go on, and waits for the first time.
pub(super) fn wait_for_turns(baton: Baton) {
    let _ = baton.go.recv();
    BATON.set(Some(baton));
}

/// In the place of [`tokio::time::sleep`].
pub(crate) async fn sleep(time: Duration) {
    match world() {
        Some(world) => Sleep::begin(world, time).await,
        None => tokio::time::sleep(time).await,
    }
}

/// It took too long.
#[derive(Debug)]
pub(crate) struct Elapsed;

/// In the place of [`tokio::time::timeout`].
pub(crate) async fn timeout<F: IntoFuture>(
    time: Duration,
    future: F,
) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future.into_future());
    let mut end = pin!(sleep(time));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => end.as_mut().poll(context).map(|()| Err(Elapsed)),
    })
    .await
}

struct Sleep {
    world: Arc<World>,
    place: (i64, u64),
}

impl Sleep {
    fn begin(world: Arc<World>, time: Duration) -> Self {
        let mut state = world.state.lock();
        state.tickets += 1;
        let time_ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
        let place = (state.now_ms + time_ms, state.tickets);
        drop(state);
        Self { world, place }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.world.state.lock();
        if state.now_ms >= self.place.0 {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.place, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.state.lock().sleepers.remove(&self.place);
    }
}
