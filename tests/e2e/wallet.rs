//! A person with a wallet: what people, merchants and operators do, and what becomes of it.

use std::sync::atomic::{AtomicU32, Ordering};

use tonic::Status;
use tonic::transport::Channel;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::card_service_client::CardServiceClient;
use waika::v1::set_clock_request::Setting;
use waika::v1::{self, send_phone_code_response};

pub(crate) use crate::requests::{
    MERCHANT, PASSWORD, PHONE, VISA, assert_says, bind, bind_outcome, bind_refusal, bound, card,
    client, decision, decline, given_back, instant, merchant, part, pay, quote, reversal_outcome,
    reverse, reverse_by_key, send_phone_code, unbind, unbind_outcome, visa, with_check_digit,
};
use crate::support::Server;

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
        let asked = self.ask_for_code(send_phone_code(account, phone)).await;
        asked.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// A further code to a phone, for which the clock is put to when it can be sent (D8); it stands
    /// still there.
    pub(crate) async fn next_phone_code(&mut self, account: &str, phone: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let ask = || v1::SendPhoneCodeRequest {
            idempotency_key: format!("next code {}", NEXT.fetch_add(1, Ordering::Relaxed)),
            ..send_phone_code(account, phone)
        };
        let asked = match self.ask_for_code(ask()).await {
            Err(too_soon) => {
                self.freeze_at(too_soon.resend_at.unwrap()).await;
                self.ask_for_code(ask()).await
            }
            sent => sent,
        };
        asked.unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    async fn ask_for_code(
        &mut self,
        request: v1::SendPhoneCodeRequest,
    ) -> Result<String, v1::PhoneCodeRefusal> {
        let response = self.cards.send_phone_code(request).await.unwrap();
        match response.into_inner().outcome.unwrap() {
            send_phone_code_response::Outcome::Sent(sent) => Ok(sent.sandbox_code),
            send_phone_code_response::Outcome::Refusal(refusal) => Err(refusal),
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

    /// The same with a card of its own: Visa, with these digits in its middle.
    pub(crate) async fn wallet_with(&mut self, account: &str, middle: u32) -> String {
        self.put_merchant(merchant(MERCHANT)).await;
        let mut request = bind(account);
        request.card = Some(card(&visa(middle), v1::Scheme::Visa));
        bound(&self.bind(request).await)
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

    /// An approved payment of that many fen.
    pub(crate) async fn paid(
        &mut self,
        account: &str,
        card_token: &str,
        key: &str,
        amount_fen: i64,
    ) -> v1::Authorisation {
        let response = self.authorise(pay(account, card_token, key, amount_fen));
        let response = response.await.unwrap();
        assert_eq!(decision(&response), "APPROVED", "{key}");
        response.authorisation.unwrap()
    }

    /// A further card of an account: Visa, with these digits in its middle.
    pub(crate) async fn another_card(&mut self, account: &str, middle: u32) -> v1::BindResponse {
        let mut request = bind(account);
        request.idempotency_key = format!("bind {middle}");
        request.phone_number = format!("+44 7700 {middle:09}");
        request.card = Some(card(&visa(middle), v1::Scheme::Visa));
        self.bind(request).await
    }

    pub(crate) async fn reverse(
        &mut self,
        request: v1::ReverseRequest,
    ) -> Result<v1::ReverseResponse, Status> {
        let response = self.authorisations.reverse(request).await;
        response.map(tonic::Response::into_inner)
    }

    /// How a reversal ends, in a word.
    pub(crate) async fn reversal(&mut self, request: v1::ReverseRequest) -> &'static str {
        reversal_outcome(&self.reverse(request).await.unwrap())
    }

    pub(crate) async fn unbind(&mut self, request: v1::UnbindRequest) -> v1::UnbindResponse {
        self.cards.unbind(request).await.unwrap().into_inner()
    }

    pub(crate) async fn quote(&mut self, request: v1::QuoteRequest) -> v1::QuoteResponse {
        let response = self.authorisations.quote(request).await;
        response.unwrap().into_inner()
    }

    /// The clock stands still at an instant from now on.
    pub(crate) async fn freeze(&mut self, at: &str) {
        self.freeze_at(instant(at)).await;
    }

    async fn freeze_at(&mut self, at: prost_types::Timestamp) {
        static FROZEN: AtomicU32 = AtomicU32::new(0);
        let request = v1::SetClockRequest {
            idempotency_key: format!("freeze {}", FROZEN.fetch_add(1, Ordering::Relaxed)),
            setting: Some(Setting::Freeze(at)),
        };
        self.admin.set_clock(request).await.unwrap();
    }

    /// Month and year: what is used, in fen.
    pub(crate) async fn used(&mut self, account: &str) -> (i64, i64) {
        let account = self.account(account).await;
        (
            account.month.unwrap().used_fen,
            account.year.unwrap().used_fen,
        )
    }

    pub(crate) async fn standing(&mut self, account: &str, id: &str) -> v1::AuthorisationStatus {
        let request = v1::GetAuthorisationRequest {
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let read = self.authorisations.get_authorisation(request).await;
        read.unwrap().into_inner().status.unwrap()
    }

    pub(crate) async fn account(&mut self, account: &str) -> v1::GetAccountResponse {
        let request = v1::GetAccountRequest {
            account_id: account.to_owned(),
        };
        self.cards.get_account(request).await.unwrap().into_inner()
    }
}
