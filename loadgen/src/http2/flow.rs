//! Pure: how much may be sent, and when to say that more may come (RFC 9113, 5.2).

/// What the peer may have under way to us on a connection and on a stream: more than answers ever fill.
pub(super) const WINDOW: u32 = 16 * 1_024 * 1_024;

/// What every window is before anything is said of it.
pub(super) const FIRST_WINDOW: u32 = 65_535;

/// What may still be sent in one direction of a connection or stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance(i64);

impl Allowance {
    /// So many bytes may be sent.
    pub(super) fn new(bytes: u32) -> Self {
        Self(i64::from(bytes))
    }

    /// How many bytes may be sent.
    pub(super) fn left(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// So many are sent.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.0 -= i64::try_from(bytes).unwrap_or(i64::MAX);
    }

    /// The peer lets so many more come.
    pub(super) fn add(&mut self, bytes: u32) {
        self.0 += i64::from(bytes);
    }

    /// The peer has changed with how much a stream begins.
    pub(super) fn begin_with(&mut self, before: u32, now: u32) {
        self.0 += i64::from(now) - i64::from(before);
    }
}

/// What has come since the peer was last told that more may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Received(u32);

impl Received {
    /// Counts what has come; from half a window on, how much the peer is to be told.
    pub(super) fn count(&mut self, bytes: usize) -> Option<u32> {
        self.0 = self
            .0
            .saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        (self.0 >= WINDOW / 2).then(|| std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_can_be_made_smaller_than_what_was_sent() {
        let mut allowance = Allowance::new(FIRST_WINDOW);
        allowance.spend(60_000);
        allowance.begin_with(FIRST_WINDOW, 1_000);
        assert_eq!(allowance.left(), 0);
        allowance.add(60_000);
        assert_eq!(allowance.left(), 1_000);
    }

    #[test]
    fn all_that_has_come_is_told_once() {
        let mut received = Received::default();
        let mut told = 0_u64;
        for _ in 0..10_000 {
            told += received.count(9_999).map_or(0, u64::from);
        }
        let outstanding = 10_000 * 9_999 - told;
        assert!(outstanding < u64::from(WINDOW) / 2, "{outstanding}");
    }
}
