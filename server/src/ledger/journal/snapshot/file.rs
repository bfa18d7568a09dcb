//! Reading a snapshot file from its beginning to its end.

use super::layout::{
    BLOCK_HEADER_BYTES, BlockHeader, FOOTER_BYTES, FORMAT, Footer, HEADER_BYTES, Header,
};
use super::{Name, Published};
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::{Damage, DiskError, OpenError};
use crate::ledger::journal::file::NamedFile;
use crate::ledger::journal::record::{NoRecord, delimited};

/// The records of one block, whose checksum is right. It owns its bytes, so that blocks can be
/// decoded on several threads.
#[derive(Clone, Debug)]
pub struct SnapshotBlock {
    number: u64,
    records: u32,
    payload: Vec<u8>,
}

impl SnapshotBlock {
    /// Its place in the snapshot, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The number of records, at least 1.
    pub fn count(&self) -> u32 {
        self.records
    }

    /// The records, in the order in which they were pushed.
    pub fn records(&self) -> impl Iterator<Item = &[u8]> {
        // That the lengths add up was seen when the block was read.
        delimited(&self.payload, self.records).map_while(|record| record)
    }
}

/// Why a snapshot cannot be used.
#[derive(Debug)]
pub(in crate::ledger::journal) enum Flaw {
    /// It is not as it was written: where in the file, in bytes, and what.
    Damaged { offset: u64, what: String },
    /// A later release wrote it.
    Newer(u32),
    /// A call to the disk failed.
    Unreadable(DiskError),
}

impl Flaw {
    fn damaged(offset: u64, what: impl Into<String>) -> Self {
        let what = what.into();
        Self::Damaged { offset, what }
    }

    /// The error that names this file.
    pub(in crate::ledger::journal) fn into_error(self, name: &Name) -> OpenError {
        let file = name.file.clone();
        match self {
            Self::Damaged { offset, what } => OpenError::Damaged(Damage {
                file,
                offset,
                sequence: name.covers,
                what,
            }),
            Self::Newer(found) => OpenError::NewerFormat {
                file,
                found,
                supported: FORMAT,
            },
            Self::Unreadable(error) => OpenError::Io(error),
        }
    }
}

impl From<DiskError> for Flaw {
    fn from(error: DiskError) -> Self {
        Self::Unreadable(error)
    }
}

/// What comes next in a snapshot.
pub(in crate::ledger::journal) enum Step {
    Block(SnapshotBlock),
    /// The file is whole: nothing comes any more.
    End(Published),
}

/// An open snapshot whose header is whole.
#[derive(Debug)]
pub(in crate::ledger::journal) struct SnapshotFile {
    name: Name,
    file: NamedFile,
    header: Header,
    length: u64,
    /// Where the next block begins, in bytes.
    at: u64,
    blocks: u64,
    records: u64,
}

impl SnapshotFile {
    pub(in crate::ledger::journal) fn open(disk: &dyn Disk, name: Name) -> Result<Self, Flaw> {
        let file = NamedFile::open(disk, &name.file)?;
        let length = file.length()?;
        if length < HEADER_BYTES as u64 {
            return Err(Flaw::damaged(length, "it ends within its header"));
        }
        let header = Header::decode(&file.read(0, HEADER_BYTES)?).map_err(|why| match why {
            NoRecord::Invalid => Flaw::damaged(0, "its header is not as it was written"),
            NoRecord::Newer(format) => Flaw::Newer(format),
        })?;
        Ok(Self {
            name,
            file,
            header,
            length,
            at: HEADER_BYTES as u64,
            blocks: 0,
            records: 0,
        })
    }

    pub(in crate::ledger::journal) fn identity(&self) -> u64 {
        self.header.identity
    }

    /// Refuses another journal's.
    pub(in crate::ledger::journal) fn check_identity(&self, identity: u64) -> Result<(), Flaw> {
        if identity == self.header.identity {
            return Ok(());
        }
        Err(Flaw::damaged(0, "it belongs to another journal"))
    }

    pub(in crate::ledger::journal) fn name(&self) -> &Name {
        &self.name
    }

    /// Goes back to the first block.
    pub(in crate::ledger::journal) fn rewind(&mut self) {
        (self.at, self.blocks, self.records) = (HEADER_BYTES as u64, 0, 0);
    }

    /// Reads to the end, and shows how far it has come after each block, in bytes.
    pub(in crate::ledger::journal) fn check(
        &mut self,
        mut on_offset: impl FnMut(u64),
    ) -> Result<Published, Flaw> {
        let mut buffer = Vec::new();
        loop {
            match self.step(buffer)? {
                Step::Block(block) => {
                    on_offset(self.at);
                    buffer = block.payload;
                }
                Step::End(published) => return Ok(published),
            }
        }
    }

    /// The next block, in this buffer, or the end.
    pub(in crate::ledger::journal) fn step(&mut self, mut buffer: Vec<u8>) -> Result<Step, Flaw> {
        let rest = self.length - self.at;
        if rest == FOOTER_BYTES as u64 {
            return self.end().map(Step::End);
        }
        let not_so = |what| Flaw::damaged(self.at, what);
        if rest < BLOCK_HEADER_BYTES as u64 {
            return Err(not_so("it ends here, before its footer"));
        }
        let fields = self.file.read(self.at, BLOCK_HEADER_BYTES)?;
        let changed = || not_so("the block here is not as it was written");
        let block = BlockHeader::decode(&fields).ok_or_else(changed)?;
        let whole = BLOCK_HEADER_BYTES as u64 + u64::from(block.length);
        if whole > rest {
            return Err(not_so("it ends within the block here"));
        }
        let begin = self.at + BLOCK_HEADER_BYTES as u64;
        buffer.resize(block.length as usize, 0);
        self.file.read_at(&mut buffer, begin)?;
        let payload = buffer;
        let adds_up = || delimited(&payload, block.records).all(|record| record.is_some());
        let fits = block.fits(&fields, &payload, self.header, self.blocks);
        if !fits || block.records == 0 || !adds_up() {
            return Err(changed());
        }
        let block = SnapshotBlock {
            number: self.blocks,
            records: block.records,
            payload,
        };
        self.at += whole;
        self.blocks += 1;
        self.records += u64::from(block.records);
        Ok(Step::Block(block))
    }

    fn end(&self) -> Result<Published, Flaw> {
        let published = self.footer()?;
        if published.blocks != self.blocks || published.records != self.records {
            let what = format!(
                "{} blocks with {} records come before the footer, which counts {} and {}",
                self.blocks, self.records, published.blocks, published.records
            );
            return Err(Flaw::damaged(self.at, what));
        }
        Ok(published)
    }

    /// What the footer says, if it is that of a file with this header, this length and this name.
    pub(in crate::ledger::journal) fn footer(&self) -> Result<Published, Flaw> {
        let cut = || Flaw::damaged(self.length, "it ends here, before its footer");
        let at = self.length.checked_sub(FOOTER_BYTES as u64);
        let at = at.filter(|&at| at >= HEADER_BYTES as u64).ok_or_else(cut)?;
        let footer = Footer::decode(&self.file.read(at, FOOTER_BYTES)?, self.header);
        let footer = footer.filter(|footer| footer.bytes == self.length);
        let changed = || Flaw::damaged(at, "no footer of this file stands at its end");
        let footer = footer.ok_or_else(changed)?;
        if footer.covers != self.name.covers {
            let what = format!("its footer says that it covers sequence {}", footer.covers);
            return Err(Flaw::damaged(at, what));
        }
        Ok(Published {
            file: self.name.file.clone(),
            from: self.header.from,
            covers: footer.covers,
            records: footer.records,
            blocks: footer.blocks,
            bytes: footer.bytes,
        })
    }
}
