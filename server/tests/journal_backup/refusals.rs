//! What is refused by name.

use waika_server::ledger::journal::backup::{BackupError, MANIFEST, RESTORING};
use waika_server::ledger::journal::disk::{Disk, Faults, SimulatedDisk};

use crate::support::*;

#[test]
fn a_folder_that_is_not_for_this_backup_is_refused() {
    let (journal, other) = (grown(4), grown(4));
    let backup = new_disk();
    back_up(&journal, &backup).unwrap();
    assert!(matches!(
        back_up(&other, &backup),
        Err(BackupError::OtherJournal { .. })
    ));
    assert!(matches!(
        back_up(&journal, &other),
        Err(BackupError::NotABackup)
    ));
    let earlier = restore_with(&backup, None, Some(5)).unwrap().0;
    assert!(matches!(
        back_up(&earlier, &backup),
        Err(BackupError::Behind {
            durable: 5,
            held: 12
        })
    ));
    grow_with(&earlier, 9, |_| vec![7; 400]);
    assert!(matches!(
        back_up(&earlier, &backup),
        Err(BackupError::OtherCourse { .. })
    ));
    assert!(matches!(
        restore_with(&backup, Some(&earlier), None),
        Err(BackupError::OtherCourse { .. })
    ));
    assert!(matches!(
        restore_with(&backup, Some(&other), None),
        Err(BackupError::OtherJournal { .. })
    ));
    // All of that has left it as it was.
    assert_eq!(entries(&restore(&backup).unwrap().0).unwrap(), first(12));
}

#[test]
fn a_journal_that_is_damaged_below_its_mark_is_not_backed_up_as_if_it_were_shorter() {
    let backup = new_disk();
    let journal = grown(8);
    for (file, offset) in [(1, 100), (2, 64 + 1242), (3, 64 + 1242 + 5), (3, 70)] {
        let damaged = journal.after_kill(Faults::default());
        damaged.flip_bit(&format!("journal-{file:016}.seg"), offset, 2);
        let text = back_up(&damaged, &backup).unwrap_err().to_string();
        assert!(text.contains(&format!("journal-{file:016}.seg")), "{text}");
    }
    for missing in 1..=3 {
        let damaged = journal.after_kill(Faults::default());
        damaged
            .remove(&format!("journal-{missing:016}.seg"))
            .unwrap();
        let text = back_up(&damaged, &backup).unwrap_err().to_string();
        assert!(text.contains("journal-"), "{text}");
    }
    let damaged = journal.after_kill(Faults::default());
    damaged.remove("watermark").unwrap();
    assert!(matches!(
        back_up(&damaged, &backup),
        Err(BackupError::NoWatermark)
    ));
    assert!(matches!(restore(&backup), Err(BackupError::Unfinished)));
    back_up(&journal, &backup).unwrap();
    assert_eq!(entries(&restore(&backup).unwrap().0).unwrap(), first(24));
}

/// What the backup says that it has, the journal may have pruned by now.
#[test]
fn a_backup_that_has_lost_a_file_is_not_gone_on_with() {
    let (journal, backup) = (grown(8), new_disk());
    publish(&journal, 11, 14);
    back_up(&journal, &backup).unwrap();
    for segment in 1..=3 {
        let file = format!("journal-{segment:016}.seg");
        let lost = backup.after_kill(Faults::default());
        lost.remove(&file).unwrap();
        let short = backup.after_kill(Faults::default());
        let bytes = short.contents(&file).unwrap();
        short.replace(&file, bytes.get(..bytes.len() - 1).unwrap());
        for backup in [lost, short] {
            let error = back_up(&journal, &backup).unwrap_err();
            let named =
                matches!(&error, BackupError::Changed { file: named, .. } if *named == file);
            assert!(named, "{error}");
        }
    }
    // A state can be made again, and a store can do without.
    let snapshot = "snapshot-00000000000000000014.snap";
    let lost = backup.after_kill(Faults::default());
    lost.remove(snapshot).unwrap();
    assert!(!restore(&lost).unwrap().1.snapshot);
    back_up(&journal, &lost).unwrap();
    assert!(restore(&lost).unwrap().1.snapshot);
    backup.flip_bit(snapshot, 90, 1);
    let (restored, told) = restore(&backup).unwrap();
    assert!(!told.snapshot && named(&restored, "snapshot-").is_empty());
    assert_eq!(entries(&restored).unwrap(), first(24));
}

/// The backup would mend it: nobody has restored anything.
#[test]
fn a_journal_that_is_damaged_where_the_backup_ends_is_not_taken_for_another_course() {
    let (journal, backup) = (grown(4), new_disk());
    back_up(&journal, &backup).unwrap();
    grow(&journal, 1);
    journal.flip_bit("journal-0000000000000002.seg", 100, 1);
    let text = back_up(&journal, &backup).unwrap_err().to_string();
    assert!(
        text.contains("journal-0000000000000002.seg is damaged"),
        "{text}"
    );
    let (restored, _) = restore_with(&backup, Some(&journal), None).unwrap();
    assert_eq!(entries(&restored).unwrap(), first(15));
}

#[test]
fn segments_that_went_before_they_were_backed_up_are_a_gap() {
    let (journal, backup) = (grown(4), new_disk());
    back_up(&journal, &backup).unwrap();
    grow(&journal, 8);
    for ordinal in 1..=3 {
        journal
            .remove(&format!("journal-{ordinal:016}.seg"))
            .unwrap();
    }
    assert!(matches!(
        back_up(&journal, &backup),
        Err(BackupError::Gap {
            held: 12,
            first: 28
        })
    ));
}

#[test]
fn a_store_with_a_journal_is_not_written_over() {
    let (journal, backup) = (grown(2), new_disk());
    back_up(&journal, &backup).unwrap();
    let taken = grown(1);
    for folder in [&taken, &backup] {
        assert!(matches!(
            restore_into(&backup, None, None, folder),
            Err(BackupError::NotEmpty)
        ));
    }
    assert_eq!(entries(&taken).unwrap(), first(3));
    assert!(matches!(restore(&new_disk()), Err(BackupError::NoManifest)));
}

fn manifest(backup: &SimulatedDisk, from: &str, to: &str) -> String {
    let text = String::from_utf8(backup.contents(MANIFEST).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    let changed = backup.after_kill(Faults::default());
    changed.replace(MANIFEST, text.replacen(from, to, 1).as_bytes());
    restore(&changed).unwrap_err().to_string()
}

#[test]
fn a_manifest_that_is_not_right_is_refused_by_name() {
    let (journal, backup) = (grown(5), new_disk());
    back_up(&journal, &backup).unwrap();
    for (from, to, named) in [
        (
            "\"format\": 1",
            "\"format\": 4",
            "has format 4, and this release reads up to 3",
        ),
        ("\"format\": 1", "\"format\": -1", "invalid value"),
        ("\"segments\"", "\"pieces\"", "unknown field"),
        (
            "\"last_sequence\": 15",
            "\"last_sequence\": 18",
            "its SHA-256 is another",
        ),
        (
            "\"first_sequence\": 1",
            "\"first_sequence\": 2",
            "its SHA-256 is another",
        ),
        (
            "\"taken_at_ms\": 7",
            "\"taken_at_ms\": 8",
            "its SHA-256 is another",
        ),
        ("{", "", MANIFEST),
    ] {
        let text = manifest(&backup, from, to);
        assert!(text.contains(named), "{to}: {text}");
    }
    assert!(!backup.list().unwrap().contains(&RESTORING.to_owned()));
}
