//! `waika-server health`: what a probe is told, and by which code.

use std::net::TcpListener;

use rustix::process::Signal;

use crate::support::{Server, waika};
use crate::{check, run};

/// What is printed, and the exit code.
fn told(line: &str) -> (String, Option<i32>) {
    let output = run(&format!("health {line}"));
    let stdout = String::from_utf8(output.stdout).unwrap();
    (stdout, output.status.code())
}

#[test]
fn a_server_that_serves_is_told_by_zero_and_one_that_drains_by_75() {
    let server = Server::start("--drain-wait 60s");
    let (callers, operators) = (server.rpc(), server.admin());
    let serving = ("SERVING\n".to_owned(), Some(0));
    for line in [
        format!("--address http://{callers}"),
        format!("--address http://{callers} --service waika.v1.CardService"),
        format!("--address http://{operators} --service waika.v1.AdminService"),
    ] {
        assert_eq!(told(&line), serving, "{line}");
    }
    server.signal(Signal::TERM);
    let line = format!("--address http://{callers} --timeout 5s");
    let not_serving = ("NOT_SERVING\n".to_owned(), Some(75));
    let end = (1..=250).find(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        told(&line) == not_serving
    });
    assert!(end.is_some(), "{:?}", told(&line));
    check(&format!("health {line}"), 75, &["takes no calls now"]);
}

#[test]
fn a_service_that_is_not_there_is_a_mistake_of_whoever_asks() {
    let server = Server::start("");
    let line = format!("health --address http://{}", server.rpc());
    let line = format!("{line} --service waika.v1.AdminService");
    check(&line, 64, &["--service", "no service of that name"]);
}

#[test]
fn nobody_and_somebody_else_are_told_from_a_server() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let line = format!("health --address http://{address} --timeout 200ms");
    check(&line, 69, &["--address", "says nothing within 200ms"]);
    let line = format!("health --address https://{address} --timeout 200ms");
    check(&line, 69, &["https://", "says nothing within 200ms"]);
    drop(silent);
    let line = format!("health --address http://{address}");
    check(&line, 69, &[&address.to_string(), "cannot be reached"]);
    let server = Server::start("");
    // It speaks HTTP/1.1 there, and knows no health.
    let line = format!("health --address http://{}", server.metrics());
    check(&line, 69, &["--address"]);
}

#[test]
fn every_mistake_is_named() {
    check(
        "health --address localhost --timeout soon --server-name /",
        64,
        &[
            "3 mistakes",
            "--address: \"localhost\"",
            "--timeout: \"soon\"",
            "--server-name: \"/\"",
        ],
    );
    check("health --cert a.pem", 64, &["--cert", "--key"]);
    check(
        "health --ca none.pem",
        64,
        &["--ca: \"none.pem\" cannot be read"],
    );
    check("health --listen 127.0.0.1:1", 64, &["--listen"]);
}

#[test]
fn a_probe_takes_its_address_from_the_variables_too() {
    let server = Server::start("");
    let output = waika(server.home())
        .env("WAIKA_ADDRESS", format!("http://{}", server.rpc()))
        .arg("health")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"SERVING\n");
}
