//! What stands in a ledger before an input comes: a merchant, a wallet that can pay, and a code sent to a
//! phone. All of it is asked for by calls, like anybody's.

use prost::Message;
use waika::v1;
use waika::v1::set_clock_request::Setting;
use waika::v1::{bind_response, send_phone_code_response};

use super::Services;

pub(crate) const MERCHANT: &str = "noodle-bar";
/// It has a card.
pub(crate) const PAYER: &str = "marie";
/// A code was sent to its phone.
pub(crate) const NEWCOMER: &str = "pierre";
pub(crate) const PHONE: &str = "+44 7700 900123";
pub(crate) const PASSWORD: &str = "135790";
/// Noon in Shanghai on 1 December 2026.
const FROZEN_AT: i64 = 1_796_097_600;

/// What callers are told and no input can know. Where an input has the word, it means the text.
pub(super) struct Told {
    pub(super) card_token: String,
    pub(super) phone_code: String,
}

/// In the place of the payer's card token.
pub(crate) const CARD: &str = "card_0000000000000";
/// In the place of the code that was sent to the newcomer.
pub(crate) const CODE: &str = "PHCODE";
/// In the place of the id of what was decided last.
pub(crate) const LAST: &str = "auth_10000000000000";

/// Makes all of it.
pub(super) async fn open(services: &Services) -> Told {
    let clock = v1::SetClockRequest {
        idempotency_key: "clock".to_owned(),
        setting: Some(Setting::Freeze(prost_types::Timestamp {
            seconds: FROZEN_AT,
            nanos: 0,
        })),
    };
    let _: v1::SetClockResponse = ask(services, "AdminService/SetClock", &clock).await;
    let merchant = v1::PutMerchantRequest {
        idempotency_key: "merchant".to_owned(),
        merchant: Some(merchant()),
    };
    let _: v1::PutMerchantResponse = ask(services, "AdminService/PutMerchant", &merchant).await;
    let phone_code = send_code(services, PAYER).await;
    let bound: v1::BindResponse =
        ask(services, "CardService/Bind", &bind(PAYER, &phone_code)).await;
    let card_token = match bound.outcome {
        Some(bind_response::Outcome::Card(card)) => card.card_token,
        Some(bind_response::Outcome::Refusal(_)) | None => String::new(),
    };
    Told {
        card_token,
        phone_code: send_code(services, NEWCOMER).await,
    }
}

async fn send_code(services: &Services, account: &str) -> String {
    let sent: v1::SendPhoneCodeResponse = ask(
        services,
        "CardService/SendPhoneCode",
        &send_phone_code(account),
    )
    .await;
    match sent.outcome {
        Some(send_phone_code_response::Outcome::Sent(sent)) => sent.sandbox_code,
        Some(send_phone_code_response::Outcome::Refusal(_)) | None => String::new(),
    }
}

async fn ask<R: Message + Default>(services: &Services, call: &str, request: &impl Message) -> R {
    let path = format!("/waika.v1.{call}");
    let answered = services.answer(&path, &request.encode_to_vec()).await;
    let bytes = answered.unwrap_or_default();
    R::decode(bytes.get(super::PREFIX_BYTES..).unwrap_or_default()).unwrap_or_default()
}

pub(crate) fn merchant() -> v1::Merchant {
    v1::Merchant {
        merchant_id: MERCHANT.to_owned(),
        name: "Noodle bar".to_owned(),
        region: v1::MerchantRegion::Mainland.into(),
        category_code: "5812".to_owned(),
        international_cards: true,
    }
}

pub(crate) fn send_phone_code(account: &str) -> v1::SendPhoneCodeRequest {
    v1::SendPhoneCodeRequest {
        idempotency_key: "code".to_owned(),
        account_id: account.to_owned(),
        phone_number: PHONE.to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
    }
}

pub(crate) fn bind(account: &str, phone_code: &str) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: "bind".to_owned(),
        account_id: account.to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
        client: Some(client()),
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
        identity: Some(identity(account)),
        card: Some(card()),
        phone_number: PHONE.to_owned(),
        phone_code: phone_code.to_owned(),
        payment_password: PASSWORD.to_owned(),
    }
}

pub(crate) fn client() -> v1::ClientInfo {
    v1::ClientInfo {
        channel: v1::ClientChannel::Android.into(),
        version: "8.0.40".to_owned(),
    }
}

pub(crate) fn identity(account: &str) -> v1::IdentityDocument {
    v1::IdentityDocument {
        r#type: v1::IdentityDocumentType::ForeignPermanentResidentCard.into(),
        number: format!("FPR-{account}"),
        issuing_country: "CN".to_owned(),
        holder_name: "Marie Curie".to_owned(),
        expires_on: Some(v1::Date {
            year: 2039,
            month: 12,
            day: 31,
        }),
    }
}

pub(crate) fn card() -> v1::CardEntry {
    v1::CardEntry {
        pan: "4111111111111111".to_owned(),
        scheme: v1::Scheme::Visa.into(),
        expiry_month: 12,
        expiry_year: 2039,
        cvv: "123".to_owned(),
        holder_name: "MARIE CURIE".to_owned(),
    }
}
