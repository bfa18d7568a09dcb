//! Writing a log.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag as Label};

use super::{Head, Intervals};
use crate::exit::Failure;
use crate::report::file::Destination;

/// Begins the comment that [`Head`] stands in.
pub(super) const HEAD: &str = "[Waika-Loadgen: ";

/// What the greatest value of a line is divided by: it is told in milliseconds.
const MILLISECOND_NS: f64 = 1e6;

/// The names of the columns, after a line's tag.
const COLUMNS: &str =
    "Tag, StartTimestamp, Interval_Length, Interval_Max (ms), Interval_Compressed_Histogram (ns)";

/// A log that is wanted: its file is known to be writable before anything is measured.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    destination: Destination,
}

impl Log {
    /// Checks that the log can be written there.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let destination = Destination::open(path).map_err(|error| {
            let path = path.display();
            Failure::Tool(format!("--hlog {path}: cannot be written: {error}"))
        })?;
        Ok(Self {
            path: path.to_owned(),
            destination,
        })
    }

    /// Writes it, as a whole or not at all.
    pub(crate) fn write(self, head: Head, intervals: &Intervals) -> Result<(), Failure> {
        let text = write(head, intervals)?;
        let written = self.destination.write(&text);
        written.map_err(|error| Failure::Tool(format!("--hlog {error}")))
    }

    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The whole text of a log.
pub(crate) fn write(mut head: Head, intervals: &Intervals) -> Result<String, Failure> {
    head.lines = intervals.len() as u64;
    head.interval_ns = intervals.length_ns();
    let began = SystemTime::UNIX_EPOCH + Duration::from_nanos(head.began_ns);
    let head = serde_json::to_string(&head).map_err(Failure::tool)?;
    let (mut bytes, mut serializer) = (Vec::new(), V2DeflateSerializer::new());
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("{HEAD}{head}]"))
        .add_comment(COLUMNS)
        .with_start_time(began)
        .with_base_time(began)
        .with_max_value_divisor(MILLISECOND_NS)
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(Failure::tool)?;
    let length = Duration::from_nanos(intervals.length_ns());
    for (place, tag, histogram) in intervals.all() {
        let since = Duration::from_nanos(place.saturating_mul(intervals.length_ns()));
        log.write_histogram(&histogram, since, length, Label::new(&tag.text()))
            .map_err(Failure::tool)?;
    }
    String::from_utf8(bytes).map_err(Failure::tool)
}
