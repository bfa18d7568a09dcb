//! Checking one segment, from its header to its end.

use super::work::Work;
use crate::ledger::journal::error::{Damage, OpenError};
use crate::ledger::journal::folder::{self, Found, newer};
use crate::ledger::journal::live;
use crate::ledger::journal::record::{self, NoRecord, Record};
use crate::ledger::journal::segment::{self, Header, Tail};

/// What was found out about one segment.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) ordinal: u64,
    /// The sequence with which it begins; `None` if it could not be read.
    pub(super) first: Option<u64>,
    /// The sequence after its last.
    pub(super) next: u64,
    pub(super) entries: u64,
    /// Where its last whole record ends, in bytes.
    pub(super) end: u64,
    pub(super) unfinished_bytes: u64,
    pub(super) damages: Vec<Damage>,
}

/// Checks the segment at a place in the list; `None` if it is not in use yet.
pub(super) fn check(work: &Work<'_>, at: usize) -> Result<Option<Checked>, OpenError> {
    let Some(&Found {
        ordinal, header, ..
    }) = work.found.get(at)
    else {
        return Ok(None);
    };
    let mut checked = Checked::new(ordinal);
    let later = work.found.get(at + 1..).unwrap_or_default();
    let Some(header) = header else {
        return without_header(work, checked, later);
    };
    checked.next = header.first;
    let identity = work.identity.unwrap_or(header.identity);
    if header.identity != identity {
        checked.damage("it belongs to another journal".to_owned());
        return Ok(Some(checked));
    }
    if header.ordinal != ordinal {
        let written = segment::name(header.ordinal);
        checked.damage(format!("it was {written} when it was written"));
        return Ok(Some(checked));
    }
    checked.first = Some(header.first);
    let mut bytes = Vec::new();
    let read = if later.iter().any(|segment| segment.header.is_some()) {
        folder::read(work.disk, ordinal, &mut bytes)
    } else {
        live::read(work.disk, ordinal, identity, &mut bytes)
    };
    read.map_err(|error| folder::unread(work.disk, ordinal, error))?;
    checked.records(work, header, &bytes)?;
    Ok(Some(checked))
}

/// The last may be prepared for later, or in use since a moment ago.
fn without_header(
    work: &Work<'_>,
    mut checked: Checked,
    later: &[Found],
) -> Result<Option<Checked>, OpenError> {
    if let Some(next) = later.first() {
        let next = segment::name(next.ordinal);
        checked.damage(format!(
            "its header is not as it was written, and {next} follows"
        ));
        return Ok(Some(checked));
    }
    let mut bytes = Vec::new();
    folder::read(work.disk, checked.ordinal, &mut bytes)?;
    let used = match work.identity {
        Some(identity) => segment::find_record(&bytes, 0, identity).is_some(),
        None => !segment::is_blank(&bytes),
    };
    if !used || folder::find(work.disk, checked.ordinal)?.header.is_some() {
        return Ok(None);
    }
    checked.damage("its header is not as it was written, and records follow it".to_owned());
    Ok(Some(checked))
}

impl Checked {
    fn new(ordinal: u64) -> Self {
        Self {
            ordinal,
            first: None,
            next: 0,
            entries: 0,
            end: 0,
            unfinished_bytes: 0,
            damages: Vec::new(),
        }
    }

    /// Something is wrong at the end of what was read so far.
    fn damage(&mut self, what: String) {
        self.damages.push(Damage {
            file: segment::name(self.ordinal),
            offset: self.end,
            sequence: self.next,
            what,
        });
    }

    /// Reads record by record; behind a damaged one it goes on with the next whole one.
    fn records(&mut self, work: &Work<'_>, header: Header, bytes: &[u8]) -> Result<(), OpenError> {
        let mut end = segment::HEADER_BYTES;
        loop {
            self.end = end as u64;
            match Record::decode(bytes.get(end..).unwrap_or_default()) {
                Ok(record) => {
                    self.record(work, header, record);
                    end += record.bytes();
                }
                Err(NoRecord::Newer(found)) => {
                    return Err(newer(segment::name(self.ordinal), found, record::FORMAT));
                }
                Err(NoRecord::Invalid) => match Tail::of(bytes, end, header.identity) {
                    Tail::Unused => return Ok(()),
                    Tail::Torn { end: ones_from } => {
                        self.unfinished_bytes = (ones_from - end) as u64;
                        return Ok(());
                    }
                    Tail::Damaged { follows_at } => {
                        self.damage(format!(
                            "the record here is not as it was written, and a whole one follows \
                             at byte {follows_at}"
                        ));
                        end = follows_at;
                        let behind = Record::decode(bytes.get(end..).unwrap_or_default());
                        self.next = behind.map_or(self.next, |record| record.first);
                    }
                },
            }
        }
    }

    fn record(&mut self, work: &Work<'_>, header: Header, record: Record<'_>) {
        if record.identity != header.identity || record.first != self.next {
            let first = record.first;
            self.damage(format!("the record here begins with sequence {first}"));
            self.next = first;
        }
        for entry in record.entries() {
            match entry.map(|entry| (work.check)(self.next, entry)) {
                Some(Ok(())) => self.entries += 1,
                Some(Err(why)) => {
                    self.entries += 1;
                    self.damage(format!("its record is whole, but the entry is not: {why}"));
                }
                None => self.damage("the lengths in the record do not add up".to_owned()),
            }
            self.next += 1;
        }
    }
}
