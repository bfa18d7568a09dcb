//! A server that is not Waika is told by what it says of itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::thread::JoinHandle;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{check, said};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic_reflection::server::Builder;

/// Somebody who listens, until the test ends.
struct Somebody {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Somebody {
    fn start<F, S>(serve: F) -> Self
    where
        F: FnOnce(TcpListener) -> S + Send + 'static,
        S: Future<Output = ()>,
    {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(TcpListener::from_std(listener).unwrap()) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Somebody who has only reflection, in version 1, and says to serve this.
    fn who_lists(names: &'static [&'static str]) -> Self {
        Self::start(move |listener| async move {
            let builder = names.iter().fold(Builder::configure(), |builder, name| {
                builder.with_service_name(*name)
            });
            let reflection = builder.build_v1().unwrap();
            let incoming = TcpListenerStream::new(listener);
            let server = Server::builder().add_service(reflection);
            server.serve_with_incoming(incoming).await.unwrap();
        })
    }

    /// Somebody who has only the older reflection.
    fn who_lists_as_of_old(name: &'static str) -> Self {
        Self::start(move |listener| async move {
            let builder = Builder::configure().with_service_name(name);
            let reflection = builder.build_v1alpha().unwrap();
            let incoming = TcpListenerStream::new(listener);
            let server = Server::builder().add_service(reflection);
            server.serve_with_incoming(incoming).await.unwrap();
        })
    }

    /// Somebody who answers every call with this gRPC status, but never one for reflection if
    /// `stalls`.
    fn who_answers(status: &'static str, stalls: bool) -> Self {
        Self::start(move |listener| async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer_all(socket, status, stalls));
            }
        })
    }

    /// Somebody who speaks HTTP/1.1 only.
    fn of_old() -> Self {
        Self::start(|listener| async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut ignored = [0; 1_024];
                let _ = socket.read(&mut ignored).await;
                let answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
                let _ = socket.write_all(answer).await;
            }
        })
    }
}

impl Drop for Somebody {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn answer_all(socket: TcpStream, status: &'static str, stalls: bool) {
    let service = service_fn(move |request: Request<Incoming>| async move {
        if stalls && request.uri().path().contains("reflection") {
            std::future::pending::<()>().await;
        }
        let answer = Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", status)
            .body(String::new())
            .unwrap();
        Ok::<_, Infallible>(answer)
    });
    let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = http2.serve_connection(TokioIo::new(socket), service).await;
}

/// A run and the making of accounts are told the same.
fn check_told(somebody: &Somebody, words: &[&str]) {
    let url = somebody.url.as_str();
    check(&["run", "--no-provision", "--target", url], 1, words);
    check(&["provision", "--target", url, "--admin", url], 1, words);
}

#[test]
fn a_server_that_lists_other_services_is_named_by_them() {
    let greeter = Somebody::who_lists(&["helloworld.Greeter", "helloworld.Farewell"]);
    let words = "is no Waika: by reflection it serves helloworld.Farewell, helloworld.Greeter";
    check_told(&greeter, &[&greeter.url, words]);
}

#[test]
fn the_older_reflection_does_too() {
    let greeter = Somebody::who_lists_as_of_old("helloworld.Greeter");
    check_told(&greeter, &["by reflection it serves helloworld.Greeter"]);
}

#[test]
fn the_other_listener_is_recognised() {
    let operators = Somebody::who_lists(&["waika.v1.AdminService"]);
    check_told(
        &operators,
        &["administrative listener", "AdminService", "--admin"],
    );
}

#[test]
fn a_waika_that_lacks_the_call_is_no_stranger() {
    let older = Somebody::who_lists(&["waika.v1.AuthorisationService"]);
    check_told(&older, &["does not know Authorise", "an older one"]);
}

#[test]
fn a_server_without_reflection_is_told_as_one() {
    let unimplemented = Somebody::who_answers("12", false);
    check_told(
        &unimplemented,
        &["does not know Authorise", "no reflection either"],
    );
    let unresponsive = Somebody::who_answers("12", true);
    check_told(&unresponsive, &["no reflection either"]);
}

#[test]
fn a_failure_of_a_server_that_may_be_waika_stays_what_it_is() {
    let unavailable = Somebody::who_answers("14", false);
    check_told(&unavailable, &["Authorise", "Unavailable"]);
    let output = support::run(&["run", "--no-provision", "--target", &unavailable.url]);
    assert!(!said(&output.stderr).contains("no Waika"));
}

#[test]
fn an_older_http_is_named() {
    let server = Somebody::of_old();
    check_told(&server, &["speaks HTTP/1.1, not gRPC"]);
}
