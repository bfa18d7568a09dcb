//! Waiting until a request is due.
//!
//! Tokio's own timer counts milliseconds. A timer file descriptor in the worker's own reactor wakes
//! it to the microsecond, costs one system call for each wait and nothing in between, so a server
//! on the same machine keeps its processor. Whichever is used, the lag of every request is
//! measured and reported.
//!
//! To sleep and to be woken costs more than a call. A worker that is busy, which is one whose turns
//! follow each other closely, therefore begins them [`APART_NS`] apart: what is due or has come by
//! then is sent and read together. That is all the lag that it adds, and a worker that is not
//! busy adds none.

use std::task::Poll;
use std::time::Duration;

use rustix::thread::{ClockId, clock_nanosleep_absolute};
use rustix::time::Timespec;

use crate::clock::SECOND_NS;

#[cfg(target_os = "linux")]
use timer::Timer;

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Pacing {
    /// Tokio's timer, to the millisecond: the cheapest.
    Sleep,
    /// A kernel timer, to some tens of microseconds.
    Hybrid,
    /// Never waiting: the most exact, and it takes a whole core.
    Spin,
}

impl Pacing {
    /// Its name in reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Hybrid => "hybrid",
            Self::Spin => "spin",
        }
    }
}

/// How far apart the turns of a busy worker begin, in nanoseconds.
const APART_NS: u64 = 50_000;

/// A turn with work that follows another with work by less than this belongs to a busy worker.
const BUSY_NS: u64 = 2 * APART_NS;

/// Waits for one worker. Made and used inside its runtime.
#[derive(Debug)]
pub(crate) struct Pacer {
    pacing: Pacing,
    /// When the last two turns began in which anything was to be done.
    turns_ns: (u64, u64),
    /// Whether this one is the later of them.
    was_busy: bool,
    #[cfg(target_os = "linux")]
    timer: Option<Timer>,
}

impl Pacer {
    /// A pacer of this kind.
    pub(crate) fn new(pacing: Pacing) -> std::io::Result<Self> {
        Ok(Self {
            pacing,
            turns_ns: (0, 0),
            was_busy: false,
            #[cfg(target_os = "linux")]
            timer: match pacing {
                Pacing::Hybrid => Some(Timer::new()?),
                Pacing::Sleep | Pacing::Spin => None,
            },
        })
    }

    /// Says when the turn began that is over now, and whether anything was to be done in it.
    pub(crate) fn end_turn(&mut self, began_ns: u64, has_worked: bool) {
        self.was_busy = has_worked;
        if has_worked {
            self.turns_ns = (began_ns, self.turns_ns.0);
        }
    }

    /// If the worker is busy, holds it until its next turn may begin, whatever happens meanwhile;
    /// else it does nothing. Whether it was held.
    pub(crate) async fn hold(&mut self) -> bool {
        let (this_ns, before_ns) = self.turns_ns;
        let is_busy = self.was_busy && this_ns.saturating_sub(before_ns) < BUSY_NS;
        if self.pacing != Pacing::Hybrid || !is_busy {
            return false;
        }
        sleep_thread_until(this_ns.saturating_add(APART_NS));
        // The sockets are looked at before the turn begins.
        tokio::task::yield_now().await;
        true
    }

    /// Waits until `until_ns` on the monotonic clock, or until anything else wakes this task, such
    /// as a connection that has news: the caller looks again at what is to be done.
    pub(crate) async fn wait(&mut self, now_ns: u64, until_ns: u64) {
        match self.pacing {
            Pacing::Spin => tokio::task::yield_now().await,
            Pacing::Sleep => sleep(now_ns, until_ns).await,
            Pacing::Hybrid => self.wait_for_timer(now_ns, until_ns).await,
        }
    }

    #[cfg(target_os = "linux")]
    async fn wait_for_timer(&mut self, now_ns: u64, until_ns: u64) {
        match &mut self.timer {
            Some(timer) => timer.wait(until_ns).await,
            None => sleep(now_ns, until_ns).await,
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn wait_for_timer(&mut self, now_ns: u64, until_ns: u64) {
        const MARGIN_NS: u64 = 1_500_000;
        if until_ns.saturating_sub(now_ns) > MARGIN_NS {
            sleep(now_ns, until_ns - MARGIN_NS).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Puts the whole thread to sleep: nobody else runs on it, and nothing on it may end the sleep.
fn sleep_thread_until(until_ns: u64) {
    let until = Timespec {
        tv_sec: i64::try_from(until_ns / SECOND_NS).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(until_ns % SECOND_NS).unwrap_or(0),
    };
    // A signal ends it early, and the turn begins early: no harm.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &until);
}

async fn sleep(now_ns: u64, until_ns: u64) {
    let pause = Duration::from_nanos(until_ns.saturating_sub(now_ns));
    let mut timer = std::pin::pin!(tokio::time::sleep(pause));
    let mut polled = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        timer.as_mut().poll(cx)
    })
    .await;
}

#[cfg(target_os = "linux")]
mod timer {
    use std::fs::File;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{AsyncRead as _, ReadBuf};
    use tokio::net::unix::pipe::Receiver;

    use crate::clock::SECOND_NS;

    /// A kernel timer that the runtime's reactor watches. It reads like a pipe: eight bytes each
    /// time it has fired.
    #[derive(Debug)]
    pub(super) struct Timer {
        descriptor: Receiver,
        armed_for_ns: u64,
    }

    impl Timer {
        pub(super) fn new() -> std::io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let descriptor = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Self {
                descriptor: Receiver::from_file_unchecked(File::from(descriptor))?,
                armed_for_ns: 0,
            })
        }

        pub(super) async fn wait(&mut self, until_ns: u64) {
            let mut polled = false;
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                self.arm(until_ns);
                self.poll_fired(cx)
            })
            .await;
        }

        fn arm(&mut self, until_ns: u64) {
            if self.armed_for_ns == until_ns {
                return;
            }
            let at = Itimerspec {
                it_interval: Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
                it_value: Timespec {
                    tv_sec: i64::try_from(until_ns / SECOND_NS).unwrap_or(i64::MAX),
                    tv_nsec: i64::try_from(until_ns % SECOND_NS).unwrap_or(0),
                },
            };
            // Fails only for times that are none; the worst is then a wait until the next answer.
            if timerfd_settime(&self.descriptor, TimerfdTimerFlags::ABSTIME, &at).is_ok() {
                self.armed_for_ns = until_ns;
            }
        }

        fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            // More room than the eight bytes: reading fewer tells the runtime that there are no more.
            let mut count = [0; 16];
            let mut buffer = ReadBuf::new(&mut count);
            Pin::new(&mut self.descriptor)
                .poll_read(cx, &mut buffer)
                .map(drop)
        }
    }
}
