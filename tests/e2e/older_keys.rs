//! Keys that were moved out of memory are used keys like all others (D18), while they are moved, after
//! a kill and in every RPC that names them.

use std::process::Command;
use std::time::Duration;

use tokio::task::JoinSet;
use waika::v1;

use crate::requests::{reversal_outcome, reverse_by_key};
use crate::support::{Home, Server, binary};
use crate::wallet::{Callers, MERCHANT, pay};

/// As few keys in memory as may be; and snapshots beside, or a replay of all at each start.
const WITH_SNAPSHOTS: [&str; 4] = ["--keys-in-memory", "1000", "--snapshot-every", "700"];
const WITHOUT: [&str; 4] = ["--keys-in-memory", "1000", "--snapshot-every", "0"];

/// What a gauge says; 0 if there is none.
async fn keys_on_disk(server: &Server) -> f64 {
    let name = "waika_idempotency_keys{tier=\"disk\"}";
    server.figure(name).await.unwrap_or(0.0)
}

pub(crate) async fn moved_out(server: &Server, least: f64) {
    let moved_out = async {
        while keys_on_disk(server).await < least {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), moved_out).await;
    assert!(
        in_time.is_ok(),
        "{} keys on the disk",
        keys_on_disk(server).await
    );
}

fn payment(card: &str, number: i64) -> v1::AuthoriseRequest {
    pay("a", card, &format!("k{number}"), 100 + number % 7)
}

/// Many payments at once, each under its key; their answers by number.
pub(crate) async fn paid(
    callers: &Callers,
    card: &str,
    numbers: std::ops::Range<i64>,
) -> Vec<v1::AuthoriseResponse> {
    let mut answers = Vec::new();
    for slice in numbers.collect::<Vec<_>>().chunks(100) {
        let mut calls = JoinSet::new();
        for &number in slice {
            let mut client = callers.authorisations.clone();
            let request = payment(card, number);
            calls.spawn(async move { (number, client.authorise(request).await.unwrap()) });
        }
        let mut slice = calls.join_all().await;
        slice.sort_unstable_by_key(|(number, _)| *number);
        answers.extend(slice.into_iter().map(|(_, answer)| answer.into_inner()));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_a_key_that_is_on_the_disk_has_one_effect_and_one_answer() {
    let server = Server::start_with(&WITHOUT);
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let first = paid(&callers, &card, 0..2_500).await;
    moved_out(&server, 1_000.0).await;
    let used = callers.used("a").await;

    let again = paid(&callers, &card, 0..2_500).await;
    for (number, (first, again)) in first.iter().zip(&again).enumerate() {
        assert!(again.replayed, "{number}");
        assert_eq!(again.authorisation, first.authorisation, "{number}");
    }
    assert_eq!(callers.used("a").await, used, "no second effect");

    let mut other = payment(&card, 3);
    other.amount_fen += 1;
    let differs = callers.authorise(other).await.unwrap_err();
    assert_eq!(differs.code(), tonic::Code::AlreadyExists);
    assert!(differs.message().contains("amount_fen"), "{differs}");

    // Through a kill, and by its name in another RPC.
    let server = Server::start_in(server.kill(), &WITHOUT);
    let mut callers = Callers::of(&server).await;
    let again = paid(&callers, &card, 0..50).await;
    assert!(again.iter().all(|answer| answer.replayed));
    let reversed = callers.reverse(reverse_by_key("a", "r", "k7")).await;
    assert_eq!(reversal_outcome(&reversed.unwrap()), "REVERSED");
    // The bind had a beginning and an answer, both of which the start has replayed.
    let before = keys_on_disk(&server).await;
    paid(&callers, &card, 2_500..4_500).await;
    moved_out(&server, before + 1_000.0).await;
    let merchant = v1::PutMerchantRequest {
        idempotency_key: "merchant".to_owned(),
        merchant: Some(crate::requests::merchant(MERCHANT)),
    };
    assert!(callers.admin.put_merchant(merchant).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn d18_kills_while_keys_are_moved_lose_none() {
    let mut home = Home::new();
    let mut card = String::new();
    let mut done = 0;
    for round in 0..5_u64 {
        let server = Server::start_in(home, &WITH_SNAPSHOTS);
        let mut callers = Callers::of(&server).await;
        if round == 0 {
            card = callers.wallet("a").await;
        }
        let again = paid(&callers, &card, 0..done).await;
        assert!(again.iter().all(|answer| answer.replayed), "round {round}");
        let new = paid(&callers, &card, done..done + 900).await;
        assert!(new.iter().all(|answer| !answer.replayed), "round {round}");
        done += 900;
        // Somewhere in the work of the thread that looks every half a second.
        tokio::time::sleep(Duration::from_millis(150 * round)).await;
        home = server.kill();
    }
    let verify = Command::new(binary("waika-server"))
        .args(["journal", "verify", "--store"])
        .arg(format!("journal:{}", home.data().display()))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&verify.stdout);
    assert!(verify.status.success(), "{told}");
    let runs = told.lines().find(|line| line.contains("key runs"));
    assert!(runs.is_some_and(|runs| !runs.ends_with(" 0")), "{told}");
}
