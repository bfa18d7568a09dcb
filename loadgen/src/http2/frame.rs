//! Pure: HTTP/2 frames (RFC 9113, section 4 and 6), as far as a client of unary calls and streams
//! meets them.

use bytes::BufMut;

/// Length of the part that every frame begins with.
pub(super) const FRAME_HEAD: usize = 9;

/// The largest payload that everybody takes (RFC 9113, 4.2). No larger one is sent or asked for.
pub(super) const MOST_PAYLOAD: usize = 16_384;

/// What a client says first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The last frame of its direction.
pub(super) const END_STREAM: u8 = 0x1;
/// The same bit of `SETTINGS` and `PING`: an answer to one.
pub(super) const ACK: u8 = 0x1;
/// No `CONTINUATION` follows.
pub(super) const END_HEADERS: u8 = 0x4;
/// Padded.
pub(super) const PADDED: u8 = 0x8;
/// With a priority, which nobody uses any more.
pub(super) const PRIORITY: u8 = 0x20;

/// Kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Reset,
    Settings,
    Push,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// One that is to be ignored (RFC 9113, 5.5).
    Other,
}

impl Kind {
    fn of_number(number: u8) -> Self {
        match number {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x3 => Self::Reset,
            0x4 => Self::Settings,
            0x5 => Self::Push,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            _ => Self::Other,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Reset => 0x3,
            Self::Settings => 0x4,
            Self::Push => 0x5,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Continuation => 0x9,
            Self::Other => 0xff,
        }
    }
}

/// One frame that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: &'a [u8],
}

/// What the first bytes of `bytes` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut<'a> {
    /// A whole frame, and how many bytes it takes.
    Whole(Frame<'a>, usize),
    /// The beginning of one.
    Part,
    /// A frame larger than was ever allowed.
    TooLarge,
}

/// Cuts off the first frame.
pub(super) fn cut(bytes: &[u8]) -> Cut<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<FRAME_HEAD>() else {
        return Cut::Part;
    };
    let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *head;
    let length = usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2);
    if length > MOST_PAYLOAD {
        return Cut::TooLarge;
    }
    let Some(payload) = rest.get(..length) else {
        return Cut::Part;
    };
    let frame = Frame {
        kind: Kind::of_number(kind),
        flags,
        stream: u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff,
        payload,
    };
    Cut::Whole(frame, FRAME_HEAD + length)
}

impl<'a> Frame<'a> {
    /// Whether it has this flag.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload without padding and priority; `None` if they are longer than it.
    pub(super) fn content(&self) -> Option<&'a [u8]> {
        let mut content = self.payload;
        let mut padding = 0;
        if self.has(PADDED) {
            let (length, rest) = content.split_first()?;
            (padding, content) = (usize::from(*length), rest);
        }
        if self.kind == Kind::Headers && self.has(PRIORITY) {
            content = content.get(5..)?;
        }
        content.get(..content.len().checked_sub(padding)?)
    }

    /// The four bytes at this place as a number.
    pub(super) fn number_at(&self, place: usize) -> Option<u32> {
        let bytes = self.payload.get(place..place.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// The settings that it tells, by number.
    pub(super) fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        self.payload.as_chunks::<6>().0.iter().map(|setting| {
            let [i0, i1, v0, v1, v2, v3] = *setting;
            (
                u16::from_be_bytes([i0, i1]),
                u32::from_be_bytes([v0, v1, v2, v3]),
            )
        })
    }
}

/// Writes the part that every frame begins with.
pub(super) fn put_head(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let [_, l0, l1, l2] = length;
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    out.put_slice(&[l0, l1, l2, kind.number(), flags, s0, s1, s2, s3]);
}

/// Writes a whole frame whose payload is one number.
pub(super) fn put_number(out: &mut Vec<u8>, kind: Kind, stream: u32, number: u32) {
    put_head(out, kind, 0, stream, 4);
    out.put_u32(number);
}

/// Writes settings.
pub(super) fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    put_head(out, Kind::Settings, 0, 0, settings.len() * 6);
    for (number, value) in settings {
        out.put_u16(*number);
        out.put_u32(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_cut_off() {
        let mut bytes = Vec::new();
        put_head(&mut bytes, Kind::Data, END_STREAM, 5, 3);
        bytes.extend(b"abc");
        put_settings(&mut bytes, &[(4, 70_000), (3, 9)]);
        for length in 0..12 {
            assert_eq!(cut(&bytes[..length]), Cut::Part, "cut to {length}");
        }
        let Cut::Whole(data, taken) = cut(&bytes) else {
            panic!("no frame")
        };
        assert_eq!(
            (data.kind, data.stream, data.content()),
            (Kind::Data, 5, Some(&b"abc"[..]))
        );
        assert!(data.has(END_STREAM) && !data.has(PADDED));
        let Cut::Whole(settings, rest) = cut(&bytes[taken..]) else {
            panic!("no frame")
        };
        assert_eq!(taken + rest, bytes.len());
        let told: Vec<(u16, u32)> = settings.settings().collect();
        assert_eq!(told, [(4, 70_000), (3, 9)]);
    }

    #[test]
    fn padding_and_priority_are_taken_off() {
        let check = |kind, flags, payload: &[u8], expected: Option<&[u8]>| {
            let frame = Frame {
                kind,
                flags,
                stream: 1,
                payload,
            };
            assert_eq!(frame.content(), expected, "{payload:?}");
        };
        check(Kind::Data, 0, b"ab", Some(b"ab"));
        check(Kind::Data, PADDED, b"\x01abx", Some(b"ab"));
        check(Kind::Data, PADDED, b"\x04abx", None);
        check(Kind::Data, PADDED, b"", None);
        check(Kind::Headers, PRIORITY, b"12345h", Some(b"h"));
        check(Kind::Headers, PRIORITY | PADDED, b"\x0112345hx", Some(b"h"));
        check(Kind::Headers, PRIORITY, b"1234", None);
    }

    #[test]
    fn a_frame_beyond_what_is_allowed_is_refused_before_it_is_read() {
        assert_eq!(cut(&[0, 0x40, 1, 0, 0, 0, 0, 0, 1]), Cut::TooLarge);
    }
}
