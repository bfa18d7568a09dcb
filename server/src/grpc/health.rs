//! `grpc.health.v1.Health`: SERVING only while the ledger is there and nothing is ending.

use std::iter;
use std::pin::Pin;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use waika::health::health_check_response::ServingStatus;
use waika::health::health_server::{Health as HealthRpc, HealthServer};
use waika::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};

/// Where the server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The ledger is being recovered.
    Recovering,
    /// Calls are answered.
    Serving,
    /// What is there can be read, and nothing new is begun: the store's disk runs short.
    Short,
    /// Calls are still answered, and callers should go elsewhere.
    Draining,
    /// Connections are being closed; nobody watches any more.
    Closing,
}

impl Phase {
    const fn status(self) -> ServingStatus {
        match self {
            Self::Serving => ServingStatus::Serving,
            Self::Recovering | Self::Short | Self::Draining | Self::Closing => {
                ServingStatus::NotServing
            }
        }
    }
}

/// What every core's health service tells.
#[derive(Debug, Clone)]
pub struct Health {
    phase: watch::Sender<Phase>,
}

impl Health {
    /// Begins as `NOT_SERVING`.
    pub fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Recovering),
        }
    }

    /// Enters another phase and tells all who watch.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Goes from one phase to another, if it is in that one still.
    pub fn exchange(&self, from: Phase, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let is_there = *phase == from;
            if is_there {
                *phase = to;
            }
            is_there
        });
    }

    /// The service of a listener that has these services, and the whole as "".
    pub fn service(&self, names: &'static [&'static str]) -> HealthServer<HealthService> {
        HealthServer::new(HealthService {
            names,
            phase: self.phase.subscribe(),
        })
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// Answers for one listener.
#[derive(Debug)]
pub struct HealthService {
    names: &'static [&'static str],
    phase: watch::Receiver<Phase>,
}

impl HealthService {
    fn knows(&self, name: &str) -> bool {
        name.is_empty() || self.names.contains(&name)
    }
}

/// Statuses, one each time that they change.
type Statuses = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl HealthRpc for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if self.knows(&request.get_ref().service) {
            Ok(Response::new(response(self.phase.borrow().status())))
        } else {
            Err(Status::not_found("no such service on this listener"))
        }
    }

    /// gRFC A90 lets a server refuse to list more than 100 services. A listener's are a handful that stand in its
    /// program, so that there is nothing to refuse.
    async fn list(
        &self,
        _request: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        let now = response(self.phase.borrow().status());
        let names = iter::once("").chain(self.names.iter().copied());
        let statuses = names.map(|name| (name.to_owned(), now)).collect();
        Ok(Response::new(HealthListResponse { statuses }))
    }

    type WatchStream = Statuses;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Statuses>, Status> {
        let known = self.knows(&request.get_ref().service);
        let start = (self.phase.clone(), None);
        let statuses = stream::unfold(start, move |(mut phase, told)| async move {
            loop {
                let now = *phase.borrow_and_update();
                let status = if known {
                    now.status()
                } else {
                    ServingStatus::ServiceUnknown
                };
                if told != Some(status) {
                    return Some((Ok(response(status)), (phase, Some(status))));
                }
                if now == Phase::Closing {
                    return None; // A watch would hold its connection through the drain.
                }
                phase.changed().await.ok()?;
            }
        });
        Ok(Response::new(statuses.boxed()))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["waika.v1.CardService"];

    fn service(health: &Health) -> HealthService {
        HealthService {
            names: NAMES,
            phase: health.phase.subscribe(),
        }
    }

    fn request(name: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: name.to_owned(),
        })
    }

    #[tokio::test]
    async fn only_the_serving_phase_serves() {
        let health = Health::new();
        let service = service(&health);
        for (phase, expected) in [
            (Phase::Recovering, ServingStatus::NotServing),
            (Phase::Serving, ServingStatus::Serving),
            (Phase::Short, ServingStatus::NotServing),
            (Phase::Draining, ServingStatus::NotServing),
            (Phase::Closing, ServingStatus::NotServing),
        ] {
            health.enter(phase);
            for name in ["", "waika.v1.CardService"] {
                let answer = service.check(request(name)).await.unwrap().into_inner();
                assert_eq!(answer.status(), expected, "{phase:?}");
            }
        }
        let unknown = service.check(request("other")).await.unwrap_err();
        assert_eq!(unknown.code(), tonic::Code::NotFound);
    }

    #[tokio::test]
    async fn a_list_has_what_check_knows_and_nothing_else() {
        let health = Health::new();
        let service = service(&health);
        for (phase, expected) in [
            (Phase::Recovering, ServingStatus::NotServing),
            (Phase::Serving, ServingStatus::Serving),
            (Phase::Draining, ServingStatus::NotServing),
        ] {
            health.enter(phase);
            let listed = service.list(Request::new(HealthListRequest {})).await;
            let listed = listed.unwrap().into_inner().statuses;
            assert_eq!(listed.len(), 1 + NAMES.len(), "{phase:?}");
            for name in ["", "waika.v1.CardService"] {
                assert_eq!(listed[name].status(), expected, "{phase:?} {name}");
            }
        }
    }

    #[test]
    fn a_phase_that_was_left_is_not_exchanged() {
        let health = Health::new();
        health.enter(Phase::Serving);
        health.exchange(Phase::Short, Phase::Draining);
        assert_eq!(*health.phase.borrow(), Phase::Serving);
        health.exchange(Phase::Serving, Phase::Short);
        assert_eq!(*health.phase.borrow(), Phase::Short);
        health.enter(Phase::Draining);
        health.exchange(Phase::Short, Phase::Serving);
        assert_eq!(*health.phase.borrow(), Phase::Draining);
    }

    #[tokio::test]
    async fn a_watch_tells_each_change_once_and_ends_when_the_server_closes() {
        let health = Health::new();
        let watch = service(&health).watch(request("")).await.unwrap();
        let mut watch = watch.into_inner();
        let mut next = async || watch.next().await.map(|told| told.unwrap().status());
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        health.enter(Phase::Serving);
        assert_eq!(next().await, Some(ServingStatus::Serving));
        health.enter(Phase::Draining);
        assert_eq!(next().await, Some(ServingStatus::NotServing));
        health.enter(Phase::Closing);
        assert_eq!(next().await, None);
    }

    #[tokio::test]
    async fn a_watch_hears_of_the_end_before_it_ends() {
        let health = Health::new();
        health.enter(Phase::Serving);
        let watch = service(&health).watch(request("")).await.unwrap();
        let mut watch = watch.into_inner();
        let serving = watch.next().await.unwrap().unwrap();
        assert_eq!(serving.status(), ServingStatus::Serving);
        health.enter(Phase::Draining);
        health.enter(Phase::Closing);
        let last = watch.next().await.unwrap().unwrap();
        assert_eq!(last.status(), ServingStatus::NotServing);
        assert!(watch.next().await.is_none());
    }

    #[tokio::test]
    async fn a_watch_of_an_unknown_service_says_so_and_stays() {
        let health = Health::new();
        let watch = service(&health).watch(request("other")).await.unwrap();
        let mut watch = watch.into_inner();
        let first = watch.next().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::ServiceUnknown);
        health.enter(Phase::Serving);
        let second = tokio::time::timeout(std::time::Duration::from_millis(50), watch.next());
        assert!(second.await.is_err(), "it must stay open");
    }
}
