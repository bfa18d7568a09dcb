//! End to end: the real binaries, over real sockets, on real disks. One file a promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod support;
mod wallet;

mod authorise;
mod bind;
mod concurrency;
mod idempotency;
mod load;
mod malformed;
mod operators;
mod restart;
mod secrets;
