//! Stops asking an issuer that does not answer, and asks a few times whether it is back.
//!
//! While all is well, a call is let through by a look at two numbers, without a lock.

mod machine;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Gauge};
use parking_lot::Mutex;

use self::machine::{Machine, Standing};
use crate::clock;

pub(super) use self::machine::Pass;

/// What a breaker tells of itself.
pub(super) struct BreakerMetrics {
    /// 0 closed, 1 half-open, 2 open.
    pub(super) state: Gauge,
    pub(super) opened: Counter,
}

/// The breaker of one issuer.
pub(super) struct Breaker {
    began: Instant,
    /// [`Machine::shut_until`], in nanoseconds since it began.
    shut_until: AtomicU64,
    /// The machine's.
    era: AtomicU64,
    machine: Mutex<Machine>,
    /// Who it is of, for the log.
    issuer: &'static str,
    metrics: BreakerMetrics,
}

impl Breaker {
    pub(super) fn new(issuer: &'static str, metrics: BreakerMetrics) -> Self {
        metrics.state.set(0.0);
        Self {
            began: clock::monotonic(),
            shut_until: AtomicU64::new(0),
            era: AtomicU64::new(0),
            machine: Mutex::new(Machine::new()),
            issuer,
            metrics,
        }
    }

    /// Lets a call through, or not.
    pub(super) fn admit(&self) -> Option<Pass> {
        let shut_until = self.shut_until.load(Ordering::Acquire);
        if shut_until == 0 {
            // If it opens in between, the pass is of an era in which it does not count.
            let era = self.era.load(Ordering::Acquire);
            return Some(Pass { era });
        }
        if nanos(self.began.elapsed()) < shut_until {
            return None;
        }
        self.change(Machine::admit)
    }

    /// A call ended: heard, not heard, or (None) it was not made.
    pub(super) fn ended(&self, pass: Pass, heard: Option<bool>) {
        self.change(|machine, now| machine.ended(pass, heard, now));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Machine, Duration) -> T) -> T {
        let mut machine = self.machine.lock();
        let before = machine.era;
        let changed = change(&mut machine, self.began.elapsed());
        let shut_until = nanos(machine.shut_until());
        self.shut_until.store(shut_until, Ordering::Release);
        self.era.store(machine.era, Ordering::Release);
        if machine.era != before {
            self.tell(machine.standing(), machine.rest);
        }
        changed
    }

    fn tell(&self, standing: Standing, rest: Duration) {
        let issuer = self.issuer;
        self.metrics.state.set(match standing {
            Standing::Closed => 0.0,
            Standing::HalfOpen => 1.0,
            Standing::Open => 2.0,
        });
        match standing {
            Standing::Closed => tracing::info!(issuer, "answers again and is asked"),
            Standing::HalfOpen => tracing::debug!(issuer, "is asked whether it answers"),
            Standing::Open => {
                self.metrics.opened.increment(1);
                tracing::warn!(issuer, ?rest, "does not answer and is left alone");
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_probes_wait_for_the_machine() {
        let metrics = BreakerMetrics {
            state: Gauge::noop(),
            opened: Counter::noop(),
        };
        let breaker = Breaker::new("VISA", metrics);
        let locked = breaker.machine.lock();
        let passes: Vec<_> = (0..20).filter_map(|_| breaker.admit()).collect();
        assert_eq!(passes.len(), 20, "without the lock");
        drop(locked);
        for pass in passes {
            breaker.ended(pass, Some(false));
        }
        let locked = breaker.machine.lock();
        assert_eq!(breaker.admit(), None, "without the lock");
        drop(locked);
    }
}
