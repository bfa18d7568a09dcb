//! The balance under many spenders, at merchants, in quotes, given back, and after a restart
//! (D12, D13).

use tokio::task::JoinSet;
use waika::v1;

use crate::balance::{send, spend};
use crate::code::{ask_from_balance, issued, scan};
use crate::refund::{refund, refund_outcome, refunded};
use crate::support::Server;
use crate::wallet::{Callers, decision, given_back, merchant, part, quote, reverse};

#[tokio::test(flavor = "multi_thread")]
async fn d12_sixty_four_spenders_never_make_it_negative() {
    const BALANCE: i64 = 100_000;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with_balance("a", BALANCE).await;
    let mut spenders = JoinSet::new();
    for spender in 0..64_i64 {
        let mut callers = Callers::of(&server).await;
        spenders.spawn(async move {
            let mut spent = 0;
            for number in 0..10_i64 {
                let amount = 1 + (number * 7_919 + spender * 104_729) % 1_500;
                let payment = spend("a", &format!("{spender} {number}"), amount);
                let decided = callers.authorise(payment).await.unwrap();
                let authorisation = decided.authorisation.as_ref().unwrap();
                match authorisation.outcome.as_ref().unwrap() {
                    v1::authorisation::Outcome::Approval(approval) => {
                        assert!(approval.balance_left_fen.unwrap() >= 0);
                        spent += amount;
                    }
                    v1::authorisation::Outcome::Decline(_) => {
                        assert_eq!(decision(&decided), "BALANCE_INSUFFICIENT");
                    }
                }
            }
            spent
        });
    }
    let spent: i64 = spenders.join_all().await.into_iter().sum();
    let left = callers.balance("a").await;
    assert_eq!(spent + left, BALANCE);
    assert!((0..1_500).contains(&left), "so many fill it: {left}");
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.balance("a").await, left);
}

#[tokio::test]
async fn d12_merchants_need_no_international_cards_for_it_but_must_be_in_the_mainland() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with_balance("a", 1_000).await;
    let home = v1::Merchant {
        international_cards: false,
        ..merchant("home")
    };
    let overseas = v1::Merchant {
        region: v1::MerchantRegion::Overseas.into(),
        ..merchant("overseas")
    };
    callers.put_merchant(home).await;
    callers.put_merchant(overseas).await;
    for (id, expected) in [
        ("home", "APPROVED"),
        ("overseas", "MERCHANT_OVERSEAS"),
        ("nobody", "MERCHANT_UNKNOWN"),
    ] {
        let payment = v1::AuthoriseRequest {
            merchant_id: id.to_owned(),
            ..spend("a", id, 100)
        };
        assert_eq!(callers.decision(payment).await, expected, "{id}");
    }
    assert_eq!(callers.balance("a").await, 900);
}

#[tokio::test]
async fn d32_a_quote_tells_of_the_balance_and_its_token_is_for_the_balance() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet_with_balance("a", 30_000).await;
    let quoted = callers.quote(quote("a", 25_000)).await;
    let balance = quoted.balance.unwrap();
    assert_eq!((balance.balance_fen, balance.usable), (30_000, true));
    assert_eq!(quoted.fee_fen, 750, "the card's; the balance has none");
    let with = |mut payment: v1::AuthoriseRequest, token: &str| {
        token.clone_into(&mut payment.quote_token);
        payment
    };
    let by_card = crate::wallet::pay("a", &card, "1", 25_000);
    let swapped = [
        with(by_card, &balance.quote_token),
        with(spend("a", "2", 25_000), &quoted.cards[0].quote_token),
        with(spend("a", "3", 24_999), &balance.quote_token),
    ];
    for payment in swapped {
        assert_eq!(callers.decision(payment).await, "QUOTE_MISMATCH");
    }
    let paid = with(spend("a", "4", 25_000), &balance.quote_token);
    assert_eq!(callers.decision(paid).await, "APPROVED");
    let quoted = callers.quote(quote("a", 25_000)).await;
    let balance = quoted.balance.unwrap();
    assert_eq!((balance.balance_fen, balance.usable), (5_000, false));
    let why = balance.decline.unwrap().reason();
    assert_eq!(why, v1::DeclineReason::BalanceInsufficient);
    assert!(balance.quote_token.is_empty());
    // A red packet is open to the balance alone.
    let mut packet = quote("a", 100);
    packet.scene = v1::Scene::RedPacket.into();
    packet.merchant_id.clear();
    let quoted = callers.quote(packet).await;
    assert!(quoted.balance.unwrap().usable && !quoted.cards[0].usable);
}

#[tokio::test]
async fn d10_a_code_can_pay_from_the_balance() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with_balance("a", 25_000).await;
    let made = callers.create_code(ask_from_balance("a", "1")).await;
    let code = issued(&made).payment_code;
    let paid = callers.authorise(scan(&code, "1", 24_000)).await.unwrap();
    assert_eq!(decision(&paid), "APPROVED");
    let paid = paid.authorisation.unwrap();
    assert_eq!(
        (paid.funding(), &*paid.account_id),
        (v1::Funding::Balance, "a")
    );
    assert_eq!((&*paid.card_token, paid.fee_fen), ("", 0));
    assert_eq!(callers.balance("a").await, 1_000);
    let made = callers.create_code(ask_from_balance("a", "2")).await;
    let code = issued(&made).payment_code;
    let more = callers.decision(scan(&code, "2", 1_001)).await;
    assert_eq!(more, "BALANCE_INSUFFICIENT");
    let spent = callers.decision(scan(&code, "3", 1_000)).await;
    assert_eq!(spent, "PAYMENT_CODE_USED");
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn d13_what_the_balance_paid_comes_back_to_it() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    callers.wallet_with_balance("a", 100_000).await;
    let paid = callers.authorise(spend("a", "k", 60_000)).await.unwrap();
    let id = paid.authorisation.unwrap().authorisation_id;
    let first = callers.reverse(part(reverse("a", "r", &id), 10_000)).await;
    let first = given_back(first.unwrap());
    assert_eq!((first.amount_fen, first.fee_fen), (10_000, 0));
    assert_eq!(
        (first.remaining_fen, first.balance_fen),
        (50_000, Some(50_000))
    );
    assert!(
        !first.month_restored && !first.year_restored,
        "never counted"
    );
    callers.freeze("2024-01-12T00:00:00+08:00").await;
    let late = callers.reversal(reverse("a", "late", &id)).await;
    assert_eq!(late, "ALREADY_SETTLED");
    let rest = refunded(callers.refund(refund("a", "f", &id)).await.unwrap());
    assert_eq!((rest.amount_fen, rest.balance_fen), (50_000, Some(100_000)));
    assert_eq!(callers.balance("a").await, 100_000);
    let again = callers.refund(refund("a", "g", &id)).await.unwrap();
    assert_eq!(refund_outcome(&again), "ALREADY_REVERSED");
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn d12_the_balance_outlives_a_restart_with_and_without_a_snapshot() {
    for from_snapshot in [false, true] {
        let server = Server::start();
        let mut callers = Callers::of(&server).await;
        callers.wallet_with_balance("a", 1_000).await;
        let payment = spend("a", "k", 300);
        let paid = callers.authorise(payment.clone()).await.unwrap();
        callers
            .authorise(send(v1::Scene::Transfer, "t", 200))
            .await
            .unwrap();
        let server = if from_snapshot {
            server.restarted_from_snapshot().await
        } else {
            server.restarted()
        };
        let mut callers = Callers::of(&server).await;
        assert_eq!(callers.balance("a").await, 500);
        let again = callers.authorise(payment).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.authorisation, paid.authorisation);
        assert_eq!(callers.decision(spend("a", "2", 500)).await, "APPROVED");
        let id = paid.authorisation.unwrap().authorisation_id;
        assert_eq!(callers.reversal(reverse("a", "r", &id)).await, "REVERSED");
        assert_eq!(callers.balance("a").await, 300);
    }
}
