//! Chapter 1 of the guide, "Before you begin": who may have it, with which document, card, app and
//! phone; and its Q1 to Q3. Each person is refused with a text, mends what it says, and goes on.

use prost::Message as _;
use waika::v1::create_payment_code_response::Outcome;
use waika::v1::{self, IdentityDocumentType as Document, Scheme, send_phone_code_response};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, assert_says, bind, bind_outcome, bind_refusal, bound, card, client, decline,
    instant, merchant, pay, send_phone_code, visa, with_check_digit,
};

impl Callers {
    /// Binds, and is refused.
    async fn refused(&mut self, request: v1::BindRequest) -> v1::BindRefusal {
        bind_refusal(self.bind(request).await)
    }

    /// A policy holds from now on.
    async fn rolled_out_to(&mut self, percent: u32) {
        let name = format!("rollout-{percent}");
        let toml = format!("name = \"{name}\"\n[rollout]\npercent = {percent}\n");
        let put = v1::PutPolicyRequest {
            idempotency_key: name.clone(),
            toml,
        };
        self.admin.put_policy(put).await.unwrap();
        let activate = v1::ActivatePolicyRequest {
            idempotency_key: name.clone(),
            name,
        };
        self.admin.activate_policy(activate).await.unwrap();
    }

    /// Asks for a code that is not sent.
    async fn no_code(&mut self, request: v1::SendPhoneCodeRequest) -> v1::PhoneCodeRefusal {
        let asked = self.cards.send_phone_code(request).await.unwrap();
        match asked.into_inner().outcome.unwrap() {
            send_phone_code_response::Outcome::Refusal(refusal) => refusal,
            send_phone_code_response::Outcome::Sent(_) => panic!("it was sent"),
        }
    }
}

/// The same bind once more, with another phone, since its code is spent.
fn once_more(request: &v1::BindRequest, last_digit: u32) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: format!("once more {last_digit}"),
        phone_number: format!("+44 7700 90020{last_digit}"),
        phone_code: String::new(),
        ..request.clone()
    }
}

fn identity(request: &mut v1::BindRequest) -> &mut v1::IdentityDocument {
    request.identity.as_mut().unwrap()
}

/// R3: "逐渐灰度上线": the feature comes to some wallets later than to others.
#[tokio::test]
async fn r3_a_wallet_that_the_feature_has_not_reached_waits_until_it_has() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    callers.rolled_out_to(0).await;
    let refusal = callers.refused(bind("a")).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::NotRolledOut);
    assert_eq!(refusal.retry(), v1::RetryClass::Later);
    assert_says(refusal.text.as_ref(), "逐步开放", "rolled out gradually");

    callers.rolled_out_to(100).await;
    let card_token = bound(&callers.bind(once_more(&bind("a"), 1)).await);
    callers.paid("a", &card_token, "1", 100).await;
}

/// R1, R10 to R16: the list of documents is closed, and all but passports are issued by the
/// Chinese mainland.
#[tokio::test]
async fn r10_to_r16_six_documents_are_taken_and_no_other() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let documents = [
        (Document::Passport, "FR", "a) R11"),
        (Document::HongKongMacaoTravelPermit, "CN", "b) R12"),
        (Document::TaiwanTravelPermit, "CN", "c) R13"),
        (Document::HongKongMacaoResidencePermit, "CN", "d) R14"),
        (Document::TaiwanResidencePermit, "CN", "e) R15"),
        (Document::ForeignPermanentResidentCard, "CN", "f) R16"),
    ];
    for (number, (document, issued_by, rule)) in (0..).zip(documents) {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        request.card = Some(card(&visa(111_000_000 + number), Scheme::Visa));
        // R1: a mainland resident's own identity card is none of them.
        identity(&mut request).r#type = Document::Other.into();
        let refusal = callers.refused(request.clone()).await;
        let unsupported = v1::BindRefusalReason::IdentityTypeUnsupported;
        assert_eq!(refusal.reason(), unsupported, "R1, R10");
        assert_says(refusal.text.as_ref(), "暂不支持此类证件", "not supported");

        let mut request = once_more(&request, 1);
        identity(&mut request).r#type = document.into();
        if document != Document::Passport {
            identity(&mut request).issuing_country = "HK".to_owned();
            let refusal = callers.refused(request.clone()).await;
            let elsewhere = v1::BindRefusalReason::IdentityIssuerInvalid;
            assert_eq!(refusal.reason(), elsewhere, "{rule}");
            assert_says(refusal.text.as_ref(), "中国大陆签发", "Chinese mainland");
        }
        let mut request = once_more(&request, 2);
        identity(&mut request).issuing_country = issued_by.to_owned();
        assert_eq!(
            bind_outcome(&callers.bind(request).await),
            "BOUND",
            "{rule}"
        );
        let account = callers.account(&account).await;
        assert!(account.verified, "{rule}");
        assert_eq!(account.identity_type(), document, "{rule}");
    }
}

/// R5: "在有效期内的本人身份证件", through the last day that is printed on it (D29).
#[tokio::test]
async fn r5_a_document_is_renewed_before_it_is_used() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let until = |request: &mut v1::BindRequest, year: i32| {
        identity(request).expires_on = Some(v1::Date {
            year,
            month: 6,
            day: 30,
        });
    };
    callers.freeze("2024-07-01T00:00:00+08:00").await;
    let mut request = bind("a");
    until(&mut request, 2024);
    let refusal = callers.refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::IdentityExpired);
    assert_eq!(
        (&*refusal.observed, &*refusal.required),
        ("2024-06-30", "2024-07-01")
    );
    assert_says(refusal.text.as_ref(), "已过有效期", "out of date");

    let mut request = once_more(&request, 1);
    until(&mut request, 2025);
    let card_token = bound(&callers.bind(request.clone()).await);
    callers.freeze("2025-06-30T23:59:59+08:00").await;
    callers.paid("a", &card_token, "its last day", 100).await;

    callers.freeze("2025-07-01T00:00:00+08:00").await;
    let late = callers.authorise(pay("a", &card_token, "late", 100)).await;
    let late = decline(late.unwrap());
    assert_eq!(late.reason(), v1::DeclineReason::IdentityExpired);
    assert_says(late.text.as_ref(), "请更新证件信息", "Renew its details");
    // The renewed document of the same number comes with the next card.
    let mut request = once_more(&request, 2);
    request.card = Some(card(&visa(111_000_002), Scheme::Visa));
    until(&mut request, 2030);
    bound(&callers.bind(request).await);
    callers.paid("a", &card_token, "renewed", 100).await;
}

/// R17, R18: the list of card schemes is closed: five, and no other.
#[tokio::test]
async fn r17_r18_five_schemes_are_taken_and_no_other() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let schemes = [
        (Scheme::Visa, "411111000100001"),
        (Scheme::Mastercard, "555555000100001"),
        (Scheme::Mastercard, "222300000100001"),
        (Scheme::DinersClub, "3056930001000"),
        (Scheme::Discover, "601111000100001"),
        (Scheme::Jcb, "353011000100001"),
    ];
    for (number, (scheme, beginning)) in (0..).zip(schemes) {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        for (place, unsupported) in (1..).zip(["37828224631000", "620000000000000"]) {
            request.card = Some(card(&with_check_digit(unsupported), scheme));
            let refusal = callers.refused(request.clone()).await;
            let unsupported = v1::BindRefusalReason::SchemeUnsupported;
            assert_eq!(refusal.reason(), unsupported, "American Express, UnionPay");
            assert_says(refusal.text.as_ref(), "暂不支持", "not supported");
            request = once_more(&request, place);
        }
        request.card = Some(card(&with_check_digit(beginning), scheme));
        let response = callers.bind(request).await;
        assert_eq!(bind_outcome(&response), "BOUND", "{scheme:?}");
        let listed = v1::ListCardsRequest {
            account_id: account,
        };
        let listed = callers.cards.list_cards(listed).await.unwrap().into_inner();
        assert_eq!(listed.cards[0].scheme(), scheme);
        assert_eq!(listed.cards[0].bin, beginning[..6]);
    }
}

/// Q1, R8, R19 to R24: "手机未接收到短信验证码？"
#[tokio::test]
async fn q1_no_code_came() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-05-01T10:00:00+08:00").await;
    // R24: the button does not count down, so nothing was sent and no code is outstanding.
    let refusal = callers
        .no_code(send_phone_code("a", "+44 7700 00000"))
        .await;
    assert_eq!(refusal.reason(), v1::PhoneCodeRefusalReason::SendFailed);
    assert_says(refusal.text.as_ref(), "重新登录", "sign in again");
    assert_eq!(refusal.resend_at, None, "nothing counts down");
    let mut request = bind("a");
    request.phone_number = "+44 7700 00000".to_owned();
    request.phone_code = "123456".to_owned();
    let refusal = callers.refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::PhoneCodeNone);
    assert_says(
        refusal.text.as_ref(),
        "获取短信验证码",
        "Ask for an SMS code",
    );

    // R21: the area code was forgotten, so the code went to +86 and not to +44 (D8).
    let code = callers.phone_code("a", "7700 900123").await;
    let mut request = once_more(&request, 1);
    request.phone_number = "+44 7700 900123".to_owned();
    request.phone_code = code;
    let refusal = callers.refused(request.clone()).await;
    assert_eq!(refusal.reason(), v1::BindRefusalReason::PhoneCodeNone);

    // R19: with the right one the countdown of a minute begins, and no code is sent before its end.
    let code = callers.phone_code("a", "+44 7700 900123").await;
    let mut again = send_phone_code("a", "+44 7700 900123");
    again.idempotency_key = "again".to_owned();
    let refusal = callers.no_code(again.clone()).await;
    assert_eq!(refusal.reason(), v1::PhoneCodeRefusalReason::ResendTooSoon);
    let resend_at = Some(instant("2024-05-01T10:01:00+08:00"));
    assert_eq!(refusal.resend_at, resend_at);
    assert_says(refusal.text.as_ref(), "倒计时", "countdown");
    callers.freeze("2024-05-01T10:01:00+08:00").await;
    "after a minute".clone_into(&mut again.idempotency_key);
    let asked = callers.cards.send_phone_code(again).await.unwrap();
    let outcome = asked.into_inner().outcome.unwrap();
    let send_phone_code_response::Outcome::Sent(sent) = outcome else {
        panic!("R19: not sent after the countdown")
    };
    let mut request = once_more(&request, 2);
    request.phone_number = "+44 7700 900123".to_owned();
    request.phone_code = code;
    if request.phone_code != sent.sandbox_code {
        let refusal = callers.refused(request.clone()).await;
        assert_eq!(refusal.reason(), v1::BindRefusalReason::PhoneCodeWrong);
        assert_says(refusal.text.as_ref(), "错误", "wrong");
    }

    // R20 and R22 are the phone's own matter. R8, R23: a number that does receive, and it passes.
    let mut request = once_more(&request, 3);
    request.phone_number = "138 0013 8000".to_owned();
    let code = callers.phone_code("a", "138 0013 8000").await;
    request.phone_number = "+86 138-0013-8000".to_owned(); // R21: the same number
    request.phone_code = code;
    bound(&callers.bind(request).await);
}

/// Q2, R7, R25 to R28: "提示微信版本过低？"; each store counts for itself.
#[tokio::test]
async fn q2_the_app_is_too_old_until_it_is_updated() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let channels = [
        (v1::ClientChannel::Android, "8.0.39", "8.0.40", "R25"),
        (v1::ClientChannel::Ios, "8.0.38", "8.0.39", "R26"),
        (v1::ClientChannel::GooglePlay, "8.0.36", "8.0.37", "R27"),
    ];
    for (number, (channel, old, latest, rule)) in (0..).zip(channels) {
        let account = format!("acct-{number}");
        let app = |version: &str| {
            Some(v1::ClientInfo {
                channel: channel.into(),
                ..client(version)
            })
        };
        let mut request = bind(&account);
        request.card = Some(card(&visa(111_000_000 + number), Scheme::Visa));
        request.client = app("8.0.9"); // Less than 8.0.37, though 9 is more than 3 (D20).
        let refusal = callers.refused(request.clone()).await;
        assert_eq!(refusal.reason(), v1::BindRefusalReason::ClientTooOld);
        assert_says(refusal.text.as_ref(), "请更新至最新版本", "latest version");

        let mut request = once_more(&request, 1);
        request.client = app(old);
        let refusal = callers.refused(request.clone()).await;
        assert_eq!(
            (&*refusal.observed, &*refusal.required),
            (old, latest),
            "{rule}, R28"
        );
        let mut request = once_more(&request, 2);
        request.client = app(latest);
        let token = bound(&callers.bind(request).await);

        // An old app does not pay either.
        let mut payment = pay(&account, &token, "old", 100);
        payment.client = app(old);
        let declined = decline(callers.authorise(payment.clone()).await.unwrap());
        assert_eq!(declined.reason(), v1::DeclineReason::ClientTooOld, "{rule}");
        assert_eq!(declined.required, latest, "{rule}");
        assert_says(declined.text.as_ref(), "版本过低", "out of date");
        "new".clone_into(&mut payment.idempotency_key);
        payment.client = app("8.1");
        assert_eq!(callers.decision(payment).await, "APPROVED", "{rule}");
    }
}

/// Q3, R29: "无法完成扫码支付/打开付款码，总提示需实名认证": neither, before the person is verified.
#[tokio::test]
async fn q3_r29_nobody_pays_before_the_real_name_is_verified() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let code = callers.phone_code("a", "+44 7700 900123").await;
    let no_card = "card_0000000000001";
    let scanned = callers.authorise(pay("a", no_card, "scan", 100)).await;
    let declined = decline(scanned.unwrap());
    assert_eq!(declined.reason(), v1::DeclineReason::WalletNotVerified);
    assert_eq!(declined.retry(), v1::RetryClass::FixData);
    assert_says(
        declined.text.as_ref(),
        "实名认证",
        "real-name authentication",
    );

    let show = |key: &str, card_token: &str| v1::CreatePaymentCodeRequest {
        idempotency_key: key.to_owned(),
        account_id: "a".to_owned(),
        funding: v1::Funding::Card.into(),
        card_token: card_token.to_owned(),
        payment_password: crate::wallet::PASSWORD.to_owned(),
        client: Some(client("8.0.40")),
    };
    let shown = callers.cards.create_payment_code(show("1", no_card)).await;
    let Some(Outcome::Decline(declined)) = shown.unwrap().into_inner().outcome else {
        panic!("R29: a payment code was shown")
    };
    assert_eq!(declined.reason(), v1::DeclineReason::WalletNotVerified);
    assert_says(declined.text.as_ref(), "绑定银行卡", "bind a card");

    // "按照本文档指引完成操作后，即可正常使用。"
    let request = v1::BindRequest {
        phone_code: code,
        ..bind("a")
    };
    let card_token = bound(&callers.bind(request).await);
    callers.paid("a", &card_token, "scan again", 100).await;
    let shown = callers
        .cards
        .create_payment_code(show("2", &card_token))
        .await;
    let shown = shown.unwrap().into_inner().outcome;
    assert!(matches!(shown, Some(Outcome::Code(_))), "{shown:?}");
}

/// R4: nobody is asked for a card's PIN, and no answer has a field for what was confided.
/// (R9, that the person does all of it in person, no server can see.)
#[test]
fn r4_no_message_asks_for_a_pin_and_no_answer_has_a_field_for_a_secret() {
    let set = prost_types::FileDescriptorSet::decode(v1::FILE_DESCRIPTOR_SET).unwrap();
    let entered = ["CardEntry", "IdentityDocument", "BoundCardProof"];
    let secrets = ["cvv", "pan", "payment_password", "new_password", "chunk"];
    for message in set.file.iter().flat_map(|file| &file.message_type) {
        let asks = message.name().ends_with("Request") || entered.contains(&message.name());
        for field in &message.field {
            let name = field.name();
            assert!(!name.split('_').any(|word| word == "pin"), "{name}");
            let kind = field.type_name().rsplit('.').next().unwrap_or_default();
            let told = secrets.contains(&name) || entered.contains(&kind);
            assert!(asks || !told, "{}.{name}", message.name());
        }
    }
}

/// R4, R43: what is malformed is named, and never repeated.
#[tokio::test]
async fn r4_r43_a_password_that_is_not_six_digits_is_named_and_not_repeated() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut request = bind("a");
    request.phone_code = "123456".to_owned();
    request.payment_password = "9182736".to_owned();
    let error = callers.cards.bind(request).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["payment_password"]));
    assert!(!error.message().contains("9182736"));
}
