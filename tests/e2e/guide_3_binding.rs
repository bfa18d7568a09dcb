//! Chapter 3 of the guide, "Real-Name Authentication and Add a card": the six steps, and its Q1
//! (binding fails), Q2 (the forgotten password) and Q3 (unbinding).

use waika::v1::{self, PasswordTicketVerdict, Scheme};

use crate::malformed::{bad_fields, named};
use crate::passwords::{
    NEW_PASSWORD, WRONG_PASSWORD, proof, reset_by_card, reset_by_identity, reset_outcome,
    reset_refusal, verify, verify_outcome,
};
use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, PASSWORD, PHONE, assert_says, bind, bind_outcome, bind_refusal, bound, card,
    decline, merchant, pay, unbind, unbind_outcome, visa,
};

impl Callers {
    async fn bind_refused(&mut self, request: v1::BindRequest) -> v1::BindRefusal {
        bind_refusal(self.bind(request).await)
    }
}

/// A bind of another try, with a phone of its own, for the code is sent for each.
fn attempt(account: &str, number: u32) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: format!("attempt {number}"),
        phone_number: format!("+44 7700 {number:09}"),
        ..bind(account)
    }
}

/// R35: six steps in their order, which is the order in which they are refused; all or nothing.
#[tokio::test]
async fn r35_six_steps_are_taken_in_their_order() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    // Wrong at every step: what is mended uncovers what comes next.
    let mut request = attempt("a", 1);
    request.service_agreement_accepted = false;
    let identity = request.identity.as_mut().unwrap();
    let right_number = std::mem::replace(&mut identity.number, "REJECT-4711".to_owned());
    request.card = Some(card(&visa(106), Scheme::Jcb));
    let right_code = callers.phone_code("a", &request.phone_number).await;
    request.phone_code = if right_code == "123456" {
        "654321"
    } else {
        "123456"
    }
    .to_owned();

    // Step 1: "点击确认服务协议".
    let refusal = callers.bind_refused(request.clone()).await;
    assert_eq!(
        refusal.reason(),
        v1::BindRefusalReason::AgreementNotAccepted
    );
    request.service_agreement_accepted = true;
    // Step 2, R36: "以下信息需要和证件卡面上（如有）保持一致".
    "step 2".clone_into(&mut request.idempotency_key);
    let refusal = callers.bind_refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::IdentityRejected);
    assert_says(
        refusal.text.as_ref(),
        "与证件卡面不一致",
        "do not match the document",
    );
    request.identity.as_mut().unwrap().number = right_number;
    // Step 3: "录入卡号及卡组织信息": a number, and a scheme that is the number's.
    "step 3".clone_into(&mut request.idempotency_key);
    let refusal = callers.bind_refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::SchemeMismatch);
    assert_says(refusal.text.as_ref(), "卡组织不一致", "not of the scheme");
    request.card.as_mut().unwrap().scheme = Scheme::Visa.into();
    // Step 4: "验证手机号".
    "step 4".clone_into(&mut request.idempotency_key);
    let refusal = callers.bind_refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::PhoneCodeWrong);
    request.phone_code = right_code;
    // Step 5, R43: "设置微信支付密码": six digits, or the form is not complete.
    "step 5".clone_into(&mut request.idempotency_key);
    request.payment_password = "13579".to_owned();
    let malformed = callers.cards.bind(request.clone()).await.unwrap_err();
    assert_eq!(bad_fields(&malformed), named(["payment_password"]));
    request.payment_password = PASSWORD.to_owned();
    // Step 6, R37: "银行卡扣款验证" is a debit, which an empty card cannot pay (R38).
    "step 6".clone_into(&mut request.idempotency_key);
    let refusal = callers.bind_refused(request.clone()).await;
    let no_funds = v1::BindRefusalReason::IssuerInsufficientFunds;
    assert_eq!(refusal.reason(), no_funds);
    assert_eq!(refusal.layer(), v1::DeclineLayer::Issuer);
    assert_says(refusal.text.as_ref(), "余额不足", "verification debit");
    // R44, D6: the password is given at step 5 and takes effect with step 6, not before.
    let account = callers.account("a").await;
    let kept = (account.verified, account.password_set, account.cards_bound);
    assert_eq!(kept, (false, false, 0));

    // R41: "完成以上步骤后，用户可以查看指引【5、开始支付】".
    let card_token = bound(&callers.bind(attempt("a", 2)).await);
    let account = callers.account("a").await;
    let kept = (account.verified, account.password_set, account.cards_bound);
    assert_eq!(kept, (true, true, 1));
    assert_eq!(
        callers.used("a").await,
        (0, 0),
        "D6: the debit counts nowhere"
    );
    callers.paid("a", &card_token, "1", 1_000).await;
}

/// Q1, R38: "可能是因为卡片处于过期、锁定、挂失、余额不足等不可用状态，需要联系发卡银行咨询问题。"
#[tokio::test]
async fn q1_r38_the_bank_refuses_the_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let cards = [
        (101, "ISSUER_EXPIRED_CARD", "过期", "expired"),
        (102, "ISSUER_LOCKED_CARD", "锁定", "locked"),
        (103, "ISSUER_LOST_CARD", "挂失", "lost"),
        (
            106,
            "ISSUER_INSUFFICIENT_FUNDS",
            "余额不足",
            "not enough funds",
        ),
        (
            107,
            "ISSUER_DO_NOT_HONOUR",
            "联系发卡行",
            "Contact the issuing bank",
        ),
    ];
    for (number, reason, zh, en) in cards {
        let mut request = attempt("a", number);
        request.card = Some(card(&visa(number), Scheme::Visa));
        let response = callers.bind(request).await;
        assert_eq!(bind_outcome(&response), reason);
        let refusal = bind_refusal(response);
        assert_eq!(refusal.layer(), v1::DeclineLayer::Issuer, "{reason}");
        assert_says(
            refusal.text.as_ref(),
            "发卡行拒绝",
            "Declined by the issuer",
        );
        assert_says(refusal.text.as_ref(), zh, en);
    }
    // An expiry in the past is seen before any bank is asked.
    let mut request = attempt("a", 1);
    request.card.as_mut().unwrap().expiry_year = 2020;
    let refusal = callers.bind_refused(request).await;
    assert_eq!(
        refusal.reason(),
        v1::BindRefusalReason::CardExpired,
        "R6, R38"
    );
    assert_says(refusal.text.as_ref(), "已过期", "expired");
    // Another card of the person's own is usable (R6).
    bound(&callers.bind(attempt("a", 2)).await);
}

/// Q1, R39, R40: "暂时仅支持同时绑定 3 张（含）以内的国际银行卡 … 请先解绑不用的旧卡".
#[tokio::test]
async fn q1_r39_a_fourth_card_waits_until_one_is_unbound() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut tokens = Vec::new();
    for number in 1..=3 {
        let mut request = attempt("a", number);
        request.card = Some(card(&visa(111_000_000 + number), Scheme::Visa));
        tokens.push(bound(&callers.bind(request).await));
    }
    let account = callers.account("a").await;
    assert_eq!((account.cards_bound, account.card_cap), (3, 3));
    let mut fourth = attempt("a", 4);
    fourth.card = Some(card(&visa(111_000_004), Scheme::Visa));
    let refusal = callers.bind_refused(fourth.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::CardCapReached);
    assert_eq!((&*refusal.observed, &*refusal.required), ("3", "3"));
    assert_says(refusal.text.as_ref(), "3 张", "three international cards");
    assert_says(refusal.text.as_ref(), "请先解绑", "Unbind one");

    let gone = callers.unbind(unbind("a", &tokens[0], "unbind")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    let mut again = attempt("a", 5);
    again.card = fourth.card;
    assert_eq!(bind_outcome(&callers.bind(again).await), "BOUND", "at once");
}

/// R42 to R44: "用户在微信内的所有交易都需要输入微信支付密码", however small.
#[tokio::test]
async fn r42_no_payment_is_small_enough_to_go_without_a_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut payment = pay("a", &card_token, "1 fen", 1);
    payment.payment_password.clear();
    let error = callers.authorise(payment.clone()).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["payment_password"]), "R42");
    payment.payment_password = WRONG_PASSWORD.to_owned();
    let declined = decline(callers.authorise(payment.clone()).await.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::PasswordWrong);
    assert_eq!((&*declined.observed, &*declined.required), ("1", "5"), "D7");
    // R42: "而非用户的银行卡密码".
    assert_says(
        declined.text.as_ref(),
        "而非银行卡密码",
        "not the bank card's",
    );
}

/// Q2, R45, R47: "情境二：若用户的微信账号已有绑定过银行卡": with the data of the bound card.
#[tokio::test]
async fn q2_r47_a_forgotten_password_is_reset_with_a_bound_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    callers.wrong_passwords("a", &card_token, 1..=5).await;
    let locked = callers.verify(verify("a", &card_token, "6", 100)).await;
    assert_eq!(verify_outcome(&locked), "PASSWORD_LOCKED");
    let Some(v1::verify_password_response::Outcome::Refusal(refusal)) = locked.outcome else {
        panic!("verified")
    };
    assert_says(refusal.text.as_ref(), "重置密码", "reset it"); // R45
    // Who has a card is sent this way, not to the form.
    let form = callers.reset(reset_by_identity("a", "form")).await;
    assert_eq!(reset_outcome(&form), "CARD_BOUND");
    let text = reset_refusal(form).text;
    assert_says(
        text.as_ref(),
        "已绑定的银行卡找回密码",
        "reset the password with its data",
    );

    // "按照要求输入正确的银行卡信息": the expiry is mistyped.
    let phone = PHONE;
    let code = callers.next_phone_code("a", phone).await;
    let mut request = reset_by_card("a", "typo", &card_token, (phone, &code));
    proof(&mut request).card.as_mut().unwrap().expiry_month = 11;
    let refusal = reset_refusal(callers.reset(request).await);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::CardDataWrong);
    assert_says(
        refusal.text.as_ref(),
        "银行卡信息不正确",
        "card details are wrong",
    );
    // "重新设置微信支付密码- 确认支付密码": the second one is mistyped.
    let mut request = reset_by_card("a", "differ", &card_token, (phone, &code));
    request.new_password_again = "246803".to_owned();
    let refusal = reset_refusal(callers.reset(request).await);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::PasswordsDiffer);
    assert_says(refusal.text.as_ref(), "两次输入的新密码不一致", "twice");
    // "支付密码重置成功", and unlocked; the card is the one that was bound (D23).
    let reset = callers.reset_by_card(("a", "reset"), &card_token, phone);
    assert_eq!(reset.await, "RESET");
    let notices = callers.notices("a").await;
    assert_says(notices[0].text.as_ref(), "支付密码重置成功", "was reset");
    assert_eq!(callers.account("a").await.cards_bound, 1);
    let mut payment = pay("a", &card_token, "new", 100);
    payment.payment_password = NEW_PASSWORD.to_owned();
    assert_eq!(callers.decision(payment).await, "APPROVED");
}

/// Q2, R46: "情境一：若用户的微信账号还未绑定任何一张银行卡": "【提交身份信息】… 等待客服处理".
#[tokio::test]
async fn q2_r46_a_forgotten_password_is_reset_by_customer_service() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    // Nobody who never had a card has a password.
    callers.phone_code("a", "+44 7700 900123").await;
    let refusal = reset_refusal(callers.reset(reset_by_identity("a", "none")).await);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::WalletNotVerified);
    assert_says(refusal.text.as_ref(), "绑定银行卡", "bind a card first");
    let card_token = bound(&callers.bind(attempt("a", 1)).await);
    callers.put_merchant(merchant(MERCHANT)).await;
    callers.unbind(unbind("a", &card_token, "unbind")).await;

    let asked = callers.reset(reset_by_identity("a", "form")).await;
    assert_eq!(reset_outcome(&asked), "TICKET");
    let waiting = callers.reset(reset_by_identity("a", "impatient")).await;
    let refusal = reset_refusal(waiting);
    assert_eq!(refusal.reason(), v1::ResetRefusalReason::TicketOpen);
    assert_eq!(refusal.retry(), v1::RetryClass::Later);
    assert_says(refusal.text.as_ref(), "等待客服处理", "customer service");
    let tickets = callers.password_tickets().await;
    let approve = PasswordTicketVerdict::Approve;
    callers.resolve_ticket(&tickets[0], "yes", approve).await;
    let notices = callers.notices("a").await;
    assert_says(
        notices[0].text.as_ref(),
        "请设置新的支付密码",
        "Set a new payment password",
    );
    let set = callers.reset(reset_by_identity("a", "set")).await;
    assert_eq!(reset_outcome(&set), "RESET");
    // The new password binds a card again, the old one does not.
    let old = callers.bind_refused(attempt("a", 2)).await;
    assert_eq!(old.reason(), v1::BindRefusalReason::PasswordWrong);
    let mut request = attempt("a", 3);
    request.payment_password = NEW_PASSWORD.to_owned();
    bound(&callers.bind(request).await);
}

/// Q3, R48: "Cards → card → […] → Unlink → Enter payment password to verify your identity".
#[tokio::test]
async fn q3_r48_a_card_is_unbound_with_the_payment_password() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut request = unbind("a", &card_token, "wrong");
    request.payment_password = WRONG_PASSWORD.to_owned();
    let wrong = callers.unbind(request).await;
    let Some(v1::unbind_response::Outcome::Refusal(refusal)) = wrong.outcome else {
        panic!("R48: unbound by a wrong password")
    };
    assert_eq!(refusal.reason(), v1::UnbindRefusalReason::PasswordWrong);
    assert_says(refusal.text.as_ref(), "支付密码错误", "password is wrong");
    let mut request = unbind("a", &card_token, "none");
    request.payment_password.clear();
    let error = callers.cards.unbind(request).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["payment_password"]));

    let gone = callers.unbind(unbind("a", &card_token, "right")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    assert_eq!(callers.account("a").await.cards_bound, 0);
    let declined = callers.authorise(pay("a", &card_token, "gone", 100)).await;
    let declined = decline(declined.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::CardNotBound);
    assert_says(declined.text.as_ref(), "未绑定", "not bound");
}
