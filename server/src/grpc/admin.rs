//! `AdminService`.

use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::admin_service_server::AdminService;
use waika_domain::event::Event;
use waika_domain::identifiers::{CardToken, MerchantId, TicketId};

use super::parse::{Digests, Fields};
use super::{Desk, enums, merchant, operators, status};
use crate::ledger::{GlobalOperation, Operation, Rpc};

/// Merchants or tickets on a page.
const LARGEST_PAGE: usize = 1_000;

#[tonic::async_trait]
impl AdminService for Desk {
    async fn put_merchant(
        &self,
        request: Request<v1::PutMerchantRequest>,
    ) -> Result<Response<v1::PutMerchantResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let key = fields.key(&request.idempotency_key);
        let merchant = merchant::parse(&mut fields, request.merchant);
        let whole = (|| Some((key?, merchant?)))();
        let (key, merchant) = fields.finish(whole)?;
        let call = Digests::new(ledger.vault())
            .with("merchant.name", merchant.name.as_bytes())
            .with_number(
                "merchant.region",
                enums::to_merchant_region(merchant.region).into(),
            )
            .with_number("merchant.category_code", i32::from(merchant.category.0))
            .with(
                "merchant.international_cards",
                [u8::from(merchant.international_cards)],
            )
            .call(Rpc::PutMerchant, key);
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
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let key = fields.key(&request.idempotency_key);
        let account = fields.account(&request.account_id);
        let card = fields.take("card_token", CardToken::parse(&request.card_token));
        let status = v1::CardStatus::try_from(request.status)
            .ok()
            .and_then(enums::card_status);
        let status = fields.require("status", status, "must be a card status that is known");
        let whole = (|| Some((key?, account?, card?, status?)))();
        let (key, account, card, status) = fields.finish(whole)?;
        let call = Digests::new(ledger.vault())
            .with("card_token", &request.card_token)
            .with_number("status", request.status)
            .call(Rpc::SetCardStatus, key);
        let operation = Operation::SetCardStatus { card, status };
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

    async fn resolve_review(
        &self,
        request: Request<v1::ResolveReviewRequest>,
    ) -> Result<Response<v1::ResolveReviewResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let key = fields.key(&request.idempotency_key);
        let account = fields.account(&request.account_id);
        let approve = v1::ReviewVerdict::try_from(request.verdict)
            .ok()
            .and_then(approves);
        let approve = fields.require("verdict", approve, "must be APPROVE or REJECT");
        let whole = (|| Some((key?, account?, approve?)))();
        let (key, account, approve) = fields.finish(whole)?;
        let call = Digests::new(ledger.vault())
            .with_number("verdict", request.verdict)
            .call(Rpc::ResolveReview, key);
        let operation = Operation::ResolveReview { approve };
        let answered = ledger.submit(self.core, account, call, operation).await?;
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
        let mut fields = Fields::default();
        let size = fields.page_size(request.page_size, LARGEST_PAGE);
        let after = fields.optional("page_token", &request.page_token, TicketId::parse);
        let whole = (|| Some((size?, after?)))();
        let (size, after) = fields.finish(whole)?;
        let (tickets, next) = ledger.risk_tickets(self.core, after, size).await?;
        Ok(Response::new(v1::ListRiskTicketsResponse {
            tickets: tickets.iter().map(operators::open_ticket).collect(),
            next_page_token: next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }

    async fn resolve_risk_ticket(
        &self,
        request: Request<v1::ResolveRiskTicketRequest>,
    ) -> Result<Response<v1::ResolveRiskTicketResponse>, Status> {
        let ledger = self.ledger()?;
        let operators::RiskVerdict {
            account,
            call,
            ticket,
            cleared,
        } = operators::parse_risk_verdict(request.get_ref(), ledger.vault())?;
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
        let ledger = self.ledger()?;
        let (call, asked) = operators::parse_clock(request.get_ref(), ledger.vault())?;
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

    async fn take_snapshot(
        &self,
        _: Request<v1::TakeSnapshotRequest>,
    ) -> Result<Response<v1::TakeSnapshotResponse>, Status> {
        let taken = self.ledger()?.take_snapshot().await?;
        Ok(Response::new(v1::TakeSnapshotResponse {
            file: taken.published.file,
            from: taken.published.from,
            covers: taken.published.covers,
            accounts: taken.accounts,
            bytes: taken.published.bytes,
        }))
    }
}

fn approves(verdict: v1::ReviewVerdict) -> Option<bool> {
    match verdict {
        v1::ReviewVerdict::Unspecified => None,
        v1::ReviewVerdict::Approve => Some(true),
        v1::ReviewVerdict::Reject => Some(false),
    }
}

fn not_what_was_asked() -> Status {
    status::internal("the stored decision is of another kind than was asked for")
}
