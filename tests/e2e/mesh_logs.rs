//! Lines of the log that lead to the trace of the call within which they were written.

use rustix::process::Signal;
use serde_json::Value;
use tonic::Request;
use waika::v1;

use crate::security_identity::CALLERS;
use crate::support::{Home, Server};
use crate::wallet::{PHONE, send_phone_code};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

/// A call that names its caller's trace, if it is to.
fn traced<T>(message: T, flags: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(flags) = flags {
        let named = format!("00-{TRACE}-{SPAN}-{flags}").parse().unwrap();
        request.metadata_mut().insert("traceparent", named);
    }
    request
}

/// The trace and the span of each line that says this, in their order.
async fn told(server: Server, says: &str) -> Vec<(String, String)> {
    let stopped = tokio::task::spawn_blocking(|| server.stop_and_read_log());
    let (log, _home): (String, Home) = stopped.await.unwrap();
    let lines = log.lines().map(serde_json::from_str::<Value>);
    let lines = lines.map(Result::unwrap);
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines
        .filter(|line| line["fields"]["message"] == says)
        .map(|line| (text(&line, "trace_id"), text(&line, "span_id")))
        .collect()
}

/// Asks for phone codes that cannot be sent, which a line tells of each: in the caller's trace, and in none.
async fn ask_for_codes(more: &[&str], flags: &str) -> Vec<(String, String)> {
    let arguments = [&["--log", "json", "--sms-gateway", NOBODY], more].concat();
    let server = Server::start_with(&arguments);
    let mut cards = server.cards().await;
    for (account, flags) in [("traced", Some(flags)), ("other", None)] {
        let asked = send_phone_code(account, PHONE);
        cards.send_phone_code(traced(asked, flags)).await.unwrap();
    }
    told(server, "did not answer").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_a_traced_call_names_its_caller_s_trace_and_its_own_span() {
    let collector = ["--otlp-endpoint", NOBODY, "--trace-sample", "0"];
    let told = ask_for_codes(&collector, "01").await;
    let [(trace, span), other] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(trace, TRACE);
    assert!(span.len() == 16 && span != SPAN, "{told:?}");
    assert_eq!(other, &(String::new(), String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_of_a_call_that_is_not_traced_names_what_its_caller_did() {
    let named = (TRACE.to_owned(), SPAN.to_owned());
    let none = (String::new(), String::new());
    for (more, flags) in [
        (&[][..], "01"),
        (&[], "00"),
        (&["--otlp-endpoint", NOBODY], "00"),
    ] {
        let told = ask_for_codes(more, flags).await;
        assert_eq!(told, [named.clone(), none.clone()], "{more:?} {flags}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_leads_to_the_trace_of_who_was_denied() {
    let home = Home::new();
    let callers = home.data().parent().unwrap().join("callers.toml");
    std::fs::write(&callers, CALLERS).unwrap();
    let arguments = ["--log", "json", "--callers", callers.to_str().unwrap()];
    let proxy = [
        "--identity-header",
        "l5d-client-id",
        "--identity-proxy",
        "127.0.0.1",
    ];
    let server = Server::start_in(home, &[&arguments[..], &proxy].concat());
    let asked = v1::GetAccountRequest {
        account_id: "marie".to_owned(),
    };
    let mut cards = server.cards().await;
    let denied = cards.get_account(traced(asked, Some("01"))).await;
    denied.unwrap_err();
    let told = told(server, "a call was denied").await;
    assert_eq!(told, [(TRACE.to_owned(), SPAN.to_owned())]);
}

#[test]
fn a_line_outside_every_call_names_no_trace() {
    let server = Server::start_with(&["--log", "json"]);
    server.signal(Signal::TERM);
    let (log, _home) = server.stop_and_read_log();
    assert!(
        log.contains("listening") && !log.contains("trace_id"),
        "{log}"
    );
}
