//! What a report tells besides: the server's own account of its time, schemes of cards apart, and
//! declines by their reason. Held against the real binary; nothing here is timed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds the world broken fails"
)]

mod reports;
mod stub;
mod support;

use reports::{SHORT, number, report};
use serde_json::Value;
use stub::{Stub, decided};
use support::{Floor, check, said};
use waika::v1::{
    Approval, AuthoriseRequest, AuthoriseResponse, Decline, DeclineReason, Timing, authorisation,
};

fn approved() -> AuthoriseResponse {
    decided(authorisation::Outcome::Approval(Approval::default()))
}

fn declined(reason: DeclineReason, response_code: &str) -> AuthoriseResponse {
    decided(authorisation::Outcome::Decline(Decline {
        reason: reason.into(),
        response_code: response_code.to_owned(),
        ..Decline::default()
    }))
}

/// Approves, and tells of a tenth of a microsecond or so where it is asked to.
fn telling(request: &AuthoriseRequest) -> AuthoriseResponse {
    AuthoriseResponse {
        timing: request.want_timing.then_some(Timing {
            queue_ns: 10,
            rules_ns: 20,
            issuer_ns: 40,
            commit_ns: 30,
            total_ns: 110,
        }),
        ..approved()
    }
}

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [SHORT.as_slice(), arguments].concat()
}

#[test]
fn a_server_that_tells_its_time_has_a_table_of_it() {
    let stub = Stub::start(|request, _| Ok(telling(request)));
    let (output, report) = report(&stub.url, &with(&["--timing", "--workers", "2"]));
    let text = said(&output.stdout);
    let timing = &report["timing"];
    assert_eq!(timing["answers_with"], report["counts"]["answered"]);
    assert_eq!(number(&timing["answers_without"]), 0);
    assert_eq!(number(&timing["answers_implausible"]), 0);
    for (part, ns) in [
        ("queue", 10),
        ("rules", 20),
        ("issuer", 40),
        ("commit", 30),
        ("total", 110),
        ("server_own", 70),
    ] {
        assert_eq!(timing[part]["count"], timing["answers_with"], "{part}");
        for percentile in ["p50_ns", "p99_ns", "max_ns"] {
            assert_eq!(number(&timing[part][percentile]), ns, "{part} {percentile}");
        }
        assert!(timing[part]["p99.9_ns"].is_null(), "800 do not support it");
    }
    let network = &timing["network_and_client"];
    assert!(number(&network["max_ns"]) < number(&report["service"]["max_ns"]) * 101 / 100);
    assert!(number(&network["p50_ns"]) > 1_000);
    for words in [
        "Where the server's time went",
        "queue",
        "server's own",
        "network and client",
        "110 ns",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn a_server_that_tells_none_of_its_time_is_said_to() {
    let floor = Floor::start("per-core");
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let path = page.to_str().unwrap();
    let (output, report) = report(&floor.url, &with(&["--timing", "--html", path]));
    floor.stop();
    let text = said(&output.stdout);
    let timing = &report["timing"];
    assert_eq!(number(&timing["answers_with"]), 0);
    assert_eq!(timing["answers_without"], report["counts"]["answered"]);
    assert!(text.contains("No server timing came"), "{text}");
    assert!(!text.contains("network and client"), "{text}");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("No server timing came"));
}

#[test]
fn a_timing_that_nobody_asked_for_is_in_no_report() {
    let stub = Stub::start(|request, _| {
        assert!(!request.want_timing);
        Ok(telling(&AuthoriseRequest {
            want_timing: true,
            ..request.clone()
        }))
    });
    let (output, report) = report(&stub.url, &SHORT);
    assert!(report["timing"].is_null() && report["schemes"].is_null());
    assert!(!said(&output.stdout).contains("timing"));
}

#[test]
fn a_time_that_cannot_be_is_counted_and_shown_nowhere() {
    let stub = Stub::start(|request, asked| {
        let mut answer = telling(request);
        if asked.is_multiple_of(2)
            && let Some(timing) = &mut answer.timing
        {
            timing.total_ns = 3_600_000_000_000;
        }
        Ok(answer)
    });
    let (output, report) = report(&stub.url, &with(&["--timing"]));
    let timing = &report["timing"];
    let (with, implausible) = (
        number(&timing["answers_with"]),
        number(&timing["answers_implausible"]),
    );
    assert!(with > 0 && implausible > 0);
    assert_eq!(with + implausible, number(&report["counts"]["answered"]));
    assert_eq!(number(&timing["total"]["max_ns"]), 110);
    let text = said(&output.stdout);
    assert!(text.contains("more time than their round trip"), "{text}");
}

/// Approves the accounts whose person has a Visa card, and gets no answer for the others' issuer.
fn by_card(request: &AuthoriseRequest) -> AuthoriseResponse {
    let (_, person) = request.account_id.rsplit_once('-').unwrap();
    if person.parse::<u64>().unwrap().is_multiple_of(6) {
        approved()
    } else {
        declined(DeclineReason::IssuerUnavailable, "91")
    }
}

#[test]
fn schemes_are_told_apart() {
    let stub = Stub::start(|request, _| Ok(by_card(request)));
    let arguments = ["--scheme", "visa=50,jcb=50", "--by-scheme"];
    let (output, report) = report(&stub.url, &with(&arguments));
    let schemes = report["schemes"].as_array().unwrap();
    let names: Vec<&Value> = schemes.iter().map(|scheme| &scheme["scheme"]).collect();
    assert_eq!(names, ["visa", "jcb"]);
    assert_eq!(report["plan"]["schemes"], "visa=50,jcb=50");
    let [visa, jcb] = [&schemes[0], &schemes[1]];
    let mut sent = 0;
    for (scheme, ended, never) in [
        (visa, "approved", "declined"),
        (jcb, "declined", "approved"),
    ] {
        let count = number(&scheme["counts"][ended]);
        assert_eq!(number(&scheme["accounts"]), 50);
        assert_eq!(number(&scheme["response"]["count"]), count);
        assert_eq!(number(&scheme["counts"][never]), 0);
        assert!(count > 300, "{count} of about 400");
        assert!(scheme["response"]["p50_ns"].is_u64());
        sent += count;
    }
    assert_eq!(sent, number(&report["counts"]["sent"]));
    let text = said(&output.stdout);
    for words in [
        "Response times by scheme",
        "\nvisa ",
        "\njcb ",
        "(cards visa=50,jcb=50)",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn declines_are_told_by_their_reason() {
    let stub = Stub::start(|_, asked| {
        Ok(match asked % 4 {
            0 => declined(DeclineReason::IssuerUnavailable, "91"),
            1 => declined(DeclineReason::LimitMonth, "61"),
            _ => approved(),
        })
    });
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let path = page.to_str().unwrap();
    let (output, report) = report(&stub.url, &with(&["--html", path]));
    let page = std::fs::read_to_string(page).unwrap();
    let text = said(&output.stdout);
    let outcomes = report["outcomes"].as_array().unwrap();
    for name in ["ISSUER_UNAVAILABLE", "LIMIT_MONTH"] {
        let outcome = outcomes.iter().find(|outcome| outcome["name"] == name);
        let outcome = outcome.unwrap_or_else(|| panic!("no {name} in {report}"));
        let count = number(&outcome["count"]);
        assert_eq!(outcome["kind"], "decline");
        // About 200, but which fell into the warm-up is chance.
        assert!((100..300).contains(&count), "{count} {name}");
        let row = format!("decline  {name:<28}{count:>12}");
        assert!(text.contains(&row), "no {row:?} in {text}");
        let row = format!("{name}</th><td class=\"word\">decline</td><td>{count}</td>");
        assert!(page.contains(&row), "no {row:?}");
    }
    let declined = outcomes
        .iter()
        .filter(|outcome| outcome["kind"] == "decline");
    let declined: u64 = declined.map(|outcome| number(&outcome["count"])).sum();
    let approved = number(&report["counts"]["answered"]) - declined;
    assert!(approved > 0, "a decline is an answer and no error");
    assert_eq!(number(&report["counts"]["errors"]), 0);
}

#[test]
fn shares_that_are_none_are_named_with_the_mend() {
    let words = ["--scheme", "amex", "diners_club"];
    check(&["run", "--scheme", "amex=1"], 64, &words);
    check(&["provision", "--scheme", "amex=1"], 64, &words);
    check(&["quickstart", "--scheme", "amex=1"], 64, &words);
    check(
        &["run", "--scheme", "visa=half"],
        64,
        &["visa=half", "whole"],
    );
}
