//! What ends a code before its minute is over, and who gets none (D10, D19, D22, C1b).

use tokio_stream::iter;
use waika::v1;
use waika::v1::submit_verification_request::Part;

use crate::code::{ask, code_outcome, scan};
use crate::support::Server;
use crate::wallet::{Callers, MERCHANT, bind, bound, client, merchant, unbind};

impl Callers {
    pub(crate) async fn switch_region(
        &mut self,
        account: &str,
        region: v1::WalletRegion,
        key: &str,
    ) {
        let request = v1::SwitchWalletRegionRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            wallet_region: region.into(),
        };
        self.cards.switch_wallet_region(request).await.unwrap();
    }

    /// Sends in a photo of a passport holder's review.
    async fn photo(&mut self, account: &str, material: v1::VerificationMaterial) {
        let photo = v1::VerificationPhoto {
            idempotency_key: format!("photo {}", i32::from(material)),
            account_id: account.to_owned(),
            material: material.into(),
        };
        let parts = [Part::Photo(photo), Part::Chunk(b"a photo".to_vec())];
        let parts = parts.map(|part| v1::SubmitVerificationRequest { part: Some(part) });
        let taken = self.cards.submit_verification(iter(parts)).await.unwrap();
        let outcome = taken.into_inner().outcome.unwrap();
        let taken = matches!(outcome, v1::submit_verification_response::Outcome::Taken(_));
        assert!(taken, "{outcome:?}");
    }

    /// A passport holder's review, to its end.
    pub(crate) async fn review(&mut self, account: &str, verdict: v1::ReviewVerdict) {
        self.photo(account, v1::VerificationMaterial::PassportPage)
            .await;
        self.photo(account, v1::VerificationMaterial::Face).await;
        let request = v1::ResolveReviewRequest {
            idempotency_key: "verdict".to_owned(),
            account_id: account.to_owned(),
            verdict: verdict.into(),
        };
        let resolved = self.admin.resolve_review(request).await.unwrap();
        assert!(resolved.into_inner().resolved);
    }

    async fn change_password(&mut self, account: &str, old: &str, new: &str) {
        let request = v1::ChangePasswordRequest {
            idempotency_key: format!("{old} to {new}"),
            account_id: account.to_owned(),
            old_password: old.to_owned(),
            new_password: new.to_owned(),
            new_password_again: new.to_owned(),
        };
        let changed = self.cards.change_password(request).await.unwrap();
        let outcome = changed.into_inner().outcome.unwrap();
        let changed = matches!(outcome, v1::change_password_response::Outcome::Changed(_));
        assert!(changed, "{outcome:?}");
    }
}

/// A bind by passport that passes.
pub(crate) fn bind_by_passport(account: &str, middle: u32) -> v1::BindRequest {
    let mut request = bind(account);
    let identity = request.identity.as_mut().unwrap();
    identity.r#type = v1::IdentityDocumentType::Passport.into();
    identity.issuing_country = "FR".into();
    let card = request.card.as_mut().unwrap();
    card.pan = crate::wallet::visa(middle);
    request
}

#[tokio::test]
async fn d22_unbinding_ends_the_card_s_codes_and_no_other_s() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let other = bound(&callers.another_card("a", 111_000_002).await);
    let code = callers.code("a", &card, "1").await;
    let others = callers.code("a", &other, "2").await;
    callers.unbind(unbind("a", &card, "u")).await;
    let ended = callers.decision(scan(&code, "k", 100)).await;
    assert_eq!(ended, "PAYMENT_CODE_INVALID");
    let lasting = callers.decision(scan(&others, "k", 100)).await;
    assert_eq!(lasting, "APPROVED");
}

#[tokio::test]
async fn d19_a_wallet_that_leaves_the_mainland_has_no_codes_when_it_comes_back() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "1").await;
    let region = v1::WalletRegion::Malaysia;
    callers.switch_region("a", region, "leave").await;
    let away = callers.decision(scan(&code, "1", 100)).await;
    assert_eq!(away, "PAYMENT_CODE_INVALID");
    let asked = callers.create_code(ask("a", &card, "2")).await;
    assert_eq!(code_outcome(&asked), "WALLET_REGION");
    let region = v1::WalletRegion::Mainland;
    callers.switch_region("a", region, "come back").await;
    let back = callers.decision(scan(&code, "2", 100)).await;
    assert_eq!(back, "PAYMENT_CODE_INVALID");
    let code = callers.code("a", &card, "3").await;
    assert_eq!(callers.decision(scan(&code, "3", 100)).await, "APPROVED");
}

#[tokio::test]
async fn d10_another_password_ends_the_codes_of_the_old_one() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let code = callers.code("a", &card, "1").await;
    callers.change_password("a", "135790", "246801").await;
    let ended = callers.decision(scan(&code, "1", 100)).await;
    assert_eq!(ended, "PAYMENT_CODE_INVALID");
    // Back to the same digits is another password all the same.
    callers.change_password("a", "246801", "135790").await;
    let ended = callers.decision(scan(&code, "2", 100)).await;
    assert_eq!(ended, "PAYMENT_CODE_INVALID");
    // What ended a code is kept, also by a start.
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let ended = callers.decision(scan(&code, "3", 100)).await;
    assert_eq!(ended, "PAYMENT_CODE_INVALID");
}

#[tokio::test]
async fn d27_who_has_no_account_gets_no_code() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let asked = ask("nobody", &card, "c");
    let error = callers.cards.create_payment_code(asked).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::NotFound);
}

/// Everything is wrong at first; each step mends what was told.
#[tokio::test]
async fn c1b_a_code_is_refused_at_the_first_rung_that_objects() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let home = v1::WalletRegion::Mainland;
    callers
        .switch_region("a", v1::WalletRegion::HongKong, "open")
        .await;
    callers
        .hold("name = \"closed\"\n[rollout]\npercent = 0\n")
        .await;
    let mut request = ask("a", "card_0000000000001", "");
    request.client = Some(client("8.0.9"));
    request.payment_password = "000000".to_owned();
    let mut steps = 0;
    let mut refused = async |callers: &mut Callers, request: &v1::CreatePaymentCodeRequest| {
        steps += 1;
        let idempotency_key = format!("step {steps}");
        let request = v1::CreatePaymentCodeRequest {
            idempotency_key,
            ..request.clone()
        };
        code_outcome(&callers.create_code(request).await)
    };
    assert_eq!(refused(&mut callers, &request).await, "NOT_ROLLED_OUT");
    callers.hold("name = \"open\"\n").await;
    assert_eq!(refused(&mut callers, &request).await, "WALLET_REGION");
    callers.switch_region("a", home, "home").await;
    assert_eq!(refused(&mut callers, &request).await, "CLIENT_TOO_OLD");
    request.client = Some(client("8.0.40"));
    assert_eq!(refused(&mut callers, &request).await, "WALLET_NOT_VERIFIED");
    let card = bound(&callers.bind(bind_by_passport("a", 111_000_009)).await);
    callers.freeze("2040-01-01T00:00:00+08:00").await;
    assert_eq!(refused(&mut callers, &request).await, "IDENTITY_EXPIRED");
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    assert_eq!(refused(&mut callers, &request).await, "PASSWORD_WRONG");
    request.payment_password = "135790".to_owned();
    assert_eq!(refused(&mut callers, &request).await, "REVIEW_REQUIRED");
    callers.review("a", v1::ReviewVerdict::Approve).await;
    assert_eq!(refused(&mut callers, &request).await, "CARD_NOT_BOUND");
    request.card_token = card;
    assert_eq!(refused(&mut callers, &request).await, "ISSUED");
}

#[tokio::test]
async fn d5_a_rejected_review_ends_the_codes_that_a_deferring_policy_gave() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers
        .hold("name = \"deferring\"\n[passport]\nreview = \"deferred\"\n")
        .await;
    callers.put_merchant(merchant(MERCHANT)).await;
    let card = bound(&callers.bind(bind_by_passport("a", 111_000_009)).await);
    let paying = callers.code("a", &card, "1").await;
    assert_eq!(callers.decision(scan(&paying, "1", 100)).await, "APPROVED");
    let code = callers.code("a", &card, "2").await;
    callers.review("a", v1::ReviewVerdict::Reject).await;
    let ended = callers.decision(scan(&code, "2", 100)).await;
    assert_eq!(ended, "PAYMENT_CODE_INVALID");
}

#[tokio::test]
async fn d5_a_rejected_review_gives_no_code() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = bound(&callers.bind(bind_by_passport("a", 111_000_009)).await);
    callers.review("a", v1::ReviewVerdict::Reject).await;
    let asked = callers.create_code(ask("a", &card, "c")).await;
    assert_eq!(code_outcome(&asked), "REVIEW_REJECTED");
}
