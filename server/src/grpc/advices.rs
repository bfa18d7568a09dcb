//! What issuers are owed, for operators.

use tonic::Status;
use waika::v1;
use waika_domain::event::{Owed, OwedKind};
use waika_domain::identifiers::{AuthorisationId, TicketId};
use waika_domain::period::Timestamp;

use super::{Desk, enums, outcome, tickets};
use crate::clock;
use crate::owed::{Listed, OwedAdvice};

/// A page of what is owed, oldest first.
pub(super) async fn list(
    desk: &Desk,
    request: &v1::ListOwedAdvicesRequest,
) -> Result<v1::ListOwedAdvicesResponse, Status> {
    let ledger = desk.ledger()?;
    let (size, after) = tickets::parse_page(request.page_size, &request.page_token)?;
    let after = after.map_or(0, TicketId::sequence);
    let (mut listed, total) = ledger.owed_advices(desk.core, after, size + 1).await?;
    let has_more = listed.len() > size;
    listed.truncate(size);
    let last = listed.last().filter(|_| has_more);
    let next = last.map(|last| TicketId::from_sequence(last.sequence));
    let now = clock::machine();
    Ok(v1::ListOwedAdvicesResponse {
        advices: listed.iter().map(|listed| advice(listed, now)).collect(),
        next_page_token: tickets::next_token(next),
        total_size: i64::try_from(total).unwrap_or(i64::MAX),
    })
}

/// `now` is the machine's time, by which advices are sent, whatever the sandbox's clock shows.
fn advice(listed: &Listed, now: Timestamp) -> v1::OwedAdvice {
    let OwedAdvice {
        owed,
        account,
        since,
    } = &*listed.advice;
    let Owed {
        kind,
        transaction,
        amount,
        original,
        ..
    } = owed;
    let decided_by = match kind {
        OwedKind::NoAnswer | OwedKind::StandIn(_) => Some(listed.sequence),
        OwedKind::Reversal | OwedKind::Refund => *original,
        OwedKind::Verification => None,
    };
    let advice_id = match kind {
        OwedKind::StandIn(_) => String::new(),
        OwedKind::NoAnswer | OwedKind::Reversal | OwedKind::Refund | OwedKind::Verification => {
            listed.advice.name(listed.sequence)
        }
    };
    let kind = match kind {
        OwedKind::NoAnswer => v1::OwedAdviceKind::NoAnswer,
        OwedKind::Reversal => v1::OwedAdviceKind::Reversal,
        OwedKind::Refund => v1::OwedAdviceKind::Refund,
        OwedKind::Verification => v1::OwedAdviceKind::Verification,
        OwedKind::StandIn(_) => v1::OwedAdviceKind::StandIn,
    };
    let wait = i64::try_from(listed.next_in.as_millis()).unwrap_or(i64::MAX);
    let next = now.unix_ms().saturating_add(wait);
    v1::OwedAdvice {
        kind: kind.into(),
        transaction_id: transaction.id.to_string(),
        account_id: account.to_string(),
        amount_fen: amount.value(),
        scheme: enums::to_scheme(transaction.scheme).into(),
        owed_since: Some(outcome::timestamp(*since)),
        attempts: listed.attempts.into(),
        next_attempt_at: Some(outcome::timestamp(Timestamp::from_unix_ms(next))),
        last_error: listed.last_error.as_deref().unwrap_or_default().to_owned(),
        advice_id,
        authorisation_id: decided_by.map_or_else(String::new, |sequence| {
            AuthorisationId::from_sequence(sequence).to_string()
        }),
    }
}
