//! One connection: calls go out through one buffer, answers come in through another.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::flow::{Allowance, FIRST_WINDOW, Received, WINDOW};
use super::frame::{self, Cut, END_HEADERS, END_STREAM, Kind, MOST_PAYLOAD, cut};
use super::head::Heads;
use super::socket::Socket;
use super::status::{HeadMeaning, HeadReader};
use crate::population::AccountHash;

/// Room for what is read at once, and for a frame that is not whole yet.
const INBOX: usize = 256 * 1_024;

/// Beyond this number of a stream a connection is not used for new ones: they must stay below 2^31.
const LAST_STREAM: u32 = (1 << 31) - 3;

/// The payload of the ping that a connection begins with.
const GREETING: [u8; 8] = *b"waika  1";

/// Settings by number (RFC 9113, 6.5.2).
const ENABLE_PUSH: u16 = 2;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The other side closed it.
    #[error("it was closed")]
    Closed,
    /// The network failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The other side broke HTTP/2's rules, or speaks something else.
    #[error("{0}")]
    Protocol(&'static str),
}

/// What is told of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// A head, or trailers.
    Head {
        /// What they say.
        meaning: HeadMeaning,
        /// Nothing follows.
        is_last: bool,
    },
    /// A part of the body.
    Data {
        /// The part.
        bytes: &'a [u8],
        /// Nothing follows.
        is_last: bool,
    },
    /// The server gave it up, with this error code.
    Reset(u32),
    /// The server is leaving and has not looked at it.
    Unseen,
}

/// A connection on which the server has told its settings.
pub(crate) struct Connection {
    socket: Socket,
    pub(super) heads: Heads,
    pub(super) reader: HeadReader,
    inbox: Box<[u8]>,
    filled: usize,
    pub(super) outbox: Vec<u8>,
    written: usize,
    next_stream: u32,
    pub(super) most_open: usize,
    pub(super) allowance: Allowance,
    /// With how much each stream begins.
    pub(super) stream_window: u32,
    pub(super) received: Received,
    /// A block of headers whose end has not come.
    pub(super) unfinished: Option<Unfinished>,
    pub(super) long: Option<Long>,
    pub(super) greeted: Greeted,
    /// The last stream that the server will look at, once it is leaving.
    pub(super) leaving: Option<u32>,
}

/// A block of headers in pieces.
pub(super) struct Unfinished {
    pub(super) stream: u32,
    pub(super) is_last: bool,
    pub(super) block: Vec<u8>,
}

/// The stream that lasts as long as the connection.
pub(super) struct Long {
    pub(super) stream: u32,
    pub(super) allowance: Allowance,
    pub(super) received: Received,
    pending: Vec<u8>,
}

/// What the server has said of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Greeted {
    pub(super) settings: bool,
    pub(super) pong: bool,
}

impl Connection {
    /// Begins to speak on a new socket, and waits until the server has told its settings.
    pub(crate) async fn begin(socket: Socket, heads: Heads) -> Result<Self, Broken> {
        let mut outbox = frame::PREFACE.to_vec();
        let settings = [(ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, WINDOW)];
        frame::put_settings(&mut outbox, &settings);
        frame::put_number(&mut outbox, Kind::WindowUpdate, 0, WINDOW - FIRST_WINDOW);
        frame::put_head(&mut outbox, Kind::Ping, 0, 0, GREETING.len());
        outbox.extend(GREETING);
        let mut connection = Self {
            socket,
            heads,
            reader: HeadReader::new(),
            inbox: vec![0; INBOX].into_boxed_slice(),
            filled: 0,
            outbox,
            written: 0,
            next_stream: 1,
            most_open: usize::MAX,
            allowance: Allowance::new(FIRST_WINDOW),
            stream_window: FIRST_WINDOW,
            received: Received::default(),
            unfinished: None,
            long: None,
            greeted: Greeted::default(),
            leaving: None,
        };
        std::future::poll_fn(|cx| {
            let read = connection.poll(cx, &mut |_, _| {});
            let written = connection.flush(cx);
            match (read, written, connection.greeted) {
                (Err(broken), ..) | (_, Err(broken), _) => Poll::Ready(Err(broken)),
                (
                    ..,
                    Greeted {
                        settings: true,
                        pong: true,
                    },
                ) => Poll::Ready(Ok(())),
                _ => Poll::Pending,
            }
        })
        .await?;
        Ok(connection)
    }

    /// How many streams the server allows at once; `None` if it sets no bound.
    pub(crate) fn bound(&self) -> Option<usize> {
        (self.most_open != usize::MAX).then_some(self.most_open)
    }

    /// Whether it takes no new streams any more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some() || self.next_stream > LAST_STREAM
    }

    /// Whether a call of this length can be sent now, beside so many that are open.
    pub(crate) fn has_room(&self, open: usize, length: usize) -> bool {
        open < self.most_open && self.allowance.left().min(self.first_window()) >= length
    }

    /// Sends a call of the usual path; its head names the account if that is given.
    pub(crate) fn call(&mut self, message: &[u8], account: Option<&AccountHash>) -> u32 {
        let stream = self.open_stream(END_HEADERS, |heads, out| {
            heads.put_usual(out);
            Heads::put_account(out, account);
        });
        self.put_body(stream, message);
        stream
    }

    /// Sends a call of another path.
    pub(crate) fn call_other(
        &mut self,
        path: &str,
        message: &[u8],
        account: Option<&AccountHash>,
    ) -> u32 {
        let stream = self.open_stream(END_HEADERS, |heads, out| {
            heads.put_other(out, path, true);
            Heads::put_account(out, account);
        });
        self.put_body(stream, message);
        stream
    }

    /// Opens the stream that lasts, of which there is one at a time.
    pub(crate) fn open_long(&mut self, path: &str) -> u32 {
        let stream = self.open_stream(END_HEADERS, |heads, out| heads.put_other(out, path, false));
        self.long = Some(Long {
            stream,
            allowance: Allowance::new(self.stream_window),
            received: Received::default(),
            pending: Vec::new(),
        });
        stream
    }

    /// What is to be sent on the stream that lasts goes behind this; it is sent with the next flush,
    /// as far as the server lets it.
    pub(crate) fn long_body(&mut self) -> Option<&mut Vec<u8>> {
        self.long.as_mut().map(|long| &mut long.pending)
    }

    /// Gives up a stream that is open.
    pub(crate) fn cancel(&mut self, stream: u32) {
        const CANCEL: u32 = 0x8;
        frame::put_number(&mut self.outbox, Kind::Reset, stream, CANCEL);
    }

    /// Forgets the stream that lasts, which is over.
    pub(crate) fn close_long(&mut self) {
        self.long = None;
    }

    /// Reads all that has come and tells it by stream; wakes `cx` when there is more.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        on: &mut impl FnMut(u32, Told<'_>),
    ) -> Result<(), Broken> {
        loop {
            let room = self.inbox.get_mut(self.filled..).unwrap_or_default();
            let mut buffer = ReadBuf::new(room);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Pending => return Ok(()),
                Poll::Ready(read) => read?,
            }
            let count = buffer.filled().len();
            if count == 0 {
                return Err(Broken::Closed);
            }
            self.filled += count;
            self.take_frames(on)?;
        }
    }

    /// Writes all that is to be sent, as far as the network takes it; wakes `cx` when it takes more.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Broken> {
        self.move_long();
        while let Some(rest) = self
            .outbox
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match Pin::new(&mut self.socket).poll_write(cx, rest) {
                Poll::Pending => return Ok(()),
                Poll::Ready(written) => self.written += written?,
            }
        }
        self.outbox.clear();
        self.written = 0;
        // What TLS has taken may still be on its way to the network.
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(flushed) => Ok(flushed?),
        }
    }

    fn take_frames(&mut self, on: &mut impl FnMut(u32, Told<'_>)) -> Result<(), Broken> {
        // Taken out for the while, since what is read changes everything else.
        let inbox = std::mem::take(&mut self.inbox);
        let mut start = 0;
        let taken = loop {
            match cut(inbox.get(start..self.filled).unwrap_or_default()) {
                Cut::Part => break Ok(()),
                Cut::TooLarge => break Err(Broken::Protocol(NOT_HTTP2)),
                Cut::Whole(frame, length) => {
                    if let Err(broken) = self.take_in(&frame, on) {
                        break Err(broken);
                    }
                    start += length;
                }
            }
        };
        self.inbox = inbox;
        self.inbox.copy_within(start..self.filled, 0);
        self.filled -= start;
        taken
    }

    fn first_window(&self) -> usize {
        usize::try_from(self.stream_window).unwrap_or(usize::MAX)
    }

    fn open_stream(&mut self, flags: u8, put: impl FnOnce(&mut Heads, &mut Vec<u8>)) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let start = self.outbox.len();
        frame::put_head(&mut self.outbox, Kind::Headers, flags, stream, 0);
        put(&mut self.heads, &mut self.outbox);
        let length = self.outbox.len() - start - frame::FRAME_HEAD;
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if let (Some(place), [_, low @ ..]) = (self.outbox.get_mut(start..start + 3), length) {
            place.copy_from_slice(&low);
        }
        stream
    }

    fn put_body(&mut self, stream: u32, message: &[u8]) {
        self.allowance.spend(message.len());
        let mut pieces = message.chunks(MOST_PAYLOAD).peekable();
        while let Some(piece) = pieces.next() {
            let flags = if pieces.peek().is_none() {
                END_STREAM
            } else {
                0
            };
            frame::put_head(&mut self.outbox, Kind::Data, flags, stream, piece.len());
            self.outbox.extend_from_slice(piece);
        }
    }

    /// Moves what the server lets us send of the stream that lasts.
    fn move_long(&mut self) {
        let Some(long) = &mut self.long else {
            return;
        };
        let length = long
            .pending
            .len()
            .min(long.allowance.left())
            .min(self.allowance.left());
        let (now, _) = long.pending.split_at(length);
        for piece in now.chunks(MOST_PAYLOAD) {
            frame::put_head(&mut self.outbox, Kind::Data, 0, long.stream, piece.len());
            self.outbox.extend_from_slice(piece);
        }
        long.pending.drain(..length);
        long.allowance.spend(length);
        self.allowance.spend(length);
    }
}

/// What speaks another protocol looks like a frame that is much too large.
pub(super) const NOT_HTTP2: &str = "what comes is no HTTP/2, or in larger frames than it may";
