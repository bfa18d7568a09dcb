//! Logs as they are written, read, and refused.

use std::collections::BTreeMap;

use super::*;
use crate::recorder::{Sample, histogram};
use crate::report::html::samples;

const SECOND_NS: u64 = 1_000_000_000;

fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap_or_else(|| panic!("{text} is no tag"))
}

/// Three seconds of two outcomes.
fn intervals() -> Intervals {
    let mut intervals = Intervals::of(SECOND_NS);
    for second in 0..3 {
        for (name, count) in [("answer.approved", 50), ("decline.LIMIT_MONTH", 5)] {
            let mut times = Times::new();
            for number in 0..count {
                times.record(Sample {
                    due_ns: 0,
                    sent_ns: number * 10,
                    done_ns: 1_000_000 + number * number * 1_000 * (second + 1),
                });
            }
            for which in Which::ALL {
                let tag = tag(&format!("{}.{name}", which.label()));
                intervals.add(second * SECOND_NS, tag, which.of(&times));
            }
        }
    }
    intervals
}

fn head() -> Head {
    let mut head = Head::of(
        &samples::open_loop(100, 3),
        Some("version = 1\n"),
        1_790_000_000_123_000_000,
    );
    head.counts.sent = 165;
    head.counts.planned = 165;
    (
        head.counts.dropped,
        head.counts.skipped,
        head.counts.not_connected,
    ) = (0, 0, 0);
    head
}

fn text() -> String {
    write(head(), &intervals()).unwrap()
}

#[test]
fn tags_are_read_as_they_are_written() {
    for text in [
        "response.answer.approved",
        "service.decline.LIMIT_MONTH",
        "lag.open.timed_out",
        "response.grpc.UNAVAILABLE",
        "response.failure.transport_error",
    ] {
        assert_eq!(tag(text).text(), text);
    }
    for bad in [
        "",
        "response",
        "response.answer",
        "response.answer.",
        "wait.answer.approved",
        "response.guess.approved",
        "response.answer.a b",
        "response.answer.a.b",
    ] {
        assert_eq!(Tag::parse(bad), None, "{bad}");
    }
    assert!(tag("lag.grpc.ABORTED").ending.is_error());
    assert!(!tag("lag.open.timed_out").ending.is_error());
    assert!(tag("lag.grpc.UNIMPLEMENTED").ending.is_tool_failure());
}

#[test]
fn a_log_is_read_as_it_was_written() {
    let text = text();
    let (head, read) = parse("a.hlog", text.as_bytes()).unwrap();
    assert_eq!(read, intervals());
    assert_eq!((head.lines, head.interval_ns), (18, SECOND_NS));
    assert_eq!(head.plan_text.as_deref(), Some("version = 1\n"));
    // Line by line, as the tools of others want it.
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.contains(&"#[StartTime: 1790000000.123 (seconds since epoch)]"),
        "{text}"
    );
    assert!(lines.contains(&"#[BaseTime: 1790000000.123 (seconds since epoch)]"));
    let first = lines.iter().find(|line| !line.starts_with('#')).unwrap();
    assert!(
        first.starts_with("Tag=response.answer.approved,0.000,1.000,3.4"),
        "{first}"
    );
    assert!(first.contains(",HISTFAAAA"), "{first}");
}

#[test]
fn sums_have_every_sample() {
    let sums = intervals().sums();
    let counts: Vec<u64> = sums.values().map(|times| times.service.len()).collect();
    assert_eq!(counts, [150, 15]);
    let intervals = intervals();
    let responses: Vec<(u64, u64)> = intervals
        .responses()
        .map(|(since_ns, histogram)| (since_ns / SECOND_NS, histogram.len()))
        .collect();
    assert_eq!(
        responses,
        [(0, 50), (0, 5), (1, 50), (1, 5), (2, 50), (2, 5)]
    );
    let places: Vec<u64> = intervals.response_places().collect();
    assert_eq!((places.len(), places[5]), (6, 2 * SECOND_NS));
}

#[test]
fn intervals_are_joined_when_there_are_too_many() {
    let mut intervals = Intervals::for_length(0);
    let mut one = histogram();
    one.saturating_record(7);
    for second in 0..1_500 {
        intervals.add(second * SECOND_NS, tag("lag.answer.approved"), &one);
    }
    assert_eq!(intervals.length_ns(), 4 * SECOND_NS);
    let counts: BTreeMap<u64, u64> = intervals
        .all()
        .map(|(place, _, one)| (place, one.len()))
        .collect();
    assert_eq!(counts.len(), 375);
    assert!(counts.values().all(|count| *count == 4));
    assert_eq!(
        Intervals::for_length(600 * SECOND_NS).length_ns(),
        SECOND_NS
    );
    assert_eq!(
        Intervals::for_length(601 * SECOND_NS).length_ns(),
        2 * SECOND_NS
    );
}

#[test]
fn logs_are_added_interval_by_interval() {
    let mut sum = intervals();
    sum.merge(&intervals());
    assert_eq!(sum.len(), intervals().len());
    for (place, tag, one) in sum.all() {
        let mut twice = histogram();
        let all = intervals();
        let (_, _, half) = all
            .all()
            .find(|(p, t, _)| (*p, *t) == (place, tag))
            .unwrap();
        twice.add(&half).unwrap();
        twice.add(&half).unwrap();
        assert_eq!(one, twice);
    }
}

/// Changes a log, and checks what is said of it.
fn refused(change: impl FnOnce(String) -> String, words: &[&str]) {
    let told = parse("a.hlog", change(text()).as_bytes())
        .map(drop)
        .unwrap_err();
    let told = told.to_string();
    for word in words {
        assert!(told.contains(word), "no {word:?} in: {told}");
    }
}

#[test]
fn what_is_no_log_of_ours_is_refused_with_its_line() {
    refused(|_| String::new(), &["a.hlog:1:", "no histogram log"]);
    refused(|_| "{}".to_owned(), &["a.hlog:1:", "no histogram log"]);
    let foreign = "#[Histogram log format version 1.2]\n1.0,1.0,2.0,HISTFAAAA\n";
    refused(|_| foreign.to_owned(), &["a.hlog:1:", "another program"]);
    refused(
        |text| text.replace("hlog/1", "hlog/2"),
        &["a.hlog:2:", "hlog/2", "version"],
    );
    refused(
        |text| text.replace("\"counts\"", "\"count\""),
        &["a.hlog:2:", "counts"],
    );
    refused(
        |text| text.replacen("{\"schema", "{schema", 1),
        &["a.hlog:2:", "damaged"],
    );
}

#[test]
fn what_is_damaged_is_refused_with_its_line() {
    refused(
        |text| text[..text.len() - 9].to_owned(),
        &["a.hlog:24:", "middle of a line"],
    );
    let without_last = |text: String| {
        let lines: Vec<&str> = text.lines().collect();
        lines[..lines.len() - 1].join("\n") + "\n"
    };
    refused(without_last, &["a.hlog:23:", "17 lines", "18"]);
    refused(
        |text| text.replacen("HISTFAAAA", "HISTFAAAB", 1),
        &["a.hlog:7:", "damaged"],
    );
    refused(
        |text| text.replacen("HISTFAAAA", "HIST!AAAA", 1),
        &["a.hlog:7:", "base64"],
    );
    refused(
        |text| text.replacen("Tag=response.", "Tag=wait.", 1),
        &["a.hlog:7:", "tag"],
    );
    refused(
        |text| text.replacen(",1.000,1.000,", ",1.300,1.000,", 1),
        &["a.hlog:", "interval of 1 s"],
    );
    refused(
        |text| {
            let text = text.replacen("\"sent\":165", "\"sent\":166", 1);
            text.replacen("\"planned\":165", "\"planned\":166", 1)
        },
        &["a.hlog:2:", "166", "165"],
    );
    refused(|text| text + "rubbish\n", &["a.hlog:25:", "no line"]);
}

#[test]
fn what_cannot_be_of_a_run_is_refused_with_its_line() {
    let change = |from: &'static str, to: &'static str| {
        move |text: String| {
            assert!(text.contains(from), "no {from} in {text}");
            text.replacen(from, to, 1)
        }
    };
    refused(
        change("\"planned\":165", "\"planned\":166"),
        &["a.hlog:2:", "166 requests were planned", "165 were sent"],
    );
    refused(
        change("\"dropped\":0", "\"dropped\":18446744073709551615"),
        &["a.hlog:2:", "165 requests were planned"],
    );
    refused(
        change("\"interval_ns\":1000000000", "\"interval_ns\":1"),
        &["a.hlog:2:", "1 ns long", "whole seconds"],
    );
    refused(
        change("\"interval_ns\":1000000000", "\"interval_ns\":0"),
        &["a.hlog:2:", "0 ns long"],
    );
    refused(
        change(",2.000,1.000,", ",90000.000,1.000,"),
        &["a.hlog:", "begins 90000 s after", "measured 3 s"],
    );
}

#[test]
fn a_head_does_not_command_a_terminal() {
    let mut head = head();
    head.host.name = "\u{1b}[31mhost".to_owned();
    let text = write(head, &intervals()).unwrap();
    let (head, _) = parse("a.hlog", text.as_bytes()).unwrap();
    assert_eq!(head.host.name, "\u{fffd}[31mhost");
}

#[test]
fn any_single_changed_byte_is_noticed_or_harmless() {
    let text = text();
    let (_, whole) = parse("a.hlog", text.as_bytes()).unwrap();
    let first = text.find("HISTFAAAA").unwrap();
    let end = text[first..].find('\n').unwrap() + first;
    for place in (first..end).step_by(7) {
        let mut bytes = text.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        if let Ok((_, read)) = parse("a.hlog", &bytes) {
            assert_eq!(read, whole, "{place}");
        }
    }
}

#[test]
fn histograms_of_another_range_are_refused() {
    let mut other = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1_000_000, 2).unwrap();
    other.record(5).unwrap();
    let told = codec::decode(&codec::encode(&other)).unwrap_err();
    assert!(
        told.contains("another range") && told.contains("1000000"),
        "{told}"
    );
}
