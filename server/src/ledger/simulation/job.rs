//! A thread that goes on only when it is told to, from one rest or change of the disk to the next, so that
//! one thread runs at a time and the seed says which.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use super::world::{Baton, World, wait_for_turns};

#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: &'static str,
    go: Sender<()>,
    paused: Receiver<()>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Job {
    /// Begins one, which does nothing before it is told to. It looks at the flag for whether it is to end.
    pub(super) fn begin(
        name: &'static str,
        world: &Arc<World>,
        work: impl FnOnce(&Arc<AtomicBool>) + Send + 'static,
    ) -> Self {
        let (go, goes) = mpsc::channel();
        let (told, paused) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (world, is_stopped) = (Arc::clone(world), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            world.enter();
            wait_for_turns(Baton {
                go: goes,
                paused: told,
            });
            work(&is_stopped);
        });
        Self {
            name,
            go,
            paused,
            stop,
            thread: Some(thread),
        }
    }

    /// Lets it go on until it pauses again; false once it has ended.
    pub(super) fn go_on(&mut self) -> bool {
        // One that has ended does not hear it.
        let _ = self.go.send(());
        if self.paused.recv().is_ok() {
            return true;
        }
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        false
    }

    /// Tells it to end, and waits for that.
    pub(super) fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.go_on() {}
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
