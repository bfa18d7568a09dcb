//! What a server asks of an issuer, and what it hears.

use std::time::Duration;

use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use waika::v1;
use waika::v1::TransactionState as State;
use waika::v1::issuer_service_client::IssuerServiceClient;

/// A card that was verified long ago, with nothing special about it.
pub(crate) const CARD: &str = "0-00000000000000000001";

/// Nobody waits longer for an answer that comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long to listen for an answer that does not come.
const SILENCE: Duration = Duration::from_millis(300);

pub(crate) type Issuer = IssuerServiceClient<Channel>;

pub(crate) fn id(number: u32) -> String {
    format!("{number:032x}")
}

/// A payment of ¥5.00 by that number.
pub(crate) fn payment(number: u32) -> v1::AuthorisePaymentRequest {
    v1::AuthorisePaymentRequest {
        transaction_id: id(number),
        card_reference: CARD.to_owned(),
        scheme: v1::Scheme::Visa.into(),
        amount_fen: 500,
        currency: "CNY".to_owned(),
        merchant_id: "noodle-bar".to_owned(),
        idempotency_key: format!("key-{number}"),
        repeat: false,
        advice: false,
        ..v1::AuthorisePaymentRequest::default()
    }
}

pub(crate) fn repeated(number: u32) -> v1::AuthorisePaymentRequest {
    v1::AuthorisePaymentRequest {
        repeat: true,
        ..payment(number)
    }
}

/// Gives back all that remains of a payment.
pub(crate) fn reversal(number: u32) -> v1::ReversePaymentRequest {
    v1::ReversePaymentRequest {
        reversal_id: format!("reversal-{number}"),
        transaction_id: id(number),
        amount_fen: 0,
        kind: v1::ReversalKind::NoAnswer.into(),
        repeat: false,
        scheme: v1::Scheme::Visa.into(),
    }
}

/// Verifies a Visa card.
pub(crate) fn verification(number: u32, pan: &str) -> v1::VerifyCardRequest {
    v1::VerifyCardRequest {
        transaction_id: id(number),
        pan: pan.to_owned(),
        expiry_month: 12,
        expiry_year: 2039,
        cvv: "123".to_owned(),
        scheme: v1::Scheme::Visa.into(),
        amount_fen: 1,
        idempotency_key: format!("key-{number}"),
    }
}

pub(crate) fn status(number: u32) -> v1::GetPaymentStatusRequest {
    v1::GetPaymentStatusRequest {
        transaction_id: id(number),
        scheme: v1::Scheme::Visa.into(),
    }
}

/// What was answered: response code and amount.
pub(crate) fn told(answer: &v1::AuthorisePaymentResponse) -> (&str, i64) {
    (&answer.response_code, answer.amount_fen)
}

pub(crate) async fn pay(
    issuer: &mut Issuer,
    request: v1::AuthorisePaymentRequest,
) -> v1::AuthorisePaymentResponse {
    heard(issuer.authorise_payment(request)).await
}

/// How much was given back.
pub(crate) async fn give_back(issuer: &mut Issuer, request: v1::ReversePaymentRequest) -> i64 {
    heard(issuer.reverse_payment(request)).await.amount_fen
}

/// Where a payment stands: state, what was approved, and what was given back of it.
pub(crate) async fn stands(issuer: &mut Issuer, number: u32) -> (State, i64, i64) {
    let seen = heard(issuer.get_payment_status(status(number))).await;
    (seen.state(), seen.amount_fen, seen.reversed_fen)
}

/// Waits until a payment is decided.
pub(crate) async fn decided(issuer: &mut Issuer, number: u32) -> (State, i64, i64) {
    let deciding = async {
        loop {
            let seen = stands(issuer, number).await;
            if seen.0 != State::Unknown {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, deciding).await.unwrap()
}

/// The answer of a call.
pub(crate) async fn heard<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> T {
    timeout(PATIENCE, call).await.unwrap().unwrap().into_inner()
}

/// The call is not answered.
pub(crate) async fn unheard<T>(call: impl Future<Output = Result<Response<T>, Status>>) {
    assert!(timeout(SILENCE, call).await.is_err(), "it was answered");
}

/// The call fails with this code, and the text.
pub(crate) async fn fails<T>(
    code: Code,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> String {
    let Err(status) = timeout(PATIENCE, call).await.unwrap() else {
        panic!("it was answered");
    };
    assert_eq!(status.code(), code, "{status}");
    status.message().to_owned()
}
