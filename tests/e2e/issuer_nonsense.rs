//! An issuer that answers nonsense, or not at all: declined, recorded, given back where it is owed,
//! named in log and metric; never an approval and never a panic (D16).

use waika::v1::TransactionState as State;

use crate::issuer_support::{Issued, books_agree};
use crate::requests::{decision, pay};

/// Payments of which each meets that trouble.
async fn meets(trouble: &str, named: &str) {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let token = callers.wallet("a").await;
    callers.nothing_owed().await;
    // The same books, and from now on nothing but trouble.
    let port = issuer.port();
    let errors = format!("100%={trouble}");
    let issuer =
        crate::issuer_support::IssuerSandbox::start_in(issuer.kill(), port, &["--errors", &errors]);
    for number in 0..5 {
        let key = format!("k{number}");
        let response = callers.authorise(pay("a", &token, &key, 20_017)).await;
        let response = response.unwrap();
        assert_eq!(decision(&response), "ISSUER_UNAVAILABLE", "{trouble}");
        let again = callers.authorise(pay("a", &token, &key, 20_017)).await;
        assert_eq!(again.unwrap().authorisation, response.authorisation);
    }
    assert_eq!(callers.used("a").await.0, 0, "{trouble}");
    // Each is owed its reversal, and named.
    let metrics = server.metrics().await;
    assert!(metrics.contains(named), "{trouble}: {metrics}");
    // The advices meet no trouble: it is of payments alone, or ends with it.
    let home = issuer.kill();
    let issuer = crate::issuer_support::IssuerSandbox::start_in(home, port, &[]);
    callers.nothing_owed().await;
    let payments = issuer.transactions().await;
    let payments: Vec<_> = payments.iter().filter(|one| !one.verification).collect();
    assert!(
        payments.iter().all(|one| one.state() != State::Approved),
        "{trouble}: {payments:?}"
    );
    let metrics = server.metrics().await;
    // The debit of the bind, and five payments.
    let expected = "waika_advices_sent_total{outcome=\"taken\"} 6";
    assert!(metrics.contains(expected), "{trouble}: {metrics}");
    books_agree(&server, &issuer).await;
}

#[tokio::test]
async fn an_approval_of_another_amount_is_none() {
    meets(
        "wrong-amount",
        "waika_issuer_nonsense_total{kind=\"another amount\"} 5",
    )
    .await;
}

#[tokio::test]
async fn an_answer_about_another_transaction_is_none() {
    meets(
        "wrong-id",
        "waika_issuer_nonsense_total{kind=\"another transaction's id\"} 5",
    )
    .await;
}

#[tokio::test]
async fn an_unknown_response_code_is_no_approval() {
    meets(
        "wrong-code",
        "waika_issuer_nonsense_total{kind=\"an unknown response code\"} 5",
    )
    .await;
}

#[tokio::test]
async fn an_issuer_that_books_and_says_nothing_gives_it_back() {
    meets(
        "mute",
        "reason=\"ISSUER_UNAVAILABLE\",layer=\"ISSUER\",scene=\"PURCHASE\"} 5",
    )
    .await;
}

#[tokio::test]
async fn an_issuer_that_is_unavailable_is_owed_what_it_may_have_booked() {
    meets(
        "unavailable",
        "waika_issuer_requests_total{scheme=\"VISA\",operation=\"authorise\",outcome=\"failed\"} 5",
    )
    .await;
}

/// What listens there speaks something else: nothing of it is an answer.
#[tokio::test]
async fn whatever_is_no_issuer_approves_nothing() {
    let Issued {
        mut callers,
        issuer,
        server,
    } = Issued::start(&[], &[]).await;
    let token = callers.wallet("a").await;
    callers.nothing_owed().await;
    let port = issuer.port();
    let home = issuer.kill();
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let garbage = std::thread::spawn(move || {
        use std::io::Write as _;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut first = [0; 1];
            if std::io::Read::read(&mut stream, &mut first).unwrap_or(0) == 0 {
                return;
            }
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK"));
        }
    });
    let response = callers.authorise(pay("a", &token, "k", 5_000)).await;
    assert_eq!(decision(&response.unwrap()), "ISSUER_UNAVAILABLE");
    assert_eq!(callers.used("a").await.0, 0);
    // One connection without a byte ends the listener.
    while !garbage.is_finished() {
        drop(std::net::TcpStream::connect(("127.0.0.1", port)));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let issuer = crate::issuer_support::IssuerSandbox::start_in(home, port, &[]);
    callers.nothing_owed().await;
    books_agree(&server, &issuer).await;
}
