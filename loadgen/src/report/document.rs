//! What every kind of result has in common, so that each form of report is written once for all.

use serde::Serialize;

use crate::exit::Exit;

/// A result that can be told: a run, a comparison, a capacity.
pub(crate) trait Document: Serialize {
    /// What it is and of what, in a line, such as `Waika load report`.
    fn title(&self) -> String;

    /// How a command ends that came to it.
    fn exit(&self) -> Exit;

    /// What was asked of it, each with its verdict; the first is whether the measurement is valid.
    fn checks(&self) -> Vec<Check>;

    /// Its main figures, for people who read only a few lines.
    fn tables(&self) -> Vec<Table>;

    /// Its main figures, for machines that collect them.
    fn gauges(&self) -> Vec<Gauge>;

    /// All of it for people; with `colours`, verdicts stand out on a terminal.
    fn text(&self, colours: bool) -> String;

    /// All of it as one page for a browser, without script or network.
    fn page(&self) -> String;
}

/// Something that a result was asked, and the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What, such as `p(99)<5ms` or `server CPU per call`.
    pub(crate) name: String,
    /// How it went: `Passed`, `Missed`, `Regressed`, `Invalid`, `Inconclusive` and so on.
    pub(crate) verdict: Exit,
    /// What was found, in a line.
    pub(crate) found: String,
}

impl Check {
    /// Whether a measurement came to its end.
    pub(crate) fn of_end(name: &str, interrupted: bool) -> Self {
        let (verdict, found) = if interrupted {
            (Exit::Failed, "it was interrupted")
        } else {
            (Exit::Passed, "it did")
        };
        Self {
            name: name.to_owned(),
            verdict,
            found: found.to_owned(),
        }
    }
}

impl Table {
    /// Its head and rows as aligned lines, each ended: figures at the right of their columns; words, and
    /// what a row is about, at the left.
    pub(crate) fn aligned(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let column = |place: usize| all().filter_map(move |row| row.get(place));
        let width = |place| column(place).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..self.head.len())
            .map(|place| width(place).unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in all() {
            let cells = row.iter().zip(&widths).enumerate();
            let line: Vec<String> = cells
                .map(|(place, (cell, width))| {
                    if self.is_words(place) {
                        format!("{cell:<width$}")
                    } else {
                        format!("{cell:>width$}")
                    }
                })
                .collect();
            text.push_str(line.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    /// Whether a column holds words and not figures.
    fn is_words(&self, place: usize) -> bool {
        let mut cells = self.rows.iter().filter_map(|row| row.get(place));
        place == 0 || cells.any(|cell| cell.starts_with(char::is_alphabetic))
    }
}

/// Rows of words under a head; the first column names what the row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// What it shows.
    pub(crate) title: String,
    /// Names of its columns.
    pub(crate) head: Vec<String>,
    /// As many words in each as there are columns.
    pub(crate) rows: Vec<Vec<String>>,
}

/// One figure, in base units: seconds, ratios, counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gauge {
    /// Its name by the conventions of Prometheus, such as `waika_loadgen_response_seconds`; gauges of
    /// one name follow each other.
    pub(crate) name: &'static str,
    /// What it tells.
    pub(crate) help: &'static str,
    /// What sets it apart from others of its name.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// How much.
    pub(crate) value: f64,
}
