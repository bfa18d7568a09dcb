//! The parts of a run's file as bytes.

use bytes::BufMut;

use super::{Span, UsedKey, filter};
use crate::ledger::journal::error::{Damage, DiskError, OpenError};
use crate::ledger::journal::record::{file_header, take};

/// Bytes before the first key.
pub(super) const HEADER_BYTES: usize = 64;
/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 16;
/// Bytes of a fence.
pub(super) const FENCE_BYTES: usize = 8;
/// Bytes behind the fences.
pub(super) const FOOTER_BYTES: usize = 24;
/// The most keys of a run: a fence counts in 32 bits.
pub(super) const MOST_KEYS: u64 = u32::MAX as u64;

/// The format that this release writes, and the newest that it reads.
const FORMAT: u32 = 1;
const MAGIC: [u8; 8] = *b"WAIKAKEY";
const CHECKED_HEADER_BYTES: usize = 52;
const FOOTER_MAGIC: [u8; 4] = *b"WKRF";
const CHECKED_FOOTER_BYTES: usize = 16;
/// Keys of a bucket in the mean: 4 KiB, what a disk reads at once.
const KEYS_A_BUCKET: u64 = 256;

/// Why a run cannot be used.
#[derive(Debug)]
pub(in crate::ledger::journal) enum Flaw {
    /// It is not as it was written.
    Damaged(Damage),
    /// A later release wrote it.
    Newer(u32),
    /// A call to the disk failed.
    Unreadable(DiskError),
}

impl From<DiskError> for Flaw {
    fn from(error: DiskError) -> Self {
        Self::Unreadable(error)
    }
}

impl Flaw {
    /// Why no journal opens with it.
    pub(in crate::ledger::journal) fn into_error(self, file: &str) -> OpenError {
        match self {
            Self::Damaged(damage) => damage.into(),
            Self::Newer(found) => OpenError::NewerFormat {
                file: file.to_owned(),
                found,
                supported: FORMAT,
            },
            Self::Unreadable(error) => error.into(),
        }
    }
}

/// How a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) identity: u64,
    pub(super) span: Span,
    pub(super) keys: u64,
}

/// What a header's bytes are.
pub(super) enum Read {
    Header(Header),
    Newer(u32),
    Invalid,
}

impl Header {
    pub(super) fn encode(self) -> [u8; HEADER_BYTES] {
        self.encode_as(FORMAT)
    }

    fn encode_as(self, format: u32) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        let mut rest = &mut header[..];
        rest.put_slice(&MAGIC);
        rest.put_u32_le(format);
        rest.put_u64_le(self.identity);
        rest.put_u64_le(self.span.after);
        rest.put_u64_le(self.span.through);
        rest.put_i64_le(self.span.put_in_ms);
        rest.put_u64_le(self.keys);
        let checked = header.split_at(CHECKED_HEADER_BYTES).0;
        let checksum = crc32c::crc32c(checked);
        (&mut header[CHECKED_HEADER_BYTES..]).put_u32_le(checksum);
        header
    }

    /// Every later format keeps this layout up to the checksum, so that it can be told from damage.
    pub(super) fn decode(bytes: &[u8]) -> Read {
        match Self::fields(bytes) {
            Some((_, format)) if format > FORMAT => Read::Newer(format),
            Some((header, _)) => Read::Header(header),
            None => Read::Invalid,
        }
    }

    fn fields(bytes: &[u8]) -> Option<(Self, u32)> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (format, mut rest) = file_header(header, CHECKED_HEADER_BYTES, MAGIC)?;
        let fields = &mut rest;
        let identity = u64::from_le_bytes(take(fields)?);
        let span = Span {
            after: u64::from_le_bytes(take(fields)?),
            through: u64::from_le_bytes(take(fields)?),
            put_in_ms: i64::from_le_bytes(take(fields)?),
        };
        let keys = u64::from_le_bytes(take(fields)?);
        let header = Self {
            identity,
            span,
            keys,
        };
        let sound = keys <= MOST_KEYS && span.after < span.through;
        sound.then_some((header, format))
    }

    /// Where its parts stand.
    pub(super) fn places(self) -> Places {
        let filter = HEADER_BYTES as u64 + self.keys * KEY_BYTES as u64;
        let fences = filter + filter::blocks(self.keys) * filter::BLOCK_BYTES as u64;
        let footer = fences + buckets(self.keys) * FENCE_BYTES as u64;
        Places {
            filter,
            fences,
            footer,
            length: footer + FOOTER_BYTES as u64,
        }
    }
}

/// Offsets in a run's file, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) filter: u64,
    pub(super) fences: u64,
    pub(super) footer: u64,
    pub(super) length: u64,
}

/// How many buckets a run of so many keys has: a power of two.
pub(super) fn buckets(keys: u64) -> u64 {
    keys.div_ceil(KEYS_A_BUCKET).max(1).next_power_of_two()
}

/// Which of so many buckets a hash belongs to: its high bits.
pub(super) fn bucket(hash: u64, buckets: u64) -> usize {
    let bucket = (u128::from(hash) * u128::from(buckets)) >> 64;
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The end of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// The place behind its last key, counted from the run's first.
    pub(super) end: u32,
    /// Over its keys.
    pub(super) checksum: u32,
}

impl Fence {
    pub(super) fn encode(self) -> [u8; FENCE_BYTES] {
        (u64::from(self.checksum) << 32 | u64::from(self.end)).to_le_bytes()
    }

    pub(super) fn decode(bytes: [u8; FENCE_BYTES]) -> Self {
        let both = u64::from_le_bytes(bytes);
        let low = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        Self {
            end: low(both),
            checksum: low(both >> 32),
        }
    }
}

impl UsedKey {
    pub(super) fn encode(self) -> [u8; KEY_BYTES] {
        (u128::from(self.sequence) << 64 | u128::from(self.hash)).to_le_bytes()
    }

    pub(super) fn decode(bytes: [u8; KEY_BYTES]) -> Self {
        let both = u128::from_le_bytes(bytes);
        let low = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default();
        Self {
            hash: low(both),
            sequence: low(both >> 64),
        }
    }
}

/// The footer of a run, from the checksum over its filter and fences.
pub(super) fn footer(header: Header, checksum: u32) -> [u8; FOOTER_BYTES] {
    let mut footer = [0; FOOTER_BYTES];
    let mut rest = &mut footer[..];
    rest.put_slice(&FOOTER_MAGIC);
    rest.put_u64_le(header.places().length);
    rest.put_u32_le(checksum);
    let over_header = crc32c::crc32c(&header.encode());
    let checksum = crc32c::crc32c_append(over_header, &footer[..CHECKED_FOOTER_BYTES]);
    (&mut footer[CHECKED_FOOTER_BYTES..]).put_u32_le(checksum);
    footer
}

/// The header of a release to come.
#[cfg(test)]
pub(super) fn later_format(identity: u64, span: Span, keys: u64) -> [u8; HEADER_BYTES] {
    let header = Header {
        identity,
        span,
        keys,
    };
    header.encode_as(FORMAT + 1)
}
