//! The figures for people, and for programs.

use std::fmt::{self, Write as _};

use super::figures::{Figures, Measured, Span};
use crate::exit::{Failure, Reason};
use crate::inspect::text::{grouped, time};

/// The longest bar of a plot, in letters.
const WIDTH: u64 = 40;

/// For programs.
pub(super) fn json(measured: &Measured) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(measured);
    text.map(|text| text + "\n")
        .map_err(|error| Failure::new(Reason::System, format!("the figures: {error}")))
}

/// For people.
pub(super) fn text(measured: &Measured) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = table(&mut text, measured).and_then(|()| {
        let sizes = measured.sizes.iter();
        sizes
            .filter(|figures| figures.syncs > 0)
            .try_for_each(|figures| plot(&mut text, figures))?;
        meaning(&mut text, measured)
    });
    text
}

fn table(text: &mut String, measured: &Measured) -> fmt::Result {
    writeln!(
        text,
        "One write and one fdatasync at a time into a file laid out like a journal segment, in {}",
        measured.folder
    )?;
    writeln!(
        text,
        "{:>12}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "bytes", "syncs", "syncs/s", "p50", "p90", "p99", "p99.9", "max"
    )?;
    for figures in &measured.sizes {
        let rate = figures.syncs_per_second.map(grouped);
        let bytes = grouped(figures.bytes as u64);
        let (syncs, rate) = (
            grouped(figures.syncs),
            rate.unwrap_or_else(|| "-".to_owned()),
        );
        write!(text, "{bytes:>12}{syncs:>10}{rate:>10}")?;
        for cell in figures.percentiles.cells() {
            write!(text, "{cell:>10}")?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "A percentile that too few syncs support is left out (-)."
    )
}

fn plot(text: &mut String, figures: &Figures) -> fmt::Result {
    writeln!(text, "\n{} bytes:", grouped(figures.bytes as u64))?;
    let most = figures.histogram.iter().map(|span| span.count).max();
    for Span {
        from_ns,
        to_ns,
        count,
    } in &figures.histogram
    {
        // Even one sample is seen.
        let length = (count * WIDTH).div_ceil(most.unwrap_or(1).max(1));
        let bar = "#".repeat(usize::try_from(length).unwrap_or_default());
        let span = format!("{} to {}", time(*from_ns), time(*to_ns));
        writeln!(text, "  {span:>22} {:>10} {bar}", grouped(*count))?;
    }
    Ok(())
}

fn meaning(text: &mut String, measured: &Measured) -> fmt::Result {
    writeln!(
        text,
        "\nAn answer waits for one to two of these: for what is left of the sync under way, and \
         then for its own."
    )?;
    for figures in &measured.sizes {
        if let Some(p50) = figures.percentiles.p50 {
            writeln!(
                text,
                "With batches of {} bytes that is {} to {} as a rule{}.",
                grouped(figures.bytes as u64),
                time(p50),
                time(p50.saturating_mul(2)),
                figures.percentiles.p99.map_or_else(String::new, |p99| {
                    format!(
                        ", and {} to {} for one in a hundred",
                        time(p99),
                        time(p99.saturating_mul(2))
                    )
                }),
            )?;
        }
    }
    writeln!(
        text,
        "If a server was running on this disk, the figures include its load."
    )?;
    if measured.interrupted {
        writeln!(text, "Interrupted: these are the figures so far.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::percentiles::Percentiles;

    #[test]
    fn the_report_shows_every_size_and_what_it_means() {
        let figures = |bytes, p99_ns| Figures {
            bytes,
            syncs: 1_000,
            measured_ns: 1_000_000_000,
            syncs_per_second: Some(1_000),
            percentiles: Percentiles {
                p50: Some(1_000_000),
                p90: None,
                p99: p99_ns,
                p999: None,
                max: Some(3_000_000),
            },
            histogram: vec![Span {
                from_ns: 500_000,
                to_ns: 1_000_000,
                count: 1_000,
            }],
        };
        let measured = Measured {
            folder: "d".to_owned(),
            sizes: vec![figures(512, None), figures(4_096, Some(2_000_000))],
            interrupted: true,
        };
        let shown = text(&measured);
        for part in [
            "1.00 ms         -         -         -   3.00 ms\n",
            "500 us to 1.00 ms      1,000 ########################################\n",
            "512 bytes that is 1.00 ms to 2.00 ms as a rule.",
            "2.00 ms to 4.00 ms for one in a hundred.",
            "Interrupted",
        ] {
            assert!(shown.contains(part), "{part:?} not in {shown}");
        }
        assert!(json(&measured).unwrap().contains("\"p99.9_ns\": null"));
    }
}
