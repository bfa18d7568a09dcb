//! Questions to an issuer over the network, and what is made of its answers.

use futures_util::FutureExt as _;
use waika::v1;
use waika_domain::card::Scheme;
use waika_domain::event::{OwedKind, Transaction};
use waika_domain::money::Fen;
use waika_domain::period::Timestamp;

use super::answer::{self, Heard, Settled, Unsettled, Verified};
use super::client::IssuerClient;
use super::{Asked, CardToVerify};
use crate::owed::OwedAdvice;
use crate::partner::CallFailed;

/// The question is written here and now, so that only its bytes wait for the answer.
pub(super) fn authorise<'a>(
    remote: &'a IssuerClient,
    core: usize,
    asked: &Asked,
) -> impl Future<Output = Heard> + Send + use<'a> {
    let (of, amount) = (asked.transaction, asked.amount);
    let call = remote.authorise(core, of.scheme, &request(asked, false));
    call.map(move |answered| match answered {
        Ok(answer) => answer::payment(of.id, amount, &answer),
        Err(failed) => unheard(failed),
    })
}

pub(super) async fn verify(
    remote: &IssuerClient,
    core: usize,
    of: Transaction,
    card: CardToVerify<'_>,
) -> Verified {
    let request = v1::VerifyCardRequest {
        transaction_id: of.id.to_string(),
        pan: card.pan.expose().to_owned(),
        expiry_month: card.expiry.month.into(),
        expiry_year: card.expiry.year.into(),
        cvv: card.cvv.to_string(),
        scheme: to_scheme(of.scheme).into(),
        amount_fen: answer::VERIFICATION.value(),
        idempotency_key: card.key.to_owned(),
    };
    match remote.verify_card(core, of.scheme, request).await {
        Ok(answer) => answer::verification(of.id, card.pan.expose(), answer),
        Err(failed) if failed.not_sent => Verified::NotAsked,
        Err(_) => Verified::Silence,
    }
}

pub(super) async fn status(
    remote: &IssuerClient,
    core: usize,
    of: Transaction,
    amount: Fen,
) -> Heard {
    let request = v1::GetPaymentStatusRequest {
        transaction_id: of.id.to_string(),
        scheme: to_scheme(of.scheme).into(),
    };
    match remote.status(core, of.scheme, request).await {
        Ok(answer) => answer::status(of.id, amount, &answer),
        // The payment itself was sent before, perhaps.
        Err(_) => Heard::Silence,
    }
}

pub(super) async fn advise(
    remote: &IssuerClient,
    core: usize,
    name: &str,
    advice: &OwedAdvice,
    repeat: bool,
) -> Result<Settled, Unsettled> {
    let owed = &advice.owed;
    let of = owed.transaction;
    let kind = match &owed.kind {
        OwedKind::StandIn(by) => {
            let asked = Asked {
                transaction: of,
                reference: by.reference.clone(),
                amount: owed.amount,
                merchant: by
                    .merchant
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                key: by.key.as_str().to_owned(),
            };
            let request = v1::AuthorisePaymentRequest {
                advice: true,
                approval_code: String::from_utf8_lossy(&by.code.0).into_owned(),
                approved_at: Some(timestamp(advice.since)),
                ..self::request(&asked, repeat)
            };
            let answer = remote.authorise(core, of.scheme, &request).await;
            return answer::stand_in(of.id, owed.amount, &answer.map_err(unsettled)?);
        }
        OwedKind::NoAnswer => v1::ReversalKind::NoAnswer,
        OwedKind::Reversal => v1::ReversalKind::Merchant,
        OwedKind::Refund => v1::ReversalKind::Refund,
        OwedKind::Verification => v1::ReversalKind::Verification,
    };
    let request = v1::ReversePaymentRequest {
        reversal_id: name.to_owned(),
        transaction_id: of.id.to_string(),
        amount_fen: owed.amount.value(),
        kind: kind.into(),
        repeat,
        scheme: to_scheme(of.scheme).into(),
    };
    let answer = remote.reverse(core, of.scheme, request).await;
    answer::reversal(name, owed.amount, &answer.map_err(unsettled)?)
}

fn request(asked: &Asked, repeat: bool) -> v1::AuthorisePaymentRequest {
    v1::AuthorisePaymentRequest {
        transaction_id: asked.transaction.id.to_string(),
        card_reference: asked.reference.0.to_string(),
        scheme: to_scheme(asked.transaction.scheme).into(),
        amount_fen: asked.amount.value(),
        currency: "CNY".to_owned(), // R58
        merchant_id: asked.merchant.clone(),
        idempotency_key: asked.key.clone(),
        repeat,
        advice: false,
        approval_code: String::new(),
        approved_at: None,
    }
}

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let milliseconds = at.unix_ms();
    prost_types::Timestamp {
        seconds: milliseconds.div_euclid(1_000),
        // Less than a second of them.
        nanos: i32::try_from(milliseconds.rem_euclid(1_000) * 1_000_000).unwrap_or_default(),
    }
}

fn to_scheme(scheme: Scheme) -> v1::Scheme {
    match scheme {
        Scheme::Visa => v1::Scheme::Visa,
        Scheme::Mastercard => v1::Scheme::Mastercard,
        Scheme::DinersClub => v1::Scheme::DinersClub,
        Scheme::Discover => v1::Scheme::Discover,
        Scheme::Jcb => v1::Scheme::Jcb,
    }
}

fn unheard(failed: CallFailed) -> Heard {
    if failed.not_sent {
        Heard::Absent
    } else if failed.is_nobody_there() {
        Heard::Silence
    } else {
        Heard::Nonsense("an error instead of an answer")
    }
}

fn unsettled(failed: CallFailed) -> Unsettled {
    Unsettled {
        answered: !failed.is_nobody_there(),
        why: failed.to_string(),
    }
}
