//! Pure: the headers of calls, compressed (RFC 7541) beforehand.
//!
//! A gRPC client's headers are the same in every call. The first call on a connection spells them
//! out and has the peer remember them; each later one is a byte for each header, as it is from
//! any client that lives long. So the server reads what it would read from others.

use bytes::BufMut;

use crate::population::AccountHash;

/// What the peer must be able to remember, in bytes as RFC 7541 counts them: what everybody can
/// before anything is said of it. Less would have to be acknowledged, and headers are then spelled
/// out each time.
const NEEDED_TABLE: u32 = 4_096;

/// The index of the header that was remembered last.
const NEWEST: u8 = 62;

/// Kinds of heads. Each connection has its own.
#[derive(Debug)]
pub(crate) struct Heads {
    authority: Vec<u8>,
    user_agent: Vec<u8>,
    timeout: Vec<u8>,
    usual_path: Vec<u8>,
    /// The method, which is POST, and the scheme, both from the table that everybody has.
    beginning: [u8; 2],
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing was sent yet: the peer shall remember.
    First,
    /// The peer remembers.
    Remembered,
    /// It cannot, which must still be acknowledged.
    Forbidden { acknowledged: bool },
}

impl Heads {
    /// Heads for calls at `authority`, of which most are of `usual_path`, to be given up by the
    /// server after `timeout`, as `grpc-timeout` has it.
    pub(crate) fn new(authority: &str, usual_path: &str, timeout: &str, user_agent: &str) -> Self {
        Self {
            authority: authority.as_bytes().to_vec(),
            user_agent: user_agent.as_bytes().to_vec(),
            timeout: timeout.as_bytes().to_vec(),
            usual_path: usual_path.as_bytes().to_vec(),
            beginning: [0x83, 0x86],
            mode: Mode::First,
        }
    }

    /// The same for a connection over TLS.
    pub(crate) fn over_tls(self) -> Self {
        Self {
            beginning: [0x83, 0x87],
            ..self
        }
    }

    /// The peer tells how much it can remember. For less than is needed, it is asked to remember
    /// nothing.
    pub(super) fn limit_table(&mut self, bytes: u32) {
        if bytes < NEEDED_TABLE && !matches!(self.mode, Mode::Forbidden { .. }) {
            self.mode = Mode::Forbidden {
                acknowledged: false,
            };
        }
    }

    /// Writes the head of a call of the usual path.
    pub(super) fn put_usual(&mut self, out: &mut Vec<u8>) {
        match self.mode {
            Mode::First => {
                self.put_first(out);
                self.mode = Mode::Remembered;
            }
            Mode::Remembered => {
                // Method and scheme; then what was remembered: path, authority, te, type, agent, timeout. What
                // begins with a colon must come first (RFC 9113, 8.3).
                out.put_slice(&self.beginning);
                out.extend((0..6).rev().map(|age| 0x80 | (NEWEST + age)));
            }
            Mode::Forbidden { .. } => {
                self.acknowledge(out);
                let path = self.usual_path.clone();
                self.put_spelled(out, &path, true);
            }
        }
    }

    /// Writes behind a head which account it is about, if that is to be named.
    pub(super) fn put_account(out: &mut Vec<u8>, account: Option<&AccountHash>) {
        if let Some(hash) = account {
            SPELL.put_new(out, b"x-waika-account-hash", hash);
        }
    }

    /// Writes the head of another call; a stream has no time-out.
    pub(super) fn put_other(&mut self, out: &mut Vec<u8>, path: &str, has_timeout: bool) {
        self.acknowledge(out);
        self.put_spelled(out, path.as_bytes(), has_timeout);
    }

    /// A table that became smaller is acknowledged at the beginning of the next block.
    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        if let Mode::Forbidden { acknowledged } = &mut self.mode
            && !*acknowledged
        {
            out.put_u8(0x20);
            *acknowledged = true;
        }
    }

    fn put_first(&self, out: &mut Vec<u8>) {
        out.put_slice(&self.beginning);
        REMEMBER.put_known(out, 4, &self.usual_path);
        REMEMBER.put_known(out, 1, &self.authority);
        REMEMBER.put_new(out, b"te", b"trailers");
        REMEMBER.put_known(out, 31, b"application/grpc");
        REMEMBER.put_known(out, 58, &self.user_agent);
        REMEMBER.put_new(out, b"grpc-timeout", &self.timeout);
    }

    fn put_spelled(&self, out: &mut Vec<u8>, path: &[u8], has_timeout: bool) {
        out.put_slice(&self.beginning);
        SPELL.put_known(out, 4, path);
        SPELL.put_known(out, 1, &self.authority);
        SPELL.put_new(out, b"te", b"trailers");
        SPELL.put_known(out, 31, b"application/grpc");
        SPELL.put_known(out, 58, &self.user_agent);
        if has_timeout {
            SPELL.put_new(out, b"grpc-timeout", &self.timeout);
        }
    }
}

/// The peer shall remember it.
const REMEMBER: Form = Form {
    first: 0x40,
    bits: 6,
};

/// It shall not.
const SPELL: Form = Form { first: 0, bits: 4 };

/// How a header is spelled out: with what its first byte begins, and how many bits are left there.
#[derive(Clone, Copy)]
struct Form {
    first: u8,
    bits: u32,
}

impl Form {
    /// One whose name is in the table that everybody has.
    fn put_known(self, out: &mut Vec<u8>, name: usize, value: &[u8]) {
        put_integer(out, self.first, self.bits, name);
        put_text(out, value);
    }

    fn put_new(self, out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
        out.put_u8(self.first);
        put_text(out, name);
        put_text(out, value);
    }
}

/// Not shortened: what it costs to read is the peer's.
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_integer(out, 0, 7, text.len());
    out.put_slice(text);
}

/// An integer behind the bits of `first` (RFC 7541, 5.1).
fn put_integer(out: &mut Vec<u8>, first: u8, bits: u32, value: usize) {
    let low = |value: usize| u8::try_from(value & 0xff).unwrap_or(u8::MAX);
    let most = (1_usize << bits) - 1;
    if value < most {
        out.put_u8(first | low(value));
        return;
    }
    out.put_u8(first | low(most));
    let mut rest = value - most;
    while rest >= 0x80 {
        out.put_u8(low(rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    out.put_u8(low(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(decoder: &mut loona_hpack::Decoder<'_>, block: &[u8]) -> Vec<(String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let headers = decoder.decode(block).unwrap();
        headers
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect()
    }

    fn expected(path: &str, has_timeout: bool) -> Vec<(String, String)> {
        let timeout = has_timeout.then_some(("grpc-timeout", "1000000u"));
        [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "127.0.0.1:50051"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "waika-loadgen/0.1.0"),
        ]
        .into_iter()
        .chain(timeout)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    fn heads() -> Heads {
        Heads::new(
            "127.0.0.1:50051",
            "/a.B/C",
            "1000000u",
            "waika-loadgen/0.1.0",
        )
    }

    #[test]
    fn over_tls_the_scheme_is_another() {
        let mut heads = heads().over_tls();
        let mut decoder = loona_hpack::Decoder::new();
        let https = |path| {
            let mut all = expected(path, true);
            for (name, value) in &mut all {
                if name == ":scheme" {
                    "https".clone_into(value);
                }
            }
            all
        };
        for _ in 0..2 {
            let mut block = Vec::new();
            heads.put_usual(&mut block);
            assert_eq!(read(&mut decoder, &block), https("/a.B/C"));
            let mut block = Vec::new();
            heads.put_other(&mut block, "/a.B/Other", true);
            assert_eq!(read(&mut decoder, &block), https("/a.B/Other"));
        }
    }

    #[test]
    fn an_account_is_named_behind_either_head() {
        let mut heads = heads();
        let mut decoder = loona_hpack::Decoder::new();
        let named = |path| {
            let name = ("x-waika-account-hash", "0123456789abcdef");
            let name = (name.0.to_owned(), name.1.to_owned());
            [expected(path, true), vec![name]].concat()
        };
        for _ in 0..3 {
            let mut block = Vec::new();
            heads.put_usual(&mut block);
            Heads::put_account(&mut block, Some(b"0123456789abcdef"));
            assert_eq!(read(&mut decoder, &block), named("/a.B/C"));
            let mut block = Vec::new();
            heads.put_other(&mut block, "/a.B/Other", true);
            Heads::put_account(&mut block, Some(b"0123456789abcdef"));
            assert_eq!(read(&mut decoder, &block), named("/a.B/Other"));
        }
    }

    #[test]
    fn heads_say_the_same_spelled_out_or_remembered() {
        let mut heads = heads();
        let mut decoder = loona_hpack::Decoder::new();
        for call in 0..4 {
            let mut block = Vec::new();
            heads.put_usual(&mut block);
            assert_eq!(block.len() < 10, call > 0, "call {call}");
            assert_eq!(read(&mut decoder, &block), expected("/a.B/C", true));
            let mut block = Vec::new();
            heads.put_other(&mut block, "/a.B/Other", call % 2 == 0);
            assert_eq!(
                read(&mut decoder, &block),
                expected("/a.B/Other", call % 2 == 0)
            );
        }
    }

    #[test]
    fn a_peer_that_cannot_remember_is_told_everything_each_time() {
        let mut heads = heads();
        let mut decoder = loona_hpack::Decoder::new();
        heads.limit_table(0);
        decoder.set_max_table_size(0);
        for call in 0..3 {
            let mut block = Vec::new();
            heads.put_usual(&mut block);
            assert_eq!(block.first() == Some(&0x20), call == 0);
            assert_eq!(read(&mut decoder, &block), expected("/a.B/C", true));
        }
    }

    #[test]
    fn integers_are_those_of_the_standard() {
        let check = |first, bits, value, expected: &[u8]| {
            let mut out = Vec::new();
            put_integer(&mut out, first, bits, value);
            assert_eq!(out, expected, "{value}");
        };
        check(0, 5, 10, &[10]);
        check(0, 5, 1_337, &[31, 154, 10]);
        check(0, 8, 42, &[42]);
        check(0x40, 6, 63, &[0x7f, 0]);
    }
}
