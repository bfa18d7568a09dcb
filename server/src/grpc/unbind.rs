//! Unbinding: from messages and back.

use tonic::Status;
use waika::v1;
use waika::v1::unbind_response::Outcome;
use waika_domain::event::Event;
use waika_domain::identifiers::{AccountId, CardToken};
use waika_domain::rules;

use super::parse::{Digests, Fields};
use super::party::Party;
use super::{outcome, status};
use crate::ledger::{Answered, Call, Rpc, Secret, UnbindOperation};

/// An unbind that was asked for.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) operation: UnbindOperation,
}

pub(super) fn parse(request: v1::UnbindRequest, party: &Party<'_>) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let card = fields.take("card_token", CardToken::parse(&request.card_token));
    fields.take("payment_password", rules::password::check_shape(&password)); // R43
    let whole = (|| Some((key?, account?, card?)))();
    let (key, account, card) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("card_token", &request.card_token)
        .call(Rpc::Unbind, key);
    Ok(Parsed {
        account,
        call,
        operation: UnbindOperation { card, password },
    })
}

pub(super) fn response(answered: &Answered) -> Result<v1::UnbindResponse, Status> {
    let Event::UnbindDecided(decided) = &answered.event else {
        return Err(status::internal(
            "the stored decision is not about an unbind",
        ));
    };
    let outcome = match &decided.outcome {
        Ok(_) => Outcome::Unbound(v1::UnboundCard {
            card_token: decided.card.to_string(),
        }),
        Err(refused) => Outcome::Refusal(outcome::refusal!(UnbindRefusal, refused)),
    };
    Ok(v1::UnbindResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}
