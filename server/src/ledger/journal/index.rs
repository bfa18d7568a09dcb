//! Where each durable batch is: 8 bytes a batch, by segment. A segment that a start did not read
//! is indexed when something in it is first asked for.

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::beginning::Beginning;

/// The batches of a journal.
#[derive(Debug)]
pub(super) struct Index {
    identity: u64,
    segments: RwLock<Vec<SegmentIndex>>,
    reading: Mutex<()>,
    /// Where the journal begins, if its oldest segments were pruned.
    beginning: Mutex<Option<Beginning>>,
}

/// The batches of one segment, in order.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    pub(super) ordinal: u64,
    pub(super) first: u64,
    /// `None` until the segment is read. The one that grows is known from the start.
    batches: Option<Vec<Batch>>,
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
    /// The batch that would hold it.
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
        }
    }

    /// A segment of which only the header was read.
    pub(super) fn unread(ordinal: u64, first: u64) -> Self {
        Self {
            ordinal,
            first,
            batches: None,
        }
    }

    /// Adds a batch. A segment's bounds keep both numbers within 32 bits.
    pub(super) fn push(&mut self, first: u64, offset: usize) {
        let relative = u32::try_from(first.saturating_sub(self.first)).unwrap_or(u32::MAX);
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let batches = self.batches.get_or_insert_default();
        batches.push(Batch { relative, offset });
    }

    pub(super) fn pop(&mut self) {
        self.batches.as_mut().and_then(Vec::pop);
    }

    pub(super) fn last(&self) -> Option<LastBatch> {
        self.batches.as_ref()?.last().map(|batch| LastBatch {
            first: self.first + u64::from(batch.relative),
            offset: u64::from(batch.offset),
        })
    }

    /// The batch that would hold this sequence.
    pub(super) fn find(&self, sequence: u64) -> Option<BatchPlace> {
        let relative = sequence.checked_sub(self.first)?;
        let batches = self.batches.as_ref()?;
        let after = batches.partition_point(|batch| u64::from(batch.relative) <= relative);
        let batch = batches.get(after.checked_sub(1)?)?;
        Some(BatchPlace {
            ordinal: self.ordinal,
            offset: u64::from(batch.offset),
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
