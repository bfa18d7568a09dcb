//! What a mesh does to a server on its bad days: connections cut in the middle, scrapes while it drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;

use crate::support::{Home, Server};
use crate::wallet::{Callers, decision, pay};

/// Far longer than all of it: who waits so long waits for ever.
const LONGEST: Duration = Duration::from_secs(120);

/// A proxy that cuts each connection after some bytes of answers, wherever that is: in a frame, behind a decision that
/// nobody hears, before the first byte.
struct Cutting {
    at: SocketAddr,
    cut: Arc<AtomicU64>,
}

impl Cutting {
    async fn start(server: &str) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let cut = Arc::new(AtomicU64::new(0));
        let cuts = Arc::clone(&cut);
        tokio::spawn(async move {
            let mut random = ChaCha8Rng::seed_from_u64(11);
            while let Ok((client, _)) = listener.accept().await {
                let bytes = random.random_range(0..4_000);
                let (server, cuts) = (server.clone(), Arc::clone(&cuts));
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    carry(client, server, bytes).await;
                    cuts.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Self { at, cut }
    }
}

/// Carries bytes to and fro until so many have come back, or either end goes.
pub(crate) async fn carry(mut client: TcpStream, mut server: TcpStream, mut left: usize) {
    let (mut there, mut back) = ([0; 1_024], [0; 1_024]);
    while left > 0 {
        let went_on = tokio::select! {
            read = client.read(&mut there) => match read {
                Ok(read) if read > 0 => server.write_all(&there[..read]).await.is_ok(),
                _ => false,
            },
            read = server.read(&mut back) => match read {
                Ok(read) if read > 0 => {
                    let carried = read.min(left);
                    left -= carried;
                    client.write_all(&back[..carried]).await.is_ok()
                }
                _ => false,
            },
        };
        if !went_on {
            return;
        }
    }
}

/// Whoever hears nothing sends the same again, with the same key: it counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_whose_connections_are_cut_count_once() {
    const EACH: u64 = 60;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let proxy = Cutting::start(server.rpc_address()).await;
    let channel = Endpoint::from_shared(format!("http://{}", proxy.at)).unwrap();
    let mut crowd = JoinSet::new();
    for who in 0..4 {
        let channel = channel.connect_lazy();
        let card = card.clone();
        crowd.spawn(async move {
            let mut client = AuthorisationServiceClient::new(channel);
            let mut replays = 0_u64;
            for number in 0..EACH {
                let payment = pay("a", &card, &format!("{who} {number}"), 1);
                // No deadline: what a mesh cuts has to end by itself.
                let answer = loop {
                    match client.authorise(payment.clone()).await {
                        Ok(answer) => break answer.into_inner(),
                        Err(_) => sleep(Duration::from_millis(1)).await,
                    }
                };
                assert_eq!(decision(&answer), "APPROVED");
                replays += u64::from(answer.replayed);
            }
            replays
        });
    }
    let mut replays = 0;
    while let Some(one) = timeout(LONGEST, crowd.join_next()).await.expect("in time") {
        replays += one.unwrap();
    }
    let (month, _) = callers.used("a").await;
    assert_eq!(u64::try_from(month).unwrap(), 4 * EACH);
    let cut = proxy.cut.load(Ordering::Relaxed);
    assert!(cut > 10, "{cut} connections were cut");
    assert!(replays > 0, "each answer that was cut off is given again");
    // Nothing of the cut ones is left.
    let open = "waika_connections_open{listener=\"rpc\"}";
    drop(channel);
    while server.figure(open).await.unwrap() > 3.0 {
        sleep(Duration::from_millis(20)).await;
    }
    eprintln!(
        "{} payments, {cut} connections cut, {replays} answers given again",
        4 * EACH
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drains_is_still_scraped_and_answers_until_it_goes() {
    let server = Server::start_with(&["--drain-wait", "1500ms"]);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    server.signal(Signal::TERM);
    // It says so, and goes on as long as it promised.
    sleep(Duration::from_millis(200)).await;
    let answer = callers.authorise(pay("a", &card, "k", 1)).await.unwrap();
    assert_eq!(decision(&answer), "APPROVED");
    let page = server.metrics().await;
    for name in [
        "waika_build_info",
        "grpc_server_handled_total",
        "process_cpu_seconds_total",
    ] {
        assert!(page.contains(name), "{name}");
    }
    let ended = tokio::task::spawn_blocking(|| server.ended());
    let (status, _home): (_, Home) = ended.await.unwrap();
    assert!(status.success(), "{status}");
}
