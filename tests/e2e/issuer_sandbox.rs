//! The world outside as a process of its own: what it answers, and what its books say of it.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Request};
use waika::v1;
use waika::v1::TransactionState as State;
use waika::v1::VerificationMaterial::{Face, PassportPage};
use waika::v1::identity_verifier_service_client::IdentityVerifierServiceClient;
use waika::v1::sms_gateway_service_client::SmsGatewayServiceClient;
use waika::v1::verify_photo_request::Part;

use crate::issuer_calls::{
    decided, fails, give_back, heard, id, pay, payment, repeated, reversal, stands, told, unheard,
    verification,
};
use crate::issuer_support::IssuerSandbox;
use crate::requests::with_check_digit;

/// Everything that a run of one plan hears, as text.
async fn run(arguments: &[&str]) -> Vec<String> {
    let sandbox = IssuerSandbox::start(arguments);
    let mut issuer = sandbox.issuer().await;
    let mut all = Vec::new();
    for number in 0..60 {
        let answer = issuer.authorise_payment(payment(number)).await;
        all.push(match answer {
            Ok(answer) => format!("{:?}", answer.into_inner()),
            Err(status) => format!("{:?} {}", status.code(), status.message()),
        });
        let pan = with_check_digit(&format!("41111100{number:07}"));
        let answer = issuer.verify_card(verification(100 + number, &pan)).await;
        all.push(answer.map_or_else(
            |status| status.to_string(),
            |answer| format!("{:?}", answer.into_inner()),
        ));
    }
    all
}

#[tokio::test]
async fn two_processes_with_one_seed_answer_the_same() {
    let plan = [
        "--latency",
        "p50=1ms,p99=3ms",
        "--errors",
        "20%=51 20%=unavailable 10%=wrong-id 10%=wrong-amount",
    ];
    let (one, other) = tokio::join!(run(&plan), run(&plan));
    assert_eq!(one, other);
    let kinds = ["\"00\"", "\"51\"", "Unavailable", "amount_fen: 501"];
    for kind in kinds {
        assert!(one.iter().any(|answer| answer.contains(kind)), "no {kind}");
    }
    let reseeded = [&plan[..], &["--seed", "2"]].concat();
    assert_ne!(run(&reseeded).await, one);
}

#[tokio::test]
async fn every_special_card_is_answered_as_its_number_says() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    let mut references = BTreeSet::new();
    for (number, expected) in [
        (1, "54"),
        (2, "62"),
        (3, "41"),
        (4, "43"),
        (5, "04"),
        (6, "51"),
        (7, "05"),
        (8, "91"),
        (12, "00"),
    ] {
        let pan = with_check_digit(&format!("411111000000{number:03}"));
        let verified = heard(issuer.verify_card(verification(number, &pan))).await;
        assert_eq!((&*verified.response_code, verified.amount_fen), ("00", 1));
        let reference = verified.card_reference;
        assert!(!reference.contains(&pan[6..]), "{reference}");
        let request = v1::AuthorisePaymentRequest {
            card_reference: reference.clone(),
            ..payment(1_000 + number)
        };
        references.insert(reference);
        let answer = pay(&mut issuer, request).await;
        let amount = if expected == "00" { 500 } else { 0 };
        assert_eq!(told(&answer), (expected, amount));
        assert_eq!(answer.approval_code.len(), if amount > 0 { 6 } else { 0 });

        let pan = with_check_digit(&format!("411111000000{:03}", 100 + number));
        let verified = heard(issuer.verify_card(verification(100 + number, &pan))).await;
        assert_eq!(verified.response_code, expected, "R38");
        let (refused, debited) = (verified.card_reference.is_empty(), verified.amount_fen);
        assert_eq!(
            (refused, debited),
            (expected != "00", i64::from(expected == "00"))
        );
    }
    assert_eq!(references.len(), 9, "each card has its own");
    let books = sandbox.transactions().await;
    assert_eq!(books.iter().filter(|of| of.verification).count(), 18);
}

/// What is slow, silent or late is so for payments and for verifications (D16).
#[tokio::test]
async fn d16_cards_that_take_their_time_do_so_here_too() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    let by_card = |number: u32| v1::AuthorisePaymentRequest {
        card_reference: format!("{number}-00000000000000000001"),
        ..payment(number)
    };
    let began = Instant::now();
    assert_eq!(told(&pay(&mut issuer, by_card(9)).await), ("00", 500));
    assert!(began.elapsed() >= Duration::from_millis(300));

    unheard(issuer.authorise_payment(by_card(10))).await;
    unheard(issuer.authorise_payment(by_card(11))).await;
    // Nobody waits any more, and it is decided nevertheless.
    assert_eq!(decided(&mut issuer, 11).await, (State::Approved, 500, 0));
    assert_eq!(stands(&mut issuer, 10).await, (State::Unknown, 0, 0));

    let pan = |number: u32| with_check_digit(&format!("411111000000{number}"));
    let began = Instant::now();
    let verified = heard(issuer.verify_card(verification(109, &pan(109)))).await;
    assert_eq!(verified.response_code, "00");
    assert!(began.elapsed() >= Duration::from_millis(300));
    unheard(issuer.verify_card(verification(110, &pan(110)))).await;
    unheard(issuer.verify_card(verification(111, &pan(111)))).await;
    assert_eq!(decided(&mut issuer, 111).await, (State::Approved, 1, 0));
    assert_eq!(stands(&mut issuer, 110).await.0, State::Unknown);
    assert_eq!(sandbox.transactions().await.len(), 4);
}

#[tokio::test]
async fn sixty_four_callers_of_one_payment_hear_one_answer() {
    let sandbox = IssuerSandbox::start(&["--latency", "50ms"]);
    let channel = sandbox.issuer().await;
    for round in 0..5 {
        let callers = (0..64).map(|caller| {
            let mut issuer = channel.clone();
            let request = v1::AuthorisePaymentRequest {
                repeat: caller % 2 == 1,
                ..payment(round)
            };
            tokio::spawn(async move { pay(&mut issuer, request).await })
        });
        let mut answers = Vec::new();
        for caller in callers.collect::<Vec<_>>() {
            answers.push(caller.await.unwrap());
        }
        assert_eq!(told(&answers[0]), ("00", 500));
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    assert_eq!(sandbox.transactions().await.len(), 5);
}

#[tokio::test]
async fn a_name_stands_for_one_payment_for_ever() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    let first = pay(&mut issuer, payment(1)).await;
    let card_reference = "0-00000000000000000002".to_owned();
    for other in [
        v1::AuthorisePaymentRequest {
            amount_fen: 501,
            ..payment(1)
        },
        v1::AuthorisePaymentRequest {
            card_reference,
            ..repeated(1)
        },
    ] {
        assert_eq!(told(&pay(&mut issuer, other).await), ("94", 0));
    }
    assert_eq!(pay(&mut issuer, repeated(1)).await, first);
    let advice = v1::AuthorisePaymentRequest {
        advice: true,
        ..payment(2)
    };
    assert_eq!(told(&pay(&mut issuer, advice).await), ("00", 500), "D17");
    let books = sandbox.transactions().await;
    let sums = books.iter().map(|of| (of.state(), of.amount_fen));
    assert_eq!(sums.collect::<Vec<_>>(), [(State::Approved, 500); 2]);
    assert!(books.iter().all(|of| of.received_at.is_some()));
}

#[tokio::test]
async fn a_reversal_before_a_payment_declines_it() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    assert_eq!(give_back(&mut issuer, reversal(1)).await, 0);
    assert_eq!(stands(&mut issuer, 1).await, (State::Reversed, 0, 0));
    for request in [payment(1), repeated(1)] {
        assert_eq!(told(&pay(&mut issuer, request).await), ("94", 0));
    }
    assert_eq!(give_back(&mut issuer, reversal(1)).await, 0);
    assert_eq!(stands(&mut issuer, 1).await, (State::Reversed, 0, 0));
}

#[tokio::test]
async fn a_reversal_during_a_payment_wins() {
    let arguments = ["--latency", "visa:2s", "--latency", "0"];
    let sandbox = IssuerSandbox::start(&arguments);
    let mut issuer = sandbox.issuer().await;
    let mut paying = issuer.clone();
    let paying = tokio::spawn(async move { pay(&mut paying, payment(1)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let jcb = v1::ReversePaymentRequest {
        // Routed another way, it overtakes the payment.
        scheme: v1::Scheme::Jcb.into(),
        ..reversal(1)
    };
    assert_eq!(give_back(&mut issuer, jcb).await, 0);
    assert_eq!(told(&paying.await.unwrap()), ("94", 0));
    assert_eq!(stands(&mut issuer, 1).await, (State::Reversed, 0, 0));
}

#[tokio::test]
async fn a_reversal_after_a_payment_gives_back_what_remains() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    pay(&mut issuer, payment(1)).await;
    let part = |name: &str, amount_fen| v1::ReversePaymentRequest {
        reversal_id: name.to_owned(),
        amount_fen,
        kind: v1::ReversalKind::Merchant.into(),
        ..reversal(1)
    };
    assert_eq!(give_back(&mut issuer, part("a", 200)).await, 200);
    assert_eq!(
        give_back(&mut issuer, part("a", 200)).await,
        200,
        "sent again"
    );
    assert_eq!(stands(&mut issuer, 1).await, (State::Approved, 500, 200));
    let other = fails(Code::AlreadyExists, issuer.reverse_payment(part("a", 100))).await;
    assert!(other.contains("reversal_id was used"), "{other}");
    assert_eq!(give_back(&mut issuer, part("b", 400)).await, 300);
    assert_eq!(give_back(&mut issuer, reversal(1)).await, 0);
    assert_eq!(stands(&mut issuer, 1).await, (State::Reversed, 500, 500));
    let again = pay(&mut issuer, repeated(1)).await;
    assert_eq!(told(&again), ("00", 500), "what was answered stays");
}

#[tokio::test]
async fn malformed_calls_are_told_every_field_and_no_secret() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut issuer = sandbox.issuer().await;
    let text = fails(
        Code::InvalidArgument,
        issuer.authorise_payment(v1::AuthorisePaymentRequest::default()),
    )
    .await;
    let fields = [
        "transaction_id",
        "card_reference",
        "scheme",
        "amount_fen",
        "currency",
        "idempotency_key",
    ];
    assert!(fields.iter().all(|field| text.contains(field)), "{text}");
    let text = fails(
        Code::InvalidArgument,
        issuer.reverse_payment(v1::ReversePaymentRequest {
            amount_fen: -1,
            ..v1::ReversePaymentRequest::default()
        }),
    )
    .await;
    let fields = [
        "reversal_id",
        "transaction_id",
        "amount_fen",
        "kind",
        "scheme",
    ];
    assert!(fields.iter().all(|field| text.contains(field)), "{text}");
    let request = v1::VerifyCardRequest {
        cvv: "98765".to_owned(),
        expiry_month: 13,
        expiry_year: 39,
        ..verification(1, "4111111111111112")
    };
    let text = fails(Code::InvalidArgument, issuer.verify_card(request)).await;
    let fields = ["pan", "expiry_month", "expiry_year", "cvv"];
    assert!(fields.iter().all(|field| text.contains(field)), "{text}");
    assert!(!text.contains("98765") && !text.contains("4111"), "{text}");
    let unnamed = v1::GetPaymentStatusRequest {
        transaction_id: id(1)[1..].to_owned(),
        scheme: 99,
    };
    let text = fails(Code::InvalidArgument, issuer.get_payment_status(unnamed)).await;
    assert!(
        text.contains("transaction_id") && text.contains("scheme"),
        "{text}"
    );
    assert!(sandbox.transactions().await.is_empty());
}

#[tokio::test]
async fn codes_are_sent_to_every_phone_that_can_be_reached() {
    let sandbox = IssuerSandbox::start(&["--outage", "0..1m"]);
    let mut gateway = SmsGatewayServiceClient::new(sandbox.channel().await);
    let code = |phone: &str, code: &str| v1::SendCodeRequest {
        message_id: "m".to_owned(),
        phone_number: phone.to_owned(),
        code: code.to_owned(),
        expires_at: None,
    };
    for (phone, accepted) in [("+447700900123", true), ("+8613800100000", false)] {
        let sent = heard(gateway.send_code(code(phone, "123456"))).await;
        assert_eq!(sent.accepted, accepted, "R24");
    }
    let bad = fails(Code::InvalidArgument, gateway.send_code(code("", "12345x"))).await;
    assert!(
        bad.contains("phone_number") && bad.contains("code"),
        "{bad}"
    );
    assert!(!bad.contains("12345"), "{bad}");
}

#[tokio::test]
async fn documents_and_faces_are_told_apart() {
    let sandbox = IssuerSandbox::start(&[]);
    let mut verifier = IdentityVerifierServiceClient::new(sandbox.channel().await);
    for (number, confirmed) in [("FPR-1867", true), ("reject-1", false)] {
        let identity = v1::IdentityDocument {
            number: number.to_owned(),
            ..v1::IdentityDocument::default()
        };
        let request = v1::VerifyIdentityRequest {
            identity: Some(identity),
        };
        let answer = heard(verifier.verify_identity(request)).await;
        assert_eq!(answer.confirmed, confirmed, "R36");
    }
    let photo = |material: v1::VerificationMaterial, pieces: &[&str]| {
        let first = Part::Photo(v1::VerifierPhoto {
            subject: "5f".to_owned(),
            material: material.into(),
        });
        let pieces = pieces
            .iter()
            .map(|piece| Part::Chunk(piece.as_bytes().to_vec()));
        let parts = std::iter::once(first).chain(pieces);
        let messages = parts.map(|part| v1::VerifyPhotoRequest { part: Some(part) });
        Request::new(tokio_stream::iter(messages.collect::<Vec<_>>()))
    };
    for (material, pieces, recognised) in [
        (Face, &["a face"][..], true),
        (Face, &["FACE", "-FAILS"], false),
        (PassportPage, &["FACE-FAILS"], true),
    ] {
        let answer = heard(verifier.verify_photo(photo(material, pieces))).await;
        assert_eq!(answer.recognised, recognised, "R51");
    }
    let empty = fails(
        Code::InvalidArgument,
        verifier.verify_photo(photo(Face, &[])),
    )
    .await;
    assert!(empty.contains("chunk must come at least once"), "{empty}");
}
