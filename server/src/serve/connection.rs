//! One gRPC connection, from its first byte to its end.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{CatchUnwind, Map, ready};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tracing::debug;
use waika::v1::authorisation_service_server::{
    AuthorisationServiceServer, SERVICE_NAME as AUTHORISATION,
};

use super::linger;
use super::listen::Ticket;
use super::preface::{self, Opening};
use crate::grpc::{self, Desk};

const MAX_CONCURRENT_STREAMS: u32 = 1_024;
/// Streams that a caller's errors made us reset: without a bound it can go on for ever
/// (RUSTSEC-2024-0003).
const MAX_LOCAL_ERROR_RESET_STREAMS: usize = 256;
/// Streams that a caller reset before we came to them (CVE-2023-44487).
const MAX_PENDING_ACCEPT_RESET_STREAMS: usize = 20;
const MAX_HEADER_LIST_BYTES: u32 = 8 * 1_024;
const STREAM_WINDOW_BYTES: u32 = 1_024 * 1_024;
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1_024 * 1_024;
const MAX_SEND_BUFFER_BYTES: usize = 256 * 1_024;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How a core speaks to all its connections.
pub(super) struct Protocol {
    http2: http2::Builder<TokioExecutor>,
    preface_timeout: Duration,
    goaway: CancellationToken,
}

impl Protocol {
    /// `goaway` should be the core's own token: its lock is taken each time that a connection
    /// wakes up.
    pub(super) fn new(preface_timeout: Duration, goaway: CancellationToken) -> Self {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .adaptive_window(false)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
            .max_local_error_reset_streams(MAX_LOCAL_ERROR_RESET_STREAMS)
            .max_pending_accept_reset_streams(MAX_PENDING_ACCEPT_RESET_STREAMS)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .auto_date_header(false);
        Self {
            http2,
            preface_timeout,
            goaway,
        }
    }

    /// Serves a connection until its caller closes it, or until it is told to go away and its
    /// calls in flight are answered.
    pub(super) async fn serve(&self, stream: TcpStream, ticket: Ticket, service: RpcService) {
        let opening = tokio::select! {
            opening = preface::wait(&stream, self.preface_timeout) => opening,
            () = self.goaway.cancelled() => return,
        };
        match opening {
            Opening::Http2 => self.speak_http2(stream, service).await,
            Opening::Other => {
                ticket.not_http2();
                preface::turn_away(stream).await;
            }
            Opening::Silent => ticket.not_http2(),
        }
    }

    async fn speak_http2(&self, stream: TcpStream, service: RpcService) {
        let (lent, returned) = linger::lend(stream);
        let connection = self.http2.serve_connection(TokioIo::new(lent), service);
        let mut connection = Box::pin(connection);
        let mut by_us = false;
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.goaway.cancelled() => {
                by_us = true;
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        };
        drop(connection);
        if let Err(error) = ended {
            debug!(%error, "a connection broke");
        } else if by_us && let Ok(stream) = returned.await {
            linger::until_closed(&stream).await;
        }
    }
}

/// A listener's services, as hyper calls them: cloned once a connection. The request goes to the
/// router as hyper gives it, since each mapping of its body would be one more allocation.
#[derive(Clone)]
pub(super) struct RpcService {
    routes: Routes,
    /// Payments pass the router by: what it keeps of a call would wait as long as an issuer does.
    authorisation: Option<AuthorisationServiceServer<Desk>>,
}

impl RpcService {
    pub(super) fn new(routes: Routes) -> Self {
        Self {
            routes: routes.prepare(),
            authorisation: None,
        }
    }

    pub(super) fn with_authorisation(self, service: AuthorisationServiceServer<Desk>) -> Self {
        Self {
            authorisation: Some(service),
            ..self
        }
    }

    fn answer(&self, request: Request<Incoming>) -> Answering {
        if !is_grpc(&request) {
            return Box::pin(ready(not_grpc()).map(Ok));
        }
        let path = request.uri().path();
        if let Some(service) = &self.authorisation
            && service_of(path) == AUTHORISATION
        {
            // tonic keeps four times the size of this as long as the call takes.
            let request = request.map(Box::new);
            return tower::Service::call(&mut service.clone(), request);
        }
        let mut routes = self.routes.clone();
        if path == TAKES_A_WHOLE_STREAM {
            let request = request.map(whole_or_broken);
            return Box::pin(tower::Service::call(&mut routes, request));
        }
        Box::pin(tower::Service::call(&mut routes, request))
    }
}

/// The service that a path such as `/waika.v1.CardService/Bind` names.
fn service_of(path: &str) -> &str {
    let named = path.strip_prefix('/').unwrap_or_default();
    named.split_once('/').map_or("", |(service, _)| service)
}

type Answer = Result<Response<Body>, Infallible>;
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Caught = Result<Answer, Box<dyn Any + Send>>;

impl hyper::service::Service<Request<Incoming>> for RpcService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Map<CatchUnwind<AssertUnwindSafe<Answering>>, fn(Caught) -> Answer>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let answer = AssertUnwindSafe(self.answer(request)).catch_unwind();
        answer.map(answer_after_panic)
    }
}

/// The call that does nothing before its stream has ended.
const TAKES_A_WHOLE_STREAM: &str = "/waika.v1.CardService/SubmitVerification";

/// tonic takes a stream that its caller reset for one that has ended, and a photo that broke off
/// would be a whole one: so the reset reaches it as another error.
fn whole_or_broken(body: Incoming) -> Body {
    Body::new(body.map_err(|_| grpc::broken_off()))
}

/// A gRPC call is a POST of a content type that begins with `application/grpc`; what follows may
/// name the message's coding, and only protobuf is spoken here.
fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    request.method() == Method::POST
        && content_type.is_some_and(|content_type| {
            matches!(
                content_type.as_bytes(),
                b"application/grpc" | b"application/grpc+proto"
            )
        })
}

/// As the protocol wants it for whoever speaks something else.
fn not_grpc() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response
}

/// A panic ends its own call and nothing else. Its caller learns that it was an error inside, and
/// not, as from a stream that breaks off, that the call was cancelled, which meshes try again.
fn answer_after_panic(caught: Caught) -> Answer {
    caught.unwrap_or_else(|_| {
        metrics::counter!("waika_rpc_panics_total").increment(1);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static("13"));
        headers.insert("grpc-message", HeaderValue::from_static("internal error"));
        Ok(response)
    })
}

#[cfg(test)]
mod tests;
