//! Writing a run under its temporary name, and giving it its own when it is whole.

use std::io;
use std::mem;
use std::sync::Arc;

use super::filter::Filter;
use super::layout::{self, Fence, Header, KEY_BYTES, MOST_KEYS};
use super::run::KeyRun;
use super::{Span, UNFINISHED, UsedKey, name};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::DiskError;
use crate::ledger::journal::file::{NamedFile, sync_folder};

/// Bytes that go to the disk at once: a commit's sync may have to wait for them.
const PIECE_BYTES: usize = 1 << 20;

/// A run that is being written. Dropped before it is published, it removes its file.
#[derive(Debug)]
pub struct KeyRunWriter {
    disk: Arc<dyn Disk>,
    file: NamedFile,
    header: Header,
    filter: Filter,
    fences: Vec<Fence>,
    buckets: u64,
    /// Over the keys of the bucket that is being filled.
    checksum: u32,
    pushed: u64,
    last: Option<UsedKey>,
    /// What was not written yet, and where it goes.
    piece: Vec<u8>,
    offset: u64,
    /// The name that it has.
    name: String,
    published: bool,
}

impl KeyRunWriter {
    pub(super) fn begin(
        disk: &Arc<dyn Disk>,
        identity: u64,
        span: Span,
        keys: u64,
    ) -> Result<Self, DiskError> {
        let file = NamedFile::create(&**disk, UNFINISHED)?;
        let header = Header {
            identity,
            span,
            keys,
        };
        let buckets = layout::buckets(keys);
        let mut writer = Self {
            disk: Arc::clone(disk),
            file,
            header,
            filter: Filter::new(keys.min(MOST_KEYS)),
            fences: Vec::with_capacity(usize::try_from(buckets).unwrap_or_default()),
            buckets,
            checksum: 0,
            pushed: 0,
            last: None,
            piece: Vec::with_capacity(PIECE_BYTES),
            offset: 0,
            name: UNFINISHED.to_owned(),
            published: false,
        };
        if keys > MOST_KEYS || span.after >= span.through {
            return Err(writer.nonsense("begin"));
        }
        writer.write(&header.encode())?;
        Ok(writer)
    }

    /// Adds a key: in order, and as many as were announced. Writes and syncs now and then, so call
    /// it from a thread that may block. After an error the run can only be dropped.
    pub fn push(&mut self, key: UsedKey) -> Result<(), DiskError> {
        let of = self.header.span;
        let belongs = of.after < key.sequence && key.sequence <= of.through;
        if self.last.is_some_and(|last| last > key) || !belongs || self.pushed == self.header.keys {
            return Err(self.nonsense("add a key to"));
        }
        self.last = Some(key);
        self.end_buckets_before(layout::bucket(key.hash, self.buckets));
        let bytes = key.encode();
        self.checksum = crc32c::crc32c_append(self.checksum, &bytes);
        self.filter.insert(key.hash);
        self.pushed += 1;
        self.write(&bytes)
    }

    /// Makes the run durable under its own name. What it was made from may be forgotten then.
    pub fn publish(mut self) -> Result<KeyRun, DiskError> {
        if self.pushed != self.header.keys {
            return Err(self.nonsense("publish"));
        }
        let buckets = usize::try_from(self.buckets).unwrap_or(usize::MAX);
        self.end_buckets_before(buckets);
        let filter = mem::replace(&mut self.filter, Filter::new(0));
        let fences = mem::take(&mut self.fences);
        let mut checksum = 0;
        for block in filter.blocks() {
            checksum = crc32c::crc32c_append(checksum, &block);
            self.write(&block)?;
        }
        for fence in &fences {
            let bytes = fence.encode();
            checksum = crc32c::crc32c_append(checksum, &bytes);
            self.write(&bytes)?;
        }
        self.write(&layout::footer(self.header, checksum))?;
        self.flush()?;
        let Span { after, through, .. } = self.header.span;
        let renamed = self.disk.rename(UNFINISHED, &name(after, through));
        renamed.map_err(DiskError::of("rename", UNFINISHED))?;
        self.name = name(after, through);
        let file = NamedFile::open(&*self.disk, &self.name)?;
        sync_folder(&*self.disk)?;
        self.published = true;
        let name = mem::take(&mut self.name);
        Ok(KeyRun::new(file, name, self.header, filter, fences.into()))
    }

    fn end_buckets_before(&mut self, bucket: usize) {
        while self.fences.len() < bucket {
            self.fences.push(Fence {
                // Not more than was checked at the beginning.
                end: u32::try_from(self.pushed).unwrap_or(u32::MAX),
                checksum: mem::take(&mut self.checksum),
            });
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() + KEY_BYTES > PIECE_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        self.file.write_at(&self.piece, self.offset)?;
        self.offset += self.piece.len() as u64;
        self.piece.clear();
        self.file.sync()
    }

    fn nonsense(&self, action: &'static str) -> DiskError {
        let Header { span, keys, .. } = self.header;
        let what = format!(
            "{} of {keys} keys behind {} and up to {}, and not in order",
            self.pushed, span.after, span.through
        );
        self.file.failed(action)(io::Error::new(io::ErrorKind::InvalidInput, what))
    }
}

impl Drop for KeyRunWriter {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if let Err(error) = self.disk.remove(&self.name) {
            tracing::warn!(%error, "an unfinished run of keys was not removed");
        }
    }
}
