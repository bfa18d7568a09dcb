//! `AdminService`.

use tonic::{Request, Response, Status};
use waika::v1;
use waika::v1::admin_service_server::AdminService;
use waika_domain::event::Event;
use waika_domain::identifiers::{CardToken, MerchantId};
use waika_domain::merchant::{CategoryCode, Merchant};

use super::parse::{Digests, Fields};
use super::{Desk, enums, status};
use crate::ledger::{Operation, Rpc};

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
        let merchant = parse_merchant(&mut fields, request.merchant);
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
        let answered = ledger.put_merchant(self.core, call, merchant).await?;
        let Event::MerchantPut(put) = &answered.event else {
            return Err(not_what_was_asked());
        };
        let (merchant, replayed) = (Some(to_merchant(put)), answered.replayed);
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
            merchant: Some(to_merchant(&merchant)),
        }))
    }

    async fn list_merchants(
        &self,
        request: Request<v1::ListMerchantsRequest>,
    ) -> Result<Response<v1::ListMerchantsResponse>, Status> {
        let ledger = self.ledger()?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let size = match request.page_size {
            0 => Some(100),
            size => usize::try_from(size)
                .ok()
                .filter(|size| (1..=1_000).contains(size)),
        };
        let size = fields.require("page_size", size, "must be 1 to 1000, or 0 for 100");
        let after = match &*request.page_token {
            "" => Some(None),
            token => fields
                .take("page_token", MerchantId::parse(token))
                .map(Some),
        };
        let whole = (|| Some((size?, after?)))();
        let (size, after) = fields.finish(whole)?;
        let (page, more) = ledger.merchants(self.core, after.as_ref(), size).await?;
        let last = page
            .last()
            .filter(|_| more)
            .map(|merchant| merchant.id.to_string());
        Ok(Response::new(v1::ListMerchantsResponse {
            merchants: page.iter().map(|merchant| to_merchant(merchant)).collect(),
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
}

fn parse_merchant(fields: &mut Fields, merchant: Option<v1::Merchant>) -> Option<Merchant> {
    let merchant = fields.require("merchant", merchant, "must be given")?;
    let id = fields.take(
        "merchant.merchant_id",
        MerchantId::parse(&merchant.merchant_id),
    );
    fields.text(
        "merchant.name",
        &merchant.name,
        128,
        "must be 1 to 128 characters",
    );
    let region = v1::MerchantRegion::try_from(merchant.region).ok();
    let region = region.and_then(enums::merchant_region);
    let region = fields.require("merchant.region", region, "must be MAINLAND or OVERSEAS");
    let category = CategoryCode::parse(&merchant.category_code);
    let category = fields.take("merchant.category_code", category);
    Some(Merchant {
        id: id?,
        name: merchant.name.into(),
        region: region?,
        category: category?,
        international_cards: merchant.international_cards,
    })
}

fn to_merchant(merchant: &Merchant) -> v1::Merchant {
    v1::Merchant {
        merchant_id: merchant.id.to_string(),
        name: merchant.name.to_string(),
        region: enums::to_merchant_region(merchant.region).into(),
        category_code: format!("{:04}", merchant.category.0),
        international_cards: merchant.international_cards,
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
