//! What is told of snapshots and backups.

use waika::v1;

use crate::ledger::{BackupTaken, SnapshotTaken};

pub(super) fn snapshot(taken: SnapshotTaken) -> v1::TakeSnapshotResponse {
    let SnapshotTaken {
        published,
        accounts,
        ..
    } = taken;
    v1::TakeSnapshotResponse {
        file: published.file,
        from: published.from,
        covers: published.covers,
        accounts,
        bytes: published.bytes,
    }
}

pub(super) fn backup(taken: BackupTaken) -> v1::TakeBackupResponse {
    let BackupTaken {
        first,
        last,
        before,
        segments,
        bytes,
        snapshot,
    } = taken;
    v1::TakeBackupResponse {
        first_sequence: first,
        last_sequence: last,
        previous_last_sequence: before,
        segments,
        bytes,
        has_snapshot: snapshot,
    }
}
