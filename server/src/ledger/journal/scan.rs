//! Reading a journal from its first segment to its last, and telling an unfinished end from damage.

use std::error::Error;

use super::error::{Damage, OpenError};
use super::reader::SegmentIndex;
use super::record::{self, NoRecord, Record};
use super::segment::{self, Header, Tail};
use super::watermark::{self, Mark};

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
pub(super) struct Scan<F> {
    /// The sequence after the last that was read.
    pub(super) next: u64,
    /// The journal's; every segment with a header names it.
    pub(super) identity: Option<u64>,
    /// The segments with a header.
    pub(super) segments: Vec<Scanned>,
    /// A segment without a header. Nothing may follow it.
    pub(super) unused: Option<u64>,
    on_entry: F,
}

impl<E, F> Scan<F>
where
    E: Into<Box<dyn Error + Send + Sync>>,
    F: FnMut(u64, &[u8]) -> Result<(), E>,
{
    pub(super) fn new(on_entry: F) -> Self {
        Self {
            next: 1,
            identity: None,
            segments: Vec::new(),
            unused: None,
            on_entry,
        }
    }

    /// Reads one segment; they come in the order of their ordinals.
    pub(super) fn segment(&mut self, ordinal: u64, bytes: &[u8]) -> Result<(), OpenError> {
        let name = segment::name(ordinal);
        if bytes.len() > segment::MAX_BYTES {
            let what = format!("no segment is longer than {} bytes", segment::MAX_BYTES);
            return Err(self.damage(name, segment::MAX_BYTES, what));
        }
        let before = self
            .unused
            .or(self.segments.last().map(|scanned| scanned.index.ordinal));
        let expected = before.map_or(1, |before| before + 1);
        if ordinal != expected {
            let what = format!("it is missing, and {name} is there");
            return Err(self.damage(segment::name(expected), 0, what));
        }
        if let Some(unused) = self.unused {
            let what = format!("its header is not as it was written, and {name} follows");
            return Err(self.damage(segment::name(unused), 0, what));
        }
        match Header::decode(bytes) {
            Ok(header) => {
                self.check_header(header, ordinal)?;
                self.records(header, bytes)
            }
            Err(NoRecord::Newer(found)) => Err(newer(name, found, segment::FORMAT)),
            Err(NoRecord::Invalid) => self.without_header(ordinal, bytes),
        }
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
        if header.first == self.next {
            return Ok(());
        }
        let what = format!("{name} goes on at sequence {}", header.first);
        match self.segments.last() {
            Some(last) => {
                let (file, end) = (segment::name(last.index.ordinal), last.end);
                Err(self.damage(file, end, format!("its last record ends here, and {what}")))
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
            (self.on_entry)(sequence, entry).map_err(|source| OpenError::Refused {
                sequence,
                source: source.into(),
            })?;
            self.next += 1;
        }
        Ok(())
    }

    /// Compares the end that was read with what was once durable.
    pub(super) fn check_end(&self, mark: Option<Mark>) -> Result<(), OpenError> {
        let last = self.segments.last();
        let end = || {
            let name = segment::name(last.map_or(1, |last| last.index.ordinal));
            (name, last.map_or(0, |last| last.end))
        };
        let what = match mark {
            Some(mark) if mark.sequence >= self.next => {
                format!("it ends here, and sequence {} was durable", mark.sequence)
            }
            Some(mark)
                if self
                    .identity
                    .is_some_and(|identity| identity != mark.identity) =>
            {
                let what = "it belongs to another journal".to_owned();
                return Err(self.damage(watermark::FILE.to_owned(), 0, what));
            }
            None if last.is_some_and(|last| last.ones_from > last.end) => format!(
                "a write was cut short here, and without a whole {} file nobody knows whether it \
                 was acknowledged",
                watermark::FILE
            ),
            Some(_) | None => return Ok(()),
        };
        let (file, offset) = end();
        Err(self.damage(file, offset, what))
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

fn newer(file: String, found: u32, supported: u32) -> OpenError {
    OpenError::NewerFormat {
        file,
        found,
        supported,
    }
}
