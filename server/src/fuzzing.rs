//! What the fuzz targets do with their bytes.
//!
//! `server/fuzz` has them from libFuzzer; this crate's own tests replay what was kept of that and a number
//! of changes to it. Each body panics where a promise is broken, and says nothing else.

mod journal;
mod policy;

use std::cell::Cell;
use std::panic;
use std::sync::Once;

pub use self::journal::journal;
pub use self::policy::policy;
pub use crate::grpc::fuzzing::Decoder;
pub use crate::serve::fuzzing::Connections;

/// The bytes of an input, taken from the front. Past its end there are zeros and nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    pub(crate) fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// So many, or as many as there are.
    pub(crate) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// As many as a number before them says: all that are left for the largest.
    pub(crate) fn delimited(&mut self) -> &'a [u8] {
        match self.number() {
            u16::MAX => self.bytes(usize::MAX),
            length => self.bytes(length.into()),
        }
    }
}

thread_local! {
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// The panics of this thread so far, also those that end a call and nothing else.
pub(crate) fn panics() -> u32 {
    static COUNTS: Once = Once::new();
    COUNTS.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            others(panicked);
        }));
    });
    PANICS.get()
}

#[cfg(test)]
mod tests;
