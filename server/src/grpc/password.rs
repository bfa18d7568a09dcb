//! Verifying and changing a payment password: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;
use waika_domain::rules::password::{Intent, check_shape};

use super::card::no_randomness;
use super::parse::{Digests, Fields, Parsed};
use super::party::Party;
use super::payment::{Payer, parse_amount};
use super::{outcome, status};
use crate::ledger::{
    Answered, ChangeOperation, NewSecret, Operation, Rpc, Secret, VerifyOperation,
};
use crate::payment_token::{self, TokenTerms};
use crate::vault::{self, Vault};

pub(super) fn parse_verify(
    request: v1::VerifyPasswordRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    fields.take("payment_password", check_shape(&password)); // R43
    let amount = parse_amount(&mut fields, request.amount_fen, "");
    let payer = Payer {
        card: &request.card_token,
        funding: request.funding,
    };
    let funding = payer.parse_funding(&mut fields);
    let whole = (|| Some((key?, account?, amount?, funding?)))();
    let (key, account, amount, funding) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("amount_fen", request.amount_fen.to_le_bytes())
        .with_number("funding", i32::from(funding.card().is_none()))
        .with("card_token", &request.card_token)
        .call(Rpc::VerifyPassword, key);
    let nonce = vault::random_bits().map_err(|_| no_randomness())?;
    let intent = Intent {
        funding,
        amount,
        nonce,
    };
    Ok(Parsed {
        account,
        call,
        operation: Operation::VerifyPassword(VerifyOperation { intent, password }),
    })
}

/// The token follows from what was stored and from the password as it is now: once that was
/// changed, a replay gives a token that is void, as the first one is by then.
pub(super) fn verify_response(
    parsed: (&AccountId, &str),
    answered: &Answered,
    vault: &Vault,
    password: &waika_domain::event::PasswordVerifier,
) -> Result<v1::VerifyPasswordResponse, Status> {
    use v1::verify_password_response::Outcome;
    let Event::PasswordVerified(verified) = &answered.event else {
        return Err(status::internal("the stored decision verified no password"));
    };
    let (account, caller) = parsed;
    let outcome = match &verified.outcome {
        Ok(minted) => {
            let terms = TokenTerms {
                caller,
                account,
                funding: verified.funding,
                amount: verified.amount,
                password,
            };
            Outcome::Token(v1::PaymentToken {
                payment_token: payment_token::seal(vault, &terms, minted.nonce),
                expires_at: Some(outcome::timestamp(minted.expires_at)),
            })
        }
        Err(refused) => Outcome::Refusal(outcome::refusal!(PasswordRefusal, refused)),
    };
    Ok(v1::VerifyPasswordResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn parse_change(
    request: v1::ChangePasswordRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let old = Secret::new(request.old_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    fields.take("old_password", check_shape(&old)); // R43
    let new = parse_new(
        &mut fields,
        request.new_password,
        request.new_password_again,
    );
    let whole = (|| Some((key?, account?)))();
    let (key, account) = fields.finish(whole)?;
    Ok(Parsed {
        account,
        // Nothing of it is compared: it is all secret (D18).
        call: Digests::new(party).call(Rpc::ChangePassword, key),
        operation: Operation::ChangePassword(ChangeOperation { old, new: new? }),
    })
}

/// A new password, given twice; whether it is the same both times is a rung, not a shape.
pub(super) fn parse_new(
    fields: &mut Fields,
    password: String,
    again: String,
) -> Result<NewSecret, Status> {
    let (password, again) = (Secret::new(password), Secret::new(again));
    fields.take("new_password", check_shape(&password)); // R43
    fields.take("new_password_again", check_shape(&again));
    let salt = vault::random_salt().map_err(|_| no_randomness())?;
    Ok(NewSecret {
        agree: password == again,
        password,
        salt,
    })
}

pub(super) fn change_response(answered: &Answered) -> Result<v1::ChangePasswordResponse, Status> {
    use v1::change_password_response::Outcome;
    let Event::PasswordChanged(changed) = &answered.event else {
        return Err(status::internal("the stored decision changed no password"));
    };
    let outcome = match &changed.outcome {
        Ok(_) => Outcome::Changed(v1::PasswordSet {}),
        Err(refused) => Outcome::Refusal(outcome::refusal!(PasswordRefusal, refused)),
    };
    Ok(v1::ChangePasswordResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}
