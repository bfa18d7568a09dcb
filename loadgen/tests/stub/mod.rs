//! A server that answers as a test wants it.

use std::net::TcpListener as StdListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::Empty;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming};
use waika::v1::authorisation_service_server::{AuthorisationService, AuthorisationServiceServer};
use waika::v1::{
    Authorisation, AuthoriseRequest, AuthoriseResponse, AuthoriseStreamRequest,
    AuthoriseStreamResponse, GetAuthorisationRequest, GetAuthorisationResponse,
    ListAuthorisationsRequest, ListAuthorisationsResponse, QuoteRequest, QuoteResponse,
    RefundRequest, RefundResponse, ReverseRequest, ReverseResponse, SettleRequest, SettleResponse,
    authorisation,
};

/// What is answered to a request, which is the one with this number from 1.
type Script =
    Box<dyn Fn(&AuthoriseRequest, u64) -> Result<AuthoriseResponse, Status> + Send + Sync>;

/// The service, as a test wants it.
struct Scripted {
    script: Script,
    asked: AtomicU64,
}

/// An answer with this outcome, and nothing else.
pub(crate) fn decided(outcome: authorisation::Outcome) -> AuthoriseResponse {
    AuthoriseResponse {
        authorisation: Some(Authorisation {
            outcome: Some(outcome),
            ..Authorisation::default()
        }),
        ..AuthoriseResponse::default()
    }
}

#[tonic::async_trait]
impl AuthorisationService for Scripted {
    async fn authorise(
        &self,
        request: Request<AuthoriseRequest>,
    ) -> Result<Response<AuthoriseResponse>, Status> {
        // So a real server answers the empty request that a run begins with.
        if request.get_ref().idempotency_key.is_empty() {
            return Err(Status::invalid_argument("there is no key"));
        }
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        (self.script)(request.get_ref(), asked).map(Response::new)
    }

    async fn get_authorisation(
        &self,
        _request: Request<GetAuthorisationRequest>,
    ) -> Result<Response<GetAuthorisationResponse>, Status> {
        Err(stores_nothing())
    }

    async fn list_authorisations(
        &self,
        _request: Request<ListAuthorisationsRequest>,
    ) -> Result<Response<ListAuthorisationsResponse>, Status> {
        Err(stores_nothing())
    }

    async fn quote(
        &self,
        _request: Request<QuoteRequest>,
    ) -> Result<Response<QuoteResponse>, Status> {
        Err(stores_nothing())
    }

    async fn reverse(
        &self,
        _request: Request<ReverseRequest>,
    ) -> Result<Response<ReverseResponse>, Status> {
        Err(stores_nothing())
    }

    async fn refund(
        &self,
        _request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        Err(stores_nothing())
    }

    async fn settle(
        &self,
        _request: Request<SettleRequest>,
    ) -> Result<Response<SettleResponse>, Status> {
        Err(stores_nothing())
    }

    type AuthoriseStreamStream = Empty<Result<AuthoriseStreamResponse, Status>>;

    async fn authorise_stream(
        &self,
        _request: Request<Streaming<AuthoriseStreamRequest>>,
    ) -> Result<Response<Self::AuthoriseStreamStream>, Status> {
        Err(stores_nothing())
    }
}

fn stores_nothing() -> Status {
    Status::unimplemented("a stub stores nothing")
}

/// A running stub, which ends with the test.
pub(crate) struct Stub {
    /// Where it listens.
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    /// Starts one on a free port, which answers by this script.
    pub(crate) fn start<S>(script: S) -> Self
    where
        S: Fn(&AuthoriseRequest, u64) -> Result<AuthoriseResponse, Status> + Send + Sync + 'static,
    {
        let service = Scripted {
            script: Box::new(script),
            asked: AtomicU64::new(0),
        };
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(listener, service, stopped));
        Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(listener: StdListener, service: Scripted, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connections = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
        let serving = tonic::transport::Server::builder()
            .add_service(AuthorisationServiceServer::new(service))
            .serve_with_incoming(connections);
        tokio::select! {
            ended = serving => ended.unwrap(),
            _ = stopped => {}
        }
    });
}
