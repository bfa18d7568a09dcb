//! `AdminService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::admin_service_server::AdminService;
use waika_domain::event::Event;
use waika_domain::identifiers::MerchantId;

use super::parse::Fields;
use super::policy::Named;
use super::{
    Desk, advices, closing, copies, enums, merchant, operator_log, operators, outcome, policy,
    reset, settlement, status, tickets,
};
use crate::ledger::{GlobalOperation, Operation};

/// Merchants on a page.
const LARGEST_PAGE: usize = 1_000;

#[tonic::async_trait]
impl AdminService for Desk {
    async fn put_merchant(
        &self,
        request: Request<v1::PutMerchantRequest>,
    ) -> Result<Response<v1::PutMerchantResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let (call, merchant) = merchant::parse_put(request.into_inner(), &party)?;
        let answered = ledger
            .submit_global(self.core, call, GlobalOperation::PutMerchant(merchant))
            .await?;
        let Event::MerchantPut(put) = &answered.event else {
            return Err(not_what_was_asked());
        };
        let (merchant, replayed) = (Some(merchant::to_wire(put)), answered.replayed);
        Ok(Response::new(v1::PutMerchantResponse {
            merchant,
            replayed,
        }))
    }

    async fn get_merchant(
        &self,
        request: Request<v1::GetMerchantRequest>,
    ) -> Result<Response<v1::GetMerchantResponse>, Status> {
        let ledger = self.ledger()?;
        let mut fields = Fields::default();
        let id = MerchantId::parse(&request.into_inner().merchant_id);
        let id = fields.take("merchant_id", id);
        let id = fields.finish(id)?;
        let merchant = ledger.merchant(self.core, &id).await?;
        let merchant = merchant.ok_or_else(|| status::not_found("no merchant of that id"))?;
        Ok(Response::new(v1::GetMerchantResponse {
            merchant: Some(merchant::to_wire(&merchant)),
        }))
    }

    async fn list_merchants(
        &self,
        request: Request<v1::ListMerchantsRequest>,
    ) -> Result<Response<v1::ListMerchantsResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let size = fields.page_size(request.page_size, LARGEST_PAGE);
        let after = fields.optional("page_token", &request.page_token, MerchantId::parse);
        let whole = (|| Some((size?, after?)))();
        let (size, after) = fields.finish(whole)?;
        let (page, more) = ledger.merchants(self.core, after.as_ref(), size).await?;
        let last = page
            .last()
            .filter(|_| more)
            .map(|merchant| merchant.id.to_string());
        Ok(Response::new(v1::ListMerchantsResponse {
            merchants: page
                .iter()
                .map(|merchant| merchant::to_wire(merchant))
                .collect(),
            next_page_token: last.unwrap_or_default(),
        }))
    }

    async fn set_card_status(
        &self,
        request: Request<v1::SetCardStatusRequest>,
    ) -> Result<Response<v1::SetCardStatusResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let (account, call, operation) = operators::parse_card_status(request.get_ref(), &party)?;
        let answered = ledger.submit(self.core, account, call, operation).await?;
        let Event::CardStatusSet(set) = &answered.event else {
            return Err(not_what_was_asked());
        };
        let status = enums::to_card_status(set.status).into();
        Ok(Response::new(v1::SetCardStatusResponse {
            status,
            replayed: answered.replayed,
        }))
    }

    async fn list_reviews(
        &self,
        request: Request<v1::ListReviewsRequest>,
    ) -> Result<Response<v1::ListReviewsResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let (size, after) = tickets::parse_page(request.page_size, &request.page_token)?;
        let (reviews, next) = ledger.reviews(self.core, after, size).await?;
        Ok(Response::new(v1::ListReviewsResponse {
            reviews: reviews.iter().map(tickets::review).collect(),
            next_page_token: tickets::next_token(next),
        }))
    }

    async fn list_password_tickets(
        &self,
        request: Request<v1::ListPasswordTicketsRequest>,
    ) -> Result<Response<v1::ListPasswordTicketsResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let (size, after) = tickets::parse_page(request.page_size, &request.page_token)?;
        let (open, next) = ledger.password_tickets(self.core, after, size).await?;
        let open = open.iter();
        Ok(Response::new(v1::ListPasswordTicketsResponse {
            tickets: open
                .map(|(account, ticket)| reset::ticket(account, ticket))
                .collect(),
            next_page_token: tickets::next_token(next),
        }))
    }

    async fn resolve_password_ticket(
        &self,
        request: Request<v1::ResolvePasswordTicketRequest>,
    ) -> Result<Response<v1::ResolvePasswordTicketResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = tickets::parse_verdict(request.get_ref(), &party)?;
        let (account, answered) = self.submit(parsed).await?;
        tickets::verdict_response(&account, &answered).map(Response::new)
    }

    async fn unlock_password(
        &self,
        request: Request<v1::UnlockPasswordRequest>,
    ) -> Result<Response<v1::UnlockPasswordResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = tickets::parse_unlock(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        tickets::unlock_response(&answered).map(Response::new)
    }

    async fn list_policies(
        &self,
        _: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        let known = self.ledger()?.policies(self.core).await?;
        Ok(Response::new(policy::list(&known)))
    }

    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        let name = request.into_inner().name;
        let name = (!name.is_empty()).then_some(&*name);
        let found = self.ledger()?.policy(self.core, name).await?;
        Ok(Response::new(policy::one(&found)))
    }

    async fn put_policy(
        &self,
        request: Request<v1::PutPolicyRequest>,
    ) -> Result<Response<v1::PutPolicyResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let (call, put) = policy::parse_put(request.get_ref(), &party)?;
        let operation = GlobalOperation::PutPolicy(Arc::clone(&put));
        let answered = ledger.submit_global(self.core, call, operation).await?;
        let (_, activated) = ledger.policy(self.core, Some(&put.name)).await?;
        Ok(Response::new(v1::PutPolicyResponse {
            policy: Some(policy::summary(&put, activated)),
            replayed: answered.replayed,
        }))
    }

    async fn activate_policy(
        &self,
        request: Request<v1::ActivatePolicyRequest>,
    ) -> Result<Response<v1::ActivatePolicyResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let request = request.into_inner();
        let named = (&*request.idempotency_key, &*request.name);
        let (call, operation) = policy::parse_named(named, Named::Activate, &party)?;
        let answered = ledger.submit_global(self.core, call, operation).await?;
        let (stored, activated) = ledger.policy(self.core, Some(&request.name)).await?;
        Ok(Response::new(v1::ActivatePolicyResponse {
            policy: Some(policy::summary(&stored.policy, activated)),
            activated_at: Some(outcome::timestamp(answered.at)),
            replayed: answered.replayed,
        }))
    }

    async fn set_shadow_policy(
        &self,
        request: Request<v1::SetShadowPolicyRequest>,
    ) -> Result<Response<v1::SetShadowPolicyResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let request = request.into_inner();
        let named = (&*request.idempotency_key, &*request.name);
        let (call, operation) = policy::parse_named(named, Named::Shadow, &party)?;
        let answered = ledger.submit_global(self.core, call, operation).await?;
        Ok(Response::new(v1::SetShadowPolicyResponse {
            name: request.name,
            replayed: answered.replayed,
        }))
    }

    async fn get_shadow_report(
        &self,
        _: Request<v1::GetShadowReportRequest>,
    ) -> Result<Response<v1::GetShadowReportResponse>, Status> {
        let report = self.ledger()?.shadow_report(self.core).await?;
        Ok(Response::new(policy::shadow_report(report)))
    }

    type ExportSettlementStream = settlement::Parts;

    async fn export_settlement(
        &self,
        request: Request<v1::ExportSettlementRequest>,
    ) -> Result<Response<settlement::Parts>, Status> {
        let ledger = self.ledger()?;
        let (day, merchant) = settlement::parse(request.get_ref())?;
        let statement = ledger.settlement(self.core, day, merchant).await?;
        Ok(Response::new(settlement::parts(statement)))
    }

    async fn resolve_review(
        &self,
        request: Request<v1::ResolveReviewRequest>,
    ) -> Result<Response<v1::ResolveReviewResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = tickets::parse_review(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        let Event::ReviewResolved(done) = &answered.event else {
            return Err(not_what_was_asked());
        };
        Ok(Response::new(v1::ResolveReviewResponse {
            resolved: done.resolved,
            review: enums::to_review(done.review).into(),
            replayed: answered.replayed,
        }))
    }

    async fn list_risk_tickets(
        &self,
        request: Request<v1::ListRiskTicketsRequest>,
    ) -> Result<Response<v1::ListRiskTicketsResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let (size, after) = tickets::parse_page(request.page_size, &request.page_token)?;
        let (open, next) = ledger.risk_tickets(self.core, after, size).await?;
        Ok(Response::new(v1::ListRiskTicketsResponse {
            tickets: open.iter().map(operators::open_ticket).collect(),
            next_page_token: tickets::next_token(next),
        }))
    }

    async fn resolve_risk_ticket(
        &self,
        request: Request<v1::ResolveRiskTicketRequest>,
    ) -> Result<Response<v1::ResolveRiskTicketResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let operators::RiskVerdict {
            account,
            call,
            ticket,
            cleared,
        } = operators::parse_risk_verdict(request.get_ref(), &party)?;
        let operation = Operation::ResolveRisk { ticket, cleared };
        let answered = ledger
            .submit(self.core, account.clone(), call, operation)
            .await?;
        let Event::RiskResolved(resolved) = &answered.event else {
            return Err(not_what_was_asked());
        };
        Ok(Response::new(v1::ResolveRiskTicketResponse {
            ticket: Some(operators::ticket(&account, &resolved.ticket)),
            verdict: operators::risk_verdict(resolved.cleared).into(),
            replayed: answered.replayed,
        }))
    }

    async fn get_clock(
        &self,
        _: Request<v1::GetClockRequest>,
    ) -> Result<Response<v1::GetClockResponse>, Status> {
        let (now, setting) = self.ledger()?.clock(self.core).await?;
        Ok(Response::new(v1::GetClockResponse {
            clock: Some(operators::clock_state(now, &setting)),
        }))
    }

    async fn set_clock(
        &self,
        request: Request<v1::SetClockRequest>,
    ) -> Result<Response<v1::SetClockResponse>, Status> {
        let (ledger, party) = self.asked_by(&request)?;
        let (call, asked) = operators::parse_clock(request.get_ref(), &party)?;
        let answered = ledger
            .submit_global(self.core, call, GlobalOperation::SetClock(asked))
            .await?;
        let Event::ClockSet(setting) = &answered.event else {
            return Err(not_what_was_asked());
        };
        Ok(Response::new(v1::SetClockResponse {
            clock: Some(operators::clock_state(setting.showed, setting)),
            replayed: answered.replayed,
        }))
    }

    async fn list_owed_advices(
        &self,
        request: Request<v1::ListOwedAdvicesRequest>,
    ) -> Result<Response<v1::ListOwedAdvicesResponse>, Status> {
        advices::list(self, request.get_ref())
            .await
            .map(Response::new)
    }

    async fn list_operator_actions(
        &self,
        request: Request<v1::ListOperatorActionsRequest>,
    ) -> Result<Response<v1::ListOperatorActionsResponse>, Status> {
        let page = operator_log::list(self, request.get_ref()).await?;
        Ok(Response::new(page))
    }

    async fn take_snapshot(
        &self,
        _: Request<v1::TakeSnapshotRequest>,
    ) -> Result<Response<v1::TakeSnapshotResponse>, Status> {
        let taken = self.ledger()?.take_snapshot().await?;
        Ok(Response::new(copies::snapshot(taken)))
    }

    async fn take_backup(
        &self,
        _: Request<v1::TakeBackupRequest>,
    ) -> Result<Response<v1::TakeBackupResponse>, Status> {
        let taken = self.ledger()?.take_backup().await?;
        Ok(Response::new(copies::backup(taken)))
    }

    async fn close_account(
        &self,
        request: Request<v1::CloseAccountRequest>,
    ) -> Result<Response<v1::CloseAccountResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = closing::parse_close(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        closing::close_response(&answered).map(Response::new)
    }

    async fn erase_account(
        &self,
        request: Request<v1::EraseAccountRequest>,
    ) -> Result<Response<v1::EraseAccountResponse>, Status> {
        let (_, party) = self.asked_by(&request)?;
        let parsed = closing::parse_erase(request.get_ref(), &party)?;
        let (_, answered) = self.submit(parsed).await?;
        closing::erase_response(&answered).map(Response::new)
    }

    async fn get_closure(
        &self,
        request: Request<v1::GetClosureRequest>,
    ) -> Result<Response<v1::GetClosureResponse>, Status> {
        let account = closing::parse_closure(request.get_ref())?;
        let closure = self.ledger()?.closure(self.core, &account).await?;
        Ok(Response::new(closing::closure_response(closure)))
    }
}

fn not_what_was_asked() -> Status {
    status::internal("the stored decision is of another kind than was asked for")
}
