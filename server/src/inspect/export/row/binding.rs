//! Phone codes, and cards that are bound and unbound.

use waika_domain::event::{
    BindDecided, BindReserved, Binding, PhoneCodeDecided, PhoneCodeSent, UnbindDecided, Unbound,
};

use super::super::columns::Row;
use super::super::facts::{self, number};
use super::super::names::Named as _;
use super::issuer;
use crate::inspect::instants::in_utc;

pub(super) fn phone_code(row: &mut Row, decided: &PhoneCodeDecided) -> &'static str {
    let PhoneCodeDecided {
        region,
        phone: _,
        outcome,
    } = *decided;
    row.wallet_region = Some(region.name().into());
    match outcome {
        Ok(sent) => {
            let PhoneCodeSent {
                nonce: _,
                resend_at,
                expires_at,
            } = sent;
            row.decision = Some("sent".into());
            row.resend_at = Some(in_utc(resend_at).into());
            row.expires_at = Some(in_utc(expires_at).into());
        }
        Err(refused) => facts::refused(row, refused),
    }
    "phone_code"
}

pub(super) fn reserved(row: &mut Row, reserved: &BindReserved) -> &'static str {
    let BindReserved {
        region,
        card: _,
        phone_code,
        password,
        debit,
    } = *reserved;
    row.wallet_region = Some(region.name().into());
    facts::phone_code_check(row, phone_code);
    facts::password_check(row, password);
    issuer::transaction(row, debit);
    "bind_reserved"
}

pub(super) fn decided(row: &mut Row, decided: &BindDecided) -> &'static str {
    let BindDecided {
        region,
        reserved_by,
        phone_code,
        password,
        outcome,
        review,
        debit,
    } = decided;
    row.wallet_region = Some(region.name().into());
    row.reserved_by = reserved_by.map(number);
    row.review = Some(review.name().into());
    issuer::transaction(row, *debit);
    facts::phone_code_check(row, *phone_code);
    facts::password_check(row, *password);
    match outcome {
        Ok(bound) => {
            row.decision = Some("bound".into());
            binding(row, bound);
        }
        Err(refused) => facts::refused(row, *refused),
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
        older: _,
    } = binding;
    row.card_token = Some(card.token.to_string().into());
    row.bin = Some(format!("{:06}", card.bin.value()).into());
    row.last_four = Some(format!("{:04}", card.last_four).into());
    row.scheme = Some(card.scheme.name().into());
    row.card_expiry = Some(card.expiry.to_string().into());
    row.holder_matches = Some(card.holder_matches);
    row.document = Some(identity.document.name().into());
    row.document_expires_on = Some(identity.expires_on.to_string().into());
    row.password_was_set = Some(password_set.is_some());
}

pub(super) fn unbind(row: &mut Row, decided: &UnbindDecided) -> &'static str {
    let UnbindDecided {
        card,
        password,
        outcome,
    } = *decided;
    row.card_token = Some(card.to_string().into());
    facts::password_check(row, password);
    match outcome {
        Ok(unbound) => {
            let Unbound {
                card: _,
                bound_by: _,
            } = unbound;
            row.decision = Some("unbound".into());
        }
        Err(refused) => facts::refused(row, refused),
    }
    "unbind_decided"
}
