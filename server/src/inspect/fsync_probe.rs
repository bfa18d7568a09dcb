//! `fsync-probe`: how long the disk takes for what a commit does, and nothing else: one write into
//! a file that is laid out beforehand, and one sync, one at a time.

mod figures;
mod file;
mod report;

use std::time::Duration;

use hdrhistogram::Histogram;

use self::figures::{Figures, Measured};
use self::file::ProbeFile;
use super::interrupt::{self, Stop};
use super::progress::{Meter, Unit};
use super::told::Told;
use crate::clock::monotonic;
use crate::config::ProbeConfig;
use crate::exit::{Failure, Reason};
use crate::ledger::journal::Progress as _;

/// How long the file may take to be removed.
const GRACE: Duration = Duration::from_secs(10);

/// The length of the file: that of a segment, so that a record seldom lands where one was.
const FILE_BYTES: usize = 64 << 20;

/// Measures, and prints the figures: what there is of them, if it was interrupted.
pub(super) fn run(config: ProbeConfig) -> Result<(), Failure> {
    let told = Told::begin(config.json.clone())?;
    let measured = interrupt::run(GRACE, move |stop| measure(&config, stop))?;
    told.end(&report::text(&measured), &report::json(&measured)?)?;
    if measured.interrupted {
        return Err(interrupt::stopped());
    }
    Ok(())
}

fn measure(config: &ProbeConfig, stop: &Stop) -> Result<Measured, Failure> {
    let meter = Meter::start("fsync-probe", Unit::Milliseconds, stop);
    let each = u64::try_from(config.duration.as_millis()).unwrap_or(u64::MAX);
    meter.total(each.saturating_mul(config.sizes.len() as u64));
    let largest = config.sizes.iter().copied().max().unwrap_or_default();
    let file = ProbeFile::create(&config.folder, FILE_BYTES.max(largest), stop)?;
    let mut measured = Measured {
        folder: config.folder.display().to_string(),
        sizes: Vec::new(),
        interrupted: false,
    };
    for &bytes in &config.sizes {
        if !stop.is_asked() {
            let figures = measure_size(
                &file,
                bytes,
                config.duration,
                &Watched {
                    meter: &meter,
                    stop,
                },
            )?;
            measured.sizes.push(figures);
        }
    }
    measured.interrupted = stop.is_asked();
    file.remove()?;
    Ok(measured)
}

/// What goes along with a measurement.
struct Watched<'a> {
    meter: &'a Meter,
    stop: &'a Stop,
}

fn measure_size(
    file: &ProbeFile,
    bytes: usize,
    duration: Duration,
    watched: &Watched<'_>,
) -> Result<Figures, Failure> {
    // Up to 100 s, three figures; these bounds are always accepted.
    let histogram = Histogram::new_with_bounds(1_000, 100_000_000_000, 3);
    let mut histogram: Histogram<u64> = histogram
        .map_err(|error| Failure::new(Reason::System, format!("the histogram: {error}")))?;
    // Neither ones, which are there already, nor zeros, which a disk may not store.
    let record = vec![0x57; bytes];
    let (began, mut offset, mut told) = (monotonic(), 0, Duration::ZERO);
    while began.elapsed() < duration && !watched.stop.is_asked() {
        if offset + bytes > file.length() {
            offset = 0;
        }
        let before = monotonic();
        file.commit(&record, offset as u64)?;
        let took = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
        histogram.saturating_record(took);
        offset += bytes;
        let now = began.elapsed();
        let more = now.saturating_sub(told).as_millis();
        if more >= 100 {
            watched.meter.done(u64::try_from(more).unwrap_or(u64::MAX));
            told = now;
        }
    }
    Ok(Figures::of(bytes, &histogram, began.elapsed()))
}
