//! The calls of errands that are not payments: built and read with the generated types, for they
//! are few, and nothing here is in the way of what is measured.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;
use prost_types::Timestamp;
use waika::v1;
use waika::v1::{
    bind_response, create_payment_code_response, refund_response, reverse_response,
    send_phone_code_response, settle_response, unbind_response,
};

use crate::enrol::bind_request;
use crate::errand::Rpc;
use crate::journey::{Got, Journey};
use crate::oracle::Reversed;
use crate::outcome::Outcome;
use crate::person::{self, Person};
use crate::population::{Payer, Population};
use crate::wire::{PREFIX, key_text};

/// What the calls of a run have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SideCalls {
    /// The seed that people are functions of.
    pub(crate) seed: u64,
    /// Sets this run's keys, cards and phones apart from those of other runs.
    pub(crate) run_id: u64,
    /// The year that expiry dates count from.
    pub(crate) year: i32,
}

/// What an answer gave besides its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gave {
    /// Nothing that has to be checked.
    Nothing {
        /// When that was decided, in seconds since 1970; 0 if it does not say.
        decided_at_s: i64,
    },
    /// Money back.
    Back(Reversed),
}

impl SideCalls {
    /// The framed message of a call of this errand; `None` if what it needs is not there.
    pub(crate) fn message(
        &self,
        rpc: Rpc,
        journey: &Journey,
        index: u64,
        population: &Population,
    ) -> Option<Bytes> {
        let payer = population.payer(journey.request.account)?;
        let key = key_text(self.run_id, journey.request.key);
        Some(match rpc {
            Rpc::Authorise => return None,
            Rpc::CreatePaymentCode => framed(&create_code(key, payer)),
            Rpc::Reverse => framed(&self.reverse(journey, payer)?),
            Rpc::Settle => framed(&v1::SettleRequest {
                idempotency_key: key,
                account_id: payer.account_id.to_string(),
                authorisation_id: journey.got.authorisation_id.clone()?,
            }),
            Rpc::Refund => framed(&v1::RefundRequest {
                idempotency_key: key,
                account_id: payer.account_id.to_string(),
                authorisation_id: journey.got.authorisation_id.clone()?,
                amount_fen: Some(back_fen(journey)?),
            }),
            Rpc::SendPhoneCode => framed(&v1::SendPhoneCodeRequest {
                idempotency_key: key,
                account_id: payer.account_id.to_string(),
                phone_number: self.second_phone(index),
                wallet_region: v1::WalletRegion::Mainland.into(),
            }),
            Rpc::Bind => framed(&self.bind(key, journey, index, payer)?),
            Rpc::Unbind => framed(&v1::UnbindRequest {
                idempotency_key: key,
                account_id: payer.account_id.to_string(),
                card_token: journey.got.card_token.clone()?,
                payment_password: password_text(payer),
            }),
        })
    }

    /// Names the payment by its key, so that the same request can be made again from its index
    /// alone.
    pub(crate) fn reverse(&self, journey: &Journey, payer: &Payer) -> Option<v1::ReverseRequest> {
        let key = key_text(self.run_id, journey.request.key);
        Some(v1::ReverseRequest {
            idempotency_key: key.clone(),
            account_id: payer.account_id.to_string(),
            original: Some(v1::reverse_request::Original::OriginalIdempotencyKey(key)),
            amount_fen: Some(back_fen(journey)?),
            payment_code: String::new(),
        })
    }

    fn bind(
        &self,
        key: String,
        journey: &Journey,
        index: u64,
        payer: &Payer,
    ) -> Option<v1::BindRequest> {
        let person = Person {
            card: person::second_card(self.seed, self.run_id, index),
            phone_number: self.second_phone(index),
            ..person::person(self.seed, payer.person)
        };
        let code = journey.got.phone_code.clone()?;
        Some(bind_request(&person, self.year, key, code))
    }

    fn second_phone(&self, index: u64) -> String {
        person::second_phone(self.run_id, index)
    }
}

/// What an answer to `rpc` says, and what it gives to the errand; `None` if it is no answer to it.
pub(crate) fn read(rpc: Rpc, message: &[u8], got: &mut Got) -> Option<(Outcome, Gave)> {
    match rpc {
        Rpc::Authorise => None,
        Rpc::CreatePaymentCode => read_code(message, got),
        Rpc::Reverse => read_reversal(message),
        Rpc::Settle => read_settlement(message),
        Rpc::Refund => read_refund(message),
        Rpc::SendPhoneCode => read_phone_code(message, got),
        Rpc::Bind => read_bind(message, got),
        Rpc::Unbind => read_unbind(message),
    }
}

/// Done or refused, at an instant, for the first time or again.
fn ended(
    refused: Option<(Rpc, i32)>,
    replayed: bool,
    decided_at: Option<Timestamp>,
) -> (Outcome, Gave) {
    let decided_at_s = decided_at.map_or(0, |at| at.seconds);
    let outcome = match refused {
        Some((rpc, reason)) => Outcome::Refused(rpc, reason),
        None => done(replayed),
    };
    (outcome, Gave::Nothing { decided_at_s })
}

fn done(replayed: bool) -> Outcome {
    if replayed {
        Outcome::Replayed
    } else {
        Outcome::Done
    }
}

fn read_code(message: &[u8], got: &mut Got) -> Option<(Outcome, Gave)> {
    let answer = v1::CreatePaymentCodeResponse::decode(message).ok()?;
    let refused = match answer.outcome? {
        create_payment_code_response::Outcome::Code(code) => {
            got.payment_code = Some(code.payment_code);
            None
        }
        create_payment_code_response::Outcome::Decline(decline) => {
            Some((Rpc::CreatePaymentCode, decline.reason))
        }
    };
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn read_reversal(message: &[u8]) -> Option<(Outcome, Gave)> {
    let answer = v1::ReverseResponse::decode(message).ok()?;
    let reason = match answer.outcome? {
        reverse_response::Outcome::Reversal(reversal) => {
            let back = back(&reversal, answer.decided_at, answer.replayed);
            return Some((done(answer.replayed), Gave::Back(back)));
        }
        reverse_response::Outcome::Refusal(refusal) => refusal.reason,
        // It follows a payment that was approved: the server has forgotten that.
        reverse_response::Outcome::RecordedAhead(_) => 0,
    };
    let refused = Some((Rpc::Reverse, reason));
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn read_settlement(message: &[u8]) -> Option<(Outcome, Gave)> {
    let answer = v1::SettleResponse::decode(message).ok()?;
    let refused = match answer.outcome? {
        settle_response::Outcome::Settlement(_) => None,
        settle_response::Outcome::Refusal(refusal) => Some((Rpc::Settle, refusal.reason)),
    };
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn read_refund(message: &[u8]) -> Option<(Outcome, Gave)> {
    let answer = v1::RefundResponse::decode(message).ok()?;
    Some(match answer.outcome? {
        refund_response::Outcome::Refund(refund) => {
            let back = back(&refund, answer.decided_at, answer.replayed);
            (done(answer.replayed), Gave::Back(back))
        }
        refund_response::Outcome::Refusal(refusal) => {
            let refused = Some((Rpc::Refund, refusal.reason));
            ended(refused, answer.replayed, answer.decided_at)
        }
    })
}

fn read_phone_code(message: &[u8], got: &mut Got) -> Option<(Outcome, Gave)> {
    let answer = v1::SendPhoneCodeResponse::decode(message).ok()?;
    let refused = match answer.outcome? {
        send_phone_code_response::Outcome::Sent(sent) => {
            got.phone_code = Some(sent.sandbox_code);
            None
        }
        send_phone_code_response::Outcome::Refusal(refusal) => {
            Some((Rpc::SendPhoneCode, refusal.reason))
        }
    };
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn read_bind(message: &[u8], got: &mut Got) -> Option<(Outcome, Gave)> {
    let answer = v1::BindResponse::decode(message).ok()?;
    let refused = match answer.outcome? {
        bind_response::Outcome::Card(card) => {
            got.card_token = Some(card.card_token);
            None
        }
        bind_response::Outcome::Refusal(refusal) => Some((Rpc::Bind, refusal.reason)),
    };
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn read_unbind(message: &[u8]) -> Option<(Outcome, Gave)> {
    let answer = v1::UnbindResponse::decode(message).ok()?;
    let refused = match answer.outcome? {
        unbind_response::Outcome::Unbound(_) => None,
        unbind_response::Outcome::Refusal(refusal) => Some((Rpc::Unbind, refusal.reason)),
    };
    Some(ended(refused, answer.replayed, answer.decided_at))
}

fn back(reversal: &v1::Reversal, decided_at: Option<Timestamp>, replayed: bool) -> Reversed {
    Reversed {
        amount_fen: reversal.amount_fen,
        fee_fen: reversal.fee_fen,
        total_fen: reversal.total_fen,
        remaining_fen: reversal.remaining_fen,
        month_restored: reversal.month_restored,
        year_restored: reversal.year_restored,
        decided_at_s: decided_at.map_or(0, |at| at.seconds),
        replayed,
    }
}

fn back_fen(journey: &Journey) -> Option<i64> {
    i64::try_from(journey.request.errand.back_fen()?).ok()
}

fn create_code(key: String, payer: &Payer) -> v1::CreatePaymentCodeRequest {
    v1::CreatePaymentCodeRequest {
        idempotency_key: key,
        account_id: payer.account_id.to_string(),
        card_token: payer.card_token.to_string(),
        payment_password: password_text(payer),
        ..v1::CreatePaymentCodeRequest::default()
    }
}

fn password_text(payer: &Payer) -> String {
    String::from_utf8_lossy(&payer.password).into_owned()
}

/// A message with gRPC's prefix.
fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut buffer = BytesMut::with_capacity(PREFIX + length);
    buffer.put_u8(0);
    buffer.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // The buffer has room, which is the only way to fail.
    let _ = message.encode(&mut buffer);
    buffer.freeze()
}

#[cfg(test)]
mod tests;
