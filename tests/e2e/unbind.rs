//! Unbinding a card: by password, at once, and without losing what was paid (R39, R40, R48, D22).

use tonic_types::StatusExt as _;
use waika::v1::{self, unbind_response};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{
    Callers, bind, bind_outcome, bound, decision, given_back, pay, reverse, unbind, unbind_outcome,
};

#[tokio::test]
async fn r39_r40_an_unbind_frees_its_slot_at_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let first = callers.wallet("a").await;
    for middle in [111_000_001, 111_000_002] {
        bound(&callers.another_card("a", middle).await);
    }
    let fourth = callers.another_card("a", 111_000_003).await;
    assert_eq!(bind_outcome(&fourth), "CARD_CAP_REACHED");
    let gone = callers.unbind(unbind("a", &first, "u")).await;
    let expected = v1::UnboundCard {
        card_token: first.clone(),
    };
    assert_eq!(
        gone.outcome,
        Some(unbind_response::Outcome::Unbound(expected))
    );
    assert!(!gone.replayed && gone.decided_at.is_some());
    assert_eq!(callers.account("a").await.cards_bound, 2);
    let declined = callers.decision(pay("a", &first, "k", 100)).await;
    assert_eq!(declined, "CARD_NOT_BOUND");
    let fourth = callers.another_card("a", 111_000_004).await;
    assert_eq!(bind_outcome(&fourth), "BOUND");
    callers.paid("a", &bound(&fourth), "l", 100).await;

    let again = callers.unbind(unbind("a", &first, "u")).await;
    assert_eq!((again.replayed, &again.outcome), (true, &gone.outcome));
    assert_eq!(again.decided_at, gone.decided_at);
    let other = callers.cards.unbind(unbind("a", &bound(&fourth), "u"));
    let conflict = other.await.unwrap_err();
    assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
    let info = conflict.get_error_details().error_info().cloned().unwrap();
    assert_eq!(info.metadata["field"], "card_token");
    let second_time = callers.unbind(unbind("a", &first, "v")).await;
    assert_eq!(unbind_outcome(&second_time), "CARD_NOT_BOUND");
}

#[tokio::test]
async fn r48_d7_an_unbind_needs_the_password_and_five_wrong_ones_lock() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let wrong = |key: &str| v1::UnbindRequest {
        payment_password: "000000".to_owned(),
        ..unbind("a", &card, key)
    };
    for number in 1..=5 {
        let refused = callers.unbind(wrong(&format!("w{number}"))).await;
        let Some(unbind_response::Outcome::Refusal(refusal)) = refused.outcome else {
            panic!("not refused")
        };
        let reason = v1::UnbindRefusalReason::PasswordWrong;
        assert_eq!(refusal.reason(), reason);
        assert_eq!(
            (&*refusal.observed, &*refusal.required),
            (&*number.to_string(), "5")
        );
        assert_eq!(refusal.retry(), v1::RetryClass::FixData);
    }
    // A used key is no oracle: the right password gives the stored answer.
    let replayed = callers.unbind(unbind("a", &card, "w1")).await;
    assert!(replayed.replayed);
    assert_eq!(unbind_outcome(&replayed), "PASSWORD_WRONG");
    let locked = callers.unbind(unbind("a", &card, "right")).await;
    let Some(unbind_response::Outcome::Refusal(refusal)) = locked.outcome else {
        panic!("not refused")
    };
    assert_eq!(refusal.reason(), v1::UnbindRefusalReason::PasswordLocked);
    let half_an_hour = crate::wallet::instant("2024-01-10T12:30:00+08:00");
    assert_eq!(refusal.resets_at, Some(half_an_hour));
    let payment = callers.decision(pay("a", &card, "k", 100)).await;
    assert_eq!(payment, "PASSWORD_LOCKED", "one counter");
    assert_eq!(callers.account("a").await.cards_bound, 1);

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let locked = callers.unbind(unbind("a", &card, "again")).await;
    assert_eq!(unbind_outcome(&locked), "PASSWORD_LOCKED");
    callers.freeze("2024-01-10T12:30:00+08:00").await;
    let gone = callers.unbind(unbind("a", &card, "later")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
}

#[tokio::test]
async fn d2_d22_payments_limits_and_identity_outlive_the_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let gone = callers.unbind(unbind("a", &card, "u")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    let account = callers.account("a").await;
    assert_eq!((account.cards_bound, account.verified), (0, true));
    assert!(account.password_set);
    assert_eq!(account.month.unwrap().used_fen, 25_000);

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.account("a").await.cards_bound, 0);
    let mut stranger = bind("a");
    stranger.idempotency_key = "stranger".to_owned();
    stranger.phone_number = "+44 7700 900124".to_owned();
    stranger.identity.as_mut().unwrap().number = "FPR-other".to_owned();
    let refused = callers.bind(stranger).await;
    assert_eq!(bind_outcome(&refused), "IDENTITY_DIFFERS");
    let mut again = bind("a");
    again.idempotency_key = "again".to_owned();
    again.phone_number = "+44 7700 900125".to_owned();
    let token = bound(&callers.bind(again).await);
    assert_ne!(token, card, "bound anew, named anew");
    let old = callers.decision(pay("a", &card, "old", 100)).await;
    assert_eq!(old, "CARD_NOT_BOUND");
    let paid_again = callers.authorise(pay("a", &token, "new", 100)).await;
    assert_eq!(decision(&paid_again.unwrap()), "APPROVED");
    let request = reverse("a", "r", &paid.authorisation_id);
    let back = given_back(callers.reverse(request).await.unwrap());
    assert_eq!((back.amount_fen, back.fee_fen), (25_000, 750));
    assert_eq!(callers.used("a").await, (100, 100));
}

#[tokio::test]
async fn an_unbind_that_is_malformed_or_of_nobody_changes_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let request = v1::UnbindRequest {
        idempotency_key: String::new(),
        account_id: String::new(),
        card_token: "card_1".to_owned(),
        payment_password: "secret".to_owned(),
    };
    let error = callers.cards.unbind(request).await.unwrap_err();
    let expected = [
        "account_id",
        "card_token",
        "idempotency_key",
        "payment_password",
    ];
    assert_eq!(bad_fields(&error), named(expected));
    assert!(!error.message().contains("secret"), "R4");
    let nobody = callers.cards.unbind(unbind("nobody", &card, "u")).await;
    assert_eq!(nobody.unwrap_err().code(), tonic::Code::NotFound, "D27");
    // An account that a phone code has opened is not verified.
    callers.phone_code("b", "+44 7700 900777").await;
    let refused = callers.unbind(unbind("b", &card, "u")).await;
    assert_eq!(unbind_outcome(&refused), "WALLET_NOT_VERIFIED");
    assert_eq!(callers.account("a").await.cards_bound, 1);
}
