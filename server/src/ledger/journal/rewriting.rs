//! Rewriting: entries of segments that are full get other bytes of the same length, for what must not be
//! kept any longer.
//!
//! A segment is written anew beside the old one, made durable, and takes its name. Whatever a crash cuts
//! short, a start finds one or the other, and both are whole. Nothing moves: each record stands where it
//! stood, so that whoever knows a place knows it still.

use std::collections::BTreeSet;

use thiserror::Error;

use super::error::{Damage, DiskError, OpenError};
use super::file::{NamedFile, take_name};
use super::pruning::Pruner;
use super::record::{Batch, Record};
use super::rewritten::Rewrites;
use super::{folder, segment};

/// A segment that is not finished. Only one at a time is.
pub(super) const UNFINISHED: &str = "rewriting.tmp";
/// So many bytes are written before they are synced: an answer's sync waits behind one of these at most.
const PIECE_BYTES: usize = 256 << 10;

/// What was written anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Entries with other bytes.
    pub entries: u64,
    /// Segments that they stand in.
    pub segments: u64,
    /// What is wanted stands in the segment that grows, too, which begins with this sequence: end it, and ask
    /// again.
    pub left_from: Option<u64>,
}

/// Why a segment was not written anew, or not all of them: what was written is durable.
#[derive(Debug, Error)]
pub enum NotRewritten {
    /// A call to the disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A segment is not as it was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// What says which segments were written anew is not as it should be.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The new bytes of an entry are more or fewer than the old.
    #[error("entry {sequence} would have another length")]
    OtherLength {
        /// Which.
        sequence: u64,
    },
    /// A write or sync failed before: what is on the disk is unknown until the next start.
    #[error("an earlier write to old segments failed: the next start tells which stand")]
    FailedBefore,
    /// It was told not to go on.
    #[error("the server is stopping")]
    Stopped,
}

/// Gives an entry's new bytes, if it is to have others.
type Change<'a> = dyn FnMut(u64, &[u8]) -> Option<Vec<u8>> + 'a;

impl Pruner {
    /// Lets `change` give the wanted entries other bytes. Those in the segment that grows are left alone, and
    /// those that were pruned are gone anyway. Asks `go_on` now and then.
    pub fn rewrite(
        &self,
        wanted: &BTreeSet<u64>,
        change: &mut Change<'_>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Rewritten, NotRewritten> {
        let alone = self.alone();
        let mut rewritten = Rewritten::default();
        let places = self.index().places();
        for (place, &(ordinal, first)) in places.iter().enumerate() {
            let Some(&(_, next)) = places.get(place + 1) else {
                let left = wanted.range(first..).next();
                rewritten.left_from = left.map(|_| first);
                break;
            };
            if wanted.range(first..next).next().is_none() {
                continue;
            }
            let sealed = Sealed {
                ordinal,
                oldest: places.first().map_or(ordinal, |&(oldest, _)| oldest),
                next,
            };
            let entries = self.segment(sealed, wanted, change, go_on)?;
            rewritten.entries += entries;
            rewritten.segments += u64::from(entries > 0);
        }
        drop(alone);
        Ok(rewritten)
    }

    fn segment(
        &self,
        sealed: Sealed,
        wanted: &BTreeSet<u64>,
        change: &mut Change<'_>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<u64, NotRewritten> {
        let mut bytes = Vec::new();
        folder::read(self.disk(), sealed.ordinal, &mut bytes)?;
        let entries = sealed.change(&mut bytes, wanted, change)?;
        if entries == 0 {
            return Ok(0);
        }
        let file = NamedFile::create(self.disk(), UNFINISHED)?;
        let mut at = 0;
        for piece in bytes.chunks(PIECE_BYTES) {
            if !go_on() {
                return Err(NotRewritten::Stopped);
            }
            file.write_at(piece, at)?;
            file.sync()?;
            at += piece.len() as u64;
        }
        let name = segment::name(sealed.ordinal);
        let identity = self.index().identity();
        let mut rewrites = Rewrites::read(self.disk(), identity)?;
        self.at_risk(NotRewritten::FailedBefore, || {
            // Before and after: a backup that is taken in between, or after a crash in between, compares once too
            // often and never too seldom.
            rewrites.begin(sealed.ordinal, sealed.oldest);
            rewrites.publish(self.disk(), identity)?;
            take_name(self.disk(), UNFINISHED, &name)?;
            rewrites.end(sealed.ordinal);
            Ok(rewrites.publish(self.disk(), identity)?)
        })?;
        self.index().note_rewritten();
        Ok(entries)
    }
}

/// A segment that does not grow any more.
#[derive(Clone, Copy)]
struct Sealed {
    ordinal: u64,
    /// The journal's oldest.
    oldest: u64,
    /// With which sequence the segment behind it begins.
    next: u64,
}

impl Sealed {
    /// Changes the bytes of a segment. Says of how many entries.
    fn change(
        self,
        bytes: &mut [u8],
        wanted: &BTreeSet<u64>,
        change: &mut Change<'_>,
    ) -> Result<u64, NotRewritten> {
        let (mut at, mut next, mut entries) = (segment::HEADER_BYTES, None, 0);
        while next != Some(self.next) {
            let rest = bytes.get_mut(at..).unwrap_or_default();
            let record = Record::decode(rest).ok();
            let record = record.filter(|record| next.is_none_or(|next| next == record.first));
            let Some(record) = record else {
                let what = "the record here is not as it was written".to_owned();
                return Err(NotRewritten::Damaged(Damage {
                    file: segment::name(self.ordinal),
                    offset: at as u64,
                    sequence: next.unwrap_or_default(),
                    what,
                }));
            };
            let behind = record.first.saturating_add(u64::from(record.count));
            at += record.bytes();
            if wanted.range(record.first..behind).next().is_some() {
                let (new, changed) = anew(record, wanted, change)?;
                if let Some(place) = rest.get_mut(..new.len()) {
                    place.copy_from_slice(&new);
                }
                entries += changed;
            }
            next = Some(behind);
        }
        Ok(entries)
    }
}

/// A record with other bytes in some of its entries, and in how many. It is as long as it was.
fn anew(
    record: Record<'_>,
    wanted: &BTreeSet<u64>,
    change: &mut Change<'_>,
) -> Result<(Vec<u8>, u64), NotRewritten> {
    let (mut batch, mut changed) = (Batch::new(), 0);
    let sequences = record.first..;
    for (sequence, entry) in sequences.zip(record.entries()) {
        let entry = entry.unwrap_or_default();
        let new = wanted.contains(&sequence).then(|| change(sequence, entry));
        match new.flatten() {
            Some(new) if new.len() == entry.len() => {
                changed += u64::from(new != entry);
                batch.push(&new);
            }
            Some(_) => return Err(NotRewritten::OtherLength { sequence }),
            None => batch.push(entry),
        }
    }
    let sealed = batch.seal(record.identity, record.first);
    let same = sealed.filter(|sealed| sealed.len() == record.bytes());
    let other = NotRewritten::OtherLength {
        sequence: record.first,
    };
    same.map(|sealed| (sealed.to_vec(), changed)).ok_or(other)
}
