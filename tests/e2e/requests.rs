//! The requests that people and merchants make, filled in so that they pass, to be changed by each
//! test where it wants to see something else; and what is answered, in words.

use waika::v1::reverse_request::Original;
use waika::v1::{self, authorisation, bind_response, reverse_response, unbind_response};

pub(crate) const PASSWORD: &str = "135790";
pub(crate) const MERCHANT: &str = "noodle-bar";
pub(crate) const VISA: &str = "4111111111111111";

pub(crate) fn merchant(id: &str) -> v1::Merchant {
    v1::Merchant {
        merchant_id: id.to_owned(),
        name: "Noodle bar".to_owned(),
        region: v1::MerchantRegion::Mainland.into(),
        category_code: "5812".to_owned(),
        international_cards: true,
    }
}

pub(crate) fn send_phone_code(account: &str, phone: &str) -> v1::SendPhoneCodeRequest {
    v1::SendPhoneCodeRequest {
        idempotency_key: format!("code {phone}"),
        account_id: account.to_owned(),
        phone_number: phone.to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
    }
}

/// The phone that [`bind`] gives.
pub(crate) const PHONE: &str = "+44 7700 900123";

/// A bind that passes, but for its phone code.
pub(crate) fn bind(account: &str) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: "bind 1".to_owned(),
        account_id: account.to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
        client: Some(client("8.0.40")),
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
        identity: Some(v1::IdentityDocument {
            r#type: v1::IdentityDocumentType::ForeignPermanentResidentCard.into(),
            number: format!("FPR-{account}"),
            issuing_country: "CN".to_owned(),
            holder_name: "Marie Curie".to_owned(),
            expires_on: Some(v1::Date {
                year: 2039,
                month: 12,
                day: 31,
            }),
        }),
        card: Some(card(VISA, v1::Scheme::Visa)),
        phone_number: PHONE.to_owned(),
        phone_code: String::new(),
        payment_password: PASSWORD.to_owned(),
    }
}

pub(crate) fn client(version: &str) -> v1::ClientInfo {
    v1::ClientInfo {
        channel: v1::ClientChannel::Android.into(),
        version: version.to_owned(),
    }
}

pub(crate) fn card(pan: &str, scheme: v1::Scheme) -> v1::CardEntry {
    v1::CardEntry {
        pan: pan.to_owned(),
        scheme: scheme.into(),
        expiry_month: 12,
        expiry_year: 2039,
        cvv: "123".to_owned(),
        holder_name: "CURIE MARIE".to_owned(),
    }
}

/// A Visa test number with these nine digits in its middle.
pub(crate) fn visa(middle: u32) -> String {
    with_check_digit(&format!("411111{middle:09}"))
}

/// A card number that begins so, with its last digit (Luhn).
pub(crate) fn with_check_digit(beginning: &str) -> String {
    let digits = beginning.bytes().rev().enumerate();
    let sum: u32 = digits
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{beginning}{}", (10 - sum % 10) % 10)
}

/// A payment that passes.
pub(crate) fn pay(
    account: &str,
    card_token: &str,
    key: &str,
    amount_fen: i64,
) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        card_token: card_token.to_owned(),
        merchant_id: MERCHANT.to_owned(),
        amount_fen,
        currency: "CNY".to_owned(),
        scene: v1::Scene::Purchase.into(),
        mode: v1::PaymentMode::MerchantQr.into(),
        payment_password: PASSWORD.to_owned(),
        client: Some(client("8.0.40")),
        quote_token: String::new(),
        ..v1::AuthoriseRequest::default()
    }
}

/// A quote for the payment that [`pay`] makes.
pub(crate) fn quote(account: &str, amount_fen: i64) -> v1::QuoteRequest {
    v1::QuoteRequest {
        account_id: account.to_owned(),
        merchant_id: MERCHANT.to_owned(),
        amount_fen,
        currency: "CNY".to_owned(),
        scene: v1::Scene::Purchase.into(),
        client: Some(client("8.0.40")),
    }
}

/// A reversal of all that remains of an authorisation.
pub(crate) fn reverse(account: &str, key: &str, authorisation_id: &str) -> v1::ReverseRequest {
    v1::ReverseRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        original: Some(Original::AuthorisationId(authorisation_id.to_owned())),
        amount_fen: None,
        ..v1::ReverseRequest::default()
    }
}

/// The same, by the payment's idempotency key.
pub(crate) fn reverse_by_key(account: &str, key: &str, original: &str) -> v1::ReverseRequest {
    v1::ReverseRequest {
        original: Some(Original::OriginalIdempotencyKey(original.to_owned())),
        ..reverse(account, key, "")
    }
}

/// The same, of a part.
pub(crate) fn part(request: v1::ReverseRequest, amount_fen: i64) -> v1::ReverseRequest {
    v1::ReverseRequest {
        amount_fen: Some(amount_fen),
        ..request
    }
}

pub(crate) fn unbind(account: &str, card_token: &str, key: &str) -> v1::UnbindRequest {
    v1::UnbindRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        card_token: card_token.to_owned(),
        payment_password: PASSWORD.to_owned(),
    }
}

/// How an unbind ended, in a word: `UNBOUND`, or the name of the reason.
pub(crate) fn unbind_outcome(response: &v1::UnbindResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        unbind_response::Outcome::Unbound(_) => "UNBOUND",
        unbind_response::Outcome::Refusal(refusal) => refusal
            .reason()
            .as_str_name()
            .strip_prefix("UNBIND_REFUSAL_REASON_")
            .unwrap(),
    }
}

/// How a reversal ended, in a word: `REVERSED`, `RECORDED_AHEAD`, or the name of the reason.
pub(crate) fn reversal_outcome(response: &v1::ReverseResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        reverse_response::Outcome::Reversal(_) => "REVERSED",
        reverse_response::Outcome::RecordedAhead(_) => "RECORDED_AHEAD",
        reverse_response::Outcome::Refusal(refusal) => refusal
            .reason()
            .as_str_name()
            .strip_prefix("REVERSAL_REFUSAL_REASON_")
            .unwrap(),
    }
}

/// What was given back.
pub(crate) fn given_back(response: v1::ReverseResponse) -> v1::Reversal {
    match response.outcome.unwrap() {
        reverse_response::Outcome::Reversal(reversal) => reversal,
        other => panic!("nothing was given back: {other:?}"),
    }
}

/// An instant, such as `2024-01-31T23:59:59.999+08:00`.
pub(crate) fn instant(text: &str) -> prost_types::Timestamp {
    text.parse().unwrap()
}

/// The token of the card that was bound.
pub(crate) fn bound(response: &v1::BindResponse) -> String {
    match response.outcome.as_ref().unwrap() {
        bind_response::Outcome::Card(card) => card.card_token.clone(),
        bind_response::Outcome::Refusal(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// How a bind ended, in a word: `BOUND`, or the name of the reason.
pub(crate) fn bind_outcome(response: &v1::BindResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        bind_response::Outcome::Card(_) => "BOUND",
        bind_response::Outcome::Refusal(refusal) => refusal
            .reason()
            .as_str_name()
            .strip_prefix("BIND_REFUSAL_REASON_")
            .unwrap(),
    }
}

/// A decision, in a word: `APPROVED`, or the name of the reason.
pub(crate) fn decision(response: &v1::AuthoriseResponse) -> String {
    match response
        .authorisation
        .as_ref()
        .unwrap()
        .outcome
        .as_ref()
        .unwrap()
    {
        authorisation::Outcome::Approval(_) => "APPROVED".to_owned(),
        authorisation::Outcome::Decline(decline) => {
            let name = decline.reason().as_str_name();
            name.strip_prefix("DECLINE_REASON_").unwrap().to_owned()
        }
    }
}

/// Why a payment was declined.
pub(crate) fn decline(response: v1::AuthoriseResponse) -> v1::Decline {
    match response.authorisation.unwrap().outcome.unwrap() {
        authorisation::Outcome::Decline(decline) => decline,
        authorisation::Outcome::Approval(_) => panic!("it was approved"),
    }
}

/// Why a card was not bound.
pub(crate) fn bind_refusal(response: v1::BindResponse) -> v1::BindRefusal {
    match response.outcome.unwrap() {
        bind_response::Outcome::Refusal(refusal) => refusal,
        bind_response::Outcome::Card(card) => panic!("it was bound: {card:?}"),
    }
}

/// A person is shown a text that has these words, in Chinese and in English.
#[track_caller]
pub(crate) fn assert_says(text: Option<&v1::LocalisedText>, zh: &str, en: &str) {
    let text = text.unwrap();
    assert!(text.zh_cn.contains(zh), "{zh}: {text:?}");
    assert!(text.en.contains(en), "{en}: {text:?}");
}
