//! Being asked to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask this program to stop: Ctrl-C, SIGTERM, a terminal that is closed and
/// Ctrl-\. The last two are left alone where whoever started this program has it ignore them, as
/// `nohup` does.
#[derive(Debug)]
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
    quit: Option<Signal>,
}

impl StopSignals {
    /// Begins to listen; from now on the signals do not end the process by themselves. Each
    /// listener hears all of them.
    pub(crate) fn listen() -> std::io::Result<Self> {
        // Where the system does not tell what is ignored, nothing is taken to be.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let unless_ignored = |kind| {
            let is_wanted = !ignores(&status, kind);
            is_wanted.then(|| signal(kind)).transpose()
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: unless_ignored(SignalKind::hangup())?,
            quit: unless_ignored(SignalKind::quit())?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = heard(&mut self.hangup) => {}
            () = heard(&mut self.quit) => {}
        }
    }
}

/// Waits for a signal; for ever if it is left alone.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether a process with this `/proc/PID/status` ignores the signal.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_is_found_in_the_mask() {
        let check = |status: &str, hangup: bool, quit: bool| {
            assert_eq!(ignores(status, SignalKind::hangup()), hangup, "{status}");
            assert_eq!(ignores(status, SignalKind::quit()), quit, "{status}");
        };
        check("", false, false);
        check("SigIgn:\tnonsense", false, false);
        check("SigIgn:\t0000000000001000\n", false, false);
        check(
            "SigBlk:\t0000000000000005\nSigIgn:\t0000000000000001\n",
            true,
            false,
        );
        check("SigIgn:\t0000000000000006\n", false, true);
    }
}
