//! What an operator's event changes: from how things stood before it, and what it says. Pure.
//!
//! Fields are called as in the contract, and so are the values of its enums; instants are RFC 3339 in UTC.

use waika_domain::account::Account;
use waika_domain::event::{CardStatus, PasswordTicketState, Review};
use waika_domain::merchant::{Merchant, MerchantRegion};
use waika_domain::period::Timestamp;
use waika_domain::sandbox_clock::ClockSetting;

use super::Change;
use crate::inspect::in_utc;

/// How policies stand before one is activated, and which one holds afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activation {
    /// It was activated before, at whatever time.
    pub(crate) was_activated: bool,
    /// The name of the policy that holds now,
    pub(crate) holds: String,
    /// and of the one that holds once this one is activated: another one if its own dates let it.
    pub(crate) will_hold: String,
}

/// A merchant is added, or replaced as a whole (D11).
pub(crate) fn merchant(before: Option<&Merchant>, after: &Merchant) -> Vec<Change> {
    let texts = |merchant: &Merchant| {
        let Merchant {
            id,
            name,
            region,
            category,
            international_cards,
        } = merchant;
        [
            id.to_string(),
            name.to_string(),
            merchant_region(*region).to_owned(),
            format!("{:04}", category.0),
            international_cards.to_string(),
        ]
    };
    let names = [
        "merchant.merchant_id",
        "merchant.name",
        "merchant.region",
        "merchant.category_code",
        "merchant.international_cards",
    ];
    let before = before.map(texts).unwrap_or_default();
    let values = before.into_iter().zip(texts(after));
    let changes = names.into_iter().zip(values);
    gathered(changes.map(|(name, (before, after))| change(name, before, after)))
}

/// The sandbox issuer thinks otherwise of a card.
pub(crate) fn card_status(before: CardStatus, after: CardStatus) -> Vec<Change> {
    let [before, after] = [before, after].map(card_status_name);
    gathered([change("status", before, after)])
}

/// A review is resolved, or left as it is (D5).
pub(crate) fn review(before: Review, after: Review) -> Vec<Change> {
    let [before, after] = [before, after].map(review_name);
    gathered([change("review", before, after)])
}

/// A risk ticket is closed (R68).
pub(crate) fn risk_ticket(cleared: bool) -> Vec<Change> {
    let after = if cleared { "CLEARED" } else { "UPHELD" };
    gathered([change("ticket.state", "OPEN", after)])
}

/// A request to reset a password is resolved, or left as it is (R46).
pub(crate) fn password_ticket(
    before: Option<PasswordTicketState>,
    after: PasswordTicketState,
) -> Vec<Change> {
    let before = before.map_or("", ticket_state);
    gathered([change("ticket.state", before, ticket_state(after))])
}

/// A password is unlocked, and the wrong tries so far are forgotten (D7).
pub(crate) fn password_unlocked(before: &Account, now: Timestamp) -> Vec<Change> {
    let locked_until = before.password_locked_until(now);
    let tries = before.wrong_passwords(now).to_string();
    gathered([
        change(
            "password_locked_until",
            locked_until.map_or_else(String::new, in_utc),
            "",
        ),
        change("wrong_passwords", tries, "0"),
    ])
}

/// An account is closed with so many cards bound, or None: it stays open (decision 0042).
pub(crate) fn closed(unbound: Option<usize>, now: Timestamp) -> Vec<Change> {
    unbound.map_or_else(Vec::new, |cards| {
        gathered([
            change("closure.closed_at", "", in_utc(now)),
            change("cards_bound", cards.to_string(), "0"),
        ])
    })
}

/// The erasure of personal data is begun, or not (decision 0042).
pub(crate) fn erasure_begun(is_begun: bool, now: Timestamp) -> Vec<Change> {
    let begun = is_begun.then(|| change("closure.erasure_begun_at", "", in_utc(now)));
    begun.map_or_else(Vec::new, |begun| gathered([begun]))
}

/// The sandbox's clock goes otherwise.
pub(crate) fn clock(before: &ClockSetting, after: &ClockSetting) -> Vec<Change> {
    let texts = |setting: &ClockSetting| {
        let shows = setting.shows(after.set_at);
        let rate = setting.rate.to_string();
        [in_utc(shows), rate, setting.follows_machine.to_string()]
    };
    let names = ["clock.now", "clock.rate", "clock.follows_machine"];
    let values = texts(before).into_iter().zip(texts(after));
    let changes = names.into_iter().zip(values);
    gathered(changes.map(|(name, (before, after))| change(name, before, after)))
}

/// A policy is stored. A name stands for one policy for ever, so nothing else of it can change.
pub(crate) fn policy_put(is_known: bool, name: &str) -> Vec<Change> {
    let before = if is_known { name } else { "" };
    gathered([change("policy.name", before, name)])
}

/// A policy is activated (D24).
pub(crate) fn policy_activated(activation: Activation) -> Vec<Change> {
    let Activation {
        was_activated,
        holds,
        will_hold,
    } = activation;
    gathered([
        change("policy.activated", was_activated.to_string(), "true"),
        change("policy_in_force", holds, will_hold),
    ])
}

/// Another policy is evaluated beside the one that holds, or none.
pub(crate) fn shadow_policy(before: Option<&str>, after: Option<&str>) -> Vec<Change> {
    let [before, after] = [before, after].map(Option::unwrap_or_default);
    gathered([change("shadow_policy", before, after)])
}

fn change(field: &'static str, before: impl Into<String>, after: impl Into<String>) -> Change {
    Change {
        field: field.into(),
        before: before.into(),
        after: after.into(),
    }
}

/// Those that say something.
fn gathered(changes: impl IntoIterator<Item = Change>) -> Vec<Change> {
    let changes = changes.into_iter();
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

fn merchant_region(region: MerchantRegion) -> &'static str {
    match region {
        MerchantRegion::Mainland => "MAINLAND",
        MerchantRegion::Overseas => "OVERSEAS",
    }
}

fn card_status_name(status: CardStatus) -> &'static str {
    match status {
        CardStatus::Normal => "NORMAL",
        CardStatus::Expired => "EXPIRED",
        CardStatus::Locked => "LOCKED",
        CardStatus::Lost => "LOST",
        CardStatus::Stolen => "STOLEN",
        CardStatus::Pickup => "PICKUP",
        CardStatus::NoFunds => "NO_FUNDS",
    }
}

fn review_name(review: Review) -> &'static str {
    match review {
        Review::NotRequired => "NOT_REQUIRED",
        Review::Required => "REQUIRED",
        Review::Approved => "APPROVED",
        Review::Rejected => "REJECTED",
        Review::PageReceived => "PAGE_RECEIVED",
        Review::FaceFailed => "FACE_FAILED",
        Review::UnderReview => "UNDER_REVIEW",
    }
}

fn ticket_state(state: PasswordTicketState) -> &'static str {
    match state {
        PasswordTicketState::Open => "OPEN",
        PasswordTicketState::Approved => "APPROVED",
        PasswordTicketState::Rejected => "REJECTED",
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
