//! Giving back a payment that was made with a code, by a merchant that does not know the account:
//! code and key name it, before it comes or after (D10, D31).

use tonic::Code;
use waika::v1;
use waika::v1::reverse_request::Original;

use crate::code::scan;
use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, pay, reverse_by_key};

/// A reversal of the payment that was or will be made with a code under a key.
fn reverse(code: &str, key: &str, original: &str) -> v1::ReverseRequest {
    v1::ReverseRequest {
        account_id: String::new(),
        payment_code: code.to_owned(),
        ..reverse_by_key("", key, original)
    }
}

#[tokio::test]
async fn d31_d10_a_payment_with_a_code_is_reversed_by_code_and_key() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    assert_eq!(callers.decision(scan(&code, "k", 25_000)).await, "APPROVED");
    let part = v1::ReverseRequest {
        amount_fen: Some(6_000),
        ..reverse(&code, "r1", "k")
    };
    assert_eq!(callers.reversal(part.clone()).await, "REVERSED");
    assert_eq!(callers.used("a").await, (19_000, 19_000));
    // Long after the code was forgotten, and after a restart, the payment still says whose it is.
    callers.freeze("2024-01-10T18:00:00+08:00").await;
    callers.paid("a", &card, "another", 100).await;
    let server = server.restarted_from_snapshot().await;
    let mut callers = Callers::of(&server).await;
    let again = callers.reverse(part).await.unwrap();
    assert!(again.replayed);
    assert_eq!(
        callers.reversal(reverse(&code, "r2", "k")).await,
        "REVERSED"
    );
    assert_eq!(callers.used("a").await, (100, 100));
    let rest = callers.reversal(reverse(&code, "r3", "k")).await;
    assert_eq!(rest, "ALREADY_REVERSED");
}

#[tokio::test]
async fn d31_d10_reversed_ahead_the_payment_declines_and_the_same_key_elsewhere_does_not() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c1").await;
    let other = callers.code("a", &card, "c2").await;
    let ahead = callers.reversal(reverse(&code, "r", "k")).await;
    assert_eq!(ahead, "RECORDED_AHEAD");
    let declined = callers.decision(scan(&code, "k", 100)).await;
    assert_eq!(declined, "REVERSED_BEFORE_ARRIVAL");
    // A key belongs to its code, or to its account: this one is another each time.
    assert_eq!(callers.decision(scan(&other, "k", 100)).await, "APPROVED");
    let by_password = pay("a", &card, "k", 100);
    assert_eq!(callers.decision(by_password).await, "APPROVED");
    assert_eq!(callers.used("a").await, (200, 200));
    // And the other way round: a key that was reversed ahead for the account is free for a code.
    let ahead = callers.reversal(reverse_by_key("a", "r2", "k2")).await;
    assert_eq!(ahead, "RECORDED_AHEAD");
    let third = callers.code("a", &card, "c3").await;
    assert_eq!(callers.decision(scan(&third, "k2", 100)).await, "APPROVED");
}

#[tokio::test]
async fn d10_a_code_that_is_none_of_ours_leads_to_no_reversal() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    let unknown = "123456789012345678";
    let error = callers.reverse(reverse(unknown, "r", "k")).await;
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
    let declined = callers.decision(scan(unknown, "k", 100)).await;
    assert_eq!(declined, "PAYMENT_CODE_INVALID");
    let error = callers.reverse(reverse(unknown, "r", "k")).await;
    assert_eq!(error.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_stands_beside_a_code_is_named() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = v1::ReverseRequest {
        account_id: "a".to_owned(),
        original: Some(Original::AuthorisationId("auth_1".to_owned())),
        ..reverse("1234", "r", "k")
    };
    let error = callers.reverse(request).await.unwrap_err();
    let expected = ["account_id", "authorisation_id", "payment_code"];
    assert_eq!(bad_fields(&error), named(expected));
    assert!(!error.message().contains("1234"), "R57: a code is a secret");
}
