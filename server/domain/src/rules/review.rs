//! A passport holder's supplementary review: what is sent in, in which order, and how an operator
//! resolves it (R49 to R55, D5).

use crate::account::Account;
use crate::event::{Material, Review, ReviewResolved};
use crate::refusal::{Refused, VerificationRefusal as Reason};

/// Decides whether a photo is the next step, and where the review stands after it.
/// `face_matches` is the verifier's word on a photo of the face; it says nothing of others.
pub fn submit(
    account: &Account,
    material: Material,
    face_matches: bool,
) -> (Result<(), Refused<Reason>>, Review) {
    let now = account.review();
    let outcome = match (now, material) {
        (Review::NotRequired, _) => Err(Reason::NotRequired), // R49
        (Review::UnderReview, _) => Err(Reason::UnderReview), // R53
        (Review::Approved, _) => Err(Reason::AlreadyApproved),
        // R50, R52: a new photo of the page replaces the one before.
        (
            Review::Required | Review::Rejected | Review::PageReceived | Review::FaceFailed,
            Material::PassportPage,
        ) => Ok(Review::PageReceived),
        // R51, R54: the face can be tried again, as often as it takes.
        (Review::PageReceived | Review::FaceFailed, Material::Face) => Ok(if face_matches {
            Review::UnderReview
        } else {
            Review::FaceFailed
        }),
        // R55: the other method is for those whose face was not recognised.
        (Review::FaceFailed, Material::HandHeldPage) => Ok(Review::UnderReview),
        (Review::Required | Review::Rejected, Material::Face | Material::HandHeldPage)
        | (Review::PageReceived, Material::HandHeldPage) => Err(Reason::OutOfOrder),
    };
    match outcome {
        Ok(after) => (Ok(()), after),
        Err(reason) => (Err(Refused::because(reason)), now),
    }
}

/// What may be sent in next.
pub fn next_materials(review: Review) -> &'static [Material] {
    match review {
        Review::NotRequired | Review::UnderReview | Review::Approved => &[],
        Review::Required | Review::Rejected => &[Material::PassportPage],
        Review::PageReceived => &[Material::Face, Material::PassportPage],
        Review::FaceFailed => &[
            Material::Face,
            Material::HandHeldPage,
            Material::PassportPage,
        ],
    }
}

/// Resolves a review that waits for it; anything else is left as it is.
pub fn resolve(account: &Account, approve: bool) -> ReviewResolved {
    let review = account.review();
    let resolved = review == Review::UnderReview;
    let review = match (resolved, approve) {
        (true, true) => Review::Approved,
        (true, false) => Review::Rejected,
        (false, _) => review,
    };
    ReviewResolved {
        approve,
        resolved,
        review,
        ticket: account.review_ticket().map(|ticket| ticket.id),
    }
}
