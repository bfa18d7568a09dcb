//! Chapter 5 of the guide, "Make Payment": the three modes and what is important with them; its Q1
//! (which merchants), Q3 (the fee) and Q4 (red packets and transfers). Q2, "支付失败？", has a file
//! of its own beside this one.

use waika::v1::{self, PaymentMode as Mode, Scene, create_payment_code_response};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{
    Callers, PASSWORD, assert_says, bind, bound, client, decision, decline, instant, merchant, pay,
    quote, unbind,
};

impl Callers {
    /// The payer shows a payment code of a card.
    async fn shown_code(&mut self, account: &str, card_token: &str, key: &str) -> v1::PaymentCode {
        let request = v1::CreatePaymentCodeRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            funding: v1::Funding::Card.into(),
            card_token: card_token.to_owned(),
            payment_password: PASSWORD.to_owned(),
            client: Some(client("8.0.40")),
        };
        let shown = self.cards.create_payment_code(request).await.unwrap();
        match shown.into_inner().outcome.unwrap() {
            create_payment_code_response::Outcome::Code(code) => code,
            create_payment_code_response::Outcome::Decline(decline) => panic!("{decline:?}"),
        }
    }

    /// Red packets and transfers come in: the balance afterwards, or the refusal.
    async fn comes_in(
        &mut self,
        account: &str,
        key: &str,
        kind: v1::FundsKind,
    ) -> Result<i64, v1::ReceiveRefusal> {
        let request = v1::ReceiveFundsRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            kind: kind.into(),
            amount_fen: 8_800,
            currency: "CNY".to_owned(),
        };
        let received = self.cards.receive_funds(request).await.unwrap();
        match received.into_inner().outcome.unwrap() {
            v1::receive_funds_response::Outcome::Taken(taken) => Ok(taken.balance_fen),
            v1::receive_funds_response::Outcome::Refusal(refusal) => Err(refusal),
        }
    }
}

/// What a merchant sends that has scanned a payer's code.
fn scanned(code: &v1::PaymentCode, key: &str, amount_fen: i64) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        payment_code: code.payment_code.clone(),
        payment_password: String::new(),
        mode: Mode::PaymentCode.into(),
        client: None,
        ..pay("", "", key, amount_fen)
    }
}

/// A payment that is no purchase: it has no merchant.
fn sent(account: &str, key: &str, scene: Scene) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        scene: scene.into(),
        mode: Mode::OnlineApp.into(),
        merchant_id: String::new(),
        ..pay(account, "", key, 800)
    }
}

/// Step 1, R56: "选择合适的付款模式".
#[tokio::test]
async fn r56_a_payer_pays_online_scans_or_is_scanned() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    // "在 APP 或小程序中"; "用户主动扫描商家初始的收款码".
    for mode in [Mode::OnlineApp, Mode::OnlineMiniProgram, Mode::MerchantQr] {
        let mut payment = pay("a", &card_token, mode.as_str_name(), 3_000);
        payment.mode = mode.into();
        let answer = callers.authorise(payment).await.unwrap();
        assert_eq!(decision(&answer), "APPROVED", "{mode:?}");
        assert_eq!(answer.authorisation.unwrap().mode(), mode);
    }
    // "商家使用扫码机或扫码枪扫描用户出示付款码".
    let code = callers.shown_code("a", &card_token, "show").await;
    assert_eq!(code.payment_code.len(), 18, "D10");
    let answer = callers.authorise(scanned(&code, "till 1", 3_000)).await;
    let paid = answer.unwrap().authorisation.unwrap();
    assert_eq!(paid.account_id, "a", "the code stands for the wallet");
    assert_eq!(
        (&*paid.card_token, paid.mode()),
        (&*card_token, Mode::PaymentCode)
    );
    // R57: who has saved or photographed it has nothing: it is used up.
    let again = callers.authorise(scanned(&code, "till 2", 3_000)).await;
    let declined = decline(again.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::PaymentCodeUsed);
    assert_says(
        declined.text.as_ref(),
        "付款码已被使用",
        "payment code was used",
    );
    assert_eq!(callers.used("a").await, (12_000, 12_000));
}

/// R57: "永远不要将付款码通过截图、拍照等方式保存或发送给任何人": after a minute it is worth nothing.
#[tokio::test]
async fn r57_a_code_that_was_kept_is_worth_nothing_after_a_minute() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    let card_token = callers.wallet("a").await;
    let code = callers.shown_code("a", &card_token, "show").await;
    assert_eq!(code.expires_at, Some(instant("2024-05-01T10:01:00+08:00")));
    callers.freeze("2024-05-01T10:01:00+08:00").await;
    let late = callers.authorise(scanned(&code, "late", 3_000)).await;
    let declined = decline(late.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::PaymentCodeExpired);
    assert_says(declined.text.as_ref(), "已过期", "has expired");
    let fresh = callers.shown_code("a", &card_token, "refresh").await;
    let answer = callers.authorise(scanned(&fresh, "again", 3_000)).await;
    assert_eq!(decision(&answer.unwrap()), "APPROVED");
}

/// R58: "一定要核对交易金额，币种都是以人民币为准结算".
#[tokio::test]
async fn r58_the_amount_is_checked_and_settled_in_renminbi() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    for (key, fen, currency, field) in [
        ("dollars", 100, "USD", "currency"),
        ("nothing", 0, "CNY", "amount_fen"),
        ("less than nothing", -100, "CNY", "amount_fen"),
    ] {
        let mut payment = pay("a", &card_token, key, fen);
        payment.currency = currency.to_owned();
        let error = callers.authorise(payment).await.unwrap_err();
        assert_eq!(bad_fields(&error), named([field]), "{key}, D15");
    }
    // The payer has seen one amount, and another one is asked for (D32).
    let quoted = callers.quote(quote("a", 10_000)).await;
    let mut payment = pay("a", &card_token, "more", 100_000);
    payment.quote_token.clone_from(&quoted.cards[0].quote_token);
    let declined = decline(callers.authorise(payment).await.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::QuoteMismatch);
    assert_says(
        declined.text.as_ref(),
        "重新确认金额",
        "differs from its quote",
    );
    let mut payment = pay("a", &card_token, "as seen", 10_000);
    payment.quote_token.clone_from(&quoted.cards[0].quote_token);
    assert_eq!(callers.decision(payment).await, "APPROVED");
}

/// R59: "付款完成后，请把付款成功页面展示给收款方查看": an approval can be shown, and looked up.
#[tokio::test]
async fn r59_an_approval_can_be_shown_and_looked_up() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let shown = callers.paid("a", &card_token, "1", 20_017).await;
    let Some(v1::authorisation::Outcome::Approval(approval)) = &shown.outcome else {
        panic!("not approved")
    };
    assert_eq!(approval.approval_code.len(), 6, "DE38");
    assert_eq!(approval.retrieval_reference_number.len(), 12, "DE37");
    let request = v1::GetAuthorisationRequest {
        account_id: "a".to_owned(),
        authorisation_id: shown.authorisation_id.clone(),
    };
    let read = callers.authorisations.get_authorisation(request).await;
    assert_eq!(read.unwrap().into_inner().authorisation, Some(shown));
}

/// Q1, R2, R60 to R62: "所有商户都支持国际卡支付吗？"
#[tokio::test]
async fn q1_not_every_merchant_takes_an_international_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let not_yet = v1::Merchant {
        international_cards: false,
        ..merchant("not-yet")
    };
    let abroad = v1::Merchant {
        region: v1::MerchantRegion::Overseas.into(),
        ..merchant("abroad")
    };
    callers.put_merchant(not_yet.clone()).await;
    callers.put_merchant(abroad).await;
    let cases = [
        (
            "not-yet",
            "MERCHANT_NOT_ENABLED",
            "该商户暂不支持",
            "not take international cards yet",
        ),
        (
            "abroad",
            "MERCHANT_OVERSEAS",
            "境外商户暂不支持",
            "outside the Chinese mainland",
        ),
    ];
    for (shop, reason, zh, en) in cases {
        // R62: "卡片如果为灰色，则表示不可用这张卡完成当前的付款"; nothing is spent by looking.
        let mut asked = quote("a", 3_000);
        asked.merchant_id = shop.to_owned();
        let grey = callers.quote(asked).await.cards.remove(0);
        assert!(!grey.usable && grey.quote_token.is_empty(), "{shop}");
        let mut payment = pay("a", &card_token, shop, 3_000);
        payment.merchant_id = shop.to_owned();
        let answer = callers.authorise(payment).await.unwrap();
        assert_eq!(decision(&answer), reason, "R2, R60, R61");
        let declined = decline(answer);
        assert_eq!(
            Some(&declined),
            grey.decline.as_ref(),
            "as the grey card said"
        );
        assert_eq!(declined.retry(), v1::RetryClass::OtherMethod);
        assert_says(declined.text.as_ref(), zh, en);
    }
    assert!(
        callers.quote(quote("a", 3_000)).await.cards[0].usable,
        "elsewhere"
    );
    // R60: "还在逐步的放开中".
    let by_now = v1::PutMerchantRequest {
        idempotency_key: "by now".to_owned(),
        merchant: Some(v1::Merchant {
            international_cards: true,
            ..not_yet
        }),
    };
    callers.admin.put_merchant(by_now).await.unwrap();
    let mut payment = pay("a", &card_token, "by now", 3_000);
    payment.merchant_id = "not-yet".to_owned();
    assert_eq!(callers.decision(payment).await, "APPROVED");
}

/// Q3, R71: 3 %, told before the payment; "单笔交易金额人民币200 元（包括人民币 200元）以下" without.
#[tokio::test]
async fn q3_r71_the_fee_is_told_before_it_is_paid() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let fees = [
        (20_000, 0),
        (20_001, 600),
        (20_016, 600),
        (20_017, 601),
        (20_150, 605),
        (600_000, 18_000),
    ];
    for (fen, fee) in fees {
        let quoted = callers.quote(quote("a", fen)).await;
        assert_eq!(
            (quoted.fee_fen, quoted.total_fen),
            (fee, fen + fee),
            "{fen}"
        );
        let mut payment = pay("a", &card_token, &fen.to_string(), fen);
        payment.quote_token.clone_from(&quoted.cards[0].quote_token);
        let paid = callers
            .authorise(payment)
            .await
            .unwrap()
            .authorisation
            .unwrap();
        assert_eq!((paid.fee_fen, paid.total_fen), (fee, fen + fee), "{fen}");
    }
    let principal: i64 = fees.iter().map(|(fen, _)| fen).sum();
    assert_eq!(callers.used("a").await.0, principal, "D3: without the fee");
}

/// Q4, R72: "不能用外卡发红包、转账、充值零钱、购买理财".
#[tokio::test]
async fn q4_r72_an_international_card_sends_no_red_packet_and_no_transfer() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let scenes = [
        Scene::RedPacket,
        Scene::Transfer,
        Scene::TopUp,
        Scene::WealthProduct,
    ];
    for scene in scenes {
        let mut payment = sent("a", scene.as_str_name(), scene);
        payment.card_token.clone_from(&card_token);
        let declined = decline(callers.authorise(payment).await.unwrap());
        let closed = v1::DeclineReason::SceneNotPermitted;
        assert_eq!(declined.reason(), closed, "{scene:?}");
        assert_eq!(declined.retry(), v1::RetryClass::OtherMethod);
        let text = declined.text.as_ref();
        assert_says(
            text,
            "国际银行卡不能用于发红包、转账、充值零钱",
            "red packets or transfers",
        );
    }
    assert_eq!(callers.used("a").await, (0, 0));
}

/// Q4, R72: "使用除护照外的证件登记，并绑卡成功的用户，可以接收红包、转账，并自动储存到用户的零钱当中".
#[tokio::test]
async fn q4_r72_a_balance_receives_and_sends_red_packets_and_transfers() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.phone_code("a", "+44 7700 900001").await;
    let refusal = callers
        .comes_in("a", "early", v1::FundsKind::RedPacket)
        .await;
    let refusal = refusal.unwrap_err();
    let unverified = v1::ReceiveRefusalReason::WalletNotVerified;
    assert_eq!(refusal.reason(), unverified);
    assert_says(
        refusal.text.as_ref(),
        "实名认证",
        "real-name authentication",
    );
    let card_token = callers.wallet("a").await;
    assert_eq!(
        callers.comes_in("a", "1", v1::FundsKind::RedPacket).await,
        Ok(8_800)
    );
    assert_eq!(
        callers.comes_in("a", "2", v1::FundsKind::Transfer).await,
        Ok(17_600)
    );
    let notices = callers.notices("a").await;
    assert_says(notices[0].text.as_ref(), "已存入零钱", "into your balance");
    // "用户也可以使用零钱余额进行发送红包、转账等": no fee and no limit of cards (D12).
    for scene in [Scene::RedPacket, Scene::Transfer] {
        let mut payment = sent("a", scene.as_str_name(), scene);
        payment.funding = v1::Funding::Balance.into();
        let answer = callers.authorise(payment).await.unwrap();
        assert_eq!(decision(&answer), "APPROVED", "{scene:?}");
        assert_eq!(answer.authorisation.unwrap().fee_fen, 0);
    }
    assert_eq!(callers.balance("a").await, 16_000);
    assert_eq!(callers.used("a").await, (0, 0));
    let mut payment = sent("a", "too much", Scene::Transfer);
    payment.funding = v1::Funding::Balance.into();
    payment.amount_fen = 16_001;
    let declined = decline(callers.authorise(payment).await.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::BalanceInsufficient);
    assert_says(declined.text.as_ref(), "余额不足", "balance is too small");

    // "绑卡成功的用户": without a card nothing more comes in.
    callers.unbind(unbind("a", &card_token, "unbind")).await;
    let refusal = callers.comes_in("a", "3", v1::FundsKind::Transfer).await;
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.reason(), v1::ReceiveRefusalReason::NoBoundCard);
    assert_says(refusal.text.as_ref(), "请先绑定银行卡", "Bind a card first");
}

/// Q4, R72: passport holders receive nothing, whatever became of their review.
#[tokio::test]
async fn q4_r72_a_passport_holder_receives_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("p").await;
    callers.send_page_and_face("p").await;
    let approved = callers.resolve_review("p", "yes", v1::ReviewVerdict::Approve);
    assert_eq!(approved.await, (true, "APPROVED"));
    let refusal = callers.comes_in("p", "1", v1::FundsKind::RedPacket).await;
    let refusal = refusal.unwrap_err();
    let passport = v1::ReceiveRefusalReason::IdentityNotPermitted;
    assert_eq!(refusal.reason(), passport);
    assert_says(
        refusal.text.as_ref(),
        "使用护照认证",
        "registered with a passport",
    );
    assert_eq!(callers.balance("p").await, 0);
    let mut with_another = bind("o");
    with_another.card = Some(crate::wallet::card(
        &crate::wallet::visa(111_000_002),
        v1::Scheme::Visa,
    ));
    bound(&callers.bind(with_another).await);
    assert_eq!(
        callers.comes_in("o", "1", v1::FundsKind::RedPacket).await,
        Ok(8_800)
    );
}
