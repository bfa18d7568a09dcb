//! `AuthorisationService`.

use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::authorisation_service_server::AuthorisationService;
use waika_domain::event::{Payment, Scene};
use waika_domain::identifiers::{
    AccountId, AuthorisationId, CardToken, IdempotencyKey, MerchantId,
};
use waika_domain::money::Amount;
use waika_domain::rules;

use super::parse::{self, Fields};
use super::{Desk, enums, outcome, status};
use crate::ledger::{AuthoriseOperation, Business, LedgerError, Operation, Rpc, Secret};

#[tonic::async_trait]
impl AuthorisationService for Desk {
    async fn authorise(
        &self,
        request: Request<v1::AuthoriseRequest>,
    ) -> Result<Response<v1::AuthoriseResponse>, Status> {
        let ledger = self.ledger()?;
        let (account, key, asked) = parse_authorise(request.into_inner())?;
        let call = parse::call(Rpc::Authorise, key, Business::Payment);
        let operation = Operation::Authorise(asked);
        let answered = ledger
            .submit(self.core, account.clone(), call, operation)
            .await?;
        let replayed = answered.replayed;
        let authorisation = outcome::authorisation(&account, &answered)?;
        Ok(Response::new(v1::AuthoriseResponse {
            authorisation: Some(authorisation),
            replayed,
        }))
    }

    async fn get_authorisation(
        &self,
        request: Request<v1::GetAuthorisationRequest>,
    ) -> Result<Response<v1::GetAuthorisationResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let account = fields.account(&request.account_id);
        let account = fields.finish(account)?;
        // What is no id of ours names no authorisation.
        let id = AuthorisationId::parse(&request.authorisation_id)
            .ok_or(LedgerError::UnknownAuthorisation)?;
        let answered = ledger.authorisation(self.core, &account, id).await?;
        let authorisation = Some(outcome::authorisation(&account, &answered)?);
        Ok(Response::new(v1::GetAuthorisationResponse {
            authorisation,
        }))
    }
}

type ParsedAuthorise = (AccountId, IdempotencyKey, AuthoriseOperation);

fn parse_authorise(request: v1::AuthoriseRequest) -> Result<ParsedAuthorise, Status> {
    let mut fields = Fields::default();
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let card = fields.take("card_token", CardToken::parse(&request.card_token));
    let scene = v1::Scene::try_from(request.scene)
        .ok()
        .and_then(enums::scene);
    let scene = fields.require("scene", scene, "must be a scene that is known");
    let merchant = parse_merchant(&mut fields, scene, &request.merchant_id);
    let amount = fields.take("amount_fen", Amount::from_fen(request.amount_fen)); // D15
    if !matches!(&*request.currency, "" | "CNY") {
        fields.refuse("currency", "must be CNY, or empty for the same"); // R58
    }
    let mode = v1::PaymentMode::try_from(request.mode)
        .ok()
        .and_then(enums::mode);
    let mode = fields.require("mode", mode, "must be a payment mode that is known");
    fields.take("payment_password", rules::password::check_shape(&password)); // R43
    let client = fields.client(request.client);
    let whole = (|| {
        let payment = Payment {
            card: card?,
            merchant: merchant?,
            amount: amount?,
            scene: scene?,
            mode: mode?,
        };
        Some((
            account?,
            key?,
            AuthoriseOperation {
                payment,
                client: client?,
                password,
            },
        ))
    })();
    fields.finish(whole)
}

/// Only a purchase has a merchant, and it must have one. The outer None means malformed.
#[expect(
    clippy::option_option,
    reason = "absent and malformed are different things"
)]
fn parse_merchant(
    fields: &mut Fields,
    scene: Option<Scene>,
    text: &str,
) -> Option<Option<MerchantId>> {
    let has_merchant = scene.is_none_or(Scene::has_merchant);
    if text.is_empty() && !has_merchant {
        return Some(None);
    }
    if !has_merchant {
        fields.refuse("merchant_id", "must be empty in a scene without a merchant");
        return None;
    }
    fields
        .take("merchant_id", MerchantId::parse(text))
        .map(Some)
}

/// An entry that is no authorisation was answered for one: a defect, told as such.
pub(super) fn not_an_authorisation() -> Status {
    status::internal("the stored decision is not an authorisation")
}
