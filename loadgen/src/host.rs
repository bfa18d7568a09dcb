//! What this machine says of itself and of its processes.

use std::num::NonZeroU32;

use crate::clock::SECOND_NS;

/// The machine's name; empty where it is not told.
pub(crate) fn name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Processor time that a process has used so far, in nanoseconds, to a hundredth of a second.
/// `None` if there is no such process or this system does not tell.
pub(crate) fn cpu_of_process_ns(pid: NonZeroU32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = cpu_ticks(&stat)?;
    Some(ticks.saturating_mul(SECOND_NS / rustix::param::clock_ticks_per_second().max(1)))
}

/// User and system time in the text of `/proc/PID/stat`, whose second field may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Time that another guest of the same machine took from this one, and all time, in ticks over all
/// cores since the start. `None` where it is not told.
pub(crate) fn stolen_ticks() -> Option<(u64, u64)> {
    stolen(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn stolen(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0 20 0";
        assert_eq!(cpu_ticks(stat), Some(42));
        assert_eq!(cpu_ticks("rubbish"), None);
    }

    #[test]
    fn stolen_time_is_the_eighth_figure() {
        let stat = "cpu  10 0 10 70 2 1 2 5 99 99\ncpu0 1 1 1\n";
        assert_eq!(stolen(stat), Some((5, 100)));
        assert_eq!(stolen("cpu 1 2 3"), None);
    }

    #[test]
    fn this_process_uses_time() {
        assert!(cpu_of_process_ns(NonZeroU32::new(std::process::id()).unwrap()).is_some());
    }
}
