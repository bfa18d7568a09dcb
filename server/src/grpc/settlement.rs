//! What settled on a day: from messages and back.

use std::pin::Pin;

use futures_util::stream::{self, Stream};
use tonic::Status;
use waika::v1;
use waika::v1::export_settlement_response::Part;
use waika_domain::identifiers::MerchantId;
use waika_domain::period::Day;

use super::bind::parse_day;
use super::outcome;
use super::parse::Fields;
use crate::settlement::{Line, LineKind, Statement, Total};

/// Lines, and then totals.
pub(super) type Parts =
    Pin<Box<dyn Stream<Item = Result<v1::ExportSettlementResponse, Status>> + Send>>;

pub(super) fn parse(
    request: &v1::ExportSettlementRequest,
) -> Result<(Day, Option<MerchantId>), Status> {
    let mut fields = Fields::default();
    let day = fields.take("day", parse_day(request.day));
    let merchant = fields.optional("merchant_id", &request.merchant_id, MerchantId::parse);
    let whole = (|| Some((day?, merchant?)))();
    fields.finish(whole)
}

pub(super) fn parts(statement: Statement) -> Parts {
    let Statement { lines, totals, .. } = statement;
    let lines = lines.into_iter().map(|one| Part::Line(line(&one)));
    let totals = totals.into_iter().map(|one| Part::Total(total(&one)));
    let parts = lines.chain(totals);
    Box::pin(stream::iter(parts.map(|part| {
        Ok(v1::ExportSettlementResponse { part: Some(part) })
    })))
}

fn line(line: &Line) -> v1::SettlementLine {
    v1::SettlementLine {
        merchant_id: line.merchant.to_string(),
        authorisation_id: line.authorisation.to_string(),
        refund: match line.kind {
            LineKind::Settlement => false,
            LineKind::Refund => true,
        },
        amount_fen: line.principal_fen,
        fee_fen: line.fee_fen,
        authorised_at: Some(outcome::timestamp(line.authorised_at)),
        settled_at: Some(outcome::timestamp(line.settled_at)),
    }
}

fn total(total: &Total) -> v1::SettlementTotal {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    v1::SettlementTotal {
        merchant_id: total.merchant.to_string(),
        settled: count(total.settlements),
        refunded: count(total.refunds),
        amount_fen: total.principal_fen,
        fee_fen: total.fee_fen,
    }
}
