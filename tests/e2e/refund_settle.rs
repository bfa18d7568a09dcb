//! Settling early, what refunds do to limits, and refunds at once (D13, D25).

use tokio::task::JoinSet;
use waika::v1::{self, settle_response};

use crate::refund::{partly, refund, refund_outcome, refunded};
use crate::support::Server;
use crate::wallet::{Callers, instant, part, pay, reverse};

#[tokio::test]
async fn d25_what_is_settled_early_can_be_refunded_in_the_same_minute() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let id = &*paid.authorisation_id;
    let reversed = part(reverse("a", "r", id), 6_000);
    assert_eq!(callers.reversal(reversed).await, "REVERSED");
    let settled = callers.settle("a", "s", id).await;
    let expected = settle_response::Outcome::Settlement(v1::Settlement {
        authorisation_id: id.to_owned(),
        amount_fen: 19_000,
        fee_fen: 570,
        total_fen: 19_570,
    });
    assert_eq!(settled.outcome, Some(expected));
    let now = Some(instant("2024-01-10T12:00:00+08:00"));
    assert_eq!(settled.decided_at, now);
    let again = callers.settle("a", "s", id).await;
    assert!(again.replayed);
    assert_eq!(again.outcome, settled.outcome);
    assert_eq!(callers.settles("a", "t", id).await, "ALREADY_SETTLED");
    let standing = callers.standing("a", id).await;
    assert_eq!((standing.settles_at, standing.settled), (now, true));
    let late = callers.reversal(reverse("a", "late", id)).await;
    assert_eq!(late, "ALREADY_SETTLED");
    assert_eq!(callers.refunds(refund("a", "f", id)).await, "REFUNDED");
    // The midnights that it would have settled at are of no matter any more.
    callers.freeze("2024-01-12T00:00:00+08:00").await;
    assert_eq!(callers.settles("a", "u", id).await, "ALREADY_SETTLED");
    let standing = callers.standing("a", id).await;
    assert_eq!((standing.settles_at, standing.refunded_fen), (now, 19_000));
}

#[tokio::test]
async fn d25_what_was_declined_or_reversed_never_settles() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let declined = callers.authorise(pay("a", &card, "no", 600_001)).await;
    let declined = declined.unwrap().authorisation.unwrap().authorisation_id;
    let outcome = callers.settles("a", "1", &declined).await;
    assert_eq!(outcome, "DECLINED_ORIGINAL");
    let paid = callers.paid("a", &card, "k", 100).await;
    let id = &*paid.authorisation_id;
    assert_eq!(callers.reversal(reverse("a", "r", id)).await, "REVERSED");
    assert_eq!(callers.settles("a", "2", id).await, "ALREADY_REVERSED");
    callers.freeze("2024-01-12T00:00:00+08:00").await;
    let nothing = callers.refunds(refund("a", "f", id)).await;
    assert_eq!(nothing, "ALREADY_REVERSED");
}

const RESTORES: &str = "name = \"restores\"\n[settlement]\nrefund_restores_limit = true\n";

#[tokio::test]
async fn d13_a_refund_restores_the_limits_of_its_period_only_where_the_policy_says_so() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-29T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let id = callers.paid("a", &card, "1", 40_000).await.authorisation_id;
    callers.freeze("2024-01-31T23:59:59.999+08:00").await;
    let plain = partly(refund("a", "f1", &id), 10_000);
    let plain = refunded(callers.refund(plain).await.unwrap());
    assert!(!plain.month_restored && !plain.year_restored);
    assert_eq!(callers.used("a").await, (40_000, 40_000));

    callers.hold(RESTORES).await;
    let in_january = partly(refund("a", "f2", &id), 10_000);
    let in_january = refunded(callers.refund(in_january).await.unwrap());
    assert!(in_january.month_restored && in_january.year_restored);
    assert_eq!(callers.used("a").await, (30_000, 30_000));
    // Over the month's end: the year is still open, January is not, February is untouched.
    callers.freeze("2024-02-01T00:00:00+08:00").await;
    callers.paid("a", &card, "2", 500).await;
    let in_february = partly(refund("a", "f3", &id), 10_000);
    let in_february = refunded(callers.refund(in_february).await.unwrap());
    assert!(!in_february.month_restored && in_february.year_restored);
    assert_eq!(callers.used("a").await, (500, 20_500));
    // Over the year's end: neither.
    callers.freeze("2025-01-01T00:00:00+08:00").await;
    let next_year = refunded(callers.refund(refund("a", "f4", &id)).await.unwrap());
    assert!(!next_year.month_restored && !next_year.year_restored);
    assert_eq!(callers.used("a").await, (0, 0));
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn d13_room_that_a_refund_restores_can_be_used() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let mut ids = Vec::new();
    for number in 0..8 {
        let paid = callers
            .paid("a", &card, &format!("k{number}"), 600_000)
            .await;
        ids.push(paid.authorisation_id);
    }
    callers.paid("a", &card, "k8", 200_000).await;
    callers.freeze("2024-01-20T12:00:00+08:00").await;
    assert_eq!(
        callers.refunds(refund("a", "f0", &ids[0])).await,
        "REFUNDED"
    );
    let full = callers.decision(pay("a", &card, "1", 1)).await;
    assert_eq!(full, "LIMIT_MONTH", "the default gives nothing back");
    callers.hold(RESTORES).await;
    assert_eq!(
        callers.refunds(refund("a", "f1", &ids[1])).await,
        "REFUNDED"
    );
    callers.paid("a", &card, "2", 600_000).await;
    let full = callers.decision(pay("a", &card, "3", 1)).await;
    assert_eq!(full, "LIMIT_MONTH", "exactly what came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_sixty_four_refunds_at_once_never_give_back_more_than_was_paid() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 100_000).await;
    let id = paid.authorisation_id;
    callers.freeze("2024-01-12T00:00:00+08:00").await;
    let mut refunds = JoinSet::new();
    for number in 0..64_i64 {
        let mut callers = Callers::of(&server).await;
        let amount = 1_000 + number * 37;
        let request = partly(refund("a", &format!("f{number}"), &id), amount);
        refunds.spawn(async move {
            let response = callers.refund(request).await.unwrap();
            match refund_outcome(&response) {
                "REFUNDED" => {
                    let given = refunded(response);
                    (given.amount_fen, given.fee_fen)
                }
                refused => {
                    assert_eq!(refused, "EXCEEDS_REMAINING");
                    (0, 0)
                }
            }
        });
    }
    let given = refunds.join_all().await;
    let principal: i64 = given.iter().map(|(principal, _)| principal).sum();
    let fee: i64 = given.iter().map(|(_, fee)| fee).sum();
    assert!(principal <= 100_000, "{principal}");
    assert!(
        principal > 96_000,
        "so many small ones fill it: {principal}"
    );
    let standing = callers.standing("a", &id).await;
    assert_eq!(
        (standing.refunded_fen, standing.refunded_fee_fen),
        (principal, fee)
    );
    assert_eq!(standing.remaining_fen, 100_000 - principal);
    let rest = refunded(callers.refund(refund("a", "rest", &id)).await.unwrap());
    assert_eq!(rest.amount_fen, 100_000 - principal);
    assert_eq!(rest.fee_fen, 3_000 - fee, "D14");
}

#[tokio::test(flavor = "multi_thread")]
async fn d25_of_a_reversal_and_a_settlement_at_once_one_comes_first() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut other = Callers::of(&server).await;
    let mut used = 0;
    for round in 0..40 {
        let key = format!("k{round}");
        let id = callers.paid("a", &card, &key, 100).await.authorisation_id;
        let reversal = reverse("a", &format!("r{round}"), &id);
        let settles = format!("s{round}");
        let (reversal, settlement) = tokio::join!(
            callers.reversal(reversal),
            other.settles("a", &settles, &id),
        );
        used += match (reversal, settlement) {
            ("REVERSED", "ALREADY_REVERSED") => 0,
            ("ALREADY_SETTLED", "SETTLED") => 100,
            both => panic!("{both:?}"),
        };
        assert_eq!(callers.used("a").await, (used, used));
    }
}
