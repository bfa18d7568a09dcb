use std::convert::Infallible;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Notify;
use tokio::time::timeout;
use tonic::body::Body;
use tonic::service::Routes;

use super::*;
use crate::grpc::CallMetrics;
use crate::serve::audit::Audit;
use crate::serve::entrance::{Entrance, Knows};
use crate::serve::listen::Door;

/// Panics, or answers once it is told to, by path.
#[derive(Clone)]
struct Odd {
    go_on: Arc<Notify>,
}

impl tonic::server::NamedService for Odd {
    const NAME: &'static str = "test.Odd";
}

impl tower::Service<Request<Body>> for Odd {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let go_on = self.go_on.clone();
        Box::pin(async move {
            assert!(!request.uri().path().ends_with("/Panic"), "asked to");
            go_on.notified().await;
            Ok(Response::new(Body::empty()))
        })
    }
}

struct Setup {
    caller: SendRequest<Body>,
    go_on: Arc<Notify>,
    goaway: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

/// One connection to the odd service.
async fn connect() -> Setup {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door::new(listener, "rpc", 1);
    let (go_on, goaway) = (Arc::new(Notify::new()), CancellationToken::new());
    let odd = Odd {
        go_on: go_on.clone(),
    };
    let entrance = Entrance {
        listener: "rpc",
        tls: None,
        knows: Knows::Nobody,
        audit: Arc::new(Audit::new()),
    };
    let service = RpcService::new(
        Routes::new(odd),
        (&Arc::new(entrance), &CallMetrics::new(None).add_core()),
    );
    let protocol = Protocol::new(Duration::from_secs(10), goaway.clone());
    let served = tokio::spawn(async move {
        let (stream, ticket) = door.accept().await;
        protocol.serve(stream, ticket, service).await;
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (caller, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    Setup {
        caller,
        go_on,
        goaway,
        served,
    }
}

fn call(
    caller: &mut SendRequest<Body>,
    path: &str,
) -> impl Future<Output = hyper::Result<Response<Incoming>>> + use<> {
    let request = Request::post(format!("http://waika{path}"));
    let request = request.header(CONTENT_TYPE, "application/grpc");
    caller.send_request(request.body(Body::empty()).unwrap())
}

#[tokio::test]
async fn a_panic_ends_its_own_call_only() {
    let mut setup = connect().await;
    let panicked = call(&mut setup.caller, "/test.Odd/Panic").await.unwrap();
    assert_eq!(panicked.headers()["grpc-status"], "13");
    assert_eq!(panicked.status(), 200);
    setup.go_on.notify_one();
    let fine = call(&mut setup.caller, "/test.Odd/Wait").await.unwrap();
    assert_eq!(fine.status(), 200);
    assert!(!setup.served.is_finished());
}

#[tokio::test]
async fn what_is_no_grpc_call_reaches_no_service() {
    let mut setup = connect().await;
    for (method, content_type) in [
        (Method::GET, "application/grpc"),
        (Method::POST, "application/json"),
        (Method::POST, "application/grpc-web"),
        (Method::POST, "application/grpc+json"),
        (Method::POST, ""),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri("http://waika/test.Odd/Panic")
            .header(CONTENT_TYPE, content_type)
            .body(Body::empty())
            .unwrap();
        let answer = setup.caller.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 415, "{method} {content_type}");
    }
}

#[tokio::test]
async fn a_call_in_flight_is_answered_after_goaway() {
    let mut setup = connect().await;
    let answer = tokio::spawn(call(&mut setup.caller, "/test.Odd/Wait"));
    // The panicking call comes after it, so once that is answered the first is in flight.
    call(&mut setup.caller, "/test.Odd/Panic").await.unwrap();
    setup.goaway.cancel();
    let refused = async { while call(&mut setup.caller, "/test.Odd/Panic").await.is_ok() {} };
    let limit = Duration::from_secs(10);
    timeout(limit, refused).await.unwrap();
    setup.go_on.notify_one();
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer.into_body().collect().await);
    timeout(limit, setup.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_connection_ends_on_goaway() {
    let setup = connect().await;
    setup.goaway.cancel();
    let ended = timeout(Duration::from_secs(10), setup.served).await;
    ended.unwrap().unwrap();
}
