//! Chapter 4 of the guide, "补充验证信息（仅护照用户需关注）": the page, the face, the result; and its
//! Q1, the face that is not recognised.

use waika::v1::{self, IdentityDocumentType as Document, ReviewVerdict};

use crate::passports::{FACE_FAILS, Material, bind_passport, kind, photo, photo_outcome};
use crate::support::Server;
use crate::wallet::{Callers, assert_says, bind, bound, card, decline, merchant, pay, visa};

impl Callers {
    /// A photo that is not taken: the reason's text.
    async fn not_taken(
        &mut self,
        step: (&str, &str),
        material: Material,
    ) -> Option<v1::LocalisedText> {
        let sent = self.submit(photo(step, material, b"a photo")).await;
        match sent.unwrap().outcome.unwrap() {
            v1::submit_verification_response::Outcome::Refusal(refusal) => refusal.text,
            v1::submit_verification_response::Outcome::Taken(_) => panic!("it was taken"),
        }
    }

    /// Why a payment of one yuan is declined.
    async fn declined(&mut self, account: &str, card_token: &str, key: &str) -> v1::Decline {
        let answer = self.authorise(pay(account, card_token, key, 100)).await;
        decline(answer.unwrap())
    }
}

/// R49 to R53: the steps in their order, with every step that is tried too early.
#[tokio::test]
async fn r50_a_passport_holder_sends_page_and_face_and_waits_for_the_result() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.passport_wallet("a").await;
    // Step 1, R50: "点击服务通知": a service message asks for the passport's page.
    let notices = callers.notices("a").await;
    assert_eq!(kind(&notices[0]), "REVIEW_NEEDED");
    let text = notices[0].text.as_ref();
    assert_says(text, "护照资料页", "passport's information page");
    // R51: by law the face too, and no payment before (D5): R41 leaves open for whom.
    assert_says(text, "人脸识别", "facial verification");
    let declined = callers.declined("a", &card_token, "early").await;
    assert_eq!(declined.reason(), v1::DeclineReason::ReviewRequired);
    assert_eq!(declined.retry(), v1::RetryClass::FixData);
    assert_says(
        declined.text.as_ref(),
        "服务通知",
        "Upload your passport page",
    );
    let next = callers.verification("a").await;
    assert_eq!(next, ("REQUIRED", vec![Material::PassportPage], 0));
    let text = callers.not_taken(("a", "face first"), Material::Face).await;
    assert_says(text.as_ref(), "请按顺序提交", "passport page first");

    // Steps 2 and 3, R52: a new photo or one of the album; another one replaces it.
    for key in ["page", "a sharper one"] {
        let sent = callers.send_photo(("a", key), Material::PassportPage, b"page");
        assert_eq!(sent.await, ["TAKEN", "PAGE_RECEIVED"]);
    }
    let (state, next, _) = callers.verification("a").await;
    assert_eq!(state, "PAGE_RECEIVED");
    assert_eq!(next, [Material::Face, Material::PassportPage]);
    // Step 4, R51, R53: the face, and then "等待审核结果通知".
    let sent = callers.send_photo(("a", "face"), Material::Face, b"face");
    assert_eq!(sent.await, ["TAKEN", "UNDER_REVIEW"]);
    let text = callers
        .not_taken(("a", "and another"), Material::Face)
        .await;
    assert_says(
        text.as_ref(),
        "等待审核结果通知",
        "notification of the result",
    );
    let declined = callers.declined("a", &card_token, "waiting").await;
    assert_eq!(declined.reason(), v1::DeclineReason::ReviewRequired);

    let waiting = callers.reviews().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].account_id, "a");
    let approved = callers.resolve_review("a", "yes", ReviewVerdict::Approve);
    assert_eq!(approved.await, (true, "APPROVED"));
    let notices = callers.notices("a").await;
    assert_eq!(kind(&notices[0]), "REVIEW_APPROVED", "R53");
    assert_says(notices[0].text.as_ref(), "已通过审核", "approved");
    callers.paid("a", &card_token, "now", 100).await;
    let text = callers.not_taken(("a", "too late"), Material::PassportPage);
    assert_says(text.await.as_ref(), "已通过审核", "approved already");
}

/// R53: a result that is a rejection is told too, and the person begins again.
#[tokio::test]
async fn r53_who_is_rejected_sends_it_again() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.passport_wallet("a").await;
    callers.send_page_and_face("a").await;
    let rejected = callers.resolve_review("a", "no", ReviewVerdict::Reject);
    assert_eq!(rejected.await, (true, "REJECTED"));
    let notices = callers.notices("a").await;
    assert_eq!(kind(&notices[0]), "REVIEW_REJECTED");
    assert_says(notices[0].text.as_ref(), "请重新提交", "Submit it again");
    let declined = callers.declined("a", &card_token, "1").await;
    assert_eq!(declined.reason(), v1::DeclineReason::ReviewRejected);
    assert_says(declined.text.as_ref(), "请重新提交", "Submit it again");

    let page = callers.send_photo(("a", "page 2"), Material::PassportPage, b"page");
    assert_eq!(page.await, ["TAKEN", "PAGE_RECEIVED"]);
    let face = callers.send_photo(("a", "face 2"), Material::Face, b"face");
    assert_eq!(face.await, ["TAKEN", "UNDER_REVIEW"]);
    let approved = callers.resolve_review("a", "yes", ReviewVerdict::Approve);
    assert_eq!(approved.await, (true, "APPROVED"));
    callers.paid("a", &card_token, "2", 100).await;
}

/// Q1, R54, R55: "人脸识别失败怎么办？"
#[tokio::test]
async fn q1_the_face_is_not_recognised() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card_token = callers.passport_wallet("a").await;
    let page = callers.send_photo(("a", "page"), Material::PassportPage, b"page");
    page.await;
    // R55: the other method is for those whose face was not recognised.
    let text = callers.not_taken(("a", "too soon"), Material::HandHeldPage);
    assert_says(
        text.await.as_ref(),
        "人脸识别失败后",
        "once the face check has failed",
    );
    // 1. "点击【再试一次】可重新进行人脸识别", as often as it takes.
    for number in 1..=3 {
        let key = format!("try {number}");
        let sent = callers.send_photo(("a", &key), Material::Face, FACE_FAILS);
        assert_eq!(sent.await, ["NOT_RECOGNISED", "FACE_FAILED"]);
        let (state, next, failures) = callers.verification("a").await;
        assert_eq!((state, failures), ("FACE_FAILED", number), "R54");
        assert!(next.contains(&Material::Face), "[Try again]");
        assert!(next.contains(&Material::HandHeldPage), "[Other methods]");
    }
    let declined = callers.declined("a", &card_token, "1").await;
    assert_eq!(declined.reason(), v1::DeclineReason::ReviewRequired);
    // 2. "【其他方式】-【上传本人手持护照资料页的照片】".
    let sent = callers.submit(photo(("a", "held"), Material::HandHeldPage, b"held"));
    assert_eq!(
        photo_outcome(&sent.await.unwrap()),
        ["TAKEN", "UNDER_REVIEW"]
    );
    let waiting = callers.reviews().await;
    assert_eq!(waiting[0].face_failures, 3, "the operator sees it");
    let approved = callers.resolve_review("a", "yes", ReviewVerdict::Approve);
    assert_eq!(approved.await, (true, "APPROVED"));
    callers.paid("a", &card_token, "2", 100).await;
}

/// R49: "其他用户请跳过": no other document has this chapter.
#[tokio::test]
async fn r49_the_other_documents_skip_this_chapter() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.put_merchant(merchant("noodle-bar")).await;
    let documents = [
        Document::HongKongMacaoTravelPermit,
        Document::TaiwanTravelPermit,
        Document::HongKongMacaoResidencePermit,
        Document::TaiwanResidencePermit,
        Document::ForeignPermanentResidentCard,
    ];
    for (number, document) in (0..).zip(documents) {
        let account = format!("acct-{number}");
        let mut request = bind(&account);
        request.identity.as_mut().unwrap().r#type = document.into();
        request.card = Some(card(&visa(111_000_000 + number), v1::Scheme::Visa));
        let response = callers.bind(request).await;
        assert_eq!(response.review(), v1::ReviewState::NotRequired);
        callers.paid(&account, &bound(&response), "1", 100).await;
        assert_eq!(callers.told_of(&account).await, [""; 0], "nothing is asked");
        let text = callers.not_taken((&account, "page"), Material::PassportPage);
        assert_says(
            text.await.as_ref(),
            "无需补充验证",
            "No supplementary verification",
        );
    }
    let response = callers.bind(bind_passport("p")).await;
    assert_eq!(response.review(), v1::ReviewState::Required);
}
