//! People and documents are verified by a verifier outside (R36, R51, R54): it is asked before
//! anything is decided, and what it does not say is never taken for a yes.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use waika::v1;
use waika::v1::card_service_client::CardServiceClient;

use crate::partners::{Manner, Partner};
use crate::passports::{Material, header, photo, photo_outcome, piece};
use crate::support::Server;
use crate::wallet::{Callers, PHONE, bind, bind_outcome};

async fn server_with(verifier: &str) -> (Server, Callers) {
    let server = Server::start_with(&["--identity-verifier", verifier]);
    let callers = Callers::of(&server).await;
    (server, callers)
}

/// A bind with a code that was sent for it.
async fn ready_to_bind(callers: &mut Callers, account: &str) -> v1::BindRequest {
    let phone_code = callers.phone_code(account, PHONE).await;
    v1::BindRequest {
        phone_code,
        ..bind(account)
    }
}

impl Callers {
    async fn try_to_bind(&mut self, request: &v1::BindRequest) -> Result<v1::BindResponse, Status> {
        let answer = self.cards.bind(request.clone()).await;
        answer.map(tonic::Response::into_inner)
    }
}

fn assert_unavailable(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("identity verifier"), "{status:?}");
    let details = status.get_error_details();
    let reason = &details.error_info().unwrap().reason;
    assert_eq!(reason, "IDENTITY_VERIFIER_UNAVAILABLE");
}

#[tokio::test]
async fn r36_the_verifier_has_the_word_on_a_document() {
    let verifier = Partner::start(Manner::No).await;
    let (server, mut callers) = server_with(&verifier.url()).await;
    let request = ready_to_bind(&mut callers, "a").await;
    let refused = callers.try_to_bind(&request).await.unwrap();
    assert_eq!(bind_outcome(&refused), "IDENTITY_REJECTED");

    verifier.does(Manner::Yes);
    // Not even for a number that the sandbox would reject.
    let mut request = v1::BindRequest {
        idempotency_key: "bind 2".to_owned(),
        ..request
    };
    "REJECT-1".clone_into(&mut request.identity.as_mut().unwrap().number);
    let taken = callers.try_to_bind(&request).await.unwrap();
    assert_eq!(bind_outcome(&taken), "BOUND");
    let documents = verifier.documents();
    assert_eq!(documents.len(), 2);
    assert!(
        documents.last() == request.identity.as_ref(),
        "as it was entered"
    );
    for outcome in ["no", "yes"] {
        let count = server.partner_outcome("identity_verifier", outcome).await;
        assert_eq!(count, 1, "{outcome}");
    }
}

#[tokio::test]
async fn a_verifier_that_says_nothing_applies_nothing() {
    let verifier = Partner::start(Manner::Error).await;
    let (server, mut callers) = server_with(&verifier.url()).await;
    let request = ready_to_bind(&mut callers, "a").await;
    for (manner, outcome) in [(Manner::Error, "failed"), (Manner::Silent, "timed_out")] {
        verifier.does(manner);
        let failed = callers.try_to_bind(&request).await.unwrap_err();
        assert_unavailable(&failed);
        let count = server.partner_outcome("identity_verifier", outcome).await;
        assert_eq!(count, 1, "{outcome}");
    }
    // Key and code are as good as new.
    verifier.does(Manner::Yes);
    let taken = callers.try_to_bind(&request).await.unwrap();
    assert!(!taken.replayed && bind_outcome(&taken) == "BOUND");
}

#[tokio::test]
async fn a_verifier_that_is_gone_applies_nothing() {
    let (server, mut callers) = server_with(&Partner::nowhere()).await;
    let request = ready_to_bind(&mut callers, "a").await;
    assert_unavailable(&callers.try_to_bind(&request).await.unwrap_err());
    let page = photo(("a", "page"), Material::PassportPage, b"page");
    assert_unavailable(&callers.submit(page).await.unwrap_err());
    let count = server
        .partner_outcome("identity_verifier", "not_sent")
        .await;
    assert_eq!(count, 2);
}

#[tokio::test]
async fn the_verifier_is_asked_only_where_it_makes_a_difference() {
    let verifier = Partner::start(Manner::Yes).await;
    let (_server, mut callers) = server_with(&verifier.url()).await;
    let request = ready_to_bind(&mut callers, "a").await;
    let not_accepted = v1::BindRequest {
        idempotency_key: "not accepted".to_owned(),
        privacy_policy_accepted: false,
        ..request.clone()
    };
    let refused = callers.try_to_bind(&not_accepted).await.unwrap();
    assert_eq!(bind_outcome(&refused), "AGREEMENT_NOT_ACCEPTED");
    let mut unknown = request.clone();
    "unknown".clone_into(&mut unknown.idempotency_key);
    unknown.identity.as_mut().unwrap().r#type = v1::IdentityDocumentType::Other.into();
    let refused = callers.try_to_bind(&unknown).await.unwrap();
    assert_eq!(bind_outcome(&refused), "IDENTITY_TYPE_UNSUPPORTED");
    let mut malformed = request.clone();
    malformed.payment_password.clear();
    let malformed = callers.try_to_bind(&malformed).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    assert_eq!(verifier.documents().len(), 0);

    callers.try_to_bind(&request).await.unwrap();
    verifier.does(Manner::Error);
    let again = callers.try_to_bind(&request).await.unwrap();
    assert!(again.replayed && bind_outcome(&again) == "BOUND");
    assert_eq!(verifier.documents().len(), 1);
}

#[tokio::test]
async fn r51_r54_photos_are_forwarded_whole_and_the_verifier_recognises() {
    let verifier = Partner::start(Manner::Yes).await;
    let (_server, mut callers) = server_with(&verifier.url()).await;
    callers.passport_wallet("a").await;
    // As large as one may be, and of no pattern that could hide a gap.
    let large: Vec<u8> = (0..1_048_576_u32).flat_map(u32::to_le_bytes).collect();
    let page = ("a", "page");
    let told = callers
        .send_photo(page, Material::PassportPage, &large)
        .await;
    assert_eq!(told, ["TAKEN", "PAGE_RECEIVED"]);
    verifier.does(Manner::No);
    let told = callers.send_photo(("a", "f1"), Material::Face, b"f").await;
    assert_eq!(told, ["NOT_RECOGNISED", "FACE_FAILED"]);
    verifier.does(Manner::Yes);
    let face = b"FACE-FAILS the sandbox";
    let told = callers.send_photo(("a", "f2"), Material::Face, face).await;
    assert_eq!(told, ["TAKEN", "UNDER_REVIEW"]);

    // A used key is answered from what is stored, and nothing is forwarded.
    verifier.does(Manner::Error);
    let again = photo(("a", "f2"), Material::Face, face);
    let again = callers.submit(again).await.unwrap();
    assert!(again.replayed);
    assert_eq!(photo_outcome(&again), ["TAKEN", "UNDER_REVIEW"]);
    let other = photo(("a", "f2"), Material::Face, b"another face");
    let other = callers.submit(other).await.unwrap_err();
    assert_eq!(other.code(), Code::AlreadyExists);

    let photos = verifier.photos();
    assert_eq!(photos.len(), 3);
    assert!(photos[0].bytes == large, "every byte in its place");
    assert_eq!(photos[2].bytes, face);
    assert_eq!(photos[0].material, i32::from(Material::PassportPage));
    let subject = &photos[0].subject;
    assert!(photos.iter().all(|photo| photo.subject == *subject));
    assert!(subject.len() == 32 && subject.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[tokio::test]
async fn a_photo_that_breaks_off_is_broken_off_at_the_verifier_too() {
    let verifier = Partner::start(Manner::Yes).await;
    let (server, mut callers) = server_with(&verifier.url()).await;
    callers.passport_wallet("a").await;
    let seen = async |begun, broken_off| {
        let so_far = || verifier.photos_begun_and_broken_off();
        for _ in 0..1_000 {
            if so_far() == (begun, broken_off) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} instead of {begun} and {broken_off}", so_far());
    };
    // The caller is gone, with all its connections.
    let (sender, receiver) = mpsc::channel(4);
    let caller = Runtime::new().unwrap();
    let address = server.rpc_address().to_owned();
    caller.spawn(async move {
        let mut cards = CardServiceClient::connect(address).await.unwrap();
        let stream = ReceiverStream::new(receiver);
        cards.submit_verification(stream).await
    });
    let page = header("a", "page", Material::PassportPage);
    sender.send(page.clone()).await.unwrap();
    sender.send(piece(b"the first half")).await.unwrap();
    seen(1, 0).await;
    caller.shutdown_background();
    seen(1, 1).await;
    // What is malformed is not the end of a photo.
    let twice = vec![page.clone(), piece(b"the first half"), page];
    let malformed = callers.submit(twice).await.unwrap_err();
    assert_eq!(malformed.code(), Code::InvalidArgument);
    seen(2, 2).await;
    assert_eq!(verifier.photos().len(), 0);
    assert_eq!(callers.verification("a").await.0, "REQUIRED");
}

#[tokio::test]
async fn a_verifier_that_fails_takes_no_photo() {
    let verifier = Partner::start(Manner::Yes).await;
    let (server, mut callers) = server_with(&verifier.url()).await;
    callers.passport_wallet("a").await;
    let large = vec![7; 4 << 20];
    let page = || photo(("a", "page"), Material::PassportPage, &large);
    verifier.does(Manner::Error);
    assert_unavailable(&callers.submit(page()).await.unwrap_err());
    // It reads nothing, so only so much is held for it.
    verifier.does(Manner::Silent);
    let before = server.resident_bytes();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (mut callers, page) = (callers.clone(), page());
        waiting.spawn(async move { callers.submit(page).await });
    }
    sleep(Duration::from_secs(1)).await;
    let held = server.resident_bytes().saturating_sub(before);
    assert!(held < 24 << 20, "{held} bytes for 16 photos of 4 MiB");
    for failed in waiting.join_all().await {
        assert_unavailable(&failed.unwrap_err());
    }
    assert_eq!(callers.verification("a").await.0, "REQUIRED");
    verifier.does(Manner::Yes);
    let taken = callers.submit(page()).await.unwrap();
    assert!(!taken.replayed);
    assert_eq!(photo_outcome(&taken), ["TAKEN", "PAGE_RECEIVED"]);
}
