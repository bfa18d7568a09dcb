//! The last record of a journal, as its files are documented: `WKRC`, and ones after its end.

use std::fs;
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"WKRC";
/// Where the checksum stands: after what it covers, and before the payload, which it covers too.
const CHECKSUM: usize = 32;
const PAYLOAD: usize = 36;

/// A segment with the place of the journal's last record in it.
pub(super) struct Tail {
    file: PathBuf,
    bytes: Vec<u8>,
    record: usize,
}

impl Tail {
    /// Takes the snapshots and the watermark away first: with them the server notices by itself
    /// that its journal has lost its end, and does not start.
    pub(super) fn read(data: &Path) -> Self {
        let entries = fs::read_dir(data).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        for file in &files {
            if file.ends_with("watermark") || file.extension().is_some_and(|end| end == "snap") {
                fs::remove_file(file).unwrap();
            }
        }
        files.retain(|file| file.extension().is_some_and(|end| end == "seg"));
        files.sort();
        let tails = files.into_iter().rev().filter_map(|file| {
            let bytes = fs::read(&file).unwrap();
            let record = bytes
                .windows(MAGIC.len())
                .rposition(|window| window == MAGIC)?;
            Some(Self {
                file,
                bytes,
                record,
            })
        });
        tails.into_iter().next().unwrap()
    }

    /// As if it had never been written.
    pub(super) fn take_out(mut self) {
        self.bytes[self.record..].fill(0xFF);
        fs::write(self.file, self.bytes).unwrap();
    }

    /// Adds one to an amount, and makes the checksum right for it.
    pub(super) fn change_amount(mut self, amount_fen: u64) {
        let record = &mut self.bytes[self.record..];
        let length = u32::from_le_bytes(record[28..CHECKSUM].try_into().unwrap());
        let record = &mut record[..PAYLOAD + length as usize];
        let amount = varint(amount_fen);
        let place = record
            .windows(amount.len())
            .position(|bytes| bytes == amount);
        record[place.unwrap()] ^= 1;
        let covered = [&record[..CHECKSUM], &record[PAYLOAD..]].concat();
        record[CHECKSUM..PAYLOAD].copy_from_slice(&crc32c(&covered).to_le_bytes());
        fs::write(self.file, self.bytes).unwrap();
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7F).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}

fn crc32c(bytes: &[u8]) -> u32 {
    const CASTAGNOLI: u32 = 0x82F6_3B78;
    let register = bytes.iter().fold(!0, |register: u32, &byte| {
        (0..8).fold(register ^ u32::from(byte), |register, _| {
            (register >> 1) ^ (CASTAGNOLI * (register & 1))
        })
    });
    !register
}

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
}
