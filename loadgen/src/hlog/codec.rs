//! Pure: one histogram as bytes, in `HdrHistogram`'s V2 form with deflate.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

use crate::recorder::LONGEST_NS;

/// Begins a histogram that is compressed, followed by its length.
const COMPRESSED: [u8; 4] = [0x1c, 0x84, 0x93, 0x14];

/// Begins what is inside, followed by the length of its counts.
const INSIDE: [u8; 4] = [0x1c, 0x84, 0x93, 0x13];

/// The most bytes that a histogram of this program's range can have inside: its 27,648 counts take
/// at most nine each.
const MOST_INSIDE: u64 = 40 + 9 * 27_648;

/// A histogram as bytes.
pub(super) fn encode(histogram: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail, and a count that did not fit could not have been counted.
    let _ = V2DeflateSerializer::new().serialize(histogram, &mut bytes);
    bytes
}

/// The histogram of these bytes, or what is wrong with them. Nothing but this program's own range
/// and precision is taken: 1 ns to 60 s, three digits.
pub(super) fn decode(bytes: &[u8]) -> Result<Histogram<u64>, String> {
    let damaged = || "the histogram is damaged".to_owned();
    let (head, packed) = bytes.split_at_checked(8).ok_or_else(damaged)?;
    if head.get(..4) != Some(&COMPRESSED) {
        return Err("it is no histogram in the V2 form with deflate".to_owned());
    }
    if word(head, 4) != u32::try_from(packed.len()).ok() {
        return Err(damaged());
    }
    let mut inside = Vec::new();
    // Reading to the end also compares the checksum.
    let unpacked = ZlibDecoder::new(packed)
        .take(MOST_INSIDE + 1)
        .read_to_end(&mut inside);
    if unpacked.is_err() || inside.get(..4) != Some(&INSIDE) {
        return Err(damaged());
    }
    let (digits, lowest, highest) = (word(&inside, 12), long(&inside, 16), long(&inside, 24));
    if (digits, lowest, highest) != (Some(3), Some(1), Some(LONGEST_NS)) {
        return Err(format!(
            "the histogram is of another range: {} to {} in {} digits, and this program's are of 1 \
             to {LONGEST_NS} nanoseconds in 3",
            shown(lowest),
            shown(highest),
            shown(digits),
        ));
    }
    let counts = inside.len().checked_sub(40);
    if counts.and_then(|length| u32::try_from(length).ok()) != word(&inside, 4) {
        return Err(damaged());
    }
    Deserializer::new()
        .deserialize(&mut inside.as_slice())
        .map_err(|_| damaged())
}

fn shown<N: std::fmt::Display>(number: Option<N>) -> String {
    number.map_or_else(|| "?".to_owned(), |number| number.to_string())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_be_bytes(four))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_be_bytes(eight))
}
