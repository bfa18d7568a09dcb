//! Cards of the sandbox inside the process that are slow, silent or late: nothing is held but money
//! while they are asked, and their silence is a decline (C2, D16).

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{sleep, timeout};
use tonic::Code;
use tonic_types::StatusExt as _;
use waika::v1::AuthorisationStepKind as Step;
use waika::v1::{self};

use crate::requests::{bind, bind_outcome, bound, card, decision, pay, reverse, visa};
use crate::support::Server;
use crate::wallet::Callers;

/// Selectors of the table of test cards.
const SLOW: u32 = 9;
const SILENT: u32 = 10;
const LATE: u32 = 11;

impl Callers {
    /// What happened to an authorisation.
    pub(crate) async fn steps(&mut self, account: &str, id: &str) -> Vec<Step> {
        let request = v1::GetAuthorisationRequest {
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let got = self.authorisations.get_authorisation(request).await;
        let steps = got.unwrap().into_inner().steps;
        steps.iter().map(v1::AuthorisationStep::kind).collect()
    }

    /// What issuers are owed.
    pub(crate) async fn owed(&mut self) -> v1::ListOwedAdvicesResponse {
        let request = v1::ListOwedAdvicesRequest::default();
        let listed = self.admin.list_owed_advices(request).await;
        listed.unwrap().into_inner()
    }

    /// Waits until nothing is owed any more.
    pub(crate) async fn nothing_owed(&mut self) {
        for _ in 0..3_000 {
            if self.owed().await.total_size == 0 {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("{:?}", self.owed().await);
    }
}

fn id(response: &v1::AuthoriseResponse) -> String {
    let authorisation = response.authorisation.as_ref();
    authorisation.unwrap().authorisation_id.clone()
}

#[tokio::test]
async fn c2_a_slow_card_holds_its_amount_and_nobody_else() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let slow = callers.wallet_with("a", SLOW).await;
    let quick = bound(&callers.another_card("a", 55).await);
    let asked = {
        let mut callers = callers.clone();
        let slow = slow.clone();
        tokio::spawn(async move {
            let request = v1::AuthoriseRequest {
                want_timing: true,
                ..pay("a", &slow, "slow", 30_000)
            };
            callers.authorise(request).await.unwrap()
        })
    };
    while callers.used("a").await.0 == 0 {
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(callers.used("a").await.0, 30_000, "held while it is asked");
    // No lock is held meanwhile: the same account pays with another card.
    callers.paid("a", &quick, "quick", 100).await;
    assert!(!asked.is_finished());
    let response = asked.await.unwrap();
    assert_eq!(decision(&response), "APPROVED");
    let timing = response.timing.unwrap();
    assert!(timing.issuer_ns >= 300_000_000, "{timing:?}");
    assert!(timing.commit_ns > 0 && timing.rules_ns > 0, "{timing:?}");
    let parts = timing.queue_ns + timing.rules_ns + timing.issuer_ns + timing.commit_ns;
    assert!(parts <= timing.total_ns, "{timing:?}");
    let steps = callers.steps("a", &id(&response)).await;
    assert_eq!(steps, [Step::Reserved, Step::Approved]);
    assert_eq!(callers.used("a").await.0, 30_100);
    // It is reversed like any other, and the sandbox is told.
    assert_eq!(
        callers.reversal(reverse("a", "r", &id(&response))).await,
        "REVERSED"
    );
    callers.nothing_owed().await;
    assert_eq!(callers.used("a").await.0, 100);
}

#[tokio::test]
async fn d16_no_answer_is_a_decline_that_frees_what_was_held() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let silent = callers.wallet_with("a", SILENT).await;
    let asked = pay("a", &silent, "k", 600_000);
    let response = callers.authorise(asked.clone()).await.unwrap();
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    assert_eq!(callers.used("a").await.0, 0);
    let steps = callers.steps("a", &id(&response)).await;
    assert_eq!(steps, [Step::Reserved, Step::Declined]);
    callers.nothing_owed().await;
    let again = callers.authorise(asked).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.authorisation, response.authorisation);
}

#[tokio::test]
async fn d16_a_late_approval_is_a_line_and_never_an_approval() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let late = callers.wallet_with("a", LATE).await;
    let asked = pay("a", &late, "k", 20_017);
    let response = callers.authorise(asked.clone()).await.unwrap();
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    let expected = [Step::Reserved, Step::Declined, Step::IssuerLate];
    for _ in 0..500 {
        if callers.steps("a", &id(&response)).await == expected {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    let request = v1::GetAuthorisationRequest {
        account_id: "a".to_owned(),
        authorisation_id: id(&response),
    };
    let got = callers.authorisations.get_authorisation(request).await;
    let got = got.unwrap().into_inner();
    let last = got.steps.last().unwrap();
    assert_eq!(last.kind(), Step::IssuerLate);
    assert_eq!((last.amount_fen, last.fee_fen), (20_017, 601));
    let again = callers.authorise(asked).await.unwrap();
    assert_eq!(again.authorisation, response.authorisation);
    assert_eq!(callers.used("a").await.0, 0);
    let metrics = server.metrics().await;
    assert!(metrics.contains("waika_issuer_late_total 1"), "{metrics}");

    // The line is there after a start, and the decline too.
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.steps("a", &id(&response)).await, expected);
    assert_eq!(callers.used("a").await.0, 0);
}

#[tokio::test]
async fn c2_a_caller_who_hangs_up_leaves_a_payment_that_is_decided() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let slow = callers.wallet_with("a", SLOW).await;
    let asked = pay("a", &slow, "k", 5_000);
    let mut impatient = callers.clone();
    let hung_up = timeout(
        Duration::from_millis(60),
        impatient.authorise(asked.clone()),
    );
    assert!(hung_up.await.is_err());
    // The same key waits for the same answer.
    let response = callers.authorise(asked).await.unwrap();
    assert!(response.replayed);
    assert_eq!(decision(&response), "APPROVED");
    assert_eq!(callers.used("a").await.0, 5_000);
}

#[tokio::test]
async fn d16_a_server_that_is_killed_in_the_hop_ends_it_at_the_next_start() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let silent = callers.wallet_with("a", SILENT).await;
    let asked = pay("a", &silent, "k", 5_000);
    let mut other = callers.clone();
    let call = asked.clone();
    let cut = tokio::spawn(async move { other.authorise(call).await });
    while callers.used("a").await.0 == 0 {
        sleep(Duration::from_millis(2)).await;
    }
    let home = server.kill();
    assert!(cut.await.unwrap().is_err());
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    let response = callers.authorise(asked).await.unwrap();
    assert!(response.replayed, "it waits for how it ends");
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    assert_eq!(callers.used("a").await.0, 0);
    callers.nothing_owed().await;
    // In good order too: what is in the hop is answered before the server ends.
    let mut other = callers.clone();
    let call = pay("a", &silent, "k2", 5_000);
    let asked = tokio::spawn(async move { other.authorise(call).await });
    while callers.used("a").await.0 == 0 {
        sleep(Duration::from_millis(2)).await;
    }
    let (status, _home) = server.stop(Signal::TERM);
    assert_eq!(status.code(), Some(0));
    let answered = asked.await.unwrap().unwrap();
    assert_eq!(decision(&answered), "ISSUER_UNAVAILABLE");
}

#[tokio::test]
async fn d16_a_deadline_that_leaves_no_time_is_refused_before_anything_is_written() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let slow = callers.wallet_with("a", SLOW).await;
    // As a header only, so that the caller's own clock does not end the call first.
    let mut request = tonic::Request::new(pay("a", &slow, "k", 5_000));
    let deadline = "15m".parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", deadline);
    let refused = callers.authorisations.authorise(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::DeadlineExceeded);
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "DEADLINE_BUDGET");
    assert_eq!(callers.used("a").await.0, 0);
    let metrics = server.metrics().await;
    let counted = "waika_deadline_budget_refusals_total 1";
    assert!(metrics.contains(counted), "{metrics}");
    // The key is unused.
    let response = callers
        .authorise(pay("a", &slow, "k", 5_000))
        .await
        .unwrap();
    assert!(!response.replayed);
    assert_eq!(decision(&response), "APPROVED");

    // With some time the issuer gets what is left of it, and the caller hears in time.
    let mut request = tonic::Request::new(pay("a", &slow, "k2", 5_000));
    request.set_timeout(Duration::from_millis(200));
    let response = callers.authorisations.authorise(request).await.unwrap();
    let response = response.into_inner();
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    // A card that is answered at once needs no budget.
    let quick = bound(&callers.another_card("a", 55).await);
    let mut request = tonic::Request::new(pay("a", &quick, "k3", 5_000));
    request.set_timeout(Duration::from_secs(5));
    let response = callers.authorisations.authorise(request).await.unwrap();
    assert_eq!(decision(&response.into_inner()), "APPROVED");
}

#[tokio::test]
async fn d6_a_verification_debit_may_be_slow_silent_or_late() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for (selector, expected) in [
        (109, "BOUND"),
        (110, "ISSUER_UNAVAILABLE"),
        (111, "ISSUER_UNAVAILABLE"),
    ] {
        let account = format!("a{selector}");
        let request = v1::BindRequest {
            card: Some(card(&visa(selector), v1::Scheme::Visa)),
            ..bind(&account)
        };
        let response = callers.bind(request).await;
        assert_eq!(bind_outcome(&response), expected, "{selector}");
        callers.nothing_owed().await;
    }
}
