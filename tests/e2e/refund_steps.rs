//! The time line of an authorisation: every step in order, each with its time (R59, D25).

use waika::v1::{self, AuthorisationStepKind as Kind};

use crate::refund::{partly, refund};
use crate::support::Server;
use crate::wallet::{Callers, instant, part, pay, reverse};

impl Callers {
    async fn read(&mut self, account: &str, id: &str) -> v1::GetAuthorisationResponse {
        let request = v1::GetAuthorisationRequest {
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let read = self.authorisations.get_authorisation(request).await;
        read.unwrap().into_inner()
    }
}

fn step(kind: Kind, at: &str, amount_fen: i64, fee_fen: i64) -> v1::AuthorisationStep {
    v1::AuthorisationStep {
        kind: kind.into(),
        at: Some(instant(at)),
        amount_fen,
        fee_fen,
    }
}

const PAID_AT: &str = "2024-01-10T12:00:00+08:00";
const REVERSED_AT: &str = "2024-01-11T08:00:00.500+08:00";
const SETTLED_AT: &str = "2024-01-12T00:00:00+08:00";
const REFUNDED_AT: &str = "2024-01-15T09:00:00+08:00";

/// Pays 250.00, reverses 60.00, and refunds 40.00 after it settled by its age.
async fn paid_reversed_settled_refunded(callers: &mut Callers) -> String {
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let id = callers.paid("a", &card, "k", 25_000).await.authorisation_id;
    callers.freeze(REVERSED_AT).await;
    let reversal = part(reverse("a", "r", &id), 6_000);
    assert_eq!(callers.reversal(reversal).await, "REVERSED");
    let refused = part(reverse("a", "too much", &id), 20_000);
    assert_eq!(callers.reversal(refused).await, "EXCEEDS_REMAINING");
    callers.freeze(REFUNDED_AT).await;
    let refund = partly(refund("a", "f", &id), 4_000);
    assert_eq!(callers.refunds(refund).await, "REFUNDED");
    id
}

#[tokio::test]
async fn d25_a_time_line_has_every_step_in_order_also_after_a_restart() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let id = paid_reversed_settled_refunded(&mut callers).await;
    let expected = [
        step(Kind::Approved, PAID_AT, 25_000, 750),
        step(Kind::Reversed, REVERSED_AT, 6_000, 180),
        step(Kind::Settled, SETTLED_AT, 19_000, 570),
        step(Kind::Refunded, REFUNDED_AT, 4_000, 120),
    ];
    let status = v1::AuthorisationStatus {
        reversed_fen: 6_000,
        reversed_fee_fen: 180,
        remaining_fen: 15_000,
        settles_at: Some(instant(SETTLED_AT)),
        settled: true,
        refunded_fen: 4_000,
        refunded_fee_fen: 120,
    };
    let list = v1::ListAuthorisationsRequest {
        account_id: "a".to_owned(),
        ..v1::ListAuthorisationsRequest::default()
    };
    let read = callers.read("a", &id).await;
    assert_eq!(read.steps, expected, "what was refused is no step");
    assert_eq!(read.status, Some(status));
    let listed = callers
        .authorisations
        .list_authorisations(list.clone())
        .await;
    let listed = listed.unwrap().into_inner();
    assert_eq!(listed.authorisations[0].status, Some(status));
    assert_eq!(listed.authorisations[0].authorisation, read.authorisation);

    let mut server = server.restarted();
    for _ in 0..2 {
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.read("a", &id).await, read);
        let again = callers
            .authorisations
            .list_authorisations(list.clone())
            .await;
        assert_eq!(again.unwrap().into_inner(), listed);
        server = server.restarted_from_snapshot().await;
    }
    // What a snapshot kept goes on from there.
    let mut callers = Callers::of(&server).await;
    let rest = callers.refund(refund("a", "rest", &id)).await.unwrap();
    let rest = crate::refund::refunded(rest);
    assert_eq!((rest.amount_fen, rest.fee_fen), (15_000, 450));
    let steps = callers.read("a", &id).await.steps;
    assert_eq!(steps[..4], expected);
    assert_eq!(steps[4], step(Kind::Refunded, REFUNDED_AT, 15_000, 450));
}

#[tokio::test]
async fn d25_an_early_settlement_stands_where_it_happened() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let id = callers.paid("a", &card, "k", 25_000).await.authorisation_id;
    let one = [step(Kind::Approved, PAID_AT, 25_000, 750)];
    assert_eq!(callers.read("a", &id).await.steps, one);
    let reversal = part(reverse("a", "r", &id), 6_000);
    assert_eq!(callers.reversal(reversal).await, "REVERSED");
    callers.freeze(REVERSED_AT).await;
    assert_eq!(callers.settles("a", "s", &id).await, "SETTLED");
    assert_eq!(callers.refunds(refund("a", "f", &id)).await, "REFUNDED");
    let expected = [
        step(Kind::Approved, PAID_AT, 25_000, 750),
        step(Kind::Reversed, PAID_AT, 6_000, 180),
        step(Kind::Settled, REVERSED_AT, 19_000, 570),
        step(Kind::Refunded, REVERSED_AT, 19_000, 570),
    ];
    assert_eq!(callers.read("a", &id).await.steps, expected);
    callers.freeze(REFUNDED_AT).await;
    let steps = callers.read("a", &id).await.steps;
    assert_eq!(steps, expected, "it settles once");
    let server = server.restarted_from_snapshot().await;
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.read("a", &id).await.steps, expected);
}

#[tokio::test]
async fn a_payment_that_was_declined_or_reversed_in_full_never_settles() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let declined = callers.authorise(pay("a", &card, "no", 600_001)).await;
    let declined = declined.unwrap().authorisation.unwrap().authorisation_id;
    let id = callers.paid("a", &card, "k", 25_000).await.authorisation_id;
    assert_eq!(callers.reversal(reverse("a", "r", &id)).await, "REVERSED");
    callers.freeze(REFUNDED_AT).await;
    let steps = callers.read("a", &declined).await.steps;
    assert_eq!(steps, [step(Kind::Declined, PAID_AT, 600_001, 0)]);
    let steps = callers.read("a", &id).await.steps;
    let expected = [
        step(Kind::Approved, PAID_AT, 25_000, 750),
        step(Kind::Reversed, PAID_AT, 25_000, 750),
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn d18_refunds_and_settlements_are_replayed_after_a_restart_from_a_snapshot() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(PAID_AT).await;
    let card = callers.wallet("a").await;
    let id = callers.paid("a", &card, "k", 25_000).await.authorisation_id;
    let early = refund("a", "early", &id);
    let refused = callers.refund(early.clone()).await.unwrap();
    let settled = callers.settle("a", "s", &id).await;
    let part = partly(refund("a", "f", &id), 4_000);
    let given = callers.refund(part.clone()).await.unwrap();
    let mut server = server.restarted();
    for _ in 0..2 {
        let mut callers = Callers::of(&server).await;
        for (request, answer) in [(&early, &refused), (&part, &given)] {
            let again = callers.refund(request.clone()).await.unwrap();
            assert!(again.replayed);
            assert_eq!(again.outcome, answer.outcome);
            assert_eq!(again.decided_at, answer.decided_at);
        }
        let again = callers.settle("a", "s", &id).await;
        assert!(again.replayed);
        assert_eq!(again.outcome, settled.outcome);
        assert_eq!(callers.used("a").await, (25_000, 25_000));
        server = server.restarted_from_snapshot().await;
    }
}
