//! The commit pipeline under controlled schedules: the server's own sources upon locks and threads of
//! which [shuttle](https://docs.rs/shuttle) says who goes on, and a journal that remembers when its syncs
//! returned.
//!
//! [`planted`] holds the same sources again, each time with one mistake, so that a test can show that it
//! is found.

#![expect(clippy::expect_used, reason = "a check that cannot go on has failed")]
#![cfg_attr(
    test,
    expect(
        dead_code,
        reason = "what the server's own tests step by, and no test here"
    )
)]

mod clock;
#[path = "../../src/commit/mod.rs"]
pub mod commit;
pub mod ledger;
pub mod pipeline;
mod sync;

pub use sync::point;

/// The pipeline with one mistake each, made by `build/main.rs` of `build/mistakes.rs`.
pub mod planted {
    include!(concat!(env!("OUT_DIR"), "/planted.rs"));
}
