//! Exact limits when many callers come at once (C2).

use std::collections::HashMap;

use tokio::task::JoinSet;
use waika::v1;

use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, bind, bind_outcome, bound, card, decision, merchant, pay, visa,
};

#[tokio::test(flavor = "multi_thread")]
async fn r39_ten_binds_at_once_end_with_exactly_three_cards() {
    let server = Server::start();
    let callers = Callers::of(&server).await;
    let mut binds = JoinSet::new();
    for number in 0..10 {
        let mut callers = callers.clone();
        binds.spawn(async move {
            let mut request = bind("a");
            request.idempotency_key = format!("bind {number}");
            request.phone_number = format!("+44 7700 90012{number}");
            request.card = Some(card(&visa(111_000_000 + number), v1::Scheme::Visa));
            bind_outcome(&callers.bind(request).await)
        });
    }
    let outcomes = count(binds.join_all().await);
    assert_eq!(
        outcomes,
        count(vec!["BOUND"; 3].into_iter().chain(["CARD_CAP_REACHED"; 7]))
    );
    let mut callers = callers;
    let request = v1::ListCardsRequest {
        account_id: "a".to_owned(),
    };
    let cards = callers
        .cards
        .list_cards(request)
        .await
        .unwrap()
        .into_inner()
        .cards;
    assert_eq!(cards.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_sixty_four_callers_on_one_account_never_pass_a_limit() {
    const CALLERS: usize = 64;
    const PAYMENTS: i64 = 20;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        // A connection each, so that both cores decide on the one account.
        let mut callers = Callers::of(&server).await;
        let card = card.clone();
        tasks.spawn(async move {
            let mut approved = 0;
            let mut reasons = Vec::new();
            for number in 0..PAYMENTS {
                let amount =
                    1 + (number * 7_919 + i64::try_from(caller).unwrap() * 104_729) % 650_000;
                let payment = pay("a", &card, &format!("{caller} {number}"), amount);
                let decision = callers.decision(payment).await;
                approved += if decision == "APPROVED" { amount } else { 0 };
                reasons.push(decision);
            }
            (approved, reasons)
        });
    }
    let results = tasks.join_all().await;
    let approved: i64 = results.iter().map(|(approved, _)| approved).sum();
    let reasons = count(results.into_iter().flat_map(|(_, reasons)| reasons));
    let account = callers.account("a").await;
    let (month, year) = (account.month.unwrap(), account.year.unwrap());
    assert_eq!(
        (month.used_fen, year.used_fen),
        (approved, approved),
        "used = sum of approvals"
    );
    assert!(approved <= 5_000_000, "R64: {approved}");
    assert!(
        approved > 4_990_000,
        "so many small amounts fill the month: {approved}"
    );
    assert!(
        reasons["LIMIT_MONTH"] > 100 && reasons["LIMIT_SINGLE"] > 10,
        "{reasons:?}"
    );
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    eprintln!(
        "F10: {CALLERS} callers: {approved} fen approved and used, of 5,000,000; {reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_ten_thousand_wrong_passwords_at_once_are_told_exactly_five_times() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut tasks = JoinSet::new();
    for caller in 0..50 {
        let callers = Callers::of(&server).await;
        let card = card.clone();
        tasks.spawn(async move {
            let mut guesses = JoinSet::new();
            for guess in 0..200 {
                let mut callers = callers.clone();
                let mut payment = pay("a", &card, &format!("{caller} {guess}"), 100);
                payment.payment_password = format!("{:06}", 200_000 + caller * 200 + guess);
                guesses.spawn(async move { decision(&callers.authorise(payment).await.unwrap()) });
            }
            guesses.join_all().await
        });
    }
    let told = count(tasks.join_all().await.into_iter().flatten());
    assert_eq!(
        told,
        count(vec!["PASSWORD_WRONG".to_owned(); 5].into_iter().chain(vec![
                "PASSWORD_LOCKED"
                    .to_owned();
                9_995
            ]))
    );
    let right = pay("a", &card, "the right one", 100);
    assert_eq!(
        callers.decision(right).await,
        "PASSWORD_LOCKED",
        "D7: and stays locked"
    );
    assert!(callers.account("a").await.password_locked_until.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_first_binds_at_once_agree_on_one_person_and_one_password() {
    let server = Server::start();
    for round in 0..8_u32 {
        let account = format!("acct-{round}");
        let mut binds = JoinSet::new();
        for number in 0..3_u32 {
            let mut callers = Callers::of(&server).await;
            let mut request = bind(&account);
            request.idempotency_key = format!("bind {number}");
            request.phone_number = format!("+44 7700 90012{number}");
            // Cards of their own: one that two people bind is a risk (R67).
            let pan = visa(111_000_000 + 10 * round + number);
            request.card = Some(card(&pan, v1::Scheme::Visa));
            request.payment_password = format!("00000{number}");
            binds.spawn(async move {
                let response = callers.bind(request).await;
                (number, bind_outcome(&response), response)
            });
        }
        let outcomes = binds.join_all().await;
        let bound_cards: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome, _)| *outcome == "BOUND")
            .collect();
        assert_eq!(
            bound_cards.len(),
            1,
            "each has another password, and one was first"
        );
        assert!(
            outcomes
                .iter()
                .all(|(_, outcome, _)| ["BOUND", "PASSWORD_WRONG"].contains(outcome))
        );
        let (number, _, response) = bound_cards[0];
        let mut callers = Callers::of(&server).await;
        callers.put_merchant(merchant(MERCHANT)).await;
        let mut payment = pay(&account, &bound(response), "k", 100);
        payment.payment_password = format!("00000{number}");
        assert_eq!(
            callers.decision(payment).await,
            "APPROVED",
            "the winner's password holds"
        );
    }
}

fn count<T: Eq + std::hash::Hash>(items: impl IntoIterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}
