//! What settled is refunded, in parts or at once, and never more than it was (D13, D14, D25).

use tonic::Status;
use tonic_types::StatusExt as _;
use waika::v1::{self, refund_response, settle_response};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, given_back, instant, part, pay, reverse};

/// A refund of all that remains of an authorisation.
pub(crate) fn refund(account: &str, key: &str, id: &str) -> v1::RefundRequest {
    v1::RefundRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        authorisation_id: id.to_owned(),
        amount_fen: None,
    }
}

/// The same, of a part.
pub(crate) fn partly(request: v1::RefundRequest, amount_fen: i64) -> v1::RefundRequest {
    v1::RefundRequest {
        amount_fen: Some(amount_fen),
        ..request
    }
}

fn reason(refusal: &v1::ReversalRefusal) -> &'static str {
    let name = refusal.reason().as_str_name();
    name.strip_prefix("REVERSAL_REFUSAL_REASON_").unwrap()
}

/// How a refund ended, in a word: `REFUNDED`, or the name of the reason.
pub(crate) fn refund_outcome(response: &v1::RefundResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        refund_response::Outcome::Refund(_) => "REFUNDED",
        refund_response::Outcome::Refusal(refusal) => reason(refusal),
    }
}

/// What was refunded.
pub(crate) fn refunded(response: v1::RefundResponse) -> v1::Reversal {
    match response.outcome.unwrap() {
        refund_response::Outcome::Refund(refund) => refund,
        refund_response::Outcome::Refusal(refusal) => panic!("refused: {refusal:?}"),
    }
}

impl Callers {
    pub(crate) async fn refund(
        &mut self,
        request: v1::RefundRequest,
    ) -> Result<v1::RefundResponse, Status> {
        let response = self.authorisations.refund(request).await;
        response.map(tonic::Response::into_inner)
    }

    /// How a refund ends, in a word.
    pub(crate) async fn refunds(&mut self, request: v1::RefundRequest) -> &'static str {
        refund_outcome(&self.refund(request).await.unwrap())
    }

    pub(crate) async fn settle(
        &mut self,
        account: &str,
        key: &str,
        id: &str,
    ) -> v1::SettleResponse {
        let request = v1::SettleRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let response = self.authorisations.settle(request).await;
        response.unwrap().into_inner()
    }

    /// How an early settlement ends, in a word: `SETTLED`, or the name of the reason.
    pub(crate) async fn settles(&mut self, account: &str, key: &str, id: &str) -> &'static str {
        match self.settle(account, key, id).await.outcome.unwrap() {
            settle_response::Outcome::Settlement(_) => "SETTLED",
            settle_response::Outcome::Refusal(refusal) => reason(&refusal),
        }
    }
}

const PAID_AT: &str = "2024-01-10T12:00:00+08:00";
const LAST_MOMENT: &str = "2024-01-11T23:59:59.999+08:00";
const SETTLED_AT: &str = "2024-01-12T00:00:00+08:00";

#[tokio::test]
async fn d25_a_refund_comes_once_it_has_settled_and_a_reversal_no_more() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let id = &*paid.authorisation_id;
    callers.freeze(LAST_MOMENT).await;
    let early = callers.refund(refund("a", "early", id)).await.unwrap();
    let Some(refund_response::Outcome::Refusal(refusal)) = &early.outcome else {
        panic!("refunded")
    };
    assert_eq!(refusal.reason(), v1::ReversalRefusalReason::NotSettled);
    assert_eq!(refusal.layer(), v1::DeclineLayer::Wallet);
    let text = refusal.text.clone().unwrap();
    assert!(!text.zh_cn.is_empty() && !text.en.is_empty());
    assert_eq!(early.decided_at, Some(instant(LAST_MOMENT)));
    callers.freeze(SETTLED_AT).await;
    let late = callers.reversal(reverse("a", "late", id)).await;
    assert_eq!(late, "ALREADY_SETTLED");
    // The key of the refusal is used: it is told again, although it would pass now.
    let again = callers.refund(refund("a", "early", id)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.outcome, early.outcome);

    let first = callers.refund(partly(refund("a", "1", id), 6_000)).await;
    let expected = v1::Reversal {
        authorisation_id: id.to_owned(),
        amount_fen: 6_000,
        fee_fen: 180,
        total_fen: 6_180,
        remaining_fen: 19_000,
        month_restored: false,
        year_restored: false,
        balance_fen: None,
    };
    assert_eq!(refunded(first.unwrap()), expected);
    let rest = refunded(callers.refund(refund("a", "2", id)).await.unwrap());
    assert_eq!((rest.amount_fen, rest.fee_fen), (19_000, 570), "D14");
    assert_eq!(rest.remaining_fen, 0);
    assert_eq!(callers.used("a").await, (25_000, 25_000), "D13: no limit");
    for request in [refund("a", "3", id), partly(refund("a", "4", id), 1)] {
        assert_eq!(callers.refunds(request).await, "ALREADY_REVERSED");
    }
    let standing = callers.standing("a", id).await;
    assert_eq!(
        (standing.refunded_fen, standing.refunded_fee_fen),
        (25_000, 750)
    );
    assert_eq!((standing.reversed_fen, standing.remaining_fen), (0, 0));
    assert!(standing.settled);
}

#[tokio::test]
async fn d13_more_than_remains_is_refused_with_what_remains() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let id = &*paid.authorisation_id;
    let reversed = part(reverse("a", "r", id), 5_000);
    assert_eq!(callers.reversal(reversed).await, "REVERSED");
    callers.freeze(SETTLED_AT).await;
    let refund_part = callers.refunds(partly(refund("a", "1", id), 15_000)).await;
    assert_eq!(refund_part, "REFUNDED");
    let more = partly(refund("a", "2", id), 5_001);
    let more = callers.refund(more).await.unwrap();
    let Some(refund_response::Outcome::Refusal(refusal)) = more.outcome else {
        panic!("refunded")
    };
    let reason = v1::ReversalRefusalReason::ExceedsRemaining;
    assert_eq!(refusal.reason(), reason);
    assert_eq!(
        (refusal.observed_fen, refusal.remaining_fen),
        (5_001, 5_000)
    );
    assert_eq!(refusal.retry(), v1::RetryClass::ReduceAmount);
    let exactly = callers.refunds(partly(refund("a", "3", id), 5_000)).await;
    assert_eq!(exactly, "REFUNDED");
    let declined = callers.authorise(pay("a", &card, "no", 600_001)).await;
    let declined = declined.unwrap().authorisation.unwrap().authorisation_id;
    let nothing = callers.refunds(refund("a", "4", &declined)).await;
    assert_eq!(nothing, "DECLINED_ORIGINAL");
}

#[tokio::test]
async fn d14_the_fee_comes_back_to_the_fen_over_reversals_and_refunds() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    // 200.17: a fee of 6.01, which no equal parts divide.
    let paid = callers.paid("a", &card, "k", 20_017).await;
    let id = &*paid.authorisation_id;
    assert_eq!(paid.fee_fen, 601);
    let (mut principal, mut fee) = (0, 0);
    let mut check = |given: &v1::Reversal| {
        principal += given.amount_fen;
        fee += given.fee_fen;
        // round(fee × so far / principal), half away from zero.
        let expected = (2 * 601 * principal + 20_017) / (2 * 20_017);
        assert_eq!(fee, expected, "after {principal}");
    };
    for number in 0..40 {
        let key = format!("r{number}");
        let request = part(reverse("a", &key, id), 251);
        check(&given_back(callers.reverse(request).await.unwrap()));
    }
    callers.freeze(SETTLED_AT).await;
    for number in 0..39 {
        let request = partly(refund("a", &format!("f{number}"), id), 253);
        check(&refunded(callers.refund(request).await.unwrap()));
    }
    let rest = callers.refund(refund("a", "rest", id)).await.unwrap();
    check(&refunded(rest));
    assert_eq!((principal, fee), (20_017, 601), "no fen lost or won");
    let standing = callers.standing("a", id).await;
    assert_eq!(standing.reversed_fen + standing.refunded_fen, 20_017);
    assert_eq!(standing.reversed_fee_fen + standing.refunded_fee_fen, 601);
}

#[tokio::test]
async fn d18_a_refund_s_key_has_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let other = callers.paid("a", &card, "l", 10_000).await;
    callers.freeze(SETTLED_AT).await;
    let request = partly(refund("a", "f", &paid.authorisation_id), 4_000);
    let first = callers.refund(request.clone()).await.unwrap();
    let again = callers.refund(request.clone()).await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.outcome, first.outcome);
    for (field, request) in [
        ("amount_fen", partly(request.clone(), 4_001)),
        ("amount_fen", refund("a", "f", &paid.authorisation_id)),
        (
            "authorisation_id",
            partly(refund("a", "f", &other.authorisation_id), 4_000),
        ),
    ] {
        let conflict = callers.refund(request).await.unwrap_err();
        assert_eq!(conflict.code(), tonic::Code::AlreadyExists, "{field}");
        let info = conflict.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.metadata["field"], field);
    }
    let standing = callers.standing("a", &paid.authorisation_id).await;
    assert_eq!(standing.refunded_fen, 4_000, "one effect");
}

#[tokio::test]
async fn refunds_and_settlements_of_nothing_are_refused_by_name() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let id = &*paid.authorisation_id;
    for (account, id) in [("b", id), ("nobody", id), ("a", "garbage")] {
        let error = callers.refund(refund(account, "f", id)).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound, "{account} {id}");
        let request = v1::SettleRequest {
            idempotency_key: "s".to_owned(),
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let error = callers.authorisations.settle(request).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound, "{account} {id}");
    }
    let bad = partly(refund("a/b", "", ""), 0);
    let error = callers.refund(bad).await.unwrap_err();
    let expected = [
        "account_id",
        "amount_fen",
        "authorisation_id",
        "idempotency_key",
    ];
    assert_eq!(bad_fields(&error), named(expected));
    let bad = v1::SettleRequest::default();
    let error = callers.authorisations.settle(bad).await.unwrap_err();
    let expected = ["account_id", "authorisation_id", "idempotency_key"];
    assert_eq!(bad_fields(&error), named(expected));
}
