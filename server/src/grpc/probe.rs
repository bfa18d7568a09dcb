//! `waika-server health`: asks a listener what a probe would ask, for probes that cannot.

use std::io;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;
use waika::health::HealthCheckRequest;
use waika::health::health_check_response::ServingStatus;
use waika::health::health_client::HealthClient;

use crate::config::{HealthConfig, Target};
use crate::exit::{self, Failure, Reason};

/// Asks, prints the status, and fails unless it is SERVING.
pub async fn ask(config: &HealthConfig) -> Result<(), Failure> {
    let unreachable = |what: &str| {
        let text = format!(
            "--address: {} {what}: name a listener of a running waika-server",
            config.target
        );
        Failure::new(Reason::Unavailable, text)
    };
    let told = timeout(config.timeout, check(config)).await;
    let told =
        told.map_err(|_| unreachable(&format!("says nothing within {:?}", config.timeout)))?;
    let status = told.map_err(|why| match why {
        NotTold::Unreachable(error) => unreachable(&format!("cannot be reached ({error})")),
        NotTold::Refused => unreachable("tells nothing of its health"),
        NotTold::NoSuchService => Failure::new(
            Reason::Configuration,
            format!("--service: {} has no service of that name", config.target),
        ),
    })?;
    exit::print(&format!("{}\n", status.as_str_name()))?;
    match status {
        ServingStatus::Serving => Ok(()),
        ServingStatus::Unknown | ServingStatus::NotServing | ServingStatus::ServiceUnknown => {
            let text = format!("{} takes no calls now", config.target);
            Err(Failure::new(Reason::NotServing, text))
        }
    }
}

/// Why no status is known.
enum NotTold {
    Unreachable(String),
    Refused,
    NoSuchService,
}

async fn check(config: &HealthConfig) -> Result<ServingStatus, NotTold> {
    let channel = connect(&config.target).await;
    let channel = channel.map_err(|error| NotTold::Unreachable(innermost(&error)))?;
    let request = HealthCheckRequest {
        service: config.service.clone(),
    };
    let answer = HealthClient::new(channel).check(request).await;
    let answer = answer.map_err(|status| match status.code() {
        Code::NotFound => NotTold::NoSuchService,
        _ => NotTold::Refused,
    })?;
    Ok(answer.into_inner().status())
}

/// The last of an error's causes: those around it only say that there was no connection.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn connect(target: &Target) -> Result<Channel, tonic::transport::Error> {
    let dialled = target.clone();
    let connector = service_fn(move |_| {
        let target = dialled.clone();
        async move { dial(&target).await.map(TokioIo::new) }
    });
    // The connection is made above, so that this one's scheme says nothing of TLS.
    Endpoint::from_shared(format!("http://{}", target.authority()))?
        .connect_with_connector(connector)
        .await
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn dial(target: &Target) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect((target.host(), target.port())).await?;
    let Some(tls) = target.tls() else {
        return Ok(Box::new(stream));
    };
    let connector = TlsConnector::from(tls.config.clone());
    let stream = connector.connect(tls.name.clone(), stream).await?;
    Ok(Box::new(stream))
}
