//! What a caller sends, as an input says it: bytes as they are, or frames by the book with whatever in them.

use crate::fuzzing::Input;
use crate::grpc::fuzzing::{framed, rpc};

/// What a connection begins with, and the settings that follow.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Frames of kinds that there are, and one that there is not.
const KINDS: u8 = 11;
/// In the place of a kind: a whole call.
const CALL: u8 = 11;
/// In the place of a kind: bytes as they are.
const RAW: u8 = 12;

/// How a caller ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Says that it has said all, and hears what is said to it.
    Polite,
    /// Is gone as soon as it has said all.
    HangsUp,
    /// Hears nothing all the while.
    Deaf,
}

/// What a caller does.
pub(super) struct Script {
    pub(super) bytes: Vec<u8>,
    /// What is sent at once.
    pub(super) piece_bytes: usize,
    pub(super) manner: Manner,
    /// The server is told to end the connection when all is said.
    pub(super) is_told_to_go: bool,
    pub(super) is_an_operators: bool,
}

impl Script {
    /// The first byte says how: whether it begins as it should, whether what follows is frames, how long the
    /// pieces are, how it ends, and who is called. `name` puts in what an input cannot know.
    pub(super) fn of(input: &[u8], name: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let mut input = Input::new(input);
        let how = input.byte();
        let has = |bit: u8| how & (1 << bit) != 0;
        let mut bytes = Vec::new();
        if has(0) {
            bytes.extend_from_slice(BEGIN);
        }
        if has(1) {
            while !input.is_at_end() {
                write_one(&mut bytes, &mut input, &name);
            }
        } else {
            bytes.extend_from_slice(input.bytes(usize::MAX));
        }
        let piece_bytes = match (has(2), has(3)) {
            (false, false) => usize::MAX,
            (false, true) => 1_000,
            (true, false) => 100,
            (true, true) => 9,
        };
        let manner = match (has(4), has(5)) {
            (false, _) => Manner::Polite,
            (true, false) => Manner::HangsUp,
            (true, true) => Manner::Deaf,
        };
        Self {
            bytes,
            piece_bytes,
            manner,
            is_told_to_go: has(6),
            is_an_operators: has(7),
        }
    }
}

/// One frame with its right length; a call; or bytes that are neither.
fn write_one(bytes: &mut Vec<u8>, input: &mut Input<'_>, name: impl Fn(&[u8]) -> Vec<u8>) {
    match input.byte() % (RAW + 1) {
        CALL => {
            let (number, rpc) = (input.byte(), rpc(input.byte()));
            let stream = u32::from(number) * 2 + 1;
            let message = name(input.delimited());
            let path = rpc.map_or("", |rpc| rpc.path);
            write(bytes, (HEADERS, END_HEADERS), stream, &head(path));
            for piece in framed(&message).chunks(16_384) {
                write(bytes, (DATA, 0), stream, piece);
            }
            write(bytes, (DATA, END_STREAM), stream, &[]);
        }
        RAW => bytes.extend_from_slice(input.delimited()),
        kind => {
            let (flags, number) = (input.byte(), input.byte());
            // The highest bit means nothing and may be set.
            let stream = u32::from(number & 0x7f) | (u32::from(number & 0x80) << 24);
            let payload = input.delimited();
            write(bytes, (kind % KINDS, flags), stream, payload);
        }
    }
}

fn write(bytes: &mut Vec<u8>, (kind, flags): (u8, u8), stream: u32, payload: &[u8]) {
    let [_, length @ ..] = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}

/// The headers of a gRPC call: POST and http by the static table, the rest written out (RFC 7541, 6.2.2).
fn head(path: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (index, name, value) in [
        (4, "", path),
        (1, "", "waika"),
        (0, "content-type", "application/grpc"),
        (0, "te", "trailers"),
    ] {
        block.push(index);
        if !name.is_empty() {
            write_text(&mut block, name);
        }
        write_text(&mut block, value);
    }
    block
}

/// None of ours is as long as what has a longer length.
fn write_text(block: &mut Vec<u8>, text: &str) {
    block.push(u8::try_from(text.len()).unwrap_or(0x7e).min(0x7e));
    block.extend_from_slice(text.as_bytes());
}
