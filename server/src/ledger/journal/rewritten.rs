//! Which segments were written anew, and in which order: a backup holds them as they were, and takes them up
//! by this. A server does without.
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 8 | magic |
//! | 4 | format version |
//! | 8 | identity of the journal |
//! | 8 each, twice | a segment's ordinal, and when it was last written anew: 1 for the first, and so on |
//! | 4 | CRC-32C over all of the above |

use std::collections::BTreeMap;

use bytes::BufMut as _;

use super::disk::Disk;
use super::error::{Damage, DiskError, OpenError};
use super::file::{NamedFile, replace};
use super::folder::newer;
use super::record::take;

/// The file's name.
pub(super) const FILE: &str = "rewritten";
pub(super) const UNFINISHED: &str = "rewritten.tmp";
const MAGIC: [u8; 8] = *b"WKREWRTN";
const FORMAT: u32 = 1;
const CHECKSUM_BYTES: usize = 4;
/// Of a segment that is about to take the place of the old one, or did in a crash: it counts as newer than
/// whatever a backup has.
const ABOUT_TO_BE: u64 = u64::MAX;

/// The segments, each with its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rewrites {
    numbers: BTreeMap<u64, u64>,
}

impl Rewrites {
    /// What a folder says; nothing if it says nothing.
    pub(super) fn read(disk: &dyn Disk, identity: u64) -> Result<Self, OpenError> {
        let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
            return Ok(Self::default());
        };
        let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
        let bytes = file.read(0, length.min(64 << 20))?;
        let (found, rewrites) = decode(&bytes, identity).ok_or_else(|| damage(bytes.len()))?;
        if found > FORMAT {
            return Err(newer(FILE.to_owned(), found, FORMAT));
        }
        Ok(rewrites)
    }

    /// So many, of which none is here: the numbers go on from there.
    pub(super) fn counted(newest: u64) -> Self {
        Self {
            numbers: BTreeMap::from([(0, newest)]),
        }
    }

    /// The newest number; 0 if no segment was ever written anew.
    pub(super) fn newest(&self) -> u64 {
        let done = self.numbers.values().copied();
        let done = done.filter(|&number| number != ABOUT_TO_BE);
        done.max().unwrap_or_default()
    }

    /// Whether any was written anew after the one of that number.
    pub(super) fn has_newer(&self, number: u64) -> bool {
        self.numbers.values().any(|&it| it > number)
    }

    /// Those that were written anew after the one of that number.
    pub(super) fn is_newer(&self, ordinal: u64, number: u64) -> bool {
        self.numbers.get(&ordinal).is_some_and(|&it| it > number)
    }

    /// Notes that one is about to be, and forgets those that are gone.
    pub(super) fn begin(&mut self, ordinal: u64, oldest: u64) {
        // A number that was given is never given again.
        let newest = self.newest();
        let mut kept = self.numbers.split_off(&oldest);
        if let Some((&last, _)) = self.numbers.iter().find(|(_, number)| **number == newest) {
            kept.insert(last, newest);
        }
        kept.insert(ordinal, ABOUT_TO_BE);
        self.numbers = kept;
    }

    /// Notes that it is.
    pub(super) fn end(&mut self, ordinal: u64) {
        self.numbers.insert(ordinal, self.newest() + 1);
    }

    /// Says it durably.
    pub(super) fn publish(&self, disk: &dyn Disk, identity: u64) -> Result<(), DiskError> {
        let mut bytes = Vec::new();
        bytes.put_slice(&MAGIC);
        bytes.put_u32_le(FORMAT);
        bytes.put_u64_le(identity);
        for (&ordinal, &number) in &self.numbers {
            bytes.put_u64_le(ordinal);
            bytes.put_u64_le(number);
        }
        bytes.put_u32_le(crc32c::crc32c(&bytes));
        replace(disk, UNFINISHED, FILE, &bytes)
    }
}

fn decode(bytes: &[u8], identity: u64) -> Option<(u32, Rewrites)> {
    let (checked, mut checksum) =
        bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    if crc32c::crc32c(checked) != u32::from_le_bytes(take(&mut checksum)?) {
        return None;
    }
    let rest = &mut &*checked;
    let magic: [u8; 8] = take(rest)?;
    let format = u32::from_le_bytes(take(rest)?);
    let is_it = magic == MAGIC && u64::from_le_bytes(take(rest)?) == identity;
    let (pairs, []) = rest.as_chunks::<16>() else {
        return None;
    };
    let number = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let pairs = pairs.iter().map(|pair| pair.split_at(8));
    let numbers = pairs.map(|(ordinal, it)| (number(ordinal), number(it)));
    let rewrites = Rewrites {
        numbers: numbers.collect(),
    };
    is_it.then_some((format, rewrites))
}

fn damage(length: usize) -> Damage {
    let what = "it is not as it was written, so nobody knows which segments a backup has as they were \
                before personal data were erased: move it out of the folder and take a backup into an \
                empty folder";
    Damage {
        file: FILE.to_owned(),
        offset: length as u64,
        sequence: 1,
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::disk::{Faults, SimulatedDisk};

    #[test]
    fn the_newest_number_of_each_segment_is_known_again() {
        let disk = SimulatedDisk::new(1, Faults::default());
        assert_eq!(Rewrites::read(&disk, 7).unwrap(), Rewrites::default());
        let mut rewrites = Rewrites::default();
        for ordinal in [3, 5, 3] {
            rewrites.begin(ordinal, 1);
            rewrites.publish(&disk, 7).unwrap();
            let read = Rewrites::read(&disk, 7).unwrap();
            assert!(read.is_newer(ordinal, u64::MAX - 1) && read.has_newer(read.newest()));
            rewrites.end(ordinal);
            rewrites.publish(&disk, 7).unwrap();
        }
        let mut read = Rewrites::read(&disk, 7).unwrap();
        assert_eq!((read.clone(), read.newest()), (rewrites, 3));
        for (ordinal, number, expected) in [
            (3, 2, true),
            (3, 3, false),
            (5, 1, true),
            (5, 2, false),
            (4, 0, false),
        ] {
            assert_eq!(
                read.is_newer(ordinal, number),
                expected,
                "{ordinal} {number}"
            );
        }
        read.begin(6, 5);
        read.end(6);
        assert_eq!(read.newest(), 4);
        assert!(read.is_newer(5, 1) && read.is_newer(6, 3) && !read.has_newer(4));
        // The oldest that are gone are forgotten, but for the newest number.
        read.begin(7, 7);
        assert!(!read.is_newer(5, 0) && read.newest() == 4);
    }

    #[test]
    fn another_journals_and_any_flipped_bit_is_refused() {
        let disk = SimulatedDisk::new(1, Faults::default());
        let mut rewrites = Rewrites::default();
        rewrites.begin(3, 1);
        rewrites.publish(&disk, 7).unwrap();
        assert!(matches!(
            Rewrites::read(&disk, 8),
            Err(OpenError::Damaged(_))
        ));
        let file = NamedFile::open(&disk, FILE).unwrap();
        let length = usize::try_from(file.length().unwrap()).unwrap();
        let whole = file.read(0, length).unwrap();
        for bit in 0..length * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            file.write_at(&flipped, 0).unwrap();
            assert!(Rewrites::read(&disk, 7).is_err(), "bit {bit}");
        }
    }
}
