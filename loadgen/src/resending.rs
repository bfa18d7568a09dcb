//! What was refused for the time being is sent again: when, and for how long.

use std::time::Duration;

use tonic::{Code, Status};

/// How often an RPC that was refused for the time being is sent again, with its key.
const RESENDS: u32 = 6;

/// The pause before it is sent again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// How long in all it waits where the server says for how long: it has more to do than it may take on,
/// and a place comes free as it goes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server says how long to wait.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// One RPC that is sent again and again.
#[derive(Default)]
pub(crate) struct Resending {
    /// Of its own accord.
    resends: u32,
    /// As the server said.
    waited: Duration,
}

impl Resending {
    /// How long to wait before the next attempt; None if there is none.
    pub(crate) fn pause(&mut self, refusal: &Status) -> Option<Duration> {
        if !is_passing(refusal) {
            return None;
        }
        if let Some(told) = refusal.metadata().get(PUSHBACK) {
            // Anything but a number means not at all (gRFC A6).
            let told = told.to_str().ok()?.parse::<u64>().ok()?;
            // Whoever says "at once" is asked again in a moment.
            let told = Duration::from_millis(told.max(1));
            self.waited += told;
            return (self.waited <= PATIENCE).then_some(told);
        }
        self.resends += 1;
        (self.resends <= RESENDS).then(|| FIRST_PAUSE * 2u32.pow(self.resends - 1))
    }
}

fn is_passing(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::ResourceExhausted | Code::Unavailable | Code::Aborted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(refusal: &Status) -> Vec<u64> {
        let mut resending = Resending::default();
        std::iter::from_fn(|| resending.pause(refusal))
            .map(|pause| pause.as_millis().try_into().unwrap())
            .collect()
    }

    #[test]
    fn a_server_that_says_how_long_is_waited_for_as_it_says() {
        let mut refusal = Status::resource_exhausted("");
        assert_eq!(pauses(&refusal), [50, 100, 200, 400, 800, 1600]);
        for (told, pause, times) in [("200", 200, 300), ("0", 1, 60_000), ("60000", 60_000, 1)] {
            refusal
                .metadata_mut()
                .insert(PUSHBACK, told.parse().unwrap());
            assert_eq!(pauses(&refusal), vec![pause; times], "{told}");
        }
        for told in ["60001", "99999999999", "-1", "soon"] {
            refusal
                .metadata_mut()
                .insert(PUSHBACK, told.parse().unwrap());
            assert_eq!(pauses(&refusal), [0; 0], "{told}");
        }
        assert_eq!(pauses(&Status::invalid_argument("")), [0; 0]);
    }
}
