//! Thresholds held against records of which everything is known.

use super::tests::read;
use super::*;
use crate::outcome::{GrpcCode, Outcome};
use crate::recorder::{Record, Sample};
use crate::scheme::CardScheme;
use crate::workload::Mode;

/// A hundred payments each of which takes a millisecond more than the last, by turns with Visa by
/// code and with JCB in an app; and so many errors that took a microsecond.
fn record(payments: u64, errors: u64) -> Record {
    let mut record = Record::new();
    record.selected = Selected::of(
        &Thresholds(read(
            "max{mode=qr}<1s,max{scheme=jcb}<1s,max{mode=payment-code}<1s",
        ))
        .selections(),
    );
    for number in 0..payments + errors {
        let outcome = match number {
            _ if number >= payments => Outcome::Grpc(GrpcCode::Unavailable),
            _ if number % 10 == 9 => Outcome::Declined(27),
            _ => Outcome::Approved,
        };
        let took_ns = if number >= payments {
            1_000
        } else {
            (number + 1) * 1_000_000
        };
        let sample = Sample {
            due_ns: 0,
            sent_ns: 1_000,
            done_ns: took_ns,
        };
        let (mode, scheme) = match number % 2 {
            0 => (Mode::MerchantQr, Some(CardScheme::Visa)),
            _ => (Mode::OnlineApp, Some(CardScheme::Jcb)),
        };
        record.counts.planned += 1;
        record.counts.sent += 1;
        record.finish(outcome, sample);
        record.selected.finish(mode, || scheme, outcome, sample);
    }
    record.counts.planned += 5;
    record.counts.dropped += 5;
    record
}

fn verdict(text: &str, record: &Record) -> (ThresholdVerdict, String) {
    let measured = Measured {
        record,
        over_ns: 2_000_000_000,
        server_ns: Some(30_000),
        generator_ns: None,
    };
    let facts = judge(&read(text), &measured).swap_remove(0);
    (facts.verdict, facts.words)
}

/// Checks the verdict on a record, and that what was found is told in these words.
fn judged_as(text: &str, record: &Record, expected: ThresholdVerdict, words: &str) {
    let (verdict, found) = self::verdict(text, record);
    assert_eq!(verdict, expected, "{text}: {found}");
    assert!(found.contains(words), "{text}: no {words:?} in {found}");
}

#[test]
fn times_are_judged() {
    use ThresholdVerdict::{Met, Missed, Undecided};
    let hundred = record(100, 0);
    let thousand = record(1_000, 250);
    let check = judged_as;
    check("max<101ms", &hundred, Met, "100 ms (100 samples)");
    check("max<99ms", &hundred, Missed, "100 ms");
    check("min<=1.1ms", &hundred, Met, "100 samples");
    check("avg<49ms", &hundred, Missed, "50.5 ms");
    check("avg>50ms", &hundred, Met, "50.5 ms");
    check("p(90)<91ms", &hundred, Met, "90.0 ms");
    check(
        "p99<1s",
        &hundred,
        Undecided,
        "100 samples, and it needs 459",
    );
    check("p99<1s", &thousand, Met, "990 ms");
    // Errors are in no distribution but their own.
    check("min<0.9ms", &thousand, Missed, "1,000 samples");
    check(
        "min{outcome=UNAVAILABLE}<0.9ms",
        &thousand,
        Met,
        "250 samples",
    );
    check("lag_max<2us", &thousand, Met, "1.00 us");
    check("service_max<999ms", &thousand, Missed, "1.00 s");
}

#[test]
fn shares_counts_and_rates_are_judged() {
    use ThresholdVerdict::{Met, Missed, Undecided, Unmatched};
    let hundred = record(100, 0);
    let thousand = record(1_000, 250);
    let check = judged_as;
    check("errors<20%", &thousand, Missed, "20.0000 % (250 of 1,250)");
    check("errors<=20%", &thousand, Met, "");
    check("rate(approved)>=0.72", &thousand, Met, "900 of 1,250");
    check("rate(approved){mode=qr}>0.79", &thousand, Met, "500 of 625");
    check(
        "rate(LIMIT_MONTH){scheme=jcb}>0.15",
        &thousand,
        Met,
        "100 of 625",
    );
    check("rate(timed_out)==0", &thousand, Met, "0 of 1,250");
    check("max{mode=qr}<99.5ms", &hundred, Met, "99.0 ms (50 samples)");
    check(
        "max{mode=payment-code}<1s",
        &hundred,
        Unmatched,
        "approved, LIMIT_MONTH",
    );
    check(
        "rate(approved){mode=payment-code}>0",
        &hundred,
        Unmatched,
        "none of 100",
    );
    check(
        "max{outcome=timed_out}<1s",
        &hundred,
        Unmatched,
        "none of 100",
    );
    check("dropped<4.7619%", &hundred, Missed, "5 of 105");
    check("dropped<4.762%", &hundred, Met, "");
    check("skipped==0", &hundred, Met, "");
    check("count>=100", &hundred, Met, "100");
    check("count(errors)<250", &thousand, Missed, "250");
    check("throughput>=500/s", &thousand, Met, "500/s");
    check("throughput>500/s", &thousand, Missed, "500/s");
    check(
        "server_cpu<30us",
        &hundred,
        Missed,
        "30.0 us for each of 100",
    );
    check(
        "generator_cpu<30us",
        &hundred,
        Undecided,
        "could not be read",
    );
    let nothing = Record::new();
    check("max<1s", &nothing, Undecided, "0 samples");
    check("errors<1%", &nothing, Undecided, "nothing was sent");
}

#[test]
fn workers_selections_add_up() {
    let (whole, part) = (record(100, 3), record(50, 0));
    let mut sum = Record::new();
    sum.merge(&whole);
    sum.merge(&part);
    let (_, found) = verdict("count{outcome=approved,mode=qr}>0", &sum);
    assert_eq!(found, "75");
}
