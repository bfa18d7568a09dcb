//! The whole records of a segment, from the first on.

use crate::ledger::journal::record::Record;
use crate::ledger::journal::segment::{HEADER_BYTES, Header};

/// How far a segment was walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// Where the last record that counts ends, in bytes.
    pub(super) end: usize,
    /// The sequence after its last entry.
    pub(super) next: u64,
}

/// Hands over each whole record that goes on from the one before it, with where it begins, until one is not
/// wanted.
pub(super) fn walk<E>(
    bytes: &[u8],
    header: Header,
    mut wanted: impl FnMut(&Record<'_>, usize) -> Result<bool, E>,
) -> Result<Walked, E> {
    let mut walked = Walked {
        end: HEADER_BYTES,
        next: header.first,
    };
    while let Ok(record) = Record::decode(bytes.get(walked.end..).unwrap_or_default()) {
        let goes_on = record.identity == header.identity && record.first == walked.next;
        if !goes_on || !wanted(&record, walked.end)? {
            break;
        }
        walked.end += record.bytes();
        walked.next += u64::from(record.count);
    }
    Ok(walked)
}
