//! An account's history, newest first, in pages that stay where they are.

use tonic::Status;
use waika::v1;

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, decision, part, pay, reverse, send_phone_code, unbind};

type Page = v1::ListAuthorisationsResponse;

async fn page(
    callers: &mut Callers,
    account: &str,
    page_size: i32,
    page_token: &str,
) -> Result<Page, Status> {
    let request = v1::ListAuthorisationsRequest {
        account_id: account.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let response = callers.authorisations.list_authorisations(request).await;
    response.map(tonic::Response::into_inner)
}

fn ids(page: &Page) -> Vec<String> {
    let authorisations = page.authorisations.iter();
    authorisations
        .map(|record| record.authorisation.clone().unwrap().authorisation_id)
        .collect()
}

/// Every page from one on: their sizes, and the ids on them.
async fn walk(
    callers: &mut Callers,
    account: &str,
    page_size: i32,
    mut token: String,
) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut all) = (Vec::new(), Vec::new());
    loop {
        let page = page(callers, account, page_size, &token).await.unwrap();
        sizes.push(page.authorisations.len());
        all.extend(ids(&page));
        token = page.next_page_token;
        if token.is_empty() {
            return (sizes, all);
        }
    }
}

/// Two hundred and fifty decisions of an account among those of another, oldest first.
async fn two_hundred_and_fifty(callers: &mut Callers) -> Vec<String> {
    let first = callers.wallet("a").await;
    let other = callers.wallet_with("b", 111_000_002).await;
    let mut made = Vec::new();
    for number in 0..250 {
        let mut payment = pay("a", &first, &format!("k{number}"), 100 + number);
        if number % 10 == 3 {
            payment.merchant_id = "nobody".into();
        }
        let decided = callers.authorise(payment).await.unwrap();
        made.push(decided.authorisation.unwrap().authorisation_id);
        if number % 25 == 0 {
            callers.paid("b", &other, &format!("k{number}"), 1).await;
        }
    }
    made
}

#[tokio::test]
async fn a_history_is_read_newest_first_in_pages_that_do_not_move() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let mut made = two_hundred_and_fifty(&mut callers).await;
    made.reverse();

    let (sizes, read) = walk(&mut callers, "a", 0, String::new()).await;
    assert_eq!(read, made, "declines are decisions too");
    assert_eq!(sizes[..3], [100, 100, 50]);
    let (sizes, read) = walk(&mut callers, "a", 7, String::new()).await;
    assert_eq!(read, made);
    assert!(sizes[..35].iter().all(|&size| size == 7));

    // Decisions that are made in between do not move later pages.
    let first = page(&mut callers, "a", 100, "").await.unwrap();
    let card = first.authorisations[0].authorisation.clone().unwrap();
    for number in 0..5 {
        let key = format!("new {number}");
        callers.paid("a", &card.card_token, &key, 1).await;
    }
    let next = first.next_page_token.clone();
    let (_, rest) = walk(&mut callers, "a", 100, next.clone()).await;
    assert_eq!(rest, made[100..]);
    let (_, all) = walk(&mut callers, "a", 100, String::new()).await;
    assert_eq!(all.len(), 255);
    assert_eq!(all[5..], made);

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let (_, rest) = walk(&mut callers, "a", 100, next).await;
    assert_eq!(rest, made[100..], "tokens outlive a restart");
    let (_, others) = walk(&mut callers, "b", 100, String::new()).await;
    assert_eq!(others.len(), 10);
    assert!(others.iter().all(|id| !all.contains(id)), "its own only");
}

#[tokio::test]
async fn a_record_says_how_the_authorisation_stands_now() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let paid = callers.paid("a", &card, "k", 25_000).await;
    let declined = callers.authorise(pay("a", &card, "l", 600_001)).await;
    assert_eq!(decision(&declined.unwrap()), "LIMIT_SINGLE");
    let request = part(reverse("a", "r", &paid.authorisation_id), 6_000);
    callers.reverse(request).await.unwrap();
    callers.freeze("2024-01-12T00:00:00+08:00").await;
    let page = page(&mut callers, "a", 0, "").await.unwrap();
    assert_eq!(page.authorisations.len(), 2, "a reversal is no decision");
    let [newest, oldest] = &page.authorisations[..] else {
        panic!("two")
    };
    let nothing = v1::AuthorisationStatus::default();
    assert_eq!(newest.status, Some(nothing));
    assert_eq!(oldest.authorisation, Some(paid), "as it was given");
    let expected = v1::AuthorisationStatus {
        reversed_fen: 6_000,
        reversed_fee_fen: 180,
        remaining_fen: 19_000,
        settles_at: Some(crate::wallet::instant("2024-01-12T00:00:00+08:00")),
        settled: true,
        refunded_fen: 0,
        refunded_fee_fen: 0,
    };
    assert_eq!(oldest.status, Some(expected));
}

#[tokio::test]
async fn what_is_no_decision_is_left_out_and_the_end_is_empty() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let request = send_phone_code("a", "+44 7700 900999");
    callers.cards.send_phone_code(request).await.unwrap();
    let empty = page(&mut callers, "a", 0, "").await.unwrap();
    assert_eq!(empty, Page::default());
    let card = callers.wallet("a").await;
    for number in 0..7 {
        let key = format!("k{number}");
        callers.paid("a", &card, &key, 1).await;
    }
    callers.unbind(unbind("a", &card, "u")).await;
    let full = page(&mut callers, "a", 7, "").await.unwrap();
    assert_eq!(full.authorisations.len(), 7);
    // What came before is no decision: the walk ends with nothing more.
    let (sizes, _) = walk(&mut callers, "a", 7, full.next_page_token).await;
    assert_eq!(sizes.iter().sum::<usize>(), 0);
    let unknown = page(&mut callers, "nobody", 0, "").await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn a_page_token_of_another_account_or_of_nobody_is_malformed() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    callers.wallet_with("b", 111_000_002).await;
    for number in 0..3 {
        let key = format!("k{number}");
        callers.paid("a", &card, &key, 1).await;
    }
    let token = page(&mut callers, "a", 1, "").await.unwrap();
    let token = token.next_page_token;
    let longer = format!("{token}0");
    for (account, forged) in [
        ("b", &*token),
        ("nobody", &token),
        ("a", "page_1"),
        ("a", "garbage"),
        ("a", &longer),
    ] {
        let error = page(&mut callers, account, 1, forged).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{forged}");
        assert_eq!(bad_fields(&error), named(["page_token"]), "{forged}");
    }
    let both = page(&mut callers, "a", 101, "garbage").await.unwrap_err();
    assert_eq!(bad_fields(&both), named(["page_size", "page_token"]));
    for size in [-1, 101, i32::MAX] {
        let error = page(&mut callers, "a", size, "").await.unwrap_err();
        assert_eq!(bad_fields(&error), named(["page_size"]), "{size}");
    }
}
