//! Merged logs that nobody measured, for looking at pages in every state they can be in.

use crate::merge::facts::{Difference, Likeness, Merged, PartFacts, SCHEMA};
use crate::report::html::samples;

/// All of them.
pub(crate) fn all() -> Vec<Merged> {
    vec![alike(), different(), foreign(), hostile()]
}

/// Three hosts that are alike.
pub(super) fn alike() -> Merged {
    let run = samples::open_loop(1_500, 8);
    let parts = (1..=3).map(|slice| part(slice, 500 + slice)).collect();
    Merged {
        schema: SCHEMA.into(),
        verdict: run.verdict,
        plan: run.plan,
        missing: Vec::new(),
        counts: run.counts,
        rates: run.rates,
        response: run.response,
        service: run.service,
        lag: run.lag,
        response_histogram: run.response_histogram,
        response_curve: run.response_curve,
        service_curve: run.service_curve,
        lag_curve: run.lag_curve,
        outcomes: run.outcomes,
        decided_alike: Some("5bcc3f1f37948955".to_owned()),
        parts,
        version: "0.1.0".into(),
    }
}

/// The last is slower than the others, and one is missing.
pub(super) fn different() -> Merged {
    let mut merged = alike();
    let last = merged.parts.last_mut().unwrap();
    for point in &mut last.response_curve {
        point.ns = point.ns * 7 / 3;
    }
    for ns in [
        &mut last.response.p50_ns,
        &mut last.response.p90_ns,
        &mut last.response.p99_ns,
    ] {
        *ns = ns.map(|ns| ns * 7 / 3);
    }
    last.likeness = Likeness::Different {
        furthest: difference(0.5, 2.333),
    };
    last.verdict.valid = false;
    last.verdict.reasons = vec!["the generator sent late: lag p99 3.20 ms".to_owned()];
    merged.missing = vec!["4/4".to_owned()];
    merged.verdict.valid = false;
    merged.verdict.reasons = vec!["slice 3/4 on host-3 is invalid".to_owned()];
    merged
}

/// A log of another tool, which nothing is known of.
pub(super) fn foreign() -> Merged {
    let mut merged = alike();
    merged.parts.truncate(1);
    let only = &mut merged.parts[0];
    (only.slice, only.host.name) = (None, String::new());
    only.likeness = Likeness::NotJudged {
        why: "there is no other host".to_owned(),
    };
    merged
}

/// Names that try to be more than names.
pub(super) fn hostile() -> Merged {
    let evil =
        r#""><script src="http://evil.example/x.js"></script><img src=x onerror='alert(1)'>"#;
    let mut merged = different();
    for part in &mut merged.parts {
        part.host.name = evil.to_owned();
        part.file = evil.to_owned();
        part.server.target = evil.to_owned();
    }
    merged.plan.run_id = evil.to_owned();
    merged
}

fn difference(quantile: f64, ratio: f64) -> Difference {
    Difference {
        quantile,
        ns: 980_000,
        others_ns: 420_000,
        ratio,
        standard_error: 0.02,
    }
}

fn part(slice: u64, rate: u64) -> PartFacts {
    let mut run = samples::open_loop(rate, 8);
    run.host.name = format!("host-{slice}");
    PartFacts {
        file: format!("/tmp/logs/{slice}.hlog"),
        slice: Some(format!("{slice}/3")),
        verdict: run.verdict,
        counts: run.counts,
        response: run.response,
        service: run.service,
        lag: run.lag,
        response_curve: run.response_curve,
        generator: run.generator,
        server: run.server,
        host: run.host,
        likeness: Likeness::Alike {
            furthest: difference(0.9, 1.012),
        },
    }
}
