//! The operator log, for operators.

use tonic::Status;
use waika::v1;
use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, TicketId};

use super::parse::Fields;
use super::{Desk, methods, outcome};
use crate::ledger::decode::Stored;
use crate::ledger::{ActionsAsked, Walked};
use crate::operator_log::Change;
use crate::page_token;
use crate::vault::Vault;

/// Actions on a page.
const LARGEST_PAGE: usize = 100;

/// A page of what operators did, newest first.
pub(super) async fn list(
    desk: &Desk,
    request: &v1::ListOperatorActionsRequest,
) -> Result<v1::ListOperatorActionsResponse, Status> {
    let ledger = desk.ledger()?;
    let asked = parse(request, ledger.vault())?;
    let Walked {
        found,
        next,
        pruned,
    } = ledger.operator_actions(desk.core, asked).await?;
    let vault = ledger.vault();
    let scope = (&*request.account_id, &*request.caller);
    let next = next.map(|next| page_token::seal_actions(vault, scope, next));
    Ok(v1::ListOperatorActionsResponse {
        actions: found
            .into_iter()
            .map(|(sequence, stored)| action(vault, sequence, stored))
            .collect(),
        next_page_token: next.unwrap_or_default(),
        pruned_before: pruned.map(|from| outcome::timestamp(from.at)),
    })
}

fn parse(request: &v1::ListOperatorActionsRequest, vault: &Vault) -> Result<ActionsAsked, Status> {
    let mut fields = Fields::default();
    let size = fields.page_size(request.page_size, LARGEST_PAGE);
    let account = fields.optional("account_id", &request.account_id, AccountId::parse);
    let scope = (&*request.account_id, &*request.caller);
    let begin = fields.optional("page_token", &request.page_token, |token| {
        page_token::parse_actions(vault, scope, token)
    });
    let caller = (!request.caller.is_empty()).then(|| request.caller.as_str().into());
    let whole = (|| {
        Some(ActionsAsked {
            size: size?,
            begin: begin?,
            account: account?,
            caller,
        })
    })();
    fields.finish(whole)
}

fn action(vault: &Vault, sequence: u64, stored: Stored) -> v1::OperatorAction {
    let subject = stored.event().map(subject).unwrap_or_default();
    let became = stored.event().map_or("", outcome_of);
    let call = stored.call.as_ref();
    let operated = stored
        .operated
        .map(|operated| *operated)
        .unwrap_or_default();
    v1::OperatorAction {
        action_id: page_token::seal_action(vault, sequence),
        acted_at: Some(outcome::timestamp(stored.at)),
        caller: call.map_or_else(String::new, |call| call.caller.to_string()),
        rpc: call
            .map_or("", |call| methods::path_of(call.rpc))
            .to_owned(),
        idempotency_key: call.map_or("", |call| call.key.as_str()).to_owned(),
        account_id: stored.account.into(),
        subject,
        outcome: became.to_owned(),
        changes: operated.changes.into_iter().map(change).collect(),
    }
}

fn change(change: Change) -> v1::OperatorChange {
    v1::OperatorChange {
        field: change.field.into_owned(),
        before: change.before,
        after: change.after,
    }
}

/// What an operator did something to, beside an account.
fn subject(event: &Event) -> String {
    match event {
        Event::MerchantPut(put) => put.id.to_string(),
        Event::CardStatusSet(set) => set.card.to_string(),
        Event::ReviewResolved(resolved) => {
            let ticket = resolved.ticket.as_ref();
            ticket.map_or_else(String::new, TicketId::to_string)
        }
        Event::RiskResolved(resolved) => resolved.ticket.id.to_string(),
        Event::PasswordTicketResolved(resolved) => resolved.ticket.id.to_string(),
        Event::PolicyPut(put) => put.name.to_string(),
        Event::PolicyActivated(activated) => activated.name.to_string(),
        Event::PolicyShadowed(shadowed) => shadowed.name.as_deref().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

/// What became of it, in a word, where that is not the same each time.
fn outcome_of(event: &Event) -> &'static str {
    let verdict = |approve, resolved| match (resolved, approve) {
        (false, _) => "UNRESOLVED",
        (true, true) => "APPROVED",
        (true, false) => "REJECTED",
    };
    match event {
        Event::ReviewResolved(done) => verdict(done.approve, done.resolved),
        Event::PasswordTicketResolved(done) => verdict(done.approve, done.resolved),
        Event::RiskResolved(done) if done.cleared => "CLEARED",
        Event::RiskResolved(_) => "UPHELD",
        Event::PasswordUnlocked(done) if done.was_locked => "UNLOCKED",
        Event::PasswordUnlocked(_) => "NOT_LOCKED",
        Event::AccountClosed(closed) => match &closed.outcome {
            Ok(_) => "CLOSED",
            Err(refused) => refused.reason.name(),
        },
        Event::ErasureBegun(begun) => match begun.outcome {
            Ok(()) => "BEGUN",
            Err(refused) => refused.reason.name(),
        },
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use waika_domain::event::{
        PasswordTicket, PasswordTicketResolved, PasswordTicketState, PasswordUnlocked, Review,
        ReviewResolved,
    };
    use waika_domain::identifiers::{CardToken, Fingerprint};
    use waika_domain::period::Timestamp;
    use waika_domain::risk::{RiskReason, RiskResolved, RiskTicket};

    const NOW: Timestamp = Timestamp::from_unix_ms(0);

    fn review(approve: bool, resolved: bool) -> Event {
        Event::ReviewResolved(ReviewResolved {
            approve,
            resolved,
            review: Review::Required,
            ticket: None,
        })
    }

    fn password_ticket(approve: bool, resolved: bool) -> Event {
        Event::PasswordTicketResolved(Box::new(PasswordTicketResolved {
            approve,
            resolved,
            ticket: PasswordTicket {
                id: TicketId::from_sequence(7),
                document: Fingerprint([6; 16]),
                matches: true,
                opened_at: NOW,
                state: PasswordTicketState::Open,
            },
        }))
    }

    fn risk(cleared: bool) -> Event {
        Event::RiskResolved(RiskResolved {
            ticket: RiskTicket {
                id: TicketId::from_sequence(7),
                card: CardToken::from_bits(1),
                reason: RiskReason::CardShared,
                opened_at: NOW,
            },
            cleared,
        })
    }

    fn unlock(was_locked: bool) -> Event {
        Event::PasswordUnlocked(PasswordUnlocked { was_locked })
    }

    #[test]
    fn what_became_of_it_is_one_word() {
        let ticket = "ticket_0000000000007";
        for (event, subject_, outcome) in [
            (review(true, true), "", "APPROVED"),
            (review(false, true), "", "REJECTED"),
            (review(true, false), "", "UNRESOLVED"),
            (password_ticket(true, true), ticket, "APPROVED"),
            (password_ticket(false, true), ticket, "REJECTED"),
            (password_ticket(true, false), ticket, "UNRESOLVED"),
            (risk(true), ticket, "CLEARED"),
            (risk(false), ticket, "UPHELD"),
            (unlock(true), "", "UNLOCKED"),
            (unlock(false), "", "NOT_LOCKED"),
        ] {
            assert_eq!(subject(&event), subject_, "{event:?}");
            assert_eq!(outcome_of(&event), outcome, "{event:?}");
        }
    }
}
