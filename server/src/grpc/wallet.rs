//! Payment codes, the balance and the region: from messages and back.

use tonic::Status;
use waika::v1;
use waika_domain::event::{Event, FundsKind, WalletRegion};
use waika_domain::identifiers::AccountId;
use waika_domain::money::Amount;
use waika_domain::rules::password::check_shape;

use super::asked::Client;
use super::card::no_randomness;
use super::parse::{Digests, Fields, Parsed};
use super::party::Party;
use super::payment::{Payer, parse_amount};
use super::{enums, outcome, status};
use crate::ledger::{Answered, Operation, PaymentCodeOperation, Rpc, Secret};
use crate::vault::{self, Vault};

pub(super) fn parse_code(
    request: v1::CreatePaymentCodeRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let password = Secret::new(request.payment_password);
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let payer = Payer {
        card: &request.card_token,
        funding: request.funding,
    };
    let funding = payer.parse_funding(&mut fields);
    fields.take("payment_password", check_shape(&password)); // R43
    let client = fields.client(request.client.as_ref().map(Client::from));
    let whole = (|| Some((key?, account?, funding?, client?)))();
    let (key, account, funding, client) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with_number("funding", i32::from(funding.card().is_none()))
        .with("card_token", &request.card_token)
        .call(Rpc::CreatePaymentCode, key);
    let operation = PaymentCodeOperation {
        funding,
        nonce: vault::random_bits().map_err(|_| no_randomness())?,
        client,
        password,
    };
    Ok(Parsed {
        account,
        call,
        operation: Operation::CreatePaymentCode(operation),
    })
}

pub(super) fn code_response(
    account: &AccountId,
    answered: &Answered,
    vault: &Vault,
) -> Result<v1::CreatePaymentCodeResponse, Status> {
    use v1::create_payment_code_response::Outcome;
    let Event::PaymentCodeDecided(decided) = &answered.event else {
        return Err(status::internal("the stored decision made no payment code"));
    };
    let outcome = match &decided.outcome {
        Ok(issued) => {
            let code = vault.payment_code(account, issued.nonce);
            Outcome::Code(v1::PaymentCode {
                payment_code: code.expose().to_owned(),
                expires_at: Some(outcome::timestamp(issued.expires_at)),
            })
        }
        Err(decline) => Outcome::Decline(outcome::decline(decline)),
    };
    Ok(v1::CreatePaymentCodeResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn parse_funds(
    request: &v1::ReceiveFundsRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let kind = v1::FundsKind::try_from(request.kind).ok();
    let kind = kind.and_then(enums::funds_kind);
    let kind = fields.require("kind", kind, "must be RED_PACKET or TRANSFER");
    let amount = parse_amount(&mut fields, request.amount_fen, &request.currency);
    let whole = (|| Some((key?, account?, kind?, amount?)))();
    let (key, account, kind, amount): (_, _, FundsKind, Amount) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with_number("kind", enums::to_funds_kind(kind).into())
        .with("amount_fen", request.amount_fen.to_le_bytes())
        .call(Rpc::ReceiveFunds, key);
    Ok(Parsed {
        account,
        call,
        operation: Operation::ReceiveFunds { kind, amount },
    })
}

pub(super) fn funds_response(answered: &Answered) -> Result<v1::ReceiveFundsResponse, Status> {
    use v1::receive_funds_response::Outcome;
    let Event::FundsReceived(received) = &answered.event else {
        return Err(status::internal("the stored decision is about no funds"));
    };
    let outcome = match &received.outcome {
        Ok(balance) => Outcome::Taken(v1::FundsTaken {
            balance_fen: balance.value(),
        }),
        Err(refused) => Outcome::Refusal(outcome::plain_refusal!(ReceiveRefusal, refused)),
    };
    Ok(v1::ReceiveFundsResponse {
        outcome: Some(outcome),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}

pub(super) fn parse_region(
    request: &v1::SwitchWalletRegionRequest,
    party: &Party<'_>,
) -> Result<Parsed, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let given = (request.wallet_region != 0).then_some(request.wallet_region);
    let given = fields.require("wallet_region", given, "must be given");
    let region = given.and_then(|region| fields.region(region));
    let whole = (|| Some((key?, account?, region?)))();
    let (key, account, region): (_, _, WalletRegion) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with_number("wallet_region", request.wallet_region)
        .call(Rpc::SwitchWalletRegion, key);
    Ok(Parsed {
        account,
        call,
        operation: Operation::SwitchRegion(region),
    })
}

pub(super) fn region_response(
    answered: &Answered,
) -> Result<v1::SwitchWalletRegionResponse, Status> {
    let Event::RegionSwitched(switched) = &answered.event else {
        return Err(status::internal("the stored decision switched no region"));
    };
    Ok(v1::SwitchWalletRegionResponse {
        wallet_region: enums::to_wallet_region(switched.region).into(),
        replayed: answered.replayed,
        decided_at: Some(outcome::timestamp(answered.at)),
    })
}
