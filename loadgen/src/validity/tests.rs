//! Each reason speaks where it should, and nowhere else.

use super::*;

fn sound() -> Evidence {
    Evidence {
        counts: Counts {
            planned: 10_000,
            sent: 10_000,
            ..Counts::default()
        },
        decisions: Decisions {
            decided: 9_900,
            of: 10_000,
            most_frequent_other: Some(("UNAVAILABLE".to_owned(), 60)),
        },
        lag: Tail {
            p99_ns: Some(100_000),
            max_ns: Some(3_000_000),
        },
        response: Tail {
            p99_ns: Some(2_000_000),
            max_ns: Some(30_000_000),
        },
        worker_cpu: vec![0.5, 0.6],
        tenths: Some(
            [Tenth {
                sent: 1_000,
                in_flight_sum: 20_000,
            }; 10],
        ),
        stolen: Some(0.0),
        throttled: Some(throttled_for(1_000_000)),
        stepped_ns: 0,
    }
}

fn throttled_for(stopped_ns: u64) -> ThrottledPart {
    ThrottledPart {
        throttled: Throttled {
            periods: 21,
            stopped_ns,
        },
        of_ns: 1_000_000_000,
    }
}

#[test]
fn each_doubt_is_told_by_its_cause() {
    let check = |change: fn(&mut Evidence), cause: Option<&str>| {
        let mut evidence = sound();
        change(&mut evidence);
        let doubts = doubts(&evidence);
        match cause {
            None => assert!(doubts.is_empty(), "{doubts:?}"),
            Some(cause) => {
                assert_eq!(doubts.len(), 1, "{doubts:?}");
                assert!(doubts[0].contains(cause), "{doubts:?}");
            }
        }
    };
    check(|_| {}, None);
    check(|e| e.counts.sent = 9_990, None);
    check(|e| e.counts.sent = 9_989, Some("planned requests"));
    check(|e| e.counts = Counts::default(), Some("nothing was due"));
    check(
        |e| e.counts = not_connected(),
        Some("11 without a connection"),
    );
    check(|e| e.decisions.decided = 9_899, Some("only 98.99 %"));
    check(|e| e.decisions.decided = 0, Some("as UNAVAILABLE (60)"));
    check(|e| e.decisions = Decisions::default(), None);
    check(|e| e.lag.p99_ns = Some(1_000_000), None);
    check(|e| e.lag.p99_ns = Some(1_100_000), Some("lag p99"));
    check(|e| e.lag = Tail::default(), None);
    check(|e| e.worker_cpu = vec![0.2, 0.96], Some("96 % of a core"));
    check(|e| e.stolen = Some(0.05), Some("other guests"));
    check(
        |e| e.throttled = Some(throttled_for(1_100_000)),
        Some("throttled by the CPU quota of its control group: 21 times"),
    );
    check(
        |e| e.throttled = Some(throttled_for(1_500_000_000)),
        Some("for 1.50 s in all processors together (150.0 %"),
    );
    check(|e| e.throttled = None, None);
    check(
        |e| e.stepped_ns = 1_250_000_000,
        Some("stepped forwards by 1.25 s"),
    );
    check(
        |e| e.stepped_ns = -120_000_000,
        Some("stepped back by 0.12 s"),
    );
    check(
        |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 60_000,
        Some("backlog"),
    );
    check(
        |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 29_000,
        None,
    );
    // Three times as many a second, and three times as many open at each.
    check(
        |e| {
            e.tenths.as_mut().unwrap()[9] = Tenth {
                sent: 3_000,
                in_flight_sum: 180_000,
            };
        },
        None,
    );
}

fn not_connected() -> Counts {
    Counts {
        planned: 10_000,
        sent: 9_989,
        not_connected: 11,
        ..Counts::default()
    }
}

#[test]
fn too_few_samples_are_judged_by_the_longest_lag() {
    let check = |lag_ns, is_late: bool| {
        let mut evidence = sound();
        let only = |ns| Tail {
            p99_ns: None,
            max_ns: Some(ns),
        };
        (evidence.lag, evidence.response) = (only(lag_ns), only(30_000_000));
        let doubts = doubts(&evidence);
        assert_eq!(doubts.len(), usize::from(is_late), "{doubts:?}");
        assert!(doubts.iter().all(|doubt| doubt.contains("lag maximum")));
    };
    check(1_500_000, false);
    check(1_600_000, true);
}

#[test]
fn a_slow_server_forgives_some_lag() {
    let mut evidence = sound();
    evidence.response.p99_ns = Some(100_000_000);
    evidence.lag.p99_ns = Some(4_900_000);
    assert!(doubts(&evidence).is_empty());
}

#[test]
fn what_lies_with_the_machine_is_told_apart() {
    let check = |change: fn(&mut Evidence), is_of_machine: bool| {
        let mut evidence = sound();
        change(&mut evidence);
        assert_eq!(doubts(&evidence).len(), 1);
        let of_machine = doubts_of_machine(&evidence);
        assert_eq!(
            of_machine.len(),
            usize::from(is_of_machine),
            "{of_machine:?}"
        );
    };
    check(|e| e.counts.sent = 0, false);
    check(|e| e.decisions.decided = 0, false);
    check(
        |e| e.tenths.as_mut().unwrap()[9].in_flight_sum = 60_000,
        false,
    );
    check(|e| e.lag.p99_ns = Some(1_100_000), true);
    check(|e| e.worker_cpu = vec![0.96], true);
    check(|e| e.stolen = Some(0.05), true);
    check(|e| e.throttled = Some(throttled_for(50_000_000)), true);
    check(|e| e.stepped_ns = 1, true);
}
