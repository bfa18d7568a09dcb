//! From what is written of operators: their log, risks and the clock.

use waika_domain::card::IssuerCardReference;
use waika_domain::event::{
    CardStatusSet, Event, PolicyActivated, PolicyPut, PolicyShadowed, ReviewResolved,
};
use waika_domain::identifiers::{CardToken, TicketId};
use waika_domain::period::Timestamp;
use waika_domain::risk::{RiskResolved, RiskTicket};
use waika_domain::sandbox_clock::ClockSetting;

use super::{Decoded, NotUnderstood, known, sequence};
use crate::ledger::schema;
use crate::operator_log::{Change, Operated};

/// A part of the operator log, and what happened.
pub(super) fn operated(stored: schema::Operated) -> (Option<Box<Operated>>, Option<schema::Body>) {
    let change = |change: schema::Change| Change {
        field: change.field.into(),
        before: change.before,
        after: change.after,
    };
    let operated = Operated {
        previous: stored.previous,
        changes: stored.changes.into_iter().map(change).collect(),
    };
    let happened = stored.happened.and_then(|entry| entry.body);
    (Some(Box::new(operated)), happened)
}

pub(super) fn risk_resolved(resolved: schema::RiskResolved) -> Decoded<RiskResolved> {
    let ticket = resolved.ticket.ok_or(NotUnderstood("a risk ticket"))?;
    Ok(RiskResolved {
        ticket: risk_ticket(ticket)?,
        cleared: resolved.cleared,
    })
}

pub(in crate::ledger) fn risk_ticket(ticket: schema::RiskTicket) -> Decoded<RiskTicket> {
    Ok(RiskTicket {
        id: TicketId::from_sequence(ticket.id),
        card: CardToken::from_bits(ticket.card_token),
        reason: known(ticket.reason, "a risk")?,
        opened_at: Timestamp::from_unix_ms(ticket.opened_at_ms),
    })
}

pub(in crate::ledger) fn clock_setting(setting: schema::ClockSetting) -> ClockSetting {
    ClockSetting {
        set_at: Timestamp::from_unix_ms(setting.set_at_ms),
        showed: Timestamp::from_unix_ms(setting.showed_ms),
        rate: setting.rate,
        follows_machine: setting.follows_machine,
    }
}

pub(super) fn review_resolved(resolved: &schema::ReviewResolved) -> Decoded<ReviewResolved> {
    Ok(ReviewResolved {
        approve: resolved.approve,
        resolved: resolved.resolved,
        review: known(resolved.review, "a review's state")?,
        ticket: sequence(resolved.ticket).map(TicketId::from_sequence),
    })
}

pub(super) fn card_status_set(set: schema::CardStatusSet) -> Decoded<CardStatusSet> {
    Ok(CardStatusSet {
        card: CardToken::from_bits(set.card_token),
        reference: IssuerCardReference(set.reference.into()),
        status: known(set.status, "a card's status")?,
    })
}

pub(super) fn policy_put(put: schema::PolicyPut) -> Event {
    Event::PolicyPut(PolicyPut {
        name: put.name.into(),
        text: put.text.into(),
    })
}

pub(super) fn policy_activated(name: String) -> Event {
    Event::PolicyActivated(PolicyActivated { name: name.into() })
}

pub(super) fn policy_shadowed(name: String) -> Event {
    let name = Some(name).filter(|name| !name.is_empty());
    Event::PolicyShadowed(PolicyShadowed {
        name: name.map(Into::into),
    })
}
