//! A person who uses everything that stands for the payment password, and an operator beside.

use tonic::transport::{Channel, Endpoint};
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::{create_payment_code_response, verify_password_response};

use crate::support::Server;
use crate::wallet::PASSWORD;

const NEW_PASSWORD: &str = "680257";
const PHOTO: &str = "CANARY-PHOTO-5309-OF-A-FACE";

/// The connections of one account.
struct Person {
    account: String,
    card: String,
    cards: CardServiceClient<Channel>,
    payments: AuthorisationServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
}

async fn connect(address: std::net::SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

/// Uses the account's first card and its balance, and returns what must never be seen.
pub(crate) async fn used(server: &Server, account: &str) -> Vec<String> {
    let callers = connect(server.rpc()).await;
    let mut cards = CardServiceClient::new(callers.clone());
    let asked = v1::ListCardsRequest {
        account_id: account.to_owned(),
    };
    let listed = cards.list_cards(asked).await.unwrap().into_inner();
    let mut person = Person {
        account: account.to_owned(),
        card: listed.cards.first().unwrap().card_token.clone(),
        cards,
        payments: AuthorisationServiceClient::new(callers),
        admin: AdminServiceClient::new(connect(server.admin()).await),
    };
    let token = person.token().await;
    let code = person.code().await;
    person.fill_the_balance().await;
    person.send_a_photo().await;
    person.change("change", PASSWORD, NEW_PASSWORD).await;
    person.change("change back", NEW_PASSWORD, PASSWORD).await;
    person.operate().await;
    vec![token, code, NEW_PASSWORD.to_owned(), PHOTO.to_owned()]
}

fn payment(key: &str) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        idempotency_key: key.to_owned(),
        merchant_id: "noodle-bar".to_owned(),
        amount_fen: 1_000,
        scene: v1::Scene::Purchase.into(),
        mode: v1::PaymentMode::OnlineApp.into(),
        ..v1::AuthoriseRequest::default()
    }
}

impl Person {
    async fn token(&mut self) -> String {
        let verify = v1::VerifyPasswordRequest {
            idempotency_key: "verify".to_owned(),
            account_id: self.account.clone(),
            payment_password: PASSWORD.to_owned(),
            amount_fen: 1_000,
            card_token: self.card.clone(),
            ..v1::VerifyPasswordRequest::default()
        };
        let verified = self.cards.verify_password(verify).await.unwrap();
        let token = match verified.into_inner().outcome.unwrap() {
            verify_password_response::Outcome::Token(token) => token.payment_token,
            verify_password_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
        };
        let payment = v1::AuthoriseRequest {
            account_id: self.account.clone(),
            card_token: self.card.clone(),
            payment_token: token.clone(),
            ..payment("with token")
        };
        self.payments.authorise(payment).await.unwrap();
        token
    }

    async fn code(&mut self) -> String {
        let create = v1::CreatePaymentCodeRequest {
            idempotency_key: "code for a payment".to_owned(),
            account_id: self.account.clone(),
            card_token: self.card.clone(),
            payment_password: PASSWORD.to_owned(),
            ..v1::CreatePaymentCodeRequest::default()
        };
        let created = self.cards.create_payment_code(create).await.unwrap();
        let code = match created.into_inner().outcome.unwrap() {
            create_payment_code_response::Outcome::Code(code) => code.payment_code,
            create_payment_code_response::Outcome::Decline(decline) => panic!("{decline:?}"),
        };
        for key in ["with code", "with code again"] {
            let payment = v1::AuthoriseRequest {
                payment_code: code.clone(),
                mode: v1::PaymentMode::PaymentCode.into(),
                ..payment(key)
            };
            self.payments.authorise(payment).await.unwrap();
        }
        code
    }

    async fn fill_the_balance(&mut self) {
        let receive = v1::ReceiveFundsRequest {
            idempotency_key: "receive".to_owned(),
            account_id: self.account.clone(),
            kind: v1::FundsKind::RedPacket.into(),
            amount_fen: 7_700,
            currency: String::new(),
        };
        self.cards.receive_funds(receive).await.unwrap();
        let payment = v1::AuthoriseRequest {
            account_id: self.account.clone(),
            funding: v1::Funding::Balance.into(),
            payment_password: PASSWORD.to_owned(),
            ..payment("with balance")
        };
        self.payments.authorise(payment).await.unwrap();
    }

    /// Nobody asked for one: this is no passport holder.
    async fn send_a_photo(&mut self) {
        use v1::submit_verification_request::Part;
        let photo = v1::VerificationPhoto {
            idempotency_key: "photo".to_owned(),
            account_id: self.account.clone(),
            material: v1::VerificationMaterial::Face.into(),
        };
        let parts = [Part::Photo(photo), Part::Chunk(PHOTO.as_bytes().into())];
        let parts = parts.map(|part| v1::SubmitVerificationRequest { part: Some(part) });
        let parts = tokio_stream::iter(parts);
        self.cards.submit_verification(parts).await.unwrap();
    }

    async fn change(&mut self, key: &str, old: &str, new: &str) {
        let change = v1::ChangePasswordRequest {
            idempotency_key: key.to_owned(),
            account_id: self.account.clone(),
            old_password: old.to_owned(),
            new_password: new.to_owned(),
            new_password_again: new.to_owned(),
        };
        self.cards.change_password(change).await.unwrap();
    }

    async fn operate(&mut self) {
        let unlock = v1::UnlockPasswordRequest {
            idempotency_key: "unlock".to_owned(),
            account_id: self.account.clone(),
        };
        self.admin.unlock_password(unlock).await.unwrap();
        let put = v1::PutPolicyRequest {
            idempotency_key: "policy".to_owned(),
            toml: "name = \"spring\"\n".to_owned(),
        };
        self.admin.put_policy(put).await.unwrap();
    }
}
