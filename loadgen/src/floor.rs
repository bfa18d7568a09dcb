//! A server that approves everything and does no work: what HTTP/2 and gRPC alone cost here.
//!
//! Its answers have the shape and size of real ones and are the same for every request. Nothing is
//! looked up, decided or stored. A service can be measured against it on the same machine with the
//! same generator; what it costs beyond this is its own.

use std::future::ready;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prost_types::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use waika::v1::authorisation_service_server::{AuthorisationService, AuthorisationServiceServer};
use waika::v1::{
    Approval, Authorisation, AuthoriseRequest, AuthoriseResponse, AuthoriseStreamRequest,
    AuthoriseStreamResponse, Funding, GetAuthorisationRequest, GetAuthorisationResponse,
    LimitWindow, ListAuthorisationsRequest, ListAuthorisationsResponse, PaymentMode, QuoteRequest,
    QuoteResponse, RefundRequest, RefundResponse, ReverseRequest, ReverseResponse, Scene,
    SettleRequest, SettleResponse, StreamedResponse, authorisation, streamed_response,
};

use crate::args::FloorArgs;
use crate::exit::{Exit, Failure};
use crate::host;
use crate::output;
use crate::signals::StopSignals;

/// How connections are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Runtime {
    /// Tonic's own server on tokio's work-stealing runtime, as it is usually written, with
    /// tonic's own settings.
    Multi,
    /// A single-threaded runtime on each core; a connection lives on one of them, with the
    /// settings of `waika-server`.
    PerCore,
}

/// Serves until it is asked to stop.
pub(crate) fn execute(args: &FloorArgs) -> Result<Exit, Failure> {
    let cores = args.cores.map_or_else(host::cores, NonZeroUsize::get);
    let service = service();
    match args.runtime {
        Runtime::Multi => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(cores)
                .enable_all()
                .build()
                .map_err(Failure::tool)?;
            runtime.block_on(serve_multi(args.listen, service))
        }
        Runtime::PerCore => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(Failure::tool)?;
            runtime.block_on(serve_per_core(args.listen, cores, &service))
        }
    }
}

/// What a floor serves.
pub(crate) type Service = AuthorisationServiceServer<Floor>;

/// The service that answers all alike.
pub(crate) fn service() -> Service {
    AuthorisationServiceServer::new(Floor::new())
}

async fn serve_multi(listen: SocketAddr, service: Service) -> Result<Exit, Failure> {
    let (listener, mut signals) = open(listen).await?;
    // As tonic makes its own: what its builder says of sockets it does not heed for those of others.
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::select! {
        served = tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(connections) => served.map_err(Failure::tool)?,
        () = signals.received() => {}
    }
    Ok(Exit::Passed)
}

async fn serve_per_core(
    listen: SocketAddr,
    cores: usize,
    service: &Service,
) -> Result<Exit, Failure> {
    let (listener, mut signals) = open(listen).await?;
    let mut threads = Vec::new();
    for _ in 0..cores {
        threads.push(spawn_core(service.clone()).map_err(Failure::tool)?);
    }
    let accept = async {
        for core in threads.iter().cycle() {
            match listener.accept().await {
                Ok((socket, _)) => hand_over(socket, core),
                // Too many open files, most likely: some will close.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = signals.received() => {}
    }
    Ok(Exit::Passed)
}

/// Listens, and says so on standard output.
async fn open(listen: SocketAddr) -> Result<(TcpListener, StopSignals), Failure> {
    let signals = StopSignals::listen().map_err(Failure::tool)?;
    let cannot = |error| Failure::Tool(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    output::result(&format!("waika-loadgen floor listening on {address}"));
    Ok((listener, signals))
}

type Core = mpsc::UnboundedSender<std::net::TcpStream>;

fn hand_over(socket: TcpStream, core: &Core) {
    // A socket that cannot be set up or moved is closed, which its peer sees.
    if socket.set_nodelay(true).is_ok()
        && let Ok(socket) = socket.into_std()
    {
        drop(core.send(socket));
    }
}

fn spawn_core(service: Service) -> std::io::Result<Core> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<std::net::TcpStream>();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("floor".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let http2 = protocol();
                while let Some(socket) = receiver.recv().await {
                    if let Ok(socket) = TcpStream::from_std(socket) {
                        tokio::spawn(serve_connection(socket, http2.clone(), service.clone()));
                    }
                }
            });
        })?;
    Ok(sender)
}

/// HTTP/2 as `waika-server` speaks it, in every setting, so that only the work is left between
/// the two.
pub(crate) fn protocol() -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(1_024 * 1_024)
        .initial_connection_window_size(2 * 1_024 * 1_024)
        .max_concurrent_streams(1_024)
        .max_local_error_reset_streams(256)
        .max_pending_accept_reset_streams(20)
        .max_header_list_size(8 * 1_024)
        .max_send_buf_size(256 * 1_024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .auto_date_header(false);
    http2
}

async fn serve_connection(
    socket: TcpStream,
    http2: http2::Builder<TokioExecutor>,
    service: Service,
) {
    let connection =
        http2.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    // A connection that breaks concerns only its peer, who sees it.
    drop(connection.await);
}

/// The service: one answer for all.
#[derive(Debug)]
pub(crate) struct Floor {
    answer: Arc<AuthoriseResponse>,
}

impl Floor {
    fn new() -> Self {
        Self {
            answer: Arc::new(approval()),
        }
    }
}

#[tonic::async_trait]
impl AuthorisationService for Floor {
    async fn authorise(
        &self,
        _request: Request<AuthoriseRequest>,
    ) -> Result<Response<AuthoriseResponse>, Status> {
        ready(Ok(Response::new(self.answer.as_ref().clone()))).await
    }

    async fn get_authorisation(
        &self,
        _request: Request<GetAuthorisationRequest>,
    ) -> Result<Response<GetAuthorisationResponse>, Status> {
        Err(no_work())
    }

    async fn list_authorisations(
        &self,
        _request: Request<ListAuthorisationsRequest>,
    ) -> Result<Response<ListAuthorisationsResponse>, Status> {
        Err(no_work())
    }

    async fn quote(
        &self,
        _request: Request<QuoteRequest>,
    ) -> Result<Response<QuoteResponse>, Status> {
        Err(no_work())
    }

    async fn reverse(
        &self,
        _request: Request<ReverseRequest>,
    ) -> Result<Response<ReverseResponse>, Status> {
        Err(no_work())
    }

    async fn refund(
        &self,
        _request: Request<RefundRequest>,
    ) -> Result<Response<RefundResponse>, Status> {
        Err(no_work())
    }

    async fn settle(
        &self,
        _request: Request<SettleRequest>,
    ) -> Result<Response<SettleResponse>, Status> {
        Err(no_work())
    }

    type AuthoriseStreamStream = BoxStream<'static, Result<AuthoriseStreamResponse, Status>>;

    async fn authorise_stream(
        &self,
        request: Request<Streaming<AuthoriseStreamRequest>>,
    ) -> Result<Response<Self::AuthoriseStreamStream>, Status> {
        let answer = Arc::clone(&self.answer);
        let answers = request.into_inner().map(move |message| {
            let responses = message?.requests.into_iter().map(|asked| StreamedResponse {
                correlation_id: asked.correlation_id,
                outcome: Some(streamed_response::Outcome::Response(
                    answer.as_ref().clone(),
                )),
            });
            Ok(AuthoriseStreamResponse {
                responses: responses.collect(),
            })
        });
        ready(Ok(Response::new(answers.boxed()))).await
    }
}

fn no_work() -> Status {
    Status::unimplemented("a floor answers Authorise and AuthoriseStream, and does no work")
}

/// An approval as a real server words it, in every field.
fn approval() -> AuthoriseResponse {
    let instant = |seconds, milliseconds: i32| Timestamp {
        seconds,
        nanos: milliseconds * 1_000_000,
    };
    let window = |limit_fen, resets_at| LimitWindow {
        limit_fen,
        used_fen: 123_456,
        remaining_fen: limit_fen - 123_456,
        resets_at: Some(instant(resets_at, 0)),
    };
    AuthoriseResponse {
        authorisation: Some(Authorisation {
            authorisation_id: "auth_10000000000042".to_owned(),
            account_id: "acct-1-1234".to_owned(),
            card_token: "card_0000000000042".to_owned(),
            merchant_id: "merchant-1-42".to_owned(),
            scene: Scene::Purchase.into(),
            mode: PaymentMode::MerchantQr.into(),
            amount_fen: 6_000,
            fee_fen: 0,
            total_fen: 6_000,
            decided_at: Some(instant(1_700_000_000, 456)),
            policy: "weixin-2023".to_owned(),
            outcome: Some(authorisation::Outcome::Approval(Approval {
                approval_code: "A1B2C3".to_owned(),
                retrieval_reference_number: "331806000066".to_owned(),
                month: Some(window(5_000_000, 1_701_360_000)),
                year: Some(window(6_000_000, 1_704_038_400)),
                balance_left_fen: None,
                stood_in: false,
            })),
            funding: Funding::Card.into(),
        }),
        replayed: false,
        receipt: None,
        timing: None,
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn its_answer_is_as_long_as_a_real_one() {
        let window = |limit_fen, used_fen, resets_at| LimitWindow {
            limit_fen,
            used_fen,
            remaining_fen: limit_fen - used_fen,
            resets_at: Some(Timestamp {
                seconds: resets_at,
                nanos: 0,
            }),
        };
        let real = AuthoriseResponse {
            authorisation: Some(Authorisation {
                authorisation_id: "auth_10123456789ABC".to_owned(),
                account_id: "acct-1-4321".to_owned(),
                card_token: "card_0123456789ABC".to_owned(),
                merchant_id: "merchant-1-17".to_owned(),
                scene: Scene::Purchase.into(),
                mode: PaymentMode::OnlineApp.into(),
                amount_fen: 7_500,
                fee_fen: 0,
                total_fen: 7_500,
                decided_at: Some(Timestamp {
                    seconds: 1_704_067_199,
                    nanos: 789_000_000,
                }),
                policy: "weixin-2023".to_owned(),
                outcome: Some(authorisation::Outcome::Approval(Approval {
                    approval_code: "7K2M9Q".to_owned(),
                    retrieval_reference_number: "336523000007".to_owned(),
                    month: Some(window(5_000_000, 234_567, 1_704_038_400)),
                    year: Some(window(6_000_000, 1_234_567, 1_735_660_800)),
                    balance_left_fen: None,
                    stood_in: false,
                })),
                funding: Funding::Card.into(),
            }),
            replayed: false,
            receipt: None,
            timing: None,
        };
        assert_eq!(approval().encoded_len(), real.encoded_len());
    }
}
