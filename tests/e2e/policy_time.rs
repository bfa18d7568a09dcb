//! Policies begin and end by the server's clock, and change what is left of limits (D24, D21).

use waika::v1;

use crate::code::{ask, code_outcome, scan};
use crate::support::Server;
use crate::wallet::{Callers, bind, bind_outcome, decision, instant, pay, quote, reverse};

#[tokio::test]
async fn d24_a_policy_holds_from_its_date_on_and_lapses_to_the_one_before() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    callers.hold("name = \"before\"\n").await;
    callers
        .hold(
            "name = \"spring\"\neffective_from = 2024-02-09T00:00:00+08:00\n\
             effective_until = 2024-02-17T00:00:00+08:00\n",
        )
        .await;
    for (at, expected) in [
        ("2024-01-10T12:00:00+08:00", "before"),
        ("2024-02-08T23:59:59.999+08:00", "before"),
        ("2024-02-09T00:00:00+08:00", "spring"),
        ("2024-02-16T23:59:59.999+08:00", "spring"),
        ("2024-02-17T00:00:00+08:00", "before"),
        ("2024-02-10T00:00:00+08:00", "spring"),
    ] {
        callers.freeze(at).await;
        assert_eq!(callers.decides("a", &card).await, expected, "{at}");
        assert_eq!(callers.policies().await.active, expected, "{at}");
        assert_eq!(callers.account("a").await.policy, expected, "{at}");
        let read = callers.policy("").await.unwrap().policy.unwrap();
        assert_eq!(read.name, expected, "{at}");
    }
    // By the journal, and by a snapshot.
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.decides("a", &card).await, "spring");
    let server = server.restarted_from_snapshot().await;
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.decides("a", &card).await, "spring");
    callers.freeze("2024-02-17T00:00:00+08:00").await;
    assert_eq!(callers.decides("a", &card).await, "before");
    // A policy that was activated after it comes first, whatever its dates.
    callers.freeze("2024-02-10T00:00:00+08:00").await;
    callers.hold("name = \"after\"\n").await;
    assert_eq!(callers.decides("a", &card).await, "after");
}

#[tokio::test]
async fn d24_a_limit_below_what_is_used_leaves_nothing_and_claws_nothing_back() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let first = callers.paid("a", &card, "1", 600_000).await;
    callers.paid("a", &card, "2", 400_000).await;
    callers
        .hold("name = \"less\"\n[limits]\nsingle_fen = 600000\nmonth_fen = 700000\nyear_fen = 800000\n")
        .await;
    let account = callers.account("a").await;
    let (month, year) = (account.month.unwrap(), account.year.unwrap());
    assert_eq!((month.limit_fen, month.used_fen), (700_000, 1_000_000));
    assert_eq!((month.remaining_fen, year.remaining_fen), (0, 0));
    let declined = callers.authorise(pay("a", &card, "3", 1)).await.unwrap();
    assert_eq!(decision(&declined), "LIMIT_MONTH");
    let Some(v1::authorisation::Outcome::Decline(decline)) =
        declined.authorisation.unwrap().outcome
    else {
        panic!("approved")
    };
    assert_eq!(decline.retry(), v1::RetryClass::Later);
    let limit = decline.amount_limit.unwrap();
    assert_eq!((limit.observed_fen, limit.limit_fen), (1_000_001, 700_000));
    assert_eq!((limit.remaining_fen, limit.max_approvable_now_fen), (0, 0));
    // Next month is of no help: the year is full.
    assert_eq!(
        decline.resets_at,
        Some(instant("2025-01-01T00:00:00+08:00"))
    );
    // What is given back makes room again.
    let back = reverse("a", "r", &first.authorisation_id);
    assert_eq!(callers.reversal(back).await, "REVERSED");
    assert_eq!(callers.used("a").await, (400_000, 400_000));
    callers.paid("a", &card, "4", 300_000).await;
    let full = callers.decision(pay("a", &card, "5", 1)).await;
    assert_eq!(full, "LIMIT_MONTH");
    // A raised limit counts at once.
    callers.activate_policy("weixin-2023").await.unwrap();
    callers.paid("a", &card, "6", 600_000).await;
}

#[tokio::test]
async fn d21_a_roll_out_that_is_lowered_closes_bind_payment_and_codes() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "before").await;
    callers
        .hold("name = \"closed\"\n[rollout]\npercent = 0\n")
        .await;
    let refused = callers.bind(bind("b")).await;
    assert_eq!(bind_outcome(&refused), "NOT_ROLLED_OUT");
    for payment in [pay("a", &card, "1", 100), scan(&code, "1", 100)] {
        assert_eq!(callers.decision(payment).await, "NOT_ROLLED_OUT");
    }
    let asked = callers.create_code(ask("a", &card, "c")).await;
    assert_eq!(code_outcome(&asked), "NOT_ROLLED_OUT");
    let quoted = callers.quote(quote("a", 100)).await;
    let why = quoted.cards[0].decline.as_ref().unwrap().reason();
    assert_eq!(why, v1::DeclineReason::NotRolledOut);
    // It opens again; the code was not spent by an earlier rung.
    callers.activate_policy("weixin-2023").await.unwrap();
    assert_eq!(callers.decision(scan(&code, "2", 100)).await, "APPROVED");
    assert_eq!(callers.decision(pay("a", &card, "2", 1)).await, "APPROVED");
}

#[tokio::test]
async fn d21_a_roll_out_of_half_lets_the_same_half_in_every_time() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers
        .hold("name = \"half\"\n[rollout]\npercent = 50\n")
        .await;
    let mut let_in = Vec::new();
    for number in 0..40 {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        request.card = Some(crate::wallet::card(
            &crate::wallet::visa(111_000_000 + number),
            v1::Scheme::Visa,
        ));
        let outcome = bind_outcome(&callers.bind(request).await);
        assert!(["BOUND", "NOT_ROLLED_OUT"].contains(&outcome), "{outcome}");
        let_in.push(outcome == "BOUND");
    }
    let count = let_in.iter().filter(|inside| **inside).count();
    assert!((8..=32).contains(&count), "{count} of 40");
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    callers
        .hold("name = \"more\"\n[rollout]\npercent = 51\n")
        .await;
    for (number, inside) in let_in.iter().enumerate() {
        let request = ask(&format!("acct-{number}"), "card_0000000000001", "c");
        let outcome = code_outcome(&callers.create_code(request).await);
        if *inside {
            assert_ne!(
                outcome, "NOT_ROLLED_OUT",
                "{number}: raising takes none away"
            );
        }
    }
}

#[tokio::test]
async fn d32_a_quote_of_one_policy_is_none_of_another() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let quoted = callers.quote(quote("a", 25_000)).await;
    let token = quoted.cards[0].quote_token.clone();
    callers
        .hold("name = \"dear\"\n[fee]\nrate = \"0.04\"\n")
        .await;
    let mut payment = pay("a", &card, "k", 25_000);
    payment.quote_token = token;
    assert_eq!(callers.decision(payment).await, "QUOTE_MISMATCH");
    let quoted = callers.quote(quote("a", 25_000)).await;
    assert_eq!((&*quoted.policy, quoted.fee_fen), ("dear", 1_000));
}
