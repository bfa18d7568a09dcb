//! Who calls is known by a certificate, and may call what the file of callers says.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;

use crate::security_support::{Authority, Papers, connect, start};
use crate::support::{Server, reason_of};
use crate::wallet::{Callers, bind, bound, decision, merchant, pay};

pub(crate) const ACQUIRER: &str = "spiffe://shop.example/acquirer";
const OTHER: &str = "spiffe://shop.example/other";
pub(crate) const OPERATOR: &str = "spiffe://shop.example/ops/anna";

pub(crate) const CALLERS: &str = r#"
[[caller]]
id = "spiffe://shop.example/acquirer"
may = ["waika.v1.AuthorisationService/*", "waika.v1.CardService/*"]

[[caller]]
id = "spiffe://shop.example/other"
may = ["waika.v1.AuthorisationService/Authorise"]

[[caller]]
id = "spiffe://shop.example/ops/*"
may = ["waika.v1.AdminService/*", "metrics"]
"#;

/// Without the acquirer.
fn without_acquirer() -> String {
    let (_, rest) = CALLERS.split_once("[[caller]]").unwrap();
    let (_, others) = rest.split_once("[[caller]]").unwrap();
    format!("[[caller]]{others}")
}

pub(crate) struct Known {
    pub(crate) server: Server,
    pub(crate) authority: Authority,
    pub(crate) files: crate::security_support::Files,
}

impl Known {
    pub(crate) fn start() -> Self {
        let authority = Authority::new();
        let (server, files) = start(&authority, CALLERS);
        Self {
            server,
            authority,
            files,
        }
    }

    pub(crate) fn papers(&self, uri: &str) -> Papers {
        self.authority.caller(Some(uri))
    }

    pub(crate) async fn rpc(&self, uri: &str) -> Channel {
        let papers = self.papers(uri);
        let connected = connect(self.server.rpc_address(), &self.authority, Some(&papers));
        connected.await.unwrap()
    }

    pub(crate) async fn admin(&self, uri: &str) -> AdminServiceClient<Channel> {
        let papers = self.papers(uri);
        let connected = connect(self.server.admin_address(), &self.authority, Some(&papers));
        AdminServiceClient::new(connected.await.unwrap())
    }

    /// The acquirer's connections, and the operator's.
    pub(crate) async fn callers(&self) -> Callers {
        let channel = self.rpc(ACQUIRER).await;
        Callers {
            cards: CardServiceClient::new(channel.clone()),
            authorisations: AuthorisationServiceClient::new(channel),
            admin: self.admin(OPERATOR).await,
        }
    }
}

fn denied(status: &Status, code: Code, reason: &str, says: &str) {
    assert_eq!(status.code(), code, "{status}");
    assert_eq!(reason_of(status), reason);
    assert!(status.message().contains(says), "{status}");
}

/// Asks until it is told otherwise, which a change of a file makes it soon.
pub(crate) async fn soon(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn each_caller_may_call_what_the_file_says() {
    let known = Known::start();
    let mut callers = known.callers().await;
    let token = callers.wallet("marie").await;
    let paid = callers
        .authorise(pay("marie", &token, "k", 100))
        .await
        .unwrap();
    assert_eq!(decision(&paid), "APPROVED");

    let mut other = CardServiceClient::new(known.rpc(OTHER).await);
    let account = v1::GetAccountRequest {
        account_id: "marie".to_owned(),
    };
    let refused = other.get_account(account.clone()).await.unwrap_err();
    let says = "spiffe://shop.example/other may not call /waika.v1.CardService/GetAccount";
    denied(&refused, Code::PermissionDenied, "CALLER_NOT_ALLOWED", says);

    // The payments, which are not served by tonic, have the same gate.
    let nobody = "spiffe://shop.example/nobody";
    let mut payments = AuthorisationServiceClient::new(known.rpc(nobody).await);
    let refused = payments
        .authorise(pay("marie", &token, "k", 100))
        .await
        .unwrap_err();
    denied(
        &refused,
        Code::PermissionDenied,
        "CALLER_NOT_ALLOWED",
        nobody,
    );
    let none = tokio_stream::empty::<v1::AuthoriseStreamRequest>();
    let refused = payments.authorise_stream(none).await.unwrap_err();
    denied(
        &refused,
        Code::PermissionDenied,
        "CALLER_NOT_ALLOWED",
        nobody,
    );

    // On the operators' listener neither payments' callers are operators.
    let clock = v1::GetClockRequest::default();
    let refused = known
        .admin(ACQUIRER)
        .await
        .get_clock(clock)
        .await
        .unwrap_err();
    denied(
        &refused,
        Code::PermissionDenied,
        "CALLER_NOT_ALLOWED",
        ACQUIRER,
    );

    // A probe asks whoever it is.
    let mut health = waika::health::health_client::HealthClient::new(known.rpc(nobody).await);
    let asked = waika::health::HealthCheckRequest::default();
    health.check(asked).await.unwrap();
}

#[tokio::test]
async fn a_certificate_without_an_id_is_nobody() {
    let known = Known::start();
    for uri in [
        None,
        Some("https://shop.example/acquirer"),
        Some("spiffe://shop.example"),
    ] {
        let papers = known.authority.caller(uri);
        let channel = connect(known.server.rpc_address(), &known.authority, Some(&papers));
        let mut cards = CardServiceClient::new(channel.await.unwrap());
        let account = v1::GetAccountRequest {
            account_id: "marie".to_owned(),
        };
        let refused = cards.get_account(account).await.unwrap_err();
        denied(
            &refused,
            Code::Unauthenticated,
            "CALLER_UNKNOWN",
            "has no SPIFFE id",
        );
    }
}

#[tokio::test]
async fn who_shows_no_certificate_or_a_strangers_does_not_get_in() {
    let known = Known::start();
    let stranger = Authority::new().caller(Some(ACQUIRER));
    for papers in [None, Some(&stranger)] {
        for address in [known.server.rpc_address(), known.server.admin_address()] {
            let connected = connect(address, &known.authority, papers).await;
            // In TLS 1.3 the caller has done its part before it is refused.
            let refused = match connected {
                Err(_) => true,
                Ok(channel) => {
                    let mut cards = CardServiceClient::new(channel);
                    let asked = cards.list_cards(v1::ListCardsRequest::default()).await;
                    asked.unwrap_err().code() != Code::InvalidArgument
                }
            };
            assert!(refused, "{address}");
        }
    }
    let (log, _) = known.server.stop_and_read_log();
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test]
async fn a_caller_that_is_struck_off_is_denied_on_open_connections() {
    let known = Known::start();
    let mut callers = known.callers().await;
    let token = callers.wallet("marie").await;
    let (requests, sent) = mpsc::unbounded_channel();
    let stream = UnboundedReceiverStream::new(sent);
    let mut answers = callers
        .authorisations
        .authorise_stream(stream)
        .await
        .unwrap()
        .into_inner();
    let streamed = |correlation_id| v1::AuthoriseStreamRequest {
        requests: vec![v1::StreamedRequest {
            correlation_id,
            request: Some(v1::AuthoriseRequest {
                idempotency_key: format!("streamed {correlation_id}"),
                ..pay("marie", &token, "k", 100)
            }),
        }],
    };
    requests.send(streamed(1)).unwrap();
    assert!(answers.message().await.unwrap().is_some());

    // A file with a mistake changes nothing, however long it stays.
    known.files.put("callers.toml", "[[caller]]\nid = 7\n");
    soon("the mistake is counted", async || {
        let name = "waika_credentials_read_total{of=\"callers\",outcome=\"refused\"}";
        metrics(&known).await.contains(&format!("{name} 1"))
    })
    .await;
    requests.send(streamed(2)).unwrap();
    assert!(answers.message().await.unwrap().is_some());

    known.files.put("callers.toml", &without_acquirer());
    let account = || v1::GetAccountRequest {
        account_id: "marie".to_owned(),
    };
    soon("the acquirer is denied", async || {
        let asked = callers.cards.clone().get_account(account()).await;
        asked.is_err_and(|status| status.code() == Code::PermissionDenied)
    })
    .await;
    requests.send(streamed(3)).unwrap();
    let ended = answers.message().await.unwrap_err();
    denied(
        &ended,
        Code::PermissionDenied,
        "CALLER_NOT_ALLOWED",
        ACQUIRER,
    );

    known.files.put("callers.toml", CALLERS);
    soon("the acquirer is back", async || {
        callers.cards.clone().get_account(account()).await.is_ok()
    })
    .await;
}

async fn metrics(known: &Known) -> String {
    let papers = known.papers(OPERATOR);
    crate::security_support::scrape(known.server.metrics_address(), &known.authority, &papers).await
}

#[tokio::test]
async fn who_scrapes_has_to_be_allowed_too() {
    let known = Known::start();
    assert!(metrics(&known).await.contains("waika_build_info"));
    let papers = known.papers(ACQUIRER);
    let address = known.server.metrics_address();
    let page = crate::security_support::scrape(address, &known.authority, &papers).await;
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    assert!(page.contains("may not call metrics"), "{page}");
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let known = Known::start();
    let mut callers = known.callers().await;
    let token = callers.wallet("marie").await;
    let asked = pay("marie", &token, "k", 100);
    let first = callers.authorise(asked.clone()).await.unwrap();
    let again = callers.authorise(asked.clone()).await.unwrap();
    assert!(again.replayed);
    let mut other = AuthorisationServiceClient::new(known.rpc(OTHER).await);
    let others = other.authorise(asked).await.unwrap().into_inner();
    assert!(!others.replayed, "another caller's key is another key");
    let id =
        |answer: &v1::AuthoriseResponse| answer.authorisation.clone().unwrap().authorisation_id;
    assert_ne!(id(&first), id(&others));
    assert_eq!(id(&first), id(&again));
}

#[tokio::test]
async fn a_bind_is_done_by_whoever_may() {
    let known = Known::start();
    let mut callers = known.callers().await;
    callers.put_merchant(merchant("noodle-bar")).await;
    bound(&callers.bind(bind("pierre")).await);
    let mut other = CardServiceClient::new(known.rpc(OTHER).await);
    let refused = other.bind(bind("irene")).await.unwrap_err();
    denied(
        &refused,
        Code::PermissionDenied,
        "CALLER_NOT_ALLOWED",
        OTHER,
    );
}
