//! A person who binds a card and pays, so that a real server writes a real journal.

use tonic::transport::{Channel, Endpoint};
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{self, bind_response, send_phone_code_response};

use crate::support::Server;

/// Values that stand out wherever they turn up.
pub(crate) const PAN: &str = "4111111234567892";
pub(crate) const DOCUMENT: &str = "CANARY-4711-ZQX";
pub(crate) const HOLDER: &str = "Zebulon Quixworth";
pub(crate) const PASSWORD: &str = "864209";
pub(crate) const WRONG_PASSWORD: &str = "975318";
pub(crate) const PHONE: &str = "+44 7700 912345";

/// One account's connections, and its card.
pub(crate) struct Wallet {
    payments: AuthorisationServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
    account: String,
    card: String,
    /// The code that was sent to the phone.
    pub(crate) phone_code: String,
}

async fn connect(address: std::net::SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

impl Wallet {
    /// Puts a merchant, and binds a card to an account.
    pub(crate) async fn of(server: &Server, account: &str) -> Self {
        let mut admin = AdminServiceClient::new(connect(server.admin()).await);
        let request = v1::PutMerchantRequest {
            idempotency_key: format!("put {account}"),
            merchant: Some(v1::Merchant {
                merchant_id: "noodle-bar".to_owned(),
                name: "=Noodle, bar".to_owned(),
                region: v1::MerchantRegion::Mainland.into(),
                category_code: "5812".to_owned(),
                international_cards: true,
            }),
        };
        admin.put_merchant(request).await.unwrap();
        let callers = connect(server.rpc()).await;
        let mut cards = CardServiceClient::new(callers.clone());
        let code = v1::SendPhoneCodeRequest {
            idempotency_key: "code".to_owned(),
            account_id: account.to_owned(),
            phone_number: PHONE.to_owned(),
            wallet_region: v1::WalletRegion::Mainland.into(),
        };
        let sent = cards.send_phone_code(code).await.unwrap().into_inner();
        let phone_code = match sent.outcome.unwrap() {
            send_phone_code_response::Outcome::Sent(sent) => sent.sandbox_code,
            send_phone_code_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        };
        let bound = cards.bind(bind(account, &phone_code)).await.unwrap();
        let card = match bound.into_inner().outcome.unwrap() {
            bind_response::Outcome::Card(card) => card.card_token,
            bind_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        };
        Self {
            payments: AuthorisationServiceClient::new(callers),
            admin,
            account: account.to_owned(),
            card,
            phone_code,
        }
    }

    pub(crate) async fn pay(&mut self, key: &str, amount_fen: i64, password: &str) {
        let request = v1::AuthoriseRequest {
            idempotency_key: key.to_owned(),
            account_id: self.account.clone(),
            card_token: self.card.clone(),
            merchant_id: "noodle-bar".to_owned(),
            amount_fen,
            currency: "CNY".to_owned(),
            scene: v1::Scene::Purchase.into(),
            mode: v1::PaymentMode::MerchantQr.into(),
            payment_password: password.to_owned(),
            client: Some(client()),
            ..v1::AuthoriseRequest::default()
        };
        self.payments.authorise(request).await.unwrap();
    }

    /// The issuer locks the card, and an operator resolves a review that there is not.
    pub(crate) async fn operate(&mut self) {
        let lock = v1::SetCardStatusRequest {
            idempotency_key: "lock".to_owned(),
            account_id: self.account.clone(),
            card_token: self.card.clone(),
            status: v1::CardStatus::Locked.into(),
        };
        self.admin.set_card_status(lock).await.unwrap();
        let resolve = v1::ResolveReviewRequest {
            idempotency_key: "review".to_owned(),
            account_id: self.account.clone(),
            verdict: v1::ReviewVerdict::Approve.into(),
        };
        self.admin.resolve_review(resolve).await.unwrap();
    }
}

fn bind(account: &str, phone_code: &str) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: "bind".to_owned(),
        account_id: account.to_owned(),
        wallet_region: v1::WalletRegion::Mainland.into(),
        client: Some(client()),
        service_agreement_accepted: true,
        privacy_policy_accepted: true,
        identity: Some(v1::IdentityDocument {
            r#type: v1::IdentityDocumentType::ForeignPermanentResidentCard.into(),
            number: DOCUMENT.to_owned(),
            issuing_country: "CN".to_owned(),
            holder_name: HOLDER.to_owned(),
            expires_on: Some(v1::Date {
                year: 2039,
                month: 12,
                day: 31,
            }),
        }),
        card: Some(v1::CardEntry {
            pan: PAN.to_owned(),
            scheme: v1::Scheme::Visa.into(),
            expiry_month: 12,
            expiry_year: 2039,
            cvv: "739".to_owned(),
            holder_name: HOLDER.to_owned(),
        }),
        phone_number: PHONE.to_owned(),
        phone_code: phone_code.to_owned(),
        payment_password: PASSWORD.to_owned(),
    }
}

fn client() -> v1::ClientInfo {
    v1::ClientInfo {
        channel: v1::ClientChannel::Android.into(),
        version: "8.0.40".to_owned(),
    }
}
