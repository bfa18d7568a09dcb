//! A payment is decided by one ladder, and every answer says what it must (RULES C1).

use waika::v1::{self, authorisation};

use crate::passports::bind_passport;
use crate::support::Server;
use crate::wallet::{Callers, bind, bind_outcome, bound, card, client, decision, merchant, pay};

#[tokio::test]
async fn an_approval_carries_what_both_sides_need() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let response = callers
        .authorise(pay("a", &card, "k", 20_017))
        .await
        .unwrap();
    assert!(!response.replayed);
    let approved = response.authorisation.unwrap();
    assert_eq!(
        (approved.amount_fen, approved.fee_fen, approved.total_fen),
        (20_017, 601, 20_618)
    );
    assert_eq!(approved.policy, "weixin-2023");
    let Some(authorisation::Outcome::Approval(approval)) = &approved.outcome else {
        panic!("declined")
    };
    assert_eq!(approval.approval_code.len(), 6, "DE38");
    assert_eq!(approval.retrieval_reference_number.len(), 12, "DE37");
    let (month, year) = (
        approval.month.as_ref().unwrap(),
        approval.year.as_ref().unwrap(),
    );
    assert_eq!(
        (month.used_fen, month.remaining_fen),
        (20_017, 4_979_983),
        "D3: the principal"
    );
    assert_eq!((year.used_fen, year.remaining_fen), (20_017, 5_979_983));

    let request = v1::GetAuthorisationRequest {
        account_id: "a".to_owned(),
        authorisation_id: approved.authorisation_id.clone(),
    };
    let read = callers
        .authorisations
        .get_authorisation(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        read.authorisation.unwrap(),
        approved,
        "R59: provable afterwards"
    );
}

#[tokio::test]
async fn an_authorisation_is_found_only_in_its_own_account() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.wallet("b").await;
    let response = callers.authorise(pay("a", &card, "k", 100)).await.unwrap();
    let id = response.authorisation.unwrap().authorisation_id;
    for (account, id) in [
        ("b", &*id),
        ("a", "auth_1ZZZZZZZZZZZZZ"),
        ("a", ""),
        ("nobody", &*id),
    ] {
        let request = v1::GetAuthorisationRequest {
            account_id: account.to_owned(),
            authorisation_id: id.to_owned(),
        };
        let error = callers
            .authorisations
            .get_authorisation(request)
            .await
            .unwrap_err();
        assert_eq!(error.code(), tonic::Code::NotFound, "{account} {id}");
    }
}

/// Changes a payment so that it is declined.
type Change = fn(&mut v1::AuthoriseRequest);

#[tokio::test]
async fn a_decline_is_an_answer_with_its_reason() {
    let rungs: &[(&str, &str, Change)] = &[
        ("CLIENT_TOO_OLD", "57", |payment| {
            payment.client = Some(client("8.0.39"));
        }), // R7
        ("PASSWORD_WRONG", "55", |payment| {
            payment.payment_password = "000000".into();
        }), // R69
        ("CARD_NOT_BOUND", "14", |payment| {
            payment.card_token = "card_0000000000001".into();
        }),
        ("SCENE_NOT_PERMITTED", "57", |payment| {
            payment.scene = v1::Scene::RedPacket.into(); // R72
            payment.merchant_id.clear();
        }),
        ("MERCHANT_UNKNOWN", "03", |payment| {
            payment.merchant_id = "nobody".into();
        }), // D11
        ("MERCHANT_OVERSEAS", "58", |payment| {
            payment.merchant_id = "abroad".into();
        }), // R61
        ("MERCHANT_NOT_ENABLED", "58", |payment| {
            payment.merchant_id = "cash-only".into();
        }), // R60
        ("LIMIT_SINGLE", "61", |payment| payment.amount_fen = 600_001), // R63
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let overseas = v1::MerchantRegion::Overseas.into();
    callers
        .put_merchant(v1::Merchant {
            region: overseas,
            ..merchant("abroad")
        })
        .await;
    callers
        .put_merchant(v1::Merchant {
            international_cards: false,
            ..merchant("cash-only")
        })
        .await;
    for (expected, code, change) in rungs {
        let mut payment = pay("a", &card, expected, 100);
        change(&mut payment);
        let response = callers.authorise(payment).await.unwrap();
        assert_eq!(decision(&response), *expected);
        let decline = decline(&response);
        assert_eq!(decline.response_code, *code, "{expected}");
        let text = decline.text.unwrap();
        assert!(!text.zh_cn.is_empty() && !text.en.is_empty(), "{expected}");
    }
    assert_eq!(
        callers.account("a").await.month.unwrap().used_fen,
        0,
        "C2: declines consume nothing"
    );
}

#[tokio::test]
async fn a_limit_says_what_would_pass() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    // R64: eight payments of 6,000 and one of 2,000 fill the month exactly.
    for (number, amount) in [600_000; 8].into_iter().chain([200_000]).enumerate() {
        let payment = pay("a", &card, &format!("k{number}"), amount);
        assert_eq!(callers.decision(payment).await, "APPROVED", "{number}");
    }
    let response = callers
        .authorise(pay("a", &card, "one more", 1))
        .await
        .unwrap();
    assert_eq!(decision(&response), "LIMIT_MONTH");
    let decline = decline(&response);
    assert_eq!(
        decline.retry(),
        v1::RetryClass::Later,
        "nothing remains: a smaller amount is no help"
    );
    assert!(decline.resets_at.is_some());
    let limit = decline.amount_limit.unwrap();
    assert_eq!(
        (limit.observed_fen, limit.limit_fen),
        (5_000_001, 5_000_000)
    );
    assert_eq!((limit.remaining_fen, limit.max_approvable_now_fen), (0, 0));

    let response = callers
        .authorise(pay("a", &card, "too large", 700_000))
        .await
        .unwrap();
    assert_eq!(decision(&response), "LIMIT_SINGLE", "the earlier rung");
}

#[tokio::test]
async fn d5_a_passport_holder_pays_once_the_review_is_approved() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with("someone-else", 111_000_009).await;
    let response = callers.bind(bind_passport("a")).await;
    assert_eq!(response.review(), v1::ReviewState::Required, "R49");
    let card = bound(&response);
    assert_eq!(
        callers.decision(pay("a", &card, "1", 100)).await,
        "REVIEW_REQUIRED"
    );
    let approve = v1::ReviewVerdict::Approve;
    let early = callers.resolve_review("a", "early", approve).await;
    assert_eq!(early, (false, "REQUIRED"), "nothing was sent in");
    callers.send_page_and_face("a").await;
    let resolved = callers.resolve_review("a", "review", approve).await;
    assert_eq!(resolved, (true, "APPROVED"));
    assert_eq!(
        callers.decision(pay("a", &card, "2", 100)).await,
        "APPROVED"
    );
    let other = callers.resolve_review("someone-else", "review", approve);
    assert_eq!(other.await, (false, "NOT_REQUIRED"), "nothing to resolve");
}

#[tokio::test]
async fn r38_r70_the_readmes_test_cards_do_what_it_says() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with("someone-else", 111_000_009).await;
    let cards = test_cards();
    assert_eq!(cards.len(), 11);
    for (number, row) in cards.into_iter().enumerate() {
        let TestCards {
            expected,
            binds,
            does_not,
            slowly,
        } = row;
        let with_card = |account: &str, pan: &str| {
            let mut request = bind(account);
            request.card = Some(card(pan, v1::Scheme::Visa));
            request
        };
        let account = format!("acct-{number}");
        let token = bound(&callers.bind(with_card(&account, &binds)).await);
        let response = callers
            .authorise(pay(&account, &token, "k", 100))
            .await
            .unwrap();
        assert_eq!(decision(&response), expected, "{binds}");
        let used = callers.account(&account).await.month.unwrap().used_fen;
        if expected == "APPROVED" {
            assert_eq!(used, 100);
        } else {
            assert_eq!(decline(&response).layer(), v1::DeclineLayer::Issuer);
            assert_eq!(used, 0, "C2: what the issuer declines consumes nothing");
        }

        let account = format!("other-{number}");
        let response = callers.bind(with_card(&account, &does_not)).await;
        let expected = if slowly { "BOUND" } else { &expected };
        assert_eq!(bind_outcome(&response), expected, "{does_not}");
    }
}

/// A row of the README's table.
struct TestCards {
    /// What a payment is answered.
    expected: String,
    binds: String,
    does_not: String,
    /// The second card binds after all, only later.
    slowly: bool,
}

fn test_cards() -> Vec<TestCards> {
    let readme = include_str!("../../README.md");
    let rows = readme
        .lines()
        .skip_while(|line| !line.starts_with("| selector |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let reason = cells[2].split('`').nth(1);
        if reason.is_none() {
            assert!(cells[2].starts_with("approved"), "{row}");
        }
        let does_not = cells[4].split(" (").next().unwrap_or_default();
        TestCards {
            expected: reason.unwrap_or("APPROVED").to_owned(),
            binds: cells[3].to_owned(),
            does_not: does_not.to_owned(),
            slowly: cells[4].ends_with("(slowly)"),
        }
    })
    .collect()
}

#[tokio::test]
async fn d9_a_card_in_another_name_binds_and_does_not_pay() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with("someone-else", 111_000_009).await;
    let mut request = bind("a");
    request.card.as_mut().unwrap().holder_name = "Pierre Curie".to_owned();
    let token = bound(&callers.bind(request).await);
    assert_eq!(
        callers.decision(pay("a", &token, "k", 100)).await,
        "RISK_HOLDER_MISMATCH",
        "R67"
    );
}

fn decline(response: &v1::AuthoriseResponse) -> v1::Decline {
    match response
        .authorisation
        .as_ref()
        .unwrap()
        .outcome
        .as_ref()
        .unwrap()
    {
        authorisation::Outcome::Decline(decline) => decline.clone(),
        authorisation::Outcome::Approval(_) => panic!("approved"),
    }
}
