//! `CardService`.

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};
use waika::v1;
use waika::v1::card_service_server::CardService;
use waika_domain::account::Account;
use waika_domain::event::PasswordVerifier;
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;

use super::parse::{Fields, HistoryPage, Parsed};
use super::{
    Desk, bind, enums, notifications, outcome, password, phone_code, reset, status, unbind,
    verification, wallet,
};
use crate::ledger::{Answered, Notices, Operation, Sending};
use crate::page_token;
use crate::partner::IdentityAsked;

#[tonic::async_trait]
impl CardService for Desk {
    async fn send_phone_code(
        &self,
        request: Request<v1::SendPhoneCodeRequest>,
    ) -> Result<Response<v1::SendPhoneCodeResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let phone_code::Parsed {
            account,
            call,
            operation,
            phone,
        } = phone_code::parse(request.into_inner(), &party)?;
        let answered = match &self.doorway.ports.sms_gateway {
            None => {
                let operation = Operation::SendPhoneCode(operation);
                let submitted = ledger.submit(self.core, account.clone(), call, operation);
                submitted.await?
            }
            Some(gateway) => {
                let sending = Sending {
                    account: account.clone(),
                    call,
                    asked: operation,
                    phone,
                    gateway: Arc::clone(gateway),
                };
                ledger.send_phone_code(self.core, sending).await?
            }
        };
        let is_shown = self.doorway.options.show_phone_codes;
        let shown_by = is_shown.then_some(ledger.vault());
        phone_code::response(&account, &answered, shown_by).map(Response::new)
    }

    async fn bind(
        &self,
        request: Request<v1::BindRequest>,
    ) -> Result<Response<v1::BindResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let request = request.into_inner();
        let verifier = self.doorway.ports.identity_verifier.as_deref();
        let asked = verifier.zip(request.identity.as_ref());
        let asked = asked.map(|(verifier, identity)| (verifier, IdentityAsked::of(identity)));
        let options = self.doorway.options;
        let mut parsed = bind::parse(request, &party, options.allow_live_pan)?;
        if let Some((verifier, asked)) = asked {
            let confirmed = parsed.is_confirmed_by(verifier, asked, (ledger, self.core));
            parsed.operation.identity_confirmed = confirmed.await?;
        }
        parsed.operation.deadline = party.asker.deadline;
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
        let (ledger, party) = self.asked_by(&request)?;
        let parsed = unbind::parse(request.into_inner(), &party)?;
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
        let ledger = self.reading()?;
        let account = only_account(&request.into_inner().account_id)?;
        let look =
            |account: &Account, _: &Policy, _| account.cards().iter().map(outcome::card).collect();
        let cards = ledger.view(self.core, &account, look).await?;
        Ok(Response::new(v1::ListCardsResponse { cards }))
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<Response<v1::GetAccountResponse>, Status> {
        let ledger = self.reading()?;
        let id = only_account(&request.into_inner().account_id)?;
        let seen = ledger.view(self.core, &id, account_state).await?;
        Ok(Response::new(v1::GetAccountResponse {
            account_id: id.to_string(),
            ..seen
        }))
    }

    async fn switch_wallet_region(
        &self,
        request: Request<v1::SwitchWalletRegionRequest>,
    ) -> Result<Response<v1::SwitchWalletRegionResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = wallet::parse_region(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        wallet::region_response(&answered).map(Response::new)
    }

    async fn verify_password(
        &self,
        request: Request<v1::VerifyPasswordRequest>,
    ) -> Result<Response<v1::VerifyPasswordResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let parsed = password::parse_verify(request.into_inner(), &party)?;
        let caller = parsed.call.caller.clone();
        let (account, answered) = self.submit(parsed).await?;
        let look = |account: &Account, _: &Policy, _| account.password().copied();
        let kept = ledger.view(self.core, &account, look).await?;
        let kept = kept.unwrap_or(PasswordVerifier::NONE);
        let of = (&account, &*caller);
        password::verify_response(of, &answered, ledger.vault(), &kept).map(Response::new)
    }

    async fn change_password(
        &self,
        request: Request<v1::ChangePasswordRequest>,
    ) -> Result<Response<v1::ChangePasswordResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = password::parse_change(request.into_inner(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        password::change_response(&answered).map(Response::new)
    }

    async fn reset_password(
        &self,
        request: Request<v1::ResetPasswordRequest>,
    ) -> Result<Response<v1::ResetPasswordResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let allow_live_pan = self.doorway.options.allow_live_pan;
        let parsed = reset::parse(request.into_inner(), &party, allow_live_pan)?;
        let (account, answered) = self.submit(parsed).await?;
        reset::response(&account, &answered).map(Response::new)
    }

    async fn submit_verification(
        &self,
        request: Request<Streaming<v1::SubmitVerificationRequest>>,
    ) -> Result<Response<v1::SubmitVerificationResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let verifier = self.doorway.ports.identity_verifier.as_deref();
        let stream = request.into_inner();
        let photo = verification::read(stream, &party, (ledger, self.core), verifier);
        let verification::Parsed {
            account,
            call,
            photo,
        } = tokio::select! {
            read = photo => read?,
            () = self.doorway.stopping.cancelled() => {
                return Err(status::not_serving("the server is stopping"));
            }
        };
        let operation = Operation::SubmitVerification(photo);
        let answered = ledger.submit(self.core, account, call, operation).await?;
        verification::response(&answered).map(Response::new)
    }

    async fn get_verification(
        &self,
        request: Request<v1::GetVerificationRequest>,
    ) -> Result<Response<v1::GetVerificationResponse>, Status> {
        let ledger = self.reading()?;
        let account = only_account(&request.into_inner().account_id)?;
        let look = |account: &Account, _: &Policy, _| verification::state(account);
        let state = ledger.view(self.core, &account, look).await?;
        Ok(Response::new(state))
    }

    async fn list_notifications(
        &self,
        request: Request<v1::ListNotificationsRequest>,
    ) -> Result<Response<v1::ListNotificationsResponse>, Status> {
        let ledger = self.reading()?;
        let vault = ledger.vault();
        let request = request.into_inner();
        let page = (request.page_size, &*request.page_token);
        let HistoryPage {
            account,
            size,
            begin,
        } = HistoryPage::parse(&request.account_id, page, vault)?;
        let notices = ledger.notices(self.core, &account, begin, size).await?;
        let Notices { seen, next, pruned } = notices;
        let told = seen.iter();
        let next = next.map(|next| page_token::seal(vault, &account, next));
        Ok(Response::new(v1::ListNotificationsResponse {
            notifications: told
                .map(|seen| notifications::notification(vault, &account, seen))
                .collect(),
            next_page_token: next.unwrap_or_default(),
            pruned_before: pruned.map(|from| outcome::timestamp(from.at)),
        }))
    }

    type WatchNotificationsStream = notifications::Messages;

    async fn watch_notifications(
        &self,
        request: Request<v1::WatchNotificationsRequest>,
    ) -> Result<Response<notifications::Messages>, Status> {
        let ledger = self.reading()?;
        let pass = request.extensions().get().cloned();
        let request = request.into_inner();
        let account = only_account(&request.account_id)?;
        let mut fields = Fields::default();
        let after = fields.optional(
            "after_notification_id",
            &request.after_notification_id,
            |id| page_token::parse_notice(ledger.vault(), &account, id),
        );
        let after = fields.finish(after)?;
        let place = Arc::clone(&self.doorway.watchers).try_acquire_owned();
        let place = place.map_err(|_| status::too_many_watchers())?;
        // Before it is looked what there is, so that nothing comes in between.
        let watcher = ledger.watch(&account);
        let last = ledger.last_sequence(self.core, &account).await?;
        Ok(Response::new(notifications::messages(
            notifications::Waiting {
                desk: self.clone(),
                account,
                watcher,
                told: after.unwrap_or(last),
                newer: Vec::new(),
                pruned: None,
                pass: pass.unwrap_or_default(),
                place,
            },
        )))
    }

    async fn create_payment_code(
        &self,
        request: Request<v1::CreatePaymentCodeRequest>,
    ) -> Result<Response<v1::CreatePaymentCodeResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = wallet::parse_code(request.into_inner(), &party)?;
        let (account, answered) = self.submit(parsed).await?;
        wallet::code_response(&account, &answered, party.vault).map(Response::new)
    }

    async fn receive_funds(
        &self,
        request: Request<v1::ReceiveFundsRequest>,
    ) -> Result<Response<v1::ReceiveFundsResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = wallet::parse_funds(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        wallet::funds_response(&answered).map(Response::new)
    }

    async fn get_balance(
        &self,
        request: Request<v1::GetBalanceRequest>,
    ) -> Result<Response<v1::GetBalanceResponse>, Status> {
        let ledger = self.reading()?;
        let account = only_account(&request.into_inner().account_id)?;
        let look = |account: &Account, _: &Policy, _| account.balance().value();
        let balance_fen = ledger.view(self.core, &account, look).await?;
        Ok(Response::new(v1::GetBalanceResponse { balance_fen }))
    }
}

/// A request that names an account and nothing else that could be wrong.
fn only_account(text: &str) -> Result<AccountId, Status> {
    let mut fields = Fields::default();
    let account = fields.account(text);
    fields.finish(account)
}

impl Desk {
    /// Submits what was parsed, and gives the account back with the answer.
    pub(super) async fn submit(&self, parsed: Parsed) -> Result<(AccountId, Answered), Status> {
        let Parsed {
            account,
            call,
            operation,
        } = parsed;
        let ledger = self.ledger()?;
        let submitted = ledger.submit(self.core, account.clone(), call, operation);
        Ok((account, submitted.await?))
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
