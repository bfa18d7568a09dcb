//! A run that can be asked.

use std::io;

use super::filter::Filter;
use super::layout::{self, FENCE_BYTES, Fence, Flaw, HEADER_BYTES, Header, KEY_BYTES, Read};
use super::{Span, UsedKey};
use crate::ledger::journal::error::{Damage, DiskError, ReadError};
use crate::ledger::journal::file::NamedFile;

/// A run whose filter and fences are in memory.
#[derive(Debug)]
pub struct KeyRun {
    file: NamedFile,
    name: String,
    header: Header,
    filter: Filter,
    fences: Box<[Fence]>,
}

impl KeyRun {
    pub(super) fn new(
        file: NamedFile,
        name: String,
        header: Header,
        filter: Filter,
        fences: Box<[Fence]>,
    ) -> Self {
        Self {
            file,
            name,
            header,
            filter,
            fences,
        }
    }

    /// Reads all but the keys.
    pub(in crate::ledger::journal) fn open(file: NamedFile, name: &str) -> Result<Self, Flaw> {
        let damaged = |offset: u64, what: &str| {
            let (after, _) = super::parse(name).unwrap_or_default();
            Flaw::Damaged(Damage {
                file: name.to_owned(),
                offset,
                sequence: after.saturating_add(1),
                what: what.to_owned(),
            })
        };
        let length = file.length()?;
        if length < HEADER_BYTES as u64 {
            return Err(damaged(0, "it is shorter than a header"));
        }
        let header = match Header::decode(&file.read(0, HEADER_BYTES)?) {
            Read::Header(header) => header,
            Read::Newer(format) => return Err(Flaw::Newer(format)),
            Read::Invalid => return Err(damaged(0, "its header is not as it was written")),
        };
        if super::name(header.span.after, header.span.through) != name {
            return Err(damaged(0, "its header is that of another run"));
        }
        let places = header.places();
        if length != places.length {
            let what = format!("it has {length} bytes and not {}", places.length);
            return Err(damaged(length.min(places.length), &what));
        }
        let rest = usize::try_from(length - places.filter).unwrap_or(usize::MAX);
        let bytes = file.read(places.filter, rest)?;
        let part = |from: u64, to: u64| {
            let at = |offset: u64| usize::try_from(offset - places.filter).unwrap_or(usize::MAX);
            bytes.get(at(from)..at(to)).unwrap_or_default()
        };
        let checked = part(places.filter, places.footer);
        let footer = layout::footer(header, crc32c::crc32c(checked));
        if footer != part(places.footer, length) {
            return Err(damaged(
                places.filter,
                "its filter, its fences or its footer are not as they were written",
            ));
        }
        let (fences, _) = part(places.fences, places.footer).as_chunks::<FENCE_BYTES>();
        Ok(Self {
            filter: Filter::from_bytes(part(places.filter, places.fences)),
            fences: fences.iter().map(|fence| Fence::decode(*fence)).collect(),
            file,
            name: name.to_owned(),
            header,
        })
    }

    /// The journal's that it belongs to.
    pub fn identity(&self) -> u64 {
        self.header.identity
    }

    /// The file's name in the folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn span(&self) -> Span {
        self.header.span
    }

    /// How many keys.
    pub fn keys(&self) -> u64 {
        self.header.keys
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.filter.bytes() + self.fences.len() * FENCE_BYTES
    }

    /// False if it does not hold a hash. Asks no disk.
    pub fn may_hold(&self, hash: u64) -> bool {
        self.filter.may_hold(hash)
    }

    /// The sequences under a hash, ascending. Reads a bucket, so call it where that may block.
    pub fn find(&self, hash: u64) -> Result<Vec<u64>, ReadError> {
        let bucket = layout::bucket(hash, self.fences.len() as u64);
        let keys = self.bucket(bucket)?.unwrap_or_default();
        let from = keys.partition_point(|key| key.hash < hash);
        let of_hash = keys.into_iter().skip(from);
        let of_hash = of_hash.take_while(|key| key.hash == hash);
        Ok(of_hash.map(|key| key.sequence).collect())
    }

    /// Reads every key and tells how many bytes that were, until it is told not to go on: false then. An
    /// error names what is damaged.
    pub fn check(&self, mut go_on: impl FnMut(u64) -> bool) -> Result<bool, ReadError> {
        for bucket in 0..self.fences.len() {
            let keys = self.bucket(bucket)?.unwrap_or_default();
            if !go_on((keys.len() * KEY_BYTES) as u64) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The keys of a bucket, in order; `None` behind the last bucket.
    pub(super) fn bucket(&self, bucket: usize) -> Result<Option<Vec<UsedKey>>, ReadError> {
        let Some(fence) = self.fences.get(bucket) else {
            return Ok(None);
        };
        let before = bucket
            .checked_sub(1)
            .and_then(|before| self.fences.get(before));
        let first = before.map_or(0, |before| before.end);
        let keys = fence.end.saturating_sub(first) as usize;
        let offset = HEADER_BYTES as u64 + u64::from(first) * KEY_BYTES as u64;
        let bytes = self.file.read(offset, keys * KEY_BYTES)?;
        if crc32c::crc32c(&bytes) != fence.checksum {
            let what = "its keys here are not as they were written".to_owned();
            return Err(self.damage(offset, what).into());
        }
        let (keys, _) = bytes.as_chunks::<KEY_BYTES>();
        Ok(Some(keys.iter().map(|key| UsedKey::decode(*key)).collect()))
    }

    /// Refuses a run of another journal.
    pub(in crate::ledger::journal) fn check_belongs(&self, identity: u64) -> Result<(), Damage> {
        if self.header.identity == identity {
            Ok(())
        } else {
            Err(self.damage(0, "it belongs to another journal".to_owned()))
        }
    }

    pub(super) fn damage(&self, offset: u64, what: String) -> Damage {
        Damage {
            file: self.name.clone(),
            offset,
            sequence: self.header.span.after.saturating_add(1),
            what,
        }
    }
}

impl From<Damage> for Flaw {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<ReadError> for Flaw {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged(damage) => Self::Damaged(damage),
            ReadError::Io(error) => Self::Unreadable(error),
            // Said of entries, and a run has none.
            ReadError::Pruned(beginning) => Self::Unreadable(DiskError {
                file: "a run of used keys".to_owned(),
                action: "read",
                source: io::Error::other(beginning.to_string()),
            }),
        }
    }
}
