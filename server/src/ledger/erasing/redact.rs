//! What is personal in an entry, and what stands in its place: as many bytes, which decode to something that
//! can be replayed and tells nobody.

use prost::Message as _;

use crate::ledger::call::Rpc;
use crate::ledger::decode::{Decoded, NotUnderstood};
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema::{
    self, Body, Evidence, PasswordEffect, PhoneCodeEffect, Receipt, Refused, Reservation,
};

/// Stands for any expiry of a card: year times a hundred plus month.
const EXPIRY: i64 = 200_001;
/// Bytes of a digest before the one that names its key.
const DIGEST_BYTES: usize = 15;
/// The same of a password's salt and digest.
const VERIFIER_BYTES: usize = 23;

/// The entry of that sequence without what is personal in it, as long as it was.
pub(in crate::ledger) fn redact(sequence: u64, bytes: &[u8]) -> Decoded<Vec<u8>> {
    let mut entry = schema::Entry::decode(bytes).map_err(|_| NotUnderstood("an entry"))?;
    if let Some(call) = &mut entry.call
        && tells_a_person(call.rpc)
    {
        call.fields.fill(0);
    }
    // An operator's stands further inside.
    let happened = entry.operated.as_mut();
    let happened = happened.and_then(|operated| operated.happened.as_deref_mut());
    let body = match happened {
        Some(happened) => happened.body.as_mut(),
        None => entry.body.as_mut(),
    };
    redact_body(body.ok_or(NotUnderstood("a kind of entry"))?, sequence);
    let new = entry.encode_to_vec();
    let is_as_long = new.len() == bytes.len();
    is_as_long
        .then_some(new)
        .ok_or(NotUnderstood("a part of an entry"))
}

/// Whether the digests of a call's fields are of a person, a card or a phone.
fn tells_a_person(rpc: u32) -> bool {
    [
        Rpc::SendPhoneCode,
        Rpc::Bind,
        Rpc::ResetPassword,
        Rpc::SubmitVerification,
    ]
    .iter()
    .any(|known| known.number() == rpc)
}

fn redact_body(body: &mut Body, sequence: u64) {
    match body {
        Body::PhoneCode(decided) => blank(&mut decided.phone),
        Body::BindReserved(reserved) => {
            digest(&mut reserved.card, sequence);
            digests(&mut reserved.older_cards, sequence);
            phone_code(&mut reserved.phone_code);
            password(&mut reserved.password);
        }
        Body::BindDecided(decided) => {
            phone_code(&mut decided.phone_code);
            password(&mut decided.password);
            refused(&mut decided.refused);
            if let Some(bound) = &mut decided.binding {
                binding(bound, sequence);
            }
        }
        Body::UnbindDecided(decided) => {
            digest(&mut decided.fingerprint, decided.bound_by);
            digests(&mut decided.older_cards, decided.bound_by);
            password(&mut decided.password);
        }
        Body::AccountClosed(closed) => {
            for card in &mut closed.unbound {
                digest(&mut card.fingerprint, card.bound_by);
                digests(&mut card.older_cards, card.bound_by);
            }
        }
        Body::Reserved(held) => reservation(held),
        Body::Posted(posted) => {
            if let Some(held) = &mut posted.reservation {
                reservation(held);
            }
            if let Some(by) = &mut posted.stand_in {
                text(&mut by.reference);
            }
        }
        Body::Voided(voided) => {
            if let Some(held) = &mut voided.reservation {
                reservation(held);
            }
            refused(&mut voided.decline);
        }
        Body::Declined(declined) => {
            refused(&mut declined.decline);
            password(&mut declined.password);
            receipt(&mut declined.receipt);
        }
        other => redact_rest(other),
    }
}

/// Of the password, of what stands for it, and of reviews.
fn redact_rest(body: &mut Body) {
    match body {
        Body::PasswordVerified(verified) => password(&mut verified.password),
        Body::PasswordChanged(changed) => {
            password(&mut changed.password);
            verifier(&mut changed.verifier);
        }
        Body::PasswordReset(reset) => {
            phone_code(&mut reset.phone_code);
            verifier(&mut reset.verifier);
            blank(&mut reset.document);
        }
        Body::PasswordTicketResolved(resolved) => {
            if let Some(ticket) = &mut resolved.ticket {
                blank(&mut ticket.document);
            }
        }
        Body::VerificationSubmitted(submitted) => blank(&mut submitted.digest),
        Body::PaymentCode(decided) => {
            password(&mut decided.password);
            refused(&mut decided.decline);
        }
        Body::CardStatusSet(set) => text(&mut set.reference),
        // Nothing in these is of a person: amounts, instants, ids, and what operators do for everybody. Those of cards
        // and payments have been looked at before.
        Body::PhoneCode(_)
        | Body::BindReserved(_)
        | Body::BindDecided(_)
        | Body::UnbindDecided(_)
        | Body::AccountClosed(_)
        | Body::Reserved(_)
        | Body::Posted(_)
        | Body::Voided(_)
        | Body::Declined(_)
        | Body::KeyCheck(_)
        | Body::ReviewResolved(_)
        | Body::MerchantPut(_)
        | Body::ReversalDecided(_)
        | Body::ReversedAhead(_)
        | Body::RiskResolved(_)
        | Body::ClockSet(_)
        | Body::SettleDecided(_)
        | Body::PasswordUnlocked(_)
        | Body::RegionSwitched(_)
        | Body::FundsReceived(_)
        | Body::PolicyPut(_)
        | Body::PolicyActivated(_)
        | Body::PolicyShadowed(_)
        | Body::AdviceTaken(_)
        | Body::StandInReconciled(_)
        | Body::IssuerLate(_)
        | Body::ErasureBegun(_)
        | Body::ErasureEnded(_) => {}
    }
}

fn binding(bound: &mut schema::Binding, sequence: u64) {
    digest(&mut bound.card_fingerprint, sequence);
    digests(&mut bound.older_cards, sequence);
    text(&mut bound.issuer_reference);
    bound.bin = least(bound.bin);
    bound.last_four = least(bound.last_four);
    bound.expiry_year = least(bound.expiry_year);
    bound.expiry_month = least(bound.expiry_month);
    bound.phone = u32::from(bound.phone != 0);
    bound.document = least(bound.document);
    blank(&mut bound.document_fingerprint);
    for it in &mut bound.older_documents {
        blank(it);
    }
    let zigzag = (bound.document_expires_on << 1) ^ (bound.document_expires_on >> 31);
    let zigzag = least(zigzag.cast_unsigned());
    bound.document_expires_on = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
    verifier(&mut bound.password_set);
}

fn reservation(held: &mut Reservation) {
    password(&mut held.password);
    receipt(&mut held.receipt);
}

fn receipt(receipt: &mut Option<Receipt>) {
    for rung in receipt.iter_mut().flat_map(|receipt| &mut receipt.rungs) {
        refused(&mut rung.seen);
    }
}

/// Until when a document or a card is valid.
fn refused(refused: &mut Option<Refused>) {
    match refused
        .as_mut()
        .and_then(|refused| refused.evidence.as_mut())
    {
        Some(Evidence::Date(days)) => {
            days.observed = least_signed(days.observed);
            days.required = least_signed(days.required);
        }
        Some(Evidence::Expiry(expiry)) if varint_bytes(expiry.cast_unsigned()) == 3 => {
            *expiry = EXPIRY;
        }
        _ => {}
    }
}

fn phone_code(effect: &mut Option<PhoneCodeEffect>) {
    if let Some(effect) = effect {
        blank(&mut effect.phone);
    }
}

/// Of a password that is kept otherwise the last byte stays, which names its key.
fn password(effect: &mut Option<PasswordEffect>) {
    if let Some(effect) = effect {
        effect.moved_digest = u64::from(effect.moved_digest != 0);
        if effect.moved_rest != 0 {
            effect.moved_rest = (effect.moved_rest & 0xFF << 56) | 1;
        }
    }
}

/// A card's: those of one binding are alike, and unlike all others, so that what was bound is what is unbound.
fn digest(bytes: &mut [u8], bound_by: u64) {
    blank(bytes);
    for (place, byte) in bytes.iter_mut().zip(bound_by.to_le_bytes()) {
        *place = byte;
    }
}

fn digests(older: &mut [Vec<u8>], bound_by: u64) {
    for it in older {
        digest(it, bound_by);
    }
}

/// The byte of a longer one that names its key stays.
fn blank(bytes: &mut [u8]) {
    blank_before(bytes, DIGEST_BYTES);
}

fn verifier(bytes: &mut [u8]) {
    blank_before(bytes, VERIFIER_BYTES);
}

fn blank_before(bytes: &mut [u8], key: usize) {
    let names_key = bytes.len() > key + 1;
    let end = if names_key { key } else { bytes.len() };
    bytes.iter_mut().take(end).for_each(|byte| *byte = 0);
}

fn text(text: &mut String) {
    *text = "-".repeat(text.len());
}

/// The least number that takes as many bytes.
fn least(number: u32) -> u32 {
    match varint_bytes(number.into()) {
        _ if number == 0 => 0,
        1 => 1,
        bytes => 1 << (7 * (bytes - 1)),
    }
}

/// The same. Ten bytes are those of every number below nothing.
fn least_signed(number: i64) -> i64 {
    match varint_bytes(number.cast_unsigned()) {
        _ if number == 0 => 0,
        1 => 1,
        10 => -1,
        bytes => 1 << (7 * (bytes - 1)),
    }
}

/// How many bytes a number takes in a message.
fn varint_bytes(number: u64) -> u32 {
    (64 - (number | 1).leading_zeros()).div_ceil(7)
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
