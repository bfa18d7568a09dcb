//! Merchants: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::identifiers::MerchantId;
use waika_domain::merchant::{CategoryCode, Merchant};

use super::enums;
use super::parse::{Digests, Fields};
use super::party::Party;
use crate::ledger::{Call, Rpc};

/// A merchant to write, and the call that writes it.
pub(super) fn parse_put(
    request: v1::PutMerchantRequest,
    party: &Party<'_>,
) -> Result<(Call, Merchant), Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let merchant = parse(&mut fields, request.merchant);
    let whole = (|| Some((key?, merchant?)))();
    let (key, merchant) = fields.finish(whole)?;
    let call = Digests::new(party)
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
    Ok((call, merchant))
}

fn parse(fields: &mut Fields, merchant: Option<v1::Merchant>) -> Option<Merchant> {
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

pub(super) fn to_wire(merchant: &Merchant) -> v1::Merchant {
    v1::Merchant {
        merchant_id: merchant.id.to_string(),
        name: merchant.name.to_string(),
        region: enums::to_merchant_region(merchant.region).into(),
        category_code: format!("{:04}", merchant.category.0),
        international_cards: merchant.international_cards,
    }
}
