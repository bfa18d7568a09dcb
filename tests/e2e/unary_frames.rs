//! One payment, however its caller cuts it into frames: the server decides most of them past tonic, and
//! nobody can tell.

use h2::client::{SendRequest, handshake};
use http::request::Builder;
use http::{HeaderMap, Request};
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::net::TcpStream;
use tonic::Code;
use waika::v1;

use crate::support::Server;
use crate::wallet::{Callers, decision, pay};

const PATH: &str = "/waika.v1.AuthorisationService/Authorise";

/// How a caller ends what it says.
#[derive(Clone, Copy)]
enum End {
    /// With its last piece.
    WithIt,
    /// With an empty frame of its own, a moment later.
    Apart,
    /// With trailers.
    Trailers,
}

/// What the server says: the status, and the message if there is one.
struct Said {
    code: Code,
    response: Option<v1::AuthoriseResponse>,
}

/// One connection that says what it likes.
struct Caller {
    requests: SendRequest<Bytes>,
}

impl Caller {
    async fn connect(server: &Server) -> Self {
        let address = server
            .rpc_address()
            .trim_start_matches("http://")
            .to_owned();
        let stream = TcpStream::connect(address).await.unwrap();
        let (requests, connection) = handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self { requests }
    }

    /// Sends these pieces, each in a frame that leaves before the next.
    async fn say(&self, pieces: &[&[u8]], end: End, more: &[(&'static str, &str)]) -> Said {
        let mut requests = self.requests.clone().ready().await.unwrap();
        let mut request = request();
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let (answer, mut body) = requests.send_request(request, false).unwrap();
        let last = pieces.len().wrapping_sub(1);
        for (place, piece) in pieces.iter().enumerate() {
            let ends = place == last && matches!(end, End::WithIt);
            body.send_data(Bytes::copy_from_slice(piece), ends).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        match end {
            End::WithIt if pieces.is_empty() => body.send_data(Bytes::new(), true).unwrap(),
            End::WithIt => {}
            End::Apart => body.send_data(Bytes::new(), true).unwrap(),
            End::Trailers => body.send_trailers(HeaderMap::new()).unwrap(),
        }
        let (head, mut body) = answer.await.unwrap().into_parts();
        let mut bytes = Vec::new();
        while let Some(piece) = body.data().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        let trailers = body.trailers().await.unwrap().unwrap_or(head.headers);
        let code = trailers["grpc-status"].to_str().unwrap();
        Said {
            code: Code::from_i32(code.parse().unwrap()),
            response: bytes
                .get(5..)
                .map(|message| v1::AuthoriseResponse::decode(message).unwrap()),
        }
    }
}

/// The head of a call.
fn request() -> Builder {
    Request::post(format!("http://waika{PATH}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

/// A request with its prefix.
fn framed(flag: u8, request: &v1::AuthoriseRequest) -> Vec<u8> {
    let message = request.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], length.as_slice(), &message].concat()
}

#[tokio::test]
async fn a_payment_is_the_same_in_whatever_frames_it_comes() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let caller = Caller::connect(&server).await;
    let mut used = callers.used("a").await.0;
    for (number, (cut, end)) in [
        (vec![], End::WithIt),
        (vec![], End::Apart),
        (vec![], End::Trailers),
        (vec![5], End::WithIt),
        (vec![3, 40], End::Apart),
        (vec![1, 2, 3, 4, 5, 6], End::Trailers),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = framed(0, &pay("a", &card, &format!("k{number}"), 20_100));
        let ends = cut.iter().copied().chain([bytes.len()]);
        let mut from = 0;
        let pieces: Vec<&[u8]> = ends
            .map(|to| {
                let piece = &bytes[from..to];
                from = to;
                piece
            })
            .collect();
        let said = caller.say(&pieces, end, &[]).await;
        let response = said.response.unwrap();
        assert_eq!((said.code, &*decision(&response)), (Code::Ok, "APPROVED"));
        assert!(!response.replayed);
        let again = caller.say(&[&bytes], End::WithIt, &[]).await;
        let again = again.response.unwrap();
        assert!(again.replayed, "the same key, in one frame");
        assert_eq!(again.authorisation, response.authorisation);
        let now = callers.used("a").await.0;
        assert!(now > used, "it was paid");
        used = now;
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_nothing_is_paid() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let caller = Caller::connect(&server).await;
    let before = callers.used("a").await;
    let plain = framed(0, &pay("a", &card, "k", 100));
    let spoilt = [&plain[..5], &vec![0xff; plain.len() - 5]].concat();
    let two = [&*plain, &*plain].concat();
    let short = &plain[..plain.len() - 1];
    for (pieces, encoding, code, why) in [
        (vec![], None, Code::Internal, "no message"),
        (
            vec![short],
            None,
            Code::Internal,
            "a message that breaks off",
        ),
        (vec![&*spoilt], None, Code::Internal, "no protobuf"),
        (
            vec![&*framed(1, &pay("a", &card, "k", 100))],
            None,
            Code::Internal,
            "compressed, and nobody says how",
        ),
        (
            vec![&*plain],
            Some("gzip"),
            Code::Unimplemented,
            "a coding that is not spoken",
        ),
        (vec![&[0, 0, 16, 0, 0]], None, Code::OutOfRange, "too long"),
    ] {
        let more: Vec<_> = encoding
            .map(|coding| ("grpc-encoding", coding))
            .into_iter()
            .collect();
        let said = caller.say(&pieces, End::WithIt, &more).await;
        assert_eq!(said.code, code, "{why}");
        assert!(said.response.is_none(), "{why}");
    }
    assert_eq!(callers.used("a").await, before);
    // tonic takes the first of two messages, and so does whoever passes it by.
    let said = caller.say(&[&two], End::WithIt, &[]).await;
    assert_eq!(said.code, Code::Ok);
    assert!(!said.response.unwrap().replayed);
}

/// A caller that resets a payment, or goes, is paid for all the same, and holds up nobody else.
#[tokio::test]
async fn a_reset_ends_its_own_call_only() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let caller = Caller::connect(&server).await;
    for number in 0..40 {
        let mut requests = caller.requests.clone().ready().await.unwrap();
        let request = request().body(()).unwrap();
        let (_answer, mut body) = requests.send_request(request, false).unwrap();
        let bytes = framed(0, &pay("a", &card, &format!("r{number}"), 100));
        body.send_data(bytes.into(), number % 2 == 0).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        body.send_reset(h2::Reason::CANCEL);
    }
    let bytes = framed(0, &pay("a", &card, "after", 100));
    let said = caller.say(&[&bytes], End::WithIt, &[]).await;
    assert_eq!(&*decision(&said.response.unwrap()), "APPROVED");
}
