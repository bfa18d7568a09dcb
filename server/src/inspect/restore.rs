//! `restore`: a journal made from a backup, up to its end or to an earlier point.

use std::path::Path;
use std::time::Duration;

use waika_domain::period::Timestamp;

use super::backup::{Watched, failure, table};
use super::instants::in_shanghai;
use super::{interrupt, require_segments, text};
use crate::clock::monotonic;
use crate::config::{RestoreConfig, RestoreUntil};
use crate::exit::{self, Failure, Reason};
use crate::ledger::decode;
use crate::ledger::journal::backup::{BackupError, MANIFEST, Restore, Restored};
use crate::ledger::journal::disk::{ReadOnlyDisk, RealDisk};

/// A piece may take long on a disk that is busy.
const GRACE: Duration = Duration::from_secs(10);

/// Makes the journal, and prints what it holds.
pub(super) fn run(config: RestoreConfig) -> Result<(), Failure> {
    let (until, folder) = (config.until, config.folder.clone());
    let (restored, took) = interrupt::run(GRACE, move |stop| {
        let began = monotonic();
        let watched = Watched::start("restore", stop);
        require_backup(&config.backup)?;
        if let Some(journal) = &config.journal {
            require_segments("--journal", journal)?;
        }
        let backup = RealDisk::open_read_only(&config.backup)?;
        let journal = config.journal.as_deref().map(RealDisk::open_read_only);
        let journal: Option<ReadOnlyDisk> = journal.transpose()?;
        let folder = RealDisk::open(&config.folder)?;
        let mut restore = Restore {
            backup: &backup,
            journal: journal.as_ref().map(|journal| journal as _),
            folder: &folder,
            through: None,
            watch: &watched,
        };
        let restored = up_to(&mut restore, config.until).map_err(|error| match error {
            BackupError::NotEmpty => failure(&error, "--store", &config.folder),
            _ => failure(&error, "restore from", &config.backup),
        })?;
        Ok((restored, began.elapsed()))
    })?;
    exit::print(&render(&folder, restored, until, took))
}

/// Restores, and says when the last entry was decided.
fn up_to(
    restore: &mut Restore<'_>,
    until: RestoreUntil,
) -> Result<(Restored, Timestamp), BackupError> {
    restore.through = match until {
        RestoreUntil::End => None,
        RestoreUntil::Sequence(sequence) => Some(sequence),
        RestoreUntil::Instant(instant) => last_at(restore, instant)?,
    };
    let mut last = Timestamp::from_unix_ms(0);
    let restored = restore.run(&mut |_, entry| {
        last = decode::entry(entry)?.at;
        Ok(())
    })?;
    Ok((restored, last))
}

/// The last entry that was decided at that instant or before; 0 if none was. An operator of the sandbox may
/// have put the clock back, so the first later one is not enough. `None` if it is the last that can be read:
/// then everything is wanted, and what cannot be read is missed.
fn last_at(restore: &Restore<'_>, instant: Timestamp) -> Result<Option<u64>, BackupError> {
    let (mut last, mut read) = (0, 0);
    restore.look(&mut |sequence, entry| {
        if decode::entry(entry)?.at <= instant {
            last = sequence;
        }
        read = sequence;
        Ok(())
    })?;
    Ok((last < read).then_some(last))
}

fn require_backup(folder: &Path) -> Result<(), Failure> {
    if folder.join(MANIFEST).is_file() {
        return Ok(());
    }
    let text = format!(
        "--backup-from: there is no {MANIFEST} in \"{}\": name a folder that waika-server backup wrote to",
        folder.display()
    );
    Err(Failure::new(Reason::Configuration, text))
}

fn render(
    folder: &Path,
    (restored, last_at): (Restored, Timestamp),
    until: RestoreUntil,
    took: Duration,
) -> String {
    let Restored {
        first,
        last,
        was_cut,
        taken_at_ms,
        segments,
        snapshot,
    } = restored;
    let taken_at = in_shanghai(Timestamp::from_unix_ms(taken_at_ms));
    let left_out = match (was_cut, until) {
        (true, _) => "whatever came later".to_owned(),
        (false, RestoreUntil::Sequence(_)) => "whatever may come after it".to_owned(),
        (false, RestoreUntil::Instant(_)) => {
            format!("nothing: there is nothing later; the backup was taken at {taken_at}")
        }
        (false, RestoreUntil::End) => "nothing".to_owned(),
    };
    let start = if snapshot {
        "from a snapshot"
    } else {
        "from the first entry on"
    };
    let rows = [
        ("backup of", taken_at),
        ("first sequence", text::grouped(first)),
        ("last sequence", text::grouped(last)),
        ("decided at", in_shanghai(last_at)),
        ("left out", left_out),
        ("segments", text::grouped(segments)),
        ("starts", start.to_owned()),
        ("took", text::elapsed(took)),
    ];
    table(&format!("journal:{}", folder.display()), &rows)
        + "Start waika-server on it with the key file of the journal that was backed up.\n"
}
