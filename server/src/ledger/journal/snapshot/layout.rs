//! The parts of a snapshot file as bytes.

use bytes::BufMut;

use crate::ledger::journal::record::{NoRecord, file_header, take};

/// Bytes before the first block.
pub(super) const HEADER_BYTES: usize = 64;
/// Bytes before a block's payload.
pub(super) const BLOCK_HEADER_BYTES: usize = 16;
/// Bytes behind the last block.
pub(super) const FOOTER_BYTES: usize = 40;
/// The snapshot format that this release writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;

const MAGIC: [u8; 8] = *b"WAIKASNP";
const CHECKED_HEADER_BYTES: usize = 28;
const BLOCK_MAGIC: [u8; 4] = *b"WKSB";
const CHECKED_BLOCK_HEADER_BYTES: usize = BLOCK_HEADER_BYTES - 4;
const FOOTER_MAGIC: [u8; 4] = *b"WKSF";
const CHECKED_FOOTER_BYTES: usize = FOOTER_BYTES - 4;

/// How a snapshot file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) identity: u64,
    pub(super) from: u64,
}

impl Header {
    pub(super) fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.put_slice(&MAGIC);
        bytes.put_u32_le(FORMAT);
        bytes.put_u64_le(self.identity);
        bytes.put_u64_le(self.from);
        bytes.put_u32_le(crc32c::crc32c(&bytes));
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    /// Reads the header that these bytes begin with. Every later format keeps this layout up to
    /// the checksum, so that it can be told from damage.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NoRecord> {
        let (header, format) = Self::fields(bytes).ok_or(NoRecord::Invalid)?;
        if format > FORMAT {
            Err(NoRecord::Newer(format))
        } else {
            Ok(header)
        }
    }

    fn fields(bytes: &[u8]) -> Option<(Self, u32)> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (format, mut rest) = file_header(header, CHECKED_HEADER_BYTES, MAGIC)?;
        let fields = &mut rest;
        let identity = u64::from_le_bytes(take(fields)?);
        let from = u64::from_le_bytes(take(fields)?);
        Some((Self { identity, from }, format))
    }

    /// The checksum of a part of this file, which no other file's part and no other place has.
    fn checksum(self, number: u64, parts: [&[u8]; 2]) -> u32 {
        let place = [self.identity, self.from, number].map(u64::to_le_bytes);
        let place = crc32c::crc32c(place.as_flattened());
        parts.into_iter().fold(place, crc32c::crc32c_append)
    }
}

/// What stands before a block's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    /// The payload's length in bytes.
    pub(super) length: u32,
    pub(super) records: u32,
    checksum: u32,
}

impl BlockHeader {
    /// Fills in the first bytes of a block, whose payload stands behind them. `None` if it is
    /// longer than a block may be.
    pub(super) fn seal(block: &mut [u8], header: Header, number: u64, records: u32) -> Option<()> {
        let (fields, payload) = block.split_at_mut_checked(BLOCK_HEADER_BYTES)?;
        let (checked, mut checksum) = fields.split_at_mut_checked(CHECKED_BLOCK_HEADER_BYTES)?;
        let mut fields = &mut *checked;
        fields.put_slice(&BLOCK_MAGIC);
        fields.put_u32_le(u32::try_from(payload.len()).ok()?);
        fields.put_u32_le(records);
        checksum.put_u32_le(header.checksum(number, [checked, payload]));
        Some(())
    }

    /// The fields as they stand there. `None` if this is no block.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let magic: [u8; 4] = take(bytes)?;
        let block = Self {
            length: u32::from_le_bytes(take(bytes)?),
            records: u32::from_le_bytes(take(bytes)?),
            checksum: u32::from_le_bytes(take(bytes)?),
        };
        (magic == BLOCK_MAGIC).then_some(block)
    }

    /// Whether the checksum is that of this payload, behind these bytes of a header, in this place.
    pub(super) fn fits(self, bytes: &[u8], payload: &[u8], header: Header, number: u64) -> bool {
        let checked = bytes.get(..CHECKED_BLOCK_HEADER_BYTES);
        checked.is_some_and(|checked| self.checksum == header.checksum(number, [checked, payload]))
    }
}

/// How a snapshot file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) covers: u64,
    pub(super) records: u64,
    pub(super) blocks: u64,
    /// The length of the whole file.
    pub(super) bytes: u64,
}

impl Footer {
    pub(super) fn encode(self, header: Header) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FOOTER_BYTES);
        bytes.put_slice(&FOOTER_MAGIC);
        for field in [self.covers, self.records, self.blocks, self.bytes] {
            bytes.put_u64_le(field);
        }
        bytes.put_u32_le(header.checksum(self.blocks, [&bytes, &[]]));
        bytes
    }

    /// `None` if these bytes are not the footer of the file with this header.
    pub(super) fn decode(bytes: &[u8], header: Header) -> Option<Self> {
        let (checked, mut checksum) = bytes.split_at_checked(CHECKED_FOOTER_BYTES)?;
        let fields = &mut &*checked;
        let magic: [u8; 4] = take(fields)?;
        let footer = Self {
            covers: u64::from_le_bytes(take(fields)?),
            records: u64::from_le_bytes(take(fields)?),
            blocks: u64::from_le_bytes(take(fields)?),
            bytes: u64::from_le_bytes(take(fields)?),
        };
        let expected = header.checksum(footer.blocks, [checked, &[]]);
        let whole = magic == FOOTER_MAGIC && u32::from_le_bytes(take(&mut checksum)?) == expected;
        (whole && footer.covers >= header.from).then_some(footer)
    }
}
