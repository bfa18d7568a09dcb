//! A passport holder's review (R49 to R55) and the gate at payment (D5).

use waika_domain::event::{Material, Review};
use waika_domain::identity::DocumentType;

use super::{Happening, Model, Verdict, refuse};
use crate::answer::Answer;
use crate::calendar::Ms;
use crate::terms::Terms;

/// Where a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReviewNow {
    pub(crate) state: Review,
    /// Failed face checks since the last verdict.
    pub(crate) face_failures: u32,
    /// The sequence and time of what completed it, while it waits for a verdict (R53).
    pub(crate) waits: Option<(u64, Ms)>,
    /// The last verdict was no.
    pub(crate) rejected: bool,
}

impl Model {
    pub(crate) fn review(&self) -> ReviewNow {
        let mut review = ReviewNow {
            state: Review::NotRequired,
            face_failures: 0,
            waits: None,
            rejected: false,
        };
        let mut verified = false;
        for (at, sequence, what) in self.past() {
            match *what {
                Happening::Verified { who, .. } => {
                    if !verified && who.document == DocumentType::Passport {
                        review.state = Review::Required; // R49
                    }
                    verified = true;
                }
                Happening::Submitted {
                    material,
                    face_matches,
                } => {
                    review.state = match material {
                        Material::PassportPage => Review::PageReceived,
                        Material::Face if !face_matches => Review::FaceFailed,
                        Material::Face | Material::HandHeldPage => Review::UnderReview,
                    };
                    if review.state == Review::UnderReview {
                        review.waits = Some((sequence, at));
                    }
                    review.face_failures += u32::from(review.state == Review::FaceFailed);
                }
                Happening::Reviewed { approved } => {
                    review = ReviewNow {
                        state: if approved {
                            Review::Approved
                        } else {
                            Review::Rejected
                        },
                        face_failures: 0,
                        waits: None,
                        rejected: !approved,
                    };
                }
                _ => {}
            }
        }
        review
    }

    /// R50 to R55.
    pub(crate) fn submit(&self, material: Material, face_matches: bool) -> Verdict {
        let state = self.review().state;
        // R50: the page comes first. R51, R54: then the face, as often as it takes. R55: the other
        // method once the face check has failed.
        let next: &[Material] = match state {
            Review::Required | Review::Rejected => &[Material::PassportPage],
            Review::PageReceived => &[Material::PassportPage, Material::Face],
            _ => &[
                Material::PassportPage,
                Material::Face,
                Material::HandHeldPage,
            ],
        };
        let climbed = refuse(state == Review::NotRequired, "NOT_REQUIRED")
            .and_then(|()| refuse(!next.contains(&material), "OUT_OF_ORDER"))
            .and_then(|()| refuse(state == Review::UnderReview, "UNDER_REVIEW"))
            .and_then(|()| refuse(state == Review::Approved, "ALREADY_APPROVED"));
        let mut happened = Vec::new();
        if climbed.is_ok() {
            happened.push(Happening::Submitted {
                material,
                face_matches,
            });
        }
        Verdict::climbed(climbed.map(|()| Answer::of("TAKEN")), happened)
    }

    /// An operator's verdict; one on nothing changes nothing.
    pub(crate) fn resolve_review(&self, approved: bool) -> Verdict {
        if self.review().state != Review::UnderReview {
            return Verdict::new(Answer::of("NOTHING_TO_RESOLVE"), Vec::new());
        }
        let answer = Answer::of(if approved { "APPROVED" } else { "REJECTED" });
        Verdict::new(answer, vec![Happening::Reviewed { approved }])
    }

    /// Rung 10, D5.
    pub(super) fn check_review(&self, terms: &Terms) -> Result<(), Answer> {
        let review = self.review();
        let pending = !matches!(
            review.state,
            Review::NotRequired | Review::Approved | Review::Rejected
        );
        refuse(
            pending && (!terms.deferred || review.rejected),
            "REVIEW_REQUIRED",
        )?;
        refuse(review.state == Review::Rejected, "REVIEW_REJECTED")
    }
}
