//! From messages to types that cannot be wrong. Nothing secret is echoed.

use tonic::Status;
use waika::v1;
use waika_domain::card::{IssuerCardReference, Scheme};
use waika_domain::identifiers::MerchantId;
use zeroize::Zeroizing;

use crate::grpc::enums;
use crate::grpc::parse::Fields;
use crate::issuer_sandbox::{Payment, Reversal, TransactionId, Verification, advice};
use crate::pan::Pan;

/// Ten million million yuan: no sum of such amounts leaves 64 bits.
const MOST_FEN: i64 = 1_000_000_000_000_000;

const TRANSACTION_ID: &str = "must be 32 hexadecimal digits";
const AMOUNT: &str = "must be 1 to 1000000000000000";

pub(super) fn payment(request: &v1::AuthorisePaymentRequest) -> Result<Payment, Status> {
    let mut fields = Fields::default();
    let id = transaction_id(&mut fields, &request.transaction_id);
    let card = &request.card_reference;
    let is_printable = card.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let card = ((1..=64).contains(&card.len()) && is_printable).then_some(card);
    let expected = "must be 1 to 64 printable characters";
    let card = fields.require("card_reference", card, expected);
    let scheme = scheme(&mut fields, request.scheme);
    let amount_fen = amount(&mut fields, request.amount_fen);
    if request.currency != "CNY" {
        fields.refuse("currency", "must be CNY");
    }
    // Transfers and the like have no merchant.
    fields.optional("merchant_id", &request.merchant_id, MerchantId::parse);
    let key = fields.key(&request.idempotency_key);
    let whole = (|| {
        Some(Payment {
            id: id?,
            card: IssuerCardReference(card?.as_str().into()),
            scheme: scheme?,
            amount_fen: amount_fen?,
            key: key?,
            repeat: request.repeat,
        })
    })();
    fields.finish(whole)
}

pub(super) fn reversal(request: &v1::ReversePaymentRequest) -> Result<Reversal, Status> {
    let mut fields = Fields::default();
    let expected = "must be 1 to 64 printable characters";
    fields.text("reversal_id", &request.reversal_id, 64, expected);
    let transaction = transaction_id(&mut fields, &request.transaction_id);
    let amount_fen = Some(request.amount_fen).filter(|fen| (0..=MOST_FEN).contains(fen));
    let expected = "must be 0 to 1000000000000000; 0 is all that remains";
    let amount_fen = fields.require("amount_fen", amount_fen, expected);
    let kind = v1::ReversalKind::try_from(request.kind).ok();
    let kind = kind.filter(|kind| *kind != v1::ReversalKind::Unspecified);
    fields.require("kind", kind, "must be a kind of reversal that is known");
    let scheme = scheme(&mut fields, request.scheme);
    let whole = (|| {
        Some(Reversal {
            advice: advice(&request.reversal_id),
            transaction: transaction?,
            amount_fen: amount_fen?,
            scheme: scheme?,
        })
    })();
    fields.finish(whole)
}

pub(super) fn verification(request: v1::VerifyCardRequest) -> Result<Verification, Status> {
    let cvv = Zeroizing::new(request.cvv);
    let mut fields = Fields::default();
    let id = transaction_id(&mut fields, &request.transaction_id);
    let card = fields.take("pan", Pan::parse(request.pan));
    if !(1..=12).contains(&request.expiry_month) {
        fields.refuse("expiry_month", "must be 1 to 12");
    }
    if !(1_000..=9_999).contains(&request.expiry_year) {
        fields.refuse("expiry_year", "must be four digits");
    }
    if !(3..=4).contains(&cvv.len()) || !cvv.bytes().all(|byte| byte.is_ascii_digit()) {
        fields.refuse("cvv", "must be three or four digits");
    }
    let scheme = scheme(&mut fields, request.scheme);
    let amount_fen = amount(&mut fields, request.amount_fen);
    let key = fields.key(&request.idempotency_key);
    let whole = (|| {
        Some(Verification {
            id: id?,
            card: card?,
            scheme: scheme?,
            amount_fen: amount_fen?,
            key: key?,
        })
    })();
    fields.finish(whole)
}

pub(super) fn status(
    request: &v1::GetPaymentStatusRequest,
) -> Result<(TransactionId, Scheme), Status> {
    let mut fields = Fields::default();
    let id = transaction_id(&mut fields, &request.transaction_id);
    let scheme = scheme(&mut fields, request.scheme);
    fields.finish(id.zip(scheme))
}

fn transaction_id(fields: &mut Fields, text: &str) -> Option<TransactionId> {
    fields.require("transaction_id", TransactionId::parse(text), TRANSACTION_ID)
}

fn scheme(fields: &mut Fields, number: i32) -> Option<Scheme> {
    let scheme = v1::Scheme::try_from(number).ok().and_then(enums::scheme);
    fields.require("scheme", scheme, "must be a scheme that is known")
}

fn amount(fields: &mut Fields, fen: i64) -> Option<i64> {
    let fen = Some(fen).filter(|fen| (1..=MOST_FEN).contains(fen));
    fields.require("amount_fen", fen, AMOUNT)
}
