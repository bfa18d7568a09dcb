//! `SendPhoneCode`: its message, and its answer.

use tonic::Status;
use waika::v1;
use waika_domain::event::{Event, PhoneCodeDecided};
use waika_domain::identifiers::AccountId;
use waika_domain::refusal::Refused;
use waika_domain::rules::phone_code::{NOT_RECEIVED, normalise_phone};

use super::card::no_randomness;
use super::parse::{Digests, Fields};
use super::party::Party;
use super::{enums, outcome, status};
use crate::ledger::{Answered, Call, PhoneCodeOperation, Rpc, Secret};
use crate::sandbox;
use crate::vault::{self, Vault};

/// A code that was asked for, to a phone that can be dialled.
pub(super) struct Parsed {
    pub(super) account: AccountId,
    pub(super) call: Call,
    /// With the sandbox's word on whether it can be delivered.
    pub(super) operation: PhoneCodeOperation,
    pub(super) phone: Secret,
}

pub(super) fn parse(
    request: v1::SendPhoneCodeRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let given = Secret::new(request.phone_number);
    let phone = fields.take("phone_number", normalise_phone(&given));
    let region = fields.region(request.wallet_region);
    let whole = (|| Some((key?, account?, phone?, region?)))();
    let (key, account, phone, region) = fields.finish(whole)?;
    let phone = Secret::new(phone);
    let call = Digests::new(party)
        .with("phone_number", &*phone)
        .with_number("wallet_region", enums::to_wallet_region(region).into())
        .call(Rpc::SendPhoneCode, key);
    let operation = PhoneCodeOperation {
        region,
        phones: party.vault.live().phone(&phone),
        nonce: vault::random_bits().map_err(|_| no_randomness())?,
        deliverable: sandbox::sms_is_deliverable(&phone),
    };
    Ok(Parsed {
        account,
        call,
        operation,
        phone,
    })
}

/// The answer; the sandbox, which sends nothing, shows the code in it (D8).
pub(super) fn response(
    account: &AccountId,
    answered: &Answered,
    shown_by: Option<&Vault>,
) -> Result<v1::SendPhoneCodeResponse, Status> {
    let Event::PhoneCode(decided) = &answered.event else {
        return Err(status::internal(
            "the stored decision is not about a phone code",
        ));
    };
    let PhoneCodeDecided { phone, outcome, .. } = decided;
    let outcome = match outcome {
        Ok(sent) => {
            let shown = shown_by.map(|vault| {
                let code = vault.phone_code(account, *phone, sent.nonce);
                code.expose().to_owned()
            });
            v1::send_phone_code_response::Outcome::Sent(v1::PhoneCodeSent {
                resend_at: Some(outcome::timestamp(sent.resend_at)),
                expires_at: Some(outcome::timestamp(sent.expires_at)),
                sandbox_code: shown.unwrap_or_default(),
                if_not_received: Some(outcome::text(NOT_RECEIVED)),
            })
        }
        Err(Refused { reason, evidence }) => {
            v1::send_phone_code_response::Outcome::Refusal(v1::PhoneCodeRefusal {
                reason: reason.number(),
                text: Some(outcome::text(reason.text())),
                resend_at: evidence.resets_at().map(outcome::timestamp),
                retry: enums::to_retry(reason.usual_retry()).into(),
            })
        }
    };
    Ok(v1::SendPhoneCodeResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}
