//! A quote token binds its payment for five minutes (D32).

use waika::v1;

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, bound, merchant, pay, quote};

/// The quote token of the account's first card.
async fn token(callers: &mut Callers, account: &str, fen: i64) -> String {
    let quoted = callers.quote(quote(account, fen)).await;
    quoted.cards[0].quote_token.clone()
}

fn with(token: &str, payment: v1::AuthoriseRequest) -> v1::AuthoriseRequest {
    v1::AuthoriseRequest {
        quote_token: token.to_owned(),
        ..payment
    }
}

#[tokio::test]
async fn d32_a_quote_holds_for_its_payment_and_for_no_other() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_a = callers.wallet("a").await;
    let second = bound(&callers.another_card("a", 111_000_001).await);
    let card_b = callers.wallet_with("b", 111_000_002).await;
    callers.put_merchant(merchant("tea-house")).await;
    let quoted = token(&mut callers, "a", 20_017).await;

    let elsewhere = v1::AuthoriseRequest {
        merchant_id: "tea-house".to_owned(),
        ..pay("a", &card_a, "merchant", 20_017)
    };
    for (what, payment) in [
        ("account", pay("b", &card_b, "account", 20_017)),
        ("card", pay("a", &second, "card", 20_017)),
        ("amount", pay("a", &card_a, "amount", 20_018)),
        ("merchant", elsewhere),
    ] {
        let decision = callers.decision(with(&quoted, payment)).await;
        assert_eq!(decision, "QUOTE_MISMATCH", "{what}");
    }
    assert_eq!(callers.used("a").await, (0, 0));
    // It stands for terms and is not used up; no quote at all is fine too.
    for key in ["first", "second"] {
        let payment = with(&quoted, pay("a", &card_a, key, 20_017));
        assert_eq!(callers.decision(payment).await, "APPROVED", "{key}");
    }
    callers.paid("a", &card_a, "unquoted", 20_017).await;
}

#[tokio::test]
async fn d32_a_quote_is_too_old_after_five_minutes() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let quoted = token(&mut callers, "a", 100).await;
    callers.freeze("2024-01-10T12:04:59.999+08:00").await;
    let in_time = with(&quoted, pay("a", &card, "in time", 100));
    assert_eq!(callers.decision(in_time.clone()).await, "APPROVED");

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let again = with(&quoted, pay("a", &card, "restarted", 100));
    assert_eq!(callers.decision(again).await, "APPROVED", "same key file");
    callers.freeze("2024-01-10T12:05:00+08:00").await;
    for (key, fen) in [("late", 100), ("late and different", 101)] {
        let late = with(&quoted, pay("a", &card, key, fen));
        assert_eq!(callers.decision(late).await, "QUOTE_EXPIRED", "{key}");
    }
    let replayed = callers.authorise(in_time).await.unwrap();
    assert!(replayed.replayed, "D18: a token is not compared");
}

#[tokio::test]
async fn d32_a_forged_quote_is_malformed() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let quoted = token(&mut callers, "a", 100).await;
    let mut other = quoted.clone();
    let last = if other.pop() == Some('0') { '1' } else { '0' };
    other.push(last);
    for forged in ["quote_1", "quote", "null", &other, &format!("{quoted}0")] {
        let payment = with(forged, pay("a", &card, "k", 100));
        let error = callers.authorise(payment).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{forged}");
        assert_eq!(bad_fields(&error), named(["quote_token"]), "{forged}");
    }
    // A token of another deployment is forged here.
    let stranger = Server::start();
    let mut strangers = Callers::of(&stranger).await;
    strangers.wallet("a").await;
    let foreign = token(&mut strangers, "a", 100).await;
    let payment = with(&foreign, pay("a", &card, "k", 100));
    let error = callers.authorise(payment).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["quote_token"]));
    callers.paid("a", &card, "k", 100).await;
}
