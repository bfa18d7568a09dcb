//! What is counted of calls, and how it is told.

use super::*;

const PATH: &str = "/waika.v1.AuthorisationService/Authorise";
const LABELS: &str =
    "grpc_type=\"unary\",grpc_service=\"waika.v1.AuthorisationService\",grpc_method=\"Authorise\"";

fn has(page: &str, line: &str) {
    assert!(page.lines().any(|told| told == line), "{line}\n{page}");
}

#[test]
fn cores_are_added_up() {
    let metrics = CallMetrics::new(None);
    let cores = [metrics.add_core(), metrics.add_core()];
    let began = monotonic();
    for (core, code, microseconds) in [
        (0, Code::Ok, 9),
        (1, Code::Ok, 10),
        (0, Code::Unavailable, 11),
        (1, Code::Ok, 11_000_000),
    ] {
        let mut counted = cores[core].begin(PATH, &HeaderMap::new());
        counted.began = began;
        counted.end_at(Ended(code), began + Duration::from_micros(microseconds));
    }
    let page = metrics.render();
    has(&page, &format!("grpc_server_started_total{{{LABELS}}} 4"));
    has(
        &page,
        &format!("grpc_server_handled_total{{{LABELS},grpc_code=\"OK\"}} 3"),
    );
    has(
        &page,
        &format!("grpc_server_handled_total{{{LABELS},grpc_code=\"Unavailable\"}} 1"),
    );
    for (end, count) in [("0.00001", 2), ("0.000025", 3), ("10", 3), ("+Inf", 4)] {
        has(
            &page,
            &format!("grpc_server_handling_seconds_bucket{{{LABELS},le=\"{end}\"}} {count}"),
        );
    }
    has(
        &page,
        &format!("grpc_server_handling_seconds_sum{{{LABELS}}} 11.000030000"),
    );
    has(
        &page,
        &format!("grpc_server_handling_seconds_count{{{LABELS}}} 4"),
    );
}

#[test]
fn every_method_begins_at_zero_and_what_is_unknown_is_one() {
    let metrics = CallMetrics::new(None);
    for path in ["/waika.v1.CardService/Nothing", "/", "", "/a/b/c"] {
        metrics
            .add_core()
            .begin(path, &HeaderMap::new())
            .end(Ended(Code::Unimplemented));
    }
    let page = metrics.render();
    let unknown = "grpc_type=\"unary\",grpc_service=\"unknown\",grpc_method=\"unknown\"";
    has(
        &page,
        &format!("grpc_server_handled_total{{{unknown},grpc_code=\"Unimplemented\"}} 4"),
    );
    has(
        &page,
        &format!("grpc_server_handled_total{{{LABELS},grpc_code=\"OK\"}} 0"),
    );
    assert!(
        !page.contains("Nothing")
            && !page.contains("_bucket{grpc_type=\"unary\",grpc_service=\"waika")
    );
    let stream = "grpc_type=\"bidi_stream\",grpc_service=\"waika.v1.AuthorisationService\",\
                  grpc_method=\"AuthoriseStream\"";
    has(&page, &format!("grpc_server_started_total{{{stream}}} 0"));
}

#[test]
fn a_call_that_is_dropped_was_wanted_no_longer() {
    let metrics = CallMetrics::new(None);
    drop(metrics.add_core().begin(PATH, &HeaderMap::new()));
    has(
        &metrics.render(),
        &format!("grpc_server_handled_total{{{LABELS},grpc_code=\"Canceled\"}} 1"),
    );
}
