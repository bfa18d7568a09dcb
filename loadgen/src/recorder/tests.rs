use super::*;
use crate::outcome::GrpcCode;
use crate::scheme::CardScheme;

fn sample(due_ns: u64, sent_ns: u64, done_ns: u64) -> Sample {
    Sample {
        due_ns,
        sent_ns,
        done_ns,
    }
}

#[test]
fn a_late_start_counts_against_response_and_not_against_service() {
    let mut record = Record::new();
    record.finish(Outcome::Approved, sample(1_000_000, 5_000_000, 7_000_000));
    let times = &record.outcomes[&Outcome::Approved];
    let is_about = |histogram: &Histogram<u64>, expected: u64| {
        assert!(
            histogram.equivalent(histogram.max(), expected),
            "{}",
            histogram.max()
        );
    };
    is_about(&times.response, 6_000_000);
    is_about(&times.service, 2_000_000);
    is_about(&times.lag, 4_000_000);
}

#[test]
fn times_beyond_a_minute_are_kept_at_its_end() {
    let mut record = Record::new();
    record.finish(Outcome::TimedOut, sample(0, 0, 10 * LONGEST_NS));
    let headline = record.headline();
    assert_eq!(headline.response.len(), 1);
    assert!(headline.response.max() >= LONGEST_NS);
}

#[test]
fn errors_have_times_of_their_own_and_no_part_in_the_headline() {
    let refused = Outcome::Grpc(GrpcCode::ResourceExhausted);
    let mut record = Record::new();
    let slow = sample(0, 0, 9_000_000);
    for outcome in [
        Outcome::Approved,
        Outcome::Replayed,
        Outcome::Declined(27),
        Outcome::TimedOut,
        Outcome::Unfinished,
    ] {
        record.finish(outcome, slow);
    }
    for outcome in [
        refused,
        refused,
        Outcome::Malformed,
        Outcome::TransportError,
    ] {
        record.finish(outcome, sample(0, 0, 1));
    }
    let headline = record.headline();
    for histogram in [&headline.response, &headline.service, &headline.lag] {
        assert_eq!(histogram.len(), 5);
    }
    assert!(headline.response.min() > 8_000_000);
    assert_eq!(record.outcomes[&refused].response.len(), 2);
    assert_eq!(record.count_where(Outcome::is_decided), 3);
    assert_eq!(record.count_where(Outcome::is_error), 4);
    assert_eq!(record.all_outcomes()[&refused], 2);
}

#[test]
fn merging_two_workers_equals_one_that_did_it_all() {
    let all = Details {
        timing: true,
        by_scheme: true,
    };
    let mut whole = Record::new();
    let mut parts = [Record::of(all), Record::of(all)];
    for index in 0..10_000_u64 {
        let outcome = if index % 7 == 0 {
            Outcome::Replayed
        } else {
            Outcome::Approved
        };
        let sample = sample(
            index,
            index + index % 13,
            index * index % 1_000_003 + 20_000,
        );
        whole.finish(outcome, sample);
        let part = &mut parts[usize::from(index % 3 == 0)];
        part.finish(outcome, sample);
        part.counts.sent += 1;
        if let (Some(timing), Some(schemes)) = (&mut part.timing, &mut part.schemes) {
            timing.finish(index, None);
            schemes.finish(CardScheme::Jcb, outcome, index);
        }
    }
    let mut merged = Record::new();
    for part in &parts {
        merged.merge(part);
    }
    assert_eq!(merged.counts.sent, 10_000);
    for (outcome, times) in &whole.outcomes {
        assert_eq!(merged.outcomes[outcome].response, times.response);
        assert_eq!(merged.outcomes[outcome].service, times.service);
        assert_eq!(merged.outcomes[outcome].lag, times.lag);
    }
    assert_eq!(merged.headline().response, whole.headline().response);
    assert_eq!(merged.all_outcomes()[&Outcome::Replayed], 1_429);
    assert_eq!(merged.timing.unwrap().without, 10_000);
    let schemes = merged.schemes.unwrap();
    assert_eq!(schemes.of(CardScheme::Jcb).unwrap().tally.due(), 10_000);
}
