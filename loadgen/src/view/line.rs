//! Pure: a run in one line.

use super::snapshot::Snapshot;
use crate::live::Count;
use crate::report::text::{grouped_real, time};

/// What a line says behind what was sent.
pub(crate) fn remark(snapshot: &Snapshot) -> String {
    let (now, sum) = (&snapshot.now, &snapshot.sum);
    let cell = |ns: Option<u64>| ns.map_or_else(|| "-".to_owned(), time);
    let offered = if snapshot.is_open {
        format!("offered {}/s, ", grouped_real(now.offered))
    } else {
        String::new()
    };
    format!(
        "{offered}answered {}/s, open {}, errors {}, timed out {}, not sent {}, \
         last second ≈ p50 {} p99 {}",
        grouped_real(now.answered),
        snapshot.open,
        sum.count(Count::Errors),
        sum.count(Count::TimedOut),
        sum.not_sent(),
        cell(now.response.p50_ns),
        cell(now.response.p99_ns),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::snapshot;
    use super::*;

    #[test]
    fn a_line_tells_rates_troubles_and_times() {
        let mut run = snapshot();
        assert_eq!(
            remark(&run),
            "offered 2,000/s, answered 1,990/s, open 3, errors 0, timed out 0, not sent 0, \
             last second ≈ p50 310 us p99 1.20 ms"
        );
        run.is_open = false;
        run.now.response.p99_ns = None;
        assert_eq!(
            remark(&run),
            "answered 1,990/s, open 3, errors 0, timed out 0, not sent 0, \
             last second ≈ p50 310 us p99 -"
        );
    }
}
