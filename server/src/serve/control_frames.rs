//! How many bytes of control frames a connection may send.
//!
//! h2 has bounds for what a caller begins, resets and leaves open, and flow control for its messages, but none for
//! the frames that lead to no call, such as `WINDOW_UPDATE`, `SETTINGS` and `PING`: each costs as much as a small
//! one of a call's, and they can come without end. So their bytes have an allowance, which calls and time fill up
//! again, and a connection whose allowance is spent is not read until it has some.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use metrics::Counter;
use tokio::time::{Sleep, sleep};

use crate::clock::monotonic;

/// The client's preface, which comes before the first frame (RFC 9113, 3.4).
const PREFACE_BYTES: usize = 24;
/// What each frame begins with: a length of 24 bits, a type, flags, a stream (RFC 9113, 4.1).
const HEADER_BYTES: usize = 9;
const FRAME_WITHOUT_CONTENT: i64 = 9;

/// Frames of a call (RFC 9113, 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// The most that can be saved up: some 5,000 frames, more than any library sends in one go.
const MOST: i64 = 64 * 1_024;
/// For each frame of a call: it is answered, and what is sent is confirmed by less than this.
const FOR_A_FRAME: i64 = 64;
/// Bytes for each millisecond: some 8,000 frames a second beyond what calls bring.
const FOR_A_MILLISECOND: i64 = 100;
/// How long a connection is left alone whose allowance is spent.
const PAUSE: Duration = Duration::from_millis(10);

/// What a connection may still send of frames that lead to no call.
#[derive(Debug)]
pub(super) struct ControlFrames {
    /// Bytes to pass over until the next frame's header.
    until_header: usize,
    /// A header that has begun to come, and how much of it has.
    header: [u8; HEADER_BYTES],
    filled: usize,
    left: i64,
    since: Instant,
    pause: Option<Pin<Box<Sleep>>>,
    pauses: Counter,
}

impl ControlFrames {
    /// Those of a connection whose preface is still to be read.
    pub(super) fn new(pauses: Counter) -> Self {
        Self {
            until_header: PREFACE_BYTES,
            header: [0; HEADER_BYTES],
            filled: 0,
            left: MOST,
            since: monotonic(),
            pause: None,
            pauses,
        }
    }

    /// Ready if the connection may be read. If it may not, the task is woken when it may.
    pub(super) fn poll_allowed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.left <= 0 {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
            }
            self.pause = None;
            self.add_for_time(monotonic());
            if self.left <= 0 {
                self.pauses.increment(1);
                self.pause = Some(Box::pin(sleep(PAUSE)));
            }
        }
        Poll::Ready(())
    }

    /// Takes note of what was read.
    pub(super) fn note(&mut self, mut bytes: &[u8]) {
        loop {
            let passed = self.until_header.min(bytes.len());
            self.until_header -= passed;
            bytes = bytes.get(passed..).unwrap_or_default();
            // As most come: whole, with one read.
            if self.filled == 0
                && let Some((header, rest)) = bytes.split_first_chunk()
            {
                bytes = rest;
                self.note_frame(*header);
                continue;
            }
            let Some(missing) = self.header.get_mut(self.filled..) else {
                return;
            };
            let came = missing.len().min(bytes.len());
            if came == 0 {
                return;
            }
            let (now, rest) = bytes.split_at(came);
            for (place, byte) in missing.iter_mut().zip(now) {
                *place = *byte;
            }
            self.filled += came;
            bytes = rest;
            if self.filled == HEADER_BYTES {
                self.filled = 0;
                self.note_frame(self.header);
            }
        }
    }

    /// One whose header is here.
    fn note_frame(&mut self, header: [u8; HEADER_BYTES]) {
        let [high, middle, low, kind, ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.until_header = length as usize;
        self.left = match kind {
            // One without content is bounded by h2.
            DATA | HEADERS | CONTINUATION => MOST.min(self.left + FOR_A_FRAME),
            _ => self.left - FRAME_WITHOUT_CONTENT - i64::from(length),
        };
    }

    fn add_for_time(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_millis();
        let earned = i64::try_from(passed)
            .unwrap_or(MOST)
            .saturating_mul(FOR_A_MILLISECOND);
        self.left = MOST.min(self.left.saturating_add(earned));
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    const PRIORITY: u8 = 2;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let [.., high, middle, low] = length.to_be_bytes();
        let mut frame = vec![high, middle, low, kind, 0, 0, 0, 0, 1];
        frame.resize(HEADER_BYTES + length, 7);
        frame
    }

    /// What is left after these frames.
    fn left(frames: &[Vec<u8>], piece: usize) -> i64 {
        let mut noted = ControlFrames::new(Counter::noop());
        // From the middle, so that what is earned can be told.
        noted.left = MOST / 2;
        let sent = [vec![0xff; PREFACE_BYTES], frames.concat()].concat();
        for bytes in sent.chunks(piece) {
            noted.note(bytes);
        }
        noted.left - MOST / 2
    }

    #[test]
    fn frames_are_told_apart_however_they_are_cut() {
        for (frames, expected) in [
            (vec![], 0),
            (vec![frame(SETTINGS, 0)], -9),
            (vec![frame(SETTINGS, 36)], -45),
            (vec![frame(PING, 8), frame(WINDOW_UPDATE, 4)], -30),
            (vec![frame(PRIORITY, 5)], -14),
            (vec![frame(0xfa, 300)], -309),
            (vec![frame(HEADERS, 70), frame(DATA, 300)], 128),
            (vec![frame(HEADERS, 5), frame(CONTINUATION, 5)], 128),
            // What a message contains is no frame.
            (vec![frame(DATA, 20_000), frame(PING, 8)], 64 - 17),
        ] {
            for piece in [1, 2, 8, 9, 10, 23, 24, 25, 1_000, 100_000] {
                assert_eq!(left(&frames, piece), expected, "{frames:?} by {piece}");
            }
        }
    }

    #[test]
    fn no_more_is_saved_up_than_the_most() {
        let frames = vec![frame(DATA, 1); 1_000];
        assert_eq!(left(&frames, 4_096), MOST / 2);
    }

    /// An honest caller of small calls sends a ping and an update for each, and is never held up.
    #[test]
    fn an_honest_caller_is_never_held_up() {
        let call = [(HEADERS, 20), (DATA, 150), (WINDOW_UPDATE, 4), (PING, 8)];
        let call = call.map(|(kind, length)| frame(kind, length));
        assert!(left(&vec![call.concat(); 100_000], 16_384) > 0);
    }

    #[tokio::test]
    async fn whoever_has_spent_it_waits_until_time_has_brought_some() {
        let mut noted = ControlFrames::new(Counter::noop());
        noted.note(&[0; PREFACE_BYTES]);
        let spent = vec![frame(WINDOW_UPDATE, 4); (64 * 1_024 + 2_000) / 13 + 1];
        noted.note(&spent.concat());
        let owed = noted.left;
        assert!((-2_013..=-2_000).contains(&owed), "{owed}");
        // However late this thread is given its turn, no time has passed for it yet.
        noted.since = monotonic() + Duration::from_secs(1);
        let first = poll_fn(|context| Poll::Ready(noted.poll_allowed(context))).await;
        assert_eq!((first, noted.left), (Poll::Pending, owed));
        poll_fn(|context| noted.poll_allowed(context)).await;
        assert!(noted.left > 0, "{}", noted.left);
    }

    #[test]
    fn time_brings_back_no_more_than_the_most() {
        let mut noted = ControlFrames::new(Counter::noop());
        let began = noted.since;
        for (milliseconds, expected) in [(0, -1_000), (9, -100), (10, 0), (11, 100), (5_000, MOST)]
        {
            noted.left = -1_000;
            noted.since = began;
            noted.add_for_time(began + Duration::from_millis(milliseconds));
            assert_eq!(noted.left, expected, "{milliseconds} ms");
        }
    }
}
