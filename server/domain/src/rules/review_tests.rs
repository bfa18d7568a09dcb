//! A passport holder's review as a state machine: every photo in every state (R49 to R55, D5).

use super::review::{next_materials, submit};
use super::testing::script::{check, check_from};
use super::testing::wallet::{Wallet, bound_card, identity};
use crate::event::{Event, Material, Review, VerificationSubmitted, WalletRegion};
use crate::identifiers::Fingerprint;
use crate::identity::DocumentType;
use crate::refusal::VerificationRefusal as Reason;

fn in_state(review: Review) -> Wallet {
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    let card = bound_card(1, wallet.now);
    wallet.bound(card, identity(DocumentType::Passport), review);
    wallet
}

/// R50 to R55: the whole table, and the state that each photo leads to.
#[test]
fn r50_r51_r54_r55_every_photo_in_every_state() {
    let to = Ok::<Review, Reason>;
    let early = Err(Reason::OutOfOrder);
    let (page, face) = (to(Review::PageReceived), to(Review::UnderReview));
    let (fails, hand_held) = (to(Review::FaceFailed), to(Review::UnderReview));
    for (before, expected) in [
        (Review::NotRequired, [Err(Reason::NotRequired); 4]),
        (Review::Required, [page, early, early, early]),
        (Review::PageReceived, [page, face, fails, early]),
        (Review::FaceFailed, [page, face, fails, hand_held]),
        (Review::UnderReview, [Err(Reason::UnderReview); 4]),
        (Review::Approved, [Err(Reason::AlreadyApproved); 4]),
        (Review::Rejected, [page, early, early, early]),
    ] {
        let [page, face, face_fails, hand_held] = expected;
        let wallet = in_state(before);
        for (material, matches, expected) in [
            (Material::PassportPage, true, page),
            (Material::PassportPage, false, page),
            (Material::Face, true, face),
            (Material::Face, false, face_fails),
            (Material::HandHeldPage, true, hand_held),
            (Material::HandHeldPage, false, hand_held),
        ] {
            let (outcome, after) = submit(&wallet.account, material, matches);
            let got = outcome.map(|()| after).map_err(|refused| refused.reason);
            assert_eq!(got, expected, "{before:?} {material:?} {matches}");
            if outcome.is_err() {
                assert_eq!(after, before, "a refusal changes nothing");
            }
            let invited = next_materials(before).contains(&material);
            assert_eq!(invited, outcome.is_ok(), "{before:?} {material:?}");
        }
    }
}

/// R49 to R53: from the first card to the first payment.
#[test]
fn r49_r50_r51_r53_page_face_and_an_operator_s_word() {
    check(
        "page => NOT_REQUIRED, review NotRequired
         code => sent
         bind card 1 document passport => bound, review Required
         face => OUT_OF_ORDER, review Required
         hand-held => OUT_OF_ORDER
         approve => nothing to resolve, review Required
         page => taken, review PageReceived
         pay 1.00 => REVIEW_REQUIRED
         reject => nothing to resolve, review PageReceived
         face => taken, review UnderReview
         page => UNDER_REVIEW, review UnderReview
         pay 1.00 => REVIEW_REQUIRED
         approve => resolved, review Approved
         page => ALREADY_APPROVED
         approve => nothing to resolve, review Approved
         reject => nothing to resolve, review Approved
         pay 1.00 => approved",
    );
}

/// R52: a new photo of the page takes the place of the one before.
#[test]
fn r52_the_page_can_be_sent_again_until_an_operator_looks() {
    check_from(
        in_state(Review::Required),
        "page times 3 => taken, review PageReceived
         face-fails => taken, review FaceFailed
         page => taken, review PageReceived
         hand-held => OUT_OF_ORDER, review PageReceived
         face => taken, review UnderReview",
    );
}

/// R54: no limit of tries is stated. R55: the other method is for those whose face failed.
#[test]
fn r54_r55_a_face_that_fails_can_be_tried_again_or_be_shown_with_the_page() {
    check_from(
        in_state(Review::Required),
        "page => taken
         hand-held => OUT_OF_ORDER
         face-fails times 12 => taken, review FaceFailed
         look => face failures 12
         face => taken, review UnderReview
         look => face failures 12
         approve => resolved, review Approved
         look => face failures 0",
    );
    check_from(
        in_state(Review::Required),
        "page => taken
         face-fails => taken
         hand-held => taken, review UnderReview
         hand-held => UNDER_REVIEW
         approve => resolved
         pay 1.00 => approved",
    );
}

/// R53, D5: whoever is rejected begins with the page.
#[test]
fn r53_d5_a_rejected_review_begins_anew() {
    check_from(
        in_state(Review::Required),
        "page => taken
         face-fails => taken
         face => taken
         reject => resolved, review Rejected
         look => face failures 0
         pay 1.00 => REVIEW_REJECTED, retry FixData
         reject => nothing to resolve, review Rejected
         face => OUT_OF_ORDER, review Rejected
         page => taken, review PageReceived
         pay 1.00 => REVIEW_REQUIRED
         face => taken
         approve => resolved, review Approved
         pay 1.00 => approved",
    );
}

/// D5: deferred, until it is rejected; another page does not make that undone.
#[test]
fn d5_a_rejected_holder_in_deferred_mode_cannot_pay_by_sending_another_page() {
    check_from(
        in_state(Review::Required),
        "deferred
         pay 1.00 => approved
         page => taken
         face-fails => taken
         pay 1.00 => approved
         face => taken
         pay 1.00 => approved
         show barcode 1 => shown
         show barcode 2 => shown
         scan 1.00 barcode 1 => approved
         reject => resolved
         scan 1.00 barcode 2 => PAYMENT_CODE_INVALID
         pay 1.00 => REVIEW_REJECTED
         show barcode 3 => REVIEW_REJECTED
         page => taken, review PageReceived
         pay 1.00 => REVIEW_REQUIRED
         show barcode 3 => REVIEW_REQUIRED
         face-fails => taken
         pay 1.00 => REVIEW_REQUIRED
         hand-held => taken, review UnderReview
         pay 1.00 => REVIEW_REQUIRED
         reject => resolved
         page => taken
         face => taken
         approve => resolved, review Approved
         pay 1.00 => approved",
    );
}

/// R49: what others skip.
#[test]
fn r49_holders_of_other_documents_have_nothing_to_send_in() {
    check_from(
        Wallet::verified(),
        "page => NOT_REQUIRED, review NotRequired
         face => NOT_REQUIRED
         hand-held => NOT_REQUIRED
         approve => nothing to resolve, review NotRequired
         pay 1.00 => approved",
    );
}

/// R53: an operator has a review to look at once everything is there, named by the photo that
/// completed it, until it is resolved.
#[test]
fn r53_a_review_waits_for_an_operator_from_its_last_photo_to_the_verdict() {
    for (last, verdict) in [
        ("face", "approve"),
        ("face", "reject"),
        ("hand-held", "approve"),
    ] {
        check_from(
            in_state(Review::Required),
            &format!(
                "page => taken
                 face-fails => taken
                 look => waits for review false
                 {last} => taken, review UnderReview
                 look => waits for review true
                 page => UNDER_REVIEW
                 look => waits for review true
                 {verdict} => resolved
                 look => waits for review false"
            ),
        );
    }
    let mut wallet = in_state(Review::FaceFailed);
    let (outcome, review) = submit(&wallet.account, Material::HandHeldPage, true);
    let sequence = wallet.record(Event::VerificationSubmitted(VerificationSubmitted {
        material: Material::HandHeldPage,
        digest: Fingerprint([9; 16]),
        bytes: 1_000,
        outcome,
        review,
    }));
    let ticket = wallet.account.review_ticket().unwrap();
    assert_eq!(ticket.id.sequence(), sequence);
    assert_eq!(ticket.submitted_at, wallet.now);
}
