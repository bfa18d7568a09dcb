//! What several kinds of event have in common, as cells of a row.

use std::borrow::Cow;

use waika_domain::decline::{AmountOverLimit, DeclineReason, Evidence};
use waika_domain::event::{PasswordEffect, PhoneCodeEffect};
use waika_domain::refusal::{
    BindRefusal, ClosingRefusal, ErasureRefusal, PasswordRefusal, PhoneCodeRefusal, ReceiveRefusal,
    Refused, ResetRefusal, ReversalRefusal, UnbindRefusal, VerificationRefusal,
};

use super::columns::Row;
use super::names::Named as _;
use crate::inspect::instants::in_utc;

/// A reason out of any of the lists.
pub(super) struct Reason {
    name: &'static str,
    layer: &'static str,
    response_code: &'static str,
}

macro_rules! reasons {
    ($($list:ident)*) => {
        $(
            impl From<$list> for Reason {
                fn from(reason: $list) -> Self {
                    Self {
                        name: reason.name(),
                        layer: reason.layer().name(),
                        response_code: reason.response_code(),
                    }
                }
            }
        )*
    };
}

reasons! {
    BindRefusal ClosingRefusal DeclineReason ErasureRefusal PasswordRefusal PhoneCodeRefusal ReceiveRefusal ResetRefusal
    ReversalRefusal UnbindRefusal VerificationRefusal
}

/// That a call was refused, and why.
pub(super) fn refused<R: Into<Reason>>(row: &mut Row, refused: Refused<R>) {
    let Refused { reason, evidence } = refused;
    row.decision = Some("refused".into());
    refusal(row, reason, &evidence);
}

/// Why not, and the numbers behind it.
pub(super) fn refusal(row: &mut Row, reason: impl Into<Reason>, evidence: &Evidence) {
    let reason = reason.into();
    row.reason = Some(reason.name.into());
    row.layer = Some(reason.layer.into());
    row.response_code = Some(reason.response_code.into());
    let (observed, required) = match evidence {
        Evidence::None => return,
        Evidence::Amount(amount) => return over_limit(row, amount),
        Evidence::Until(at) => {
            row.resets_at = Some(in_utc(*at).into());
            return;
        }
        Evidence::Version { observed, required } => {
            (observed.to_string(), Some(required.to_string()))
        }
        Evidence::Date { observed, required } => (observed.to_string(), Some(required.to_string())),
        Evidence::Expiry { observed } => (observed.to_string(), None),
        Evidence::Count { observed, required } => {
            (observed.to_string(), Some(required.to_string()))
        }
    };
    row.observed = Some(observed.into());
    row.required = required.map(Cow::from);
}

fn over_limit(row: &mut Row, amount: &AmountOverLimit) {
    let AmountOverLimit {
        observed,
        limit,
        remaining,
        largest_approvable,
        resets_at,
    } = amount;
    row.observed_fen = Some(observed.value());
    row.limit_fen = Some(limit.value());
    row.remaining_fen = Some(remaining.value());
    row.largest_approvable_fen = Some(largest_approvable.value());
    row.resets_at = resets_at.map(|at| in_utc(at).into());
}

/// What was seen of the payment password (D7).
pub(super) fn password_check(row: &mut Row, effect: PasswordEffect) {
    match effect {
        PasswordEffect::Untouched => {}
        PasswordEffect::Matched | PasswordEffect::Moved(_) => {
            row.password_check = Some("matched".into());
        }
        PasswordEffect::Wrong {
            tries,
            locked_until,
        } => {
            row.password_check = Some("wrong".into());
            row.password_wrong_tries = Some(tries.into());
            row.password_locked_until = locked_until.map(|at| in_utc(at).into());
        }
    }
}

/// What was seen of a card's data or a document, where they shall reset a password (R46, R47).
pub(super) fn proof_check(row: &mut Row, effect: PasswordEffect) {
    match effect {
        PasswordEffect::Untouched => {}
        PasswordEffect::Matched | PasswordEffect::Moved(_) => {
            row.proof_check = Some("matched".into());
        }
        PasswordEffect::Wrong {
            tries,
            locked_until,
        } => {
            row.proof_check = Some("wrong".into());
            row.proof_wrong_tries = Some(tries.into());
            row.proof_locked_until = locked_until.map(|at| in_utc(at).into());
        }
    }
}

/// What was seen of the phone code (D8), without the phone's digest.
pub(super) fn phone_code_check(row: &mut Row, effect: PhoneCodeEffect) {
    match effect {
        PhoneCodeEffect::Untouched => {}
        PhoneCodeEffect::Used { phone: _ } => row.phone_code_check = Some("used".into()),
        PhoneCodeEffect::Wrong { phone: _, tries } => {
            row.phone_code_check = Some("wrong".into());
            row.phone_code_wrong_tries = Some(tries.into());
        }
    }
}

/// A sequence; the journal ends long before a signed number does.
pub(super) fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// An empty text stands for none in an entry.
pub(super) fn text(text: &str) -> Option<Cow<'static, str>> {
    (!text.is_empty()).then(|| text.to_owned().into())
}
