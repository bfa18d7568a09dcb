//! Standing in for an issuer that is not reached (D17): off unless the policy says so, up to its
//! caps, told to the issuer when it is back, with what it would have declined.

use std::time::Duration;

use tokio::time::sleep;
use waika::v1::{self, AuthorisationStepKind as Step, authorisation};

use crate::issuer_support::{Issued, IssuerHome, IssuerSandbox, reconcile};
use crate::requests::{decision, pay, reverse};
use crate::support::Server;
use crate::wallet::Callers;

const STANDING_IN: &str = "name = \"standing-in\"\n[issuer]\ntimeout_ms = 300\nstand_in = true\n\
                           stand_in_single_fen = 20000\nstand_in_outstanding_fen = 50000\n";

fn stood_in(response: &v1::AuthoriseResponse) -> bool {
    let outcome = response.authorisation.as_ref().unwrap().outcome.as_ref();
    match outcome.unwrap() {
        authorisation::Outcome::Approval(approval) => approval.stood_in,
        authorisation::Outcome::Decline(_) => false,
    }
}

fn id(response: &v1::AuthoriseResponse) -> String {
    let authorisation = response.authorisation.as_ref();
    authorisation.unwrap().authorisation_id.clone()
}

#[tokio::test]
async fn d17_an_issuer_that_is_away_is_stood_in_for_and_told_afterwards() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let good = callers.wallet("a").await;
    // The issuer would decline this one's payments.
    let declining = callers.wallet_with("b", 3).await;
    callers.hold(STANDING_IN).await;
    callers.nothing_owed().await;
    let port = issuer.port();
    let home = issuer.kill();

    let first = callers
        .authorise(pay("a", &good, "k1", 20_000))
        .await
        .unwrap();
    assert_eq!(decision(&first), "APPROVED");
    assert!(stood_in(&first));
    let last = up_to_the_caps(&mut callers, &good).await;
    // The same limits are consumed.
    assert_eq!(callers.used("a").await.0, 50_000);
    let diverging = callers
        .authorise(pay("b", &declining, "k", 5_000))
        .await
        .unwrap();
    assert!(stood_in(&diverging));
    // One of them is given back before the issuer has heard of it.
    assert_eq!(
        callers.reversal(reverse("a", "r", &id(&first))).await,
        "REVERSED"
    );
    let owed = callers.owed().await;
    assert_eq!(owed.total_size, 5, "{owed:?}");
    let kinds: Vec<_> = owed.advices.iter().map(v1::OwedAdvice::kind).collect();
    assert_eq!(kinds[0], v1::OwedAdviceKind::StandIn);
    assert_eq!(kinds[4], v1::OwedAdviceKind::Reversal);
    let replay = callers
        .authorise(pay("a", &good, "k1", 20_000))
        .await
        .unwrap();
    assert!(replay.replayed && stood_in(&replay));

    let issuer = IssuerSandbox::start_in(home, port, &[]);
    callers.nothing_owed().await;
    assert_eq!(
        callers.steps("a", &id(&last)).await,
        [Step::Reserved, Step::Approved, Step::StandInConfirmed]
    );
    assert_eq!(
        callers.steps("b", &id(&diverging)).await,
        [Step::Reserved, Step::Approved, Step::StandInDiverged]
    );
    let (code, text) = reconcile(&server.home, &issuer.address());
    assert_eq!(code, Some(0), "{text}");
    for expected in [
        "ISSUER_LOST_CARD",
        "stood in for the issuer",
        "agree to the fen",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let metrics = server.metrics().await;
    for expected in [
        "waika_stand_ins_total{outcome=\"APPROVED\"} 4",
        "waika_stand_ins_total{outcome=\"CONFIRMED\"} 3",
        "waika_stand_ins_total{outcome=\"DIVERGED\"} 1",
        "waika_stand_in_fen_total{outcome=\"DIVERGED\"} 5000",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }
    room_again(callers, issuer, [&good, &declining]).await;
}

/// Above the cap of one payment, and then above that of all: the last payment that passes.
async fn up_to_the_caps(callers: &mut Callers, good: &str) -> v1::AuthoriseResponse {
    let above = callers
        .authorise(pay("a", good, "k2", 20_001))
        .await
        .unwrap();
    assert_eq!(decision(&above), "ISSUER_UNAVAILABLE");
    for (key, expected) in [("k3", "APPROVED"), ("k4", "ISSUER_UNAVAILABLE")] {
        let response = callers.authorise(pay("a", good, key, 20_000)).await;
        assert_eq!(decision(&response.unwrap()), expected, "{key}");
    }
    let last = callers
        .authorise(pay("a", good, "k5", 10_000))
        .await
        .unwrap();
    assert!(stood_in(&last), "exactly the cap");
    last
}

/// What was agreed to makes room again; what diverged does not.
async fn room_again(mut callers: Callers, issuer: IssuerSandbox, [good, declining]: [&str; 2]) {
    drop(issuer);
    let again = callers
        .authorise(pay("a", good, "k6", 20_000))
        .await
        .unwrap();
    assert!(stood_in(&again));
    let spent = callers
        .authorise(pay("b", declining, "k7", 20_000))
        .await
        .unwrap();
    assert!(stood_in(&spent), "45,000 remain of its cap");
    let spent = callers
        .authorise(pay("b", declining, "k8", 20_000))
        .await
        .unwrap();
    assert!(stood_in(&spent));
    let spent = callers
        .authorise(pay("b", declining, "k9", 5_001))
        .await
        .unwrap();
    assert_eq!(decision(&spent), "ISSUER_UNAVAILABLE");
}

#[tokio::test]
async fn d17_an_issuer_that_is_silent_is_stood_in_for_once() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&["--errors", "100%=mute"], &[]).await;
    // Its verification debits meet the same trouble, so the card is bound by another.
    let port = issuer.port();
    let issuer = IssuerSandbox::start_in(issuer.kill(), port, &[]);
    let card = callers.wallet("a").await;
    callers.hold(STANDING_IN).await;
    callers.nothing_owed().await;
    let issuer = IssuerSandbox::start_in(issuer.kill(), port, &["--errors", "100%=mute"]);
    let response = callers
        .authorise(pay("a", &card, "k", 10_000))
        .await
        .unwrap();
    assert!(stood_in(&response), "{response:?}");
    // It had booked the payment and said nothing; the advice is a repeat of it.
    callers.nothing_owed().await;
    let steps = callers.steps("a", &id(&response)).await;
    assert_eq!(
        steps,
        [Step::Reserved, Step::Approved, Step::StandInConfirmed]
    );
    let (code, text) = reconcile(&server.home, &issuer.address());
    assert_eq!(code, Some(0), "{text}");
}

#[tokio::test]
async fn d17_nobody_stands_in_unless_the_policy_says_so() {
    let Issued {
        mut callers,
        issuer,
        server: _server,
    } = Issued::start(&[], &[]).await;
    let card = callers.wallet("a").await;
    drop(issuer);
    let response = callers.authorise(pay("a", &card, "k", 1)).await.unwrap();
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    // Nor for an issuer that answers: a refusal is one.
    assert_eq!(callers.used("a").await.0, 0);
}

/// Waits until the server has so many connections to the issuer of its Visa cards.
async fn connections(server: &Server, expected: u32) {
    let line = format!("waika_issuer_connections{{scheme=\"VISA\"}} {expected}\n");
    for _ in 0..1_000 {
        if server.metrics().await.contains(&line) {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{line}: {}", server.metrics().await);
}

/// Only for an issuer that is not there: one that answers nonsense is, and one that had less time than
/// the policy gives may be.
#[tokio::test]
async fn d17_nobody_stands_in_for_nonsense_or_for_want_of_time() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &["--cores", "1"]).await;
    let card = callers.wallet("a").await;
    callers.hold(STANDING_IN).await;
    callers.nothing_owed().await;
    let port = issuer.port();
    drop(issuer);
    for (key, trouble) in [
        ("k1", "wrong-amount"),
        ("k2", "wrong-id"),
        ("k3", "wrong-code"),
    ] {
        let errors = format!("100%={trouble}");
        let home = IssuerHome::new();
        connections(&server, 0).await;
        let issuer = IssuerSandbox::start_in(home, port, &["--errors", &errors]);
        connections(&server, 1).await;
        let response = callers.authorise(pay("a", &card, key, 1)).await.unwrap();
        assert_eq!(decision(&response), "ISSUER_UNAVAILABLE", "{trouble}");
        drop(issuer);
    }
    let home = IssuerHome::new();
    connections(&server, 0).await;
    let _slow = IssuerSandbox::start_in(home, port, &["--latency", "200ms"]);
    connections(&server, 1).await;
    let mut hasty = tonic::Request::new(pay("a", &card, "k4", 1));
    hasty
        .metadata_mut()
        .insert("grpc-timeout", "60m".parse().unwrap());
    let response = callers.authorisations.authorise(hasty).await.unwrap();
    assert_eq!(decision(&response.into_inner()), "ISSUER_UNAVAILABLE");
}
