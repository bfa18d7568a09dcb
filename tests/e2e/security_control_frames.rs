//! Frames that lead to no call, without end: their sender is read no further than it is allowed, and nobody else
//! waits.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;
use waika::v1;

use crate::security_slow::BEGIN;
use crate::support::Server;

const WINDOW_UPDATE: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
const PRIORITY: &[u8] = b"\0\0\x05\x02\0\0\0\0\x01\0\0\0\0\0";
/// Of a type that no RFC has, which is to be passed over (RFC 9113, 5.5).
const UNKNOWN: &[u8] = b"\0\0\0\xfa\0\0\0\0\0";

const PAUSES: &str = "waika_control_frame_pauses_total{listener=\"rpc\"}";

/// More than sockets of both sides hold, by far.
const FLOOD_BYTES: usize = 64 * 1_024 * 1_024;
/// How long a socket that takes nothing is watched.
const STILL: Duration = Duration::from_millis(300);

/// Sends the frame again and again, until nothing more is taken; gives how many bytes were.
async fn flood(stream: &mut TcpStream, frame: &[u8]) -> usize {
    let piece = frame.repeat(64 * 1_024 / frame.len());
    let mut sent = 0;
    while sent < FLOOD_BYTES {
        // A frame that was cut in two goes on where it was cut.
        let rest = &piece[sent % piece.len()..];
        match timeout(STILL, stream.write(rest)).await {
            Ok(Ok(written)) => sent += written,
            // It answers no ping either, and is given up for that after a while.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_frames_without_end_are_read_no_further_than_allowed() {
    let server = Server::start();
    let mut cards = server.cards().await;
    let address = server.rpc_address().trim_start_matches("http://");
    let mut pauses = 0.0;
    for frame in [WINDOW_UPDATE, SETTINGS, PRIORITY, UNKNOWN] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(BEGIN).await.unwrap();
        let sent = flood(&mut stream, frame).await;
        assert!(sent < FLOOD_BYTES, "type {}: all was read", frame[3]);
        let account_id = "nobody".to_owned();
        let asked = cards
            .get_account(v1::GetAccountRequest { account_id })
            .await;
        assert_eq!(asked.unwrap_err().code(), Code::NotFound);
        let so_far = server.figure(PAUSES).await.unwrap();
        assert!(so_far > pauses, "type {}: {so_far}", frame[3]);
        pauses = so_far;
    }
}
