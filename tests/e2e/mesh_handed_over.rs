//! A socket that outlives its server: who calls while one ends and the next one begins is answered by the next.

use std::error::Error as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::support::{Home, Server, number};
use crate::wallet::{Callers, decision, pay};

/// A command that finds these sockets where systemd would put them, behind its standard streams.
fn with_sockets(home: &Home, sockets: &[&dyn Socket]) -> Command {
    let server = home.command();
    let mut command = Command::new("bash");
    let places = sockets.iter().zip(3..);
    let moved: String = places
        .map(|(socket, place)| {
            // Inherited by what is started now, which closes what it is not handed.
            fcntl_setfd(socket.as_fd(), FdFlags::empty()).unwrap();
            [
                " ",
                &place.to_string(),
                "<&",
                &socket.as_raw_fd().to_string(),
            ]
            .concat()
        })
        .collect();
    let script = format!(
        "export LISTEN_PID=$$ LISTEN_FDS={}; exec \"$@\"{moved}",
        sockets.len()
    );
    command.args(["-c", &script, "bash"]);
    command.arg(server.get_program()).args(server.get_args());
    for (name, value) in server.get_envs() {
        command.env(name, value.unwrap());
    }
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command
}

trait Socket: AsFd + AsRawFd {}
impl Socket for TcpListener {}
impl Socket for UdpSocket {}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn start(home: Home, sockets: &[&dyn Socket]) -> Server {
    let mut command = with_sockets(&home, sockets);
    match Server::try_start(&mut command, home) {
        Ok(server) => server,
        Err(ended) => panic!("{}: {}", ended.status, ended.text),
    }
}

#[tokio::test]
async fn all_three_are_taken_in_their_order() {
    let sockets = [listener(), listener(), listener()];
    let [rpc, admin, metrics] = sockets.each_ref().map(|(socket, _)| socket);
    let server = start(Home::new(), &[rpc, admin, metrics]);
    let told = [
        server.rpc_address(),
        server.admin_address(),
        server.metrics_address(),
    ];
    assert_eq!(
        told,
        sockets.each_ref().map(|(_, at)| format!("http://{at}"))
    );
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.authorise(pay("a", &card, "1", 100)).await.unwrap();
    assert!(server.metrics().await.contains("waika_build_info"));
    assert!(server.stop(Signal::TERM).0.success());
}

/// The server turns it away, or the client found its connection closed before it sent anything: tonic calls that
/// cancelled where others send again without a word.
fn is_not_there(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable => true,
        Code::Cancelled => status.source().is_some(),
        _ => false,
    }
}

/// F13 on one node, short: `WAIKA_RESTARTS=50` is its length (`tests/interop/run.sh --rolling 50` does it
/// behind a proxy).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_load_fail_no_call_that_is_sent_once_more() {
    let restarts = number("WAIKA_RESTARTS").unwrap_or(4);
    let (socket, _) = listener();
    let mut server = start(Home::new(), &[&socket]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let again = Arc::new(AtomicU64::new(0));
    let mut crowd = JoinSet::new();
    for who in 0..4 {
        let (mut callers, card) = (callers.clone(), card.clone());
        callers.authorisations = server.authorisations().await;
        let (is_over, again) = (Arc::clone(&is_over), Arc::clone(&again));
        crowd.spawn(async move {
            let mut sent = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                let payment = pay("a", &card, &format!("{who} {sent}"), 1);
                let mut answer = callers.authorise(payment.clone()).await;
                // As a client does with the service config: once more, and only if nothing is there.
                if answer.as_ref().is_err_and(is_not_there) {
                    again.fetch_add(1, Ordering::Relaxed);
                    answer = callers.authorise(payment).await;
                }
                let answer = answer.unwrap_or_else(|status| panic!("{who} {sent}: {status}"));
                assert_eq!(decision(&answer), "APPROVED");
                sent += 1;
            }
            sent
        });
    }
    for _ in 0..restarts {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let (status, home) = server.stop(Signal::TERM);
        assert!(status.success(), "{status}");
        server = start(home, &[&socket]);
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    while let Some(one) = crowd.join_next().await {
        sent += one.unwrap();
    }
    let (month, _) = Callers::of(&server).await.used("a").await;
    assert_eq!(u64::try_from(month).unwrap(), sent);
    let again = again.load(Ordering::Relaxed);
    eprintln!(
        "F13: {restarts} restarts of one node, {sent} calls, {again} of them sent once more, 0 failed"
    );
}

#[test]
fn what_cannot_be_taken_is_named() {
    let [one, two, three, four] = [(); 4].map(|()| listener().0);
    let elsewhere = TcpListener::bind("127.0.0.2:0").unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let cases: [(&[&dyn Socket], &str); 4] = [
        (
            &[&one, &two, &three, &four],
            "LISTEN_FDS: 4 sockets are handed over, and there are 3 listeners",
        ),
        (
            &[&datagrams],
            "LISTEN_FDS: socket 1, for --listen, is of no use",
        ),
        (
            &[&elsewhere],
            "LISTEN_FDS: socket 1, for --listen, listens on 127.0.0.2:",
        ),
        (
            &[&one, &elsewhere],
            "LISTEN_FDS: socket 2, for --admin-listen, listens on 127.0.0.2:",
        ),
    ];
    for (sockets, expected) in cases {
        let home = Home::new();
        let mut command = with_sockets(&home, sockets);
        let Err(ended) = Server::try_start(&mut command, home) else {
            panic!("{expected}: it serves");
        };
        assert_eq!(ended.status.code(), Some(64), "{}", ended.text);
        assert!(ended.text.contains(expected), "{expected}\n{}", ended.text);
    }
}
