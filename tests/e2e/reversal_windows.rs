//! Months, years and midnights over the wire, under the sandbox's clock (C3, D1, D13, D25).

use waika::v1;

use crate::support::Server;
use crate::wallet::{Callers, instant, part, pay, reverse};

/// A wallet whose card was bound on 10 January 2024.
async fn wallet(server: &Server) -> (Callers, String) {
    let mut callers = Callers::of(server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    (callers, card)
}

/// 8 x 6,000 and 2,000: a full month.
async fn fill_month(callers: &mut Callers, card: &str, name: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..9 {
        let fen = if number == 8 { 200_000 } else { 600_000 };
        let paid = callers
            .paid("a", card, &format!("{name} {number}"), fen)
            .await;
        ids.push(paid.authorisation_id);
    }
    ids
}

#[tokio::test]
async fn r64_r65_a_full_month_then_the_next_ends_at_the_year() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    let ids = fill_month(&mut callers, &card, "january").await;
    assert_eq!(callers.used("a").await, (5_000_000, 5_000_000));
    let over = callers.decision(pay("a", &card, "over", 1)).await;
    assert_eq!(over, "LIMIT_MONTH");
    let settled = part(reverse("a", "back", &ids[0]), 1);
    assert_eq!(callers.reversal(settled).await, "REVERSED");
    let over = callers.decision(pay("a", &card, "two", 2)).await;
    assert_eq!(over, "LIMIT_MONTH");
    callers.paid("a", &card, "one", 1).await;

    callers.freeze("2024-02-01T00:00:00+08:00").await;
    assert_eq!(callers.used("a").await, (0, 5_000_000));
    callers.paid("a", &card, "february 1", 600_000).await;
    callers.paid("a", &card, "february 2", 400_000).await;
    let over = callers.decision(pay("a", &card, "february 3", 1)).await;
    assert_eq!(over, "LIMIT_YEAR");
    assert_eq!(callers.used("a").await, (1_000_000, 6_000_000));
    let account = callers.account("a").await;
    assert_eq!(
        account.year.unwrap().resets_at,
        Some(instant("2025-01-01T00:00:00+08:00"))
    );

    callers.freeze("2025-01-01T00:00:00+08:00").await;
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn d1_a_month_ends_at_midnight_in_shanghai() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-01-31T23:59:59.999+08:00").await;
    fill_month(&mut callers, &card, "january").await;
    let over = callers.decision(pay("a", &card, "over", 1)).await;
    assert_eq!(over, "LIMIT_MONTH");
    callers.freeze("2024-02-01T00:00:00.000+08:00").await;
    callers.paid("a", &card, "first", 1).await;
    assert_eq!(callers.used("a").await, (1, 5_000_001));
}

#[tokio::test]
async fn d1_a_year_ends_at_sixteen_hours_utc() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-11-20T12:00:00Z").await;
    fill_month(&mut callers, &card, "november").await;
    callers.freeze("2024-12-31T15:59:59Z").await;
    callers.paid("a", &card, "december 1", 600_000).await;
    callers.paid("a", &card, "december 2", 400_000).await;
    let over = callers.decision(pay("a", &card, "over", 1)).await;
    assert_eq!(over, "LIMIT_YEAR");
    callers.freeze("2024-12-31T16:00:00Z").await;
    callers.paid("a", &card, "new year", 600_000).await;
    assert_eq!(callers.used("a").await, (600_000, 600_000));
}

#[tokio::test]
async fn d1_a_clock_that_steps_back_over_a_leap_day_s_midnight_opens_nothing() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-02-29T23:59:00+08:00").await;
    let ids = fill_month(&mut callers, &card, "february").await;
    callers.freeze("2024-03-01T00:00:00+08:00").await;
    callers.paid("a", &card, "march 1", 100).await;
    callers.freeze("2024-02-29T23:55:00+08:00").await;
    callers.paid("a", &card, "march 2", 200).await;
    assert_eq!(callers.used("a").await, (300, 5_000_300));
    let back = callers.reverse(reverse("a", "back", &ids[0])).await;
    let back = crate::wallet::given_back(back.unwrap());
    assert_eq!((back.month_restored, back.year_restored), (false, true));
    assert_eq!(callers.used("a").await, (300, 4_400_300));
}

#[tokio::test]
async fn d13_january_reversed_on_the_first_of_february_gives_back_to_the_year() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-01-31T12:00:00+08:00").await;
    let paid = callers.paid("a", &card, "january", 100_000).await;
    let more = callers.paid("a", &card, "january 2", 50_000).await;
    callers.freeze("2024-02-01T08:00:00+08:00").await;
    callers.paid("a", &card, "february", 30_000).await;
    let back = callers.reverse(reverse("a", "r", &paid.authorisation_id));
    let back = crate::wallet::given_back(back.await.unwrap());
    assert_eq!((back.month_restored, back.year_restored), (false, true));
    assert_eq!(callers.used("a").await, (30_000, 80_000));

    // D1: the reversal has closed January, also for an account that paid nothing in February.
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-31T23:58:00+08:00").await;
    assert_eq!(callers.used("a").await, (30_000, 80_000));
    let back = callers.reverse(reverse("a", "s", &more.authorisation_id));
    let back = crate::wallet::given_back(back.await.unwrap());
    assert_eq!((back.month_restored, back.year_restored), (false, true));
}

#[tokio::test]
async fn d1_a_reversal_alone_closes_the_month_that_is_over() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-01-31T23:50:00+08:00").await;
    let paid = callers.paid("a", &card, "january", 100_000).await;
    callers.paid("a", &card, "january 2", 50_000).await;
    callers.freeze("2024-02-01T00:01:00+08:00").await;
    let back = callers.reversal(reverse("a", "r", &paid.authorisation_id));
    assert_eq!(back.await, "REVERSED");
    callers.freeze("2024-01-31T23:56:00+08:00").await;
    assert_eq!(callers.used("a").await, (0, 50_000));
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.used("a").await, (0, 50_000), "after a restart too");
}

#[tokio::test]
async fn d25_from_the_second_midnight_on_it_is_settled() {
    let server = Server::start();
    let (mut callers, card) = wallet(&server).await;
    callers.freeze("2024-01-30T23:59:59.999+08:00").await;
    let paid = callers.paid("a", &card, "k", 10_000).await;
    let id = &*paid.authorisation_id;
    callers.freeze("2024-01-31T23:59:59.999+08:00").await;
    let standing = callers.standing("a", id).await;
    let midnight = instant("2024-02-01T00:00:00+08:00");
    assert_eq!(standing.settles_at, Some(midnight));
    assert!(!standing.settled);
    let in_time = part(reverse("a", "r1", id), 1_000);
    assert_eq!(callers.reversal(in_time).await, "REVERSED");
    callers.freeze("2024-02-01T00:00:00.000+08:00").await;
    for (key, fen) in [("r2", 1_000), ("r3", 1_000_000)] {
        let late = part(reverse("a", key, id), fen);
        assert_eq!(callers.reversal(late).await, "ALREADY_SETTLED", "{fen}");
    }
    let standing = callers.standing("a", id).await;
    let expected = v1::AuthorisationStatus {
        reversed_fen: 1_000,
        reversed_fee_fen: 0,
        remaining_fen: 9_000,
        settles_at: Some(midnight),
        settled: true,
        refunded_fen: 0,
        refunded_fee_fen: 0,
    };
    assert_eq!(standing, expected);
}
