//! Where durable batches are, by segment. A segment that a start did not read is indexed when
//! something in it is first asked for.
//!
//! Not every batch is noted: a server commits up to a thousand of them a second for months, and this
//! stays in memory. From the one that is noted to the one that is wanted it is not far on the disk.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::beginning::Beginning;

/// So far behind one that is noted the next one begins at least: 8 bytes of memory for 16 KiB.
pub(super) const SPACING_BYTES: u32 = 16 * 1024;

/// The batches of a journal.
#[derive(Debug)]
pub(super) struct Index {
    identity: u64,
    segments: RwLock<Vec<SegmentIndex>>,
    reading: Mutex<()>,
    /// Where the journal begins, if its oldest segments were pruned.
    beginning: Mutex<Option<Beginning>>,
    /// How often a segment was written anew: a file that was opened before may be of an old one.
    rewritten: AtomicU64,
}

/// The batches of one segment, in order.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    pub(super) ordinal: u64,
    pub(super) first: u64,
    /// Those that are noted. `None` until the segment is read; the one that grows is known from the
    /// start.
    batches: Option<Vec<Batch>>,
    /// The last one there is, noted or not: behind it nothing is durable, or another segment begins.
    newest: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    /// The sequence of its first entry, from the segment's first.
    relative: u32,
    /// Where its record begins, in bytes.
    offset: u32,
}

/// What the index knows of a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Nothing durable has it.
    Nowhere,
    /// The batch that would hold it, or one shortly before.
    Batch(BatchPlace),
    /// It is in a segment that was not read yet.
    Unread(Unread),
    /// It is before where the journal begins.
    Pruned(Beginning),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BatchPlace {
    pub(super) ordinal: u64,
    pub(super) offset: u64,
    /// It is the last one, and behind it nothing may be looked for. Otherwise the sequence is in it or
    /// in one that follows.
    pub(super) is_newest: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    pub(super) ordinal: u64,
    /// The sequence of its first entry.
    pub(super) first: u64,
    /// That of the next segment's first entry.
    pub(super) end: u64,
}

/// The last batch of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastBatch {
    pub(super) first: u64,
    pub(super) offset: u64,
}

impl SegmentIndex {
    pub(super) fn new(ordinal: u64, first: u64) -> Self {
        Self {
            ordinal,
            first,
            batches: Some(Vec::new()),
            newest: None,
        }
    }

    /// A segment of which only the header was read.
    pub(super) fn unread(ordinal: u64, first: u64) -> Self {
        Self {
            ordinal,
            first,
            batches: None,
            newest: None,
        }
    }

    /// Adds a batch. A segment's bounds keep both numbers within 32 bits.
    pub(super) fn push(&mut self, first: u64, offset: usize) {
        let relative = u32::try_from(first.saturating_sub(self.first)).unwrap_or(u32::MAX);
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let batch = Batch { relative, offset };
        let batches = self.batches.get_or_insert_default();
        let is_far = |noted: &Batch| offset.saturating_sub(noted.offset) >= SPACING_BYTES;
        if batches.last().is_none_or(is_far) {
            batches.push(batch);
        }
        self.newest = Some(batch);
    }

    /// Takes the last batch out again. What is asked for then must lie before it.
    pub(super) fn pop(&mut self) {
        let newest = self.newest.take();
        if let Some(batches) = &mut self.batches {
            let _ =
                batches.pop_if(|noted| newest.is_some_and(|newest| newest.offset == noted.offset));
        }
    }

    pub(super) fn last(&self) -> Option<LastBatch> {
        self.newest.map(|batch| LastBatch {
            first: self.first + u64::from(batch.relative),
            offset: u64::from(batch.offset),
        })
    }

    /// Where to look for this sequence.
    pub(super) fn find(&self, sequence: u64) -> Option<BatchPlace> {
        let relative = sequence.checked_sub(self.first)?;
        let reaches = |batch: &Batch| u64::from(batch.relative) <= relative;
        let batches = self.batches.as_ref()?;
        let newest = self.newest.filter(reaches);
        let noted = || {
            batches
                .get(batches.partition_point(reaches).checked_sub(1)?)
                .copied()
        };
        let batch = newest.or_else(noted)?;
        Some(BatchPlace {
            ordinal: self.ordinal,
            offset: u64::from(batch.offset),
            is_newest: newest.is_some(),
        })
    }
}

impl Index {
    pub(super) fn new(
        identity: u64,
        segments: Vec<SegmentIndex>,
        beginning: Option<Beginning>,
    ) -> Self {
        Self {
            identity,
            segments: RwLock::new(segments),
            reading: Mutex::new(()),
            beginning: Mutex::new(beginning),
            rewritten: AtomicU64::new(0),
        }
    }

    /// Where the journal begins, if its oldest segments were pruned.
    pub(super) fn beginning(&self) -> Option<Beginning> {
        *self.beginning.lock()
    }

    /// Each segment's ordinal and the sequence with which it begins, oldest first.
    pub(super) fn places(&self) -> Vec<(u64, u64)> {
        let segments = self.segments.read();
        let places = segments
            .iter()
            .map(|segment| (segment.ordinal, segment.first));
        places.collect()
    }

    /// Begins the journal there. What is before it is found no more.
    pub(super) fn begin_with(&self, beginning: Beginning) {
        *self.beginning.lock() = Some(beginning);
        let mut segments = self.segments.write();
        segments.retain(|segment| segment.ordinal >= beginning.segment);
    }

    /// How often a segment was written anew.
    pub(super) fn rewritten(&self) -> u64 {
        self.rewritten.load(Ordering::Acquire)
    }

    /// A segment was written anew, and its name is the new one's.
    pub(super) fn note_rewritten(&self) {
        self.rewritten.fetch_add(1, Ordering::AcqRel);
    }

    /// The journal's.
    pub(super) fn identity(&self) -> u64 {
        self.identity
    }

    pub(super) fn begin_segment(&self, ordinal: u64, first: u64) {
        self.segments
            .write()
            .push(SegmentIndex::new(ordinal, first));
    }

    pub(super) fn push(&self, first: u64, offset: usize) {
        if let Some(segment) = self.segments.write().last_mut() {
            segment.push(first, offset);
        }
    }

    pub(super) fn find(&self, sequence: u64) -> Place {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.first <= sequence);
        let segment = after.checked_sub(1).and_then(|at| segments.get(at));
        match (segment, segments.get(after)) {
            (Some(segment), Some(next)) if segment.batches.is_none() => Place::Unread(Unread {
                ordinal: segment.ordinal,
                first: segment.first,
                end: next.first,
            }),
            (Some(segment), _) => segment.find(sequence).map_or(Place::Nowhere, Place::Batch),
            (None, _) => {
                let pruned = self.beginning().filter(|_| sequence > 0);
                pruned.map_or(Place::Nowhere, Place::Pruned)
            }
        }
    }

    /// Held by the one who reads a segment in order to index it.
    pub(super) fn reading(&self) -> MutexGuard<'_, ()> {
        self.reading.lock()
    }

    /// Keeps what was read of a segment.
    pub(super) fn know(&self, known: SegmentIndex) {
        let mut segments = self.segments.write();
        if let Ok(at) = segments.binary_search_by_key(&known.ordinal, |segment| segment.ordinal)
            && let Some(segment) = segments.get_mut(at)
        {
            *segment = known;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH_BYTES: usize = 250;

    fn of(batches: u64) -> SegmentIndex {
        let mut index = SegmentIndex::new(1, 100);
        for (number, offset) in (0..batches).zip((0..).step_by(BATCH_BYTES)) {
            index.push(100 + number, offset);
        }
        index
    }

    #[test]
    fn it_grows_with_bytes_and_not_with_batches() {
        let noted = of(100_000).batches.unwrap().len();
        let most = 100_000 * BATCH_BYTES / SPACING_BYTES as usize + 1;
        assert!((2..=most).contains(&noted), "{noted} of 100,000 batches");
    }

    #[test]
    fn whatever_is_looked_for_is_near() {
        let index = of(10_000);
        for sequence in 100..10_100 {
            let place = index.find(sequence).unwrap();
            let wanted = (sequence - 100) * BATCH_BYTES as u64;
            let spacing = u64::from(SPACING_BYTES);
            assert!((wanted.saturating_sub(spacing)..=wanted).contains(&place.offset));
            assert_eq!(place.is_newest, sequence == 10_099, "{sequence}");
        }
        let behind = index.find(20_000).unwrap();
        assert!(behind.is_newest && behind.offset == 9_999 * BATCH_BYTES as u64);
        assert!(index.find(99).is_none());
    }

    #[test]
    fn what_was_taken_out_is_not_there() {
        let mut index = of(1);
        index.pop();
        assert!(index.find(100).is_none());
        let mut index = of(2);
        index.pop();
        assert_eq!(index.find(101).unwrap().offset, 0);
    }
}
