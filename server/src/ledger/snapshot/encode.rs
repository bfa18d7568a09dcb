//! From the state to the records of a snapshot.

use prost::Message as _;
use waika_domain::account::{AccountParts, PaymentCode, PaymentToken, PhoneCode, Rare};
use waika_domain::card::{BoundCard, IssuerCardReference};
use waika_domain::event::{CardStatus, Closure, Owed, OwedKind};
use waika_domain::fingerprints::AlsoKnown;
use waika_domain::identifiers::CardToken;
use waika_domain::merchant::Merchant;
use waika_domain::period::Timestamp;
use waika_domain::sandbox_clock::ClockSetting;

use super::schema::{self, Part};
use crate::adjusted::Adjustment;
use crate::idempotency::MovedOut;
use crate::ledger::encode;
use crate::ledger::numbers::Numbered as _;
use crate::ledger::schema as journal;
use crate::owed::OwedAdvice;
use crate::policy_book::Kept;

/// The first record, before so many accounts.
pub(super) fn key_check(check: [u8; 8], accounts: usize) -> Vec<u8> {
    let first = schema::Record {
        part: Some(Part::KeyCheck(check.to_vec())),
        accounts_ahead: u64::try_from(accounts).unwrap_or(u64::MAX),
    };
    first.encode_to_vec()
}

pub(super) fn merchant(merchant: &Merchant) -> Vec<u8> {
    record(Part::Merchant(encode::merchant(merchant)))
}

pub(super) fn clock(setting: &ClockSetting) -> Vec<u8> {
    record(Part::Clock(encode::clock_setting(setting)))
}

pub(super) fn last_operated(sequence: u64) -> Vec<u8> {
    record(Part::LastOperated(sequence))
}

pub(super) fn card_status(reference: &IssuerCardReference, status: CardStatus) -> Vec<u8> {
    record(Part::CardStatus(schema::CardStatus {
        reference: reference.0.to_string(),
        status: status.number(),
    }))
}

pub(super) fn adjustment(authorisation: u64, adjustment: Adjustment) -> Vec<u8> {
    record(Part::Adjustment(schema::Adjustment {
        authorisation,
        principal_fen: adjustment.so_far.reversed.principal.value(),
        fee_fen: adjustment.so_far.reversed.fee.value(),
        last: adjustment.last,
        refunded_fen: adjustment.so_far.refunded.principal.value(),
        refunded_fee_fen: adjustment.so_far.refunded.fee.value(),
        settled_at_ms: adjustment.so_far.settled_at.map(Timestamp::unix_ms),
    }))
}

pub(super) fn owed(sequence: u64, advice: &OwedAdvice) -> Vec<u8> {
    let Owed {
        kind,
        transaction,
        amount,
        principal,
        original,
    } = &advice.owed;
    let (kind, stand_in) = match kind {
        OwedKind::NoAnswer => (1, None),
        OwedKind::Reversal => (2, None),
        OwedKind::Refund => (3, None),
        OwedKind::Verification => (4, None),
        OwedKind::StandIn(stand_in) => (5, Some(encode::issuer::stand_in(stand_in))),
    };
    record(Part::Owed(schema::Owed {
        sequence,
        account: advice.account.to_string(),
        since_ms: advice.since.unix_ms(),
        transaction: Some(encode::issuer::transaction(*transaction)),
        kind,
        amount_fen: amount.value(),
        principal_fen: principal.value(),
        stand_in,
        original: original.unwrap_or_default(),
    }))
}

pub(super) fn policies((stored, activated, shadow): Kept) -> Vec<u8> {
    let stored = stored.into_iter().map(|(name, text)| journal::PolicyPut {
        name: name.into(),
        text: text.to_string(),
    });
    record(Part::Policies(schema::Policies {
        stored: stored.collect(),
        activated: activated.into_iter().map(Into::into).collect(),
        shadow: shadow.map(Into::into).unwrap_or_default(),
    }))
}

pub(super) fn keys(keys: &[(u64, u64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.len() * 16);
    for (hash, place) in keys {
        bytes.extend_from_slice(&hash.to_le_bytes());
        bytes.extend_from_slice(&place.to_le_bytes());
    }
    record(Part::Keys(bytes))
}

pub(super) fn keys_moved_out(moved_out: MovedOut) -> Vec<u8> {
    let MovedOut {
        after,
        through,
        oldest_ms,
    } = moved_out;
    record(Part::KeysMovedOut(schema::KeysMovedOut {
        after,
        through,
        oldest_ms,
    }))
}

pub(super) fn account(id: &str, parts: AccountParts) -> Vec<u8> {
    let AccountParts {
        region,
        review,
        identity,
        password,
        cards,
        phone_codes,
        usage,
        last_sequence,
        rare,
    } = parts;
    let account = schema::Account {
        id: id.to_owned(),
        last_sequence,
        region: region.number(),
        // An older server refuses that, instead of taking a closed account for one that is new.
        review: rare.closure.map_or(review.number(), |_| schema::CLOSED),
        document: identity.map_or(0, |identity| identity.document.number()),
        document_fingerprint: identity
            .map(|identity| encode::keys::fingerprint(identity.fingerprint))
            .unwrap_or_default(),
        document_expires_on: identity.map_or(0, |identity| identity.expires_on.number()),
        password: password
            .as_ref()
            .map(encode::keys::verifier)
            .unwrap_or_default(),
        cards: cards.iter().map(card).collect(),
        phone_codes: phone_codes.iter().map(phone_code).collect(),
        month: usage.month.number(),
        in_month_fen: usage.in_month.value(),
        year: usage.year.number(),
        in_year_fen: usage.in_year.value(),
        rare: (rare != Rare::default()).then(|| encode_rare(&rare)),
    };
    record(Part::Account(Box::new(account)))
}

fn record(part: Part) -> Vec<u8> {
    let part = Some(part);
    let record = schema::Record {
        part,
        ..schema::Record::default()
    };
    record.encode_to_vec()
}

fn card(card: &BoundCard) -> schema::Card {
    schema::Card {
        token: card.token.bits(),
        fingerprint: encode::keys::fingerprint(card.fingerprint),
        issuer_reference: card.issuer_reference.0.to_string(),
        issuer: encode::issuer::kind(card.issuer),
        bin: card.bin.value(),
        phone: card.phone,
        last_four: u32::from(card.last_four),
        scheme: card.scheme.number(),
        expiry_year: u32::from(card.expiry.year),
        expiry_month: u32::from(card.expiry.month),
        holder_matches: card.holder_matches,
        bound_at_ms: card.bound_at.unix_ms(),
        bound_by: card.bound_by,
    }
}

fn phone_code(code: &PhoneCode) -> schema::PhoneCode {
    schema::PhoneCode {
        phone: encode::bytes(code.phone),
        nonce: code.nonce,
        expires_at_ms: code.expires_at.unix_ms(),
        resend_before: code.resend_before,
        wrong_tries: u32::from(code.wrong_tries),
        used: code.used,
    }
}

fn encode_rare(rare: &Rare) -> schema::Rare {
    let binds = rare.binds.iter().map(|bind| schema::PendingBind {
        sequence: bind.sequence,
        card: encode::keys::fingerprint(bind.card.active()),
        older_cards: encode::keys::older(bind.card.older()),
    });
    let clearances = rare.clearances.iter().map(|clearance| schema::Clearance {
        card_token: clearance.card.bits(),
        reason: clearance.reason.number(),
        sequence: clearance.sequence,
    });
    schema::Rare {
        wrong_passwords: u32::from(rare.wrong_passwords),
        password_locked_until_ms: rare.password_locked_until.map(Timestamp::unix_ms),
        binds: binds.collect(),
        risk_tickets: rare.risk_tickets.iter().map(encode::risk_ticket).collect(),
        clearances: clearances.collect(),
        reversed_ahead: rare.reversed_ahead.iter().map(encode::call_name).collect(),
        balance_fen: rare.balance.value(),
        tokens: rare.tokens.iter().map(token).collect(),
        codes: rare.codes.iter().map(code).collect(),
        password_ticket: rare
            .password_ticket
            .as_ref()
            .map(encode::credentials::ticket),
        wrong_proofs: u32::from(rare.wrong_proofs),
        reset_locked_until_ms: rare.reset_locked_until.map(Timestamp::unix_ms),
        face_failures: rare.face_failures,
        review_rejected: rare.review_rejected,
        review_ticket: rare.review_ticket.map_or(0, |review| review.id.sequence()),
        review_submitted_at_ms: rare
            .review_ticket
            .map_or(0, |review| review.submitted_at.unix_ms()),
        stood_in_fen: rare.stood_in.value(),
        also_known: rare.also_known.iter().map(also_known).collect(),
        closure: rare.closure.map(closure),
    }
}

fn closure(closure: Closure) -> schema::Closure {
    schema::Closure {
        closed: closure.closed_at.unix_ms(),
        erasure_begun: closure.erasure_begun_at().map(Timestamp::unix_ms),
        erasure_ended: closure.erased_at().map(Timestamp::unix_ms),
    }
}

fn also_known(known: &AlsoKnown) -> schema::AlsoKnown {
    schema::AlsoKnown {
        card_token: known.card.map(CardToken::bits),
        fingerprint: encode::keys::fingerprint(known.fingerprint),
    }
}

fn token(token: &PaymentToken) -> schema::PaymentToken {
    let (funding, card_token) = encode::funding(token.funding);
    schema::PaymentToken {
        funding,
        card_token,
        nonce: token.nonce,
        expires_at_ms: token.expires_at.unix_ms(),
        used: token.used,
    }
}

fn code(code: &PaymentCode) -> schema::PaymentCode {
    let (funding, card_token) = encode::funding(code.funding);
    schema::PaymentCode {
        nonce: code.nonce,
        digest: code.digest.0,
        funding,
        card_token,
        expires_at_ms: code.expires_at.unix_ms(),
        used: code.used,
    }
}
