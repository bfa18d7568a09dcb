//! What each frame that comes means for a connection.

use super::connection::{Broken, Connection, Told, Unfinished};
use super::frame::{self, ACK, END_HEADERS, END_STREAM, Frame, Kind};

/// The longest block of headers that is read, in bytes.
const LONGEST_BLOCK: usize = 64 * 1_024;

/// Settings by number (RFC 9113, 6.5.2).
const HEADER_TABLE_SIZE: u16 = 1;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;

impl Connection {
    /// Takes in one frame and tells what it says of a stream.
    pub(super) fn take_in(
        &mut self,
        frame: &Frame<'_>,
        on: &mut impl FnMut(u32, Told<'_>),
    ) -> Result<(), Broken> {
        if self.unfinished.is_some() && frame.kind != Kind::Continuation {
            return Err(Broken::Protocol("a block of headers was interrupted"));
        }
        match frame.kind {
            Kind::Data => self.take_data(frame, on),
            Kind::Headers => {
                let block = content(frame)?;
                let is_last = frame.has(END_STREAM);
                if frame.has(END_HEADERS) {
                    return self.take_block(frame.stream, block, is_last, on);
                }
                self.unfinished = Some(Unfinished {
                    stream: frame.stream,
                    is_last,
                    block: block.to_vec(),
                });
                Ok(())
            }
            Kind::Continuation => self.take_continuation(frame, on),
            Kind::Reset => {
                on(frame.stream, Told::Reset(frame.number_at(0).unwrap_or(0)));
                Ok(())
            }
            Kind::Settings => {
                self.take_settings(frame);
                Ok(())
            }
            Kind::Ping => {
                if frame.has(ACK) {
                    self.greeted.pong = true;
                } else {
                    let length = frame.payload.len();
                    frame::put_head(&mut self.outbox, Kind::Ping, ACK, 0, length);
                    self.outbox.extend_from_slice(frame.payload);
                }
                Ok(())
            }
            Kind::WindowUpdate => {
                let more = frame.number_at(0).unwrap_or(0) & 0x7fff_ffff;
                if frame.stream == 0 {
                    self.allowance.add(more);
                } else if let Some(long) = &mut self.long
                    && long.stream == frame.stream
                {
                    long.allowance.add(more);
                }
                Ok(())
            }
            Kind::GoAway => {
                let last = frame.number_at(0).unwrap_or(0) & 0x7fff_ffff;
                self.leaving = Some(self.leaving.map_or(last, |before| before.min(last)));
                on(last, Told::Unseen);
                Ok(())
            }
            Kind::Push => Err(Broken::Protocol("it pushes, which was declined")),
            Kind::Other => Ok(()),
        }
    }

    fn take_continuation(
        &mut self,
        frame: &Frame<'_>,
        on: &mut impl FnMut(u32, Told<'_>),
    ) -> Result<(), Broken> {
        let Some(mut unfinished) = self.unfinished.take() else {
            return Err(Broken::Protocol(
                "a block of headers goes on that has not begun",
            ));
        };
        unfinished.block.extend_from_slice(frame.payload);
        if unfinished.stream != frame.stream || unfinished.block.len() > LONGEST_BLOCK {
            return Err(Broken::Protocol(
                "a block of headers goes on elsewhere, or for ever",
            ));
        }
        if !frame.has(END_HEADERS) {
            self.unfinished = Some(unfinished);
            return Ok(());
        }
        let Unfinished {
            stream,
            is_last,
            block,
        } = unfinished;
        self.take_block(stream, &block, is_last, on)
    }

    fn take_data(
        &mut self,
        frame: &Frame<'_>,
        on: &mut impl FnMut(u32, Told<'_>),
    ) -> Result<(), Broken> {
        let bytes = content(frame)?;
        let is_last = frame.has(END_STREAM);
        // Padding counts too.
        let length = frame.payload.len();
        if let Some(more) = self.received.count(length) {
            frame::put_number(&mut self.outbox, Kind::WindowUpdate, 0, more);
        }
        if let Some(long) = &mut self.long
            && long.stream == frame.stream
            && let Some(more) = long.received.count(length)
        {
            frame::put_number(&mut self.outbox, Kind::WindowUpdate, frame.stream, more);
        }
        on(frame.stream, Told::Data { bytes, is_last });
        Ok(())
    }

    fn take_block(
        &mut self,
        stream: u32,
        block: &[u8],
        is_last: bool,
        on: &mut impl FnMut(u32, Told<'_>),
    ) -> Result<(), Broken> {
        let Some(meaning) = self.reader.read(block) else {
            return Err(Broken::Protocol("a block of headers cannot be read"));
        };
        on(stream, Told::Head { meaning, is_last });
        Ok(())
    }

    fn take_settings(&mut self, frame: &Frame<'_>) {
        if frame.has(ACK) {
            return;
        }
        self.greeted.settings = true;
        for (number, value) in frame.settings() {
            match number {
                HEADER_TABLE_SIZE => self.heads.limit_table(value),
                MAX_CONCURRENT_STREAMS => {
                    self.most_open = usize::try_from(value).unwrap_or(usize::MAX);
                }
                INITIAL_WINDOW_SIZE => {
                    let before = std::mem::replace(&mut self.stream_window, value);
                    if let Some(long) = &mut self.long {
                        long.allowance.begin_with(before, value);
                    }
                }
                _ => {}
            }
        }
        frame::put_head(&mut self.outbox, Kind::Settings, ACK, 0, 0);
    }
}

fn content<'a>(frame: &Frame<'a>) -> Result<&'a [u8], Broken> {
    frame
        .content()
        .ok_or(Broken::Protocol("a frame is shorter than its padding"))
}
