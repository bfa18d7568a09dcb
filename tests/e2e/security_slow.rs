//! S3: whoever sends next to nothing does not hold a place, and good callers go on meanwhile.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use waika::v1;

use crate::support::{Server, number};

/// How a connection begins by the book: preface, empty settings, and the acknowledgement of ours.
pub(crate) const BEGIN: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
/// A head of 16 KiB that is said to come.
const HEAD: &[u8] = b"\0\x40\0\x01\x04\0\0\0\x01";

/// What each says first, and again and again.
const SLOW: [(&[u8], &[u8]); 4] = [
    (b"", b""),
    (b"PRI", b" "),
    (b"\x16\x03\x01\x02\0\x01", b"\0"),
    (BEGIN, HEAD),
];

/// Says little until the server closes; gives for how long it did not.
async fn dribble(address: String, (first, each): (&'static [u8], &'static [u8])) -> Duration {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut next = first;
    let mut heard = [0; 4_096];
    loop {
        // Whoever is closed while it writes learns so when it reads.
        let _ = stream.write_all(next).await;
        next = each.get(..1).unwrap_or_default();
        let read = timeout(Duration::from_secs(1), stream.read(&mut heard)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            return began.elapsed();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_slow_connections_are_closed_and_give_their_places_back() {
    let count = number("WAIKA_SLOW").unwrap_or(200);
    let server = Server::start();
    let mut cards = server.cards().await;
    let mut slow = JoinSet::new();
    for place in 0..count {
        let way = SLOW[usize::try_from(place).unwrap() % SLOW.len()];
        let address = server
            .rpc_address()
            .trim_start_matches("http://")
            .to_owned();
        slow.spawn(dribble(address, way));
    }
    let mut longest = Duration::ZERO;
    while let Some(held) = slow.join_next().await {
        longest = longest.max(held.unwrap());
        // A caller who is there answers pings, and is not closed.
        let account_id = "nobody".to_owned();
        let asked = cards
            .get_account(v1::GetAccountRequest { account_id })
            .await;
        assert_eq!(asked.unwrap_err().code(), tonic::Code::NotFound);
    }
    eprintln!("S3: {count} slow connections, each closed after at most {longest:?}");
    let open = "waika_connections_open{listener=\"rpc\"}";
    for _ in 0..100 {
        if server.figure(open).await == Some(1.0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?} are open", server.figure(open).await);
}

/// Processor time of a server so far, in hundredths of a second.
fn ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    // Behind the name, which may hold anything.
    let fields: Vec<_> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    [11, 12]
        .map(|place| fields[place].parse::<u64>().unwrap())
        .iter()
        .sum()
}

fn open_files(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.id());
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_without_file_descriptors_nothing_spins_and_those_who_are_there_are_served() {
    let server = Server::start();
    let mut cards = server.cards().await;
    let ask = || v1::GetAccountRequest {
        account_id: "nobody".to_owned(),
    };
    cards.get_account(ask()).await.unwrap_err();
    // Room for ten more.
    let most = open_files(&server) + 10;
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &server.id().to_string()])
        .arg(format!("--nofile={most}:{most}"))
        .status();
    assert!(limited.unwrap().success());
    let address = server.rpc_address().trim_start_matches("http://");
    let mut held = Vec::new();
    for _ in 0..60 {
        // The kernel takes them, whether the server can or not.
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(BEGIN).await.unwrap();
        held.push(stream);
    }
    for _ in 0..100 {
        if open_files(&server) >= most {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        open_files(&server) >= most,
        "{} of {most}",
        open_files(&server)
    );
    let before = ticks(&server);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let spent = ticks(&server) - before;
    assert!(spent < 100, "{spent} of 200 hundredths: does it spin?");
    let status = cards.get_account(ask()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
    drop(held);
    // Whoever comes once there is room is served.
    let mut later = server.cards().await;
    let status = later.get_account(ask()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
    eprintln!(
        "S3: {spent} hundredths of a second of processor time in two seconds without descriptors"
    );
}
