//! The issuer's books outlive its process, and hold whatever was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use waika::v1;
use waika::v1::TransactionState as State;

use crate::issuer_calls::{
    Issuer, decided, fails, give_back, heard, pay, payment, repeated, reversal, stands, told,
    unheard, verification,
};
use crate::issuer_support::{IssuerHome, IssuerSandbox};
use crate::requests::VISA;

#[tokio::test]
async fn books_survive_kill_9() {
    let sandbox = IssuerSandbox::start(&["--errors", "jcb:100%=wrong-amount"]);
    let mut issuer = sandbox.issuer().await;
    let first = pay(&mut issuer, payment(1)).await;
    pay(&mut issuer, payment(2)).await;
    let partly = v1::ReversePaymentRequest {
        amount_fen: 200,
        ..reversal(2)
    };
    assert_eq!(give_back(&mut issuer, partly.clone()).await, 200);
    assert_eq!(give_back(&mut issuer, reversal(3)).await, 0);
    let verified = heard(issuer.verify_card(verification(4, VISA))).await;
    let jcb = |request| v1::AuthorisePaymentRequest {
        scheme: v1::Scheme::Jcb.into(),
        ..request
    };
    assert_eq!(told(&pay(&mut issuer, jcb(payment(5))).await), ("00", 501));
    pay(&mut issuer, jcb(payment(6))).await;
    assert_eq!(told(&pay(&mut issuer, jcb(repeated(6))).await), ("00", 500));
    let before = sandbox.transactions().await;
    let port = sandbox.port();
    let home = sandbox.kill();

    let sandbox = IssuerSandbox::start_in(home, port, &[]);
    assert_eq!(sandbox.port(), port);
    assert_eq!(sandbox.transactions().await, before);
    let mut issuer = sandbox.issuer().await;
    assert_eq!(pay(&mut issuer, repeated(1)).await, first);
    assert_eq!(give_back(&mut issuer, partly).await, 200, "the same advice");
    assert_eq!(stands(&mut issuer, 2).await, (State::Approved, 500, 200));
    assert_eq!(told(&pay(&mut issuer, payment(3)).await), ("94", 0));
    let again = heard(issuer.verify_card(verification(4, VISA))).await;
    assert_eq!(again, verified);
    assert_eq!(stands(&mut issuer, 5).await, (State::Approved, 501, 0));
    assert_eq!(stands(&mut issuer, 6).await, (State::Approved, 500, 0));
}

/// What one caller was told before the process was killed.
#[derive(Default)]
struct Told {
    paid: Vec<u32>,
    given_back: Vec<u32>,
}

/// Pays and gives every third payment back, until the issuer is gone.
async fn press(mut issuer: Issuer, numbers: Arc<AtomicU32>) -> Told {
    let mut told = Told::default();
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        if issuer.authorise_payment(payment(number)).await.is_err() {
            return told;
        }
        told.paid.push(number);
        if number.is_multiple_of(3) {
            if issuer.reverse_payment(reversal(number)).await.is_err() {
                return told;
            }
            told.given_back.push(number);
        }
    }
}

#[tokio::test]
async fn under_load_everything_that_was_answered_is_there_after_kill_9() {
    let arguments = ["--latency", "p50=1ms,p99=5ms"];
    let numbers = Arc::new(AtomicU32::new(0));
    let (mut home, mut port) = (IssuerHome::new(), 0);
    let mut all = Told::default();
    for _ in 0..3 {
        let sandbox = IssuerSandbox::start_in(home, port, &arguments);
        port = sandbox.port();
        let issuer = sandbox.issuer().await;
        let callers = (0..32).map(|_| tokio::spawn(press(issuer.clone(), Arc::clone(&numbers))));
        let callers: Vec<_> = callers.collect();
        tokio::time::sleep(Duration::from_millis(400)).await;
        home = sandbox.kill();
        for caller in callers {
            let told = caller.await.unwrap();
            all.paid.extend(told.paid);
            all.given_back.extend(told.given_back);
        }
    }
    assert!(all.paid.len() > 100, "{} payments", all.paid.len());
    let sandbox = IssuerSandbox::start_in(home, port, &[]);
    let books = sandbox.transactions().await;
    let find = |number: u32| {
        let name = crate::issuer_calls::id(number);
        let at = books.binary_search_by(|of| of.transaction_id.cmp(&name));
        &books[at.unwrap_or_else(|_| panic!("{number} was answered and is lost"))]
    };
    for number in all.paid {
        let of = find(number);
        assert_eq!((&*of.response_code, of.amount_fen), ("00", 500), "{number}");
    }
    for number in all.given_back {
        assert_eq!(find(number).reversed_fen, 500, "{number}");
    }
}

/// What was on its way when the process ended was never heard of.
#[tokio::test]
async fn what_was_being_decided_is_decided_anew() {
    let sandbox = IssuerSandbox::start(&["--latency", "10m"]);
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(payment(1))).await;
    let home = sandbox.kill();
    let sandbox = IssuerSandbox::start_in(home, 0, &[]);
    let mut issuer = sandbox.issuer().await;
    assert_eq!(stands(&mut issuer, 1).await, (State::Unknown, 0, 0));
    assert_eq!(told(&pay(&mut issuer, repeated(1)).await), ("00", 500));
}

#[tokio::test]
async fn a_stop_cuts_silence_short_and_keeps_the_books() {
    for signal in [Signal::TERM, Signal::INT] {
        let sandbox = IssuerSandbox::start(&["--errors", "jcb:100%=silent"]);
        let mut issuer = sandbox.issuer().await;
        pay(&mut issuer, payment(1)).await;
        let mut waiting = issuer.clone();
        let silent = v1::AuthorisePaymentRequest {
            scheme: v1::Scheme::Jcb.into(),
            ..payment(2)
        };
        let sent = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&sent);
        let waiting = tokio::spawn(async move {
            flag.store(true, Ordering::Release);
            fails(tonic::Code::Unavailable, waiting.authorise_payment(silent)).await
        });
        while !sent.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let stopping = tokio::task::spawn_blocking(move || sandbox.stop(signal));
        let (status, home) = stopping.await.unwrap();
        assert_eq!(status.code(), Some(0));
        waiting.await.unwrap();
        let sandbox = IssuerSandbox::start_in(home, 0, &[]);
        assert_eq!(sandbox.transactions().await.len(), 1);
    }
}

#[tokio::test]
async fn books_in_memory_are_gone_with_their_process() {
    let sandbox = IssuerSandbox::start(&["--books", "memory:"]);
    let mut issuer = sandbox.issuer().await;
    pay(&mut issuer, payment(1)).await;
    assert_eq!(decided(&mut issuer, 1).await, (State::Approved, 500, 0));
    let home = sandbox.kill();
    assert!(!home.books().exists());
    let sandbox = IssuerSandbox::start_in(home, 0, &["--books", "memory:"]);
    assert!(sandbox.transactions().await.is_empty());
}
