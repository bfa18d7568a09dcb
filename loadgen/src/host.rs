//! What this machine says of itself and of its processes.

use std::num::NonZeroU32;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

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

/// Processor time that a process has used so far, in nanoseconds, threads that have ended included.
/// `None` if there is no such process or this system does not tell.
pub(crate) fn cpu_of_process_ns(pid: NonZeroU32) -> Option<u64> {
    clock_of_process_ns(pid).or_else(|| ticks_of_process_ns(pid))
}

/// By the process's own clock, to the nanosecond.
fn clock_of_process_ns(pid: NonZeroU32) -> Option<u64> {
    let pid = Pid::from_raw(i32::try_from(pid.get()).ok()?);
    let used = clock_getcpuclockid(pid).ok()?.now().ok()?;
    let seconds = u64::try_from(used.tv_sec()).ok()?;
    let rest = u64::try_from(used.tv_nsec()).ok()?;
    Some(seconds * SECOND_NS + rest)
}

/// As its ticks tell, to a hundredth of a second.
fn ticks_of_process_ns(pid: NonZeroU32) -> Option<u64> {
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

/// Time in which this machine's cores did anything, and all time, in ticks over all cores since the
/// start. `None` where it is not told.
pub(crate) fn busy_ticks() -> Option<(u64, u64)> {
    busy(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn busy(stat: &str) -> Option<(u64, u64)> {
    let ticks = first_ticks(stat)?;
    let all: u64 = ticks.iter().sum();
    // The fourth is idle, the fifth waits for disks, the eighth is others'.
    let not_ours = ticks.get(3)? + ticks.get(4)? + ticks.get(7)?;
    Some((all - not_ours, all))
}

/// Time that another guest of the same machine took from this one, and all time, in ticks over all
/// cores since the start. `None` where it is not told.
pub(crate) fn stolen_ticks() -> Option<(u64, u64)> {
    stolen(&std::fs::read_to_string("/proc/stat").ok()?)
}

fn stolen(stat: &str) -> Option<(u64, u64)> {
    let ticks = first_ticks(stat)?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

/// The first eight figures of all cores together in the text of `/proc/stat`.
fn first_ticks(stat: &str) -> Option<Vec<u64>> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields = line.split_ascii_whitespace().take(8);
    Some(fields.map_while(|field| field.parse().ok()).collect())
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
    fn busy_time_is_neither_idle_nor_others() {
        let stat = "cpu  10 0 10 70 2 1 2 5 99 99\n";
        assert_eq!(busy(stat), Some((23, 100)));
        assert_eq!(busy("cpu 1 2 3"), None);
    }

    #[test]
    fn this_process_uses_time_and_both_ways_tell_it() {
        let own = NonZeroU32::new(std::process::id()).unwrap();
        let before_ns = cpu_of_process_ns(own).unwrap();
        let clock_ns = clock_of_process_ns(own).unwrap();
        let ticks_ns = ticks_of_process_ns(own).unwrap();
        let after_ns = clock_of_process_ns(own).unwrap();
        assert!(before_ns <= clock_ns && clock_ns <= after_ns);
        // Each of two sums is cut to a tick.
        assert!(ticks_ns <= after_ns + 20_000_000, "{ticks_ns} {after_ns}");
        assert_eq!(cpu_of_process_ns(NonZeroU32::MAX), None);
    }
}
