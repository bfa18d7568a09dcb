//! What holds for every form, over reports in every state.

use std::collections::BTreeSet;

use quick_junit::{NonSuccessKind, TestCaseStatus};

use super::document::{Check, Document, Gauge, Table};
use super::html::samples;
use super::outputs::Form;
use super::*;
use crate::exit::Exit;
use crate::threshold::{ThresholdFacts, ThresholdVerdict};

/// Every report, and one with thresholds of every verdict.
fn reports() -> Vec<(&'static str, Report)> {
    let mut reports = samples::all();
    let (_, mut judged) = samples::all().swap_remove(0);
    judged.thresholds = [
        ("p(99)<5ms", ThresholdVerdict::Met),
        ("rate(approved){mode=qr}>0.9", ThresholdVerdict::Missed),
        ("p(99.99)<1s", ThresholdVerdict::Undecided),
        ("max{outcome=timed_out}<1s", ThresholdVerdict::Unmatched),
    ]
    .map(|(expression, verdict)| ThresholdFacts {
        expression: expression.to_owned(),
        verdict,
        unit: "ns".into(),
        limit: 5e6,
        found: Some(3.25e6),
        samples: 12_000,
        words: "3.25 ms (12,000 samples)".to_owned(),
    })
    .into();
    reports.push(("judged", judged));
    reports
}

fn form(report: &impl Document, form: Form) -> String {
    form.render(report, false).unwrap()
}

/// A document of these parts and no more.
#[derive(Default, serde::Serialize)]
struct Made {
    title: String,
    #[serde(skip)]
    checks: Vec<Check>,
    #[serde(skip)]
    tables: Vec<Table>,
    #[serde(skip)]
    gauges: Vec<Gauge>,
}

impl Document for Made {
    fn title(&self) -> String {
        self.title.clone()
    }
    fn exit(&self) -> Exit {
        Exit::Passed
    }
    fn checks(&self) -> Vec<Check> {
        self.checks.clone()
    }
    fn tables(&self) -> Vec<Table> {
        self.tables.clone()
    }
    fn gauges(&self) -> Vec<Gauge> {
        self.gauges.clone()
    }
    fn text(&self, _: bool) -> String {
        self.title()
    }
    fn page(&self) -> String {
        self.title()
    }
}

#[test]
fn the_exit_code_is_the_heaviest_reason_s() {
    let (_, judged) = reports().pop().unwrap();
    let check = |change: &dyn Fn(&mut Report), if_invalid, expected| {
        let mut report = judged.clone();
        change(&mut report);
        assert_eq!(report.exit_unless_invalid(if_invalid), expected);
    };
    let keep = |report: &mut Report, verdict| {
        report.thresholds.retain(|facts| facts.verdict == verdict);
    };
    check(&|_| {}, Exit::Invalid, Exit::Failed);
    check(
        &|report| keep(report, ThresholdVerdict::Met),
        Exit::Invalid,
        Exit::Passed,
    );
    check(
        &|report| keep(report, ThresholdVerdict::Missed),
        Exit::Invalid,
        Exit::Missed,
    );
    check(
        &|report| keep(report, ThresholdVerdict::Undecided),
        Exit::Invalid,
        Exit::Inconclusive,
    );
    let missed_and_invalid = |report: &mut Report| {
        keep(report, ThresholdVerdict::Missed);
        report.verdict.valid = false;
    };
    check(&missed_and_invalid, Exit::Invalid, Exit::Invalid);
    check(&missed_and_invalid, Exit::Passed, Exit::Missed);
    check(
        &|report| {
            missed_and_invalid(report);
            report.verdict.interrupted = true;
        },
        Exit::Invalid,
        Exit::Failed,
    );
}

/// Checks that what is told of each check adds up to how the command ends.
fn check_end(name: &str, document: &impl Document) {
    let checks = document.checks();
    let verdicts = checks.iter().map(|check| check.verdict);
    let heaviest = verdicts.fold(Exit::Passed, Exit::or);
    assert_eq!(heaviest, document.exit(), "{name}: {checks:?}");
}

#[test]
fn the_heaviest_check_is_the_exit_code_of_every_kind() {
    for (name, mut report) in reports() {
        check_end(name, &report);
        report.verdict.interrupted = true;
        check_end(name, &report);
    }
    for mut comparison in html::comparison::samples::all() {
        check_end("comparison", &comparison);
        comparison.interrupted = true;
        check_end("interrupted comparison", &comparison);
    }
    for mut merged in html::merged::samples::all() {
        check_end("merged", &merged);
        merged.counts.not_connected = 1;
        check_end("merged, not connected", &merged);
        merged.counts.not_connected = 0;
        merged.verdict.interrupted = true;
        check_end("merged, interrupted", &merged);
    }
    for report in html::capacity::samples::all() {
        check_end("capacity", &report);
    }
}

#[test]
fn junit_tells_every_check_and_reads_back() {
    for (name, report) in reports() {
        let text = form(&report, Form::Junit);
        let read = quick_junit::Report::deserialize_from_str(&text).expect(name);
        let [suite] = read.test_suites.as_slice() else {
            panic!("{name}: one suite");
        };
        let checks = report.checks();
        assert_eq!(suite.test_cases.len(), checks.len(), "{name}");
        for (case, check) in suite.test_cases.iter().zip(checks) {
            assert_eq!(case.name.as_str(), check.name);
            let is_told = match &case.status {
                TestCaseStatus::Success { .. } => check.verdict == Exit::Passed,
                TestCaseStatus::Skipped { .. } => check.verdict == Exit::Inconclusive,
                TestCaseStatus::NonSuccess { kind, .. } => match kind {
                    NonSuccessKind::Failure => check.verdict == Exit::Missed,
                    NonSuccessKind::Error => {
                        matches!(check.verdict, Exit::Invalid | Exit::Failed)
                    }
                },
            };
            assert!(is_told, "{name}: {}", check.name);
        }
    }
}

#[test]
fn what_xml_cannot_hold_is_left_out() {
    let check = Check {
        name: "a\u{0}b\u{1b}[31m<&\"'>]]>".to_owned(),
        verdict: Exit::Missed,
        found: "\u{8}\u{ffff}1 < 2".to_owned(),
    };
    let made = Made {
        checks: vec![check],
        ..Made::default()
    };
    let text = form(&made, Form::Junit);
    assert!(quick_junit::Report::deserialize_from_str(&text).is_ok());
    let is_fine = |char: char| matches!(char, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_fine), "{text:?}");
}

#[test]
fn every_figure_of_prometheus_has_one_head_and_stands_once() {
    for (name, report) in reports() {
        let text = form(&report, Form::Prometheus);
        let (mut heads, mut series) = (BTreeSet::new(), BTreeSet::new());
        let mut family = "";
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# HELP ") {
                family = head.split_once(' ').unwrap().0;
                assert!(heads.insert(family), "{name}: {family} has two heads");
            } else if let Some(head) = line.strip_prefix("# TYPE ") {
                assert_eq!(head.split_once(' ').unwrap().0, family, "{name}");
            } else {
                let (one, value) = line.rsplit_once(' ').unwrap();
                assert!(series.insert(one), "{name}: {one} stands twice");
                assert!(
                    one.split('{').next() == Some(family),
                    "{name}: {one} has no head"
                );
                assert!(value.parse::<f64>().unwrap().is_finite(), "{name}: {line}");
            }
        }
        assert!(series.len() > 5, "{name}");
    }
}

#[test]
fn labels_of_prometheus_are_escaped_and_families_gathered() {
    let gauge = |name, label: &str| Gauge {
        name,
        help: "One\nor \\ two.",
        labels: vec![("which", label.to_owned())],
        value: 0.25,
    };
    let made = Made {
        gauges: vec![gauge("a", "\"\\\n"), gauge("b", ""), gauge("a", "x")],
        ..Made::default()
    };
    assert_eq!(
        form(&made, Form::Prometheus),
        "# HELP a One\\nor \\\\ two.\n# TYPE a gauge\na{which=\"\\\"\\\\\\n\"} 0.25\na{which=\"x\"} 0.25\n\
         # HELP b One\\nor \\\\ two.\n# TYPE b gauge\nb{which=\"\"} 0.25\n"
    );
}

#[test]
fn markdown_begins_with_the_verdict_and_stays_within_bounds() {
    for (name, report) in reports() {
        let text = form(&report, Form::Markdown);
        let head = format!("## {}: Waika load report of ", report.exit().word());
        assert!(text.starts_with(&head), "{name}: {text}");
        assert!(text.chars().count() < 65_536, "{name}");
        // No tag but those that fold, whatever a name says.
        let rest = [
            "<details>",
            "<details open>",
            "</details>",
            "<summary>",
            "</summary>",
            "<!-- -->",
        ]
        .into_iter()
        .fold(text.clone(), |text, tag| text.replace(tag, ""));
        assert!(!rest.contains(['<', '>', '@', '`', '[']), "{name}: {rest}");
        for line in text.lines().filter(|line| line.starts_with('|')) {
            assert!(line.ends_with('|'), "{name}: {line}");
        }
    }
}

#[test]
fn names_in_markdown_are_only_names() {
    let cell = |text: &str| {
        let made = Made {
            title: text.to_owned(),
            ..Made::default()
        };
        let text = form(&made, Form::Markdown);
        let (first, _) = text.split_once('\n').unwrap();
        first.strip_prefix("## PASSED: ").unwrap().to_owned()
    };
    let check = |text: &str, expected: &str| assert_eq!(cell(text), expected);
    check("p99 5.2 ms", "p99 5.2 ms");
    check("a|b\nc", "a&#124;b c");
    check("@team fixes #12", "&#64;<!-- -->team fixes &#35;<!-- -->12");
    check("https://evil", "https:<!-- -->//evil");
    check("www.evil", "www<!-- -->.evil");
    check("[x](y)", "&#91;x&#93;&#40;y&#41;");
    check("\u{202e}x", " x");
    assert!(cell(&"x".repeat(10_000)).chars().count() <= 401);
    assert!(cell(&"#".repeat(10_000)).len() < 420);
}

#[test]
fn markdown_that_is_too_long_says_what_is_left_out() {
    let table = |title: &str| Table {
        title: title.to_owned(),
        head: vec![String::new(), "count".to_owned()],
        rows: vec![vec!["<".repeat(400), "1".to_owned()]; 100],
    };
    let made = Made {
        tables: ["first", "second", "third", "fourth", "fifth"]
            .map(table)
            .into(),
        ..Made::default()
    };
    let text = form(&made, Form::Markdown);
    assert!(text.chars().count() < 65_536, "{}", text.len());
    assert!(text.contains("first") && text.contains("and 60 more"));
    assert!(text.contains("2 more tables did not fit"), "{text}");
}
