//! Reversals: from messages and back.

use tonic::Status;
use waika::v1;
use waika::v1::reverse_request::Original;
use waika::v1::reverse_response::Outcome;
use waika_domain::decline::Evidence;
use waika_domain::event::{Event, Reversal};
use waika_domain::identifiers::{AccountId, AuthorisationId, IdempotencyKey};
use waika_domain::money::Amount;
use waika_domain::refusal::{Refused, ReversalRefusal};

use super::parse::{Digests, Fields};
use super::{enums, outcome, status};
use crate::ledger::{Answered, Call, LedgerError, OriginalNamed, ReverseOperation, Rpc};
use crate::vault::Vault;

/// A reversal that was asked for.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) operation: ReverseOperation,
}

pub(super) fn parse(request: &v1::ReverseRequest, vault: &Vault) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let amount = match request.amount_fen {
        None => Some(None),
        Some(fen) => fields.take("amount_fen", Amount::from_fen(fen)).map(Some), // D15
    };
    let original = parse_original(&mut fields, request.original.as_ref());
    let whole = (|| Some((key?, account?, amount?, original?)))();
    let (key, account, amount, original) = fields.finish(whole)?;
    let (id, original_key) = match &request.original {
        Some(Original::AuthorisationId(id)) => (&**id, ""),
        Some(Original::OriginalIdempotencyKey(key)) => ("", &**key),
        None => ("", ""),
    };
    let fen = amount.map_or(0, |amount| amount.fen().value());
    let call = Digests::new(vault)
        .with("authorisation_id", id)
        .with("original_idempotency_key", original_key)
        .with("amount_fen", fen.to_le_bytes())
        .call(Rpc::Reverse, key);
    // What is no id of ours names no authorisation.
    let original = original.ok_or(LedgerError::UnknownAuthorisation)?;
    Ok(Parsed {
        account,
        call,
        operation: ReverseOperation { original, amount },
    })
}

/// The outer None means malformed, the inner one an id that is none of ours.
#[expect(
    clippy::option_option,
    reason = "unknown and malformed are different things"
)]
fn parse_original(
    fields: &mut Fields,
    original: Option<&Original>,
) -> Option<Option<OriginalNamed>> {
    const GIVE_ONE: &str = "or original_idempotency_key must be given";
    match fields.require("authorisation_id", original, GIVE_ONE)? {
        Original::AuthorisationId(id) => Some(AuthorisationId::parse(id).map(OriginalNamed::Id)),
        Original::OriginalIdempotencyKey(key) => {
            let key = IdempotencyKey::parse(key);
            let key = fields.take("original_idempotency_key", key)?;
            Some(Some(OriginalNamed::Key(key)))
        }
    }
}

pub(super) fn response(answered: &Answered) -> Result<v1::ReverseResponse, Status> {
    let outcome = match &answered.event {
        Event::ReversalDecided(decided) => match &decided.outcome {
            Ok(given) => Outcome::Reversal(reversal(decided.original, given)),
            Err(refused) => Outcome::Refusal(refusal(refused)),
        },
        Event::ReversedAhead(name) => Outcome::RecordedAhead(v1::RecordedAhead {
            original_idempotency_key: name.key.as_str().to_owned(),
        }),
        Event::PhoneCode(_)
        | Event::BindReserved(_)
        | Event::BindDecided(_)
        | Event::UnbindDecided(_)
        | Event::Reserved(_)
        | Event::Posted(_)
        | Event::Voided(_)
        | Event::Declined(_)
        | Event::ReviewResolved(_)
        | Event::RiskResolved(_)
        | Event::MerchantPut(_)
        | Event::CardStatusSet(_)
        | Event::ClockSet(_) => {
            return Err(status::internal("the stored decision is not a reversal"));
        }
    };
    Ok(v1::ReverseResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

fn reversal(original: u64, given: &Reversal) -> v1::Reversal {
    v1::Reversal {
        authorisation_id: AuthorisationId::from_sequence(original).to_string(),
        amount_fen: given.principal.value(),
        fee_fen: given.fee.value(),
        total_fen: given.principal.plus(given.fee).value(),
        remaining_fen: given.remaining.value(),
        month_restored: given.month_restored,
        year_restored: given.year_restored,
    }
}

fn refusal(refused: &Refused<ReversalRefusal>) -> v1::ReversalRefusal {
    let Refused { reason, evidence } = refused;
    let (observed_fen, remaining_fen) = match evidence {
        Evidence::Amount(amount) => (amount.observed.value(), amount.remaining.value()),
        Evidence::None
        | Evidence::Version { .. }
        | Evidence::Date { .. }
        | Evidence::Expiry { .. }
        | Evidence::Count { .. }
        | Evidence::Until(_) => (0, 0),
    };
    v1::ReversalRefusal {
        // The numbers of the enum are those of the contract; `tests/tidy.rs` compares the two.
        reason: reason.number(),
        layer: enums::to_layer(reason.layer()).into(),
        response_code: reason.response_code().to_owned(),
        retry: enums::to_retry(reason.usual_retry()).into(),
        text: Some(outcome::text(reason.text())),
        observed_fen,
        remaining_fen,
    }
}
