//! Chapter 5, Q2 of the guide, "支付失败？": the four messages, each with what the guide says to do,
//! and the payment that passes once it was done.

use waika::v1::{self, DeclineReason as Reason};

use crate::passwords::{NEW_PASSWORD, WRONG_PASSWORD, change, change_outcome};
use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, assert_says, bind, bound, card, decline, instant, merchant, pay, visa,
};

impl Callers {
    async fn turned_down(&mut self, payment: v1::AuthoriseRequest) -> v1::Decline {
        decline(self.authorise(payment).await.unwrap())
    }

    async fn open_tickets(&mut self) -> Vec<v1::RiskTicket> {
        let request = v1::ListRiskTicketsRequest::default();
        let listed = self.admin.list_risk_tickets(request).await.unwrap();
        listed.into_inner().tickets
    }

    /// The person has called 95017, and it is the person's own card.
    async fn cleared(&mut self, ticket: &v1::RiskTicket) {
        let request = v1::ResolveRiskTicketRequest {
            idempotency_key: ticket.ticket_id.clone(),
            account_id: ticket.account_id.clone(),
            ticket_id: ticket.ticket_id.clone(),
            verdict: v1::RiskVerdict::Clear.into(),
        };
        self.admin.resolve_risk_ticket(request).await.unwrap();
    }

    async fn set_status(&mut self, card_token: &str, status: v1::CardStatus) {
        let request = v1::SetCardStatusRequest {
            idempotency_key: status.as_str_name().to_owned(),
            account_id: "a".to_owned(),
            card_token: card_token.to_owned(),
            status: status.into(),
        };
        self.admin.set_card_status(request).await.unwrap();
    }
}

/// What a limit says of itself: observed, limit, remaining, and what would pass now.
fn numbers(declined: &v1::Decline) -> [i64; 4] {
    let limit = declined.amount_limit.unwrap();
    [
        limit.observed_fen,
        limit.limit_fen,
        limit.remaining_fen,
        limit.max_approvable_now_fen,
    ]
}

/// "交易被限额", R63 to R66: 6,000, 50,000 and 60,000 yuan; "减少金额，或改用其他的支付方式".
#[tokio::test]
async fn q2_r63_to_r65_the_limits_and_the_amount_that_would_pass() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-03-10T12:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    // R63.
    let declined = callers
        .turned_down(pay("a", &card_token, "single", 600_001))
        .await;
    assert_eq!(declined.reason(), Reason::LimitSingle);
    assert_eq!(declined.retry(), v1::RetryClass::ReduceAmount);
    assert_eq!(numbers(&declined), [600_001, 600_000, 600_000, 600_000]);
    assert_says(
        declined.text.as_ref(),
        "单笔交易限额",
        "limit for one payment",
    );
    // R66: with less it passes, as the answer said.
    let most = numbers(&declined)[3];
    callers.paid("a", &card_token, "reduced", most).await;
    for number in 2..=8 {
        callers
            .paid("a", &card_token, &format!("{number}"), 600_000)
            .await;
    }
    // R64: 48,000 so far.
    let declined = callers
        .turned_down(pay("a", &card_token, "month", 200_001))
        .await;
    assert_eq!(declined.reason(), Reason::LimitMonth);
    assert_eq!(numbers(&declined), [5_000_001, 5_000_000, 200_000, 200_000]);
    assert_eq!(
        declined.resets_at,
        Some(instant("2024-04-01T00:00:00+08:00"))
    );
    assert_says(declined.text.as_ref(), "月累计交易限额", "month's limit");
    assert_says(declined.text.as_ref(), "改用其他支付方式", "another method");
    callers
        .paid("a", &card_token, "month's rest", 200_000)
        .await;
    // Nothing is left of the month, on another card as little (D2): no amount is small enough.
    let second = bound(&callers.another_card("a", 111_000_007).await);
    let declined = callers.turned_down(pay("a", &second, "1 fen", 1)).await;
    assert_eq!(declined.reason(), Reason::LimitMonth);
    assert_eq!(declined.retry(), v1::RetryClass::Later);
    assert_eq!(numbers(&declined)[3], 0);

    // R65: the next month has what the year has left.
    callers.freeze("2024-04-01T00:00:00+08:00").await;
    callers.paid("a", &second, "april", 600_000).await;
    let declined = callers
        .turned_down(pay("a", &second, "year", 400_001))
        .await;
    assert_eq!(declined.reason(), Reason::LimitYear);
    assert_eq!(numbers(&declined), [6_000_001, 6_000_000, 400_000, 400_000]);
    assert_eq!(
        declined.resets_at,
        Some(instant("2025-01-01T00:00:00+08:00"))
    );
    assert_says(declined.text.as_ref(), "年累计交易限额", "year's limit");
    callers.paid("a", &second, "year's rest", 400_000).await;
    callers.freeze("2025-01-01T00:00:00+08:00").await;
    callers.paid("a", &card_token, "next year", 600_000).await;
}

/// "交易有风险", R67, R68: "被添加在他人支付账户上使用": declined on both until it is resolved.
#[tokio::test]
async fn q2_r67_a_card_on_another_persons_account() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let own = callers.wallet("a").await;
    let lent = bound(&callers.bind(bind("b")).await);
    for (account, card_token) in [("a", &own), ("b", &lent)] {
        let declined = callers
            .turned_down(pay(account, card_token, "1", 100))
            .await;
        assert_eq!(declined.reason(), Reason::RiskCardShared, "{account}");
        assert_eq!(declined.layer(), v1::DeclineLayer::Risk);
        assert_says(
            declined.text.as_ref(),
            "交易有风险",
            "Transaction involves risks",
        );
        assert_says(
            declined.text.as_ref(),
            "他人账户",
            "another person's account",
        );
        // R68: whom to call, from the mainland and from elsewhere.
        assert_says(declined.text.as_ref(), "95017", "95017");
        assert_says(declined.text.as_ref(), "+86 571 95017", "+86 571 95017");
    }
    let tickets = callers.open_tickets().await;
    let mine = tickets.iter().find(|ticket| ticket.account_id == "a");
    let mine = mine.unwrap();
    assert!(mine.ticket_id.starts_with("ticket_"), "{}", mine.ticket_id);
    callers.cleared(mine).await;
    callers.paid("a", &own, "2", 100).await;
    let notices = callers.notices("a").await;
    assert_says(notices[0].text.as_ref(), "限制已解除", "was lifted");
}

/// "交易有风险", R6, R67: "银行卡是他人的卡，被添加在用户的支付账户上使用".
#[tokio::test]
async fn q2_r67_a_card_of_somebody_else() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let mut request = bind("a");
    request.card.as_mut().unwrap().holder_name = "Pierre Dupont".to_owned();
    let borrowed = bound(&callers.bind(request).await);
    let declined = callers.turned_down(pay("a", &borrowed, "1", 100)).await;
    assert_eq!(declined.reason(), Reason::RiskHolderMismatch);
    assert_eq!(declined.retry(), v1::RetryClass::OtherMethod);
    assert_says(
        declined.text.as_ref(),
        "并非本人所有",
        "another person's name",
    );
    assert_says(declined.text.as_ref(), "95017", "95017");
    // With a card of the person's own it passes.
    let own = bound(&callers.another_card("a", 111_000_007).await);
    callers.paid("a", &own, "2", 100).await;
}

/// "密码错误", R69: "请用户确认正确输入了「微信支付密码」而非银行卡密码".
#[tokio::test]
async fn q2_r69_the_password_was_wrong() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut payment = pay("a", &card_token, "1", 100);
    payment.payment_password = WRONG_PASSWORD.to_owned();
    let declined = callers.turned_down(payment).await;
    assert_eq!(declined.reason(), Reason::PasswordWrong);
    assert_eq!(declined.retry(), v1::RetryClass::FixData);
    assert_says(
        declined.text.as_ref(),
        "请输入微信支付密码",
        "Weixin Pay payment password",
    );
    assert_says(
        declined.text.as_ref(),
        "而非银行卡密码",
        "not the bank card's",
    );
    callers.paid("a", &card_token, "2", 100).await;
    // "【支付设置-修改支付密码/忘记支付密码】": it is changed; how one is reset, chapter 3 shows.
    assert_eq!(
        change_outcome(&callers.change(change("a", "change")).await),
        "CHANGED"
    );
    let mut payment = pay("a", &card_token, "3", 100);
    payment.payment_password = NEW_PASSWORD.to_owned();
    assert_eq!(callers.decision(payment).await, "APPROVED");
}

/// "交易被拒绝/银行卡状态异常", R70: "并非微信支付阻止了交易 … 请让用户联系发卡银行确认原因".
#[tokio::test]
async fn q2_r70_the_bank_said_no() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let statuses = [
        (v1::CardStatus::Lost, Reason::IssuerLostCard, "挂失", "lost"),
        (
            v1::CardStatus::Pickup,
            Reason::IssuerPickupCard,
            "没收卡",
            "confiscated",
        ),
        (
            v1::CardStatus::Stolen,
            Reason::IssuerStolenCard,
            "被盗卡",
            "stolen",
        ),
    ];
    for (status, reason, zh, en) in statuses {
        callers.set_status(&card_token, status).await;
        let key = status.as_str_name();
        let declined = callers.turned_down(pay("a", &card_token, key, 100)).await;
        assert_eq!(declined.reason(), reason);
        assert_eq!(declined.layer(), v1::DeclineLayer::Issuer, "not Weixin Pay");
        assert_says(
            declined.text.as_ref(),
            "请联系发卡行",
            "Contact the issuing bank",
        );
        assert_says(declined.text.as_ref(), zh, en);
    }
    // "或者发卡银行拒绝当前交易": without a reason.
    let mut request = bind("a");
    request.idempotency_key = "honour".to_owned();
    request.phone_number = "+44 7700 900777".to_owned();
    request.card = Some(card(&visa(7), v1::Scheme::Visa));
    let refusing = bound(&callers.bind(request).await);
    let declined = callers.turned_down(pay("a", &refusing, "1", 100)).await;
    assert_eq!(declined.reason(), Reason::IssuerDoNotHonour);
    assert_says(
        declined.text.as_ref(),
        "并非微信支付阻止",
        "not by Weixin Pay",
    );
    assert_eq!(callers.used("a").await, (0, 0), "a decline counts nothing");
    // The bank was asked, and has set the card right.
    callers
        .set_status(&card_token, v1::CardStatus::Normal)
        .await;
    callers.paid("a", &card_token, "2", 100).await;
}
