//! `backup`: a copy of a journal, taken while a server writes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use waika_domain::period::Timestamp;

use super::instants::in_shanghai;
use super::interrupt::{self, Stop};
use super::progress::{Meter, Unit};
use super::{require_journal, text};
use crate::clock::{self, monotonic};
use crate::config::BackupConfig;
use crate::exit::{self, Failure, Reason};
use crate::ledger::decode;
use crate::ledger::journal::Progress;
use crate::ledger::journal::backup::{Backup, BackupError, Checked, Restore, Taken, Watch};
use crate::ledger::journal::disk::RealDisk;

/// A piece may take long on a disk that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// Takes a backup, and prints what it holds.
pub(super) fn run(config: BackupConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    let shown = config.clone();
    let (taken, took) = interrupt::run(GRACE, move |stop| {
        let began = monotonic();
        let watched = Watched::start("backup", stop);
        let journal = RealDisk::open_read_only(&config.folder)?;
        let folder = RealDisk::open(&config.backup)?;
        let backup = Backup {
            journal: &journal,
            folder: &folder,
            watch: &watched,
        };
        let taken = backup.take(clock::machine().unix_ms());
        let taken = taken.map_err(|error| failure(&error, "--backup-to", &config.backup))?;
        Ok((taken, began.elapsed()))
    })?;
    exit::print(&render(&shown.backup, taken, took))
}

fn render(folder: &Path, taken: Taken, took: Duration) -> String {
    let Taken {
        first,
        last,
        segments,
        bytes,
        snapshot,
        ..
    } = taken;
    let rows = [
        ("first sequence", text::grouped(first)),
        ("last sequence", text::grouped(last)),
        ("new entries", text::grouped(taken.new_entries())),
        ("segments", text::grouped(segments)),
        (
            "snapshot",
            if snapshot { "yes" } else { "none yet" }.to_owned(),
        ),
        ("bytes", text::grouped(bytes)),
        ("took", text::elapsed(took)),
    ];
    table(&format!("backup in {}", folder.display()), &rows)
        + "The key file is not in it: keep a copy of that elsewhere.\n"
}

/// Checks a backup, file by file and entry by entry: what `journal verify` does with one.
pub(super) fn verify(folder: PathBuf) -> Result<(), Failure> {
    let place = folder.clone();
    let (checked, took) = interrupt::run(GRACE, move |stop| {
        let began = monotonic();
        let watched = Watched::start("verify", stop);
        let backup = RealDisk::open_read_only(&folder)?;
        let restore = Restore {
            backup: &backup,
            journal: None,
            folder: &backup,
            through: None,
            watch: &watched,
        };
        let checked = restore.check(&mut |_, entry| Ok(decode::entry(entry).map(drop)?));
        let checked = checked.map_err(|error| failure(&error, "--store", &folder))?;
        Ok((checked, began.elapsed()))
    })?;
    let Checked {
        first,
        last,
        taken_at_ms,
        segments,
        states,
        bytes,
    } = checked;
    let rows = [
        (
            "taken at",
            in_shanghai(Timestamp::from_unix_ms(taken_at_ms)),
        ),
        ("first sequence", text::grouped(first)),
        ("last sequence", text::grouped(last)),
        ("segments", text::grouped(segments)),
        ("snapshots", text::grouped(states)),
        ("bytes", text::grouped(bytes)),
        ("took", text::elapsed(took)),
    ];
    let heading = format!("backup in {}", place.display());
    exit::print(&(table(&heading, &rows) + "no damage\n"))
}

/// A heading, and a line for each row.
pub(super) fn table(heading: &str, rows: &[(&str, String)]) -> String {
    let rows = rows
        .iter()
        .map(|(name, value)| format!("  {name:<16}{value}\n"));
    format!("{heading}\n{}", rows.collect::<String>())
}

/// How the process ends for want of a backup, or of a journal from one.
pub(super) fn failure(error: &BackupError, flag: &str, folder: &Path) -> Failure {
    let reason = match error {
        BackupError::Unusable { source, .. } => Reason::of(source),
        BackupError::NoWatermark
        | BackupError::BadManifest { .. }
        | BackupError::NewerManifest { .. }
        | BackupError::Changed { .. }
        | BackupError::NoState { .. }
        | BackupError::EndsEarly { .. } => Reason::Damaged,
        BackupError::NotABackup
        | BackupError::NoManifest
        | BackupError::Unfinished
        | BackupError::OtherJournal { .. }
        | BackupError::OtherCourse { .. }
        | BackupError::Behind { .. }
        | BackupError::Gap { .. }
        | BackupError::NotEmpty
        | BackupError::TooEarly { .. }
        | BackupError::NotThatFar { .. } => Reason::Configuration,
        BackupError::Stopped => return interrupt::stopped(),
    };
    Failure::new(reason, format!("{flag} \"{}\": {error}", folder.display()))
}

/// Shows how far a copy has come, and ends it when a signal comes.
#[derive(Debug)]
pub(super) struct Watched {
    meter: Meter,
    stop: Stop,
}

impl Watched {
    pub(super) fn start(title: &'static str, stop: &Stop) -> Self {
        Self {
            meter: Meter::start(title, Unit::Bytes, stop),
            stop: stop.clone(),
        }
    }
}

impl Progress for Watched {
    fn total(&self, total: u64) {
        self.meter.total(total);
    }

    fn done(&self, more: u64) {
        self.meter.done(more);
    }
}

impl Watch for Watched {
    fn go_on(&self) -> bool {
        !self.stop.is_asked()
    }
}
