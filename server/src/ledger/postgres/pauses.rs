//! How long lanes do nothing: so that more comes together, and between tries.

use std::time::Duration;

use tokio::time::sleep;

use crate::vault::random_bits;

/// How long a lane lets more come together after a batch of so many rows, which took so long. A transaction costs the
/// database as much as ten of its rows, so that its cores are free for more of them the fewer transactions they come
/// in. Of fewer rows than these a rest would cost more than it gives: there is nothing else to do meanwhile.
pub(super) fn rest(rows: usize, took: Duration) -> Option<Duration> {
    const SEVERAL: usize = 8;
    const LONGEST: Duration = Duration::from_millis(5);
    (rows >= SEVERAL).then(|| (took / 2).min(LONGEST))
}

/// Pauses, each longer than the one before it, and never as long as somebody else's.
pub(super) struct Pause(Duration);

impl Pause {
    pub(super) const fn new() -> Self {
        Self(Duration::from_millis(2))
    }

    pub(super) async fn wait(&mut self) {
        const LONGEST: Duration = Duration::from_millis(250);
        // Without randomness it is as long as everybody's.
        let share = random_bits().unwrap_or_default() % 1_000;
        let share = u32::try_from(share).unwrap_or_default();
        sleep(self.0 / 2 + self.0 * share / 2_000).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_rests_after_several_rows_and_never_long() {
        for (rows, took, rested) in [
            (1, 4, None),
            (7, 4, None),
            (8, 0, Some(0)),
            (8, 4, Some(2)),
            (256, 10, Some(5)),
            (256, 5_000, Some(5)),
        ] {
            let rested = rested.map(Duration::from_millis);
            assert_eq!(
                rest(rows, Duration::from_millis(took)),
                rested,
                "{rows} {took}"
            );
        }
    }
}
