//! An issuer in a process of its own: payments are held before it hears of them, posted or voided by
//! its answer, and it is told of whatever is given back (C2, D3, D6, D13).

use std::time::Duration;

use tokio::time::sleep;
use waika::v1::{self, AuthorisationStepKind as Step, TransactionState as State};

use crate::issuer_support::{Issued, books_agree, reconcile};
use crate::requests::{bind, bind_outcome, card, decision, decline, part, pay, reverse, visa};
use crate::support::Server;
use crate::wallet::Callers;

fn id(response: &v1::AuthoriseResponse) -> String {
    let authorisation = response.authorisation.as_ref();
    authorisation.unwrap().authorisation_id.clone()
}

#[tokio::test]
async fn d3_the_issuer_is_asked_for_principal_and_fee_and_told_what_is_given_back() {
    let both = Issued::start(&[], &[]).await;
    let Issued {
        mut callers,
        issuer,
        server,
    } = both;
    let card = callers.wallet("a").await;
    let asked = v1::AuthoriseRequest {
        want_timing: true,
        ..pay("a", &card, "k", 20_017)
    };
    let response = callers.authorise(asked).await.unwrap();
    assert_eq!(decision(&response), "APPROVED");
    let timing = response.timing.unwrap();
    assert!(timing.issuer_ns > 0, "{timing:?}");
    assert_eq!(
        callers.steps("a", &id(&response)).await,
        [Step::Reserved, Step::Approved]
    );
    let payments = |all: Vec<v1::SandboxTransaction>| -> Vec<_> {
        let payments = all.into_iter().filter(|one| !one.verification);
        payments
            .map(|one| (one.state(), one.amount_fen, one.reversed_fen))
            .collect()
    };
    let seen = payments(issuer.transactions().await);
    assert_eq!(seen, [(State::Approved, 20_618, 0)], "D3");

    // D13, D14: each part is told, with its share of the fee.
    let first = part(reverse("a", "r1", &id(&response)), 6_000);
    assert_eq!(callers.reversal(first).await, "REVERSED");
    callers.nothing_owed().await;
    let seen = payments(issuer.transactions().await);
    assert_eq!(seen, [(State::Approved, 20_618, 6_180)]);
    assert_eq!(
        callers.reversal(reverse("a", "r2", &id(&response))).await,
        "REVERSED"
    );
    callers.nothing_owed().await;
    let seen = payments(issuer.transactions().await);
    assert_eq!(seen, [(State::Reversed, 20_618, 20_618)]);
    books_agree(&server, &issuer).await;
}

#[tokio::test]
async fn every_reason_of_the_issuer_is_told_and_nothing_is_owed_for_it() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let reasons = [
        "ISSUER_EXPIRED_CARD",
        "ISSUER_LOCKED_CARD",
        "ISSUER_LOST_CARD",
        "ISSUER_STOLEN_CARD",
        "ISSUER_PICKUP_CARD",
        "ISSUER_INSUFFICIENT_FUNDS",
        "ISSUER_DO_NOT_HONOUR",
        "ISSUER_UNAVAILABLE",
    ];
    for (selector, reason) in (1..).zip(reasons) {
        let account = format!("a{selector}");
        let token = callers.wallet_with(&account, selector).await;
        let response = callers.authorise(pay(&account, &token, "k", 5_000)).await;
        assert_eq!(
            decline(response.unwrap()).reason().as_str_name()[15..],
            *reason
        );
        assert_eq!(callers.used(&account).await.0, 0, "{reason}");
        // R38: the same at Bind.
        let refused = format!("b{selector}");
        let request = v1::BindRequest {
            card: Some(card(&visa(100 + selector), v1::Scheme::Visa)),
            ..bind(&refused)
        };
        assert_eq!(bind_outcome(&callers.bind(request).await), reason);
    }
    callers.nothing_owed().await;
    let standing = issuer.transactions().await;
    let standing = standing.iter().filter(|one| one.state() == State::Approved);
    assert_eq!(standing.count(), 0, "each debit was given back (D6)");
    books_agree(&server, &issuer).await;
}

#[tokio::test]
async fn d16_slow_silent_and_late_cards_are_so_over_the_network_too() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let slow = callers.wallet_with("a", 9).await;
    let response = callers.authorise(pay("a", &slow, "k", 5_000)).await;
    assert_eq!(decision(&response.unwrap()), "APPROVED");
    for (account, selector) in [("b", 10), ("c", 11)] {
        let token = callers.wallet_with(account, selector).await;
        let response = callers.authorise(pay(account, &token, "k", 5_000)).await;
        let response = response.unwrap();
        assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
        assert_eq!(callers.used(account).await.0, 0);
    }
    callers.nothing_owed().await;
    books_agree(&server, &issuer).await;
}

/// A reversal that comes while the issuer is deciding wins: nothing is approved, however late.
#[tokio::test]
async fn d16_what_an_issuer_decides_too_late_it_has_declined() {
    let late = &["--latency", "1100ms"];
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(late, &[]).await;
    // Its debit is too slow as well: bind while the policy has patience.
    callers
        .hold("name = \"patient\"\n[issuer]\ntimeout_ms = 5000\n")
        .await;
    let card = callers.wallet("a").await;
    callers
        .hold("name = \"hasty\"\n[issuer]\ntimeout_ms = 300\n")
        .await;
    let response = callers.authorise(pay("a", &card, "k", 5_000)).await;
    let response = response.unwrap();
    assert_eq!(decision(&response), "ISSUER_UNAVAILABLE");
    callers.nothing_owed().await;
    books_agree(&server, &issuer).await;
}

#[tokio::test]
async fn an_operator_cannot_set_what_another_issuer_thinks() {
    let Issued {
        mut callers,
        issuer: _issuer,
        server: _server,
    } = Issued::start(&[], &[]).await;
    let card = callers.wallet("a").await;
    let request = v1::SetCardStatusRequest {
        idempotency_key: "s".to_owned(),
        account_id: "a".to_owned(),
        card_token: card,
        status: v1::CardStatus::Lost.into(),
    };
    let refused = callers.admin.set_card_status(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert!(refused.message().contains("issuer"), "{refused:?}");
}

#[tokio::test]
async fn reconcile_says_what_differs_and_what_is_wrong() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let token = callers.wallet("a").await;
    callers.paid("a", &token, "k", 5_000).await;
    callers.nothing_owed().await;
    books_agree(&server, &issuer).await;
    // Another issuer, with empty books.
    let other = crate::issuer_support::IssuerSandbox::start(&[]);
    let (code, text) = reconcile(&server.home, &other.address());
    assert_eq!(code, Some(1), "{text}");
    for expected in [
        "differ in 1",
        "50.00 by Waika's books, 0.00 by the issuer's",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let gone = other.address();
    drop(other);
    let (code, text) = reconcile(&server.home, &gone);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("cannot be reached"), "{text}");
    let (code, text) = reconcile(&server.home, server.rpc_address());
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("has no books"), "{text}");
}

/// A server that is started without its issuer keeps what it owes to it.
#[tokio::test]
async fn d16_what_is_owed_waits_for_a_server_that_has_the_issuer_again() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let token = callers.wallet("a").await;
    let approved = callers.authorise(pay("a", &token, "k", 5_000)).await;
    let approved = id(&approved.unwrap());
    callers.nothing_owed().await;
    let home = server.kill();
    let server = Server::start_in(home, &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(
        callers.reversal(reverse("a", "r", &approved)).await,
        "REVERSED"
    );
    sleep(Duration::from_millis(200)).await;
    let owed = callers.owed().await;
    assert_eq!(owed.total_size, 1);
    let advice = &owed.advices[0];
    assert_eq!(advice.kind(), v1::OwedAdviceKind::Reversal);
    assert_eq!((advice.amount_fen, &*advice.account_id), (5_000, "a"));
    assert!(advice.attempts > 0, "{advice:?}");
    assert!(advice.last_error.contains("--issuer"), "{advice:?}");
    let (code, text) = reconcile(&server.home, &issuer.address());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Not settled yet"), "{text}");

    // Its card is none of the sandbox inside, which would approve what the issuer never hears of.
    let strange = callers.authorise(pay("a", &token, "k2", 5_000)).await;
    assert_eq!(decision(&strange.unwrap()), "ISSUER_UNAVAILABLE");

    // By a snapshot, too.
    let snapshot = callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await;
    snapshot.unwrap();
    let home = server.kill();
    let server = Server::start_in(home, &["--issuer", &issuer.address()]);
    let mut callers = Callers::of(&server).await;
    callers.nothing_owed().await;
    books_agree(&server, &issuer).await;
    callers.another_card("a", 77).await;
}
