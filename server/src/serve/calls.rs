//! What becomes of a call: which service takes it, and as what it ends if that panics.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::ready;
use h2::RecvStream;
use h2::server::SendResponse;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::service::Routes;
use waika::v1::authorisation_service_server::{
    AuthorisationServiceServer, SERVICE_NAME as AUTHORISATION,
};

use super::entrance::Entrance;
use super::payments::{self, Payments};
use super::reply;
use super::request_body::RequestBody;
use crate::caller::Caller;
use crate::grpc::{self, CoreCalls, Counted, Desk};
use crate::identity::{Denied, Pass};
use crate::traces::around;

/// The type of what we answer.
pub(super) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// One call of a connection.
pub(super) struct Call {
    pub(super) head: Parts,
    pub(super) body: RequestBody,
    pub(super) respond: SendResponse<Bytes>,
    /// Who makes it.
    pub(super) caller: Caller,
    pub(super) counted: Counted,
}

impl Call {
    pub(super) fn new(
        (head, stream): (Parts, RecvStream),
        respond: SendResponse<Bytes>,
        (caller, counted): (Caller, Counted),
    ) -> Self {
        Self {
            head,
            body: RequestBody::new(stream),
            respond,
            caller,
            counted,
        }
    }
}

/// A listener's services: cloned once a connection.
#[derive(Clone)]
pub(super) struct RpcService {
    routes: Routes,
    /// Payments pass the router by: what it keeps of a call would wait as long as an issuer does.
    authorisation: Option<AuthorisationServiceServer<Desk>>,
    payments: Option<grpc::Payments>,
    entrance: Arc<Entrance>,
    calls: Arc<CoreCalls>,
}

impl RpcService {
    pub(super) fn new(
        routes: Routes,
        (entrance, calls): (&Arc<Entrance>, &Arc<CoreCalls>),
    ) -> Self {
        Self {
            routes: routes.prepare(),
            authorisation: None,
            payments: None,
            entrance: Arc::clone(entrance),
            calls: Arc::clone(calls),
        }
    }

    /// How one gets in.
    pub(super) fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    pub(super) fn with_authorisation(
        self,
        service: AuthorisationServiceServer<Desk>,
        payments: grpc::Payments,
    ) -> Self {
        Self {
            authorisation: Some(service),
            payments: Some(payments),
            ..self
        }
    }

    /// The payments of one connection, if there are payments at this listener.
    pub(super) fn payments(&self) -> Option<Payments> {
        self.payments.clone().map(Payments::new)
    }

    /// Counts a call that has come.
    pub(super) fn count(&self, head: &Parts) -> Counted {
        self.calls.begin(head.uri.path(), &head.headers)
    }

    /// Answers a call in a task of its own.
    pub(super) fn serve(&self, call: Call, pass: Pass) {
        let Call {
            mut head,
            body,
            mut respond,
            caller,
            counted,
        } = call;
        let around = counted.around(&head.headers);
        around::within(around.clone(), || {
            self.entrance.tell_of_operators(&caller, head.uri.path());
        });
        head.extensions.insert(pass);
        if let Some(watch) = counted.watch() {
            head.extensions.insert(watch);
        }
        if head.uri.path() == grpc::STREAM_PATH {
            head.extensions.insert(counted.messages());
        }
        let answer = AssertUnwindSafe(self.answer(head, body)).catch_unwind();
        let answering = async move {
            if let Some(answered) = reply::unless_reset(answer, &mut respond).await {
                let answered = match answered {
                    Ok(Ok(answered)) => answered,
                    Err(panicked) => grpc::panicked(panicked).into_http(),
                };
                counted.end(reply::send(answered, respond).await);
            }
        };
        drop(around::spawn_within(around, answering));
    }

    /// Refuses a call whose caller may not make it.
    pub(super) fn deny(
        &self,
        denied: &Denied,
        (head, counted): (&Parts, Counted),
        respond: SendResponse<Bytes>,
    ) {
        around::within(counted.around(&head.headers), || {
            self.entrance.tell_denied(denied, head.uri.path());
        });
        counted.end(payments::send(Err(grpc::denied(denied)), respond));
    }

    fn answer(&self, head: Parts, body: RequestBody) -> Answering {
        if !is_grpc(&head) {
            return Box::pin(ready(Ok(not_grpc())));
        }
        let request = Request::from_parts(head, body);
        let path = request.uri().path();
        if let Some(payments) = &self.payments
            && path == grpc::STREAM_PATH
        {
            return Box::pin(payments.serve_stream(request).map(Ok));
        }
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

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The call that does nothing before its stream has ended.
const TAKES_A_WHOLE_STREAM: &str = "/waika.v1.CardService/SubmitVerification";

/// tonic takes a stream that its caller reset for one that has ended, and a photo that broke off
/// would be a whole one: so the reset reaches it as another error.
fn whole_or_broken(body: RequestBody) -> Body {
    Body::new(body.map_err(|_| grpc::broken_off()))
}

/// A gRPC call is a POST of a content type that begins with `application/grpc`; what follows may
/// name the message's coding, and only protobuf is spoken here.
pub(super) fn is_grpc(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE);
    head.method == Method::POST
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_service() {
        for (path, service) in [
            ("/waika.v1.AuthorisationService/Authorise", AUTHORISATION),
            ("/waika.v1.AuthorisationService/Nothing", AUTHORISATION),
            ("/waika.v1.AuthorisationService/", AUTHORISATION),
            ("/waika.v1.AuthorisationService", ""),
            (
                "/waika.v1.AuthorisationServices/Authorise",
                "waika.v1.AuthorisationServices",
            ),
            ("waika.v1.AuthorisationService/Authorise", ""),
            ("//Authorise", ""),
            ("*", ""),
            ("", ""),
        ] {
            assert_eq!(service_of(path), service, "{path}");
        }
    }
}
