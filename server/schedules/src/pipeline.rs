//! One face for the pipeline and for each of its faulty copies, so that one test fits all.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use crate::ledger::journal::Journal;

/// A future that a thread or a task can own.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The queue in front of a journal: `CommitQueue` in few words. The error of each is why it has ended.
pub trait Pipeline: Debug + Send + Sync {
    /// Another handle to the same queue.
    fn handle(&self) -> Box<dyn Pipeline>;
    /// Appends an entry and gives its sequence.
    fn append(&self, entry: &[u8]) -> Result<u64, String>;
    /// Completes when everything up to a sequence is durable.
    fn wait(&self, core: usize, sequence: u64) -> Boxed<'_, Result<(), String>>;
    /// The loop that wakes one core's waiters.
    fn wake(&self, core: usize) -> Boxed<'static, ()>;
    /// Completes with the error that ended it.
    fn halted(&self) -> Boxed<'static, String>;
    /// The highest sequence that is told as durable.
    fn durable(&self) -> u64;
    /// The highest sequence that was given out.
    fn appended(&self) -> u64;
    /// True once nothing more becomes durable.
    fn has_ended(&self) -> bool;
    /// Commits what is open and ends.
    fn close(&self) -> Result<(), String>;
}

/// How a pipeline is built.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The number of cores with waiters.
    pub cores: usize,
    /// The length of a record in bytes.
    pub record_bytes: usize,
    /// Commits are spaced when more than this wait.
    pub spacing_above: u64,
}

/// Builds a pipeline and its thread.
pub type Start = fn(Journal, Settings) -> Box<dyn Pipeline>;

/// Gives a module with a `CommitQueue` that face, and a function that starts one.
macro_rules! pipeline {
    ($start:ident, $($module:tt)*) => {
        /// Starts the pipeline of this module.
        pub fn $start(
            journal: crate::ledger::journal::Journal,
            settings: crate::pipeline::Settings,
        ) -> Box<dyn crate::pipeline::Pipeline> {
            let options = $($module)*::CommitOptions {
                spacing: crate::pipeline::SPACING,
                spacing_above: settings.spacing_above,
                record_bytes: settings.record_bytes,
                #[cfg(feature = "planted-faults")]
                tells_early: false,
            };
            let queue = $($module)*::CommitQueue::start(journal, settings.cores, options);
            Box::new(queue.expect("threads are never short here"))
        }

        impl crate::pipeline::Pipeline for $($module)*::CommitQueue {
            fn handle(&self) -> Box<dyn crate::pipeline::Pipeline> {
                Box::new(self.clone())
            }

            fn append(&self, entry: &[u8]) -> Result<u64, String> {
                Self::append(self, entry).map_err(|halted| halted.to_string())
            }

            fn wait(&self, core: usize, sequence: u64) -> crate::pipeline::Boxed<'_, Result<(), String>> {
                let wait = self.wait_durable(core, sequence);
                Box::pin(async move { wait.await.map_err(|halted| halted.to_string()) })
            }

            fn wake(&self, core: usize) -> crate::pipeline::Boxed<'static, ()> {
                Box::pin(self.wake_waiters(core))
            }

            fn halted(&self) -> crate::pipeline::Boxed<'static, String> {
                let halted = Self::halted(self);
                Box::pin(async move { halted.await.to_string() })
            }

            fn durable(&self) -> u64 {
                Self::durable(self)
            }

            fn appended(&self) -> u64 {
                Self::appended(self)
            }

            fn has_ended(&self) -> bool {
                Self::has_ended(self)
            }

            fn close(&self) -> Result<(), String> {
                Self::close(self).map_err(|halted| halted.to_string())
            }
        }
    };
}
pub(crate) use pipeline;

/// Any will do: the clock stands still.
pub(crate) const SPACING: Duration = Duration::from_millis(1);

pipeline!(start, crate::commit);
