//! Resetting a payment password, and its tickets: from messages and back.

use tonic::Status;
use waika::v1;
use waika::v1::reset_password_request::Proof as WireProof;
use waika_domain::event::{Event, PasswordTicket, PasswordTicketState, ResetStep};
use waika_domain::identifiers::{AccountId, CardToken, TicketId};
use waika_domain::rules::phone_code::{check_shape, normalise_phone};
use waika_domain::rules::reset::{CardProof, Proof};

use super::bind::{parse_card, parse_identity};
use super::parse::{Digests, Fields, Parsed};
use super::party::Party;
use super::password::parse_new;
use super::{enums, outcome, status};
use crate::ledger::{Answered, Operation, ResetOperation, Rpc, Secret};
use crate::vault::Vault;

pub(super) fn parse(
    request: v1::ResetPasswordRequest,
    party: &Party<'_>,
    allow_live_pan: bool,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let new = parse_new(
        &mut fields,
        request.new_password,
        request.new_password_again,
    );
    let given = fields.require("proof", request.proof, "must be identity or card");
    let proof = given.and_then(|proof| match proof {
        WireProof::Identity(identity) => parse_document(&mut fields, identity, party.vault),
        WireProof::Card(card) => parse_card_proof(&mut fields, card, party.vault, allow_live_pan),
    });
    let whole = (|| Some((key?, account?, proof?)))();
    let (key, account, (proof, phone_code)) = fields.finish(whole)?;
    let digests = Digests::new(party);
    let call = match &proof {
        // What proves who asks is as secret as a password here: whoever knew a key that was used
        // could find out by it, uncounted, which of the details are right.
        Proof::Identity { .. } => digests.with("identity", []),
        Proof::Card(card) => digests.with("card.card_token", card.card.bits().to_le_bytes()),
    };
    let operation = ResetOperation {
        proof,
        phone_code,
        new: new?,
    };
    Ok(Parsed {
        account,
        call: call.call(Rpc::ResetPassword, key),
        operation: Operation::ResetPassword(Box::new(operation)),
    })
}

fn parse_document(
    fields: &mut Fields,
    identity: v1::IdentityDocument,
    vault: &Vault,
) -> Option<(Proof, Secret)> {
    let identity = parse_identity(fields, Some(identity))?;
    let (document, country) = (identity.document, identity.issuing_country);
    let document = vault.live().document(document, country, &identity.number);
    Some((Proof::Identity { document }, Secret::default()))
}

fn parse_card_proof(
    fields: &mut Fields,
    proof: v1::BoundCardProof,
    vault: &Vault,
    allow_live_pan: bool,
) -> Option<(Proof, Secret)> {
    let phone_code = Secret::new(proof.phone_code);
    let token = fields.take("card.card_token", CardToken::parse(&proof.card_token));
    let card = fields.within("card", |fields| {
        parse_card(fields, proof.card, allow_live_pan)
    });
    let phone = normalise_phone(&proof.phone_number);
    let phone = fields.take("card.phone_number", phone);
    fields.take("card.phone_code", check_shape(&phone_code))?; // D8
    let card = card?;
    let live = vault.live();
    let phones = live.phone(&phone?);
    let proof = CardProof {
        card: token?,
        number: live.card(card.pan.expose()),
        scheme: card.chosen_scheme,
        expiry: card.expiry,
        phones,
        // By which of them it is known, and whether the code is right, is found under the account's lock.
        phone: phones.active(),
        phone_code_matches: false,
    };
    Some((Proof::Card(proof), phone_code))
}

pub(super) fn response(
    account: &AccountId,
    answered: &Answered,
) -> Result<v1::ResetPasswordResponse, Status> {
    use v1::reset_password_response::Outcome;
    let Event::PasswordResetDecided(decided) = &answered.event else {
        return Err(status::internal("the stored decision reset no password"));
    };
    let outcome = match &decided.outcome {
        Ok(ResetStep::Reset(_)) => Outcome::Reset(v1::PasswordSet {}),
        Ok(ResetStep::TicketOpened { .. }) => Outcome::Ticket(v1::PasswordTicket {
            ticket_id: TicketId::from_sequence(answered.sequence).to_string(),
            account_id: account.to_string(),
            state: enums::to_password_ticket_state(PasswordTicketState::Open).into(),
            opened_at: Some(outcome::timestamp(answered.at)),
            identity_matches: None,
        }),
        Err(refused) => Outcome::Refusal(outcome::refusal!(ResetRefusal, refused)),
    };
    Ok(v1::ResetPasswordResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

/// A ticket as operators see it.
pub(super) fn ticket(account: &AccountId, ticket: &PasswordTicket) -> v1::PasswordTicket {
    v1::PasswordTicket {
        ticket_id: ticket.id.to_string(),
        account_id: account.to_string(),
        state: enums::to_password_ticket_state(ticket.state).into(),
        opened_at: Some(outcome::timestamp(ticket.opened_at)),
        identity_matches: Some(ticket.matches),
    }
}
