//! What `backup` and `restore` take.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::value::Datetime;
use waika_domain::period::Timestamp;

use super::inspecting::{Inspection, read_folder, required};
use super::reader::Reader;
use super::values::{self, Expected};
use super::{Store, policy_date};

/// What to copy, and where to.
#[derive(Debug, Clone)]
pub struct BackupConfig {
    /// The journal's folder.
    pub folder: PathBuf,
    /// The backup's.
    pub backup: PathBuf,
}

/// What to make a journal from, and where.
#[derive(Debug, Clone)]
pub struct RestoreConfig {
    /// The backup's folder.
    pub backup: PathBuf,
    /// The new journal's.
    pub folder: PathBuf,
    /// A journal that goes on where the backup ends.
    pub journal: Option<PathBuf>,
    /// How far.
    pub until: RestoreUntil,
}

/// Where a server's backups go, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupKeeping {
    /// The folder.
    pub folder: PathBuf,
    /// From the end of one to the beginning of the next; zero: only when an operator asks.
    pub every: Duration,
}

/// How far a journal is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreUntil {
    /// As far as there is anything.
    End,
    /// Up to this sequence.
    Sequence(u64),
    /// Up to the last entry of that instant or before.
    Instant(Timestamp),
}

pub(super) fn backup(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let backup = required(reader, "backup-to", "the folder for the backup", path);
    Some(Inspection::Backup(BackupConfig {
        folder: folder?,
        backup: backup?,
    }))
}

pub(super) fn restore(reader: &mut Reader<'_>) -> Option<Inspection> {
    let backup = required(reader, "backup-from", "the folder of a backup", path);
    let folder = read_folder(reader);
    let journal = reader.read_or("journal", None, |text| path(text).map(Some));
    let sequence = reader.read_or("until-sequence", None, |text| {
        values::number(text, &(1..=u64::MAX)).map(Some)
    });
    let instant = reader.read_or("until", None, |text| instant(text).map(Some));
    let until = match (sequence?, instant?) {
        (None, None) => RestoreUntil::End,
        (Some(sequence), None) => RestoreUntil::Sequence(sequence),
        (None, Some(instant)) => RestoreUntil::Instant(instant),
        (Some(_), Some(_)) => {
            reader.mistake("until", "and --until-sequence are both given: give one");
            return None;
        }
    };
    Some(Inspection::Restore(RestoreConfig {
        backup: backup?,
        folder: folder?,
        journal: journal?,
        until,
    }))
}

/// Where a server's backups go, if anywhere: nothing too where there is a mistake, which the reader keeps.
pub(super) fn keeping(reader: &mut Reader<'_>, store: Option<&Store>) -> Option<BackupKeeping> {
    let folder = reader.read_or("backup-to", None, |text| path(text).map(Some));
    let every = reader.read("backup-every", |text| {
        values::duration(text, &(Duration::ZERO..=Duration::from_secs(30 * 86_400)))
    });
    let folder = folder??;
    match store {
        Some(Store::Memory { .. } | Store::Postgres(_)) => {
            let what = "needs a store that has a folder: journal:DIR";
            reader.mistake("backup-to", what);
        }
        Some(Store::Journal(journal)) if is_same(journal, &folder) => {
            reader.mistake("backup-to", "is the store's own folder: name another");
        }
        Some(Store::Journal(_)) | None => {}
    }
    let every = every?;
    Some(BackupKeeping { folder, every })
}

/// By whichever name.
fn is_same(one: &Path, other: &Path) -> bool {
    let place = |folder: &Path| std::fs::metadata(folder).map(|found| (found.dev(), found.ino()));
    match (place(one), place(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

fn path(text: &str) -> Result<PathBuf, Expected> {
    match text.strip_prefix("journal:").unwrap_or(text) {
        "" => Err("names no folder".to_owned()),
        folder => Ok(Path::new(folder).to_owned()),
    }
}

fn instant(text: &str) -> Result<Timestamp, Expected> {
    let read = text.parse::<Datetime>().ok();
    read.and_then(policy_date::instant).ok_or_else(|| {
        "is not an instant with its offset, such as 2026-12-01T12:00:00+08:00, nor a day such as \
         2026-12-01 (its first midnight in Shanghai)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_needs_its_offset() {
        for (text, expected) in [
            ("1970-01-01T08:00:00.007+08:00", Some(7)),
            ("1970-01-01T00:00:01Z", Some(1_000)),
            ("1970-01-02", Some(57_600_000)),
            ("1970-01-01T08:00:00", None),
            ("soon", None),
            ("", None),
        ] {
            let read = instant(text).ok().map(Timestamp::unix_ms);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_folder_is_named_with_or_without_its_kind() {
        for (text, expected) in [
            ("a/b", Some("a/b")),
            ("journal:a", Some("a")),
            ("journal:", None),
            ("", None),
        ] {
            assert_eq!(path(text).ok(), expected.map(PathBuf::from), "{text}");
        }
    }
}
