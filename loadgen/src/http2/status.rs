//! What the head or the trailers of an answer say of its status.
//!
//! A server's heads are the same in nearly every answer too. A block of nothing but references to what
//! both sides remember changes nothing there, so what it says is remembered by its bytes until a
//! block comes that does change something.

use loona_hpack::Decoder;

/// What a block of headers says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeadMeaning {
    /// `:status`.
    pub(crate) http_status: Option<u16>,
    /// `grpc-status`; one that is no number counts as 2, UNKNOWN.
    pub(crate) grpc_status: Option<u32>,
}

/// Reads the blocks of one connection, every one of them and in order.
pub(super) struct HeadReader {
    decoder: Decoder<'static>,
    known: Vec<(Vec<u8>, HeadMeaning)>,
}

/// The most blocks that are remembered by their bytes.
const MOST_KNOWN: usize = 8;

/// The longest block that is.
const LONGEST_KNOWN: usize = 32;

impl HeadReader {
    /// Nothing was read yet. The peer may have 4,096 bytes remembered, which is the default.
    pub(super) fn new() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(4_096);
        Self {
            decoder,
            known: Vec::new(),
        }
    }

    /// What this block says; `None` if it is none.
    pub(super) fn read(&mut self, block: &[u8]) -> Option<HeadMeaning> {
        if let Some((_, meaning)) = self.known.iter().find(|(known, _)| known == block) {
            return Some(*meaning);
        }
        let mut meaning = HeadMeaning::default();
        let read = self.decoder.decode_with_cb(block, |name, value| {
            let number = || std::str::from_utf8(&value).ok()?.parse::<u32>().ok();
            match &*name {
                b":status" => {
                    meaning.http_status = number().and_then(|status| u16::try_from(status).ok());
                }
                b"grpc-status" => meaning.grpc_status = Some(number().unwrap_or(2)),
                _ => {}
            }
        });
        read.ok()?;
        if !refers_only(block) {
            self.known.clear();
        } else if self.known.len() < MOST_KNOWN && block.len() <= LONGEST_KNOWN {
            self.known.push((block.to_vec(), meaning));
        }
        Some(meaning)
    }
}

/// Whether a block is made of references of one byte each. One whose index takes more bytes may
/// be taken for something else, which only costs the memory of it.
fn refers_only(block: &[u8]) -> bool {
    block.iter().all(|&byte| byte & 0x80 != 0 && byte != 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_spelled_out_referred_to_and_remembered() {
        let mut reader = HeadReader::new();
        // :status 200; grpc-status: 0 to be remembered.
        let first = b"\x88\x40\x0bgrpc-status\x010";
        let both = HeadMeaning {
            http_status: Some(200),
            grpc_status: Some(0),
        };
        assert_eq!(reader.read(first), Some(both));
        for _ in 0..3 {
            assert_eq!(reader.read(b"\x88\xbe"), Some(both));
        }
        // Another one takes its place among what is remembered, and moves it on.
        assert_eq!(
            reader
                .read(b"\x40\x0bgrpc-status\x0213")
                .unwrap()
                .grpc_status,
            Some(13)
        );
        assert_eq!(reader.read(b"\x88\xbe").unwrap().grpc_status, Some(13));
        assert_eq!(reader.read(b"\x88\xbf"), Some(both));
    }

    #[test]
    fn what_is_no_block_is_refused() {
        let mut reader = HeadReader::new();
        assert_eq!(reader.read(b"\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(reader.read(b"\xbe"), None, "nothing is remembered yet");
        assert_eq!(reader.read(b"\x40\x0bgrpc"), None);
        let odd = reader.read(b"\x00\x0bgrpc-status\x03odd").unwrap();
        assert_eq!(odd.grpc_status, Some(2));
    }
}
