//! What passport holders send in, what operators say to it, and what people are told of.

use tonic::Status;
use waika::v1::submit_verification_request::Part;
use waika::v1::{self, submit_verification_response};

pub(crate) use waika::v1::VerificationMaterial as Material;

use crate::wallet::{Callers, MERCHANT, bind, bound, merchant};

/// What the sandbox does not recognise the face on.
pub(crate) const FACE_FAILS: &[u8] = b"FACE-FAILS: somebody else's";

/// The most bytes that a piece of a photo may have.
pub(crate) const MOST_IN_A_PIECE: usize = 61_440;

/// A bind with a passport, which a review follows.
pub(crate) fn bind_passport(account: &str) -> v1::BindRequest {
    let mut request = bind(account);
    let identity = request.identity.as_mut().unwrap();
    identity.r#type = v1::IdentityDocumentType::Passport.into();
    identity.number = format!("PASSPORT-{account}");
    "FR".clone_into(&mut identity.issuing_country);
    request
}

/// The message that says what comes.
pub(crate) fn header(
    account: &str,
    key: &str,
    material: Material,
) -> v1::SubmitVerificationRequest {
    let photo = v1::VerificationPhoto {
        idempotency_key: key.to_owned(),
        account_id: account.to_owned(),
        material: material.into(),
    };
    v1::SubmitVerificationRequest {
        part: Some(Part::Photo(photo)),
    }
}

/// A piece of a photo.
pub(crate) fn piece(bytes: &[u8]) -> v1::SubmitVerificationRequest {
    v1::SubmitVerificationRequest {
        part: Some(Part::Chunk(bytes.to_vec())),
    }
}

/// A photo whole: what it is, and its bytes in the largest pieces.
pub(crate) fn photo(
    (account, key): (&str, &str),
    material: Material,
    bytes: &[u8],
) -> Vec<v1::SubmitVerificationRequest> {
    let pieces = bytes.chunks(MOST_IN_A_PIECE).map(piece);
    [header(account, key, material)]
        .into_iter()
        .chain(pieces)
        .collect()
}

/// What became of a photo, in a word: `TAKEN`, `NOT_RECOGNISED`, or the name of the reason; and
/// the review's state after it.
pub(crate) fn photo_outcome(response: &v1::SubmitVerificationResponse) -> [&'static str; 2] {
    let outcome = match response.outcome.as_ref().unwrap() {
        submit_verification_response::Outcome::Taken(taken) if taken.recognised => "TAKEN",
        submit_verification_response::Outcome::Taken(_) => "NOT_RECOGNISED",
        submit_verification_response::Outcome::Refusal(refusal) => {
            let name = refusal.reason().as_str_name();
            name.strip_prefix("VERIFICATION_REFUSAL_REASON_").unwrap()
        }
    };
    [outcome, state(response.review())]
}

/// A review's state, in a word.
pub(crate) fn state(review: v1::ReviewState) -> &'static str {
    review.as_str_name().strip_prefix("REVIEW_STATE_").unwrap()
}

/// What a service message is about, in a word.
pub(crate) fn kind(notification: &v1::Notification) -> &'static str {
    let name = notification.kind().as_str_name();
    name.strip_prefix("NOTIFICATION_KIND_").unwrap()
}

impl Callers {
    /// A passport holder's wallet, and the merchant to pay. Gives the card's token.
    pub(crate) async fn passport_wallet(&mut self, account: &str) -> String {
        self.put_merchant(merchant(MERCHANT)).await;
        bound(&self.bind(bind_passport(account)).await)
    }

    /// Sends these messages in as one call.
    pub(crate) async fn submit(
        &mut self,
        messages: Vec<v1::SubmitVerificationRequest>,
    ) -> Result<v1::SubmitVerificationResponse, Status> {
        let sent = self
            .cards
            .submit_verification(tokio_stream::iter(messages))
            .await;
        sent.map(tonic::Response::into_inner)
    }

    /// What becomes of a photo, in words.
    pub(crate) async fn send_photo(
        &mut self,
        (account, key): (&str, &str),
        material: Material,
        bytes: &[u8],
    ) -> [&'static str; 2] {
        let sent = self.submit(photo((account, key), material, bytes)).await;
        photo_outcome(&sent.unwrap())
    }

    /// Sends a page and a face that are taken.
    pub(crate) async fn send_page_and_face(&mut self, account: &str) {
        let page = (account, "page");
        let sent = self
            .send_photo(page, Material::PassportPage, b"a page")
            .await;
        assert_eq!(sent, ["TAKEN", "PAGE_RECEIVED"]);
        let face = (account, "face");
        let sent = self.send_photo(face, Material::Face, b"a face").await;
        assert_eq!(sent, ["TAKEN", "UNDER_REVIEW"]);
    }

    /// Where a review stands, what may come next, and how many faces failed.
    pub(crate) async fn verification(
        &mut self,
        account: &str,
    ) -> (&'static str, Vec<Material>, i32) {
        let request = v1::GetVerificationRequest {
            account_id: account.to_owned(),
        };
        let read = self.cards.get_verification(request).await.unwrap();
        let read = read.into_inner();
        (
            state(read.review()),
            read.next().collect(),
            read.face_failures,
        )
    }

    /// The reviews that wait for an operator.
    pub(crate) async fn reviews(&mut self) -> Vec<v1::PendingReview> {
        let request = v1::ListReviewsRequest::default();
        let listed = self.admin.list_reviews(request).await.unwrap();
        listed.into_inner().reviews
    }

    /// An operator's word on a review: whether it was of any effect, and the state after it.
    pub(crate) async fn resolve_review(
        &mut self,
        account: &str,
        key: &str,
        verdict: v1::ReviewVerdict,
    ) -> (bool, &'static str) {
        let request = v1::ResolveReviewRequest {
            idempotency_key: key.to_owned(),
            account_id: account.to_owned(),
            verdict: verdict.into(),
        };
        let resolved = self.admin.resolve_review(request).await.unwrap();
        let resolved = resolved.into_inner();
        (resolved.resolved, state(resolved.review()))
    }

    /// An account's service messages, newest first.
    pub(crate) async fn notices(&mut self, account: &str) -> Vec<v1::Notification> {
        let request = v1::ListNotificationsRequest {
            account_id: account.to_owned(),
            page_size: 0,
            page_token: String::new(),
        };
        let listed = self.cards.list_notifications(request).await.unwrap();
        listed.into_inner().notifications
    }

    /// What an account's service messages are about, newest first.
    pub(crate) async fn told_of(&mut self, account: &str) -> Vec<&'static str> {
        self.notices(account).await.iter().map(kind).collect()
    }
}
