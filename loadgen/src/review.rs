//! Bringing a passport holder through the review, so that the account can pay.

use futures_util::stream;
use waika::v1::submit_verification_request::Part;
use waika::v1::submit_verification_response::Outcome;
use waika::v1::{
    ResolveReviewRequest, ReviewState, ReviewVerdict, SubmitVerificationRequest,
    VerificationMaterial, VerificationPhoto,
};

use crate::enrol::{Wallets, refused};
use crate::person::Person;
use crate::provision::ProvisionError;

/// Sends in page and face, and approves what came. Each under a key of its own, so that a person
/// who was brought here before is only recognised.
pub(crate) async fn pass(
    wallets: &Wallets,
    person: &Person,
    index: u64,
) -> Result<(), ProvisionError> {
    for material in [
        VerificationMaterial::PassportPage,
        VerificationMaterial::Face,
    ] {
        let is_new = send(wallets, person, index, material).await?;
        wallets.note(|provisioned| match material {
            VerificationMaterial::PassportPage => provisioned.pages += u64::from(is_new),
            VerificationMaterial::Face => provisioned.faces += u64::from(is_new),
            VerificationMaterial::HandHeldPage | VerificationMaterial::Unspecified => {}
        });
    }
    approve(wallets, person).await
}

/// Whether it was taken now, and not already before.
async fn send(
    wallets: &Wallets,
    person: &Person,
    index: u64,
    material: VerificationMaterial,
) -> Result<bool, ProvisionError> {
    let photo = VerificationPhoto {
        idempotency_key: material.as_str_name().to_owned(),
        account_id: person.account_id.clone(),
        material: material.into(),
    };
    let chunk = material.as_str_name().as_bytes().to_vec();
    let parts = [Part::Photo(photo), Part::Chunk(chunk)];
    let messages = parts.map(|part| SubmitVerificationRequest { part: Some(part) });
    let no_connection = || refused(person, "there is no connection");
    let mut cards = wallets.cards(index).ok_or_else(no_connection)?;
    let sent = cards.submit_verification(stream::iter(messages)).await;
    let failed = |status| ProvisionError::of(&wallets.target, "SubmitVerification", &status);
    let answer = sent.map_err(failed)?.into_inner();
    let is_taken = matches!(answer.outcome, Some(Outcome::Taken(_)));
    Ok(is_taken && !answer.replayed)
}

async fn approve(wallets: &Wallets, person: &Person) -> Result<(), ProvisionError> {
    let request = ResolveReviewRequest {
        idempotency_key: "review".to_owned(),
        account_id: person.account_id.clone(),
        verdict: ReviewVerdict::Approve.into(),
    };
    let mut admin = wallets.admin.clone();
    let answer = admin
        .resolve_review(request)
        .await
        .map_err(|status| ProvisionError::of(&wallets.admin_target, "ResolveReview", &status))?;
    let answer = answer.into_inner();
    if answer.resolved && !answer.replayed {
        wallets.note(|provisioned| provisioned.reviews += 1);
    }
    match answer.review() {
        ReviewState::Approved | ReviewState::NotRequired => Ok(()),
        ReviewState::Unspecified
        | ReviewState::Required
        | ReviewState::PageReceived
        | ReviewState::FaceFailed
        | ReviewState::UnderReview
        | ReviewState::Rejected => Err(refused(person, "its review could not be approved")),
    }
}
