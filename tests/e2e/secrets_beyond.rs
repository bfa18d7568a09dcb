//! Passwords, payment tokens, payment codes and photos are written nowhere either: not to the log at
//! its most talkative, not to journal or snapshot, not to metrics, not into an error (R4, R57).

use std::fs;

use waika::v1;

use crate::passports::{Material, header, photo, piece};
use crate::passwords::{
    change, change_outcome, document, proof, reset_by_card, reset_by_identity, reset_outcome,
    verify, verify_outcome, with_token,
};
use crate::support::Server;
use crate::wallet::{Callers, bind, bound, merchant, pay, unbind};

/// Values that stand out wherever they turn up.
const PASSWORD: &str = "864209";
const CHANGED: &str = "951847";
const RESET: &str = "736482";
const WRONG: &str = "975318";
const MISTYPED: &str = "629174";
const DOCUMENT: &str = "CANARY-4711-ZQX";
const OTHER_DOCUMENT: &str = "CANARY-0815-WVU";
const PAN_MIDDLE: u32 = 987_654_321;
const PHONE: &str = "+44 7700 912345";
const PHOTO: &[u8] = b"CANARY-PHOTO with a face and a page on it";

#[tokio::test]
async fn r4_r57_no_credential_and_no_photo_is_written_anywhere() {
    let server = Server::start_with(&["--log-level", "trace", "--log", "json"]);
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant("noodle-bar")).await;
    let mut secrets: Vec<String> = [PASSWORD, CHANGED, RESET, WRONG, MISTYPED]
        .into_iter()
        .chain([DOCUMENT, "CANARY4711ZQX", OTHER_DOCUMENT, "CANARY0815WVU"])
        .chain(["447700912345", "7700 912345", "CANARY-PHOTO"])
        .map(str::to_owned)
        .collect();
    secrets.push(crate::wallet::visa(PAN_MIDDLE));
    let mut request = canary_bind();
    request.phone_code = callers.next_phone_code("a", PHONE).await;
    secrets.push(request.phone_code.clone());
    let card_token = bound(&callers.bind(request).await);
    let mut told = String::new();
    walk_through_payments(&mut callers, &card_token, &mut secrets, &mut told).await;
    walk_through_resets(&mut callers, &card_token, &mut secrets).await;
    walk_through_a_review(&mut callers, &mut told).await;
    let snapshot = v1::TakeSnapshotRequest {};
    callers.admin.take_snapshot(snapshot).await.unwrap();
    told.push_str(&server.metrics().await);

    let (log, home) = server.stop_and_read_log();
    told.push_str(&log);
    told.push_str(&home.exported());
    let mut kept = told.into_bytes();
    for entry in fs::read_dir(home.data()).unwrap() {
        kept.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in &secrets {
        assert!(!contains(&kept, secret), "{secret}");
    }
    for there in ["weixin-2023", "noodle-bar", &card_token] {
        assert!(contains(&kept, there), "the search finds {there}");
    }
}

fn canary_bind() -> v1::BindRequest {
    let mut request = bind("a");
    DOCUMENT.clone_into(&mut request.identity.as_mut().unwrap().number);
    request.card.as_mut().unwrap().pan = crate::wallet::visa(PAN_MIDDLE);
    PHONE.clone_into(&mut request.phone_number);
    PASSWORD.clone_into(&mut request.payment_password);
    request
}

/// Verifies, pays with a token and with a code, is refused, and is malformed.
async fn walk_through_payments(
    callers: &mut Callers,
    card_token: &str,
    secrets: &mut Vec<String>,
    told: &mut String,
) {
    let mut request = verify("a", card_token, "v", 100);
    PASSWORD.clone_into(&mut request.payment_password);
    let token = callers.token(request.clone()).await.payment_token;
    for (key, expected) in [("1", "APPROVED"), ("2", "PAYMENT_TOKEN_USED")] {
        let payment = with_token(pay("a", card_token, key, 100), &token);
        assert_eq!(callers.decision(payment).await, expected);
    }
    "wrong".clone_into(&mut request.idempotency_key);
    WRONG.clone_into(&mut request.payment_password);
    let wrong = callers.verify(request.clone()).await;
    assert_eq!(verify_outcome(&wrong), "PASSWORD_WRONG");
    request.payment_password = format!("{PASSWORD}{WRONG}");
    let malformed = callers.cards.verify_password(request).await;
    told.push_str(malformed.unwrap_err().message());
    let both = v1::AuthoriseRequest {
        payment_token: token.clone(),
        payment_password: PASSWORD.to_owned(),
        ..pay("a", card_token, "both", 100)
    };
    told.push_str(callers.authorise(both).await.unwrap_err().message());
    secrets.push(token);

    let request = v1::CreatePaymentCodeRequest {
        idempotency_key: "code".to_owned(),
        account_id: "a".to_owned(),
        card_token: card_token.to_owned(),
        payment_password: PASSWORD.to_owned(),
        ..v1::CreatePaymentCodeRequest::default()
    };
    let shown = callers.cards.create_payment_code(request).await.unwrap();
    let shown = shown.into_inner().outcome;
    let Some(v1::create_payment_code_response::Outcome::Code(code)) = shown else {
        panic!("no code")
    };
    let code = code.payment_code;
    for (key, expected) in [("3", "APPROVED"), ("4", "PAYMENT_CODE_USED")] {
        let scanned = v1::AuthoriseRequest {
            payment_code: code.clone(),
            payment_password: String::new(),
            mode: v1::PaymentMode::PaymentCode.into(),
            client: None,
            ..pay("", "", key, 100)
        };
        assert_eq!(callers.decision(scanned).await, expected);
    }
    secrets.push(code);
}

/// Changes the password and resets it by both routes.
async fn walk_through_resets(callers: &mut Callers, card_token: &str, secrets: &mut Vec<String>) {
    let mut request = change("a", "change");
    PASSWORD.clone_into(&mut request.old_password);
    CHANGED.clone_into(&mut request.new_password);
    MISTYPED.clone_into(&mut request.new_password_again);
    let differ = callers.change(request.clone()).await;
    assert_eq!(change_outcome(&differ), "PASSWORDS_DIFFER");
    "change 2".clone_into(&mut request.idempotency_key);
    CHANGED.clone_into(&mut request.new_password_again);
    assert_eq!(change_outcome(&callers.change(request).await), "CHANGED");

    let code = callers.next_phone_code("a", PHONE).await;
    let phone = (PHONE, &*code);
    let mut request = reset_by_card("a", "card", card_token, phone);
    proof(&mut request).card.as_mut().unwrap().pan = crate::wallet::visa(PAN_MIDDLE);
    new_password(&mut request);
    assert_eq!(reset_outcome(&callers.reset(request).await), "RESET");
    secrets.push(code);

    let mut request = unbind("a", card_token, "unbind");
    RESET.clone_into(&mut request.payment_password);
    callers.unbind(request).await;
    let mut request = reset_by_identity("a", "form");
    OTHER_DOCUMENT.clone_into(&mut document(&mut request).number);
    new_password(&mut request);
    assert_eq!(reset_outcome(&callers.reset(request).await), "TICKET");
}

fn new_password(request: &mut v1::ResetPasswordRequest) {
    RESET.clone_into(&mut request.new_password);
    RESET.clone_into(&mut request.new_password_again);
}

/// Sends photos in: taken, refused, and malformed.
async fn walk_through_a_review(callers: &mut Callers, told: &mut String) {
    callers.passport_wallet("p").await;
    for (key, material) in [("1", Material::PassportPage), ("2", Material::HandHeldPage)] {
        let sent = callers.submit(photo(("p", key), material, PHOTO)).await;
        sent.unwrap();
    }
    let twice = [
        header("p", "3", Material::Face),
        piece(PHOTO),
        header("p", "3", Material::Face),
    ];
    let refused = callers.submit(twice.to_vec()).await.unwrap_err();
    told.push_str(refused.message());
    told.push_str(&String::from_utf8_lossy(refused.details()));
}

fn contains(text: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    text.windows(needle.len()).any(|window| window == needle)
}
