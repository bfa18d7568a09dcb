//! A person with a wallet: the requests that people and merchants make, filled in so that they
//! pass, to be changed by each test where it wants to see something else.

use tonic::Status;
use tonic::transport::Channel;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{self, authorisation, bind_response, send_phone_code_response};

use crate::support::Server;

pub(crate) const PASSWORD: &str = "135790";
pub(crate) const MERCHANT: &str = "noodle-bar";
pub(crate) const VISA: &str = "4111111111111111";

/// One caller's connections.
#[derive(Clone)]
pub(crate) struct Callers {
    pub cards: CardServiceClient<Channel>,
    pub authorisations: AuthorisationServiceClient<Channel>,
    pub admin: AdminServiceClient<Channel>,
}

impl Callers {
    pub(crate) async fn of(server: &Server) -> Self {
        Self {
            cards: server.cards().await,
            authorisations: server.authorisations().await,
            admin: server.admin().await,
        }
    }

    pub(crate) async fn put_merchant(&mut self, merchant: v1::Merchant) {
        let idempotency_key = format!("put {}", merchant.merchant_id);
        let request = v1::PutMerchantRequest {
            idempotency_key,
            merchant: Some(merchant),
        };
        self.admin.put_merchant(request).await.unwrap();
    }

    /// Has a code sent to a phone, and gives it.
    pub(crate) async fn phone_code(&mut self, account: &str, phone: &str) -> String {
        let request = send_phone_code(account, phone);
        let response = self
            .cards
            .send_phone_code(request)
            .await
            .unwrap()
            .into_inner();
        match response.outcome.unwrap() {
            send_phone_code_response::Outcome::Sent(sent) => sent.sandbox_code,
            send_phone_code_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        }
    }

    /// Binds as asked, with a code sent for it.
    pub(crate) async fn bind(&mut self, mut request: v1::BindRequest) -> v1::BindResponse {
        if request.phone_code.is_empty() {
            let (account, phone) = (request.account_id.clone(), request.phone_number.clone());
            request.phone_code = self.phone_code(&account, &phone).await;
        }
        self.cards.bind(request).await.unwrap().into_inner()
    }

    /// A wallet that can pay, and the merchant to pay. Gives the card's token.
    pub(crate) async fn wallet(&mut self, account: &str) -> String {
        self.put_merchant(merchant(MERCHANT)).await;
        bound(&self.bind(bind(account)).await)
    }

    pub(crate) async fn authorise(
        &mut self,
        request: v1::AuthoriseRequest,
    ) -> Result<v1::AuthoriseResponse, Status> {
        self.authorisations
            .authorise(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// The decision on a payment, in a word: `APPROVED`, or the name of the reason.
    pub(crate) async fn decision(&mut self, request: v1::AuthoriseRequest) -> String {
        decision(&self.authorise(request).await.unwrap())
    }

    pub(crate) async fn account(&mut self, account: &str) -> v1::GetAccountResponse {
        let request = v1::GetAccountRequest {
            account_id: account.to_owned(),
        };
        self.cards.get_account(request).await.unwrap().into_inner()
    }
}

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
        phone_number: "+44 7700 900123".to_owned(),
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
    let prefix = format!("411111{middle:09}");
    let sum: u32 = prefix
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                digit
            }
        })
        .sum();
    format!("{prefix}{}", (10 - sum % 10) % 10)
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
    }
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
