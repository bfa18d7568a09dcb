//! What operators did.

use waika_domain::event::{
    CardStatusSet, PolicyActivated, PolicyPut, PolicyShadowed, ReviewResolved,
};
use waika_domain::merchant::Merchant;
use waika_domain::risk::{RiskResolved, RiskTicket};
use waika_domain::sandbox_clock::ClockSetting;

use super::super::columns::Row;
use super::super::facts::text;
use super::super::names::Named as _;
use crate::inspect::instants::in_utc;
use crate::operator_log::{Change, Operated};

/// What an operator has changed, as a JSON array: each field with its value before and after.
pub(super) fn changes(operated: &Operated) -> String {
    let Operated {
        previous: _,
        changes,
    } = operated;
    let changes = changes.iter().map(|change| {
        let Change {
            field,
            before,
            after,
        } = change;
        serde_json::json!({ "field": field, "before": before, "after": after })
    });
    serde_json::Value::Array(changes.collect()).to_string()
}

pub(super) fn review_resolved(row: &mut Row, resolved: ReviewResolved) -> &'static str {
    let ReviewResolved {
        approve,
        resolved,
        review,
        ticket: _,
    } = resolved;
    row.approve = Some(approve);
    row.resolved = Some(resolved);
    row.review = Some(review.name().into());
    "review_resolved"
}

pub(super) fn risk_resolved(row: &mut Row, resolved: &RiskResolved) -> &'static str {
    let RiskResolved { ticket, cleared } = resolved;
    let RiskTicket {
        id,
        card,
        reason,
        opened_at: _,
    } = ticket;
    row.risk_ticket = Some(id.to_string().into());
    row.card_token = Some(card.to_string().into());
    row.reason = Some(reason.decline_reason().name().into());
    row.decision = Some(if *cleared { "cleared" } else { "upheld" }.into());
    "risk_resolved"
}

pub(super) fn merchant(row: &mut Row, put: &Merchant) -> &'static str {
    let Merchant {
        id,
        name,
        region,
        category,
        international_cards,
    } = put;
    row.merchant = text(id.as_str());
    row.merchant_name = text(name);
    row.merchant_region = Some(region.name().into());
    row.category_code = Some(format!("{:04}", category.0).into());
    row.international_cards = Some(*international_cards);
    "merchant_put"
}

pub(super) fn card_status(row: &mut Row, set: &CardStatusSet) -> &'static str {
    let CardStatusSet {
        card,
        reference: _,
        status,
    } = set;
    row.card_token = Some(card.to_string().into());
    row.card_status = Some(status.name().into());
    "card_status_set"
}

pub(super) fn clock_set(row: &mut Row, setting: &ClockSetting) -> &'static str {
    let ClockSetting {
        set_at: _,
        showed,
        rate,
        follows_machine: _,
    } = setting;
    row.clock_showed = Some(in_utc(*showed).into());
    row.clock_rate = Some(i64::from(*rate));
    "clock_set"
}

/// A policy is no secret: `policy show` prints it to everybody.
pub(super) fn policy_put(row: &mut Row, put: &PolicyPut) -> &'static str {
    let PolicyPut { name, text: file } = put;
    row.policy = text(name);
    row.policy_text = text(file);
    "policy_put"
}

pub(super) fn policy_activated(row: &mut Row, activated: &PolicyActivated) -> &'static str {
    let PolicyActivated { name } = activated;
    row.policy = text(name);
    "policy_activated"
}

/// Without a name there is no shadow any more.
pub(super) fn policy_shadowed(row: &mut Row, shadowed: &PolicyShadowed) -> &'static str {
    let PolicyShadowed { name } = shadowed;
    row.policy = name.as_deref().and_then(text);
    "policy_shadowed"
}
