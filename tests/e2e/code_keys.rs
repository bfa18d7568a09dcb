//! One key, one effect, also for payments with a code; and when a code is spent (D10, D18).

use tonic_types::StatusExt as _;
use waika::v1;

use crate::code::{ask, code_outcome, issued, scan};
use crate::support::Server;
use crate::wallet::{Callers, decision, pay, visa};

#[tokio::test]
async fn d18_a_replay_is_the_same_answer_also_once_the_code_is_forgotten() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    let unknown = "123456789012345678";
    let payments = [
        scan(&code, "k", 25_000),
        scan(&code, "second", 100),
        scan(unknown, "k", 25_000),
    ];
    let mut answers = Vec::new();
    for (payment, expected) in
        payments
            .iter()
            .zip(["APPROVED", "PAYMENT_CODE_USED", "PAYMENT_CODE_INVALID"])
    {
        let answer = callers.authorise(payment.clone()).await.unwrap();
        assert_eq!((&*decision(&answer), answer.replayed), (expected, false));
        answers.push(answer);
    }
    let mut server = server;
    for (at, restart) in [
        ("2024-01-10T12:00:00+08:00", ""),
        ("2024-01-10T12:30:00+08:00", ""),
        ("2024-01-10T12:30:00+08:00", "plain"),
        ("2024-01-10T12:30:00+08:00", "from a snapshot"),
        ("2024-01-12T00:00:00+08:00", ""),
    ] {
        server = match restart {
            "" => server,
            "plain" => server.restarted(),
            _ => server.restarted_from_snapshot().await,
        };
        callers = Callers::of(&server).await;
        callers.freeze(at).await;
        for (payment, answer) in payments.iter().zip(&answers) {
            let again = callers.authorise(payment.clone()).await.unwrap();
            assert!(again.replayed, "{at}");
            assert_eq!(again.authorisation, answer.authorisation, "{at}");
        }
        assert_eq!(callers.used("a").await, (25_000, 25_000), "{at}");
    }
}

#[tokio::test]
async fn d18_a_key_of_a_code_with_another_amount_or_merchant_is_a_conflict() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "c").await;
    for code in [&*code, "123456789012345678"] {
        callers.decision(scan(code, "k", 100)).await;
        let elsewhere = v1::AuthoriseRequest {
            merchant_id: "elsewhere".to_owned(),
            ..scan(code, "k", 100)
        };
        for (field, request) in [
            ("amount_fen", scan(code, "k", 101)),
            ("merchant_id", elsewhere),
        ] {
            let conflict = callers.authorise(request).await.unwrap_err();
            assert_eq!(conflict.code(), tonic::Code::AlreadyExists, "{field}");
            let info = conflict.get_error_details().error_info().cloned().unwrap();
            assert_eq!(info.metadata["field"], field);
        }
    }
}

#[tokio::test]
async fn d10_a_key_belongs_to_its_code() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let other = callers.wallet_with("b", 111_000_002).await;
    let one = callers.code("a", &card, "1").await;
    let two = callers.code("a", &card, "2").await;
    let three = callers.code("b", &other, "1").await;
    for code in [&one, &two, &three] {
        let paid = callers.authorise(scan(code, "k", 100)).await.unwrap();
        assert_eq!((&*decision(&paid), paid.replayed), ("APPROVED", false));
    }
    // And not to the account's own keys.
    let paid = callers.authorise(pay("a", &card, "k", 7)).await.unwrap();
    assert_eq!((&*decision(&paid), paid.replayed), ("APPROVED", false));
    assert_eq!(callers.used("a").await, (207, 207));
    assert_eq!(callers.used("b").await, (100, 100));
}

#[tokio::test]
async fn d18_a_code_that_is_asked_for_again_is_the_same_code() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let first = callers.create_code(ask("a", &card, "c")).await;
    // A used key tells nothing about passwords.
    let mut wrong = ask("a", &card, "c");
    wrong.payment_password = "000000".to_owned();
    for request in [ask("a", &card, "c"), wrong] {
        let again = callers.create_code(request).await;
        assert_eq!((first.replayed, again.replayed), (false, true));
        assert_eq!(issued(&again), issued(&first));
        assert_eq!(again.decided_at, first.decided_at);
    }
    let balance = crate::code::ask_from_balance("a", "c");
    let conflict = callers.cards.create_payment_code(balance).await;
    let conflict = conflict.unwrap_err();
    assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
    let code = issued(&first).payment_code;
    assert_eq!(callers.decision(scan(&code, "k", 100)).await, "APPROVED");
    // Also once it was used, and after a restart: it is a stored answer.
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let again = callers.create_code(ask("a", &card, "c")).await;
    assert_eq!(issued(&again), issued(&first));
    let used = callers.decision(scan(&code, "l", 100)).await;
    assert_eq!(used, "PAYMENT_CODE_USED");
}

#[tokio::test]
async fn d10_a_code_is_spent_once_its_rung_has_passed_whatever_is_said_then() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut lost = crate::wallet::bind("lost");
    lost.card = Some(crate::wallet::card(&visa(3), v1::Scheme::Visa));
    let lost = crate::wallet::bound(&callers.bind(lost).await);
    let elsewhere = |code: &str| v1::AuthoriseRequest {
        merchant_id: "nobody".to_owned(),
        ..scan(code, "earlier", 100)
    };
    for (account, card, amount, expected) in [
        ("a", &card, 600_001, "LIMIT_SINGLE"),
        ("lost", &lost, 100, "ISSUER_LOST_CARD"),
    ] {
        let code = callers.code(account, card, "c").await;
        // The merchant's rung comes before, so that this does not spend it.
        let earlier = callers.decision(elsewhere(&code)).await;
        assert_eq!(earlier, "MERCHANT_UNKNOWN");
        assert_eq!(callers.decision(scan(&code, "1", amount)).await, expected);
        let again = callers.decision(scan(&code, "2", 100)).await;
        assert_eq!(again, "PAYMENT_CODE_USED", "after {expected}");
        assert_eq!(callers.used(account).await, (0, 0));
    }
}

#[tokio::test]
async fn d7_a_code_s_password_is_one_of_the_five_tries() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "before").await;
    for number in 1..=6 {
        let mut wrong = ask("a", &card, &format!("c{number}"));
        wrong.payment_password = "000000".to_owned();
        let expected = if number > 5 {
            "PASSWORD_LOCKED"
        } else {
            "PASSWORD_WRONG"
        };
        let response = callers.create_code(wrong).await;
        assert_eq!(code_outcome(&response), expected, "D7: {number}");
    }
    let payment = callers.decision(pay("a", &card, "k", 100)).await;
    assert_eq!(payment, "PASSWORD_LOCKED", "one counter for all");
    // What was verified before the lock still holds: the code was made with the right one.
    let shown = callers.decision(scan(&code, "k", 100)).await;
    assert_eq!(shown, "APPROVED");
}
