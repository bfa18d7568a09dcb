//! One record: the entries of one batch behind a checksum.
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 4 | magic `WKRC` |
//! | 4 | format version |
//! | 8 | identity of the journal |
//! | 8 | sequence of the first entry |
//! | 4 | number of entries, at least 1 |
//! | 4 | payload length in bytes |
//! | 4 | CRC-32C over all of the above and the payload |
//! | … | payload: each entry as a varint length and its bytes |
//!
//! The identity keeps an entry's bytes, which callers influence, from ever passing for a record.

use bytes::BufMut;
use prost::{decode_length_delimiter, encode_length_delimiter, length_delimiter_len};

/// Bytes before the payload.
pub(super) const HEADER_BYTES: usize = 36;
/// The first bytes of each record.
pub(super) const MAGIC: [u8; 4] = *b"WKRC";
/// The record format that this release writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

const CHECKED_HEADER_BYTES: usize = HEADER_BYTES - 4;

/// Entries that become durable together. Its buffer is reused from batch to batch.
#[derive(Debug)]
pub struct Batch {
    /// Room for the header, then the payload: a record is written with one call and no copy.
    bytes: Vec<u8>,
    count: u32,
}

impl Batch {
    /// The longest entry in bytes. Longer ones are the caller's mistake.
    pub const MAX_ENTRY_BYTES: usize = 16 * 1024 * 1024;

    /// Buffers that grew beyond this in one burst are not kept.
    const KEPT_BYTES: usize = 1024 * 1024;

    /// An empty batch.
    pub fn new() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
            count: 0,
        }
    }

    /// Adds an entry after those that are there.
    pub fn push(&mut self, entry: &[u8]) {
        // A vector grows to any length, which is the only way in which encoding may fail.
        let encoded = encode_length_delimiter(entry.len(), &mut self.bytes);
        debug_assert!(encoded.is_ok());
        self.bytes.extend_from_slice(entry);
        self.count += 1;
    }

    /// The number of entries.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The length of the record in bytes.
    pub fn record_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The same with one more entry of this length.
    pub fn record_bytes_with(&self, entry_bytes: usize) -> usize {
        self.bytes.len() + length_delimiter_len(entry_bytes) + entry_bytes
    }

    /// Empties the batch for the next use.
    pub fn clear(&mut self) {
        self.bytes.truncate(HEADER_BYTES);
        self.bytes.shrink_to(Self::KEPT_BYTES);
        self.count = 0;
    }

    /// Fills in the header and gives the record's bytes. `None` if the payload is too long for a
    /// record, which [`Batch::MAX_ENTRY_BYTES`] and a bound on the batch keep from happening.
    pub(super) fn seal(&mut self, identity: u64, first: u64) -> Option<&[u8]> {
        let (header, payload) = self.bytes.split_at_mut_checked(HEADER_BYTES)?;
        let (checked, mut checksum) = header.split_at_mut_checked(CHECKED_HEADER_BYTES)?;
        let mut fields = &mut *checked;
        fields.put_slice(&MAGIC);
        fields.put_u32_le(FORMAT);
        fields.put_u64_le(identity);
        fields.put_u64_le(first);
        fields.put_u32_le(self.count);
        fields.put_u32_le(u32::try_from(payload.len()).ok()?);
        checksum.put_u32_le(crc32c::crc32c_append(crc32c::crc32c(checked), payload));
        Some(&self.bytes)
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

/// A record that was read back and whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) identity: u64,
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) payload: &'a [u8],
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRecord {
    /// They end too early, say something else, or have a wrong checksum.
    Invalid,
    /// The checksum is right, but a later release wrote it.
    Newer(u32),
}

impl<'a> Record<'a> {
    /// Reads the record that these bytes begin with.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, NoRecord> {
        let header = Header::decode(bytes).ok_or(NoRecord::Invalid)?;
        let payload = bytes
            .get(HEADER_BYTES..)
            .and_then(|rest| rest.get(..header.length as usize));
        let (Some(payload), Some(checked)) = (payload, bytes.get(..CHECKED_HEADER_BYTES)) else {
            return Err(NoRecord::Invalid);
        };
        if crc32c::crc32c_append(crc32c::crc32c(checked), payload) != header.checksum {
            return Err(NoRecord::Invalid);
        }
        if header.format > FORMAT {
            return Err(NoRecord::Newer(header.format));
        }
        let Header {
            identity,
            first,
            count,
            ..
        } = header;
        Ok(Self {
            identity,
            first,
            count,
            payload,
        })
    }

    /// The length of the whole record in bytes.
    pub(super) fn bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// Walks over the entries. `None` in place of an entry: the lengths do not add up, which a
    /// right checksum excludes unless the writer was wrong.
    pub(super) fn entries(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        delimited(self.payload, self.count)
    }
}

/// Walks over `count` byte strings, each behind its length as a varint, that fill the payload.
pub(super) fn delimited(
    payload: &[u8],
    count: u32,
) -> impl Iterator<Item = Option<&[u8]>> + use<'_> {
    let mut rest = payload;
    let last = count.saturating_sub(1);
    (0..count).map(move |place| {
        let length = decode_length_delimiter(&mut rest).ok()?;
        let (entry, behind) = rest.split_at_checked(length)?;
        rest = behind;
        (place < last || rest.is_empty()).then_some(entry)
    })
}

/// The fields of a header as they stand there, checked against nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    format: u32,
    pub(super) identity: u64,
    pub(super) first: u64,
    pub(super) count: u32,
    /// The payload's length in bytes.
    pub(super) length: u32,
    checksum: u32,
}

impl Header {
    /// `None` if there are too few bytes, no magic, or no entries.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let magic: [u8; 4] = take(bytes)?;
        let header = Self {
            format: u32::from_le_bytes(take(bytes)?),
            identity: u64::from_le_bytes(take(bytes)?),
            first: u64::from_le_bytes(take(bytes)?),
            count: u32::from_le_bytes(take(bytes)?),
            length: u32::from_le_bytes(take(bytes)?),
            checksum: u32::from_le_bytes(take(bytes)?),
        };
        (magic == MAGIC && header.count > 0).then_some(header)
    }
}

/// Checks how a file begins: a magic, its format, fields up to `checked` bytes, a CRC-32C over all of
/// them, and zeros. Gives the format and the fields.
pub(super) fn file_header(header: &[u8], checked: usize, magic: [u8; 8]) -> Option<(u32, &[u8])> {
    let (checked, mut rest) = header.split_at_checked(checked)?;
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    let mut fields = checked;
    let found: [u8; 8] = take(&mut fields)?;
    let format = u32::from_le_bytes(take(&mut fields)?);
    let unused = rest.iter().all(|&byte| byte == 0);
    let whole = found == magic && checksum == crc32c::crc32c(checked) && unused;
    whole.then_some((format, fields))
}

/// Takes a field of fixed width off the front.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(entries: &[&[u8]]) -> Vec<u8> {
        let mut batch = Batch::new();
        for entry in entries {
            batch.push(entry);
        }
        batch.seal(7, 100).unwrap().to_vec()
    }

    #[test]
    fn a_record_gives_back_its_entries_in_order() {
        let long = vec![b'x'; 300];
        let bytes = record(&[b"one", b"", &long]);
        let record = Record::decode(&bytes).unwrap();
        assert_eq!((record.identity, record.first, record.count), (7, 100, 3));
        let entries: Vec<_> = record.entries().map(Option::unwrap).collect();
        assert_eq!(entries, [&b"one"[..], b"", &long]);
    }

    #[test]
    fn any_flipped_bit_and_any_missing_byte_makes_it_no_record() {
        let whole = record(&[b"one", b"two"]);
        for length in 0..whole.len() {
            assert_eq!(
                Record::decode(&whole[..length]).err(),
                Some(NoRecord::Invalid)
            );
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                Record::decode(&bytes).err(),
                Some(NoRecord::Invalid),
                "bit {bit}"
            );
        }
    }
}
