//! The issuer's trouble: every kind of error, and outages.

use std::time::Duration;

use tokio::time::timeout;
use tonic::Code;
use waika::v1;
use waika::v1::TransactionState as State;

use crate::issuer_calls::{
    PATIENCE, decided, fails, give_back, heard, id, pay, payment, repeated, reversal, stands,
    status, told, unheard, verification,
};
use crate::issuer_support::IssuerSandbox;
use crate::requests::VISA;

fn always(kind: &str) -> IssuerSandbox {
    IssuerSandbox::start(&["--errors", &format!("100%={kind}")])
}

#[tokio::test]
async fn a_response_code_declines_each_time() {
    let sandbox = always("91");
    let mut issuer = sandbox.issuer().await;
    for request in [payment(1), repeated(1), payment(2)] {
        assert_eq!(told(&pay(&mut issuer, request).await), ("91", 0));
    }
    let verified = heard(issuer.verify_card(verification(3, VISA))).await;
    assert_eq!(
        (&*verified.response_code, &*verified.card_reference),
        ("91", "")
    );
    let books = sandbox.transactions().await;
    let books = books
        .iter()
        .map(|of| (of.state(), &*of.response_code, of.amount_fen));
    assert_eq!(books.collect::<Vec<_>>(), [(State::Declined, "91", 0); 3]);
}

#[tokio::test]
async fn whom_nobody_can_reach_books_nothing() {
    let sandbox = always("unavailable");
    let mut issuer = sandbox.issuer().await;
    for request in [payment(1), repeated(1)] {
        fails(Code::Unavailable, issuer.authorise_payment(request)).await;
    }
    fails(Code::Unavailable, issuer.verify_card(verification(2, VISA))).await;
    assert_eq!(stands(&mut issuer, 1).await, (State::Unknown, 0, 0));
    assert_eq!(
        give_back(&mut issuer, reversal(3)).await,
        0,
        "errors are of payments"
    );
    assert_eq!(
        sandbox.transactions().await.len(),
        1,
        "what was given back first"
    );
}

#[tokio::test]
async fn silence_books_nothing() {
    let sandbox = always("silent");
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(payment(1))).await;
    unheard(issuer.authorise_payment(repeated(1))).await;
    unheard(issuer.verify_card(verification(2, VISA))).await;
    assert_eq!(stands(&mut issuer, 1).await, (State::Unknown, 0, 0));
    assert!(sandbox.transactions().await.is_empty());
}

#[tokio::test]
async fn what_is_mute_is_booked_and_told_on_repeat() {
    let sandbox = always("mute");
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(payment(1))).await;
    assert_eq!(stands(&mut issuer, 1).await, (State::Approved, 500, 0));
    unheard(issuer.authorise_payment(payment(1))).await;
    assert_eq!(told(&pay(&mut issuer, repeated(1)).await), ("00", 500));
    unheard(issuer.verify_card(verification(2, VISA))).await;
    let verified = heard(issuer.verify_card(verification(2, VISA))).await;
    assert_eq!((&*verified.response_code, verified.amount_fen), ("00", 1));
    assert_eq!(sandbox.transactions().await.len(), 2);
}

#[tokio::test]
async fn a_wrong_amount_is_booked_as_told_and_put_right_on_repeat() {
    let sandbox = always("wrong-amount");
    let mut issuer = sandbox.issuer().await;
    for request in [payment(1), payment(1)] {
        assert_eq!(told(&pay(&mut issuer, request).await), ("00", 501));
        assert_eq!(stands(&mut issuer, 1).await, (State::Approved, 501, 0));
    }
    assert_eq!(told(&pay(&mut issuer, repeated(1)).await), ("00", 500));
    assert_eq!(stands(&mut issuer, 1).await, (State::Approved, 500, 0));

    pay(&mut issuer, payment(2)).await;
    assert_eq!(give_back(&mut issuer, reversal(2)).await, 501);
    assert_eq!(stands(&mut issuer, 2).await, (State::Reversed, 501, 501));
    let verified = heard(issuer.verify_card(verification(3, VISA))).await;
    assert_eq!(verified.amount_fen, 2);
    let verified = heard(issuer.verify_card(verification(3, VISA))).await;
    assert_eq!(verified.amount_fen, 1);
    assert_eq!(told(&pay(&mut issuer, repeated(4)).await), ("00", 500));
}

#[tokio::test]
async fn a_wrong_name_is_only_in_the_answer() {
    let sandbox = always("wrong-id");
    let mut issuer = sandbox.issuer().await;
    let answer = pay(&mut issuer, payment(1)).await;
    assert_eq!(told(&answer), ("00", 500));
    assert_eq!(answer.transaction_id.len(), 32);
    assert_ne!(answer.transaction_id, id(1));
    assert_eq!(pay(&mut issuer, repeated(1)).await.transaction_id, id(1));
    let books = sandbox.transactions().await;
    assert_eq!((books.len(), &*books[0].transaction_id), (1, &*id(1)));
}

#[tokio::test]
async fn a_wrong_code_is_only_in_the_answer() {
    let sandbox = always("wrong-code");
    let mut issuer = sandbox.issuer().await;
    assert_eq!(told(&pay(&mut issuer, payment(1)).await), ("ZZ", 500));
    assert_eq!(stands(&mut issuer, 1).await, (State::Approved, 500, 0));
    assert_eq!(told(&pay(&mut issuer, repeated(1)).await), ("00", 500));
    assert_eq!(sandbox.transactions().await[0].response_code, "00");
}

#[tokio::test]
async fn trouble_is_of_the_scheme_that_was_named() {
    let sandbox = IssuerSandbox::start(&[
        "--errors",
        "jcb:100%=05",
        "--outage",
        "discover:0..1m=unavailable",
    ]);
    let mut issuer = sandbox.issuer().await;
    let by = |scheme: v1::Scheme, number| v1::AuthorisePaymentRequest {
        scheme: scheme.into(),
        ..payment(number)
    };
    assert_eq!(told(&pay(&mut issuer, payment(1)).await), ("00", 500));
    let jcb = pay(&mut issuer, by(v1::Scheme::Jcb, 2)).await;
    assert_eq!(told(&jcb), ("05", 0));
    let discover = by(v1::Scheme::Discover, 3);
    fails(Code::Unavailable, issuer.authorise_payment(discover)).await;
}

#[tokio::test]
async fn an_outage_is_of_every_call_to_the_issuer() {
    let sandbox = IssuerSandbox::start(&["--outage", "0..1m"]);
    let mut issuer = sandbox.issuer().await;
    fails(Code::Unavailable, issuer.authorise_payment(repeated(1))).await;
    fails(Code::Unavailable, issuer.reverse_payment(reversal(1))).await;
    fails(Code::Unavailable, issuer.get_payment_status(status(1))).await;
    fails(Code::Unavailable, issuer.verify_card(verification(2, VISA))).await;
    assert!(sandbox.transactions().await.is_empty());

    let sandbox = IssuerSandbox::start(&["--outage", "0..1m=silent"]);
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(repeated(1))).await;
    unheard(issuer.reverse_payment(reversal(1))).await;
    unheard(issuer.get_payment_status(status(1))).await;
    unheard(issuer.verify_card(verification(2, VISA))).await;
    assert!(sandbox.transactions().await.is_empty());
}

#[tokio::test]
async fn a_mute_outage_books_what_it_does_not_tell() {
    let sandbox = IssuerSandbox::start(&["--outage", "0..1m=mute"]);
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(payment(1))).await;
    unheard(issuer.authorise_payment(repeated(1))).await;
    unheard(issuer.verify_card(verification(2, VISA))).await;
    unheard(issuer.reverse_payment(reversal(1))).await;
    unheard(issuer.get_payment_status(status(1))).await;
    let books = sandbox.transactions().await;
    let sums = books.iter().map(|of| (of.amount_fen, of.reversed_fen));
    assert_eq!(sums.collect::<Vec<_>>(), [(500, 500), (1, 0)]);
}

/// The issuer comes and goes by the clock, and what was asked in vain can be asked again.
#[tokio::test]
async fn outages_come_and_go() {
    let sandbox = IssuerSandbox::start(&["--outage", "visa:every=600ms,for=300ms"]);
    let mut issuer = sandbox.issuer().await;
    let mut changes = vec![];
    let watching = async {
        for number in 0.. {
            let answer = issuer.authorise_payment(payment(number)).await;
            let is_out = match answer {
                Ok(_) => false,
                Err(status) if status.code() == Code::Unavailable => true,
                Err(status) => panic!("{status}"),
            };
            let jcb = v1::AuthorisePaymentRequest {
                scheme: v1::Scheme::Jcb.into(),
                ..payment(1_000_000 + number)
            };
            assert_eq!(told(&pay(&mut issuer, jcb).await), ("00", 500));
            if changes.last().is_none_or(|(was_out, _)| *was_out != is_out) {
                changes.push((is_out, number));
            }
            if changes.len() == 5 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, watching).await.unwrap();
    for (was_out, number) in changes {
        let expected = if was_out {
            State::Unknown
        } else {
            State::Approved
        };
        let books = sandbox.transactions().await;
        let booked = books.iter().find(|of| of.transaction_id == id(number));
        assert_eq!(
            booked.map_or(State::Unknown, v1::SandboxTransaction::state),
            expected
        );
    }
}

/// What takes long and is lost on the way to its caller is decided in its time all the same.
#[tokio::test]
async fn a_caller_who_hangs_up_changes_nothing() {
    let sandbox = IssuerSandbox::start(&["--latency", "jcb:1ms", "--latency", "2s"]);
    let mut issuer = sandbox.issuer().await;
    unheard(issuer.authorise_payment(payment(1))).await;
    // Asked by another way, which is quicker.
    let jcb = v1::GetPaymentStatusRequest {
        scheme: v1::Scheme::Jcb.into(),
        ..status(1)
    };
    let seen = heard(issuer.get_payment_status(jcb)).await;
    assert_eq!(seen.state(), State::Unknown);
    assert_eq!(decided(&mut issuer, 1).await, (State::Approved, 500, 0));
}
