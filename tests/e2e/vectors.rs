//! The test vectors of RULES C3 that no other file walks, over the wire: amounts and fees to the
//! fen, versions, card ranges, and a storm under few keys.

use waika::v1::{self, authorisation};

use crate::support::{Server, number};
use crate::wallet::{
    Callers, bind, bind_outcome, card, client, decision, merchant, pay, visa, with_check_digit,
};

/// How many calls the storm makes: a million for the long form.
fn calls() -> u64 {
    number("WAIKA_STORM").unwrap_or(4_000)
}

#[tokio::test]
async fn r63_r71_d3_d4_amounts_and_fees_to_the_fen() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for (number, (amount, fee)) in (1..).zip([
        (20_000, Some(0)),
        (20_001, Some(600)),
        (20_016, Some(600)),
        (20_017, Some(601)),
        (20_150, Some(605)),
        (600_000, Some(18_000)),
        (600_001, None),
    ]) {
        let account = format!("a{number}");
        let token = callers.wallet_with(&account, 1_000 + number).await;
        let answer = callers.authorise(pay(&account, &token, "p", amount)).await;
        let answer = answer.unwrap();
        let expected = fee.map_or("LIMIT_SINGLE", |_| "APPROVED");
        assert_eq!(decision(&answer), expected, "{amount}");
        let decided = answer.authorisation.unwrap();
        let total = fee.map_or(0, |fee| amount + fee);
        assert_eq!(
            (decided.fee_fen, decided.total_fen),
            (fee.unwrap_or(0), total)
        );
        // Limits count the principal.
        let used = fee.map_or(0, |_| amount);
        assert_eq!(callers.used(&account).await, (used, used), "{amount}");
    }
}

#[tokio::test]
async fn r64_c2_a_month_is_full_to_the_fen() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let token = callers.wallet("a").await;
    for number in 0..8 {
        callers
            .paid("a", &token, &format!("p{number}"), 600_000)
            .await;
    }
    let answer = callers.authorise(pay("a", &token, "over", 200_001)).await;
    let Some(authorisation::Outcome::Decline(decline)) =
        answer.unwrap().authorisation.unwrap().outcome
    else {
        panic!("50,000.01 in a month was approved");
    };
    assert_eq!(decline.reason(), v1::DeclineReason::LimitMonth);
    assert_eq!(decline.retry(), v1::RetryClass::ReduceAmount);
    assert_eq!(
        decline.amount_limit.unwrap().max_approvable_now_fen,
        200_000
    );
    callers.paid("a", &token, "exactly", 200_000).await;
    let answer = callers.authorise(pay("a", &token, "one more", 1)).await;
    let Some(authorisation::Outcome::Decline(decline)) =
        answer.unwrap().authorisation.unwrap().outcome
    else {
        panic!("50,000.01 in a month was approved");
    };
    assert_eq!(decline.reason(), v1::DeclineReason::LimitMonth);
    assert_eq!(decline.retry(), v1::RetryClass::Later);
    assert_eq!(callers.used("a").await, (5_000_000, 5_000_000));
}

#[tokio::test]
async fn d20_r25_versions_are_compared_number_by_number() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    for (version, expected) in [
        ("8.0.9", "CLIENT_TOO_OLD"),
        ("8.0.37", "CLIENT_TOO_OLD"),
        ("8.0.40", "APPROVED"),
        ("8.1", "APPROVED"),
    ] {
        let payment = v1::AuthoriseRequest {
            client: Some(client(version)),
            ..pay("a", &token, version, 100)
        };
        assert_eq!(callers.decision(payment).await, expected, "{version}");
    }
    let by_server = v1::AuthoriseRequest {
        client: None,
        ..pay("a", &token, "server", 100)
    };
    assert_eq!(callers.decision(by_server).await, "APPROVED");
}

/// A number that begins so, of that length, with a right check digit.
fn pan(beginning: &str, digits: usize) -> String {
    with_check_digit(&format!("{beginning:1<width$}", width = digits - 1))
}

#[tokio::test]
async fn r17_r18_d30_schemes_are_known_by_their_first_digits() {
    use v1::Scheme::{DinersClub, Discover, Jcb, Mastercard, Visa};
    let server = Server::start_with(&["--allow-live-pan"]);
    let mut callers = Callers::of(&server).await;
    let mut number = 0;
    for (beginning, digits, scheme) in [
        ("4", 13, Visa),
        ("4", 19, Visa),
        ("51", 16, Mastercard),
        ("55", 16, Mastercard),
        ("2221", 16, Mastercard),
        ("2720", 16, Mastercard),
        ("300", 14, DinersClub),
        ("305", 14, DinersClub),
        ("3095", 14, DinersClub),
        ("36", 14, DinersClub),
        ("38", 16, DinersClub),
        ("39", 19, DinersClub),
        ("6011", 16, Discover),
        ("644", 16, Discover),
        ("649", 16, Discover),
        ("65", 19, Discover),
        ("622126", 16, Discover),
        ("622925", 16, Discover),
        ("3528", 16, Jcb),
        ("3589", 19, Jcb),
    ] {
        let other = if scheme == Visa { Jcb } else { Visa };
        for (chosen, expected) in [(other, "SCHEME_MISMATCH"), (scheme, "BOUND")] {
            number += 1;
            let mut request = bind(&format!("a{number}"));
            request.card = Some(card(&pan(beginning, digits), chosen));
            let response = callers.bind(request).await;
            assert_eq!(bind_outcome(&response), expected, "{beginning} {chosen:?}");
        }
    }
    for beginning in ["34", "37", "620000", "622125", "622926"] {
        number += 1;
        let mut request = bind(&format!("a{number}"));
        let digits = if beginning.len() == 2 { 15 } else { 16 };
        request.card = Some(card(&pan(beginning, digits), Discover));
        let response = callers.bind(request).await;
        assert_eq!(bind_outcome(&response), "SCHEME_UNSUPPORTED", "{beginning}");
    }
}

#[tokio::test]
async fn r61_r60_merchants_that_cannot_be_paid_with_a_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let token = callers.wallet("a").await;
    let overseas = v1::Merchant {
        region: v1::MerchantRegion::Overseas.into(),
        ..merchant("overseas")
    };
    let closed = v1::Merchant {
        international_cards: false,
        ..merchant("closed")
    };
    callers.put_merchant(overseas).await;
    callers.put_merchant(closed).await;
    for (id, expected) in [
        ("overseas", "MERCHANT_OVERSEAS"),
        ("closed", "MERCHANT_NOT_ENABLED"),
        ("nobody", "MERCHANT_UNKNOWN"),
    ] {
        let payment = v1::AuthoriseRequest {
            merchant_id: id.to_owned(),
            ..pay("a", &token, id, 100)
        };
        assert_eq!(callers.decision(payment).await, expected);
    }
}

/// A million calls with a hundred keys have a hundred effects, and one answer a key.
#[tokio::test(flavor = "multi_thread")]
async fn d18_a_storm_under_a_hundred_keys_has_a_hundred_effects() {
    const KEYS: u64 = 100;
    const IN_A_MESSAGE: u64 = 100;
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut tokens = Vec::new();
    for account in 0..10 {
        let middle = 1_000 + account;
        tokens.push(callers.wallet_with(&format!("a{account}"), middle).await);
    }
    assert_ne!(visa(1_000), visa(1_001));
    let (asking, answers) = crate::stream::open(&mut callers).await;
    let count = calls() / IN_A_MESSAGE * IN_A_MESSAGE;
    let asked = tokio::spawn(async move {
        for first in (0..count).step_by(usize::try_from(IN_A_MESSAGE).unwrap()) {
            let payment = |id: u64| {
                let key = id % KEYS;
                let account = usize::try_from(key % 10).unwrap();
                let name = format!("a{account}");
                (id, pay(&name, &tokens[account], &format!("k{key}"), 100))
            };
            let ids = first..first + IN_A_MESSAGE;
            let message = crate::stream::message(ids.map(payment));
            asking.send(message).await.unwrap();
        }
    });
    let mut first_answers = std::collections::HashMap::new();
    let (mut answered, mut fresh) = (0_u64, 0);
    let mut answers = answers;
    while let Some(message) = answers.message().await.unwrap() {
        for answer in message.responses {
            let outcome = answer.outcome.unwrap();
            let response = crate::stream::decided(&outcome);
            answered += 1;
            fresh += u64::from(!response.replayed);
            let authorisation = response.authorisation.clone().unwrap();
            let known = first_answers
                .entry(answer.correlation_id % KEYS)
                .or_insert_with(|| authorisation.clone());
            assert_eq!(*known, authorisation, "answers differ in nothing else");
        }
    }
    asked.await.unwrap();
    assert_eq!((answered, fresh), (count, KEYS));
    println!("F9: {answered} calls under {KEYS} keys: {fresh} effects, one answer for each key");
    for account in 0..10 {
        let name = format!("a{account}");
        assert_eq!(callers.used(&name).await, (1_000, 1_000), "{name}");
    }
}
