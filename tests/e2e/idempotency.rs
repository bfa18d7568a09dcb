//! A key has one effect and one answer (D18).

use tokio::task::JoinSet;
use tonic_types::StatusExt as _;
use waika::v1;

use crate::support::Server;
use crate::wallet::{
    Callers, bind, bind_outcome, bound, card, decision, pay, send_phone_code, visa,
};

#[tokio::test]
async fn a_used_key_gives_the_stored_answer_whatever_the_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let with_password = |key: &str, password: &str| {
        let mut payment = pay("a", &card, key, 100);
        payment.payment_password = password.to_owned();
        payment
    };
    let wrong = callers
        .authorise(with_password("k", "000000"))
        .await
        .unwrap();
    assert_eq!(decision(&wrong), "PASSWORD_WRONG");
    for password in ["000000", crate::wallet::PASSWORD] {
        let again = callers
            .authorise(with_password("k", password))
            .await
            .unwrap();
        assert!(again.replayed);
        assert_eq!(
            again.authorisation, wrong.authorisation,
            "the same stored answer"
        );
    }
    let right = callers
        .authorise(with_password("l", crate::wallet::PASSWORD))
        .await
        .unwrap();
    assert_eq!(decision(&right), "APPROVED");
    let again = callers
        .authorise(with_password("l", "000000"))
        .await
        .unwrap();
    assert_eq!(
        (again.replayed, again.authorisation),
        (true, right.authorisation)
    );
    assert_eq!(
        callers.account("a").await.month.unwrap().used_fen,
        100,
        "one effect"
    );
}

/// Changes a payment in one business field.
type Change = fn(&mut v1::AuthoriseRequest);

#[tokio::test]
async fn a_used_key_with_other_fields_names_the_first_that_differs() {
    let changes: &[(&str, Change)] = &[
        ("card_token", |payment| {
            payment.card_token = "card_0000000000001".into();
        }),
        ("merchant_id", |payment| {
            payment.merchant_id = "other".into();
        }),
        ("amount_fen", |payment| payment.amount_fen = 101),
        ("mode", |payment| {
            payment.mode = v1::PaymentMode::OnlineApp.into();
        }),
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.authorise(pay("a", &card, "k", 100)).await.unwrap();
    for (field, change) in changes {
        let mut payment = pay("a", &card, "k", 100);
        change(&mut payment);
        let conflict = callers.authorise(payment).await.unwrap_err();
        assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
        let info = conflict.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.reason, "IDEMPOTENCY_KEY_CONFLICT");
        assert_eq!(info.metadata["field"], **field);
    }
    let mut same = pay("a", &card, "k", 100);
    same.client = None;
    assert!(
        callers.authorise(same).await.unwrap().replayed,
        "D18: client information is not compared"
    );
}

#[tokio::test]
async fn other_calls_replay_and_conflict_too() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let first = callers
        .cards
        .send_phone_code(send_phone_code("a", "+44 7700 900123"))
        .await;
    let first = first.unwrap().into_inner();
    let again = callers
        .cards
        .send_phone_code(send_phone_code("a", "+44 7700 900123"))
        .await;
    let again = again.unwrap().into_inner();
    assert_eq!(
        (again.replayed, &again.decided_at),
        (true, &first.decided_at)
    );
    assert!(
        again.outcome == first.outcome,
        "the same code, though it is stored nowhere"
    );
    let mut other = send_phone_code("a", "+44 7700 900124");
    other.idempotency_key = "code +44 7700 900123".to_owned();
    let conflict = callers.cards.send_phone_code(other).await.unwrap_err();
    assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
    assert!(
        conflict.message().contains("phone_number"),
        "{}",
        conflict.message()
    );

    let mut request = bind("a");
    request.phone_code = callers.phone_code("a", "+44 7700 900123").await;
    let token = bound(&callers.bind(request.clone()).await);
    let again = callers.bind(request.clone()).await;
    assert_eq!((again.replayed, bound(&again)), (true, token));
    request.card = Some(card(&visa(111_000_001), v1::Scheme::Visa));
    let conflict = callers.cards.bind(request).await.unwrap_err();
    assert!(
        conflict.message().contains("with another card:"),
        "{}",
        conflict.message()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_one_key_has_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut calls = JoinSet::new();
    for number in 0..2_000 {
        let mut callers = callers.clone();
        let payment = pay("a", &card, &format!("k{}", number % 10), 100);
        calls.spawn(async move { callers.authorise(payment).await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 10);
    assert_eq!(callers.account("a").await.month.unwrap().used_fen, 1_000);
    let mut ids: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.authorisation.unwrap().authorisation_id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_that_is_under_way_answers_its_key_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut request = bind("a");
    request.phone_code = callers.phone_code("a", &request.phone_number).await;
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let mut callers = Callers::of(&server).await;
        let request = request.clone();
        calls.spawn(async move { callers.bind(request).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| bind_outcome(answer) == "BOUND"));
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(callers.account("a").await.cards_bound, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_a_caller_who_hangs_up_leaves_no_slot_held() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 0..12_u32 {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        request.phone_code = callers.phone_code(&account, &request.phone_number).await;
        let mut hasty = Callers::of(&server).await;
        let first = request.clone();
        let call = tokio::spawn(async move { hasty.cards.bind(first).await });
        tokio::time::sleep(std::time::Duration::from_micros(u64::from(number) * 150)).await;
        call.abort();
        drop(call.await);
        assert_eq!(
            bind_outcome(&callers.bind(request).await),
            "BOUND",
            "{number}"
        );
        for more in 1..=2 {
            let mut request = bind(&account);
            request.idempotency_key = format!("more {more}");
            request.phone_number = format!("+44 7700 90088{more}");
            request.card = Some(card(&visa(111_000_000 + more), v1::Scheme::Visa));
            assert_eq!(
                bind_outcome(&callers.bind(request).await),
                "BOUND",
                "all three slots"
            );
        }
    }
}
