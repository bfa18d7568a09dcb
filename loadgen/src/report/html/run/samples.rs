//! Reports that nobody measured, for looking at pages in every state they can be in.

use crate::by_scheme::BySchemes;
use crate::clock::SECOND_NS;
use crate::oracle::{Tally, Violation};
use crate::outcome::{GrpcCode, Outcome};
use crate::population::{Population, members};
use crate::recorder::{Counts, Record, Sample, Times};
use crate::report::breakdown::{self, TimingFacts};
use crate::report::certificate::CertificateFacts;
use crate::report::{
    CountFacts, GeneratorFacts, HostFacts, PlanFacts, RateFacts, Report, SCHEMA, ServerFacts,
    TimeFacts, Verdict, curve, outcomes_of, spans, time_line,
};
use crate::scheme::CardScheme;
use crate::target::Protection;
use crate::threshold::{ThresholdFacts, ThresholdVerdict};
use crate::time_line::TimeLine;
use crate::timing::{ServerTiming, TimingRecord};

/// All of them by name, for whatever must hold for each.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("detailed", detailed()),
        ("plain", open_loop(150, 2)),
        ("untold", untold()),
        ("nobody there", nobody_there()),
        ("nothing due", nothing_due()),
        ("closed loop", closed_loop()),
        ("doubtful", doubtful()),
        ("hostile", hostile()),
    ]
}

/// An open loop of so many requests a second for so long, with a tail and a few of everything.
pub(crate) fn open_loop(rate: u64, seconds: u64) -> Report {
    report(
        &record(rate, seconds, |number| match number % 1_000 {
            0..10 => Outcome::Replayed,
            10..14 => Outcome::Declined(27),
            14 => Outcome::TimedOut,
            15..17 => Outcome::Grpc(GrpcCode::Unavailable),
            _ => Outcome::Approved,
        }),
        seconds * SECOND_NS,
    )
}

/// With the server's own account of its time, and a slow scheme beside a fast one.
pub(crate) fn detailed() -> Report {
    let shares = "visa=3,jcb=1".parse().unwrap();
    let population = Population::synthetic(1, &members(Some(&shares), 2_000), 1);
    let (mut timing, mut schemes) = (TimingRecord::new(), BySchemes::default());
    for number in 0..20_000 {
        let (scheme, outcome, issuer_ns) = match number % 4 {
            0 => (CardScheme::Jcb, Outcome::Declined(38), 300_000_000),
            _ => (CardScheme::Visa, Outcome::Approved, 900_000 + number * 40),
        };
        let told = ServerTiming {
            queue_ns: 7_000 + number,
            rules_ns: 2_000 + number % 900,
            issuer_ns: if number % 50 == 1 { 0 } else { issuer_ns },
            commit_ns: 120_000 + number * 3,
            total_ns: issuer_ns + 400_000,
        };
        timing.finish(issuer_ns + 700_000, (number % 100 > 0).then_some(told));
        schemes.finish(scheme, outcome, issuer_ns + 700_000);
    }
    let mut report = open_loop(2_000, 10);
    report.plan.schemes = Some("visa=3,jcb=1".to_owned());
    report.timing = Some(TimingFacts::of(&timing));
    report.schemes = Some(breakdown::schemes(&schemes, &population));
    report
}

/// The server was asked where its time goes, and does not say.
pub(crate) fn untold() -> Report {
    let mut timing = TimingRecord::new();
    for _ in 0..1_234 {
        timing.finish(1_000_000, None);
    }
    let mut report = open_loop(150, 10);
    report.timing = Some(TimingFacts::of(&timing));
    report
}

/// Without a single sample: the server was gone before the first request.
pub(crate) fn nobody_there() -> Report {
    let mut record = Record::new();
    for number in 0..1_000 {
        record.counts.planned += 1;
        record.counts.not_connected += 1;
        record.time_line.skip(number * SECOND_NS / 200);
    }
    let mut report = report(&record, 5 * SECOND_NS);
    refuse(
        &mut report,
        &[
            "only 0.00 % of the planned requests were sent (0 dropped at the in-flight limit, 0 skipped because it was too late, 1000 without a connection)",
        ],
    );
    report
}

/// Not even planned: interrupted while warming up.
pub(crate) fn nothing_due() -> Report {
    let mut report = report(&Record::new(), 0);
    report.verdict.interrupted = true;
    refuse(
        &mut report,
        &["nothing was due in the measured part: measure longer, or faster"],
    );
    report
}

/// The answers alone set the pace.
pub(crate) fn closed_loop() -> Report {
    let mut report = open_loop(9_000, 4);
    report.schemes = detailed().schemes;
    let plan = &mut report.plan;
    (plan.discipline, plan.arrivals, plan.rate_per_second) = ("closed".into(), None, None);
    (plan.zipf, plan.expected_limit_share, plan.in_flight) = (None, None, 64);
    report.generator.pacing = None;
    report.rates.offered_per_second = None;
    report
}

/// Everything speaks against it, and it was stopped.
pub(crate) fn doubtful() -> Report {
    let mut report = report(
        &record(800, 12, |number| match number / 800 {
            8.. if number % 3 == 0 => Outcome::TimedOut,
            6.. if number % 5 == 0 => Outcome::Grpc(GrpcCode::ResourceExhausted),
            _ => Outcome::Approved,
        }),
        12 * SECOND_NS,
    );
    report.verdict.interrupted = true;
    refuse(
        &mut report,
        &[
            "only 93.10 % of the planned requests were sent (663 dropped at the in-flight limit, 0 skipped because it was too late, 0 without a connection)",
            "only 81.02 % of what was sent was decided; most of the others ended as RESOURCE_EXHAUSTED (1,022)",
            "the generator sent late: lag p99 3.20 ms, where 1.00 ms would do no harm",
            "the generator was at its own limit: a worker used 99 % of a core (more --workers, if there are cores)",
            "the machine was not ours alone: 7.3 % of its time was taken by other guests",
        ],
    );
    report
}

/// Held to thresholds, of which it keeps one, by a server that lies.
pub(crate) fn missed() -> Report {
    let mut report = open_loop(900, 6);
    let threshold = |expression: &str, verdict, words: &str| ThresholdFacts {
        expression: expression.to_owned(),
        verdict,
        unit: "ns".into(),
        limit: 5_000_000.0,
        found: None,
        samples: 5_380,
        words: words.to_owned(),
    };
    report.thresholds = vec![
        threshold("p(99)<5ms", ThresholdVerdict::Missed, "11.3 ms"),
        threshold("errors<1%", ThresholdVerdict::Met, "0.2 %"),
        threshold(
            "p(99.99)<50ms",
            ThresholdVerdict::Undecided,
            "5,380 samples do not support it: it needs 46,050",
        ),
    ];
    let mut facts = CertificateFacts::gather(&Tally::default(), None);
    facts.violations = 12;
    facts.first_violations = vec![Violation {
        account: 7,
        index: Some(9),
        promise: "fee".into(),
        rule: "R71".into(),
        expected: "3 fen".to_owned(),
        told: "4 fen".to_owned(),
    }];
    report.certificate = Some(facts);
    report
}

/// Names that try to be more than names.
pub(crate) fn hostile() -> Report {
    let mut report = open_loop(500, 3);
    let evil =
        r#""><script src="http://evil.example/x.js"></script><img src=x onerror='alert(1)'>"#;
    report.server.target = evil.to_owned();
    report.server.version = Some(evil.to_owned());
    report.server.store = Some(evil.to_owned());
    report.host.name = evil.to_owned();
    report.plan.run_id = evil.to_owned();
    report.outcomes[0].name = evil.to_owned();
    refuse(&mut report, &[evil]);
    report
}

fn refuse(report: &mut Report, reasons: &[&str]) {
    report.verdict.valid = false;
    report.verdict.reasons = reasons.iter().map(|&reason| reason.to_owned()).collect();
}

fn record(rate: u64, seconds: u64, ends: impl Fn(u64) -> Outcome) -> Record {
    let mut record = Record::new();
    record.time_line = TimeLine::for_length(seconds * SECOND_NS);
    let mut draw = 88_172_645_463_325_252_u64;
    for number in 0..rate * seconds {
        let since_ns = number * SECOND_NS / rate;
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        record.counts.planned += 1;
        if number % 1_000 == 999 {
            record.counts.dropped += 1;
            record.time_line.skip(since_ns);
            continue;
        }
        let outcome = ends(number);
        let lag_ns = 8_000 + draw % 60_000;
        // A heavy tail: the rarer, the longer.
        let service_ns = match outcome {
            Outcome::TimedOut => SECOND_NS,
            _ => 180_000 + 40_000_000_000 / (1 + (draw >> 16) % 400_000),
        };
        let response_ns = lag_ns + service_ns.min(800_000_000 + draw % 90_000_000);
        let sample = Sample {
            due_ns: since_ns,
            sent_ns: since_ns + lag_ns,
            done_ns: since_ns + response_ns,
        };
        record.counts.sent += 1;
        record.finish(outcome, sample);
        record.time_line.finish(outcome, since_ns, sample);
    }
    record.counts = Counts {
        warm_up_sent: 4_004,
        ..record.counts
    };
    record
}

fn report(record: &Record, length_ns: u64) -> Report {
    let headline: Times = record.headline();
    let counts = CountFacts::of(record.counts, &record.outcomes);
    let per_second = |count| super::words::per_second(count, length_ns);
    Report {
        schema: SCHEMA.into(),
        verdict: Verdict {
            valid: true,
            reasons: Vec::new(),
            interrupted: false,
        },
        plan: plan(per_second(counts.planned), length_ns),
        counts,
        rates: RateFacts {
            offered_per_second: Some(per_second(counts.planned)),
            achieved_per_second: per_second(counts.answered),
            errors_per_second: per_second(counts.errors),
            measured_ns: length_ns,
        },
        response: TimeFacts::of(&headline.response),
        service: TimeFacts::of(&headline.service),
        lag: TimeFacts::of(&headline.lag),
        response_histogram: spans(&headline),
        response_curve: curve(&headline.response),
        service_curve: curve(&headline.service),
        lag_curve: curve(&headline.lag),
        time_line: time_line::of(&record.time_line, length_ns),
        timing: None,
        schemes: None,
        outcomes: outcomes_of(&record.outcomes, counts.sent),
        other_calls: Vec::new(),
        abandoned: 0,
        certificate: None,
        decided_alike: None,
        rules: None,
        thresholds: Vec::new(),
        generator: GeneratorFacts {
            version: "0.1.0".into(),
            workers: 1,
            connections: 4,
            reconnects: 0,
            pacing: Some("hybrid".into()),
            cpu_ns_per_call: Some(11_400),
            worker_cpu: vec![0.31],
        },
        server: ServerFacts {
            target: "http://127.0.0.1:50051/".to_owned(),
            protection: Protection::ClearText,
            version: Some("waika-server 0.1.0".to_owned()),
            store: Some("journal (fresh, temporary folder)".to_owned()),
            cpu_ns_per_call: Some(48_900),
        },
        host: HostFacts {
            name: "measuring-host".to_owned(),
            cores: 2,
            started_at: "2026-11-23T15:06:03.123456789Z".to_owned(),
            stolen: Some(0.0031),
            throttled: Some(0.0),
        },
    }
}

fn plan(rate: f64, length_ns: u64) -> PlanFacts {
    PlanFacts {
        discipline: "open".into(),
        arrivals: Some("poisson".into()),
        shape: "steady".to_owned(),
        rate_per_second: Some(rate),
        duration_ns: length_ns,
        warm_up_ns: 2 * SECOND_NS,
        deadline_ns: SECOND_NS,
        in_flight: 1_000,
        in_flight_allowed: Some(4_096),
        seed: 1,
        run_id: "8a5cf00d12345678".to_owned(),
        slice: None,
        accounts: 2_000,
        schemes: None,
        merchants: 100,
        synthetic: false,
        zipf: Some(0.5),
        duplicates: 0.01,
        wrong_passwords: 0.0,
        expected_limit_share: Some(0.000_2),
    }
}
