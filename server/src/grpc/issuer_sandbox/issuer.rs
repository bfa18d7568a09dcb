//! From what the issuer says to its messages.

use tonic::Status;
use waika::v1;
use waika_domain::card::IssuerCardReference;

use crate::grpc::status as statuses;
use crate::issuer_sandbox::{AdviceTaken, Answer, NoAnswer, State, Transaction};

pub(super) fn payment(
    asked: String,
    answer: Result<Answer, NoAnswer>,
) -> Result<v1::AuthorisePaymentResponse, Status> {
    let answer = answer.map_err(no_answer)?;
    Ok(v1::AuthorisePaymentResponse {
        transaction_id: named(asked, &answer),
        response_code: answer.response_code,
        approval_code: answer.approval_code,
        amount_fen: answer.amount_fen,
    })
}

pub(super) fn verification(
    asked: String,
    answer: Result<(Answer, Option<IssuerCardReference>), NoAnswer>,
) -> Result<v1::VerifyCardResponse, Status> {
    let (answer, reference) = answer.map_err(no_answer)?;
    Ok(v1::VerifyCardResponse {
        transaction_id: named(asked, &answer),
        response_code: answer.response_code,
        card_reference: reference
            .map(|reference| reference.0.into())
            .unwrap_or_default(),
        amount_fen: answer.amount_fen,
    })
}

pub(super) fn reversal(
    reversal_id: String,
    given: Result<Result<i64, AdviceTaken>, NoAnswer>,
) -> Result<v1::ReversePaymentResponse, Status> {
    match given.map_err(no_answer)? {
        Ok(amount_fen) => Ok(v1::ReversePaymentResponse {
            reversal_id,
            amount_fen,
        }),
        Err(AdviceTaken) => Err(statuses::advice_taken()),
    }
}

pub(super) fn status(
    transaction_id: String,
    seen: Result<Option<Transaction>, NoAnswer>,
) -> Result<v1::GetPaymentStatusResponse, Status> {
    let unknown = v1::GetPaymentStatusResponse {
        transaction_id,
        state: v1::TransactionState::Unknown.into(),
        ..v1::GetPaymentStatusResponse::default()
    };
    Ok(match seen.map_err(no_answer)? {
        None => unknown,
        Some(transaction) => v1::GetPaymentStatusResponse {
            state: state(&transaction).into(),
            response_code: transaction.response_code().to_owned(),
            approval_code: transaction.approval_code().to_owned(),
            amount_fen: transaction.amount_fen(),
            reversed_fen: transaction.reversed_fen(),
            ..unknown
        },
    })
}

/// Where a transaction stands.
pub(super) fn state(transaction: &Transaction) -> v1::TransactionState {
    match transaction.state() {
        State::GivenBackFirst | State::CameTooLate => v1::TransactionState::Reversed,
        State::Approved if transaction.is_given_back() => v1::TransactionState::Reversed,
        State::Approved => v1::TransactionState::Approved,
        State::Declined => v1::TransactionState::Declined,
    }
}

pub(super) fn no_answer(why: NoAnswer) -> Status {
    statuses::issuer_unavailable(&why.to_string())
}

/// As it was asked for, to the letter, unless the answer is wrong about it.
fn named(asked: String, answer: &Answer) -> String {
    match answer.names {
        Some(other) => other.to_string(),
        None => asked,
    }
}
