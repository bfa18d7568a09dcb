//! `CardService`.

use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::card_service_server::CardService;
use waika_domain::account::Account;
use waika_domain::event::{Event, PhoneCodeDecided};
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::refusal::Refused;
use waika_domain::rules::phone_code::normalise_phone;

use super::parse::{Digests, Fields};
use super::{Desk, bind, enums, outcome, status, unbind};
use crate::ledger::{Answered, Operation, PhoneCodeOperation, Rpc};
use crate::{sandbox, vault};

#[tonic::async_trait]
impl CardService for Desk {
    async fn send_phone_code(
        &self,
        request: Request<v1::SendPhoneCodeRequest>,
    ) -> Result<Response<v1::SendPhoneCodeResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let key = fields.key(&request.idempotency_key);
        let account = fields.account(&request.account_id);
        let phone = fields.take("phone_number", normalise_phone(&request.phone_number));
        let region = fields.region(request.wallet_region);
        let whole = (|| Some((key?, account?, phone?, region?)))();
        let (key, account, phone, region) = fields.finish(whole)?;
        let call = Digests::new(ledger.vault())
            .with("phone_number", &phone)
            .with_number("wallet_region", enums::to_wallet_region(region).into())
            .call(Rpc::SendPhoneCode, key);
        let operation = Operation::SendPhoneCode(PhoneCodeOperation {
            region,
            phone: ledger.vault().phone(&phone),
            nonce: vault::random_bits().map_err(|_| no_randomness())?,
            deliverable: sandbox::sms_is_deliverable(&phone),
        });
        let answered = ledger
            .submit(self.core, account.clone(), call, operation)
            .await?;
        self.phone_code_response(ledger.vault(), &account, &answered)
            .map(Response::new)
    }

    async fn bind(
        &self,
        request: Request<v1::BindRequest>,
    ) -> Result<Response<v1::BindResponse>, Status> {
        let ledger = self.ledger()?;
        let options = self.doorway.options;
        let parsed = bind::parse(request.into_inner(), ledger.vault(), options.allow_live_pan)?;
        let operation = Operation::Bind(Box::new(parsed.operation));
        let answered = ledger
            .submit(self.core, parsed.account, parsed.call, operation)
            .await?;
        bind::response(&answered).map(Response::new)
    }

    async fn unbind(
        &self,
        request: Request<v1::UnbindRequest>,
    ) -> Result<Response<v1::UnbindResponse>, Status> {
        let ledger = self.ledger()?;
        let parsed = unbind::parse(request.into_inner(), ledger.vault())?;
        let operation = Operation::Unbind(parsed.operation);
        let answered = ledger
            .submit(self.core, parsed.account, parsed.call, operation)
            .await?;
        unbind::response(&answered).map(Response::new)
    }

    async fn list_cards(
        &self,
        request: Request<v1::ListCardsRequest>,
    ) -> Result<Response<v1::ListCardsResponse>, Status> {
        let ledger = self.ledger()?;
        let mut fields = Fields::default();
        let account = fields.account(&request.into_inner().account_id);
        let account = fields.finish(account)?;
        let look =
            |account: &Account, _: &Policy, _| account.cards().iter().map(outcome::card).collect();
        let cards = ledger.view(self.core, &account, look).await?;
        Ok(Response::new(v1::ListCardsResponse { cards }))
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<Response<v1::GetAccountResponse>, Status> {
        let ledger = self.ledger()?;
        let mut fields = Fields::default();
        let id = fields.account(&request.into_inner().account_id);
        let id = fields.finish(id)?;
        let seen = ledger.view(self.core, &id, account_state).await?;
        Ok(Response::new(v1::GetAccountResponse {
            account_id: id.to_string(),
            ..seen
        }))
    }
}

impl Desk {
    fn phone_code_response(
        &self,
        vault: &vault::Vault,
        account: &AccountId,
        answered: &Answered,
    ) -> Result<v1::SendPhoneCodeResponse, Status> {
        let Event::PhoneCode(decided) = &answered.event else {
            return Err(status::internal(
                "the stored decision is not about a phone code",
            ));
        };
        let PhoneCodeDecided { phone, outcome, .. } = decided;
        let outcome = match outcome {
            Ok(sent) => {
                let code = vault.phone_code(account, *phone, sent.nonce);
                let shown = self
                    .doorway
                    .options
                    .show_phone_codes
                    .then(|| code.expose().to_owned());
                v1::send_phone_code_response::Outcome::Sent(v1::PhoneCodeSent {
                    resend_at: Some(outcome::timestamp(sent.resend_at)),
                    expires_at: Some(outcome::timestamp(sent.expires_at)),
                    sandbox_code: shown.unwrap_or_default(),
                })
            }
            Err(Refused { reason, evidence }) => {
                v1::send_phone_code_response::Outcome::Refusal(v1::PhoneCodeRefusal {
                    reason: reason.number(),
                    text: Some(outcome::text(reason.text())),
                    resend_at: evidence.resets_at().map(outcome::timestamp),
                    retry: enums::to_retry(reason.usual_retry()).into(),
                })
            }
        };
        Ok(v1::SendPhoneCodeResponse {
            outcome: Some(outcome),
            replayed: answered.replayed,
            decided_at: Some(outcome::timestamp(answered.at)),
        })
    }
}

/// The system gave no random bits: told, never worked around.
pub(super) fn no_randomness() -> Status {
    status::internal("the system gave no random bits")
}

fn account_state(account: &Account, policy: &Policy, now: Timestamp) -> v1::GetAccountResponse {
    let usage = account.usage().at(now);
    let identity = account
        .identity()
        .map(|identity| enums::to_document(identity.document));
    let limits = policy.limits;
    v1::GetAccountResponse {
        account_id: String::new(),
        wallet_region: enums::to_wallet_region(account.region()).into(),
        verified: identity.is_some(),
        identity_type: identity.unwrap_or_default().into(),
        password_set: account.password().is_some(),
        password_locked_until: account.password_locked_until(now).map(outcome::timestamp),
        review: enums::to_review(account.review()).into(),
        cards_bound: i32::try_from(account.cards().len()).unwrap_or(i32::MAX),
        card_cap: i32::from(policy.card_cap),
        single_limit_fen: limits.single.value(),
        month: Some(outcome::month_window(
            usage.month,
            limits.month,
            usage.in_month,
        )),
        year: Some(outcome::year_window(usage.year, limits.year, usage.in_year)),
        policy: policy.name.to_string(),
    }
}
