//! Where a journal begins, once its oldest segments were pruned: said in a file of its own, so that
//! what was removed on purpose is told from what is missing.
//!
//! The file is `beginning`; while it is written it is `beginning.tmp`. A journal that was never pruned
//! has none, and begins with sequence 1. It is durable under its name before the first segment is
//! removed. It holds the same 64 bytes twice, at 0 and at 4,096, so that one bad sector does not cost
//! the store:
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 8 | magic `WAIKABEG` |
//! | 4 | format version |
//! | 8 | identity of the journal |
//! | 8 | ordinal of the first segment that is kept |
//! | 8 | sequence of its first entry |
//! | 8 | instant of that entry, in milliseconds since 1970 |
//! | 8 | from which instant on days are whole, the same |
//! | 4 | CRC-32C over all of the above; then zeros |

use std::fmt;

use bytes::BufMut;

use super::disk::Disk;
use super::error::{Damage, DiskError, OpenError};
use super::file::{NamedFile, take_name};
use super::record::{NoRecord, file_header, take};

/// The file's name.
pub(super) const FILE: &str = "beginning";
/// Its name while it is written.
pub(super) const UNFINISHED: &str = "beginning.tmp";

const MAGIC: [u8; 8] = *b"WAIKABEG";
const FORMAT: u32 = 1;
const COPY_BYTES: usize = 64;
const CHECKED_BYTES: usize = 52;
const COPIES_AT: [u64; 2] = [0, 4096];

/// Where a pruned journal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The random number that all files of the journal carry.
    pub identity: u64,
    /// The ordinal of the first segment that is kept.
    pub segment: u64,
    /// The sequence of the first entry that is kept.
    pub first: u64,
    /// When that was decided, in milliseconds since 1970.
    pub at_ms: i64,
    /// From this instant on, in milliseconds since 1970, nothing was pruned that a day's sums need:
    /// whoever prunes knows what reaches into later days.
    pub days_from_ms: i64,
}

impl fmt::Display for Beginning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the journal begins with sequence {}: what came before was pruned, and is in the backup folder, \
             if there is one",
            self.first
        )
    }
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) beginning: Beginning,
    /// One of the two copies is not as it was written.
    pub(super) flaw: Option<Damage>,
}

/// Where the journal in a folder begins; `None`: with sequence 1. Refuses a file that is damaged.
pub fn beginning(disk: &dyn Disk) -> Result<Option<Beginning>, OpenError> {
    Ok(read(disk)?.map(|declared| declared.beginning))
}

/// The same, with what is wrong with one copy.
pub(super) fn read(disk: &dyn Disk) -> Result<Option<Declared>, OpenError> {
    let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
        return Ok(None);
    };
    let [first, second] = COPIES_AT;
    let copies = [read_copy(&file, first)?, read_copy(&file, second)?];
    let declared = match copies {
        [Some(one), Some(other)] if one == other => Declared {
            beginning: one,
            flaw: None,
        },
        [Some(_), Some(_)] => return Err(damage(0, "its two copies differ").into()),
        [Some(beginning), None] => Declared::by_one(beginning, second),
        [None, Some(beginning)] => Declared::by_one(beginning, first),
        [None, None] => return Err(damage(0, "neither of its copies is as it was written").into()),
    };
    Ok(Some(declared))
}

fn read_copy(file: &NamedFile, at: u64) -> Result<Option<Beginning>, OpenError> {
    if file.length()? < at + COPY_BYTES as u64 {
        return Ok(None);
    }
    match decode(&file.read(at, COPY_BYTES)?) {
        Ok(beginning) => Ok(Some(beginning)),
        Err(NoRecord::Invalid) => Ok(None),
        Err(NoRecord::Newer(found)) => Err(OpenError::NewerFormat {
            file: FILE.to_owned(),
            found,
            supported: FORMAT,
        }),
    }
}

impl Declared {
    fn by_one(beginning: Beginning, flawed_at: u64) -> Self {
        let what = "this copy is not as it was written, and the other one is";
        Self {
            beginning,
            flaw: Some(damage(flawed_at, what)),
        }
    }
}

/// A damage of the file.
pub(super) fn damage(offset: u64, what: impl Into<String>) -> Damage {
    Damage {
        file: FILE.to_owned(),
        offset,
        sequence: 1,
        what: what.into(),
    }
}

/// Says where the journal begins: durable when this returns.
pub(super) fn publish(disk: &dyn Disk, beginning: Beginning) -> Result<(), DiskError> {
    let file = NamedFile::create(disk, UNFINISHED)?;
    let copy = encode(beginning);
    for at in COPIES_AT {
        file.write_at(&copy, at)?;
    }
    file.sync()?;
    take_name(disk, UNFINISHED, FILE)
}

fn encode(beginning: Beginning) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(COPY_BYTES);
    bytes.put_slice(&MAGIC);
    bytes.put_u32_le(FORMAT);
    bytes.put_u64_le(beginning.identity);
    bytes.put_u64_le(beginning.segment);
    bytes.put_u64_le(beginning.first);
    bytes.put_i64_le(beginning.at_ms);
    bytes.put_i64_le(beginning.days_from_ms);
    bytes.put_u32_le(crc32c::crc32c(&bytes));
    bytes.resize(COPY_BYTES, 0);
    bytes
}

/// Every later format keeps this layout up to the checksum, so that it can be told from damage.
fn decode(bytes: &[u8]) -> Result<Beginning, NoRecord> {
    let whole = file_header(bytes, CHECKED_BYTES, MAGIC);
    let (format, mut rest) = whole.ok_or(NoRecord::Invalid)?;
    let beginning = fields(&mut rest).ok_or(NoRecord::Invalid)?;
    if format > FORMAT {
        Err(NoRecord::Newer(format))
    } else {
        Ok(beginning)
    }
}

fn fields(rest: &mut &[u8]) -> Option<Beginning> {
    Some(Beginning {
        identity: u64::from_le_bytes(take(rest)?),
        segment: u64::from_le_bytes(take(rest)?),
        first: u64::from_le_bytes(take(rest)?),
        at_ms: i64::from_le_bytes(take(rest)?),
        days_from_ms: i64::from_le_bytes(take(rest)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::disk::{Faults, SimulatedDisk};

    const THIRD: Beginning = Beginning {
        identity: 7,
        segment: 3,
        first: 100,
        at_ms: -1,
        days_from_ms: 86_400_000,
    };

    fn published() -> SimulatedDisk {
        let disk = SimulatedDisk::new(1, Faults::default());
        publish(&disk, THIRD).unwrap();
        disk
    }

    #[test]
    fn what_is_published_is_read_again_and_none_is_the_first() {
        let disk = SimulatedDisk::new(1, Faults::default());
        assert_eq!(read(&disk).unwrap(), None);
        let declared = read(&published()).unwrap().unwrap();
        assert_eq!((declared.beginning, declared.flaw), (THIRD, None));
    }

    #[test]
    fn a_flipped_bit_in_one_copy_is_told_and_in_both_refused() {
        for offset in 0..COPY_BYTES {
            let disk = published();
            for copy in COPIES_AT {
                disk.flip_bit(FILE, usize::try_from(copy).unwrap() + offset, 3);
                match read(&disk) {
                    Ok(declared) => {
                        let Declared { beginning, flaw } = declared.unwrap();
                        assert_eq!((copy, beginning), (0, THIRD), "{offset}");
                        assert_eq!(flaw.unwrap().offset, 0, "{offset}");
                    }
                    Err(OpenError::Damaged(damage)) => {
                        assert_eq!((copy, &*damage.file), (4096, FILE), "{offset}");
                    }
                    Err(other) => panic!("{offset}: {other}"),
                }
            }
        }
    }

    #[test]
    fn copies_that_differ_an_empty_file_and_a_newer_format_are_refused() {
        let disk = published();
        let mut bytes = disk.contents(FILE).unwrap();
        let other = Beginning { first: 99, ..THIRD };
        bytes[..COPY_BYTES].copy_from_slice(&encode(other));
        disk.replace(FILE, &bytes);
        assert!(read(&disk).unwrap_err().to_string().contains("differ"));
        disk.replace(FILE, b"");
        assert!(matches!(read(&disk), Err(OpenError::Damaged(_))));
        let mut newer = encode(THIRD);
        newer[8] = 9;
        let checksum = crc32c::crc32c(&newer[..CHECKED_BYTES]);
        newer[CHECKED_BYTES..CHECKED_BYTES + 4].copy_from_slice(&checksum.to_le_bytes());
        disk.replace(FILE, &newer);
        let error = read(&disk).unwrap_err();
        assert!(
            matches!(error, OpenError::NewerFormat { found: 9, .. }),
            "{error}"
        );
    }
}
