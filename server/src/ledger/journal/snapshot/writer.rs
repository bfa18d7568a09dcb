//! Writing a snapshot under its temporary name, and giving it its own when it is whole.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prost::{encode_length_delimiter, length_delimiter_len};

use super::layout::{BLOCK_HEADER_BYTES, BlockHeader, Footer, Header};
use super::{Name, Published, SnapshotOptions, Snapshots, UNFINISHED, names};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::DiskError;
use crate::ledger::journal::file::{NamedFile, take_name};

/// So many snapshots are kept: the newest, and one more in case that it is damaged.
const KEPT: usize = 2;

/// A snapshot that is being written. Dropped before it is published, it removes its file.
#[derive(Debug)]
pub struct SnapshotWriter {
    disk: Arc<dyn Disk>,
    options: SnapshotOptions,
    busy: Arc<AtomicBool>,
    header: Header,
    file: NamedFile,
    /// Room for the header, then the payload of the block that is being filled.
    block: Vec<u8>,
    records_in_block: u32,
    blocks: u64,
    records: u64,
    /// The length of the file in bytes.
    length: u64,
    /// Bytes since the last sync.
    unsynced: usize,
    /// Set by the first error: what is in the file is unknown from then on.
    failed: bool,
}

impl SnapshotWriter {
    pub(super) fn begin(snapshots: &Snapshots, from: u64) -> Result<Self, DiskError> {
        let Snapshots {
            disk,
            identity,
            options,
            busy,
        } = snapshots.clone();
        if busy.swap(true, Ordering::AcqRel) {
            return Err(DiskError::of("begin", UNFINISHED)(
                io::ErrorKind::ResourceBusy.into(),
            ));
        }
        let file = NamedFile::create(&*disk, UNFINISHED);
        let file = file.inspect_err(|_| busy.store(false, Ordering::Release))?;
        let mut writer = Self {
            disk,
            options,
            busy,
            header: Header { identity, from },
            file,
            block: vec![0; BLOCK_HEADER_BYTES],
            records_in_block: 0,
            blocks: 0,
            records: 0,
            length: 0,
            unsynced: 0,
            failed: false,
        };
        writer.write(&writer.header.encode())?;
        Ok(writer)
    }

    /// Adds a record after those that are there. Writes and syncs when a block is full, so call it
    /// from a thread that may block. After an error the snapshot can only be dropped.
    pub fn push(&mut self, record: &[u8]) -> Result<(), DiskError> {
        let added = length_delimiter_len(record.len()) + record.len();
        let full = self.block.len() - BLOCK_HEADER_BYTES + added > self.options.block_bytes;
        if full || self.records_in_block == u32::MAX {
            self.end_block()?;
        }
        // A vector grows to any length, which is the only way in which encoding may fail.
        let encoded = encode_length_delimiter(record.len(), &mut self.block);
        debug_assert!(encoded.is_ok());
        self.block.extend_from_slice(record);
        self.records_in_block += 1;
        self.records += 1;
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), DiskError> {
        if self.records_in_block == 0 {
            return Ok(());
        }
        let mut block = mem::take(&mut self.block);
        let ended = self.write_block(&mut block);
        block.truncate(BLOCK_HEADER_BYTES);
        block.shrink_to(self.options.block_bytes + BLOCK_HEADER_BYTES);
        self.block = block;
        self.records_in_block = 0;
        self.blocks += 1;
        ended
    }

    fn write_block(&mut self, block: &mut [u8]) -> Result<(), DiskError> {
        let sealed = BlockHeader::seal(block, self.header, self.blocks, self.records_in_block);
        if sealed.is_none() {
            self.failed = true;
            let too_long = io::ErrorKind::FileTooLarge.into();
            return Err(self.file.failed("fit a record in")(too_long));
        }
        self.write(block)
    }

    /// Writes at the end, and syncs whenever a piece is full.
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), DiskError> {
        while !bytes.is_empty() {
            let room = self
                .options
                .piece_bytes
                .max(1)
                .saturating_sub(self.unsynced);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.attempt(|file, end| file.write_at(now, end))?;
            self.length += now.len() as u64;
            self.unsynced += now.len();
            if later.is_empty() && self.unsynced < self.options.piece_bytes {
                return Ok(());
            }
            self.sync()?;
            bytes = later;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DiskError> {
        self.attempt(|file, _| file.sync())?;
        self.unsynced = 0;
        Ok(())
    }

    /// Does something with the file and its end, unless that failed before.
    fn attempt(
        &mut self,
        act: impl FnOnce(&NamedFile, u64) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        if self.failed {
            let earlier = io::Error::other("an earlier write or sync failed");
            return Err(self.file.failed("write")(earlier));
        }
        let done = act(&self.file, self.length);
        self.failed = done.is_err();
        done
    }

    /// Makes the snapshot durable under its own name, and removes all but the newest two. `covers`
    /// is the highest sequence of which it holds anything, at least `from`.
    ///
    /// The caller promises that everything up to `covers` is durable in the journal: a start takes
    /// the snapshot for the proof of it.
    pub fn publish(mut self, covers: u64) -> Result<Published, DiskError> {
        if covers < self.header.from {
            let what = format!(
                "it covers {covers}, and was begun from {}",
                self.header.from
            );
            return Err(self.file.failed("publish")(io::Error::new(
                io::ErrorKind::InvalidInput,
                what,
            )));
        }
        self.end_block()?;
        let footer = Footer {
            covers,
            records: self.records,
            blocks: self.blocks,
            bytes: self.length + super::layout::FOOTER_BYTES as u64,
        };
        self.write(&footer.encode(self.header))?;
        self.sync()?;
        let Name { file, .. } = Name::of(covers);
        take_name(&*self.disk, UNFINISHED, &file)?;
        remove_old(&*self.disk, covers);
        Ok(Published {
            file,
            from: self.header.from,
            covers,
            records: footer.records,
            blocks: footer.blocks,
            bytes: footer.bytes,
        })
    }
}

/// What cannot be removed costs room and nothing else.
fn remove_old(disk: &dyn Disk, newest: u64) {
    let names = names(disk).unwrap_or_else(|error| {
        tracing::warn!(%error, "old snapshots were not removed");
        Vec::new()
    });
    let older = names.into_iter().skip_while(|name| name.covers > newest);
    for Name { file, .. } in older.skip(KEPT) {
        if let Err(error) = disk.remove(&file) {
            tracing::warn!(%error, file, "an old snapshot was not removed");
        }
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        // When it was published there is no such file any more.
        if let Err(error) = super::remove_unfinished(&*self.disk) {
            tracing::warn!(%error, "an unfinished snapshot was not removed");
        }
        self.busy.store(false, Ordering::Release);
    }
}
