//! Waiting until a request is due.
//!
//! Tokio's own timer counts milliseconds. A timer file descriptor in the worker's own reactor wakes
//! it to the microsecond, costs one system call for each wait and nothing in between, so a server
//! on the same machine keeps its processor. Whichever is used, the lag of every request is
//! measured and reported.

use std::task::{Context, Poll};
use std::time::Duration;

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

/// Waits for one worker. Made and used inside its runtime.
#[derive(Debug)]
pub(crate) struct Pacer {
    pacing: Pacing,
    #[cfg(target_os = "linux")]
    timer: Option<Timer>,
}

impl Pacer {
    /// A pacer of this kind.
    pub(crate) fn new(pacing: Pacing) -> std::io::Result<Self> {
        Ok(Self {
            pacing,
            #[cfg(target_os = "linux")]
            timer: match pacing {
                Pacing::Hybrid => Some(Timer::new()?),
                Pacing::Sleep | Pacing::Spin => None,
            },
        })
    }

    /// Waits until `until_ns` on the monotonic clock, or until `poll_news` is ready, or until
    /// anything else wakes this task: the caller looks again at what is to be done.
    pub(crate) async fn wait(
        &mut self,
        now_ns: u64,
        until_ns: u64,
        poll_news: impl Fn(&mut Context<'_>) -> Poll<()>,
    ) {
        match self.pacing {
            Pacing::Spin => tokio::task::yield_now().await,
            Pacing::Sleep => sleep(now_ns, until_ns, poll_news).await,
            Pacing::Hybrid => self.wait_for_timer(now_ns, until_ns, poll_news).await,
        }
    }

    #[cfg(target_os = "linux")]
    async fn wait_for_timer(
        &mut self,
        now_ns: u64,
        until_ns: u64,
        poll_news: impl Fn(&mut Context<'_>) -> Poll<()>,
    ) {
        match &mut self.timer {
            Some(timer) => timer.wait(until_ns, poll_news).await,
            None => sleep(now_ns, until_ns, poll_news).await,
        }
    }

    #[cfg(not(target_os = "linux"))]
    async fn wait_for_timer(
        &mut self,
        now_ns: u64,
        until_ns: u64,
        poll_news: impl Fn(&mut Context<'_>) -> Poll<()>,
    ) {
        const MARGIN_NS: u64 = 1_500_000;
        if until_ns.saturating_sub(now_ns) > MARGIN_NS {
            sleep(now_ns, until_ns - MARGIN_NS, poll_news).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}

async fn sleep(now_ns: u64, until_ns: u64, poll_news: impl Fn(&mut Context<'_>) -> Poll<()>) {
    let pause = Duration::from_nanos(until_ns.saturating_sub(now_ns));
    let mut timer = std::pin::pin!(tokio::time::sleep(pause));
    let mut polled = false;
    std::future::poll_fn(|cx| {
        let woken = std::mem::replace(&mut polled, true);
        if woken || poll_news(cx).is_ready() {
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

        pub(super) async fn wait(
            &mut self,
            until_ns: u64,
            poll_news: impl Fn(&mut Context<'_>) -> Poll<()>,
        ) {
            let mut polled = false;
            std::future::poll_fn(|cx| {
                let woken = std::mem::replace(&mut polled, true);
                if woken || poll_news(cx).is_ready() {
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
