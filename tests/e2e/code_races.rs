//! Many merchants with one code, and many codes (D10, R57).

use std::collections::{HashMap, HashSet};

use tokio::task::JoinSet;

use crate::code::{ask, issued, scan};
use crate::stream::{by_id, decided, gather, message, open};
use crate::support::Server;
use crate::wallet::{Callers, decision};

#[tokio::test(flavor = "multi_thread")]
async fn r57_sixty_four_merchants_with_one_code_and_exactly_one_is_paid() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for round in 0..4 {
        let code = callers.code("a", &card, &format!("c{round}")).await;
        let mut merchants = JoinSet::new();
        for merchant in 0..64 {
            let mut callers = Callers::of(&server).await;
            let payment = scan(&code, &format!("{round} {merchant}"), 1_000);
            merchants.spawn(async move { callers.decision(payment).await });
        }
        let mut told: HashMap<String, u32> = HashMap::new();
        for decision in merchants.join_all().await {
            *told.entry(decision).or_default() += 1;
        }
        let expected = [("APPROVED", 1), ("PAYMENT_CODE_USED", 63)];
        let expected: HashMap<_, _> = expected.map(|(what, n)| (what.to_owned(), n)).into();
        assert_eq!(told, expected);
        let paid = 1_000 * (round + 1);
        assert_eq!(callers.used("a").await, (paid, paid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r57_a_stream_spends_a_code_once_too() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    let (asking, answers) = open(&mut callers).await;
    let payments = (0..64).map(|id| (id, scan(&code, &format!("k{id}"), 1_000)));
    asking.send(message(payments)).await.unwrap();
    drop(asking);
    let answers = by_id(gather(answers).await.0);
    let approved = answers.values().map(decided);
    let approved = approved.filter(|answer| decision(answer) == "APPROVED");
    assert_eq!((approved.count(), answers.len()), (1, 64));
    assert_eq!(callers.used("a").await, (1_000, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_sixty_four_calls_with_one_key_and_one_code_have_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    for code in [
        callers.code("a", &card, "c").await,
        "123456789012345678".to_owned(),
    ] {
        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let mut callers = Callers::of(&server).await;
            let payment = scan(&code, "k", 1_000);
            calls.spawn(async move { callers.authorise(payment).await.unwrap() });
        }
        let answers = calls.join_all().await;
        let first = answers.iter().filter(|answer| !answer.replayed).count();
        assert_eq!(first, 1);
        for answer in &answers {
            assert_eq!(answer.authorisation, answers[0].authorisation);
        }
    }
    assert_eq!(callers.used("a").await, (1_000, 1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn d10_codes_are_eighteen_digits_that_begin_with_10_to_15_and_all_differ() {
    const CODES_EACH: usize = 100;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut wallets = JoinSet::new();
    for number in 0..4 {
        let account = format!("acct-{number}");
        let card = callers.wallet_with(&account, 111_000_000 + number).await;
        let mut callers = Callers::of(&server).await;
        wallets.spawn(async move {
            let mut codes = Vec::new();
            for number in 0..CODES_EACH {
                let asked = ask(&account, &card, &format!("c{number}"));
                codes.push(issued(&callers.create_code(asked).await).payment_code);
            }
            // The last ones still pay; older ones have made room for them.
            let last = scan(codes.last().unwrap(), "last", 100);
            let first = scan(&codes[0], "first", 100);
            let last = decision(&callers.authorise(last).await.unwrap());
            let first = decision(&callers.authorise(first).await.unwrap());
            assert_eq!((&*last, &*first), ("APPROVED", "PAYMENT_CODE_INVALID"));
            codes
        });
    }
    let codes: Vec<_> = wallets.join_all().await.into_iter().flatten().collect();
    for code in &codes {
        assert!(code.len() == 18 && code.bytes().all(|byte| byte.is_ascii_digit()));
        assert!((10..=15).contains(&code[..2].parse::<u32>().unwrap()));
    }
    let beginnings: HashSet<_> = codes.iter().map(|code| &code[..2]).collect();
    assert_eq!(beginnings.len(), 6, "each of the six comes up in 400");
    let different: HashSet<_> = codes.iter().collect();
    assert_eq!(different.len(), 4 * CODES_EACH);
}
