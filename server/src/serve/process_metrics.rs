//! What the process takes of its machine, by the names that every Prometheus client library gives it.

use std::fmt::Write as _;

use procfs::process::{LimitValue, Process};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};

use crate::metrics::head;

/// One figure: its name, its kind, what it means, and what it is.
type Figure = (&'static str, &'static str, &'static str, f64);

/// In Prometheus's text format. What the kernel does not tell is left out.
pub(super) fn render() -> String {
    let mut page = String::new();
    for (name, kind, help, value) in figures().unwrap_or_default() {
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
fn figures() -> ProcResult<Vec<Figure>> {
    let process = Process::myself()?;
    let stat = process.stat()?;
    let ticks = ticks_per_second() as f64;
    let mut figures = vec![
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
        (
            "process_start_time_seconds",
            "gauge",
            "When it began, in seconds since 1970",
            boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
        ),
        (
            "process_open_fds",
            "gauge",
            "File descriptors that are open",
            process.fd_count()? as f64,
        ),
    ];
    if let LimitValue::Value(most) = process.limits()?.max_open_files.soft_limit {
        let help = "File descriptors that may be open";
        figures.push(("process_max_fds", "gauge", help, most as f64));
    }
    Ok(figures)
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
