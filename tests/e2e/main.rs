//! End to end: the real binaries, over real sockets, on real disks. One file a promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod requests;
mod support;
mod wallet;

mod authorise;
mod bind;
mod clock;
mod concurrency;
mod history;
mod idempotency;
mod load;
mod malformed;
mod operators;
mod quote;
mod quote_token;
mod races;
mod restart;
mod reversal;
mod reversal_windows;
mod risk;
mod secrets;
mod stream;
mod stream_bounds;
mod unbind;
