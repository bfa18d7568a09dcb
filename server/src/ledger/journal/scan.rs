//! Reading a journal from its first segment to its last, and telling an unfinished end from damage.

use super::beginning::{self, Beginning};
use super::end::End;
use super::error::{Damage, OpenError};
use super::folder::newer;
use super::index::SegmentIndex;
use super::record::{self, NoRecord, Record};
use super::replay::Replay;
use super::segment::{self, Header, Tail};
use super::snapshot::{Published, SnapshotFile, Step};
use super::watermark::Mark;

/// One segment as it was read.
#[derive(Debug)]
pub(super) struct Scanned {
    pub(super) index: SegmentIndex,
    /// Where the last whole record ends, in bytes.
    pub(super) end: usize,
    /// From where on there are ones; more than `end` if a write was cut short.
    pub(super) ones_from: usize,
    pub(super) length: usize,
}

/// The state of reading, from segment to segment.
pub(super) struct Scan<'a, R> {
    /// The sequence after the last that was read.
    pub(super) next: u64,
    /// The journal's; every segment with a header names it.
    pub(super) identity: Option<u64>,
    /// The segments of which only the header was read. They come before all others.
    pub(super) below: Vec<SegmentIndex>,
    /// The other segments with a header.
    pub(super) segments: Vec<Scanned>,
    /// A segment without a header. Nothing may follow it.
    pub(super) unused: Option<u64>,
    /// The number of entries that were handed over.
    pub(super) entries: u64,
    /// The last segment that was seen; before the first, the one before it.
    ordinal: u64,
    /// With which the journal begins, if its oldest segments were pruned.
    beginning: Option<Beginning>,
    /// Entries up to this sequence are checked, and not handed over.
    from: u64,
    /// The snapshot from which this goes on.
    snapshot: Option<Published>,
    replay: &'a mut R,
}

impl<'a, R: Replay> Scan<'a, R> {
    /// Hands over the entries behind the sequence `from`.
    pub(super) fn new(replay: &'a mut R, from: u64) -> Self {
        Self {
            next: 1,
            identity: None,
            below: Vec::new(),
            segments: Vec::new(),
            unused: None,
            entries: 0,
            ordinal: 0,
            beginning: None,
            from,
            snapshot: None,
            replay,
        }
    }

    /// Expects a journal that begins there.
    pub(super) fn beginning_with(mut self, beginning: Option<Beginning>) -> Self {
        if let Some(beginning) = beginning {
            self.next = beginning.first;
            self.ordinal = beginning.segment.saturating_sub(1);
        }
        self.beginning = beginning;
        self
    }

    /// Hands over the entries behind a snapshot, and refuses to end before what it covers.
    pub(super) fn behind(replay: &'a mut R, snapshot: Option<Published>) -> Self {
        let from = snapshot.as_ref().map_or(0, |snapshot| snapshot.from);
        Self {
            snapshot,
            ..Self::new(replay, from)
        }
    }

    /// Hands over the blocks of the snapshot.
    pub(super) fn blocks(&mut self, file: &mut SnapshotFile) -> Result<(), OpenError> {
        loop {
            let block = match file.step(Vec::new()) {
                Ok(Step::Block(block)) => block,
                Ok(Step::End(_)) => return Ok(()),
                Err(flaw) => return Err(flaw.into_error(file.name())),
            };
            let place = format!("block {} of {}", block.number(), file.name().file);
            let taken = self.replay.block(block);
            taken.map_err(|source| OpenError::Refused {
                place,
                source: source.into(),
            })?;
        }
    }

    /// Goes past a segment of which only the header is read.
    pub(super) fn skip(&mut self, ordinal: u64, header: Header) -> Result<(), OpenError> {
        self.check_place(ordinal)?;
        self.check_header(header, ordinal)?;
        self.below.push(SegmentIndex::unread(ordinal, header.first));
        Ok(())
    }

    /// Reads one segment; they come in the order of their ordinals.
    pub(super) fn segment(&mut self, ordinal: u64, bytes: &[u8]) -> Result<(), OpenError> {
        let name = segment::name(ordinal);
        if bytes.len() > segment::MAX_BYTES {
            let what = format!("no segment is longer than {} bytes", segment::MAX_BYTES);
            return Err(self.damage(name, segment::MAX_BYTES, what));
        }
        self.check_place(ordinal)?;
        match Header::decode(bytes) {
            Ok(header) => {
                self.check_header(header, ordinal)?;
                self.records(header, bytes)
            }
            Err(NoRecord::Newer(found)) => Err(newer(name, found, segment::FORMAT)),
            Err(NoRecord::Invalid) => self.without_header(ordinal, bytes),
        }
    }

    /// Checks that nothing is missing before this segment.
    fn check_place(&mut self, ordinal: u64) -> Result<(), OpenError> {
        let (name, expected) = (segment::name(ordinal), self.ordinal + 1);
        if ordinal != expected {
            let notes = [self.note_on_keys(), self.note_on_beginning()].concat();
            let what = format!("it is missing, and {name} is there{notes}");
            return Err(self.damage(segment::name(expected), 0, what));
        }
        if let Some(unused) = self.unused {
            let what = format!("its header is not as it was written, and {name} follows");
            return Err(self.damage(segment::name(unused), 0, what));
        }
        self.ordinal = ordinal;
        Ok(())
    }

    /// Why a snapshot is not enough.
    fn note_on_keys(&self) -> String {
        let snapshot = self.snapshot.as_ref();
        let covering = snapshot.filter(|snapshot| snapshot.from >= self.next);
        covering.map_or_else(String::new, |Published { file, from, .. }| {
            format!(
                "; {file} holds the state up to sequence {from}, but a snapshot does not hold \
                 the answers to keys that were used"
            )
        })
    }

    /// What else may be missing.
    fn note_on_beginning(&self) -> String {
        if self.beginning.is_some() || self.ordinal > 0 {
            return String::new();
        }
        format!(
            "; if the journal was pruned, what is missing is its {} file",
            beginning::FILE
        )
    }

    /// Refuses a pruned journal of which nothing is there.
    pub(super) fn check_begins(&self) -> Result<(), OpenError> {
        let missing = self.beginning.filter(|_| self.identity.is_none());
        let Some(Beginning { segment, .. }) = missing else {
            return Ok(());
        };
        let what = format!(
            "it is missing or has no header, and by {} the journal begins with it",
            beginning::FILE
        );
        Err(self.damage(segment::name(segment), 0, what))
    }

    /// A segment that was prepared and never used, or in which the first write was cut short. In
    /// the very first one the header is durable before any record.
    fn without_header(&mut self, ordinal: u64, bytes: &[u8]) -> Result<(), OpenError> {
        let used = match self.identity {
            Some(identity) => segment::find_record(bytes, 0, identity).is_some(),
            None => !segment::is_blank(bytes),
        };
        if used {
            let what = "its header is not as it was written, and records follow it".to_owned();
            return Err(self.damage(segment::name(ordinal), 0, what));
        }
        self.unused = Some(ordinal);
        Ok(())
    }

    fn check_header(&mut self, header: Header, ordinal: u64) -> Result<(), OpenError> {
        let name = segment::name(ordinal);
        let identity = *self.identity.get_or_insert(header.identity);
        if header.identity != identity {
            let what = "it belongs to another journal".to_owned();
            return Err(self.damage(name, 0, what));
        }
        if header.ordinal != ordinal {
            let what = format!(
                "it was {} when it was written",
                segment::name(header.ordinal)
            );
            return Err(self.damage(name, 0, what));
        }
        // How many entries a segment has that was not read, the header behind it tells.
        let after_unread = self.segments.is_empty() && !self.below.is_empty();
        if header.first == self.next || after_unread && header.first > self.next {
            self.next = header.first;
            return Ok(());
        }
        let what = format!("{name} goes on at sequence {}", header.first);
        match self.segments.last() {
            Some(last) => {
                let (file, end) = (segment::name(last.index.ordinal), last.end);
                Err(self.damage(file, end, format!("its last record ends here, and {what}")))
            }
            None if self.beginning.is_some() => {
                let by = format!("{what}, and by {} it is {}", beginning::FILE, self.next);
                Err(self.damage(name, 0, by))
            }
            None => Err(self.damage(name, 0, what)),
        }
    }

    fn records(&mut self, header: Header, bytes: &[u8]) -> Result<(), OpenError> {
        let name = segment::name(header.ordinal);
        let mut index = SegmentIndex::new(header.ordinal, header.first);
        let mut end = segment::HEADER_BYTES;
        loop {
            match Record::decode(bytes.get(end..).unwrap_or_default()) {
                Ok(record) => {
                    self.record(record, header.identity, &name, end)?;
                    index.push(record.first, end);
                    end += record.bytes();
                }
                Err(NoRecord::Newer(found)) => return Err(newer(name, found, record::FORMAT)),
                Err(NoRecord::Invalid) => break,
            }
        }
        let ones_from = match Tail::of(bytes, end, header.identity) {
            Tail::Unused => end,
            Tail::Torn { end } => end,
            Tail::Damaged { follows_at } => {
                let what = format!(
                    "the record here is not as it was written, and a whole one follows at byte \
                     {follows_at}"
                );
                return Err(self.damage(name, end, what));
            }
        };
        self.segments.push(Scanned {
            index,
            end,
            ones_from,
            length: bytes.len(),
        });
        Ok(())
    }

    fn record(
        &mut self,
        record: Record<'_>,
        identity: u64,
        name: &str,
        offset: usize,
    ) -> Result<(), OpenError> {
        if record.identity != identity || record.first != self.next {
            let what = format!("the record here begins with sequence {}", record.first);
            return Err(self.damage(name.to_owned(), offset, what));
        }
        for entry in record.entries() {
            let Some(entry) = entry else {
                let what = "the lengths in the record do not add up".to_owned();
                return Err(self.damage(name.to_owned(), offset, what));
            };
            let sequence = self.next;
            if sequence > self.from {
                let taken = self.replay.entry(sequence, entry);
                taken.map_err(|source| OpenError::Refused {
                    place: format!("entry {sequence}"),
                    source: source.into(),
                })?;
                self.entries += 1;
            }
            self.next += 1;
        }
        Ok(())
    }

    /// Compares the end that was read with what was once durable.
    pub(super) fn check_end(&self, mark: Option<Mark>) -> Result<(), OpenError> {
        let last = self.segments.last();
        let first = self.beginning.map_or(1, |beginning| beginning.segment);
        let end = End {
            file: segment::name(last.map_or(first, |last| last.index.ordinal)),
            offset: last.map_or(0, |last| last.end as u64),
            next: self.next,
            identity: self.identity,
            unfinished_bytes: last.map_or(0, |last| last.ones_from - last.end) as u64,
        };
        end.check_mark(mark)?;
        self.snapshot
            .as_ref()
            .map_or(Ok(()), |snapshot| end.check_snapshot(snapshot))?;
        Ok(())
    }

    fn damage(&self, file: String, offset: usize, what: String) -> OpenError {
        Damage {
            file,
            offset: offset as u64,
            sequence: self.next,
            what,
        }
        .into()
    }
}
