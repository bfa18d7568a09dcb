//! The end of an account: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::decline::Evidence;
use waika_domain::event::{Closure, Event};
use waika_domain::identifiers::AccountId;
use waika_domain::period::Timestamp;

use super::parse::{Fields, Parsed};
use super::party::Party;
use super::{outcome, status};
use crate::ledger::{Answered, Operation, Rpc};

pub(super) fn parse_close(
    request: &v1::CloseAccountRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let named = (&*request.idempotency_key, &*request.account_id);
    Parsed::of_an_account(named, (Rpc::CloseAccount, Operation::CloseAccount), party)
}

pub(super) fn parse_erase(
    request: &v1::EraseAccountRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let named = (&*request.idempotency_key, &*request.account_id);
    Parsed::of_an_account(named, (Rpc::EraseAccount, Operation::EraseAccount), party)
}

pub(super) fn parse_closure(request: &v1::GetClosureRequest) -> Result<AccountId, Status> {
    let mut fields = Fields::default();
    let account = fields.account(&request.account_id);
    fields.finish(account)
}

pub(super) fn close_response(answered: &Answered) -> Result<v1::CloseAccountResponse, Status> {
    use v1::close_account_response::Outcome;
    let Event::AccountClosed(closed) = &answered.event else {
        return Err(status::internal("the stored decision closed no account"));
    };
    let outcome = match &closed.outcome {
        Ok(unbound) => Outcome::Closed(v1::AccountClosed {
            cards_unbound: i32::try_from(unbound.len()).unwrap_or(i32::MAX),
        }),
        Err(refused) => Outcome::Refusal(outcome::plain_refusal!(ClosingRefusal, refused)),
    };
    Ok(v1::CloseAccountResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn erase_response(answered: &Answered) -> Result<v1::EraseAccountResponse, Status> {
    use v1::erase_account_response::Outcome;
    let Event::ErasureBegun(begun) = &answered.event else {
        return Err(status::internal("the stored decision began no erasure"));
    };
    let outcome = match &begun.outcome {
        Ok(()) => Outcome::Begun(v1::ErasureBegun {}),
        Err(refused) => {
            let (reason, until) = (refused.reason, refused.evidence);
            let until = if let Evidence::Until(at) = until {
                Some(outcome::timestamp(at))
            } else {
                None
            };
            Outcome::Refusal(v1::ErasureRefusal {
                reason: reason.number(),
                layer: super::enums::to_layer(reason.layer()).into(),
                retry: super::enums::to_retry(reason.usual_retry()).into(),
                text: Some(outcome::text(reason.text())),
                resets_at: until,
            })
        }
    };
    Ok(v1::EraseAccountResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn closure_response(known: Option<(Closure, Timestamp)>) -> v1::GetClosureResponse {
    let closure = known.map(|(closure, erasable_from)| v1::Closure {
        closed_at: Some(outcome::timestamp(closure.closed_at)),
        erasable_from: Some(outcome::timestamp(erasable_from)),
        erasure_begun_at: closure.erasure_begun_at().map(outcome::timestamp),
        erased_at: closure.erased_at().map(outcome::timestamp),
    });
    v1::GetClosureResponse { closure }
}
