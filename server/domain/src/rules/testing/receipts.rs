//! What must be true of every receipt, whatever was decided (RULES C1).

use crate::decline::{Decline, Evidence, IssuerRefusal};
use crate::event::{ApprovalCode, DecidedPayment, Event, Reservation};
use crate::receipt::{Receipt, Rung, RungSeen, Verdict};
use crate::rules::authorise::{Decision, resolve};

/// A receipt changes nothing of a decision, and tells every rung of it; the receipt itself.
pub(in crate::rules) fn compare_with_receipt(decision: &Decision, told: Decision) -> Receipt {
    match told {
        Decision::Decline(mut declined) => {
            let receipt = *declined.receipt.take().expect("a receipt was asked for");
            agrees(&receipt, Some(&declined.decline));
            assert_eq!(decision, &Decision::Decline(declined));
            receipt
        }
        Decision::Reserve(reservation) => {
            let plain = Reservation {
                receipt: None,
                ..reservation.clone()
            };
            assert_eq!(decision, &Decision::Reserve(plain));
            ended_by_the_issuer(&reservation)
        }
    }
}

/// The receipt of an approval. That of an issuer's refusal is the same but for the last rung.
fn ended_by_the_issuer(reservation: &Reservation) -> Receipt {
    let refusal = IssuerRefusal::DoNotHonour;
    let approval = Ok(ApprovalCode(*b"A1B2C3"));
    let mut approved = None;
    for reserved_by in [None, Some(7)] {
        let event = resolve(reservation.clone(), reserved_by, approval);
        let receipt = receipt_of(&event);
        agrees(&receipt, None);
        let issuer = seen(&receipt, Rung::Issuer).verdict;
        let by_card = reservation.counts();
        assert_eq!(issuer == Verdict::Passed, by_card, "D12: {receipt:?}");
        let refused = receipt_of(&resolve(reservation.clone(), reserved_by, Err(refusal)));
        agrees(&refused, Some(&Decline::because(refusal.into())));
        assert_eq!(refused.rungs[..18], receipt.rungs[..18]);
        approved = Some(receipt);
    }
    approved.expect("both were looked at")
}

fn receipt_of(event: &Event) -> Receipt {
    let receipt = event.decision().and_then(DecidedPayment::receipt);
    receipt.expect("a receipt was asked for").clone()
}

pub(in crate::rules) fn seen(receipt: &Receipt, rung: Rung) -> RungSeen {
    let mut rungs = receipt.rungs.iter();
    *rungs.find(|seen| seen.rung == rung).expect("every rung")
}

/// Every rung once and in order; the one that objected is the decline's, with its numbers; none
/// after it was tried, and what was not tried has no numbers.
fn agrees(receipt: &Receipt, decline: Option<&Decline>) {
    let rungs: Vec<_> = receipt.rungs.iter().map(|seen| seen.rung).collect();
    assert_eq!(rungs, Rung::ALL);
    let objected = decline.map(|decline| decline.reason.rung());
    for seen in &receipt.rungs {
        match objected {
            Some(by) if seen.rung == by => {
                assert_eq!(seen.verdict, Verdict::Rejected, "{receipt:?}");
                assert_eq!(Some(seen.evidence), decline.map(|decline| decline.evidence));
            }
            Some(by) if seen.rung > by => {
                assert_eq!(seen.verdict, Verdict::Skipped, "{receipt:?}");
            }
            Some(_) | None => assert_ne!(seen.verdict, Verdict::Rejected, "{receipt:?}"),
        }
        if seen.verdict == Verdict::Skipped {
            assert_eq!(seen.evidence, Evidence::None, "{receipt:?}");
        }
    }
}
