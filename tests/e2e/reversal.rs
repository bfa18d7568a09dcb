//! What was authorised is given back once, and never more than it was (D13, D14, D18, D31).

use tonic_types::StatusExt as _;
use waika::v1::{self, reverse_request::Original, reverse_response};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{
    Callers, decision, given_back, part, pay, reversal_outcome, reverse, reverse_by_key,
};

#[tokio::test]
async fn d13_d14_two_parts_give_principal_and_fee_back_to_the_fen() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let id = &*paid.authorisation_id;
    let untouched = callers.standing("a", id).await;
    assert_eq!(
        (untouched.reversed_fen, untouched.remaining_fen),
        (0, 25_000)
    );

    let request = part(reverse("a", "r1", id), 6_000);
    let first = given_back(callers.reverse(request).await.unwrap());
    let expected = v1::Reversal {
        authorisation_id: id.to_owned(),
        amount_fen: 6_000,
        fee_fen: 180,
        total_fen: 6_180,
        remaining_fen: 19_000,
        month_restored: true,
        year_restored: true,
        balance_fen: None,
    };
    assert_eq!(first, expected);
    assert_eq!(callers.used("a").await, (19_000, 19_000), "D3: principal");
    let request = reverse_by_key("a", "r2", "k");
    let second = given_back(callers.reverse(request).await.unwrap());
    assert_eq!(second.authorisation_id, id, "by the payment's key");
    assert_eq!(
        (second.amount_fen, second.fee_fen, second.remaining_fen),
        (19_000, 570, 0),
        "all that remains"
    );
    let standing = callers.standing("a", id).await;
    assert_eq!(
        (standing.reversed_fen, standing.reversed_fee_fen),
        (25_000, 750)
    );
    assert_eq!((standing.remaining_fen, standing.settled), (0, false));
    assert_eq!(callers.used("a").await, (0, 0));
    for (key, request) in [
        ("r3", reverse("a", "r3", id)),
        ("r4", part(reverse("a", "r4", id), 1)),
    ] {
        assert_eq!(callers.reversal(request).await, "ALREADY_REVERSED", "{key}");
    }
}

#[tokio::test]
async fn d13_more_than_remains_is_refused_with_what_remains() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let request = part(reverse("a", "r", &paid.authorisation_id), 10_001);
    let refused = callers.reverse(request).await.unwrap();
    let Some(reverse_response::Outcome::Refusal(refusal)) = refused.outcome else {
        panic!("not refused")
    };
    assert_eq!(
        refusal.reason(),
        v1::ReversalRefusalReason::ExceedsRemaining
    );
    assert_eq!(
        (refusal.observed_fen, refusal.remaining_fen),
        (10_001, 10_000)
    );
    assert_eq!(refusal.layer(), v1::DeclineLayer::Wallet);
    assert_eq!(refusal.retry(), v1::RetryClass::ReduceAmount);
    assert_eq!(refusal.response_code, "61");
    let text = refusal.text.unwrap();
    assert!(!text.zh_cn.is_empty() && !text.en.is_empty());
    assert_eq!(callers.used("a").await, (10_000, 10_000));
}

#[tokio::test]
async fn d18_a_reversal_s_key_has_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let other = callers.paid("a", &card, "l", 10_000).await;
    let request = part(reverse("a", "r", &paid.authorisation_id), 4_000);
    let first = callers.reverse(request.clone()).await.unwrap();
    let again = callers.reverse(request.clone()).await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.outcome, first.outcome);
    assert_eq!(again.decided_at, first.decided_at);
    assert_eq!(callers.used("a").await, (16_000, 16_000), "one effect");

    let whole = v1::ReverseRequest {
        amount_fen: None,
        ..request.clone()
    };
    for (field, request) in [
        ("amount_fen", part(request.clone(), 4_001)),
        ("amount_fen", whole),
        (
            "authorisation_id",
            part(reverse("a", "r", &other.authorisation_id), 4_000),
        ),
        (
            "authorisation_id",
            part(reverse_by_key("a", "r", "k"), 4_000),
        ),
    ] {
        let conflict = callers.reverse(request).await.unwrap_err();
        assert_eq!(conflict.code(), tonic::Code::AlreadyExists, "{field}");
        let info = conflict.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.metadata["field"], field);
    }
    // A refusal is an answer too, and is kept as it was.
    let too_much = part(reverse("a", "s", &paid.authorisation_id), 9_000);
    assert_eq!(
        callers.reversal(too_much.clone()).await,
        "EXCEEDS_REMAINING"
    );
    let again = callers.reverse(too_much).await.unwrap();
    assert!(again.replayed);
}

#[tokio::test]
async fn an_authorisation_that_the_account_does_not_have_is_not_found() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let id = &*paid.authorisation_id;
    for (account, id) in [
        ("b", id),
        ("nobody", id),
        ("a", "auth_1ZZZZZZZZZZZZZ"),
        ("a", "auth_10000000000001"),
        ("a", "garbage"),
        ("a", ""),
    ] {
        let error = callers.reverse(reverse(account, "r", id)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound, "{account} {id}");
    }
    let error = callers.reverse(reverse_by_key("nobody", "r", "k")).await;
    assert_eq!(error.unwrap_err().code(), tonic::Code::NotFound);
    assert_eq!(callers.used("a").await, (10_000, 10_000));
    // The key was used for nothing so far.
    assert_eq!(callers.reversal(reverse("a", "r", id)).await, "REVERSED");
}

#[tokio::test]
async fn every_bad_field_of_a_reversal_is_named() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = v1::ReverseRequest {
        idempotency_key: String::new(),
        account_id: "a/b".to_owned(),
        original: None,
        amount_fen: Some(0),
        payment_code: String::new(),
    };
    let error = callers.reverse(request.clone()).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);
    let expected = [
        "account_id",
        "amount_fen",
        "authorisation_id",
        "idempotency_key",
    ];
    assert_eq!(bad_fields(&error), named(expected));
    let request = v1::ReverseRequest {
        idempotency_key: "r".to_owned(),
        account_id: "a".to_owned(),
        original: Some(Original::OriginalIdempotencyKey("k".repeat(65))),
        amount_fen: Some(-1),
        payment_code: String::new(),
    };
    let error = callers.reverse(request).await.unwrap_err();
    let expected = ["amount_fen", "original_idempotency_key"];
    assert_eq!(bad_fields(&error), named(expected));
}

#[tokio::test]
async fn a_declined_payment_cannot_be_given_back() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let declined = callers.authorise(pay("a", &card, "k", 600_001)).await;
    let declined = declined.unwrap().authorisation.unwrap();
    for request in [
        reverse("a", "r1", &declined.authorisation_id),
        reverse_by_key("a", "r2", "k"),
        part(reverse_by_key("a", "r3", "k"), 1),
    ] {
        assert_eq!(callers.reversal(request).await, "DECLINED_ORIGINAL");
    }
    let standing = callers.standing("a", &declined.authorisation_id).await;
    assert_eq!(standing, v1::AuthorisationStatus::default());
}

#[tokio::test]
async fn d31_a_payment_that_is_reversed_before_it_comes_is_declined() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    let ahead = callers
        .reverse(reverse_by_key("a", "r", "k"))
        .await
        .unwrap();
    assert_eq!(reversal_outcome(&ahead), "RECORDED_AHEAD");
    let again = callers
        .reverse(reverse_by_key("a", "r", "k"))
        .await
        .unwrap();
    assert_eq!((again.replayed, &again.outcome), (true, &ahead.outcome));
    let another = reverse_by_key("a", "r2", "k");
    assert_eq!(callers.reversal(another).await, "RECORDED_AHEAD");

    let mut wrong = pay("a", &card, "k", 100);
    wrong.payment_password = "000000".to_owned();
    let late = callers.authorise(wrong).await.unwrap();
    assert_eq!(decision(&late), "REVERSED_BEFORE_ARRIVAL");
    let late = callers.authorise(pay("a", &card, "k", 100)).await.unwrap();
    assert_eq!(
        (late.replayed, &*decision(&late)),
        (true, "REVERSED_BEFORE_ARRIVAL"),
        "the same stored answer"
    );
    assert_eq!(callers.used("a").await, (0, 0));
    let known = reverse_by_key("a", "r3", "k");
    assert_eq!(callers.reversal(known).await, "DECLINED_ORIGINAL");
    callers.paid("a", &card, "l", 100).await;
    // A key belongs to its account.
    let ahead = callers.reversal(reverse_by_key("b", "r", "l")).await;
    assert_eq!(ahead, "RECORDED_AHEAD");
}

#[tokio::test]
async fn reversals_survive_a_kill() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let id = &*paid.authorisation_id;
    let request = part(reverse("a", "r", id), 6_000);
    let first = callers.reverse(request.clone()).await.unwrap();
    let too_much = part(reverse("a", "s", id), 20_000);
    let refused = callers.reverse(too_much.clone()).await.unwrap();
    callers.reversal(reverse_by_key("a", "t", "later")).await;
    let standing = callers.standing("a", id).await;
    let account = callers.account("a").await;

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.account("a").await, account);
    assert_eq!(callers.standing("a", id).await, standing);
    for (request, answer) in [(request, first), (too_much, refused)] {
        let again = callers.reverse(request).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.outcome, answer.outcome);
        assert_eq!(again.decided_at, answer.decided_at);
    }
    let late = callers.decision(pay("a", &card, "later", 1)).await;
    assert_eq!(late, "REVERSED_BEFORE_ARRIVAL");
    let rest = given_back(callers.reverse(reverse("a", "u", id)).await.unwrap());
    assert_eq!((rest.amount_fen, rest.fee_fen), (19_000, 570));
}
