//! From what happened to what is written.

mod closing;
pub(super) mod credentials;
pub(super) mod issuer;
pub(super) mod keys;
mod payments;
mod wallet;

use prost::Message as _;
use waika_domain::decline::{Decline, Evidence};
use waika_domain::event::{
    BindDecided, BindReserved, Binding, Event, PasswordEffect, PhoneCodeDecided, PhoneCodeEffect,
    PolicyPut, UnbindDecided,
};
use waika_domain::identifiers::{CallName, Fingerprint, TicketId};
use waika_domain::merchant::{Merchant, MerchantRegion};
use waika_domain::period::Timestamp;
use waika_domain::risk::RiskTicket;
use waika_domain::sandbox_clock::ClockSetting;

pub(super) use self::payments::funding;
use super::call::{Business, Call};
use super::numbers::Numbered as _;
use super::schema;
use crate::operator_log::Operated;
use crate::wire::Wire;

/// An entry to be written.
pub(crate) struct Entry<'a> {
    /// Empty where it concerns no account.
    pub(crate) account: &'a str,
    /// The sequence of the account's entry before this one; 0 for its first.
    pub(crate) previous: u64,
    pub(crate) at: Timestamp,
    /// The call; None for what the server did by itself.
    pub(crate) call: Option<&'a Call>,
    pub(crate) event: &'a Event,
}

impl<'a> Entry<'a> {
    /// Of what concerns no account.
    pub(crate) fn of_none(at: Timestamp, call: Option<&'a Call>, event: &'a Event) -> Self {
        Self {
            account: "",
            previous: 0,
            at,
            call,
            event,
        }
    }

    /// Writes its bytes behind what is there.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let wire = &mut Wire::new(bytes);
        self.write_head(wire);
        write_body(wire, self.event);
    }

    /// The same as a part of the operator log.
    pub(crate) fn write_operated(&self, bytes: &mut Vec<u8>, operated: &Operated) {
        let wire = &mut Wire::new(bytes);
        self.write_head(wire);
        wire.longer_message(5, |wire| {
            wire.uint(1, operated.previous);
            for change in &operated.changes {
                wire.message(2, |wire| {
                    wire.text(1, &change.field);
                    wire.text(2, &change.before);
                    wire.text(3, &change.after);
                });
            }
            wire.message(3, |wire| write_body(wire, self.event));
        });
    }

    #[inline]
    fn write_head(&self, wire: &mut Wire<'_>) {
        wire.text(1, self.account);
        wire.uint(2, self.previous);
        wire.int(3, self.at.unix_ms());
        if let Some(call) = self.call {
            wire.message(4, |wire| write_call(wire, call));
        }
    }
}

/// The bytes of the entry that tells the journal's key.
pub(crate) fn key_check(check: [u8; 8], at: Timestamp) -> Vec<u8> {
    let body = Some(schema::Body::KeyCheck(check.to_vec()));
    schema::Entry {
        at_ms: at.unix_ms(),
        body,
        ..schema::Entry::default()
    }
    .encode_to_vec()
}

fn write_call(wire: &mut Wire<'_>, call: &Call) {
    wire.uint(1, call.rpc.number().into());
    wire.text(2, &call.caller);
    wire.text(3, call.key.as_str());
    match &call.business {
        Business::Payment => {}
        Business::Fields(fields) => {
            wire.packed_fixed64(4, fields.iter().map(|(_, digest)| *digest));
        }
    }
}

/// Payments are written as they are, since they are most of what there is; all else by way of the
/// schema.
fn write_body(wire: &mut Wire<'_>, event: &Event) {
    let body = match event {
        Event::Reserved(held) => return payments::write_reserved(wire, held),
        Event::Posted(posted) => return payments::write_posted(wire, posted),
        Event::Voided(voided) => return payments::write_voided(wire, voided),
        Event::Declined(declined) => return payments::write_declined(wire, declined),
        Event::PhoneCode(decided) => schema::Body::PhoneCode(phone_code(decided)),
        Event::BindReserved(reserved) => schema::Body::BindReserved(bind_reserved(reserved)),
        Event::BindDecided(decided) => schema::Body::BindDecided(Box::new(bind_decided(decided))),
        Event::ReviewResolved(resolved) => schema::Body::ReviewResolved(schema::ReviewResolved {
            approve: resolved.approve,
            resolved: resolved.resolved,
            review: resolved.review.number(),
            ticket: resolved.ticket.map_or(0, TicketId::sequence),
        }),
        Event::MerchantPut(put) => schema::Body::MerchantPut(merchant(put)),
        Event::CardStatusSet(set) => schema::Body::CardStatusSet(schema::CardStatusSet {
            card_token: set.card.bits(),
            reference: set.reference.0.to_string(),
            status: set.status.number(),
        }),
        Event::UnbindDecided(decided) => schema::Body::UnbindDecided(unbind(decided)),
        Event::ReversalDecided(decided) => {
            schema::Body::ReversalDecided(payments::reversal(decided))
        }
        Event::ReversedAhead(name) => schema::Body::ReversedAhead(call_name(name)),
        Event::RiskResolved(resolved) => schema::Body::RiskResolved(schema::RiskResolved {
            ticket: Some(risk_ticket(&resolved.ticket)),
            cleared: resolved.cleared,
        }),
        Event::ClockSet(setting) => schema::Body::ClockSet(clock_setting(setting)),
        Event::SettleDecided(decided) => schema::Body::SettleDecided(payments::settle(decided)),
        Event::PasswordVerified(verified) => {
            schema::Body::PasswordVerified(credentials::verified(verified))
        }
        Event::PasswordChanged(changed) => {
            schema::Body::PasswordChanged(credentials::changed(changed))
        }
        Event::PasswordResetDecided(decided) => {
            schema::Body::PasswordReset(credentials::reset(decided))
        }
        Event::PasswordTicketResolved(resolved) => {
            schema::Body::PasswordTicketResolved(credentials::ticket_resolved(resolved))
        }
        Event::PasswordUnlocked(unlocked) => schema::Body::PasswordUnlocked(unlocked.was_locked),
        Event::VerificationSubmitted(submitted) => {
            schema::Body::VerificationSubmitted(wallet::verification(submitted))
        }
        Event::RegionSwitched(switched) => schema::Body::RegionSwitched(switched.region.number()),
        Event::PaymentCodeDecided(decided) => schema::Body::PaymentCode(credentials::code(decided)),
        Event::FundsReceived(received) => schema::Body::FundsReceived(wallet::funds(received)),
        Event::PolicyPut(put) => schema::Body::PolicyPut(policy_put(put)),
        Event::PolicyActivated(activated) => {
            schema::Body::PolicyActivated(activated.name.to_string())
        }
        Event::PolicyShadowed(shadowed) => {
            let name = shadowed.name.as_deref().unwrap_or_default();
            schema::Body::PolicyShadowed(name.to_owned())
        }
        Event::AdviceTaken(taken) => schema::Body::AdviceTaken(issuer::taken(taken)),
        Event::StandInReconciled(done) => schema::Body::StandInReconciled(issuer::reconciled(done)),
        Event::IssuerLate(late) => schema::Body::IssuerLate(issuer::late(late)),
        Event::AccountClosed(closed) => schema::Body::AccountClosed(closing::closed(closed)),
        Event::ErasureBegun(begun) => schema::Body::ErasureBegun(closing::begun(*begun)),
        Event::ErasureEnded => schema::Body::ErasureEnded(schema::ErasureEnded {}),
    };
    body.encode(wire.bytes());
}

fn bind_reserved(reserved: &BindReserved) -> schema::BindReserved {
    schema::BindReserved {
        region: reserved.region.number(),
        card: keys::fingerprint(reserved.card.active()),
        older_cards: keys::older(reserved.card.older()),
        phone_code: phone_code_effect(reserved.phone_code),
        password: password_effect(reserved.password),
        debit: reserved.debit.map(issuer::transaction),
    }
}

fn policy_put(put: &PolicyPut) -> schema::PolicyPut {
    schema::PolicyPut {
        name: put.name.to_string(),
        text: put.text.to_string(),
    }
}

fn unbind(decided: &UnbindDecided) -> schema::UnbindDecided {
    let asked = schema::UnbindDecided {
        card_token: decided.card.bits(),
        password: password_effect(decided.password),
        ..schema::UnbindDecided::default()
    };
    match decided.outcome {
        Ok(unbound) => schema::UnbindDecided {
            fingerprint: keys::fingerprint(unbound.card.active()),
            older_cards: keys::older(unbound.card.older()),
            bound_by: unbound.bound_by,
            ..asked
        },
        Err(refused) => schema::UnbindDecided {
            refused: Some(refusal(refused.reason.number(), &refused.evidence)),
            ..asked
        },
    }
}

pub(super) fn call_name(name: &CallName) -> schema::CallName {
    schema::CallName {
        caller: name.caller.to_string(),
        key: name.key.as_str().to_owned(),
    }
}

pub(super) fn risk_ticket(ticket: &RiskTicket) -> schema::RiskTicket {
    schema::RiskTicket {
        id: ticket.id.sequence(),
        card_token: ticket.card.bits(),
        reason: ticket.reason.number(),
        opened_at_ms: ticket.opened_at.unix_ms(),
    }
}

pub(super) fn clock_setting(setting: &ClockSetting) -> schema::ClockSetting {
    schema::ClockSetting {
        set_at_ms: setting.set_at.unix_ms(),
        showed_ms: setting.showed.unix_ms(),
        rate: setting.rate,
        follows_machine: setting.follows_machine,
    }
}

fn phone_code(decided: &PhoneCodeDecided) -> schema::PhoneCode {
    let sent = decided.outcome.ok().map(|sent| schema::PhoneCodeSent {
        nonce: sent.nonce,
        resend_at_ms: sent.resend_at.unix_ms(),
        expires_at_ms: sent.expires_at.unix_ms(),
    });
    let refused = decided
        .outcome
        .err()
        .map(|refused| refusal(refused.reason.number(), &refused.evidence));
    schema::PhoneCode {
        region: decided.region.number(),
        phone: bytes(decided.phone),
        sent,
        refused,
    }
}

fn bind_decided(decided: &BindDecided) -> schema::BindDecided {
    let refused = decided.outcome.as_ref().err();
    schema::BindDecided {
        region: decided.region.number(),
        reserved_by: decided.reserved_by.unwrap_or_default(),
        phone_code: phone_code_effect(decided.phone_code),
        password: password_effect(decided.password),
        binding: decided.outcome.as_ref().ok().map(binding),
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
        review: decided.review.number(),
        debit: decided.debit.map(issuer::transaction),
    }
}

fn binding(binding: &Binding) -> schema::Binding {
    let Binding {
        card,
        identity,
        password_set,
        older,
    } = binding;
    schema::Binding {
        card_token: card.token.bits(),
        card_fingerprint: keys::fingerprint(card.fingerprint),
        issuer_reference: card.issuer_reference.0.to_string(),
        issuer: issuer::kind(card.issuer),
        bin: card.bin.value(),
        phone: card.phone,
        last_four: u32::from(card.last_four),
        scheme: card.scheme.number(),
        expiry_year: u32::from(card.expiry.year),
        expiry_month: u32::from(card.expiry.month),
        holder_matches: card.holder_matches,
        document: identity.document.number(),
        document_fingerprint: keys::fingerprint(identity.fingerprint),
        document_expires_on: identity.expires_on.number(),
        password_set: password_set
            .as_ref()
            .map(keys::verifier)
            .unwrap_or_default(),
        older_cards: keys::older(older.card),
        older_documents: keys::older(older.document),
    }
}

pub(super) fn merchant(merchant: &Merchant) -> schema::Merchant {
    schema::Merchant {
        id: merchant.id.to_string(),
        name: merchant.name.to_string(),
        overseas: merchant.region == MerchantRegion::Overseas,
        category: u32::from(merchant.category.0),
        international_cards: merchant.international_cards,
    }
}

fn decline(decline: &Decline) -> schema::Refused {
    refusal(decline.reason.number(), &decline.evidence)
}

fn refusal(reason: i32, evidence: &Evidence) -> schema::Refused {
    let pair = |observed, required| schema::Pair { observed, required };
    let evidence = match *evidence {
        Evidence::None => None,
        Evidence::Amount(amount) => Some(schema::Evidence::Amount(schema::AmountOverLimit {
            observed_fen: amount.observed.value(),
            limit_fen: amount.limit.value(),
            remaining_fen: amount.remaining.value(),
            largest_approvable_fen: amount.largest_approvable.value(),
            resets_at_ms: amount.resets_at.map(Timestamp::unix_ms),
        })),
        Evidence::Version { observed, required } => Some(schema::Evidence::Version(pair(
            observed.packed().cast_signed(),
            required.packed().cast_signed(),
        ))),
        Evidence::Date { observed, required } => Some(schema::Evidence::Date(pair(
            i64::from(observed.number()),
            i64::from(required.number()),
        ))),
        Evidence::Expiry { observed } => Some(schema::Evidence::Expiry(
            i64::from(observed.year) * 100 + i64::from(observed.month),
        )),
        Evidence::Count { observed, required } => Some(schema::Evidence::Count(pair(
            i64::from(observed),
            i64::from(required),
        ))),
        Evidence::Until(at) => Some(schema::Evidence::UntilMs(at.unix_ms())),
    };
    schema::Refused { reason, evidence }
}

fn password_effect(effect: PasswordEffect) -> Option<schema::PasswordEffect> {
    match effect {
        PasswordEffect::Untouched => None,
        PasswordEffect::Matched => Some(schema::PasswordEffect::default()),
        PasswordEffect::Wrong {
            tries,
            locked_until,
        } => Some(schema::PasswordEffect {
            wrong_tries: u32::from(tries),
            locked_until_ms: locked_until.map(Timestamp::unix_ms),
            ..schema::PasswordEffect::default()
        }),
        PasswordEffect::Moved(password) => Some(keys::moved(password)),
    }
}

fn phone_code_effect(effect: PhoneCodeEffect) -> Option<schema::PhoneCodeEffect> {
    let (phone, wrong_tries) = match effect {
        PhoneCodeEffect::Untouched => return None,
        PhoneCodeEffect::Wrong { phone, tries } => (phone, u32::from(tries)),
        PhoneCodeEffect::Used { phone } => (phone, 0),
    };
    Some(schema::PhoneCodeEffect {
        phone: bytes(phone),
        wrong_tries,
    })
}

pub(super) fn bytes(fingerprint: Fingerprint) -> Vec<u8> {
    fingerprint.0.to_vec()
}
