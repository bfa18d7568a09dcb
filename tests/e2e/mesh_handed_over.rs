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
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};
use waika::v1::{AuthoriseRequest, AuthoriseResponse};

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

/// Far longer than a restart: who waits so long waits for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// The client found its connection closed, or told to go away, before anything was sent: tonic calls that cancelled or
/// internal, where other clients send again without a word, as often as it takes.
fn was_never_sent(status: &Status) -> bool {
    status.source().is_some() && matches!(status.code(), Code::Cancelled | Code::Internal)
}

/// One payment by a client with the service config: what never left it is sent again freely, what a server turned away
/// once more after a tenth of a second; and whether it was.
pub(crate) async fn authorise_once_more(
    callers: &mut Callers,
    payment: &AuthoriseRequest,
) -> (Result<AuthoriseResponse, Status>, bool) {
    let mut is_again = false;
    loop {
        match callers.authorise(payment.clone()).await {
            Err(status) if was_never_sent(&status) => {
                sleep(Duration::from_millis(1)).await;
            }
            Err(status) if status.code() == Code::Unavailable && !is_again => {
                is_again = true;
                sleep(Duration::from_millis(100)).await;
            }
            answer => return (answer, is_again),
        }
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
                let answer = authorise_once_more(&mut callers, &payment);
                let Ok((answer, is_again)) = timeout(LONGEST, answer).await else {
                    panic!("{who} {sent}: no answer within {LONGEST:?}");
                };
                again.fetch_add(u64::from(is_again), Ordering::Relaxed);
                let answer = answer.unwrap_or_else(|status| panic!("{who} {sent}: {status}"));
                assert_eq!(decision(&answer), "APPROVED");
                sent += 1;
            }
            sent
        });
    }
    for _ in 0..restarts {
        sleep(Duration::from_millis(150)).await;
        let (status, home) = server.stop(Signal::TERM);
        assert!(status.success(), "{status}");
        server = start(home, &[&socket]);
    }
    sleep(Duration::from_millis(150)).await;
    is_over.store(true, Ordering::Relaxed);
    let mut sent = 0;
    while let Some(one) = crowd.join_next().await {
        sent += one.unwrap();
    }
    assert!(sent > 0);
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
