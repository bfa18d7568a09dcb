//! No secret is written anywhere: not to the log at its most talkative, not to the journal, not
//! to metrics, not into an error (R4, D28).

use std::fs;

use waika::v1;

use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, bind, bind_outcome, bound, merchant, pay, send_phone_code, visa,
};

/// Values that stand out wherever they turn up.
const DOCUMENT: &str = "CANARY-4711-ZQX";
const HOLDER: &str = "Zebulon Quixworth";
const PASSWORD: &str = "864209";
const WRONG_PASSWORD: &str = "975318";
const CVV: &str = "739";
const PHONE: &str = "+44 7700 912345";

#[tokio::test]
async fn r4_no_secret_reaches_log_journal_metrics_or_errors() {
    let server = Server::start_with(&["--log-level", "trace", "--log", "json"]);
    let mut callers = Callers::of(&server).await;
    let pan = visa(123_456_789);
    let (code, mut told) = walk(&mut callers, &pan).await;
    told.push_str(&server.metrics().await);

    let (log, home) = server.stop_and_read_log();
    assert!(log.contains("recovered"), "the log was written: {log}");
    let mut kept = [told.into_bytes(), log.into_bytes()].concat();
    for entry in fs::read_dir(home.data()).unwrap() {
        kept.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    let spaced = "7700 912345";
    let secrets = [
        &*pan,
        DOCUMENT,
        "CANARY4711ZQX",
        PASSWORD,
        WRONG_PASSWORD,
        &code,
        "447700912345",
        spaced,
        "Zebulon",
        "ZEBULON",
        "Quixworth",
    ];
    for secret in secrets {
        assert_eq!(places(&kept, secret), 0, "{secret}");
    }
    // Three digits turn up by chance in numbers; what would give them away is their name.
    assert_eq!(places(&kept, &format!("\"{CVV}\"")), 0);
    assert!(
        places(&kept, "411111") + places(&kept, "weixin-2023") > 0,
        "the search finds things"
    );
}

/// Binds, pays, is refused, conflicts and is malformed, all with the canaries. Gives the phone
/// code and every error text.
async fn walk(callers: &mut Callers, pan: &str) -> (String, String) {
    let mut request = bind("a");
    let card = request.card.as_mut().unwrap();
    pan.clone_into(&mut card.pan);
    CVV.clone_into(&mut card.cvv);
    HOLDER.clone_into(&mut card.holder_name);
    let identity = request.identity.as_mut().unwrap();
    DOCUMENT.clone_into(&mut identity.number);
    HOLDER.clone_into(&mut identity.holder_name);
    PHONE.clone_into(&mut request.phone_number);
    PASSWORD.clone_into(&mut request.payment_password);
    // A key is kept as it was chosen, so this one has nothing personal in it.
    let ask = v1::SendPhoneCodeRequest {
        idempotency_key: "code".to_owned(),
        ..send_phone_code("a", PHONE)
    };
    let response = callers.cards.send_phone_code(ask).await.unwrap();
    request.phone_code = match response.into_inner().outcome.unwrap() {
        v1::send_phone_code_response::Outcome::Sent(sent) => sent.sandbox_code,
        v1::send_phone_code_response::Outcome::Refusal(refusal) => panic!("{refusal:?}"),
    };
    let code = request.phone_code.clone();
    let token = bound(&callers.bind(request.clone()).await);
    callers.put_merchant(merchant(MERCHANT)).await;

    let payment = |key: &str, password: &str| {
        let mut payment = pay("a", &token, key, 100);
        password.clone_into(&mut payment.payment_password);
        payment
    };
    assert_eq!(callers.decision(payment("1", PASSWORD)).await, "APPROVED");
    assert_eq!(
        callers.decision(payment("2", WRONG_PASSWORD)).await,
        "PASSWORD_WRONG"
    );

    let mut errors = String::new();
    let mut conflict = payment("1", PASSWORD);
    conflict.amount_fen = 101;
    errors.push_str(callers.authorise(conflict).await.unwrap_err().message());
    let malformed = payment("3", &format!("{PASSWORD}{PASSWORD}"));
    errors.push_str(callers.authorise(malformed).await.unwrap_err().message());
    let mut again = request.clone();
    "again".clone_into(&mut again.idempotency_key);
    assert_eq!(
        bind_outcome(&callers.bind(again).await),
        "CARD_ALREADY_BOUND"
    );
    let mut malformed: v1::BindRequest = request;
    malformed.card.as_mut().unwrap().pan.push('1');
    malformed.phone_code.push('1');
    let error = callers.cards.bind(malformed).await.unwrap_err();
    errors.push_str(error.message());
    errors.push_str(&String::from_utf8_lossy(error.details()));
    (code, errors)
}

fn places(text: &[u8], needle: &str) -> usize {
    let needle = needle.as_bytes();
    let first = needle[0];
    let starts = text.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts
        .filter(|(place, _)| text[*place..].starts_with(needle))
        .count()
}
