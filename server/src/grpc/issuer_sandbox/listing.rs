//! All transactions, a thousand a message.

use futures_util::{Stream, StreamExt as _, stream};
use tonic::Status;
use waika::v1;

use super::issuer;
use crate::grpc::{enums, outcome};
use crate::issuer_sandbox::{Desk, Transaction, TransactionId};
use waika_domain::period::Timestamp;

const A_MESSAGE: usize = 1_000;

type Row = (TransactionId, Transaction);

/// One part of the books is held at a time, whatever their size.
pub(super) fn all(
    desk: Desk,
) -> impl Stream<Item = Result<v1::ListTransactionsResponse, Status>> + Send {
    let start = (desk, 0, Vec::new());
    let messages = stream::unfold(Some(start), |walk| async move {
        let (desk, mut part, mut rows) = walk?;
        while rows.len() < A_MESSAGE {
            match desk.part(part).await {
                Ok(Some(more)) => rows.extend(more),
                Ok(None) if rows.is_empty() => return None,
                Ok(None) => return Some((Ok(message(&rows)), None)),
                Err(why) => return Some((Err(issuer::no_answer(why)), None)),
            }
            part += 1;
        }
        let rest = rows.split_off(A_MESSAGE);
        Some((Ok(message(&rows)), Some((desk, part, rest))))
    });
    messages.boxed()
}

fn message(rows: &[Row]) -> v1::ListTransactionsResponse {
    v1::ListTransactionsResponse {
        transactions: rows.iter().map(transaction).collect(),
    }
}

fn transaction((id, transaction): &Row) -> v1::SandboxTransaction {
    let received_at = Timestamp::from_unix_ms(transaction.received_ms());
    v1::SandboxTransaction {
        transaction_id: id.to_string(),
        state: issuer::state(transaction).into(),
        response_code: transaction.response_code().to_owned(),
        amount_fen: transaction.amount_fen(),
        reversed_fen: transaction.reversed_fen(),
        scheme: enums::to_scheme(transaction.scheme()).into(),
        verification: transaction.is_verification(),
        received_at: Some(outcome::timestamp(received_at)),
    }
}
