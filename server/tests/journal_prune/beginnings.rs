//! What says where a journal begins is damaged, foreign, newer or gone; or what it names is.

use waika_server::ledger::journal::disk::{Faults, SimulatedDisk};
use waika_server::ledger::journal::{Damage, OpenError, verify};

use super::support::*;
use super::{BEGINNING, begins, check_begins, prune, pruned};

/// Refused as damage of a file, by a start and by a check, and nothing has changed.
fn check_refused(case: &str, disk: &SimulatedDisk, file: &str) -> Damage {
    let before = disk.contents(BEGINNING);
    let damage = match start(disk) {
        Err(OpenError::Damaged(damage)) => damage,
        other => panic!("{case}: not refused as damage: {other:?}"),
    };
    assert_eq!(damage.file, file, "{case}: {damage}");
    assert!(damage.to_string().contains("backup"), "{case}: {damage}");
    assert_eq!(disk.contents(BEGINNING), before, "{case}");
    let verified = verify(disk, 2, &(), &|_, _| Ok(())).unwrap();
    let same = |found: &Damage| found.file == file;
    assert!(verified.damages.iter().any(same), "{case}: {verified:?}");
    damage
}

#[test]
fn any_bit_of_one_copy_is_harmless_and_mended() {
    let healthy = pruned();
    let length = healthy.contents(BEGINNING).unwrap().len();
    assert_eq!(length, 4096 + 64);
    for offset in (0..70).chain(4090..length) {
        let disk = healthy.after_kill(Faults::default());
        disk.flip_bit(BEGINNING, offset, u32::try_from(offset % 8).unwrap());
        let verified = verify(&disk, 2, &(), &|_, _| Ok(())).unwrap();
        let told: Vec<_> = verified
            .damages
            .iter()
            .map(|it| (&*it.file, it.offset))
            .collect();
        let expected = match offset {
            0..64 => vec![(BEGINNING, 0)],
            64..4096 => vec![],
            _ => vec![(BEGINNING, 4096)],
        };
        assert_eq!(told, expected, "byte {offset}");
        drop(start(&disk).unwrap());
        check_begins(&format!("byte {offset}"), &disk, 19);
        if !expected.is_empty() {
            assert_eq!(disk.contents(BEGINNING), healthy.contents(BEGINNING));
        }
    }
}

#[test]
fn a_file_of_which_no_copy_is_whole_is_refused_whatever_its_length() {
    let healthy = pruned();
    for offset in 0..64 {
        let disk = healthy.after_kill(Faults::default());
        disk.flip_bit(BEGINNING, offset, 5);
        disk.flip_bit(BEGINNING, 4096 + offset, 5);
        check_refused(&format!("byte {offset}"), &disk, BEGINNING);
    }
    let whole = healthy.contents(BEGINNING).unwrap();
    for length in [0, 1, 63] {
        let disk = healthy.after_kill(Faults::default());
        disk.replace(BEGINNING, &whole[..length]);
        check_refused(&format!("cut to {length}"), &disk, BEGINNING);
    }
    healthy.replace(BEGINNING, &whole[..64]);
    assert_eq!(begins(&healthy), 19);
}

#[test]
fn another_journals_and_a_later_releases_are_refused_by_name() {
    let (disk, other) = (pruned(), pruned());
    disk.replace(BEGINNING, &other.contents(BEGINNING).unwrap());
    let damage = check_refused("foreign", &disk, BEGINNING);
    assert!(damage.what.contains("another journal"), "{damage}");
    let disk = pruned();
    let mut copy = disk.contents(BEGINNING).unwrap();
    for at in [0, 4096] {
        copy[at + 8] = 2;
        let checksum = crc32c::crc32c(&copy[at..at + 52]).to_le_bytes();
        copy[at + 52..at + 56].copy_from_slice(&checksum);
    }
    disk.replace(BEGINNING, &copy);
    let error = start(&disk).unwrap_err();
    assert!(
        matches!(error, OpenError::NewerFormat { found: 2, .. }),
        "{error}"
    );
    assert!(error.to_string().contains(BEGINNING), "{error}");
}

#[test]
fn what_is_missing_and_was_not_declared_to_be_is_refused() {
    let disk = pruned();
    remove(&disk, BEGINNING);
    let damage = check_refused("no beginning", &disk, FIRST);
    assert!(damage.what.contains("its beginning file"), "{damage}");
    for (case, gone, file) in [
        ("the first that is kept", &[THIRD][..], THIRD),
        ("the last", &[FOURTH], THIRD),
        ("all", &[THIRD, FOURTH], THIRD),
    ] {
        let disk = pruned();
        for gone in gone {
            remove(&disk, gone);
        }
        check_refused(case, &disk, file);
        // Nor is it taken for a new journal where nothing else tells.
        for other in ["watermark", OLDER, NEWEST] {
            remove(&disk, other);
        }
        assert!(start(&disk).is_err(), "{case}");
        assert!(disk.contents(FIRST).is_none(), "{case}");
    }
    // One of before another pruning.
    let disk = healthy();
    prune(&disk, 10).unwrap();
    let older = disk.contents(BEGINNING).unwrap();
    prune(&disk, 19).unwrap();
    disk.replace(BEGINNING, &older);
    check_refused("an older one", &disk, SECOND);
}

#[test]
fn a_segment_that_does_not_begin_as_declared_is_refused() {
    let disk = pruned();
    disk.replace(THIRD, &disk.contents(FOURTH).unwrap());
    check_refused("the fourth in place of the third", &disk, THIRD);
    for offset in 0..SEGMENT_HEADER {
        let disk = pruned();
        disk.flip_bit(THIRD, offset, 2);
        check_refused(&format!("byte {offset}"), &disk, THIRD);
    }
}

#[test]
fn a_beginning_from_later_is_what_a_pruning_leaves_that_was_cut_short() {
    let (disk, whole) = (pruned(), healthy());
    let identity = whole.contents(FIRST).unwrap()[12..20].to_vec();
    assert_ne!(disk.contents(THIRD).unwrap()[12..20], identity);
    let disk = whole.after_kill(Faults::default());
    prune(&disk, 19).unwrap();
    whole.replace(BEGINNING, &disk.contents(BEGINNING).unwrap());
    whole.replace("beginning.tmp", b"anything");
    check_begins("before a start", &whole, 19);
    for gone in [FIRST, SECOND, "beginning.tmp"] {
        assert!(whole.contents(gone).is_none(), "{gone}");
    }
}
