//! `GET /metrics` over HTTP/1.1, and nothing else. Each connection carries one request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use metrics::{Gauge, gauge};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::entrance::Entrance;
use super::listen::{Door, Ticket};
use super::process_metrics;
use crate::grpc::{CallMetrics, Doorway};
use crate::identity::METRICS;

/// How long a whole scrape may take.
const SCRAPE_LIMIT: Duration = Duration::from_secs(10);

/// How often samples are put into their buckets. Without this they pile up until somebody
/// scrapes, and nobody may.
const UPKEEP: Duration = Duration::from_secs(5);

/// What is on the page.
#[derive(Clone)]
pub(super) struct Figures {
    metrics: PrometheusHandle,
    calls: CallMetrics,
    doorway: Arc<Doorway>,
    commit_queue_age: Gauge,
}

impl Figures {
    pub(super) fn new(
        metrics: PrometheusHandle,
        calls: CallMetrics,
        doorway: Arc<Doorway>,
    ) -> Self {
        Self {
            metrics,
            calls,
            doorway,
            commit_queue_age: gauge!("waika_commit_queue_age_seconds"),
        }
    }

    fn render(&self) -> String {
        // An age is of the moment: nobody could keep it up to date.
        let age = self
            .doorway
            .ledger
            .get()
            .map(|ledger| ledger.commit_queue_age());
        self.commit_queue_age.set(age.unwrap_or_default());
        self.metrics.render() + &self.calls.render() + &process_metrics::render()
    }
}

/// Accepts for ever.
pub(super) async fn serve(door: Door, entrance: Arc<Entrance>, figures: Figures) {
    loop {
        let (stream, ticket) = door.accept().await;
        let (entrance, figures) = (Arc::clone(&entrance), figures.clone());
        tokio::spawn(async move {
            // A scraper that breaks off or takes too long will come again.
            let _ = timeout(SCRAPE_LIMIT, answer(stream, &ticket, &entrance, figures)).await;
        });
    }
}

/// Puts samples into their buckets for ever.
pub(super) async fn keep_up(handle: PrometheusHandle) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

async fn answer(
    stream: TcpStream,
    ticket: &Ticket,
    entrance: &Entrance,
    figures: Figures,
) -> hyper::Result<()> {
    let Some(transport) = entrance.open(stream).await else {
        ticket.tls_failed();
        return Ok(());
    };
    let denied = entrance.gate(&transport).check_scraper().err();
    if let Some(denied) = &denied {
        entrance.tell_denied(denied, METRICS);
    }
    let service = service_fn(|request: Request<Incoming>| {
        let response = match &denied {
            Some(denied) => text_page(StatusCode::FORBIDDEN, PLAIN, format!("{denied}\n")),
            None => page(request.method(), request.uri().path(), &figures),
        };
        async { Ok::<_, Infallible>(response) }
    });
    http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(16 * 1_024)
        .serve_connection(TokioIo::new(transport), service)
        .await
}

fn page(method: &Method, path: &str, figures: &Figures) -> Response<Full<Bytes>> {
    if method == Method::GET && path == "/metrics" {
        let format = "text/plain; version=0.0.4; charset=utf-8";
        return text_page(StatusCode::OK, format, figures.render());
    }
    let text = "There is only GET /metrics here.\n".to_owned();
    text_page(StatusCode::NOT_FOUND, PLAIN, text)
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn text_page(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Partners;
    use crate::grpc::Options;
    use crate::partner::Ports;

    #[test]
    fn there_is_one_page() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let doorway = Doorway::new(Options::default(), Ports::new(&Partners::default(), 1));
        let calls = CallMetrics::new(None);
        let figures = Figures::new(recorder.handle(), calls, Arc::new(doorway));
        for (method, path, status) in [
            (Method::GET, "/metrics", 200),
            (Method::GET, "/", 404),
            (Method::GET, "/metrics/", 404),
            (Method::POST, "/metrics", 404),
        ] {
            let response = page(&method, path, &figures);
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
        }
    }
}
