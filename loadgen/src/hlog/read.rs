//! Reading a log that this program wrote, and refusing any other by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::interval_log::{
    IntervalLogHistogram, IntervalLogIterator, LogEntry,
};

use super::file::HEAD;
use super::{Ending, Head, Intervals, SCHEMA, Tag, Which, codec};
use crate::clean;
use crate::clock::{SECOND_NS, duration_ns};
use crate::exit::Failure;

/// How far a time may be off that was written to the millisecond, in nanoseconds.
const ROUNDED_NS: u64 = 1_000_000;

/// The most intervals after the first that a line can tell: more than any run has.
const MOST_PLACES: u64 = 1_000_000;

/// More calls than follow each other in any errand.
const MOST_IN_A_ROW: u64 = 8;

/// How late a call may be written down on a busy machine, in nanoseconds: a minute.
const LATE_NS: u64 = 60 * SECOND_NS;

/// Several times what the log of the longest run takes.
const MOST_BYTES: u64 = 256 << 20;

/// What each mistake in a file ends with.
const MEND: &str = "write it again with waika-loadgen run --hlog, or copy it again as a whole";

/// The log in this file.
pub(crate) fn read(path: &Path) -> Result<(Head, Intervals), Failure> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // A byte more than fits tells a file that is too long.
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::Usage(format!("{name}: cannot be read: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::Usage(format!(
            "{name}: is longer than {} MiB, which no log of waika-loadgen is",
            MOST_BYTES >> 20
        )));
    }
    parse(&name, &bytes)
}

/// The log in these bytes, whose mistakes are named after their file.
pub(crate) fn parse(name: &str, bytes: &[u8]) -> Result<(Head, Intervals), Failure> {
    let wrong = |line: usize, what: &str| Failure::Usage(format!("{name}:{line}: {what}"));
    let head = head(bytes).map_err(|(line, what)| wrong(line, &what))?;
    let mut intervals = Intervals::of(head.interval_ns);
    let mut lines = 0;
    let (mut rest, mut line) = (bytes, 0);
    while !rest.is_empty() {
        line += 1;
        let length = rest.iter().position(|byte| *byte == b'\n');
        let Some(length) = length else {
            let what = format!("the file ends in the middle of a line: {MEND}");
            return Err(wrong(line, &what));
        };
        let (one, after) = rest.split_at(length + 1);
        rest = after;
        match IntervalLogIterator::new(one).next() {
            Some(Ok(LogEntry::Interval(found))) => {
                let (since_ns, tag, histogram) =
                    interval(&found, &head).map_err(|what| wrong(line, &what))?;
                intervals.add(since_ns, tag, &histogram);
                lines += 1;
            }
            Some(Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_))) | None => {}
            Some(Err(_)) => {
                let what = format!("it is no line of a histogram log: {MEND}");
                return Err(wrong(line, &what));
            }
        }
    }
    if lines != head.lines {
        let what = format!(
            "{lines} lines of samples, and line 2 says {}: {MEND}",
            head.lines
        );
        return Err(wrong(line, &what));
    }
    adds_up(&head, &intervals).map_err(|what| wrong(2, &what))?;
    Ok((head, intervals))
}

/// The comment that tells of the run, or the line that is wrong and what is wrong with it.
fn head(bytes: &[u8]) -> Result<Head, (usize, String)> {
    let comments = bytes.split(|byte| *byte == b'\n').zip(1..);
    let mut comments = comments.take_while(|(line, _)| line.first() == Some(&b'#'));
    let found = comments.find_map(|(line, number)| {
        let rest = line.get(1..)?.strip_prefix(HEAD.as_bytes())?;
        Some((rest.strip_suffix(b"]").unwrap_or(rest), number))
    });
    let Some((json, number)) = found else {
        let is_log = bytes.starts_with(b"#[") || bytes.starts_with(b"\"StartTimestamp\"");
        let what = if is_log {
            "it is a histogram log of another program, which does not say what was measured: merge \
             takes those of waika-loadgen run --hlog; HdrHistogram's own tools join others"
        } else {
            "it is no histogram log: merge takes those of waika-loadgen run --hlog"
        };
        return Err((1, what.to_owned()));
    };
    let json = clean::json(std::str::from_utf8(json).unwrap_or_default());
    let schema = serde_json::from_str::<serde_json::Value>(&json)
        .ok()
        .and_then(|value| value.get("schema")?.as_str().map(ToOwned::to_owned));
    match schema {
        Some(schema) if schema == SCHEMA => {}
        Some(schema) => {
            let what = format!(
                "it is of the form {schema:?}, and this program reads {SCHEMA:?}: use the version \
                 that wrote it"
            );
            return Err((number, what));
        }
        None => {
            return Err((
                number,
                format!("what it says of the run is damaged: {MEND}"),
            ));
        }
    }
    let head: Head = serde_json::from_str(&json).map_err(|error| {
        let what = format!("what it says of the run cannot be read ({error}): {MEND}");
        (number, what)
    })?;
    possible(&head).map_err(|what| (number, format!("{what}: {MEND}")))?;
    Ok(head)
}

/// Whether a run can be what the head says.
fn possible(head: &Head) -> Result<(), String> {
    if head.interval_ns == 0 || !head.interval_ns.is_multiple_of(SECOND_NS) {
        return Err(format!(
            "its intervals are {} ns long, and can be whole seconds only",
            head.interval_ns
        ));
    }
    let counts = head.counts;
    let parts = [
        counts.sent,
        counts.dropped,
        counts.skipped,
        counts.not_connected,
    ];
    if sum(parts) != counts.planned {
        return Err(format!(
            "it says that {} requests were planned, and that {} were sent, {} dropped, {} skipped and {} not \
             connected, which is another sum",
            counts.planned, counts.sent, counts.dropped, counts.skipped, counts.not_connected
        ));
    }
    Ok(())
}

/// Beyond all counts that there are, as many as can be.
fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// The last interval in which a request of a run can have ended. One that follows another is due
/// after it, and each may take its deadline.
fn last_place(head: &Head) -> u64 {
    let plan = &head.plan;
    let measured_ns = plan.duration_ns.max(head.rates.measured_ns);
    let after_ns = plan.deadline_ns.saturating_mul(MOST_IN_A_ROW);
    let last_ns = sum([measured_ns, after_ns, LATE_NS]);
    (last_ns / head.interval_ns).min(MOST_PLACES)
}

/// When the interval of a line began, what the line is about, and its samples.
fn interval(
    found: &IntervalLogHistogram<'_>,
    head: &Head,
) -> Result<(u64, Tag, hdrhistogram::Histogram<u64>), String> {
    let tag = found
        .tag()
        .and_then(|label| Tag::parse(label.as_str()))
        .ok_or_else(|| {
            format!("its tag is none of waika-loadgen's, such as response.answer.approved: {MEND}")
        })?;
    let since_ns = duration_ns(found.start_timestamp());
    let place = since_ns.saturating_add(ROUNDED_NS) / head.interval_ns;
    let expected_ns = place.saturating_mul(head.interval_ns);
    if place > last_place(head) {
        let seconds = place.saturating_mul(head.interval_ns / SECOND_NS);
        return Err(format!(
            "it begins {seconds} s after the first, and that run measured {} s: {MEND}",
            head.plan.duration_ns.max(head.rates.measured_ns) / SECOND_NS
        ));
    }
    if since_ns.abs_diff(expected_ns) > ROUNDED_NS {
        return Err(format!(
            "it begins at no interval of {} s: {MEND}",
            head.interval_ns / SECOND_NS
        ));
    }
    let bytes = STANDARD
        .decode(found.encoded_histogram())
        .map_err(|_| format!("its histogram is no base64: {MEND}"))?;
    let histogram = codec::decode(&bytes).map_err(|what| format!("{what}: {MEND}"))?;
    Ok((expected_ns, tag, histogram))
}

/// Whether the lines hold just what the head says was measured.
fn adds_up(head: &Head, intervals: &Intervals) -> Result<(), String> {
    let mut counts: BTreeMap<&Ending, [u64; 3]> = BTreeMap::new();
    // One at a time: unpacked, each takes a hundred times as much.
    for (_, tag, histogram) in intervals.all() {
        let [response, service, lag] = counts.entry(&tag.ending).or_default();
        let count = match tag.which {
            Which::Response => response,
            Which::Service => service,
            Which::Lag => lag,
        };
        *count = count.saturating_add(histogram.len());
    }
    for (ending, [response, service, lag]) in &counts {
        if response != service || response != lag {
            return Err(format!(
                "{} {} has {response} response times, {service} service times and {lag} lags, which \
                 cannot be: {MEND}",
                ending.kind, ending.name
            ));
        }
    }
    let sent = sum(counts.values().map(|[response, ..]| *response));
    if sent != head.counts.sent {
        return Err(format!(
            "it says that {} requests were sent, and its lines have {sent}: {MEND}",
            head.counts.sent
        ));
    }
    Ok(())
}
