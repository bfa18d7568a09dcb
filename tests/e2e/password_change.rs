//! The payment password is changed by who knows it, locked by who does not, and unlocked by time,
//! by a reset, or by an operator (R45, D7).

use waika::v1::{self, RetryClass};

use crate::malformed::{bad_fields, named};
use crate::passwords::{
    NEW_PASSWORD, WRONG_PASSWORD, change, change_outcome, verify, verify_outcome,
};
use crate::support::Server;
use crate::wallet::{
    Callers, assert_says, bind, bind_outcome, instant, pay, unbind, unbind_outcome,
};

impl Callers {
    /// What a payment of a yuan with a password ends with.
    async fn with_password(&mut self, card_token: &str, key: &str, password: &str) -> String {
        let mut payment = pay("a", card_token, key, 100);
        password.clone_into(&mut payment.payment_password);
        self.decision(payment).await
    }
}

/// Why a password was not changed.
fn refusal(response: v1::ChangePasswordResponse) -> v1::PasswordRefusal {
    match response.outcome.unwrap() {
        v1::change_password_response::Outcome::Refusal(refusal) => refusal,
        v1::change_password_response::Outcome::Changed(_) => panic!("it was changed"),
    }
}

#[tokio::test]
async fn r45_a_password_is_changed_with_the_old_one_and_the_new_one_twice() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut wrong = change("a", "wrong");
    wrong.old_password = WRONG_PASSWORD.to_owned();
    let refused = refusal(callers.change(wrong).await);
    assert_eq!(refused.reason(), v1::PasswordRefusalReason::PasswordWrong);
    assert_eq!((&*refused.observed, &*refused.required), ("1", "5"));
    assert_says(refused.text.as_ref(), "支付密码错误", "password is wrong");
    let mut typo = change("a", "typo");
    typo.new_password_again = "246803".to_owned();
    let refused = refusal(callers.change(typo).await);
    assert_eq!(refused.reason(), v1::PasswordRefusalReason::PasswordsDiffer);
    assert_eq!(refused.retry(), RetryClass::FixData);
    assert_says(refused.text.as_ref(), "两次输入的新密码不一致", "twice");
    assert_eq!(
        callers.with_password(&card_token, "old", "135790").await,
        "APPROVED"
    );

    let changed = callers.change(change("a", "change")).await;
    assert_eq!(
        (changed.replayed, change_outcome(&changed)),
        (false, "CHANGED")
    );
    let again = callers.change(change("a", "change")).await;
    assert_eq!((again.replayed, change_outcome(&again)), (true, "CHANGED"));
    assert_eq!(again.decided_at, changed.decided_at);
    assert_eq!(
        callers.with_password(&card_token, "1", "135790").await,
        "PASSWORD_WRONG"
    );
    assert_eq!(
        callers.with_password(&card_token, "2", NEW_PASSWORD).await,
        "APPROVED"
    );
    assert_eq!(callers.told_of("a").await, ["PASSWORD_CHANGED"], "once");
}

#[tokio::test]
async fn d7_one_counter_for_every_call_with_a_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    let (wrong, expected) = (WRONG_PASSWORD.to_owned(), "PASSWORD_WRONG");
    assert_eq!(
        callers
            .with_password(&card_token, "pay", WRONG_PASSWORD)
            .await,
        expected
    );
    let mut request = verify("a", &card_token, "verify", 100);
    request.payment_password.clone_from(&wrong);
    assert_eq!(verify_outcome(&callers.verify(request).await), expected);
    let mut request = change("a", "change");
    request.old_password.clone_from(&wrong);
    assert_eq!(change_outcome(&callers.change(request).await), expected);
    let mut request = unbind("a", &card_token, "unbind");
    request.payment_password.clone_from(&wrong);
    assert_eq!(unbind_outcome(&callers.unbind(request).await), expected);
    let mut request = bind("a");
    request.idempotency_key = "bind 2".to_owned();
    request.phone_number = "+44 7700 900222".to_owned();
    request.card = Some(crate::wallet::card(
        &crate::wallet::visa(7_000_000),
        v1::Scheme::Visa,
    ));
    request.payment_password.clone_from(&wrong);
    assert_eq!(bind_outcome(&callers.bind(request).await), expected);

    // Five in all: the right one is not looked at, whatever it comes with.
    assert_eq!(
        callers.with_password(&card_token, "6", "135790").await,
        "PASSWORD_LOCKED"
    );
    let refused = refusal(callers.change(change("a", "right")).await);
    assert_eq!(refused.reason(), v1::PasswordRefusalReason::PasswordLocked);
    let until = Some(instant("2024-05-01T10:30:00+08:00"));
    assert_eq!(
        (refused.resets_at, refused.retry()),
        (until, RetryClass::Later)
    );
    assert_says(refused.text.as_ref(), "已被锁定", "locked");
    assert_eq!(callers.account("a").await.password_locked_until, until);
    let shown = v1::CreatePaymentCodeRequest {
        idempotency_key: "code".to_owned(),
        account_id: "a".to_owned(),
        card_token: card_token.clone(),
        payment_password: "135790".to_owned(),
        ..v1::CreatePaymentCodeRequest::default()
    };
    let shown = callers.cards.create_payment_code(shown).await.unwrap();
    let shown = shown.into_inner().outcome;
    let Some(v1::create_payment_code_response::Outcome::Decline(decline)) = shown else {
        panic!("a code was made")
    };
    assert_eq!(decline.reason(), v1::DeclineReason::PasswordLocked);
}

#[tokio::test]
async fn d7_a_lock_ends_after_half_an_hour() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    callers.wrong_passwords("a", &card_token, 1..=5).await;
    callers.freeze("2024-05-01T10:29:59.999+08:00").await;
    assert_eq!(
        callers.with_password(&card_token, "1", "135790").await,
        "PASSWORD_LOCKED"
    );
    callers.freeze("2024-05-01T10:30:00+08:00").await;
    assert_eq!(callers.account("a").await.password_locked_until, None);
    assert_eq!(
        callers.with_password(&card_token, "2", "135790").await,
        "APPROVED"
    );
    callers.wrong_passwords("a", &card_token, 6..=10).await; // All five are there again.
    assert_eq!(
        callers.with_password(&card_token, "3", "135790").await,
        "PASSWORD_LOCKED"
    );
}

#[tokio::test]
async fn d7_a_right_password_gives_the_tries_back() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    callers.wrong_passwords("a", &card_token, 1..=4).await;
    assert_eq!(
        callers.with_password(&card_token, "1", "135790").await,
        "APPROVED"
    );
    callers.wrong_passwords("a", &card_token, 5..=8).await;
    let changed = callers.change(change("a", "change")).await;
    assert_eq!(change_outcome(&changed), "CHANGED");
    callers.wrong_passwords("a", &card_token, 9..=13).await;
    assert_eq!(
        callers.with_password(&card_token, "2", NEW_PASSWORD).await,
        "PASSWORD_LOCKED"
    );
}

#[tokio::test]
async fn d7_an_operator_unlocks_a_password_and_the_person_is_told() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    assert!(!callers.unlock("a", "for nothing").await);
    assert_eq!(callers.told_of("a").await, [""; 0]);
    callers.wrong_passwords("a", &card_token, 1..=5).await;
    assert!(callers.unlock("a", "unlock").await);
    assert_eq!(callers.told_of("a").await, ["PASSWORD_UNLOCKED"]);
    let notices = callers.notices("a").await;
    assert_says(notices[0].text.as_ref(), "已解锁", "was unlocked");
    assert_eq!(
        callers.with_password(&card_token, "1", "135790").await,
        "APPROVED"
    );
    callers.wrong_passwords("a", &card_token, 6..=10).await;
    assert!(
        callers.unlock("a", "unlock").await,
        "its key has the stored answer"
    );
    assert_eq!(
        callers.with_password(&card_token, "2", "135790").await,
        "PASSWORD_LOCKED"
    );
    let nobody = v1::UnlockPasswordRequest {
        idempotency_key: "k".to_owned(),
        account_id: "nobody".to_owned(),
    };
    let error = callers.admin.unlock_password(nobody).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
    let empty = v1::UnlockPasswordRequest::default();
    let error = callers.admin.unlock_password(empty).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["account_id", "idempotency_key"]));
}

#[tokio::test]
async fn r43_a_new_password_is_six_digits_too() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    let malformed = v1::ChangePasswordRequest {
        old_password: "13579".to_owned(),
        new_password: "24680a".to_owned(),
        new_password_again: String::new(),
        ..change("", "")
    };
    let error = callers.cards.change_password(malformed).await.unwrap_err();
    let fields = [
        "account_id",
        "idempotency_key",
        "new_password",
        "new_password_again",
        "old_password",
    ];
    assert_eq!(bad_fields(&error), named(fields));
    assert!(!error.message().contains("24680a"), "R4");
}
