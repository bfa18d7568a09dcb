//! What the process takes of its machine, by the names that every Prometheus client library gives it.

use std::fmt::Write as _;

use procfs::process::{LimitValue, Process};
use procfs::{boot_time_secs, page_size, ticks_per_second};

use crate::metrics::head;

/// One figure: its name, its kind, what it means, and what it is.
type Figure = (&'static str, &'static str, &'static str, f64);

/// In Prometheus's text format. What the kernel does not tell is left out, and nothing else.
pub(super) fn render() -> String {
    let mut page = String::new();
    let process = Process::myself();
    for (name, kind, help, value) in process.iter().flat_map(figures) {
        // Writing to a String cannot fail.
        let _ = head(&mut page, name, kind, help);
        let _ = writeln!(page, "{name} {value}");
    }
    page
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other number, and none of these is near 2^53"
)]
fn figures(process: &Process) -> Vec<Figure> {
    let ticks = ticks_per_second() as f64;
    let mut figures = Vec::new();
    if let Ok(stat) = process.stat() {
        figures.extend([
            (
                "process_cpu_seconds_total",
                "counter",
                "Processor time, of the process and of the kernel for it",
                (stat.utime + stat.stime) as f64 / ticks,
            ),
            (
                "process_resident_memory_bytes",
                "gauge",
                "Memory that is there",
                (stat.rss * page_size()) as f64,
            ),
            (
                "process_virtual_memory_bytes",
                "gauge",
                "Memory that is claimed, there or not",
                stat.vsize as f64,
            ),
            (
                "process_threads",
                "gauge",
                "Threads",
                stat.num_threads as f64,
            ),
        ]);
        // A unit of systemd with ProcSubset=pid does not see /proc/stat.
        if let Ok(boot) = boot_time_secs() {
            figures.push((
                "process_start_time_seconds",
                "gauge",
                "When it began, in seconds since 1970",
                boot as f64 + stat.starttime as f64 / ticks,
            ));
        }
    }
    if let Ok(open) = process.fd_count() {
        let help = "File descriptors that are open";
        figures.push(("process_open_fds", "gauge", help, open as f64));
    }
    if let Ok(limits) = process.limits()
        && let LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        let help = "File descriptors that may be open";
        figures.push(("process_max_fds", "gauge", help, most as f64));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_of_it() {
        let page = render();
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_start_time_seconds",
            "process_open_fds",
            "process_max_fds",
        ] {
            let told = page
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let value: f64 = told.unwrap().parse().unwrap();
            assert!(value > 0.0 || name.contains("cpu"), "{name} {value}");
        }
    }
}
