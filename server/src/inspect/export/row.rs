//! From an entry to a row: the one place that says what of an event is shown.
//!
//! Never shown: password verifiers, nonces of phone codes, tokens and payment codes, digests of
//! anything, and the issuer's names of cards. Receipts are left out too, for they follow from the
//! rest. Each event is taken apart field by field, so that a new field is looked at.

mod binding;
mod credential;
mod issuer;
mod operators;
mod payment;
mod reversal;
mod wallet;

use waika_domain::event::{Event, Funding};
use waika_domain::identifiers::AuthorisationId;

use super::columns::Row;
use super::facts::{number, text};
use super::names::Named as _;
use crate::inspect::instants::in_utc;
use crate::ledger::decode::{Stored, StoredBody, StoredCall};

/// The row of an entry.
pub(super) fn of(sequence: u64, stored: &Stored) -> Row {
    let Stored {
        account,
        previous,
        at,
        call,
        operated,
        body,
    } = stored;
    let mut row = Row {
        sequence: Some(number(sequence)),
        previous: Some(number(*previous)).filter(|previous| *previous != 0),
        at: Some(in_utc(*at).into()),
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
    if let Some(operated) = operated {
        row.changes = Some(operators::changes(operated).into());
    }
    let kind = match body {
        // The check is a digest of the key.
        StoredBody::KeyCheck(_) => "key_check",
        StoredBody::Event(happened) => {
            issuer::owed(&mut row, happened);
            event(&mut row, happened, sequence)
        }
    };
    row.kind = Some(kind.into());
    row
}

/// Fills in what an event says, and returns its kind.
fn event(row: &mut Row, event: &Event, sequence: u64) -> &'static str {
    match event {
        Event::PhoneCode(decided) => binding::phone_code(row, decided),
        Event::BindReserved(reserved) => binding::reserved(row, reserved),
        Event::BindDecided(decided) => binding::decided(row, decided),
        Event::UnbindDecided(decided) => binding::unbind(row, decided),
        Event::Reserved(reserved) => payment::reserved(row, reserved),
        Event::Posted(posted) => payment::approved(row, posted, sequence),
        Event::Voided(voided) => payment::released(row, voided, sequence),
        Event::Declined(declined) => payment::declined(row, declined, sequence),
        Event::ReversalDecided(decided) => reversal::decided(row, decided),
        Event::SettleDecided(decided) => reversal::settled(row, decided),
        Event::ReversedAhead(name) => reversal::ahead(row, name),
        Event::PasswordVerified(verified) => credential::verified(row, verified),
        Event::PasswordChanged(changed) => credential::changed(row, changed),
        Event::PasswordResetDecided(decided) => credential::reset(row, decided, sequence),
        Event::PasswordTicketResolved(resolved) => credential::ticket_resolved(row, resolved),
        Event::PasswordUnlocked(unlocked) => credential::unlocked(row, *unlocked),
        Event::PaymentCodeDecided(decided) => credential::payment_code(row, decided),
        Event::RegionSwitched(switched) => wallet::region_switched(row, *switched),
        Event::VerificationSubmitted(submitted) => wallet::verification(row, submitted),
        Event::FundsReceived(received) => wallet::funds_received(row, received),
        Event::ReviewResolved(resolved) => operators::review_resolved(row, *resolved),
        Event::RiskResolved(resolved) => operators::risk_resolved(row, resolved),
        Event::MerchantPut(put) => operators::merchant(row, put),
        Event::CardStatusSet(set) => operators::card_status(row, set),
        Event::ClockSet(setting) => operators::clock_set(row, setting),
        Event::PolicyPut(put) => operators::policy_put(row, put),
        Event::PolicyActivated(activated) => operators::policy_activated(row, activated),
        Event::PolicyShadowed(shadowed) => operators::policy_shadowed(row, shadowed),
        Event::AdviceTaken(taken) => issuer::taken(row, *taken),
        Event::StandInReconciled(reconciled) => issuer::reconciled(row, *reconciled),
        Event::IssuerLate(late) => issuer::late(row, *late),
        Event::AccountClosed(closed) => wallet::closed(row, closed),
        Event::ErasureBegun(begun) => wallet::erasure_begun(row, *begun),
        Event::ErasureEnded => "erasure_ended",
    }
}

/// Where the money comes from (D12), with the card if it is one.
fn funding(row: &mut Row, funding: Funding) {
    let name = match funding {
        Funding::Card(card) => {
            row.card_token = Some(card.to_string().into());
            "card"
        }
        Funding::Balance => "balance",
        Funding::Unknown => "unknown",
    };
    row.funding = Some(name.into());
}

fn authorisation_id(row: &mut Row, sequence: u64) {
    let id = AuthorisationId::from_sequence(sequence);
    row.authorisation_id = Some(id.to_string().into());
}
