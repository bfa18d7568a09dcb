//! A payment token stands for the password, in one payment, once (D7): `VerifyPassword`.

use waika::v1::{self, DeclineReason as Reason};

use crate::malformed::{bad_fields, named};
use crate::passwords::{
    NEW_PASSWORD, WRONG_PASSWORD, change, change_outcome, verify, verify_outcome, with_token,
};
use crate::support::Server;
use crate::wallet::{
    Callers, assert_says, bound, decline, instant, pay, send_phone_code, unbind, unbind_outcome,
};

impl Callers {
    /// Why a payment of a yuan with a token is declined.
    async fn declined_with(&mut self, card_token: &str, key: &str, token: &str) -> v1::Decline {
        let payment = with_token(pay("a", card_token, key, 100), token);
        decline(self.authorise(payment).await.unwrap())
    }
}

#[tokio::test]
async fn d7_a_token_pays_once_and_its_second_use_is_named() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    let payment = with_token(pay("a", &card_token, "1", 100), &token.payment_token);
    let paid = callers.authorise(payment.clone()).await.unwrap();
    assert_eq!(crate::wallet::decision(&paid), "APPROVED");
    // The payment's own key still has its answer; another key finds the token used.
    let again = callers.authorise(payment).await.unwrap();
    assert_eq!(
        (again.replayed, again.authorisation),
        (true, paid.authorisation)
    );
    let declined = callers
        .declined_with(&card_token, "2", &token.payment_token)
        .await;
    assert_eq!(declined.reason(), Reason::PaymentTokenUsed);
    assert_eq!(
        (&*declined.response_code, declined.retry()),
        ("55", v1::RetryClass::FixData)
    );
    assert_says(
        declined.text.as_ref(),
        "支付凭证已被使用",
        "payment token was used",
    );
    assert_eq!(callers.used("a").await, (100, 100));
}

#[tokio::test]
async fn d7_a_token_ends_when_it_says() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    let late = callers.token(verify("a", &card_token, "late", 100)).await;
    let in_time = callers
        .token(verify("a", &card_token, "in time", 100))
        .await;
    let ends = Some(instant("2024-05-01T10:05:00+08:00"));
    assert_eq!((in_time.expires_at, late.expires_at), (ends, ends));
    callers.freeze("2024-05-01T10:04:59.999+08:00").await;
    let payment = with_token(pay("a", &card_token, "1", 100), &in_time.payment_token);
    assert_eq!(callers.decision(payment).await, "APPROVED");
    callers.freeze("2024-05-01T10:05:00+08:00").await;
    let declined = callers
        .declined_with(&card_token, "2", &late.payment_token)
        .await;
    assert_eq!(declined.reason(), Reason::PaymentTokenExpired);
    assert_says(declined.text.as_ref(), "已过期", "has expired");
}

/// Changes a payment so that it is not the one that the token is for.
type Change = fn(&mut v1::AuthoriseRequest, &str);

#[tokio::test]
async fn a_token_is_for_one_account_card_funding_and_amount() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let other = bound(&callers.another_card("a", 111_000_007).await);
    callers.wallet_with("b", 111_000_008).await;
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    let changes: &[(&str, Change)] = &[
        ("another amount", |payment, _| payment.amount_fen = 101),
        ("another card", |payment, other| {
            other.clone_into(&mut payment.card_token);
        }),
        ("the balance", |payment, _| {
            payment.funding = v1::Funding::Balance.into();
            payment.card_token.clear();
        }),
        ("another wallet", |payment, _| {
            "b".clone_into(&mut payment.account_id);
        }),
        ("a forged one", |payment, _| {
            let last = payment.payment_token.pop().unwrap();
            let forged = if last == '0' { '1' } else { '0' };
            payment.payment_token.push(forged);
        }),
        ("nothing like one", |payment, _| {
            "token".clone_into(&mut payment.payment_token);
        }),
    ];
    for (what, change) in changes {
        let mut payment = with_token(pay("a", &card_token, what, 100), &token.payment_token);
        change(&mut payment, &other);
        let declined = decline(callers.authorise(payment).await.unwrap());
        assert_eq!(declined.reason(), Reason::PaymentTokenInvalid, "{what}");
        assert_says(declined.text.as_ref(), "支付凭证无效", "not valid");
    }
    // None of these spent it, or counted as a wrong password.
    let payment = with_token(pay("a", &card_token, "right", 100), &token.payment_token);
    assert_eq!(callers.decision(payment).await, "APPROVED");
    callers.wrong_passwords("a", &card_token, 1..=4).await;
}

#[tokio::test]
async fn a_token_is_void_once_the_password_was_changed() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let request = verify("a", &card_token, "v", 100);
    let token = callers.token(request.clone()).await;
    let changed = callers.change(change("a", "c")).await;
    assert_eq!(change_outcome(&changed), "CHANGED");
    let void = callers
        .declined_with(&card_token, "1", &token.payment_token)
        .await;
    assert_eq!(void.reason(), Reason::PaymentTokenInvalid);
    // Its key is answered still, with a token that is as void.
    let replay = callers.token(request).await;
    let void = callers
        .declined_with(&card_token, "2", &replay.payment_token)
        .await;
    let names = [Reason::PaymentTokenInvalid, Reason::PaymentTokenExpired];
    assert!(names.contains(&void.reason()), "{void:?}");
    let mut request = verify("a", &card_token, "v2", 100);
    request.payment_password = NEW_PASSWORD.to_owned();
    let token = callers.token(request).await.payment_token;
    let payment = with_token(pay("a", &card_token, "3", 100), &token);
    assert_eq!(callers.decision(payment).await, "APPROVED");
}

#[tokio::test]
async fn d22_a_token_ends_with_its_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    let gone = callers.unbind(unbind("a", &card_token, "u")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    let declined = callers
        .declined_with(&card_token, "1", &token.payment_token)
        .await;
    assert_eq!(
        declined.reason(),
        Reason::PaymentTokenExpired,
        "it is forgotten"
    );
}

#[tokio::test]
async fn d18_a_replay_gives_the_same_token_whatever_the_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let request = verify("a", &card_token, "v", 100);
    let first = callers.verify(request.clone()).await;
    assert!(!first.replayed);
    for password in [crate::wallet::PASSWORD, WRONG_PASSWORD] {
        let again = v1::VerifyPasswordRequest {
            payment_password: password.to_owned(),
            ..request.clone()
        };
        let again = callers.verify(again).await;
        assert!(again.replayed);
        assert!(again.outcome == first.outcome, "{password}");
        assert_eq!(again.decided_at, first.decided_at);
    }
    // A wrong one that was told stays wrong for its key, and is not counted twice.
    let mut wrong = verify("a", &card_token, "w", 100);
    wrong.payment_password = WRONG_PASSWORD.to_owned();
    let told = callers.verify(wrong.clone()).await;
    assert_eq!(verify_outcome(&told), "PASSWORD_WRONG");
    wrong.payment_password = crate::wallet::PASSWORD.to_owned();
    let again = callers.verify(wrong).await;
    assert_eq!(
        (again.replayed, verify_outcome(&again)),
        (true, "PASSWORD_WRONG")
    );

    let mut other = request;
    other.amount_fen = 101;
    let conflict = callers.cards.verify_password(other).await.unwrap_err();
    assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
    assert!(conflict.message().contains("amount_fen"), "{conflict:?}");
    callers.wrong_passwords("a", &card_token, 2..=4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_of_sixty_four_uses_at_once_exactly_one_is_approved() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    let mut uses = tokio::task::JoinSet::new();
    for number in 0..64 {
        let payment = pay("a", &card_token, &format!("k{number}"), 100);
        let payment = with_token(payment, &token.payment_token);
        let mut callers = callers.clone();
        uses.spawn(async move { callers.decision(payment).await });
    }
    let mut decisions = uses.join_all().await;
    decisions.sort();
    let (approved, others) = decisions.split_at(1);
    assert_eq!(approved, ["APPROVED"]);
    assert!(
        others
            .iter()
            .all(|decision| decision == "PAYMENT_TOKEN_USED"),
        "{others:?}"
    );
    assert_eq!(callers.used("a").await, (100, 100));
}

#[tokio::test]
async fn r69_a_wrong_password_is_worth_no_token_and_counts() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = send_phone_code("a", "+44 7700 900999");
    callers.cards.send_phone_code(request).await.unwrap();
    let early = callers
        .verify(verify("a", "card_0000000000001", "early", 100))
        .await;
    assert_eq!(verify_outcome(&early), "WALLET_NOT_VERIFIED");
    let card_token = callers.wallet("a").await;
    let before = callers.token(verify("a", &card_token, "before", 100)).await;
    callers.wrong_passwords("a", &card_token, 1..=5).await;
    let locked = callers.verify(verify("a", &card_token, "right", 100)).await;
    assert_eq!(verify_outcome(&locked), "PASSWORD_LOCKED");
    // Nothing pays while it is locked, with a token neither.
    let declined = callers
        .declined_with(&card_token, "1", &before.payment_token)
        .await;
    assert_eq!(declined.reason(), Reason::PasswordLocked);
    assert!(callers.unlock("a", "unlock").await);
    let payment = with_token(pay("a", &card_token, "2", 100), &before.payment_token);
    assert_eq!(
        callers.decision(payment).await,
        "APPROVED",
        "it was not spent"
    );
}

#[tokio::test]
async fn what_is_malformed_is_named_and_a_payment_has_one_proof() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let empty = v1::VerifyPasswordRequest::default();
    let error = callers.cards.verify_password(empty).await.unwrap_err();
    let fields = [
        "account_id",
        "amount_fen",
        "card_token",
        "idempotency_key",
        "payment_password",
    ];
    assert_eq!(bad_fields(&error), named(fields));
    let token = callers.token(verify("a", &card_token, "v", 100)).await;
    let mut both = pay("a", &card_token, "both", 100);
    both.payment_token.clone_from(&token.payment_token);
    let error = callers.authorise(both).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);
    assert!(!error.message().contains(&token.payment_token), "R4");
    let mut nobody = verify("nobody", &card_token, "v", 100);
    nobody.idempotency_key.push('2');
    let error = callers.cards.verify_password(nobody).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound, "D27");
}
