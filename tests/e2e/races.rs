//! Reversals when many come at once, and when they race with their payment (C2, D13, D14, D31).

use tokio::task::JoinSet;

use crate::support::Server;
use crate::wallet::{
    Callers, decision, given_back, part, pay, reversal_outcome, reverse, reverse_by_key,
};

#[tokio::test(flavor = "multi_thread")]
async fn d13_d14_sixty_four_partial_reversals_at_once_give_back_exactly_the_whole() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    // 64 parts of 9.01 are more than 500.17, so that some must be refused.
    let paid = callers.paid("a", &card, "k", 50_017).await;
    assert_eq!(paid.fee_fen, 1_501);
    let mut tasks = JoinSet::new();
    for number in 0..64 {
        let mut callers = Callers::of(&server).await;
        let id = paid.authorisation_id.clone();
        tasks.spawn(async move {
            let request = part(reverse("a", &format!("r{number}"), &id), 901);
            callers.reverse(request).await.unwrap()
        });
    }
    let answers = tasks.join_all().await;
    let (given, refused): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| reversal_outcome(answer) == "REVERSED");
    assert_eq!(given.len(), 55, "55 x 9.01 = 495.55");
    let refusals: Vec<_> = refused.iter().map(reversal_outcome).collect();
    assert_eq!(refusals, ["EXCEEDS_REMAINING"; 9]);
    let given: Vec<_> = given.into_iter().map(given_back).collect();
    let principal: i64 = given.iter().map(|part| part.amount_fen).sum();
    let fee: i64 = given.iter().map(|part| part.fee_fen).sum();
    assert_eq!(principal, 49_555);
    assert_eq!(fee, 1_487, "round(1501 x 49555 / 50017)");
    let mut remaining: Vec<_> = given.iter().map(|part| part.remaining_fen).collect();
    remaining.sort_unstable();
    remaining.dedup();
    assert_eq!(remaining.len(), 55, "one after the other");
    assert_eq!(callers.used("a").await, (462, 462));
    let rest = reverse("a", "rest", &paid.authorisation_id);
    let rest = given_back(callers.reverse(rest).await.unwrap());
    assert_eq!((rest.amount_fen, rest.fee_fen), (462, 14), "to the fen");
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_one_key_of_a_reversal_from_many_callers_has_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 50_000).await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let mut callers = Callers::of(&server).await;
        let request = part(reverse("a", "r", &paid.authorisation_id), 100);
        tasks.spawn(async move { callers.reverse(request).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    let fresh = answers.iter().filter(|answer| !answer.replayed);
    assert_eq!(fresh.count(), 1);
    assert!(answers.iter().all(|a| reversal_outcome(a) == "REVERSED"));
    assert_eq!(callers.used("a").await, (49_900, 49_900));
}

/// D31: either order is right, and nothing in between.
#[tokio::test(flavor = "multi_thread")]
async fn d31_a_reversal_and_its_payment_race_and_agree() {
    const ROUNDS: usize = 200;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut payer = Callers::of(&server).await;
    let mut canceller = Callers::of(&server).await;
    let mut ahead = 0;
    for round in 0..ROUNDS {
        let key = format!("k{round}");
        let payment = pay("a", &card, &key, 100);
        let reversal = reverse_by_key("a", &format!("r{round}"), &key);
        let (paid, reversed) = tokio::join!(payer.authorise(payment), canceller.reverse(reversal));
        let (paid, reversed) = (paid.unwrap(), reversed.unwrap());
        match (&*decision(&paid), reversal_outcome(&reversed)) {
            ("APPROVED", "REVERSED") => {}
            ("REVERSED_BEFORE_ARRIVAL", "RECORDED_AHEAD") => ahead += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(callers.used("a").await, (0, 0), "every one is undone");
    eprintln!("{ahead} of {ROUNDS} reversals came first");
}

/// C2: payments and reversals of one account at once add up.
#[tokio::test(flavor = "multi_thread")]
async fn c2_payments_and_reversals_at_once_add_up() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut tasks = JoinSet::new();
    for caller in 0..16_i64 {
        let mut callers = Callers::of(&server).await;
        let card = card.clone();
        tasks.spawn(async move {
            let mut kept = 0;
            for number in 0..20 {
                let key = format!("{caller} {number}");
                let amount = 300_000 + caller * 7 + number;
                let paid = callers.authorise(pay("a", &card, &key, amount)).await;
                let paid = paid.unwrap();
                if decision(&paid) == "APPROVED" {
                    let id = paid.authorisation.unwrap().authorisation_id;
                    let request = part(reverse("a", &key, &id), amount - number);
                    let given = given_back(callers.reverse(request).await.unwrap());
                    kept += amount - given.amount_fen;
                }
            }
            kept
        });
    }
    let kept: i64 = tasks.join_all().await.into_iter().sum();
    assert_eq!(callers.used("a").await, (kept, kept));
}
