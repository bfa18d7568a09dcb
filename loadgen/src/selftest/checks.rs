//! Pure: holding what was measured against what must have happened.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::analytic::{Arrivals, Stall};
use super::phase::Phase;
use super::table::{Check, CheckOutcome, time};
use crate::hlog::{self, Ending, Head, Intervals, Log, Which};
use crate::outcome::Outcome;
use crate::recorder::{Record, Sample, Times};
use crate::report;

/// A stub's stalls, counted from the first request.
pub(crate) fn stalls_of(phase: &Phase) -> Vec<Stall> {
    let origin_ns = phase.stub.first_ns;
    let stalls = phase.stub.stalls.iter();
    stalls.map(|stall| stall.counted_from(origin_ns)).collect()
}

/// The same until they were worked off.
fn worked_off(phase: &Phase, arrivals: Arrivals) -> Vec<Stall> {
    let origin_ns = phase.stub.first_ns;
    let answered_ns = phase.stub.answered_ns.iter();
    let answered_ns: Vec<u64> = answered_ns
        .map(|at_ns| at_ns.saturating_sub(origin_ns))
        .collect();
    let stalls = stalls_of(phase).into_iter();
    stalls
        .map(|stall| arrivals.worked_off(stall, &answered_ns))
        .collect()
}

/// Whether an open loop sent all that was due, and found how long it waited.
pub(crate) fn of_open_loop(phase: &Phase, arrivals: Arrivals, stalls: u64) -> Vec<Check> {
    let record = &phase.measured.record;
    let headline = record.headline();
    let (stalls_met, worked_off) = (stalls_of(phase), worked_off(phase, arrivals));
    let (least, most) = (arrivals.waits(&stalls_met), arrivals.waits(&worked_off));
    let met = phase.stub.stalls.len() as u64;
    let mut checks = vec![
        Check::count("open loop: stalls of the stub", stalls, met),
        Check::count(
            "open loop: requests planned",
            arrivals.count(),
            record.counts.planned,
        ),
        Check::count(
            "open loop: requests sent",
            arrivals.count(),
            record.counts.sent,
        ),
        Check::count(
            "open loop: requests approved",
            arrivals.count(),
            record.count_where(|outcome| outcome == Outcome::Approved),
        ),
    ];
    for (name, quantile) in [("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        let (least_ns, most_ns) = (least.quantile(quantile), most.quantile(quantile));
        // Fewer samples do not support it, or so few waited that it lies beside the stalls.
        if let Some(found_ns) = report::percentile(&headline.response, quantile)
            && least_ns > 0
        {
            let name = format!("open loop: response {name}");
            checks.push(Check::between(&name, least_ns, most_ns, found_ns));
        }
    }
    let (least_ns, most_ns) = (least.quantile(0.99), most.quantile(0.99));
    let service_ns = headline.service.value_at_quantile(0.99);
    let name = "open loop: service p99, the stub being late";
    checks.push(Check::between(name, least_ns, most_ns, service_ns));
    checks.push(lag(&headline.lag, least_ns));
    checks.push(work(&stalls_met, &worked_off));
    checks
}

/// A stall must be worked off fast, or the comparison is one with the speed of this machine: within
/// a tenth of the stall.
fn work(stalls: &[Stall], worked_off: &[Stall]) -> Check {
    let pairs = stalls.iter().zip(worked_off);
    let longest_ns = pairs
        .map(|(stall, off)| off.end_ns - stall.end_ns)
        .max()
        .unwrap_or(0);
    let lengths = stalls.iter().map(|stall| stall.end_ns - stall.begin_ns);
    let bound_ns = lengths.min().unwrap_or(0) / 10;
    Check::bound(
        "open loop: time to work off a stall's backlog",
        bound_ns,
        longest_ns,
    )
}

/// The generator must send in time, or the comparison is one with its own lateness.
fn lag(lag: &Histogram<u64>, response_p99_ns: u64) -> Check {
    let found_ns = lag.value_at_quantile(0.99);
    Check::bound("open loop: lag p99", response_p99_ns / 100, found_ns)
}

/// Whether a closed loop of as many requests through as many stalls hides them, as it must.
pub(crate) fn of_closed_loop(phase: &Phase, arrivals: Arrivals, open_p99_ns: u64) -> Vec<Check> {
    let response = phase.measured.record.headline().response;
    let stalls = phase.stub.stalls.iter();
    let longest_ns = stalls.map(|stall| stall.end_ns - stall.begin_ns).max();
    let longest_ns = longest_ns.unwrap_or(0);
    let bound_ns = open_p99_ns / 10;
    let p99_ns = response.value_at_quantile(0.99);
    vec![
        Check::count("closed loop: samples", arrivals.count(), response.len()),
        Check::near(
            "closed loop: the longest of them",
            longest_ns,
            response.max(),
        ),
        Check::new(
            "closed loop: p99 hides the stalls",
            format!("below {}", time(bound_ns)),
            time(p99_ns),
            CheckOutcome::Off.or(p99_ns < bound_ns),
        ),
    ]
}

/// Whether as many requests were dropped as found all places taken.
pub(crate) fn of_drops(phase: &Phase, arrivals: Arrivals, in_flight: u64) -> [Check; 2] {
    let counts = phase.measured.record.counts;
    let stalls = stalls_of(phase);
    let expected = arrivals.dropped(&stalls, in_flight);
    // Calls are still open when the next ones fall due, while the answers to a stall come in.
    let bound = (2 + arrivals.per_second / 50) * stalls.len() as u64;
    [
        Check::new(
            &format!("{in_flight} in flight: requests dropped"),
            format!("{expected} ± {bound}"),
            counts.dropped.to_string(),
            CheckOutcome::Off.or(counts.dropped.abs_diff(expected) <= bound),
        ),
        Check::count(
            &format!("{in_flight} in flight: sent and dropped together"),
            arrivals.count(),
            counts.sent + counts.dropped,
        ),
    ]
}

/// Whether a request that was sent late counts against the generator and not against the server.
pub(crate) fn of_recorder() -> Check {
    let mut record = Record::new();
    let sample = Sample {
        due_ns: 1_000_000,
        sent_ns: 41_000_000,
        done_ns: 51_000_000,
    };
    record.finish(Outcome::Approved, sample);
    let times = record.headline();
    let found = [&times.response, &times.lag, &times.service].map(Histogram::max);
    let expected = [50_000_000, 40_000_000, 10_000_000];
    let are_equal = times.response.equivalent(found[0], expected[0])
        && times.lag.equivalent(found[1], expected[1])
        && times.service.equivalent(found[2], expected[2]);
    let shown = |times: [u64; 3]| times.map(time).join(", ");
    Check::new(
        "sent 40 ms late: response, lag, service",
        shown(expected),
        shown(found),
        CheckOutcome::Wrong.or(are_equal),
    )
}

/// Whether the log of a run, once it is a file, has just what was recorded.
pub(crate) fn of_log(phase: &Phase) -> Check {
    let record = &phase.measured.record;
    let read = phase
        .log
        .as_ref()
        .map_err(ToString::to_string)
        .and_then(|(head, intervals)| written_and_read(head, intervals));
    let (found, is_same) = match read {
        Ok(read) => {
            let are_equal = record.outcomes.iter().all(|(outcome, times)| {
                let read = read.get(&Ending::of(*outcome));
                read.is_some_and(|read| Which::ALL.iter().all(|one| one.of(read) == one.of(times)))
            });
            let mut all = Times::new();
            for times in read.values() {
                all.add(times);
            }
            let is_same = are_equal && read.len() == record.outcomes.len();
            (shown(&all), is_same)
        }
        Err(why) => (why, false),
    };
    let mut all = Times::new();
    for times in record.outcomes.values() {
        all.add(times);
    }
    Check::new(
        "written as a histogram log, and read again",
        shown(&all),
        found,
        CheckOutcome::Wrong.or(is_same),
    )
}

fn shown(times: &Times) -> String {
    let p99 = time(times.response.value_at_quantile(0.99));
    format!("{} samples, p99 {p99}", times.response.len())
}

fn written_and_read(head: &Head, intervals: &Intervals) -> Result<BTreeMap<Ending, Times>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("selftest.hlog");
    let log = Log::open(&path).map_err(|error| error.to_string())?;
    let written = log.write(head.clone(), intervals);
    written.map_err(|error| error.to_string())?;
    let (_, read) = hlog::read(&path).map_err(|error| error.to_string())?;
    Ok(read.sums())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::crew::Measured;
    use crate::exit::Failure;
    use crate::recorder::histogram;
    use crate::report::html::samples;
    use crate::selftest::stub::StubReport;

    const MILLISECOND_NS: u64 = 1_000_000;

    const FIVE_SECONDS: Arrivals = Arrivals {
        per_second: 1_000,
        from_s: 1,
        to_s: 6,
    };

    const ONE_SECOND: Stall = Stall {
        begin_ns: 3_000 * MILLISECOND_NS,
        end_ns: 4_000 * MILLISECOND_NS,
    };

    /// An open loop through one stall, whose requests waited so many milliseconds each by the
    /// instant at which they were due.
    fn loop_of(wait_ms: impl Fn(u64) -> u64) -> Phase {
        let mut record = Record::new();
        for due_ms in 1_000..6_000 {
            record.counts.planned += 1;
            record.counts.sent += 1;
            let due_ns = due_ms * MILLISECOND_NS;
            let sample = Sample {
                due_ns,
                sent_ns: due_ns,
                done_ns: due_ns + wait_ms(due_ms) * MILLISECOND_NS + 1,
            };
            record.finish(Outcome::Approved, sample);
        }
        Phase {
            measured: Measured {
                record,
                worker_cpu: Vec::new(),
                window_ns: 5 * SECOND_NS,
                reconnects: 0,
                allowed: None,
                generator_ns_per_call: None,
                server_ns_per_call: None,
                beside_ns_per_call: None,
                stolen: None,
                throttled: None,
                stepped_ns: 0,
                arrivals: 0,
                interrupted: false,
                began: std::time::SystemTime::UNIX_EPOCH,
            },
            stub: StubReport {
                asked: 6_000,
                first_ns: 0,
                stalls: vec![ONE_SECOND],
                answered_ns: Vec::new(),
            },
            doubts: Vec::new(),
            log: Err(Failure::tool("no log was made")),
        }
    }

    fn outcomes(phase: &Phase) -> Vec<CheckOutcome> {
        let checks = of_open_loop(phase, FIVE_SECONDS, 1);
        checks.iter().map(|check| check.outcome).collect()
    }

    #[test]
    fn a_loop_that_finds_every_wait_passes() {
        let phase = loop_of(|due_ms| match due_ms {
            3_000..4_000 => 4_000 - due_ms,
            _ => 0,
        });
        let outcomes = outcomes(&phase);
        assert!(
            outcomes
                .iter()
                .all(|&outcome| outcome == CheckOutcome::Pass)
        );
        // Four counts, three percentiles, service, lag and backlog.
        assert_eq!(outcomes.len(), 10);
    }

    #[test]
    fn a_loop_that_omits_the_waiting_is_found_out() {
        let phase = loop_of(|due_ms| if due_ms == 3_000 { 1_000 } else { 0 });
        let off = |outcome: &&CheckOutcome| **outcome == CheckOutcome::Off;
        let outcomes = outcomes(&phase);
        // All three percentiles, and the service time.
        assert_eq!(outcomes.iter().filter(off).count(), 4);
    }

    #[test]
    fn a_request_that_is_lost_from_the_books_is_wrong_on_any_machine() {
        let mut phase = loop_of(|_| 0);
        phase.measured.record.counts.sent -= 1;
        assert!(outcomes(&phase).contains(&CheckOutcome::Wrong));
    }

    #[test]
    fn drops_are_counted_to_within_a_few() {
        let mut phase = loop_of(|_| 0);
        let mut check = |dropped, expected: [CheckOutcome; 2]| {
            let counts = &mut phase.measured.record.counts;
            (counts.dropped, counts.sent) = (dropped, 5_000 - 900);
            let found = of_drops(&phase, FIVE_SECONDS, 100);
            assert_eq!(found.each_ref().map(|check| check.outcome), expected);
        };
        check(900, [CheckOutcome::Pass, CheckOutcome::Pass]);
        check(923, [CheckOutcome::Off, CheckOutcome::Wrong]);
    }

    #[test]
    fn a_generator_that_is_late_is_unfit_and_not_wrong() {
        let check = |lag_ns, expected: CheckOutcome| {
            let mut late = histogram();
            late.saturating_record(lag_ns);
            assert_eq!(lag(&late, 1_000_000_000).outcome, expected, "{lag_ns}");
        };
        check(9_000_000, CheckOutcome::Pass);
        check(11_000_000, CheckOutcome::Unfit);
    }

    #[test]
    fn a_machine_that_works_off_a_stall_too_slowly_is_unfit() {
        let check = |later_ms: u64, expected: CheckOutcome| {
            let worked_off = Stall {
                end_ns: ONE_SECOND.end_ns + later_ms * MILLISECOND_NS,
                ..ONE_SECOND
            };
            let check = work(&[ONE_SECOND], &[worked_off]);
            assert_eq!(check.outcome, expected, "{later_ms}");
        };
        check(0, CheckOutcome::Pass);
        check(100, CheckOutcome::Pass);
        check(101, CheckOutcome::Unfit);
    }

    #[test]
    fn the_recorder_and_the_round_trip_pass_by_themselves() {
        assert_eq!(of_recorder().outcome, CheckOutcome::Pass);
        let mut phase = loop_of(|due_ms| due_ms % 500);
        assert_eq!(of_log(&phase).outcome, CheckOutcome::Wrong);
        let mut intervals = Intervals::of(SECOND_NS);
        for which in Which::ALL {
            let tag = hlog::Tag {
                ending: Ending::of(Outcome::Approved),
                which,
            };
            let times = &phase.measured.record.outcomes[&Outcome::Approved];
            intervals.add(0, tag, which.of(times));
        }
        let mut head = Head::of(&samples::open_loop(100, 5), None, 0);
        head.counts.sent = 5_000;
        head.counts.planned = 5_000;
        head.counts.dropped = 0;
        phase.log = Ok((head, intervals));
        let check = of_log(&phase);
        assert_eq!(check.outcome, CheckOutcome::Pass, "{check:?}");
    }
}
