//! A quote says what each card would meet, and spends nothing (R62, R71, D32).

use waika::v1;
use waika_domain::identifiers::AuthorisationId;

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{
    Callers, MERCHANT, bind, bound, client, instant, merchant, pay, quote, send_phone_code,
};

/// Card by card: `USABLE`, or the name of the reason.
fn says(quoted: &v1::QuoteResponse) -> Vec<&'static str> {
    let word = |card: &v1::QuotedCard| match &card.decline {
        None => {
            assert!(card.usable && card.quote_token.starts_with("quote_1"));
            "USABLE"
        }
        Some(decline) => {
            assert!(!card.usable && card.quote_token.is_empty());
            let name = decline.reason().as_str_name();
            name.strip_prefix("DECLINE_REASON_").unwrap()
        }
    };
    quoted.cards.iter().map(word).collect()
}

#[tokio::test]
async fn r62_r71_a_quote_names_the_fee_and_every_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let first = callers.wallet("a").await;
    let second = bound(&callers.another_card("a", 111_000_001).await);
    let quoted = callers.quote(quote("a", 20_017)).await;
    assert_eq!(
        (quoted.amount_fen, quoted.fee_fen, quoted.total_fen),
        (20_017, 601, 20_618)
    );
    assert_eq!(says(&quoted), ["USABLE", "USABLE"]);
    let tokens: Vec<_> = quoted
        .cards
        .iter()
        .map(|quoted| quoted.card.clone().unwrap().card_token)
        .collect();
    assert_eq!(tokens, [first, second], "oldest first");
    assert_eq!(quoted.policy, "weixin-2023");
    let times = (quoted.quoted_at, quoted.expires_at);
    let five_minutes = (
        Some(instant("2024-01-10T12:00:00+08:00")),
        Some(instant("2024-01-10T12:05:00+08:00")),
    );
    assert_eq!(times, five_minutes);
    let waived = callers.quote(quote("a", 20_000)).await;
    assert_eq!((waived.fee_fen, waived.total_fen), (0, 20_000));
}

/// Changes a quote so that the card is grey.
type Change = fn(&mut v1::QuoteRequest);

/// R62: what `Authorise` would answer, for each thing that can be wrong with the payment.
#[tokio::test]
async fn r62_a_grey_card_says_what_the_payment_would_be_declined_with() {
    let changes: &[(&str, Change)] = &[
        ("CLIENT_TOO_OLD", |asked| {
            asked.client = Some(client("8.0.39"));
        }),
        ("SCENE_NOT_PERMITTED", |asked| {
            asked.scene = v1::Scene::Transfer.into();
            asked.merchant_id.clear();
        }),
        ("MERCHANT_UNKNOWN", |asked| {
            asked.merchant_id = "nobody".into();
        }),
        ("MERCHANT_OVERSEAS", |asked| {
            asked.merchant_id = "abroad".into();
        }),
        ("MERCHANT_NOT_ENABLED", |asked| {
            asked.merchant_id = "cash-only".into();
        }),
        ("LIMIT_SINGLE", |asked| asked.amount_fen = 600_001),
        ("LIMIT_MONTH", |asked| asked.amount_fen = 200_001),
        ("USABLE", |asked| asked.amount_fen = 200_000),
    ];
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let overseas = v1::MerchantRegion::Overseas.into();
    for other in [
        v1::Merchant {
            region: overseas,
            ..merchant("abroad")
        },
        v1::Merchant {
            international_cards: false,
            ..merchant("cash-only")
        },
    ] {
        callers.put_merchant(other).await;
    }
    for number in 0..8 {
        let key = format!("k{number}");
        callers.paid("a", &card, &key, 600_000).await;
    }
    for (number, (expected, change)) in changes.iter().enumerate() {
        let mut asked = quote("a", 100);
        change(&mut asked);
        let quoted = callers.quote(asked.clone()).await;
        assert_eq!(says(&quoted), [*expected]);
        if *expected == "USABLE" {
            continue;
        }
        let mut payment = pay("a", &card, &format!("p{number}"), asked.amount_fen);
        payment.client = asked.client;
        payment.scene = asked.scene;
        payment.merchant_id = asked.merchant_id;
        let met = callers.authorise(payment).await.unwrap();
        let met = met.authorisation.unwrap().outcome.unwrap();
        let grey = quoted.cards[0].decline.clone().unwrap();
        assert_eq!(met, v1::authorisation::Outcome::Decline(grey));
    }
}

#[tokio::test]
async fn r62_greys_are_card_by_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.another_card("a", 111_000_001).await;
    assert_eq!(
        says(&callers.quote(quote("a", 100)).await),
        ["USABLE", "USABLE"]
    );
    // R67: another person binds the first card.
    bound(&callers.bind(bind("b")).await);
    let quoted = callers.quote(quote("a", 100)).await;
    assert_eq!(says(&quoted), ["RISK_CARD_SHARED", "USABLE"]);
    // D7: no card pays while the password is locked.
    for number in 0..5 {
        let mut wrong = pay("a", &card, &format!("w{number}"), 100);
        wrong.payment_password = "000000".to_owned();
        callers.authorise(wrong).await.unwrap();
    }
    let quoted = callers.quote(quote("a", 100)).await;
    assert_eq!(says(&quoted), ["PASSWORD_LOCKED", "PASSWORD_LOCKED"]);
    let until = callers.account("a").await.password_locked_until;
    assert_eq!(quoted.cards[0].decline.as_ref().unwrap().resets_at, until);
}

#[tokio::test]
async fn a_wallet_without_a_card_is_quoted_the_fee_and_no_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = send_phone_code("a", "+44 7700 900123");
    callers.cards.send_phone_code(request).await.unwrap();
    let quoted = callers.quote(quote("a", 20_017)).await;
    assert_eq!((quoted.fee_fen, quoted.cards.len()), (601, 0));
    let unknown = callers.authorisations.quote(quote("nobody", 100)).await;
    assert_eq!(unknown.unwrap_err().code(), tonic::Code::NotFound, "D27");
}

#[tokio::test]
async fn every_bad_field_of_a_quote_is_named() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = v1::QuoteRequest {
        account_id: String::new(),
        merchant_id: "a/b".to_owned(),
        amount_fen: 0,
        currency: "USD".to_owned(),
        scene: 0,
        client: Some(v1::ClientInfo::default()),
    };
    let error = callers.authorisations.quote(request).await.unwrap_err();
    let expected = [
        "account_id",
        "amount_fen",
        "client.channel",
        "client.version",
        "currency",
        "merchant_id",
        "scene",
    ];
    assert_eq!(bad_fields(&error), named(expected));
}

/// R62: no try, no room, no entry of the journal. Ids follow from places in the journal, so two
/// payments with quotes in between must be neighbours.
#[tokio::test]
async fn r62_a_quote_spends_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let mut wrong = pay("a", &card, "wrong", 100);
    wrong.payment_password = "000000".to_owned();
    callers.authorise(wrong).await.unwrap();
    let place = |paid: v1::Authorisation| {
        let id = AuthorisationId::parse(&paid.authorisation_id).unwrap();
        id.sequence()
    };
    let before = place(callers.paid("a", &card, "before", 100).await);
    let account = callers.account("a").await;
    for fen in [1, 600_000, 600_001, 20_000] {
        for _ in 0..25 {
            callers.quote(quote("a", fen)).await;
        }
    }
    assert_eq!(callers.account("a").await, account);
    let after = place(callers.paid("a", &card, "after", 100).await);
    assert_eq!(after, before + 1, "nothing was written in between");
}
