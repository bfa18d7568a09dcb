//! A line against partners that are there, are not, come back, or speak nonsense.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderName, HeaderValue};
use metrics::Gauge;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use waika::v1;

use super::failed::Why;
use super::testing::{Authority, Issuer, Partner, eventually, payment, raw_http2};
use super::{CallFailed, Line, Method, Standing, frame};
use crate::config::Target;

type Authorise = Method<v1::AuthorisePaymentRequest, v1::AuthorisePaymentResponse>;

struct Caller {
    line: Arc<Line>,
    method: Authorise,
}

impl Caller {
    fn of(target: Target) -> Self {
        Self {
            method: Method::new(&target, "/waika.v1.IssuerService/AuthorisePayment"),
            line: Line::new("issuer", target, Gauge::noop()),
        }
    }

    async fn pay(&self, card: &str) -> Result<i64, CallFailed> {
        let frame = frame(&payment(card));
        let answer = self.line.call(&self.method, frame).await?;
        assert_eq!(answer.response_code, "00");
        Ok(answer.amount_fen)
    }
}

const fn sent(why: Why) -> Result<i64, CallFailed> {
    Err(CallFailed {
        not_sent: false,
        why,
    })
}

const NOT_SENT: Result<i64, CallFailed> = Err(CallFailed::NO_CONNECTION);

#[tokio::test]
async fn a_call_is_answered_and_an_error_told() {
    let partner = Partner::issuer(&Issuer::default());
    let caller = Caller::of(Target::plain(partner.address));
    assert_eq!(caller.pay("any").await, Ok(20_618));
    let failed = caller.pay("error").await;
    assert_eq!(failed, sent(Why::Status(14)), "without its words");
    assert_eq!(partner.connections(), 1);
}

#[tokio::test]
async fn nobody_listens_and_nothing_is_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let caller = Caller::of(Target::plain(address));
    assert_eq!(caller.pay("any").await, NOT_SENT);
    assert_eq!(caller.line.standing(), Standing::Failing);
    assert_eq!(caller.pay("any").await, NOT_SENT, "at once");
}

#[tokio::test]
async fn a_partner_that_comes_back_is_found_again() {
    let issuer = Issuer::default();
    let partner = Partner::issuer(&issuer);
    let address = partner.address;
    let caller = Caller::of(Target::plain(address));
    assert_eq!(caller.pay("any").await, Ok(20_618));

    let held = caller.pay("never");
    let cut = async {
        eventually("the call is there", async || issuer.held() == 1).await;
        drop(partner);
    };
    let (held, ()) = tokio::join!(held, cut);
    assert_eq!(
        held,
        sent(Why::BrokenOff),
        "what was sent may have been done"
    );
    eventually("it is gone", async || caller.pay("any").await == NOT_SENT).await;

    let _partner = Partner::issuer_at(address, &issuer);
    eventually("it is back", async || caller.pay("any").await == Ok(20_618)).await;
}

#[tokio::test]
async fn a_caller_that_waits_no_more_resets_its_stream() {
    let issuer = Issuer::default();
    let partner = Partner::issuer(&issuer);
    let caller = Caller::of(Target::plain(partner.address));
    let waiting = async {
        tokio::select! {
            answer = caller.pay("never") => panic!("{answer:?}"),
            () = eventually("the call is there", async || issuer.held() == 1) => {}
        }
    };
    waiting.await;
    eventually("the issuer knows", async || issuer.held() == 0).await;
    assert_eq!(caller.pay("any").await, Ok(20_618));
    assert_eq!(partner.connections(), 1);
}

#[tokio::test]
async fn certificates_are_checked_on_both_sides() {
    let (ours, other) = (Authority::new(), Authority::new());
    for (wants_ours, caller, expected) in [
        (false, ours.caller(None), Ok(0)),
        (false, other.caller(None), NOT_SENT),
        (true, ours.caller(Some(&ours)), Ok(0)),
        (true, ours.caller(Some(&other)), NOT_SENT),
        (true, ours.caller(None), NOT_SENT),
    ] {
        let server = ours.server(wants_ours);
        let answer = |respond| answer_oddly(FINE, respond);
        let address = raw_http2(Some(server), answer).await;
        let target = Target::over_tls(address, "localhost", caller.clone());
        let paid = Caller::of(target).pay("any").await;
        assert_eq!(paid, expected, "{wants_ours}");
        let target = Target::over_tls(address, "elsewhere.example", caller);
        assert_eq!(Caller::of(target).pay("any").await, NOT_SENT, "its name");
    }
}

#[tokio::test]
async fn who_does_not_speak_http2_is_sent_nothing() {
    for greeting in [
        "",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\0\0\0\x04\0\0\0\0\0garbage",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                drop(stream.write_all(greeting.as_bytes()).await);
            }
        });
        let caller = Caller::of(Target::plain(address));
        assert_eq!(caller.pay("any").await, NOT_SENT, "{greeting:?}");
    }
    // Nor who says nothing at all: the connection is accepted by the machine alone.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = Caller::of(Target::plain(silent.local_addr().unwrap()));
    assert_eq!(caller.pay("any").await, NOT_SENT);
}

/// How a partner answers that does not keep to gRPC.
#[derive(Clone, Copy)]
struct Odd {
    status: u16,
    content_type: &'static str,
    body: &'static [u8],
    trailer: Option<&'static str>,
}

const FINE: Odd = Odd {
    status: 200,
    content_type: "application/grpc+proto",
    // A response code, as protobuf has it.
    body: &[0, 0, 0, 0, 4, 0x12, 2, b'0', b'0'],
    trailer: Some("0"),
};

fn answer_oddly(odd: Odd, mut respond: SendResponse<Bytes>) {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(odd.status).unwrap();
    let content_type = HeaderValue::from_static(odd.content_type);
    response.headers_mut().insert("content-type", content_type);
    let mut stream = respond.send_response(response, false).unwrap();
    let body = Bytes::from_static(odd.body);
    stream.send_data(body, odd.trailer.is_none()).unwrap();
    if let Some(status) = odd.trailer {
        let status = HeaderValue::from_static(status);
        let trailers = [(HeaderName::from_static("grpc-status"), status)];
        stream
            .send_trailers(HeaderMap::from_iter(trailers))
            .unwrap();
    }
}

#[tokio::test]
async fn an_answer_against_the_contract_is_none() {
    static LONG: [u8; 70_000] = [0; 70_000];
    let message = FINE.body;
    for (odd, expected) in [
        (FINE, Ok(0)),
        (
            Odd {
                status: 503,
                ..FINE
            },
            sent(Why::Http(503)),
        ),
        (
            Odd {
                content_type: "text/html",
                ..FINE
            },
            sent(Why::Nonsense),
        ),
        (
            Odd {
                trailer: None,
                ..FINE
            },
            sent(Why::Nonsense),
        ),
        (
            Odd {
                trailer: Some("13"),
                ..FINE
            },
            sent(Why::Status(13)),
        ),
        (
            Odd {
                body: &message[..8],
                ..FINE
            },
            sent(Why::Nonsense),
        ),
        (
            Odd {
                body: &[0, 0, 0, 0, 1, 0xff],
                ..FINE
            },
            sent(Why::Nonsense),
        ),
        (
            Odd {
                body: &[1, 0, 0, 0, 0],
                ..FINE
            },
            sent(Why::Nonsense),
        ),
        (
            Odd {
                body: &LONG,
                ..FINE
            },
            sent(Why::Nonsense),
        ),
    ] {
        let address = raw_http2(None, move |respond| answer_oddly(odd, respond)).await;
        let caller = Caller::of(Target::plain(address));
        assert_eq!(caller.pay("any").await, expected, "{:?}", odd.body);
    }
}

#[tokio::test]
async fn a_refused_stream_was_not_sent_and_a_reset_one_was() {
    for (reason, expected) in [
        (
            Reason::REFUSED_STREAM,
            Err(CallFailed {
                not_sent: true,
                why: Why::Refused,
            }),
        ),
        (Reason::INTERNAL_ERROR, sent(Why::BrokenOff)),
    ] {
        let address = raw_http2(None, move |mut respond| respond.send_reset(reason)).await;
        let caller = Caller::of(Target::plain(address));
        assert_eq!(caller.pay("any").await, expected, "{reason}");
    }
}

/// A partner that says GOAWAY after the first call of each connection and answers that later.
#[tokio::test]
async fn a_connection_that_is_to_be_left_is_left_and_its_calls_go_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                let mut late = tokio::task::JoinSet::new();
                while let Some(Ok((_, respond))) = connection.accept().await {
                    connection.graceful_shutdown();
                    late.spawn(async move {
                        tokio::time::sleep(Duration::from_millis(1_500)).await;
                        answer_oddly(FINE, respond);
                    });
                }
                late.join_all().await;
            });
        }
    });
    let caller = Caller::of(Target::plain(address));
    let later = async {
        eventually("it is left", async || {
            !matches!(caller.line.standing(), Standing::Up { .. })
                || connections.load(Ordering::SeqCst) > 1
                || timeout(Duration::from_millis(50), caller.pay("any"))
                    .await
                    .is_err()
        })
        .await;
        caller.pay("any").await
    };
    let (first, second) = tokio::join!(caller.pay("any"), later);
    assert_eq!(first, Ok(0));
    assert!(
        second == Ok(0) || second == NOT_SENT,
        "what is not taken is not sent: {second:?}"
    );
}

/// Answers every stream once it was given up, which is when an answer comes too late.
async fn answer_too_late(mut stream: TcpStream) -> std::io::Result<()> {
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    stream
        .write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])
        .await?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [_, high, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; usize::from(high) << 8 | usize::from(low)];
        stream.read_exact(&mut payload).await?;
        let is_new = flags & 1 == 0;
        if kind == SETTINGS && is_new {
            stream
                .write_all(&[0, 0, 0, SETTINGS, 1, 0, 0, 0, 0])
                .await?;
        } else if kind == PING && is_new {
            stream.write_all(&[0, 0, 8, PING, 1, 0, 0, 0, 0]).await?;
            stream.write_all(&payload).await?;
        } else if kind == RESET {
            // `:status 200` and the end of the stream.
            stream.write_all(&[0, 0, 1, HEADERS, 5]).await?;
            stream.write_all(&id).await?;
            stream.write_all(&[0x88]).await?;
        }
    }
}

#[tokio::test]
async fn answers_that_come_too_late_do_not_cost_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(answer_too_late(stream));
        }
    });
    let caller = Caller::of(Target::plain(address));
    // More than h2 remembers, and more than it would forgive unless told so.
    for _ in 0..30 {
        let calls = (0..100).map(|_| timeout(Duration::from_millis(5), caller.pay("any")));
        for outcome in futures_util::future::join_all(calls).await {
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(caller.line.standing(), Standing::Up { .. }));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
