//! A payment code stands for account, card and password, once and for a minute (R56, R57, D10).

use waika::v1::{self, create_payment_code_response::Outcome};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, MERCHANT, PASSWORD, client, decision, instant, pay};

/// A code to ask for that pays from a card.
pub(crate) fn ask(account: &str, card_token: &str, key: &str) -> v1::CreatePaymentCodeRequest {
    v1::CreatePaymentCodeRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        funding: v1::Funding::Card.into(),
        card_token: card_token.to_owned(),
        payment_password: PASSWORD.to_owned(),
        client: Some(client("8.0.40")),
    }
}

/// The same from the balance.
pub(crate) fn ask_from_balance(account: &str, key: &str) -> v1::CreatePaymentCodeRequest {
    v1::CreatePaymentCodeRequest {
        funding: v1::Funding::Balance.into(),
        ..ask(account, "", key)
    }
}

/// What a merchant sends that scanned a code.
pub(crate) fn scan(code: &str, key: &str, amount_fen: i64) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        mode: v1::PaymentMode::PaymentCode.into(),
        payment_password: String::new(),
        payment_code: code.to_owned(),
        client: None,
        ..pay("", "", key, amount_fen)
    }
}

/// How it ended, in a word: `ISSUED`, or the name of the reason.
pub(crate) fn code_outcome(response: &v1::CreatePaymentCodeResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        Outcome::Code(_) => "ISSUED",
        Outcome::Decline(decline) => decline
            .reason()
            .as_str_name()
            .strip_prefix("DECLINE_REASON_")
            .unwrap(),
    }
}

/// The code that was issued.
pub(crate) fn issued(response: &v1::CreatePaymentCodeResponse) -> v1::PaymentCode {
    match response.outcome.clone().unwrap() {
        Outcome::Code(code) => code,
        Outcome::Decline(decline) => panic!("{decline:?}"),
    }
}

impl Callers {
    pub(crate) async fn create_code(
        &mut self,
        request: v1::CreatePaymentCodeRequest,
    ) -> v1::CreatePaymentCodeResponse {
        let response = self.cards.create_payment_code(request).await;
        response.unwrap().into_inner()
    }

    /// The digits of a new code that pays from a card.
    pub(crate) async fn code(&mut self, account: &str, card_token: &str, key: &str) -> String {
        let response = self.create_code(ask(account, card_token, key)).await;
        issued(&response).payment_code
    }
}

const NOON: &str = "2024-01-10T12:00:00+08:00";

#[tokio::test]
async fn d10_a_code_stands_for_account_card_and_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(NOON).await;
    let card = callers.wallet("a").await;
    let made = callers.create_code(ask("a", &card, "c")).await;
    let code = issued(&made);
    assert_eq!(made.decided_at, Some(instant(NOON)));
    assert_eq!(code.expires_at, Some(instant("2024-01-10T12:01:00+08:00")));
    let paid = callers
        .authorise(scan(&code.payment_code, "k", 25_000))
        .await
        .unwrap();
    assert_eq!(decision(&paid), "APPROVED");
    let paid = paid.authorisation.unwrap();
    assert_eq!((&*paid.account_id, &*paid.card_token), ("a", &*card));
    assert_eq!(paid.merchant_id, MERCHANT);
    assert_eq!(paid.mode(), v1::PaymentMode::PaymentCode);
    assert_eq!(paid.funding(), v1::Funding::Card);
    assert_eq!((paid.fee_fen, paid.total_fen), (750, 25_750), "R71");
    assert_eq!(callers.used("a").await, (25_000, 25_000));
    // It stands in the account's history like any other, and is given back like any other.
    let standing = callers.standing("a", &paid.authorisation_id).await;
    assert_eq!(standing.remaining_fen, 25_000);
    let back = crate::wallet::reverse("a", "r", &paid.authorisation_id);
    assert_eq!(callers.reversal(back).await, "REVERSED");
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn r57_a_code_that_was_used_is_told_as_that() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    let first = callers.decision(scan(&code, "1", 100)).await;
    assert_eq!(first, "APPROVED");
    let again = callers.authorise(scan(&code, "2", 100)).await.unwrap();
    assert_eq!(decision(&again), "PAYMENT_CODE_USED");
    let again = again.authorisation.unwrap();
    assert_eq!((&*again.account_id, &*again.card_token), ("a", &*card));
    let Some(v1::authorisation::Outcome::Decline(decline)) = again.outcome else {
        panic!("approved")
    };
    assert_eq!(decline.layer(), v1::DeclineLayer::Merchant);
    assert_eq!(decline.retry(), v1::RetryClass::FixData);
    assert_eq!(decline.response_code, "12");
    assert_eq!(callers.used("a").await, (100, 100));
}

#[tokio::test]
async fn d10_a_code_ends_exactly_at_its_instant_and_is_forgotten_later() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(NOON).await;
    let card = callers.wallet("a").await;
    let in_time = callers.code("a", &card, "1").await;
    let late = callers.code("a", &card, "2").await;
    let used = scan(&in_time, "in time", 100);
    for (at, payment, expected) in [
        ("2024-01-10T12:00:59.999+08:00", used, "APPROVED"),
        (
            "2024-01-10T12:01:00+08:00",
            scan(&late, "late", 100),
            "PAYMENT_CODE_EXPIRED",
        ),
        // A code that is over is told as that, whether it was used or not.
        (
            "2024-01-10T12:01:00+08:00",
            scan(&in_time, "used", 100),
            "PAYMENT_CODE_EXPIRED",
        ),
        (
            "2024-01-10T12:10:59.999+08:00",
            scan(&late, "later", 100),
            "PAYMENT_CODE_EXPIRED",
        ),
        (
            "2024-01-10T12:11:00+08:00",
            scan(&late, "forgotten", 100),
            "PAYMENT_CODE_INVALID",
        ),
    ] {
        callers.freeze(at).await;
        let key = payment.idempotency_key.clone();
        assert_eq!(callers.decision(payment).await, expected, "{key}");
    }
    assert_eq!(callers.used("a").await, (100, 100));
}

#[tokio::test]
async fn d10_an_unknown_code_is_decided_without_an_account() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    let unknown = "123456789012345678";
    let first = callers.authorise(scan(unknown, "k", 100)).await.unwrap();
    assert_eq!(decision(&first), "PAYMENT_CODE_INVALID");
    let declined = first.authorisation.clone().unwrap();
    assert_eq!((&*declined.account_id, &*declined.card_token), ("", ""));
    assert_eq!(declined.funding(), v1::Funding::Unspecified);
    assert_eq!(declined.policy, "weixin-2023");
    assert!(!declined.authorisation_id.is_empty() && declined.decided_at.is_some());
    // An earlier rung comes first, as for any other.
    let nowhere = v1::AuthoriseRequest {
        merchant_id: "nobody".to_owned(),
        ..scan(unknown, "l", 100)
    };
    assert_eq!(callers.decision(nowhere).await, "MERCHANT_UNKNOWN");
    // It belongs to nobody, so nobody can look it up.
    let request = v1::GetAuthorisationRequest {
        account_id: "a".to_owned(),
        authorisation_id: declined.authorisation_id,
    };
    let error = callers.authorisations.get_authorisation(request).await;
    assert_eq!(error.unwrap_err().code(), tonic::Code::NotFound);
}

/// Fields beside a code that it stands for, or that do not go with it.
fn beside(code: &str, card: &str) -> Vec<(&'static str, v1::AuthoriseRequest)> {
    let with = |field, change: &dyn Fn(&mut v1::AuthoriseRequest)| {
        let mut request = scan(code, "k", 100);
        change(&mut request);
        (field, request)
    };
    let funding =
        |funding: v1::Funding| with("funding", &|request| request.funding = funding.into());
    let mode = |mode: v1::PaymentMode| with("mode", &|request| request.mode = mode.into());
    // The mode alone, without a code, is none either.
    let mut without = pay("a", card, "k", 100);
    without.mode = v1::PaymentMode::PaymentCode.into();
    vec![
        with("account_id", &|request| request.account_id = "a".into()),
        with("card_token", &|request| request.card_token = card.into()),
        funding(v1::Funding::Card),
        funding(v1::Funding::Balance),
        mode(v1::PaymentMode::MerchantQr),
        mode(v1::PaymentMode::OnlineApp),
        mode(v1::PaymentMode::OnlineMiniProgram),
        ("mode", without),
        with("payment_password", &|request| {
            request.payment_password = PASSWORD.into();
        }),
        with("payment_password", &|request| {
            request.payment_token = "token_1".into();
        }),
        with("scene", &|request| {
            request.scene = v1::Scene::Transfer.into();
            request.merchant_id.clear();
        }),
    ]
}

#[tokio::test]
async fn d10_what_is_no_code_or_stands_beside_one_is_malformed() {
    const SHAPES: [&str; 8] = [
        "1",
        "10000000000000000",
        "1000000000000000000",
        "160000000000000000",
        "090000000000000000",
        "10000000000000000x",
        "10 000000000000000",
        "１０００００",
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    let shapes = SHAPES.map(|shape| ("payment_code", scan(shape, "k", 100)));
    for (field, request) in shapes.into_iter().chain(beside(&code, &card)) {
        let error = callers.authorise(request).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{field}");
        assert_eq!(bad_fields(&error), named([field]), "{}", error.message());
        assert!(!error.message().contains(&code), "R57: it is a secret");
    }
    let paid = callers.decision(scan(&code, "k", 100)).await;
    assert_eq!(paid, "APPROVED", "none of them has spent it");
}
