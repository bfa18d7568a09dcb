//! The store's keyring on the disk: bytes that whoever opens the ledger understands, and nobody else.
//!
//! The file is `keyring`; while it is written it is `keyring.tmp`. It is made before a journal's first segment
//! and replaced as a whole. Without it nothing that was written under its keys can be checked, so it holds the
//! same twice, at 0 and at 8,192, and one bad sector does not cost the store:
//!
//! | bytes | field, little-endian |
//! |---|---|
//! | 8 | magic `WAIKAKEY` |
//! | 4 | length of what follows |
//! | n | the keyring, wrapped (`vault/keyring.rs`) |
//! | 4 | CRC-32C over all of the above |

use super::disk::Disk;
use super::error::{Damage, DiskError, OpenError};
use super::file::{NamedFile, replace};

/// The file's name.
pub(super) const FILE: &str = "keyring";
/// Its name while it is written.
const UNFINISHED: &str = "keyring.tmp";

/// Says with which keyring the server goes on that runs on the folder.
const TAKEN_UP: &str = "keyring.seen";

const MAGIC: [u8; 8] = *b"WAIKAKEY";
const HEADER_BYTES: usize = 12;
/// Where the second copy begins: the first must end before.
const SECOND_AT: usize = 8_192;
/// The longest keyring, in bytes.
const LONGEST: usize = SECOND_AT - HEADER_BYTES - 4;
/// Digits of a copy's name.
const DIGITS: usize = 16;

/// The keyring of the store in a folder; `None` if it has none. Refuses a file of which neither copy is as it
/// was written.
pub fn read(disk: &dyn Disk) -> Result<Option<Vec<u8>>, OpenError> {
    let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
        return Ok(None);
    };
    let keyring = match (read_copy(&file, 0)?, read_copy(&file, SECOND_AT as u64)?) {
        (Some(one), Some(other)) if one != other => {
            return Err(damage("its two copies differ").into());
        }
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return Err(damage("neither of its copies is as it was written").into()),
    };
    Ok(Some(keyring))
}

/// The name of a copy in a backup, by the beginning of its digest: another keyring has another name, so that the
/// one before it is whole until nobody needs it.
pub(super) fn copy_name(sha256: &str) -> String {
    format!("{FILE}-{}.ring", sha256.get(..DIGITS).unwrap_or_default())
}

/// Whether a file's name is a copy's.
pub(super) fn is_named_like_a_copy(file: &str) -> bool {
    let name = file.strip_prefix("keyring-");
    let digits = name.and_then(|name| name.strip_suffix(".ring"));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// The file with both copies in it, as far as one of them is as it was written; `None` if there is none.
pub(super) fn read_file(disk: &dyn Disk) -> Result<Option<Vec<u8>>, OpenError> {
    match read(disk)? {
        None => Ok(None),
        Some(keyring) => Ok(Some(both_copies(&keyring)?)),
    }
}

/// Puts a file with both copies in it in the place of the one before it.
pub(super) fn publish_file(disk: &dyn Disk, bytes: &[u8]) -> Result<(), DiskError> {
    replace(disk, UNFINISHED, FILE, bytes)
}

/// Notes that a server goes on with this keyring. Not durable: it says something for as long as the server runs.
pub(super) fn note_taken_up(disk: &dyn Disk, keyring: &[u8]) -> Result<(), DiskError> {
    let file = NamedFile::create(disk, TAKEN_UP)?;
    file.write_at(&crc32c::crc32c(keyring).to_le_bytes(), 0)
}

/// True if the server that was started last goes on with this keyring.
pub fn is_taken_up(disk: &dyn Disk, keyring: &[u8]) -> Result<bool, DiskError> {
    let Some(file) = NamedFile::open_if_there(disk, TAKEN_UP)? else {
        return Ok(false);
    };
    if file.length()? < 4 {
        return Ok(false);
    }
    Ok(file.read(0, 4)? == crc32c::crc32c(keyring).to_le_bytes())
}

/// What is wrong with the file: also with one copy alone, which does no harm yet.
pub fn flaw(disk: &dyn Disk) -> Result<Option<Damage>, DiskError> {
    let Some(file) = NamedFile::open_if_there(disk, FILE)? else {
        return Ok(None);
    };
    let alone = |at: usize| Damage {
        offset: at as u64,
        ..damage("this copy is not as it was written, and the other one is")
    };
    Ok(
        match (read_copy(&file, 0)?, read_copy(&file, SECOND_AT as u64)?) {
            (Some(one), Some(other)) if one == other => None,
            (Some(_), Some(_)) => Some(damage("its two copies differ")),
            (Some(_), None) => Some(alone(SECOND_AT)),
            (None, Some(_)) => Some(alone(0)),
            (None, None) => Some(damage("neither of its copies is as it was written")),
        },
    )
}

/// A damage of the file.
pub fn damage(what: &str) -> Damage {
    Damage {
        file: FILE.to_owned(),
        offset: 0,
        sequence: 1,
        what: what.to_owned(),
    }
}

fn read_copy(file: &NamedFile, at: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let length = file.length()?.saturating_sub(at);
    if length < HEADER_BYTES as u64 {
        return Ok(None);
    }
    let header = file.read(at, HEADER_BYTES)?;
    let Some((magic, rest)) = header.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let content = rest
        .first_chunk()
        .map_or(0, |length| u32::from_le_bytes(*length));
    let content = usize::try_from(content).unwrap_or(usize::MAX);
    let whole = HEADER_BYTES.saturating_add(content).saturating_add(4);
    if *magic != MAGIC || content > LONGEST || length < whole as u64 {
        return Ok(None);
    }
    let bytes = file.read(at, whole)?;
    Ok(content_of(&bytes))
}

/// What a copy holds, if it is as it was written.
fn content_of(copy: &[u8]) -> Option<Vec<u8>> {
    let (checked, checksum) = copy.split_last_chunk()?;
    let is_whole = crc32c::crc32c(checked) == u32::from_le_bytes(*checksum);
    is_whole.then(|| checked.get(HEADER_BYTES..).unwrap_or_default().to_vec())
}

/// Puts a keyring in the place of the one before it: durable when this returns, and until then the one before
/// it is.
pub fn publish(disk: &dyn Disk, keyring: &[u8]) -> Result<(), DiskError> {
    publish_file(disk, &both_copies(keyring)?)
}

fn both_copies(keyring: &[u8]) -> Result<Vec<u8>, DiskError> {
    let copy = encode(keyring)?;
    let mut bytes = copy.clone();
    bytes.resize(SECOND_AT, 0);
    bytes.extend_from_slice(&copy);
    Ok(bytes)
}

fn encode(keyring: &[u8]) -> Result<Vec<u8>, DiskError> {
    let length = u32::try_from(keyring.len()).unwrap_or(u32::MAX);
    if keyring.len() > LONGEST {
        let error = std::io::Error::other("the keyring is too long");
        return Err(DiskError::of("write", FILE)(error));
    }
    let mut copy = [&MAGIC[..], &length.to_le_bytes(), keyring].concat();
    copy.extend_from_slice(&crc32c::crc32c(&copy).to_le_bytes());
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::disk::{Faults, SimulatedDisk};

    const FIRST: &[u8] = b"the first keyring";
    const SECOND: &[u8] = b"another, and a longer one";

    fn published() -> SimulatedDisk {
        let disk = SimulatedDisk::new(1, Faults::default());
        publish(&disk, FIRST).unwrap();
        disk
    }

    #[test]
    fn what_is_published_is_read_again_and_replaced_as_a_whole() {
        let disk = SimulatedDisk::new(1, Faults::default());
        assert_eq!(read(&disk).unwrap(), None);
        publish(&disk, FIRST).unwrap();
        assert_eq!(read(&disk).unwrap().as_deref(), Some(FIRST));
        publish(&disk, SECOND).unwrap();
        assert_eq!(read(&disk).unwrap().as_deref(), Some(SECOND));
        assert!(publish(&disk, &[0; LONGEST + 1]).is_err());
    }

    #[test]
    fn a_flipped_bit_in_one_copy_does_no_harm_and_in_both_is_refused_by_name() {
        let length = HEADER_BYTES + FIRST.len() + 4;
        for offset in 0..length {
            for bit in [0, 7] {
                let disk = published();
                assert_eq!(flaw(&disk).unwrap(), None);
                disk.flip_bit(FILE, offset, bit);
                assert_eq!(flaw(&disk).unwrap().unwrap().offset, 0, "{offset}");
                assert_eq!(read(&disk).unwrap().as_deref(), Some(FIRST), "{offset}");
                disk.flip_bit(FILE, 8_192 + offset, bit);
                match read(&disk) {
                    Err(OpenError::Damaged(damage)) => assert_eq!(damage.file, FILE),
                    other => panic!("{offset}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_short_is_read_as_far_as_it_is_whole() {
        let whole = published().contents(FILE).unwrap();
        for length in 0..whole.len() {
            let disk = published();
            disk.replace(FILE, &whole[..length]);
            let first_is_whole = length >= HEADER_BYTES + FIRST.len() + 4;
            assert_eq!(read(&disk).is_ok(), first_is_whole, "{length}");
        }
    }
}
