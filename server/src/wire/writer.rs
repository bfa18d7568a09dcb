//! Protobuf written field by field, from what is only borrowed: a message of a schema would first
//! have to own a copy of each text in it, and be walked once more for the lengths.
//!
//! Fields are written in the order of their tags, and numbers, texts and flags that say nothing are
//! left out: so the bytes are those that prost writes of the schema's message.

use std::fmt;
use std::io::Write as _;

use prost::Message;

/// Bytes that grow.
pub(crate) struct Wire<'a>(&'a mut Vec<u8>);

/// How a field is written, in the three low bits of its key.
#[derive(Clone, Copy)]
enum Kind {
    Varint = 0,
    Fixed64 = 1,
    Delimited = 2,
}

impl<'a> Wire<'a> {
    /// Writes behind what is there.
    pub(crate) fn new(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What prost writes into.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        self.0
    }

    pub(crate) fn uint(&mut self, tag: u32, number: u64) {
        if number != 0 {
            self.key(tag, Kind::Varint);
            self.varint(number);
        }
    }

    pub(crate) fn int(&mut self, tag: u32, number: i64) {
        self.uint(tag, number.cast_unsigned());
    }

    /// A number that may be absent, and is told if it is zero.
    pub(crate) fn optional_int(&mut self, tag: u32, number: Option<i64>) {
        if let Some(number) = number {
            self.key(tag, Kind::Varint);
            self.varint(number.cast_unsigned());
        }
    }

    pub(crate) fn flag(&mut self, tag: u32, flag: bool) {
        self.uint(tag, flag.into());
    }

    pub(crate) fn fixed64(&mut self, tag: u32, number: u64) {
        self.optional_fixed64(tag, Some(number).filter(|number| *number != 0));
    }

    /// A number that may be absent, and is told if it is zero.
    pub(crate) fn optional_fixed64(&mut self, tag: u32, number: Option<u64>) {
        if let Some(number) = number {
            self.key(tag, Kind::Fixed64);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Numbers behind one length.
    pub(crate) fn packed_fixed64(&mut self, tag: u32, numbers: impl ExactSizeIterator<Item = u64>) {
        if numbers.len() > 0 {
            self.key(tag, Kind::Delimited);
            self.varint(length(numbers.len() * 8));
            for number in numbers {
                self.0.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    pub(crate) fn text(&mut self, tag: u32, text: &str) {
        self.binary(tag, text.as_bytes());
    }

    pub(crate) fn binary(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.key(tag, Kind::Delimited);
            self.varint(length(bytes.len()));
            self.0.extend_from_slice(bytes);
        }
    }

    /// A text of at most 127 bytes, as it is shown.
    pub(crate) fn shown(&mut self, tag: u32, text: impl fmt::Display) {
        self.message(tag, |wire| {
            // A vector takes all that is written.
            let written = write!(wire.0, "{text}");
            debug_assert!(written.is_ok());
        });
    }

    /// A message inside, which is told if it says nothing, too.
    pub(crate) fn message(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        // Most are short, so that one byte holds their length.
        let place = self.room(tag, [0]);
        write(self);
        let long = self.0.len() - place - 1;
        match (u8::try_from(long), self.0.get_mut(place)) {
            (Ok(digit @ ..=0x7f), Some(room)) => *room = digit,
            _ => self.put_length(place, 1, long),
        }
    }

    /// The same of 128 bytes and more, most likely.
    pub(crate) fn longer_message(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        let place = self.room(tag, [0, 0]);
        write(self);
        let long = self.0.len() - place - 2;
        match (u16::try_from(long), self.0.get_mut(place..place + 2)) {
            (Ok(two @ 0x80..=0x3fff), Some(room)) => {
                // Seven bits in each, the lower ones first.
                let digits = two & 0x7f | 0x80 | (two & !0x7f) << 1;
                room.copy_from_slice(&digits.to_le_bytes());
            }
            _ => self.put_length(place, 2, long),
        }
    }

    /// Leaves room for a length that is not known yet, and says where.
    fn room<const BYTES: usize>(&mut self, tag: u32, zeros: [u8; BYTES]) -> usize {
        self.key(tag, Kind::Delimited);
        let place = self.0.len();
        self.0.extend_from_slice(&zeros);
        place
    }

    /// Puts a length into its place, where the room that was left does not fit it.
    #[cold]
    fn put_length(&mut self, place: usize, room: usize, long: usize) {
        let end = self.0.len();
        self.varint(length(long));
        let digits = self.0.len() - end;
        if let Some(written) = self.0.get_mut(place..) {
            written.rotate_right(digits);
            self.0.drain(place + digits..place + digits + room);
        }
    }

    /// A message of a schema, which has nothing that would have to be owned, or is rare.
    pub(crate) fn schema(&mut self, tag: u32, message: Option<impl Message>) {
        if let Some(message) = message {
            self.key(tag, Kind::Delimited);
            // A vector grows to any length, which is the only way in which encoding may fail.
            let encoded = message.encode_length_delimited(self.0);
            debug_assert!(encoded.is_ok());
        }
    }

    fn key(&mut self, tag: u32, kind: Kind) {
        self.varint(u64::from(tag << 3 | kind as u32));
    }

    fn varint(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
