//! Photos, verdicts and guesses that come at the same time, or not to their end (R49 to R55, D7).

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::Code;
use waika::v1::{self, ReviewVerdict};

use crate::passports::{Material, header, piece};
use crate::passwords::{
    WRONG_PASSWORD, change, change_outcome, proof, reset_by_card, reset_outcome, verify,
    verify_outcome,
};
use crate::support::Server;
use crate::wallet::{Callers, pay};

/// A photo whose end does not come.
fn endless(
    account: &str,
    key: &str,
) -> impl tokio_stream::Stream<Item = v1::SubmitVerificationRequest> {
    let begun = [
        header(account, key, Material::PassportPage),
        piece(b"the beginning"),
    ];
    tokio_stream::iter(begun).chain(tokio_stream::pending())
}

#[tokio::test(flavor = "multi_thread")]
async fn r51_of_many_faces_at_once_one_is_taken_and_one_verdict_counts() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("a").await;
    let page = callers.send_photo(("a", "page"), Material::PassportPage, b"page");
    page.await;
    let mut faces = JoinSet::new();
    for number in 0..16 {
        let mut callers = callers.clone();
        faces.spawn(async move {
            let key = format!("face {number}");
            callers
                .send_photo(("a", &key), Material::Face, b"face")
                .await
        });
    }
    let mut outcomes = faces.join_all().await;
    outcomes.sort_unstable();
    let (taken, late) = outcomes.split_at(1);
    assert_eq!(taken, [["TAKEN", "UNDER_REVIEW"]]);
    assert_eq!(late, [["UNDER_REVIEW", "UNDER_REVIEW"]; 15]);

    let mut verdicts = JoinSet::new();
    for number in 0..16 {
        let verdict = [ReviewVerdict::Approve, ReviewVerdict::Reject][number % 2];
        let mut callers = callers.clone();
        verdicts.spawn(async move {
            let key = format!("operator {number}");
            callers.resolve_review("a", &key, verdict).await
        });
    }
    let outcomes = verdicts.join_all().await;
    let counted = outcomes.iter().filter(|(resolved, _)| *resolved).count();
    assert_eq!(counted, 1, "{outcomes:?}");
    assert_eq!(
        callers.told_of("a").await.len(),
        2,
        "needed, and one result"
    );
}

#[tokio::test]
async fn a_photo_whose_sender_hangs_up_changes_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("a").await;
    let sending = callers.cards.submit_verification(endless("a", "page"));
    let sending = tokio::time::timeout(Duration::from_millis(200), sending).await;
    assert!(sending.is_err(), "there is no answer before the end");
    assert_eq!(callers.verification("a").await.0, "REQUIRED");
    let sent = callers.send_photo(("a", "page"), Material::PassportPage, b"page");
    assert_eq!(sent.await, ["TAKEN", "PAGE_RECEIVED"], "the key is free");
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_endless_photo() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("a").await;
    let sending = callers.cards.submit_verification(endless("a", "k"));
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.signal(rustix::process::Signal::TERM);
    };
    let both = async { tokio::join!(sending, stopping) };
    let (ended, ()) = tokio::time::timeout(Duration::from_secs(8), both)
        .await
        .unwrap();
    let ended = ended.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    let (status, _) = server.ended();
    assert_eq!(status.code(), Some(0));
}

/// One guess, by one of the calls that take a password, in a word.
async fn guess(callers: &mut Callers, card_token: &str, number: usize) -> String {
    let key = format!("guess {number}");
    match number % 3 {
        0 => {
            let mut payment = pay("a", card_token, &key, 100);
            WRONG_PASSWORD.clone_into(&mut payment.payment_password);
            callers.decision(payment).await
        }
        1 => {
            let mut request = verify("a", card_token, &key, 100);
            WRONG_PASSWORD.clone_into(&mut request.payment_password);
            verify_outcome(&callers.verify(request).await).to_owned()
        }
        _ => {
            let mut request = change("a", &key);
            WRONG_PASSWORD.clone_into(&mut request.old_password);
            change_outcome(&callers.change(request).await).to_owned()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_guesses_by_many_calls_at_once_are_five_in_all() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut guesses = JoinSet::new();
    for number in 0..300 {
        let (mut callers, card_token) = (callers.clone(), card_token.clone());
        guesses.spawn(async move { guess(&mut callers, &card_token, number).await });
    }
    let outcomes = guesses.join_all().await;
    let told = |word: &str| outcomes.iter().filter(|outcome| *outcome == word).count();
    assert_eq!((told("PASSWORD_WRONG"), told("PASSWORD_LOCKED")), (5, 295));
}

#[tokio::test(flavor = "multi_thread")]
async fn r47_guesses_of_card_data_at_once_are_five_in_all() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.wallet("a").await;
    let mut guesses = JoinSet::new();
    for number in 0..60 {
        let phone = ("+44 7700 900555", "123456");
        let mut request = reset_by_card("a", &format!("guess {number}"), &card_token, phone);
        proof(&mut request).card.as_mut().unwrap().expiry_year = 2040 + number;
        let mut callers = callers.clone();
        guesses.spawn(async move { reset_outcome(&callers.reset(request).await) });
    }
    let outcomes = guesses.join_all().await;
    let told = |word: &str| outcomes.iter().filter(|outcome| **outcome == word).count();
    assert_eq!((told("CARD_DATA_WRONG"), told("RESET_LOCKED")), (5, 55));
}
