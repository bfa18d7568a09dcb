//! From an entry to a row: the one place that says what of an event is shown.
//!
//! Never shown: password verifiers, nonces of phone codes, digests of anything, and the issuer's
//! names of cards. Each event is taken apart field by field, so that a new field is looked at.

use waika_domain::event::{
    BindDecided, BindReserved, Binding, CardStatusSet, Declined, Event, Payment, PhoneCodeDecided,
    PhoneCodeSent, Posted, Reservation, Reversal, ReversalDecided, ReviewResolved, UnbindDecided,
    Voided, Windows,
};
use waika_domain::identifiers::{AuthorisationId, CallName};
use waika_domain::merchant::Merchant;
use waika_domain::risk::{RiskResolved, RiskTicket};
use waika_domain::sandbox_clock::ClockSetting;

use super::columns::Row;
use super::facts::{self, month_name, number, rfc3339, text};
use super::names::Named as _;
use crate::ledger::decode::{Stored, StoredBody, StoredCall};

const APPROVED: &str = "approved";
const DECLINED: &str = "declined";
const REFUSED: &str = "refused";

/// The row of an entry.
pub(super) fn of(sequence: u64, stored: &Stored) -> Row {
    let Stored {
        account,
        previous,
        at,
        call,
        body,
    } = stored;
    let mut row = Row {
        sequence: Some(number(sequence)),
        previous: Some(number(*previous)).filter(|previous| *previous != 0),
        at: Some(rfc3339(*at).into()),
        account: text(account),
        ..Row::default()
    };
    if let Some(call) = call {
        // The digests of its fields stay where they are.
        let StoredCall {
            rpc,
            caller,
            key,
            fields: _,
        } = call;
        row.rpc = Some(rpc.name().into());
        row.caller = text(caller);
        row.key = text(key.as_str());
    }
    match body {
        // The check is a digest of the key.
        StoredBody::KeyCheck(_) => row.kind = Some("key_check".into()),
        StoredBody::Event(happened) => event(&mut row, happened, sequence),
    }
    row
}

fn event(row: &mut Row, event: &Event, sequence: u64) {
    let kind = match event {
        Event::PhoneCode(decided) => phone_code(row, decided),
        Event::BindReserved(reserved) => bind_reserved(row, reserved),
        Event::BindDecided(decided) => bind_decided(row, decided),
        Event::Reserved(reserved) => {
            reservation(row, reserved);
            "reserved"
        }
        Event::Posted(posted) => approved(row, posted, sequence),
        Event::Voided(voided) => released(row, voided, sequence),
        Event::Declined(declined) => refused_payment(row, declined, sequence),
        Event::ReviewResolved(resolved) => review_resolved(row, *resolved),
        Event::MerchantPut(put) => merchant(row, put),
        Event::CardStatusSet(set) => card_status(row, set),
        Event::UnbindDecided(decided) => unbind_decided(row, decided),
        Event::ReversalDecided(decided) => reversal_decided(row, decided),
        Event::ReversedAhead(name) => reversed_ahead(row, name),
        Event::RiskResolved(resolved) => risk_resolved(row, resolved),
        Event::ClockSet(setting) => clock_set(row, setting),
    };
    row.kind = Some(kind.into());
}

fn phone_code(row: &mut Row, decided: &PhoneCodeDecided) -> &'static str {
    let PhoneCodeDecided {
        region,
        phone: _,
        outcome,
    } = decided;
    row.wallet_region = Some(region.name().into());
    match outcome {
        Ok(sent) => {
            let PhoneCodeSent {
                nonce: _,
                resend_at,
                expires_at,
            } = sent;
            row.decision = Some("sent".into());
            row.resend_at = Some(rfc3339(*resend_at).into());
            row.expires_at = Some(rfc3339(*expires_at).into());
        }
        Err(refused) => {
            row.decision = Some(REFUSED.into());
            facts::refusal(row, refused.reason, &refused.evidence);
        }
    }
    "phone_code"
}

fn bind_reserved(row: &mut Row, reserved: &BindReserved) -> &'static str {
    let BindReserved {
        region,
        card: _,
        phone_code,
        password,
    } = *reserved;
    row.wallet_region = Some(region.name().into());
    facts::phone_code_check(row, phone_code);
    facts::password_check(row, password);
    "bind_reserved"
}

fn bind_decided(row: &mut Row, decided: &BindDecided) -> &'static str {
    let BindDecided {
        region,
        reserved_by,
        phone_code,
        password,
        outcome,
        review,
    } = decided;
    row.wallet_region = Some(region.name().into());
    row.reserved_by = reserved_by.map(number);
    row.review = Some(review.name().into());
    facts::phone_code_check(row, *phone_code);
    facts::password_check(row, *password);
    match outcome {
        Ok(bound) => {
            row.decision = Some("bound".into());
            binding(row, bound);
        }
        Err(refused) => {
            row.decision = Some(REFUSED.into());
            facts::refusal(row, refused.reason, &refused.evidence);
        }
    }
    "bind_decided"
}

/// Names the card without its digest and the issuer's name for it, and the person by nothing but
/// the sort of document.
fn binding(row: &mut Row, binding: &Binding) {
    let Binding {
        card,
        identity,
        password_set,
    } = binding;
    row.card_token = Some(card.token.to_string().into());
    row.bin = Some(format!("{:06}", card.bin).into());
    row.last_four = Some(format!("{:04}", card.last_four).into());
    row.scheme = Some(card.scheme.name().into());
    row.card_expiry = Some(card.expiry.to_string().into());
    row.holder_matches = Some(card.holder_matches);
    row.document = Some(identity.document.name().into());
    row.document_expires_on = Some(identity.expires_on.to_string().into());
    row.password_was_set = Some(password_set.is_some());
}

fn approved(row: &mut Row, posted: &Posted, sequence: u64) -> &'static str {
    let Posted {
        reserved_by,
        reservation: reserved,
        approval_code,
    } = posted;
    reservation(row, reserved);
    row.reserved_by = reserved_by.map(number);
    row.decision = Some(APPROVED.into());
    let code = String::from_utf8_lossy(&approval_code.0).into_owned();
    row.approval_code = Some(code.into());
    authorisation_id(row, sequence);
    "posted"
}

fn released(row: &mut Row, voided: &Voided, sequence: u64) -> &'static str {
    let Voided {
        reserved_by,
        reservation: reserved,
        decline,
    } = voided;
    reservation(row, reserved);
    row.reserved_by = Some(number(*reserved_by));
    row.decision = Some(DECLINED.into());
    facts::refusal(row, decline.reason, &decline.evidence);
    authorisation_id(row, sequence);
    "voided"
}

fn refused_payment(row: &mut Row, declined: &Declined, sequence: u64) -> &'static str {
    let Declined {
        payment: asked,
        decline,
        password,
        policy,
    } = declined;
    payment(row, asked);
    row.decision = Some(DECLINED.into());
    facts::refusal(row, decline.reason, &decline.evidence);
    facts::password_check(row, *password);
    row.policy = text(policy);
    authorisation_id(row, sequence);
    "declined"
}

fn review_resolved(row: &mut Row, resolved: ReviewResolved) -> &'static str {
    let ReviewResolved {
        approve,
        resolved,
        review,
    } = resolved;
    row.approve = Some(approve);
    row.resolved = Some(resolved);
    row.review = Some(review.name().into());
    "review_resolved"
}

fn merchant(row: &mut Row, put: &Merchant) -> &'static str {
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

fn card_status(row: &mut Row, set: &CardStatusSet) -> &'static str {
    let CardStatusSet {
        card,
        reference: _,
        status,
    } = set;
    row.card_token = Some(card.to_string().into());
    row.card_status = Some(status.name().into());
    "card_status_set"
}

/// Leaves out the digest of the card's number.
fn unbind_decided(row: &mut Row, decided: &UnbindDecided) -> &'static str {
    let UnbindDecided {
        card,
        password,
        outcome,
    } = decided;
    row.card_token = Some(card.to_string().into());
    facts::password_check(row, *password);
    match outcome {
        Ok(_) => row.decision = Some("unbound".into()),
        Err(refused) => {
            row.decision = Some(REFUSED.into());
            facts::refusal(row, refused.reason, &refused.evidence);
        }
    }
    "unbind_decided"
}

fn reversal_decided(row: &mut Row, decided: &ReversalDecided) -> &'static str {
    let ReversalDecided { original, outcome } = decided;
    authorisation_id(row, *original);
    match outcome {
        Ok(reversal) => {
            row.decision = Some("reversed".into());
            given_back(row, reversal);
        }
        Err(refused) => {
            row.decision = Some(REFUSED.into());
            facts::refusal(row, refused.reason, &refused.evidence);
        }
    }
    "reversal_decided"
}

fn given_back(row: &mut Row, reversal: &Reversal) {
    let Reversal {
        principal,
        fee,
        remaining,
        month,
        year,
        month_restored,
        year_restored,
    } = reversal;
    row.amount_fen = Some(principal.value());
    row.fee_fen = Some(fee.value());
    row.total_fen = Some(principal.plus(*fee).value());
    row.remaining_fen = Some(remaining.value());
    row.month = Some(month_name(*month).into());
    row.year = Some(year.number().into());
    row.month_restored = Some(*month_restored);
    row.year_restored = Some(*year_restored);
}

fn reversed_ahead(row: &mut Row, name: &CallName) -> &'static str {
    // The caller is the call's own.
    let CallName { caller: _, key } = name;
    row.decision = Some("recorded_ahead".into());
    row.original_key = text(key.as_str());
    "reversed_ahead"
}

fn risk_resolved(row: &mut Row, resolved: &RiskResolved) -> &'static str {
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

fn clock_set(row: &mut Row, setting: &ClockSetting) -> &'static str {
    let ClockSetting {
        set_at: _,
        showed,
        rate,
        follows_machine: _,
    } = setting;
    row.clock_showed = Some(rfc3339(*showed).into());
    row.clock_rate = Some(i64::from(*rate));
    "clock_set"
}

fn reservation(row: &mut Row, reservation: &Reservation) {
    let Reservation {
        payment: asked,
        fee,
        month,
        year,
        windows,
        password,
        policy,
    } = reservation;
    let Windows {
        month_limit,
        month_used,
        year_limit,
        year_used,
    } = windows;
    payment(row, asked);
    row.fee_fen = Some(fee.value());
    row.total_fen = Some(asked.amount.fen().plus(*fee).value());
    row.month = Some(month_name(*month).into());
    row.year = Some(year.number().into());
    row.month_limit_fen = Some(month_limit.value());
    row.month_used_fen = Some(month_used.value());
    row.year_limit_fen = Some(year_limit.value());
    row.year_used_fen = Some(year_used.value());
    facts::password_check(row, *password);
    row.policy = text(policy);
}

fn payment(row: &mut Row, payment: &Payment) {
    let Payment {
        card,
        merchant,
        amount,
        scene,
        mode,
    } = payment;
    row.card_token = Some(card.to_string().into());
    row.merchant = merchant.as_ref().and_then(|id| text(id.as_str()));
    row.amount_fen = Some(amount.fen().value());
    row.scene = Some(scene.name().into());
    row.mode = Some(mode.name().into());
}

fn authorisation_id(row: &mut Row, sequence: u64) {
    let id = AuthorisationId::from_sequence(sequence);
    row.authorisation_id = Some(id.to_string().into());
}
