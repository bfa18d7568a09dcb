//! Where the server says that its time went, and what that leaves for the network and this client.

use hdrhistogram::Histogram;

use crate::recorder::histogram;

/// What one answer says of its own time, in nanoseconds, as it came: nothing of it is checked yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_field_names,
    reason = "the unit belongs to the name of each part"
)]
pub(crate) struct ServerTiming {
    /// Until the decision began.
    pub(crate) queue_ns: u64,
    /// The rules.
    pub(crate) rules_ns: u64,
    /// Waiting for the issuer; 0 if none was asked.
    pub(crate) issuer_ns: u64,
    /// Until it was durable.
    pub(crate) commit_ns: u64,
    /// All of it, from the whole message to the answer.
    pub(crate) total_ns: u64,
}

impl ServerTiming {
    /// No part may be longer than the whole, nor the whole than the round trip. A negative number
    /// of the wire is a huge one here, and so is refused too.
    fn is_plausible(&self, round_trip_ns: u64) -> bool {
        let parts = [self.queue_ns, self.rules_ns, self.issuer_ns, self.commit_ns];
        self.total_ns <= round_trip_ns && parts.into_iter().all(|part| part <= self.total_ns)
    }
}

/// The times of the decided requests whose answers told them. Differences are taken of each request
/// before they are recorded, never of percentiles.
#[derive(Clone, Debug)]
pub(crate) struct TimingRecord {
    /// Until decisions began.
    pub(crate) queue: Histogram<u64>,
    /// The rules.
    pub(crate) rules: Histogram<u64>,
    /// Waiting for the issuer, of the requests for which one was asked.
    pub(crate) issuer: Histogram<u64>,
    /// Until they were durable.
    pub(crate) commit: Histogram<u64>,
    /// All of it.
    pub(crate) total: Histogram<u64>,
    /// All of it but the wait for the issuer.
    pub(crate) own: Histogram<u64>,
    /// The round trip less all of it.
    pub(crate) network: Histogram<u64>,
    /// Decided requests whose answers told nothing.
    pub(crate) without: u64,
    /// Decided requests whose answers told what cannot be: they are in no histogram.
    pub(crate) implausible: u64,
}

impl TimingRecord {
    /// Nothing was told yet.
    pub(crate) fn new() -> Self {
        Self {
            queue: histogram(),
            rules: histogram(),
            issuer: histogram(),
            commit: histogram(),
            total: histogram(),
            own: histogram(),
            network: histogram(),
            without: 0,
            implausible: 0,
        }
    }

    /// Records what came with one decision, whose round trip took so long.
    pub(crate) fn finish(&mut self, round_trip_ns: u64, timing: Option<ServerTiming>) {
        let Some(timing) = timing else {
            self.without += 1;
            return;
        };
        if !timing.is_plausible(round_trip_ns) {
            self.implausible += 1;
            return;
        }
        self.queue.saturating_record(timing.queue_ns);
        self.rules.saturating_record(timing.rules_ns);
        if timing.issuer_ns > 0 {
            self.issuer.saturating_record(timing.issuer_ns);
        }
        self.commit.saturating_record(timing.commit_ns);
        self.total.saturating_record(timing.total_ns);
        self.own
            .saturating_record(timing.total_ns - timing.issuer_ns);
        self.network
            .saturating_record(round_trip_ns - timing.total_ns);
    }

    /// Takes over all that another worker recorded.
    pub(crate) fn add(&mut self, other: &Self) {
        // Adding fails only for values out of range, and all have the same range.
        let _ = self.queue.add(&other.queue);
        let _ = self.rules.add(&other.rules);
        let _ = self.issuer.add(&other.issuer);
        let _ = self.commit.add(&other.commit);
        let _ = self.total.add(&other.total);
        let _ = self.own.add(&other.own);
        let _ = self.network.add(&other.network);
        self.without += other.without;
        self.implausible += other.implausible;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts in microseconds: queue, rules, issuer, commit, total.
    fn timing([queue, rules, issuer, commit, total]: [u64; 5]) -> ServerTiming {
        ServerTiming {
            queue_ns: queue * 1_000,
            rules_ns: rules * 1_000,
            issuer_ns: issuer * 1_000,
            commit_ns: commit * 1_000,
            total_ns: total * 1_000,
        }
    }

    fn only(histogram: &Histogram<u64>) -> Option<u64> {
        assert!(histogram.len() <= 1);
        let us = histogram.lowest_equivalent(histogram.max()).div_ceil(1_000);
        (!histogram.is_empty()).then_some(us)
    }

    #[test]
    fn the_rest_of_the_round_trip_is_the_networks_and_the_clients() {
        let mut record = TimingRecord::new();
        record.finish(1_000_000, Some(timing([10, 20, 500, 100, 640])));
        let parts = [&record.queue, &record.rules, &record.issuer, &record.commit];
        assert_eq!(parts.map(only), [10, 20, 500, 100].map(Some));
        let sums = [&record.total, &record.own, &record.network];
        assert_eq!(sums.map(only), [640, 140, 360].map(Some));
    }

    #[test]
    fn an_issuer_that_was_not_asked_has_no_times() {
        let mut record = TimingRecord::new();
        record.finish(1_000_000, Some(timing([10, 20, 0, 100, 140])));
        assert_eq!(only(&record.issuer), None);
        assert_eq!(only(&record.own), Some(140));
    }

    #[test]
    fn what_cannot_be_is_counted_and_in_no_histogram() {
        let check = |round_trip_us: u64, parts: [u64; 5], is_recorded: bool| {
            let mut record = TimingRecord::new();
            record.finish(round_trip_us * 1_000, Some(timing(parts)));
            assert_eq!(record.total.len(), u64::from(is_recorded), "{parts:?}");
            assert_eq!(record.implausible, u64::from(!is_recorded), "{parts:?}");
        };
        check(100, [0, 0, 0, 0, 0], true);
        check(100, [10, 20, 30, 40, 100], true);
        check(100, [10, 20, 30, 40, 101], false);
        check(100, [51, 0, 0, 0, 50], false);
        check(100, [0, 51, 0, 0, 50], false);
        check(100, [0, 0, 51, 0, 50], false);
        check(100, [0, 0, 0, 51, 50], false);
        let mut record = TimingRecord::new();
        let negative = ServerTiming {
            total_ns: (-1_i64).cast_unsigned(),
            ..ServerTiming::default()
        };
        record.finish(1_000, Some(negative));
        record.finish(1_000, None);
        assert_eq!((record.implausible, record.without), (1, 1));
        assert!(record.total.is_empty());
    }

    #[test]
    fn two_workers_together_equal_one_that_did_it_all() {
        let (mut whole, mut parts) = (
            TimingRecord::new(),
            [TimingRecord::new(), TimingRecord::new()],
        );
        for number in 0..3_000 {
            let told = match number % 10 {
                0 => None,
                1 => Some(timing([1, 1, 1, 1, 90_000])),
                _ => Some(timing([number, number / 2, number % 7, 3, 2 * number + 10])),
            };
            whole.finish(20_000_000, told);
            parts[usize::from(number % 3 == 0)].finish(20_000_000, told);
        }
        let mut sum = TimingRecord::new();
        for part in &parts {
            sum.add(part);
        }
        assert_eq!((sum.without, sum.implausible), (300, 300));
        assert_eq!(sum.total.len(), 2_400);
        for (sum, whole) in [
            (&sum.queue, &whole.queue),
            (&sum.rules, &whole.rules),
            (&sum.issuer, &whole.issuer),
            (&sum.commit, &whole.commit),
            (&sum.total, &whole.total),
            (&sum.own, &whole.own),
            (&sum.network, &whole.network),
        ] {
            assert_eq!(sum, whole);
        }
    }
}
