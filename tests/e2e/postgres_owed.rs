//! What issuers are owed is told by every server, whichever sends it.

use tokio::time::{Duration, sleep};
use waika::v1::{self, OwedAdviceKind};

use crate::issuer_support::IssuerSandbox;
use crate::postgres_support::{Database, callers, until};
use crate::wallet::{Callers, pay, reverse};

/// A page, and where the next begins.
async fn page(callers: &mut Callers, size: i32, token: String) -> v1::ListOwedAdvicesResponse {
    let request = v1::ListOwedAdvicesRequest {
        page_size: size,
        page_token: token,
    };
    let listed = callers.admin.list_owed_advices(request).await;
    listed.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_what_one_server_owes_is_told_by_all_and_is_gone_once_it_is_taken() {
    let database = Database::start();
    let issuer = IssuerSandbox::start(&[]);
    let url = database.cluster.url();
    let nodes: [_; 2] =
        std::array::from_fn(|_| database.node_over(&url, &["--issuer", &issuer.address()]));
    let mut callers = callers(&nodes).await;
    let card = callers[0].wallet("a").await;
    for callers in &mut callers {
        callers.nothing_owed().await;
    }
    let mut approved = Vec::new();
    for number in 0..3 {
        let answer = callers[0].authorise(pay("a", &card, &format!("k{number}"), 1_000 + number));
        let decided = answer.await.unwrap().authorisation.unwrap();
        approved.push(decided.authorisation_id);
    }
    let port = issuer.port();
    let home = issuer.kill();
    for (number, id) in approved.iter().enumerate() {
        let answer = callers[0].reversal(reverse("a", &format!("r{number}"), id));
        assert_eq!(answer.await, "REVERSED");
    }
    until("the first server has tried", async || {
        sleep(Duration::from_millis(50)).await;
        let owed = callers[0].clone().owed().await;
        owed.advices.iter().any(|advice| advice.attempts > 0)
    })
    .await;
    for callers in &mut callers {
        let all = callers.owed().await;
        assert_eq!(all.total_size, 3);
        let ids: Vec<_> = all
            .advices
            .iter()
            .map(|advice| &advice.authorisation_id)
            .collect();
        assert_eq!(ids, approved.iter().collect::<Vec<_>>());
        for (advice, amount) in all.advices.iter().zip(1_000..) {
            assert_eq!(advice.kind(), OwedAdviceKind::Reversal);
            assert_eq!((advice.amount_fen, &*advice.account_id), (amount, "a"));
        }
        let first = page(callers, 2, String::new()).await;
        let second = page(callers, 2, first.next_page_token.clone()).await;
        assert_eq!((first.total_size, second.total_size), (3, 3));
        assert_eq!(second.next_page_token, "");
        // Attempts go on meanwhile.
        let ids = |of: &[v1::OwedAdvice]| {
            let ids = of.iter().map(|advice| advice.advice_id.clone());
            ids.collect::<Vec<_>>()
        };
        let pages = [ids(&first.advices), ids(&second.advices)].concat();
        assert_eq!(pages, ids(&all.advices));
    }
    let others = callers[1].owed().await;
    assert!(others.advices.iter().all(|advice| advice.attempts == 0));
    let _issuer = IssuerSandbox::start_in(home, port, &[]);
    for callers in &mut callers {
        callers.nothing_owed().await;
    }
}
