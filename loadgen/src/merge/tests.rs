//! What merging logs comes to, and which are not merged.

use super::*;
use crate::hlog::{Ending, Tag, Which};
use crate::outcome::Outcome;
use crate::recorder::{Sample, Times};
use crate::report::html::samples;

const SECOND_NS: u64 = 1_000_000_000;

/// Ten seconds of 200 requests each from one of some hosts; its times are longer by so many per
/// cent.
fn part(slice: Option<&str>, slower: u64) -> Part {
    let mut intervals = Intervals::of(SECOND_NS);
    for second in 0..10 {
        let mut times = Times::new();
        for number in 0..200 {
            let response_ns = (1_000_000 + number * 9_973 % 700_000) * (100 + slower) / 100;
            times.record(Sample {
                due_ns: 0,
                sent_ns: 10_000,
                done_ns: response_ns,
            });
        }
        for which in Which::ALL {
            let ending = Ending::of(Outcome::Approved);
            intervals.add(second * SECOND_NS, Tag { ending, which }, which.of(&times));
        }
    }
    let report = samples::open_loop(600, 10);
    let plan = "[load]\nrate = 600\n\n[generator]\nworkers = 1\n";
    let mut head = Head::of(&report, Some(plan), 1_790_000_000_000_000_000);
    head.counts.planned = 2_001;
    head.counts.sent = 2_000;
    head.plan.slice = slice.map(ToOwned::to_owned);
    head.decided_alike = Some("ffffffffffffff00".to_owned());
    head.interval_ns = SECOND_NS;
    head.verdict.valid = true;
    head.verdict.reasons.clear();
    Part {
        file: format!("{}.hlog", slice.unwrap_or("whole").replace('/', "-")),
        head,
        intervals,
    }
}

fn thirds() -> Vec<Part> {
    ["3/3", "1/3", "2/3"]
        .map(|slice| part(Some(slice), 0))
        .into()
}

fn merged(mut parts: Vec<Part>) -> facts::Merged {
    unlike::check(&mut parts, true).unwrap();
    sum::merged(&parts[0], &parts)
}

#[test]
fn sums_are_exact_and_in_the_order_of_slices() {
    let whole = merged(thirds());
    let names: Vec<_> = whole
        .parts
        .iter()
        .map(|part| part.slice.clone().unwrap())
        .collect();
    assert_eq!(names, ["1/3", "2/3", "3/3"]);
    assert_eq!((whole.counts.planned, whole.counts.sent), (6_003, 6_000));
    assert_eq!(whole.response.count, 6_000);
    assert_eq!(whole.outcomes.len(), 1);
    assert_eq!(
        (whole.outcomes[0].name.as_str(), whole.outcomes[0].count),
        ("approved", 6_000)
    );
    // Three times minus 256.
    assert_eq!(whole.decided_alike.as_deref(), Some("fffffffffffffd00"));
    // Three hosts that are alike have the percentiles of each.
    let one = &whole.parts[0];
    assert_eq!(whole.response.p90_ns, one.response.p90_ns);
    assert_eq!(whole.exit(), Exit::Passed);
    assert!(whole.plan.slice.is_none() && whole.missing.is_empty());
}

#[test]
fn what_is_merged_can_be_merged_again_as_one() {
    let mut parts = thirds();
    unlike::check(&mut parts, false).unwrap();
    let once = sum::merged(&parts[0], &parts);
    let (head, intervals) = sum::as_one(&parts[0], &parts, &once);
    let again = Part {
        file: "all.hlog".to_owned(),
        head,
        intervals,
    };
    let again = merged(vec![again]);
    assert_eq!(again.counts.sent, once.counts.sent);
    assert_eq!(again.response.p99_ns, once.response.p99_ns);
    assert_eq!(again.decided_alike, once.decided_alike);
}

#[test]
fn a_part_that_is_invalid_or_missing_makes_it_all_invalid() {
    let mut parts = thirds();
    parts[0].head.verdict.valid = false;
    parts[0].head.verdict.reasons.push("it lagged".to_owned());
    let found = merged(parts);
    assert_eq!(found.verdict.reasons, ["slice 3/3: it lagged"]);
    assert_eq!(found.exit(), Exit::Invalid);
    let mut parts = thirds();
    parts.pop();
    let found = merged(parts);
    assert_eq!(found.missing, ["2/3"]);
    assert_eq!(
        (found.exit(), found.decided_alike.clone()),
        (Exit::Invalid, None)
    );
    assert!(
        found.text(false).contains("slice 2/3 is missing"),
        "{}",
        found.text(false)
    );
    let mut parts = thirds();
    parts[1].head.began_ns += 1_500_000_000;
    let found = merged(parts);
    assert_eq!(found.exit(), Exit::Invalid);
    assert!(
        found.verdict.reasons[0].starts_with("slice 1/3 began 1.50 s after slice"),
        "{:?}",
        found.verdict
    );
    let mut parts = thirds();
    parts[1].head.began_ns += 900_000_000;
    assert_eq!(merged(parts).exit(), Exit::Passed);
    let mut parts = thirds();
    parts[1].head.verdict.interrupted = true;
    assert_eq!(merged(parts).exit(), Exit::Failed);
}

#[test]
fn a_host_that_differs_is_named() {
    let mut parts = thirds();
    parts[1] = part(Some("1/3"), 30);
    let found = merged(parts);
    let text = found.text(false);
    assert!(text.contains("DIFFERENT: slice 1/3"), "{text}");
    assert!(!text.contains("DIFFERENT: slice 2/3"), "{text}");
    let verdicts: Vec<Exit> = found.checks().iter().map(|check| check.verdict).collect();
    assert_eq!(
        verdicts,
        [
            Exit::Passed,
            Exit::Passed,
            Exit::Passed,
            Exit::Inconclusive,
            Exit::Passed,
            Exit::Passed
        ]
    );
    let json = serde_json::to_string(&found).unwrap();
    let read: facts::Merged = serde_json::from_str(&json).unwrap();
    assert_eq!(read.parts[0].likeness, found.parts[0].likeness);
}

#[test]
fn what_is_not_of_one_plan_is_refused() {
    let refused = |change: &dyn Fn(&mut Vec<Part>), words: &[&str]| {
        let mut parts = thirds();
        change(&mut parts);
        let told = unlike::check(&mut parts, false).unwrap_err();
        for word in words {
            assert!(told.contains(word), "no {word:?} in {told}");
        }
    };
    refused(
        &|parts| parts[1].head.plan.seed = 7,
        &["3-3.hlog", "1-3.hlog", "seed is 1 and 7"],
    );
    refused(
        &|parts| parts[2].head.plan.run_id = "0".to_owned(),
        &["2-3.hlog", "run_id"],
    );
    refused(
        &|parts| parts[1].head.generator.version = "9.9".into(),
        &["version of waika-loadgen", "9.9"],
    );
    let other = |parts: &mut Vec<Part>| {
        parts[1].head.plan_text = Some("[load]\nrate = 700\n".to_owned());
    };
    refused(&other, &["the plan is rate = 600 and rate = 700"]);
    refused(
        &|parts| parts[0] = part(Some("2/3"), 0),
        &["both of slice 2/3", "once"],
    );
    refused(
        &|parts| parts[0] = part(Some("1/4"), 0),
        &["3 slice(s)", "one in 4"],
    );
    refused(
        &|parts| *parts = vec![part(None, 0), part(None, 0)],
        &["both of all of the plan"],
    );
    refused(
        &|parts| drop(parts.remove(1)),
        &["missing: slice 1/3", "--incomplete"],
    );
    refused(
        &|parts| *parts = vec![part(Some("2/13"), 0)],
        &["slice 1/13, 3/13, ", "11/13 and 2 more: "],
    );
    refused(
        &|parts| parts[1] = part(Some("x"), 0),
        &["x.hlog:2:", "slice"],
    );
}

#[test]
fn hosts_may_have_generators_of_their_own() {
    let mut parts = thirds();
    parts[1].head.plan_text = Some("[load]\nrate = 600\n\n[generator]\nworkers = 8\n".to_owned());
    parts[2].head.plan.in_flight = 77;
    assert_eq!(unlike::check(&mut parts, false), Ok(()));
}
