//! S4: whoever guesses a payment password in parallel is told of five guesses that they are wrong, and of all
//! others that it is locked (D7).

use std::collections::BTreeMap;

use tokio::task::JoinSet;
use waika::v1;

use crate::passwords::{verify, verify_outcome};
use crate::support::{Server, number};
use crate::wallet::Callers;

const CONNECTIONS: u64 = 8;
/// Calls of a connection that go on at the same time.
const AT_ONCE: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn s4_of_guesses_in_parallel_five_are_told_to_be_wrong() {
    let guesses = number("WAIKA_GUESSES").unwrap_or(1_000);
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mine: Vec<_> = (0..guesses)
            .filter(|guess| guess % CONNECTIONS == connection)
            .collect();
        connections.spawn(guess(Callers::of(&server).await, card.clone(), mine));
    }
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    while let Some(words) = connections.join_next().await {
        for (word, count) in words.unwrap() {
            *told.entry(word).or_default() += count;
        }
    }
    eprintln!("S4: {guesses} guesses over {CONNECTIONS} connections: {told:?}");
    assert_eq!(told.remove("PASSWORD_WRONG"), Some(5));
    assert_eq!(told.remove("PASSWORD_LOCKED"), Some(guesses - 5));
    assert_eq!(told, BTreeMap::new());
    // The right one is no better off.
    let right = callers.verify(verify("a", &card, "right", 100)).await;
    assert_eq!(verify_outcome(&right), "PASSWORD_LOCKED");
}

/// Sends guesses, each with another password and under another key; counts the words that come back.
async fn guess(callers: Callers, card: String, guesses: Vec<u64>) -> BTreeMap<&'static str, u64> {
    let mut told = BTreeMap::new();
    for some in guesses.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for guess in some {
            let request = v1::VerifyPasswordRequest {
                // The wallet's own is not among them: it begins with another digit.
                payment_password: format!("0{guess:05}"),
                ..verify("a", &card, &format!("guess {guess}"), 100)
            };
            let mut callers = callers.clone();
            asked.spawn(async move { verify_outcome(&callers.verify(request).await) });
        }
        while let Some(word) = asked.join_next().await {
            *told.entry(word.unwrap()).or_default() += 1;
        }
    }
    told
}
