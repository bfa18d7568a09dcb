//! A clock that stands still: whoever waits for it lets others go on, and that is all.

use std::sync::LazyLock;
use std::time::Instant;

#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made of nothing"
)]
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn monotonic() -> Instant {
    *START
}
