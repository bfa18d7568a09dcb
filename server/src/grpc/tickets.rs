//! Operators' tickets of passwords and reviews: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::Malformed;
use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, TicketId};

use super::parse::{Digests, Fields, Parsed};
use super::party::Party;
use super::{outcome, reset, status};
use crate::ledger::{Answered, Operation, PendingReview, Rpc};

/// Tickets on a page.
const LARGEST_PAGE: usize = 1_000;
const BAD_TOKEN: Malformed = Malformed::new("must be a page token as the page before gave it");

/// Where a page of tickets begins, and how long it is.
pub(super) fn parse_page(
    page_size: i32,
    page_token: &str,
) -> Result<(usize, Option<TicketId>), Status> {
    let mut fields = Fields::default();
    let size = fields.page_size(page_size, LARGEST_PAGE);
    let after = fields.optional("page_token", page_token, |token| {
        TicketId::parse(token).map_err(|_| BAD_TOKEN)
    });
    let whole = (|| Some((size?, after?)))();
    fields.finish(whole)
}

pub(super) fn next_token(next: Option<TicketId>) -> String {
    next.map(|next| next.to_string()).unwrap_or_default()
}

pub(super) fn review(pending: &PendingReview) -> v1::PendingReview {
    v1::PendingReview {
        account_id: pending.account.to_string(),
        submitted_at: Some(outcome::timestamp(pending.review.submitted_at)),
        face_failures: i32::try_from(pending.face_failures).unwrap_or(i32::MAX),
    }
}

pub(super) fn parse_review(
    request: &v1::ResolveReviewRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let approve = match request.verdict() {
        v1::ReviewVerdict::Unspecified => None,
        v1::ReviewVerdict::Approve => Some(true),
        v1::ReviewVerdict::Reject => Some(false),
    };
    let approve = fields.require("verdict", approve, "must be APPROVE or REJECT");
    let whole = (|| Some((key?, account?, approve?)))();
    let (key, account, approve) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with_number("verdict", request.verdict)
        .call(Rpc::ResolveReview, key);
    Ok(Parsed {
        account,
        call,
        operation: Operation::ResolveReview { approve },
    })
}

pub(super) fn parse_verdict(
    request: &v1::ResolvePasswordTicketRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let ticket = fields.take("ticket_id", TicketId::parse(&request.ticket_id));
    let approve = match request.verdict() {
        v1::PasswordTicketVerdict::Unspecified => None,
        v1::PasswordTicketVerdict::Approve => Some(true),
        v1::PasswordTicketVerdict::Reject => Some(false),
    };
    let approve = fields.require("verdict", approve, "must be APPROVE or REJECT");
    let whole = (|| Some((key?, account?, ticket?, approve?)))();
    let (key, account, ticket, approve) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("ticket_id", &request.ticket_id)
        .with_number("verdict", request.verdict)
        .call(Rpc::ResolvePasswordTicket, key);
    Ok(Parsed {
        account,
        call,
        operation: Operation::ResolvePasswordTicket { ticket, approve },
    })
}

pub(super) fn verdict_response(
    account: &AccountId,
    answered: &Answered,
) -> Result<v1::ResolvePasswordTicketResponse, Status> {
    let Event::PasswordTicketResolved(resolved) = &answered.event else {
        return Err(status::internal("the stored decision resolved no ticket"));
    };
    Ok(v1::ResolvePasswordTicketResponse {
        resolved: resolved.resolved,
        ticket: Some(reset::ticket(account, &resolved.ticket)),
        replayed: answered.replayed,
    })
}

pub(super) fn parse_unlock(
    request: &v1::UnlockPasswordRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let named = (&*request.idempotency_key, &*request.account_id);
    Parsed::of_an_account(
        named,
        (Rpc::UnlockPassword, Operation::UnlockPassword),
        party,
    )
}

pub(super) fn unlock_response(answered: &Answered) -> Result<v1::UnlockPasswordResponse, Status> {
    let Event::PasswordUnlocked(unlocked) = &answered.event else {
        return Err(status::internal("the stored decision unlocked no password"));
    };
    Ok(v1::UnlockPasswordResponse {
        was_locked: unlocked.was_locked,
        replayed: answered.replayed,
    })
}
