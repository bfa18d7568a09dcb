//! The balance: what comes into it, and what it pays (R72, D12).

use waika::v1::{self, receive_funds_response::Outcome};

use crate::code_ends::bind_by_passport;
use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, bind_outcome, pay, unbind};

pub(crate) fn receive(account: &str, key: &str, amount_fen: i64) -> v1::ReceiveFundsRequest {
    v1::ReceiveFundsRequest {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        kind: v1::FundsKind::RedPacket.into(),
        amount_fen,
        currency: "CNY".to_owned(),
    }
}

/// A purchase that the balance pays.
pub(crate) fn spend(account: &str, key: &str, amount_fen: i64) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        funding: v1::Funding::Balance.into(),
        ..pay(account, "", key, amount_fen)
    }
}

/// The same for a scene that has no merchant.
pub(crate) fn send(scene: v1::Scene, key: &str, amount_fen: i64) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        merchant_id: String::new(),
        scene: scene.into(),
        mode: v1::PaymentMode::OnlineApp.into(),
        ..spend("a", key, amount_fen)
    }
}

/// How it ended, in a word: `TAKEN`, or the name of the reason.
fn receive_outcome(response: &v1::ReceiveFundsResponse) -> &'static str {
    match response.outcome.as_ref().unwrap() {
        Outcome::Taken(_) => "TAKEN",
        Outcome::Refusal(refusal) => refusal
            .reason()
            .as_str_name()
            .strip_prefix("RECEIVE_REFUSAL_REASON_")
            .unwrap(),
    }
}

impl Callers {
    async fn receive(&mut self, request: v1::ReceiveFundsRequest) -> v1::ReceiveFundsResponse {
        let response = self.cards.receive_funds(request).await;
        response.unwrap().into_inner()
    }

    pub(crate) async fn balance(&mut self, account: &str) -> i64 {
        let request = v1::GetBalanceRequest {
            account_id: account.to_owned(),
        };
        let read = self.cards.get_balance(request).await.unwrap();
        read.into_inner().balance_fen
    }

    /// A wallet with a card and that balance. Gives the card's token.
    pub(crate) async fn wallet_with_balance(&mut self, account: &str, amount_fen: i64) -> String {
        let card = self.wallet(account).await;
        let taken = self.receive(receive(account, "funds", amount_fen)).await;
        assert_eq!(receive_outcome(&taken), "TAKEN");
        card
    }
}

#[tokio::test]
async fn r72_money_comes_in_for_who_has_a_card_and_no_passport() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let unknown = callers.cards.receive_funds(receive("a", "0", 1)).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound);
    let request = v1::GetBalanceRequest {
        account_id: "a".to_owned(),
    };
    let unknown = callers.cards.get_balance(request).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound);
    callers.phone_code("a", "+44 7700 900999").await;
    let refused = callers.receive(receive("a", "1", 1)).await;
    assert_eq!(receive_outcome(&refused), "WALLET_NOT_VERIFIED");
    let card = callers.wallet("a").await;
    let taken = callers.receive(receive("a", "2", 10_000)).await;
    let balance_fen = 10_000;
    let expected = Outcome::Taken(v1::FundsTaken { balance_fen });
    assert_eq!(taken.outcome, Some(expected));
    assert_eq!(callers.balance("a").await, 10_000);
    callers.unbind(unbind("a", &card, "u")).await;
    let refused = callers.receive(receive("a", "3", 1)).await;
    assert_eq!(receive_outcome(&refused), "NO_BOUND_CARD");
    assert_eq!(callers.balance("a").await, 10_000, "it stays");

    let holder = callers.bind(bind_by_passport("p", 111_000_009)).await;
    assert_eq!(bind_outcome(&holder), "BOUND");
    callers.review("p", v1::ReviewVerdict::Approve).await;
    let refused = callers.receive(receive("p", "4", 1)).await;
    assert_eq!(receive_outcome(&refused), "IDENTITY_NOT_PERMITTED");
    let Some(Outcome::Refusal(refusal)) = refused.outcome else {
        panic!("taken")
    };
    assert_eq!(refusal.layer(), v1::DeclineLayer::Wallet);
    let text = refusal.text.unwrap();
    assert!(!text.zh_cn.is_empty() && !text.en.is_empty());
    assert_eq!(callers.balance("p").await, 0);
    let spent = callers.decision(spend("p", "k", 1)).await;
    assert_eq!(spent, "BALANCE_NOT_PERMITTED");
}

#[tokio::test]
async fn d18_money_comes_in_once_for_a_key() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet("a").await;
    let first = callers.receive(receive("a", "k", 700)).await;
    let again = callers.receive(receive("a", "k", 700)).await;
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(again.outcome, first.outcome);
    assert_eq!(callers.balance("a").await, 700);
    let transfer = v1::ReceiveFundsRequest {
        kind: v1::FundsKind::Transfer.into(),
        ..receive("a", "k", 700)
    };
    for request in [receive("a", "k", 701), transfer] {
        let conflict = callers.cards.receive_funds(request).await;
        assert_eq!(conflict.unwrap_err().code(), tonic::Code::AlreadyExists);
    }
    let bad = v1::ReceiveFundsRequest {
        kind: 9,
        currency: "USD".to_owned(),
        ..receive("a/b", "", 0)
    };
    let error = callers.cards.receive_funds(bad).await.unwrap_err();
    let expected = [
        "account_id",
        "amount_fen",
        "currency",
        "idempotency_key",
        "kind",
    ];
    assert_eq!(bad_fields(&error), named(expected));
    assert_eq!(callers.balance("a").await, 700);
}

#[tokio::test]
async fn d12_the_balance_pays_without_fee_and_without_limits() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet_with_balance("a", 10_000_000).await;
    callers.paid("a", &card, "card", 100).await;
    let before = callers.account("a").await;
    let paid = callers.authorise(spend("a", "k", 700_000)).await.unwrap();
    assert_eq!(crate::wallet::decision(&paid), "APPROVED", "above R63");
    let paid = paid.authorisation.unwrap();
    assert_eq!((paid.fee_fen, paid.total_fen), (0, 700_000), "no fee (R71)");
    assert_eq!(
        (paid.funding(), &*paid.card_token),
        (v1::Funding::Balance, "")
    );
    let Some(v1::authorisation::Outcome::Approval(approval)) = paid.outcome else {
        panic!("declined")
    };
    assert_eq!(approval.balance_left_fen, Some(9_300_000));
    assert_eq!(approval.approval_code.len(), 6);
    assert_eq!(approval.month, before.month, "as it was");
    assert_eq!(callers.account("a").await, before);
    assert_eq!(callers.balance("a").await, 9_300_000);
    // Far above the year's limit of cards, too.
    let much = callers.decision(spend("a", "l", 9_000_000)).await;
    assert_eq!(much, "APPROVED");
    assert_eq!(callers.account("a").await, before);
}

#[tokio::test]
async fn r72_the_balance_sends_red_packets_and_transfers_and_a_card_does_not() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet_with_balance("a", 1_000).await;
    let scenes = [
        (v1::Scene::RedPacket, "APPROVED"),
        (v1::Scene::Transfer, "APPROVED"),
        (v1::Scene::TopUp, "SCENE_NOT_PERMITTED"),
        (v1::Scene::WealthProduct, "SCENE_NOT_PERMITTED"),
    ];
    for (scene, expected) in scenes {
        let key = format!("{scene:?}");
        let from_balance = callers.decision(send(scene, &key, 100)).await;
        assert_eq!(from_balance, expected, "{key}");
        let by_card = v1::AuthoriseRequest {
            funding: v1::Funding::Card.into(),
            card_token: card.clone(),
            ..send(scene, &format!("card {key}"), 100)
        };
        let by_card = callers.decision(by_card).await;
        assert_eq!(by_card, "SCENE_NOT_PERMITTED", "{key}");
    }
    assert_eq!(callers.balance("a").await, 800);
    assert_eq!(callers.used("a").await, (0, 0));
}

#[tokio::test]
async fn d12_exactly_what_there_is_can_be_spent_and_not_one_fen_more() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with_balance("a", 1_000).await;
    let more = callers.authorise(spend("a", "1", 1_001)).await.unwrap();
    assert_eq!(crate::wallet::decision(&more), "BALANCE_INSUFFICIENT");
    let Some(v1::authorisation::Outcome::Decline(decline)) = more.authorisation.unwrap().outcome
    else {
        panic!("approved")
    };
    assert_eq!(decline.response_code, "51");
    assert_eq!(decline.retry(), v1::RetryClass::ReduceAmount);
    let limit = decline.amount_limit.unwrap();
    assert_eq!((limit.observed_fen, limit.limit_fen), (1_001, 1_000));
    assert_eq!(
        (limit.remaining_fen, limit.max_approvable_now_fen),
        (1_000, 1_000)
    );
    assert_eq!(callers.decision(spend("a", "2", 1_000)).await, "APPROVED");
    assert_eq!(callers.balance("a").await, 0);
    let nothing_left = callers.decision(spend("a", "3", 1)).await;
    assert_eq!(nothing_left, "BALANCE_INSUFFICIENT");
}

#[tokio::test]
async fn d12_the_balance_needs_the_password_and_no_card_in_the_request() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet_with_balance("a", 1_000).await;
    let mut wrong = spend("a", "1", 100);
    wrong.payment_password = "000000".to_owned();
    assert_eq!(callers.decision(wrong).await, "PASSWORD_WRONG", "R42");
    let mut with_card = spend("a", "2", 100);
    with_card.card_token.clone_from(&card);
    let error = callers.authorise(with_card).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["card_token"]));
    let mut unknown = spend("a", "2", 100);
    unknown.funding = 7;
    let error = callers.authorise(unknown).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["funding"]));
    assert_eq!(callers.decision(spend("a", "2", 100)).await, "APPROVED");
    // A key of the balance with a card is another payment.
    let conflict = callers.authorise(pay("a", &card, "2", 100)).await;
    let conflict = conflict.unwrap_err();
    assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
    assert_eq!(callers.balance("a").await, 900);
}
