//! An OpenTelemetry collector that takes spans over gRPC and throws them away: for `tests/tracing_cost.py`.
//!
//! `cargo run --release -p waika-server --example collector` says in one line where it listens.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement ends at the first surprise"
)]
#![expect(clippy::print_stdout, reason = "the address is what it is asked for")]

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

struct Takes;

#[tonic::async_trait]
impl TraceService for Takes {
    async fn export(
        &self,
        _: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("collector listening on {}", listener.local_addr().unwrap());
        let mut server = tonic::transport::Server::builder();
        server
            .add_service(TraceServiceServer::new(Takes))
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
    });
}
