//! A card is bound as the guide orders it, or nothing remains (R35, R37, D6).

use waika::v1::{self, send_phone_code_response};

use crate::support::Server;
use crate::wallet::{Callers, bind, bind_outcome, bound, card, client, send_phone_code, visa};

#[tokio::test]
async fn a_first_bind_verifies_the_wallet_and_sets_the_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let code = callers.phone_code("b", "+44 7700 900123").await;
    let before = callers.account("b").await;
    assert!(
        !before.verified && !before.password_set,
        "D27: opened, and unverified"
    );

    let response = callers
        .bind(v1::BindRequest {
            phone_code: code,
            ..bind("b")
        })
        .await;
    let token = bound(&response);
    let account = callers.account("b").await;
    assert!(account.verified && account.password_set);
    assert_eq!(account.review(), v1::ReviewState::NotRequired);
    let request = v1::ListCardsRequest {
        account_id: "b".to_owned(),
    };
    let cards = callers
        .cards
        .list_cards(request)
        .await
        .unwrap()
        .into_inner()
        .cards;
    assert_eq!(cards.len(), 1);
    assert_eq!(
        (&*cards[0].card_token, &*cards[0].bin, &*cards[0].last_four),
        (&*token, "411111", "1111")
    );
}

/// Changes a bind so that it is refused.
type Change = fn(&mut v1::BindRequest);

#[tokio::test]
async fn every_rung_of_ours_refuses_by_name() {
    let rungs: &[(&str, Change)] = &[
        ("WALLET_REGION", |_| {}), // R30: its account is opened in Malaysia below
        ("CLIENT_TOO_OLD", |request| {
            request.client = Some(client("8.0.9"));
        }), // R7
        ("AGREEMENT_NOT_ACCEPTED", |request| {
            request.privacy_policy_accepted = false;
        }), // R34
        ("IDENTITY_TYPE_UNSUPPORTED", |request| {
            identity(request).r#type = 7;
        }), // R10
        ("IDENTITY_ISSUER_INVALID", |request| {
            identity(request).issuing_country = "FR".into();
        }), // R16
        ("IDENTITY_EXPIRED", |request| {
            identity(request).expires_on = day(2020);
        }), // R5
        ("IDENTITY_REJECTED", |request| {
            identity(request).number = "REJECT-1".into();
        }), // R36
        ("SCHEME_UNSUPPORTED", |request| {
            entry(request).pan = "378282246310005".into();
        }), // R17
        ("SCHEME_MISMATCH", |request| {
            entry(request).scheme = v1::Scheme::Jcb.into();
        }),
        ("CARD_EXPIRED", |request| entry(request).expiry_year = 2020), // R38
        ("PHONE_CODE_NONE", |request| {
            request.phone_number = "+44 7700 900999".into();
        }),
        ("PHONE_CODE_WRONG", |request| {
            request.phone_code = other_code(&request.phone_code);
        }), // D8
        ("ISSUER_LOST_CARD", |request| entry(request).pan = visa(103)), // R38
        ("ISSUER_INSUFFICIENT_FUNDS", |request| {
            entry(request).pan = visa(106);
        }), // R37
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for (number, (expected, change)) in rungs.iter().enumerate() {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        if *expected == "WALLET_REGION" {
            let mut first = send_phone_code(&account, &request.phone_number);
            first.wallet_region = v1::WalletRegion::Malaysia.into();
            callers.cards.send_phone_code(first).await.unwrap();
            request.phone_code = "123456".to_owned();
        } else {
            request.phone_code = callers.phone_code(&account, &request.phone_number).await;
        }
        change(&mut request);
        assert_eq!(bind_outcome(&callers.bind(request).await), *expected);
        let left = callers.account(&account).await;
        assert!(
            !left.verified && !left.password_set && left.cards_bound == 0,
            "D6: {expected}"
        );
    }
}

#[tokio::test]
async fn r39_three_cards_are_bound_and_a_fourth_is_refused() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 1..=4 {
        let mut request = bind("a");
        request.idempotency_key = format!("bind {number}");
        request.phone_number = format!("+44 7700 90012{number}");
        request.card = Some(card(&visa(111_000_000 + number), v1::Scheme::Visa));
        let expected = if number <= 3 {
            "BOUND"
        } else {
            "CARD_CAP_REACHED"
        };
        assert_eq!(
            bind_outcome(&callers.bind(request).await),
            expected,
            "{number}"
        );
    }
    let mut again = bind("a");
    again.idempotency_key = "bind 5".to_owned();
    again.phone_number = "+44 7700 900199".to_owned();
    again.card = Some(card(&visa(111_000_001), v1::Scheme::Visa));
    assert_eq!(
        bind_outcome(&callers.bind(again).await),
        "CARD_ALREADY_BOUND",
        "D23"
    );
}

#[tokio::test]
async fn a_second_bind_verifies_the_password_and_the_person() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    bound(&callers.bind(bind("a")).await);
    let second = |change: Change, number: u32| {
        let mut request = bind("a");
        request.idempotency_key = format!("second {number}");
        request.phone_number = format!("+44 7700 90020{number}");
        request.card = Some(card(&visa(111_000_000 + number), v1::Scheme::Visa));
        change(&mut request);
        request
    };
    let other_person = second(|request| identity(request).number = "FPR-other".into(), 1);
    assert_eq!(
        bind_outcome(&callers.bind(other_person).await),
        "IDENTITY_DIFFERS"
    );
    let other_password = second(|request| request.payment_password = "000000".into(), 2);
    assert_eq!(
        bind_outcome(&callers.bind(other_password).await),
        "PASSWORD_WRONG",
        "D7"
    );
    assert_eq!(
        bind_outcome(&callers.bind(second(|_| {}, 3)).await),
        "BOUND"
    );
}

#[tokio::test]
async fn r19_a_code_is_sent_once_a_minute_and_used_once() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let code = callers.phone_code("a", "+44 7700 900123").await;
    let mut again = send_phone_code("a", "+44 7700 900123");
    again.idempotency_key = "again".to_owned();
    let response = callers
        .cards
        .send_phone_code(again)
        .await
        .unwrap()
        .into_inner();
    let Some(send_phone_code_response::Outcome::Refusal(refusal)) = response.outcome else {
        panic!("R19: a second code went out at once")
    };
    assert_eq!(refusal.reason(), v1::PhoneCodeRefusalReason::ResendTooSoon);
    assert!(refusal.resend_at.is_some());

    let mut first = bind("a");
    first.phone_code.clone_from(&code);
    assert_eq!(bind_outcome(&callers.bind(first).await), "BOUND");
    let mut second = bind("a");
    second.idempotency_key = "bind 2".to_owned();
    second.card = Some(card(&visa(111_000_002), v1::Scheme::Visa));
    second.phone_code = code;
    assert_eq!(
        bind_outcome(&callers.bind(second).await),
        "PHONE_CODE_SPENT",
        "D8"
    );

    let undeliverable = send_phone_code("a", "+44 7700 00000");
    let response = callers
        .cards
        .send_phone_code(undeliverable)
        .await
        .unwrap()
        .into_inner();
    let Some(send_phone_code_response::Outcome::Refusal(refusal)) = response.outcome else {
        panic!("R24: sent to a phone that the gateway does not reach")
    };
    assert_eq!(refusal.reason(), v1::PhoneCodeRefusalReason::SendFailed);
}

#[tokio::test]
async fn d26_a_live_card_number_is_taken_only_when_allowed() {
    let live = |account: &str| {
        let mut request = bind(account);
        entry(&mut request).pan = "4012888888881881".to_owned();
        request
    };
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut request = live("a");
    request.phone_code = callers.phone_code("a", &request.phone_number).await;
    let refused = callers.cards.bind(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(
        refused.message().contains("card.pan"),
        "{}",
        refused.message()
    );
    assert!(
        !refused.message().contains("4012"),
        "R4: a card number is not echoed"
    );

    let server = Server::start_with(&["--allow-live-pan"]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(bind_outcome(&callers.bind(live("a")).await), "BOUND");
}

fn identity(request: &mut v1::BindRequest) -> &mut v1::IdentityDocument {
    request.identity.as_mut().unwrap()
}

fn entry(request: &mut v1::BindRequest) -> &mut v1::CardEntry {
    request.card.as_mut().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "a message field")]
fn day(year: i32) -> Option<v1::Date> {
    Some(v1::Date {
        year,
        month: 1,
        day: 1,
    })
}

/// Six digits that are not these.
fn other_code(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}
