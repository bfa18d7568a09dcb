//! Reversals, refunds and early settlements: from messages and back.

use tonic::Status;
use waika::v1;
use waika::v1::reverse_request::Original;
use waika::v1::reverse_response::Outcome;
use waika_domain::decline::Evidence;
use waika_domain::event::{Event, GiveBack, Reversal, ReversalDecided};
use waika_domain::identifiers::{AccountId, AuthorisationId, IdempotencyKey};
use waika_domain::money::{Amount, Fen};
use waika_domain::refusal::{Refused, ReversalRefusal};

use super::parse::{Digests, Fields};
use super::party::Party;
use super::{enums, outcome, status};
use crate::ledger::{Answered, Call, LedgerError, OriginalNamed, ReverseOperation, Rpc, Secret};
use crate::payment_token::check_code;

/// A reversal or a refund that was asked for.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) operation: ReverseOperation,
}

/// A reversal that was asked for. With a payment code the account is not known yet (D10).
pub(super) struct ParsedReversal {
    pub(super) account: Option<AccountId>,
    pub(super) call: Call,
    pub(super) operation: ReverseOperation,
}

pub(super) fn parse(
    request: v1::ReverseRequest,
    party: &Party<'_>,
) -> Result<ParsedReversal, Status> {
    let mut fields = Fields::default();
    let code = Secret::new(request.payment_code);
    let key = fields.key(&request.idempotency_key);
    let (account, code) = if code.is_empty() {
        (fields.account(&request.account_id).map(Some), None)
    } else {
        refuse_beside_code(&mut fields, &request.account_id, request.original.as_ref());
        fields.take("payment_code", check_code(&code)); // D10
        (Some(None), Some(party.vault.payment_code_digest(&code)))
    };
    let amount = parse_amount(&mut fields, request.amount_fen);
    let original = parse_original(&mut fields, request.original.as_ref());
    let whole = (|| Some((key?, account?, amount?, original?)))();
    let (key, account, amount, original) = fields.finish(whole)?;
    let (id, original_key) = match &request.original {
        Some(Original::AuthorisationId(id)) => (&**id, ""),
        Some(Original::OriginalIdempotencyKey(key)) => ("", &**key),
        None => ("", ""),
    };
    let fen = amount.map_or(0, |amount| amount.fen().value());
    let call = Digests::new(party)
        .with("authorisation_id", id)
        .with("original_idempotency_key", original_key)
        .with("amount_fen", fen.to_le_bytes())
        .with("payment_code", code.map_or(0, |code| code.0).to_le_bytes())
        .call(Rpc::Reverse, key);
    // What is no id of ours names no authorisation.
    let original = original.ok_or(LedgerError::UnknownAuthorisation)?;
    let original = match (original, code) {
        (OriginalNamed::Key(key), Some(code)) => OriginalNamed::KeyOfCode { code, key },
        (original, _) => original,
    };
    Ok(ParsedReversal {
        account,
        call,
        operation: ReverseOperation {
            kind: GiveBack::Reversal,
            original,
            amount,
        },
    })
}

/// A payment code stands for the account, and names no payment without its key.
fn refuse_beside_code(fields: &mut Fields, account: &str, original: Option<&Original>) {
    if !account.is_empty() {
        fields.refuse(
            "account_id",
            "must be empty with a payment_code, which stands for it",
        );
    }
    if let Some(Original::AuthorisationId(_)) = original {
        let expected = "must be original_idempotency_key with a payment_code";
        fields.refuse("authorisation_id", expected);
    }
}

pub(super) fn parse_refund(
    request: &v1::RefundRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let amount = parse_amount(&mut fields, request.amount_fen);
    require_id(&mut fields, &request.authorisation_id);
    let whole = (|| Some((key?, account?, amount?)))();
    let (key, account, amount) = fields.finish(whole)?;
    let fen = amount.map_or(0, |amount| amount.fen().value());
    let call = Digests::new(party)
        .with("authorisation_id", &request.authorisation_id)
        .with("amount_fen", fen.to_le_bytes())
        .call(Rpc::Refund, key);
    let original = OriginalNamed::Id(named(&request.authorisation_id)?);
    Ok(Parsed {
        account,
        call,
        operation: ReverseOperation {
            kind: GiveBack::Refund,
            original,
            amount,
        },
    })
}

pub(super) fn parse_settle(
    request: &v1::SettleRequest,
    party: &Party<'_>,
) -> Result<(AccountId, Call, AuthorisationId), Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    require_id(&mut fields, &request.authorisation_id);
    let whole = (|| Some((key?, account?)))();
    let (key, account) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("authorisation_id", &request.authorisation_id)
        .call(Rpc::Settle, key);
    Ok((account, call, named(&request.authorisation_id)?))
}

fn require_id(fields: &mut Fields, id: &str) {
    if id.is_empty() {
        fields.refuse("authorisation_id", "must be given");
    }
}

/// What is no id of ours names no authorisation.
fn named(id: &str) -> Result<AuthorisationId, LedgerError> {
    AuthorisationId::parse(id).ok_or(LedgerError::UnknownAuthorisation)
}

/// Absent is all that remains. The outer None means malformed.
#[expect(
    clippy::option_option,
    reason = "absent and malformed are different things"
)]
fn parse_amount(fields: &mut Fields, amount_fen: Option<i64>) -> Option<Option<Amount>> {
    match amount_fen {
        None => Some(None),
        Some(fen) => fields.take("amount_fen", Amount::from_fen(fen)).map(Some), // D15
    }
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
    let outcome = if let Event::ReversedAhead(name) = &answered.event {
        Outcome::RecordedAhead(v1::RecordedAhead {
            original_idempotency_key: name.key.as_str().to_owned(),
        })
    } else {
        let decided = given_back(answered, GiveBack::Reversal)?;
        match &decided.outcome {
            Ok(given) => Outcome::Reversal(reversal(decided.original, given)),
            Err(refused) => Outcome::Refusal(refusal(refused)),
        }
    };
    Ok(v1::ReverseResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn refund_response(answered: &Answered) -> Result<v1::RefundResponse, Status> {
    use v1::refund_response::Outcome;
    let decided = given_back(answered, GiveBack::Refund)?;
    let outcome = match &decided.outcome {
        Ok(given) => Outcome::Refund(reversal(decided.original, given)),
        Err(refused) => Outcome::Refusal(refusal(refused)),
    };
    Ok(v1::RefundResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

fn given_back(answered: &Answered, kind: GiveBack) -> Result<&ReversalDecided, Status> {
    if let Event::ReversalDecided(decided) = &answered.event
        && decided.kind == kind
    {
        Ok(decided)
    } else {
        Err(status::internal("the stored decision gives nothing back"))
    }
}

pub(super) fn settle_response(answered: &Answered) -> Result<v1::SettleResponse, Status> {
    use v1::settle_response::Outcome;
    let Event::SettleDecided(decided) = &answered.event else {
        return Err(status::internal("the stored decision is not a settlement"));
    };
    let outcome = match &decided.outcome {
        Ok(settled) => Outcome::Settlement(v1::Settlement {
            authorisation_id: AuthorisationId::from_sequence(decided.original).to_string(),
            amount_fen: settled.principal.value(),
            fee_fen: settled.fee.value(),
            total_fen: settled.principal.plus(settled.fee).value(),
        }),
        Err(refused) => Outcome::Refusal(refusal(refused)),
    };
    Ok(v1::SettleResponse {
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
        balance_fen: given.balance_left.map(Fen::value),
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
