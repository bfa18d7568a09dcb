//! Bad input is refused before any state, and every bad field is named in one answer.

use std::collections::BTreeSet;

use tonic_types::StatusExt as _;
use waika::v1;

use crate::support::Server;
use crate::wallet::{Callers, bind, card, pay};

#[tokio::test]
async fn every_bad_field_of_a_payment_is_named_at_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let everything = v1::AuthoriseRequest {
        idempotency_key: "k".repeat(65),
        account_id: "外卡".to_owned(),
        card_token: "card_1".to_owned(),
        merchant_id: String::new(),
        amount_fen: 0,
        currency: "USD".to_owned(),
        scene: 99,
        mode: 99,
        payment_password: "12345".to_owned(),
        client: Some(v1::ClientInfo {
            channel: 9,
            version: "eight".to_owned(),
        }),
        quote_token: "quote_1".to_owned(),
        ..v1::AuthoriseRequest::default()
    };
    let error = callers.authorise(everything).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);
    assert_eq!(
        bad_fields(&error),
        named([
            "account_id",
            "amount_fen",
            "card_token",
            "client.channel",
            "client.version",
            "currency",
            "idempotency_key",
            "merchant_id",
            "mode",
            "payment_password",
            "quote_token",
            "scene",
        ])
    );
    assert!(
        !error.message().contains("12345"),
        "R4: a password is not echoed"
    );
}

/// Changes a payment so that one field is malformed.
type Change = fn(&mut v1::AuthoriseRequest);

#[tokio::test]
async fn one_bad_field_is_named_alone() {
    let changes: &[(&str, Change)] = &[
        ("amount_fen", |payment| payment.amount_fen = -1), // D15
        ("amount_fen", |payment| payment.amount_fen = i64::MAX),
        ("amount_fen", |payment| {
            payment.amount_fen = 1_000_000_000_000;
        }),
        ("idempotency_key", |payment| payment.idempotency_key.clear()),
        ("idempotency_key", |payment| {
            payment.idempotency_key = "k\n".into();
        }),
        ("account_id", |payment| payment.account_id.clear()),
        ("scene", |payment| payment.scene = 0),
        ("mode", |payment| payment.mode = -1),
        ("payment_password", |payment| {
            payment.payment_password = "１２３４５６".into();
        }),
        ("merchant_id", |payment| {
            payment.scene = v1::Scene::Transfer.into();
        }),
        ("currency", |payment| payment.currency = "cny".into()), // R58
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for (field, change) in changes {
        let mut payment = pay("a", &card, "k", 100);
        change(&mut payment);
        let error = callers.authorise(payment).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{field}");
        assert_eq!(bad_fields(&error), named([*field]));
    }
    assert_eq!(
        callers.decision(pay("a", &card, "k", 100)).await,
        "APPROVED",
        "no key was used up"
    );
}

#[tokio::test]
async fn every_bad_field_of_a_bind_is_named_at_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = v1::BindRequest {
        idempotency_key: String::new(),
        account_id: String::new(),
        wallet_region: 42,
        client: None,
        identity: Some(v1::IdentityDocument {
            r#type: 0,
            number: "1".to_owned(),
            issuing_country: "china".to_owned(),
            holder_name: String::new(),
            expires_on: Some(v1::Date {
                year: 2023,
                month: 2,
                day: 29,
            }),
        }),
        card: Some(v1::CardEntry {
            pan: "4111 1111 1111 1112".to_owned(),
            scheme: 0,
            expiry_month: 13,
            expiry_year: 2039,
            cvv: "12".to_owned(),
            holder_name: "x".repeat(129),
        }),
        phone_number: "call me".to_owned(),
        phone_code: "1".to_owned(),
        payment_password: "secret".to_owned(),
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
    };
    let error = callers.cards.bind(request).await.unwrap_err();
    assert_eq!(
        bad_fields(&error),
        named([
            "account_id",
            "card.cvv",
            "card.expiry",
            "card.holder_name",
            "card.pan",
            "card.scheme",
            "idempotency_key",
            "identity.expires_on",
            "identity.holder_name",
            "identity.issuing_country",
            "identity.number",
            "identity.type",
            "payment_password",
            "phone_code",
            "phone_number",
            "wallet_region",
        ])
    );
    for secret in ["4111", "secret", "1112"] {
        assert!(!error.message().contains(secret), "R4: {}", error.message());
    }
}

#[tokio::test]
async fn card_numbers_are_digits_of_a_right_length_with_a_check_digit() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for pan in [
        "4111x11111111111",
        "411111",
        "41111111111111111111111",
        "4111111111111112",
        "",
    ] {
        let mut request = bind("a");
        request.phone_code = "123456".to_owned();
        request.card = Some(card(pan, v1::Scheme::Visa));
        let error = callers.cards.bind(request).await.unwrap_err();
        assert_eq!(bad_fields(&error), named(["card.pan"]), "{pan}");
    }
}

#[tokio::test]
async fn an_account_that_is_not_known_is_not_found() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let error = callers
        .authorise(pay("nobody", "card_0000000000001", "k", 1))
        .await
        .unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound, "D27");
    let request = v1::ListCardsRequest {
        account_id: "nobody".to_owned(),
    };
    let error = callers.cards.list_cards(request).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut payment = pay("a", "card_0000000000001", "k", 1);
    payment.merchant_id = "m".repeat(600_000);
    let error = callers.authorise(payment).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::OutOfRange, "{error}");
}

pub(crate) fn bad_fields(error: &tonic::Status) -> BTreeSet<String> {
    let details = error.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect()
}

pub(crate) fn named<const N: usize>(fields: [&str; N]) -> BTreeSet<String> {
    fields.into_iter().map(ToOwned::to_owned).collect()
}
