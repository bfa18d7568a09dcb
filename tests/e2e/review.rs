//! A passport holder's review: every step in every state, and photos of every size (R49 to R55).

use tonic::Code;
use waika::v1::{self, ReviewVerdict};

use crate::malformed::{bad_fields, named};
use crate::passports::{
    FACE_FAILS, MOST_IN_A_PIECE, Material, bind_passport, header, photo, photo_outcome, piece,
};
use crate::support::Server;
use crate::wallet::{Callers, bind, bound, pay, send_phone_code};

const PAGE: Material = Material::PassportPage;
const FACE: Material = Material::Face;
const HELD: Material = Material::HandHeldPage;

/// The most bytes that a photo may have.
const MOST_BYTES: usize = 4 << 20;

/// A state, the steps that lead to it, and what each photo is answered there.
struct Row {
    state: &'static str,
    steps: &'static [(Material, &'static [u8])],
    page: &'static str,
    face: &'static str,
    held: &'static str,
}

const ROWS: [Row; 4] = [
    Row {
        state: "REQUIRED",
        steps: &[],
        page: "TAKEN",
        face: "OUT_OF_ORDER",
        held: "OUT_OF_ORDER",
    },
    Row {
        state: "PAGE_RECEIVED",
        steps: &[(PAGE, b"page")],
        page: "TAKEN",
        face: "TAKEN",
        held: "OUT_OF_ORDER",
    },
    Row {
        state: "FACE_FAILED",
        steps: &[(PAGE, b"page"), (FACE, FACE_FAILS)],
        page: "TAKEN",
        face: "TAKEN",
        held: "TAKEN",
    },
    Row {
        state: "UNDER_REVIEW",
        steps: &[(PAGE, b"page"), (FACE, b"face")],
        page: "UNDER_REVIEW",
        face: "UNDER_REVIEW",
        held: "UNDER_REVIEW",
    },
];

impl Callers {
    /// A passport holder who has gone these steps.
    async fn holder(&mut self, account: &str, steps: &[(Material, &[u8])]) {
        self.passport_wallet(account).await;
        for (number, (material, bytes)) in steps.iter().enumerate() {
            let key = format!("step {number}");
            self.send_photo((account, &key), *material, bytes).await;
        }
    }
}

#[tokio::test]
async fn r50_to_r55_every_photo_in_every_state() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for (number, row) in ROWS.iter().enumerate() {
        for (material, expected) in [(PAGE, row.page), (FACE, row.face), (HELD, row.held)] {
            let account = format!("a{number}-{}", i32::from(material));
            callers.holder(&account, row.steps).await;
            let (state, next, _) = callers.verification(&account).await;
            assert_eq!(state, row.state);
            assert_eq!(next.contains(&material), expected == "TAKEN", "{account}");
            let [outcome, after] = callers.send_photo((&account, "now"), material, b"x").await;
            assert_eq!(outcome, expected, "{account}");
            let moved = match (expected, material) {
                ("TAKEN", Material::PassportPage) => "PAGE_RECEIVED",
                ("TAKEN", _) => "UNDER_REVIEW",
                _ => row.state, // Refused with its present state.
            };
            assert_eq!(after, moved, "{account}");
            let early = callers
                .resolve_review(&account, "op", ReviewVerdict::Approve)
                .await;
            let waits = moved == "UNDER_REVIEW";
            let resolved = if waits { "APPROVED" } else { moved };
            assert_eq!(early, (waits, resolved), "{account}");
        }
    }
}

#[tokio::test]
async fn r53_who_is_approved_or_rejected_or_no_passport_holder() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.wallet_with("resident", 111_000_003).await;
    let request = send_phone_code("unverified", "+44 7700 900999");
    callers.cards.send_phone_code(request).await.unwrap();
    for account in ["resident", "unverified"] {
        for material in [PAGE, FACE, HELD] {
            let key = material.as_str_name();
            let sent = callers.send_photo((account, key), material, b"x").await;
            assert_eq!(sent, ["NOT_REQUIRED", "NOT_REQUIRED"], "{account}");
        }
    }
    let sent = callers.submit(photo(("nobody", "k"), PAGE, b"x")).await;
    assert_eq!(sent.unwrap_err().code(), Code::NotFound, "D27");

    callers
        .holder("yes", &[(PAGE, b"page"), (FACE, b"face")])
        .await;
    callers
        .resolve_review("yes", "op", ReviewVerdict::Approve)
        .await;
    callers
        .holder(
            "no",
            &[(PAGE, b"page"), (FACE, FACE_FAILS), (FACE, b"face")],
        )
        .await;
    let rejected = callers
        .resolve_review("no", "op", ReviewVerdict::Reject)
        .await;
    assert_eq!(rejected, (true, "REJECTED"));
    assert_eq!(
        callers.verification("no").await,
        ("REJECTED", vec![PAGE], 0),
        "anew"
    );
    for (material, approved, rejected) in [
        (HELD, "ALREADY_APPROVED", "OUT_OF_ORDER"),
        (FACE, "ALREADY_APPROVED", "OUT_OF_ORDER"),
        (PAGE, "ALREADY_APPROVED", "TAKEN"),
    ] {
        let key = material.as_str_name();
        let sent = callers.send_photo(("yes", key), material, b"x").await;
        assert_eq!(sent, [approved, "APPROVED"]);
        let [outcome, _] = callers.send_photo(("no", key), material, b"x").await;
        assert_eq!(outcome, rejected);
    }
    // A verdict is not turned afterwards.
    let late = callers
        .resolve_review("yes", "late", ReviewVerdict::Reject)
        .await;
    assert_eq!(late, (false, "APPROVED"));
}

#[tokio::test]
async fn r54_faces_fail_as_often_as_they_do_and_the_hand_held_page_ends_it() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.holder("a", &[(PAGE, b"page")]).await;
    for number in 1..=12 {
        let key = format!("face {number}");
        let sent = callers.send_photo(("a", &key), FACE, FACE_FAILS).await;
        assert_eq!(sent, ["NOT_RECOGNISED", "FACE_FAILED"]);
        assert_eq!(callers.verification("a").await.2, number);
    }
    // The mark may come in pieces, and a key's replay counts no face twice.
    let pieces = ["FACE", "-FA", "ILS"].map(|part| piece(part.as_bytes()));
    let messages = [vec![header("a", "pieces", FACE)], pieces.to_vec()].concat();
    let first = callers.submit(messages.clone()).await.unwrap();
    assert_eq!(photo_outcome(&first), ["NOT_RECOGNISED", "FACE_FAILED"]);
    let again = callers.submit(messages).await.unwrap();
    assert_eq!((again.replayed, again.outcome), (true, first.outcome));
    assert_eq!(callers.verification("a").await.2, 13);
    let other = callers
        .submit(photo(("a", "pieces"), FACE, b"another"))
        .await;
    assert_eq!(other.unwrap_err().code(), Code::AlreadyExists, "D18");
    let sent = callers.send_photo(("a", "held"), HELD, b"held").await;
    assert_eq!(sent, ["TAKEN", "UNDER_REVIEW"]);
    assert_eq!(callers.reviews().await[0].face_failures, 13);
}

#[tokio::test]
async fn a_photo_has_at_most_four_mebibytes() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.holder("a", &[]).await;
    let largest = vec![7; MOST_BYTES];
    let sent = callers
        .submit(photo(("a", "largest"), PAGE, &largest))
        .await
        .unwrap();
    assert_eq!(photo_outcome(&sent), ["TAKEN", "PAGE_RECEIVED"]);
    let Some(v1::submit_verification_response::Outcome::Taken(taken)) = sent.outcome else {
        panic!("not taken")
    };
    assert_eq!(usize::try_from(taken.photo_bytes).unwrap(), MOST_BYTES);
    let larger = vec![7; MOST_BYTES + 1];
    let refused = callers
        .submit(photo(("a", "larger"), PAGE, &larger))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(bad_fields(&refused), named(["chunk"]));
    assert!(
        refused.message().contains("4194304"),
        "{}",
        refused.message()
    );
    assert_eq!(callers.verification("a").await.0, "PAGE_RECEIVED");
}

#[tokio::test]
async fn what_is_no_photo_is_named_and_changes_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.holder("a", &[]).await;
    let begin = || header("a", "k", PAGE);
    let nothing = v1::SubmitVerificationRequest::default;
    let cases = [
        ("nothing at all", vec![], "photo"),
        ("an empty message", vec![nothing()], "photo"),
        ("no header", vec![piece(b"x")], "photo"),
        ("no bytes", vec![begin()], "chunk"),
        ("an empty piece", vec![begin(), piece(b"")], "chunk"),
        (
            "an empty message later",
            vec![begin(), piece(b"x"), nothing()],
            "chunk",
        ),
        (
            "a header twice",
            vec![begin(), piece(b"x"), begin()],
            "chunk",
        ),
        (
            "a piece that is too large",
            vec![begin(), piece(&vec![7; MOST_IN_A_PIECE + 1])],
            "chunk",
        ),
    ];
    for (what, messages, field) in cases {
        let refused = callers.submit(messages).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}");
        assert_eq!(bad_fields(&refused), named([field]), "{what}");
    }
    let malformed = header("", "", Material::Unspecified);
    let refused = callers
        .submit(vec![malformed, piece(b"x")])
        .await
        .unwrap_err();
    let fields = [
        "photo.account_id",
        "photo.idempotency_key",
        "photo.material",
    ];
    assert_eq!(bad_fields(&refused), named(fields), "each at once");
    assert_eq!(callers.verification("a").await.0, "REQUIRED");
    // The key was never used up by what was malformed.
    let largest = vec![begin(), piece(&vec![7; MOST_IN_A_PIECE])];
    let sent = callers.submit(largest).await.unwrap();
    assert_eq!((sent.replayed, photo_outcome(&sent)[0]), (false, "TAKEN"));
}

#[tokio::test]
async fn r53_reviews_are_listed_oldest_first_in_pages() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 0..7 {
        callers.passport_wallet(&format!("a{number}")).await;
    }
    for number in [4, 2, 0, 6, 1, 3, 5] {
        callers.send_page_and_face(&format!("a{number}")).await;
    }
    callers
        .resolve_review("a6", "op", ReviewVerdict::Reject)
        .await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListReviewsRequest {
            page_size: 2,
            page_token,
        };
        let page = callers
            .admin
            .list_reviews(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.reviews.len() <= 2);
        seen.extend(page.reviews.into_iter().map(|review| review.account_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["a4", "a2", "a0", "a1", "a3", "a5"]);
}

/// D5: with the policy "deferred" a passport holder pays until a rejection.
#[tokio::test]
async fn d5_a_deferred_review_stops_payments_only_when_it_is_rejected() {
    let server = Server::start_under("name = \"deferred\"\n[passport]\nreview = \"deferred\"\n");
    let mut callers = Callers::of(&server).await;
    let card_token = callers.passport_wallet("a").await;
    callers.paid("a", &card_token, "at once", 100).await;
    callers.send_page_and_face("a").await;
    callers.paid("a", &card_token, "under review", 100).await;
    callers
        .resolve_review("a", "no", ReviewVerdict::Reject)
        .await;
    let declined = callers
        .decision(pay("a", &card_token, "rejected", 100))
        .await;
    assert_eq!(declined, "REVIEW_REJECTED");
    callers.send_photo(("a", "anew"), PAGE, b"page").await;
    // Sending it in again is no way around a rejection.
    let anew = callers.decision(pay("a", &card_token, "sent in anew", 100));
    assert_eq!(anew.await, "REVIEW_REQUIRED");
    callers.send_photo(("a", "face anew"), FACE, b"face").await;
    callers
        .resolve_review("a", "yes", ReviewVerdict::Approve)
        .await;
    callers.paid("a", &card_token, "approved", 100).await;
}

/// A second card of a passport holder asks for no second review, and takes none back.
#[tokio::test]
async fn r49_a_second_card_leaves_the_review_as_it_is() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.passport_wallet("a").await;
    callers.send_page_and_face("a").await;
    callers
        .resolve_review("a", "yes", ReviewVerdict::Approve)
        .await;
    let mut second = bind_passport("a");
    second.idempotency_key = "bind 2".to_owned();
    second.phone_number = "+44 7700 900222".to_owned();
    second.card = Some(crate::wallet::card(
        &crate::wallet::visa(111_000_009),
        v1::Scheme::Visa,
    ));
    let response = callers.bind(second).await;
    assert_eq!(response.review(), v1::ReviewState::Approved);
    callers.paid("a", &bound(&response), "1", 100).await;
    let other = callers.bind(bind("b")).await;
    assert_eq!(other.review(), v1::ReviewState::NotRequired);
}
