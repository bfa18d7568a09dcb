//! Pure: all blocks of one arm together, and what speaks against them.

use super::block::Block;
use crate::figures::{count_as_real, share};
use crate::recorder::Times;
use crate::report::TimeFacts;
use crate::validity::{self, LEAST_DECIDED, LEAST_SENT, Tail};

/// All blocks of one arm together, of the pairs that are used.
#[derive(Debug)]
pub(super) struct ArmSum {
    name: &'static str,
    /// Requests that were due, were sent, were decided and were approved.
    counts: [u64; 4],
    times: Times,
    /// The sum over blocks of what the generator's busiest worker used of its core.
    worker_cpu: f64,
    blocks: u64,
}

impl ArmSum {
    /// Nothing yet, of the arm with this name.
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            counts: [0; 4],
            times: Times::new(),
            worker_cpu: 0.0,
            blocks: 0,
        }
    }

    /// Takes in one block more.
    pub(super) fn add(&mut self, block: &Block) {
        let counts = self.counts.iter_mut().zip(block.counts);
        counts.for_each(|(sum, count)| *sum += count);
        self.times.add(&block.times);
        self.worker_cpu += block.worker_cpu;
        self.blocks += 1;
    }

    /// The share of what was decided that was approved.
    pub(super) fn approved(&self) -> f64 {
        let [_, _, decided, approved] = self.counts;
        share(approved, decided)
    }

    /// Why it did not do its work, whatever is compared.
    pub(super) fn undone(&self) -> Vec<String> {
        let (name, [due, sent, decided, _]) = (self.name, self.counts);
        let mut doubts = Vec::new();
        if share(sent, due) < LEAST_SENT && due > 0 {
            doubts.push(format!(
                "{name} was sent only {:.2} % of what was due: the rate is more than it can keep up (a lower --rate, or \
                 --closed)",
                share(sent, due) * 100.0
            ));
        }
        if share(decided, sent) < LEAST_DECIDED && sent > 0 {
            doubts.push(format!(
                "{name} decided only {:.1} % of what it was sent",
                share(decided, sent) * 100.0
            ));
        }
        doubts
    }

    /// Why its times are not to be believed: the generator's own lag, and its processor time.
    pub(super) fn untimely(&self) -> Vec<String> {
        let tail = |facts: TimeFacts| Tail {
            p99_ns: facts.p99_ns,
            max_ns: facts.max_ns,
        };
        let doubts = validity::doubts_of_generator(
            tail(TimeFacts::of(&self.times.lag)),
            tail(TimeFacts::of(&self.times.response)),
            &[self.worker_cpu / count_as_real(self.blocks.max(1))],
        );
        let named = doubts.iter().map(|doubt| format!("{}: {doubt}", self.name));
        named.collect()
    }
}
