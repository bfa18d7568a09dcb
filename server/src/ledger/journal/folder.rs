//! The segments of a folder: which there are, how each begins, and its bytes.

use super::beginning::{self, Beginning, Declared};
use super::disk::Disk;
use super::error::{Damage, DiskError, OpenError};
use super::file::NamedFile;
use super::record::NoRecord;
use super::segment::{self, Header};

/// A segment file of which only the header was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) ordinal: u64,
    /// The length of the file in bytes.
    pub(super) length: u64,
    /// `None`: it was never used, or is damaged.
    pub(super) header: Option<Header>,
}

/// What a folder holds of a journal.
#[derive(Debug)]
pub(super) struct Folder {
    /// Where the journal begins, if it does not with sequence 1.
    pub(super) declared: Option<Declared>,
    /// The segments from there on, in the order of their ordinals.
    pub(super) segments: Vec<Found>,
    /// Those before, which a pruning was to remove.
    pub(super) pruned: Vec<u64>,
}

impl Folder {
    pub(super) fn beginning(&self) -> Option<Beginning> {
        self.declared.as_ref().map(|declared| declared.beginning)
    }
}

/// Looks at a folder, also while a server prunes it. Refuses a beginning that is damaged, and
/// another journal's.
pub(super) fn look(disk: &dyn Disk) -> Result<Folder, OpenError> {
    let mut declared = beginning::read(disk)?;
    loop {
        match segments(disk, declared.as_ref()) {
            // A file that went meanwhile was pruned, if the beginning says so by now.
            Err(OpenError::Io(error)) if error.is_not_found() => {
                let now = beginning::read(disk)?;
                if now == declared {
                    return Err(error.into());
                }
                declared = now;
            }
            Err(error) => return Err(error),
            Ok((pruned, segments)) => {
                if let Some(declared) = &declared {
                    check_identity(declared.beginning, &segments)?;
                }
                return Ok(Folder {
                    declared,
                    segments,
                    pruned,
                });
            }
        }
    }
}

/// The same where nobody knows where the journal begins: all the segments that there are.
pub(super) fn look_without_beginning(disk: &dyn Disk) -> Result<Folder, OpenError> {
    let (pruned, segments) = segments(disk, None)?;
    Ok(Folder {
        declared: None,
        segments,
        pruned,
    })
}

fn segments(
    disk: &dyn Disk,
    declared: Option<&Declared>,
) -> Result<(Vec<u64>, Vec<Found>), OpenError> {
    let names = disk
        .list()
        .map_err(DiskError::of("list", "the data folder"))?;
    let mut ordinals: Vec<_> = names
        .iter()
        .filter_map(|name| segment::ordinal(name))
        .collect();
    ordinals.sort_unstable();
    let first = declared.map_or(0, |declared| declared.beginning.segment);
    let (pruned, kept): (Vec<_>, Vec<_>) = ordinals.into_iter().partition(|&it| it < first);
    let kept = kept.into_iter().map(|ordinal| find(disk, ordinal));
    Ok((pruned, kept.collect::<Result<_, _>>()?))
}

fn check_identity(beginning: Beginning, segments: &[Found]) -> Result<(), Damage> {
    let known = segments
        .iter()
        .find_map(|segment| Some((segment.ordinal, segment.header?)));
    match known {
        Some((ordinal, header)) if header.identity != beginning.identity => {
            let name = segment::name(ordinal);
            let what = format!("it belongs to another journal than {name}");
            Err(beginning::damage(0, what))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads the header of one segment.
pub(super) fn find(disk: &dyn Disk, ordinal: u64) -> Result<Found, OpenError> {
    let name = segment::name(ordinal);
    let file = NamedFile::open(disk, &name)?;
    let length = file.length()?;
    let header = if length < segment::HEADER_BYTES as u64 {
        Err(NoRecord::Invalid)
    } else {
        Header::decode(&file.read(0, segment::HEADER_BYTES)?)
    };
    let header = match header {
        Ok(header) => Some(header),
        Err(NoRecord::Invalid) => None,
        Err(NoRecord::Newer(found)) => return Err(newer(name, found, segment::FORMAT)),
    };
    Ok(Found {
        ordinal,
        length,
        header,
    })
}

/// How many of these segments end before a sequence, by the headers alone: the next one begins with
/// it or earlier. One before a gap is not among them: where it ends, only its records tell.
pub(super) fn below(found: &[Found], sequence: u64) -> usize {
    let pairs = found.iter().zip(found.iter().skip(1));
    let ends_by = |(this, next): &(&Found, &Found)| {
        let goes_on_by = next.header.is_some_and(|header| header.first <= sequence);
        this.header.is_some() && goes_on_by && next.ordinal == this.ordinal + 1
    };
    pairs.take_while(ends_by).count()
}

/// The whole file, or so much of it that it is seen to be no segment.
pub(super) fn read(disk: &dyn Disk, ordinal: u64, bytes: &mut Vec<u8>) -> Result<(), DiskError> {
    let file = NamedFile::open(disk, &segment::name(ordinal))?;
    let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
    bytes.resize(length.min(segment::MAX_BYTES + 1), 0);
    file.read_at(bytes, 0)
}

/// Why a segment that was there cannot be read: it may have been pruned meanwhile.
pub(super) fn unread(disk: &dyn Disk, ordinal: u64, error: DiskError) -> OpenError {
    if !error.is_not_found() {
        return error.into();
    }
    match beginning::beginning(disk) {
        Ok(Some(beginning)) if ordinal < beginning.segment => OpenError::Pruned(beginning),
        Ok(_) => error.into(),
        Err(error) => error,
    }
}

pub(super) fn newer(file: String, found: u32, supported: u32) -> OpenError {
    OpenError::NewerFormat {
        file,
        found,
        supported,
    }
}
