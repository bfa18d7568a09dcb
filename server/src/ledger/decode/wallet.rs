//! From what is written of a wallet's region, its balance, and a passport holder's review.

use waika_domain::event::{Event, FundsReceived, RegionSwitched, VerificationSubmitted};
use waika_domain::money::Fen;
use waika_domain::refusal::{ReceiveRefusal, VerificationRefusal};

use super::{Decoded, amount, fingerprint, known, refusal};
use crate::ledger::schema;

pub(super) fn verification(submitted: schema::VerificationSubmitted) -> Decoded<Event> {
    let outcome = match submitted.refused {
        None => Ok(()),
        refused => Err(refusal(refused, VerificationRefusal::from_number)?),
    };
    Ok(Event::VerificationSubmitted(VerificationSubmitted {
        material: known(submitted.material, "a photo's kind")?,
        digest: fingerprint(&submitted.digest)?,
        bytes: submitted.bytes,
        outcome,
        review: known(submitted.review, "a review's state")?,
    }))
}

pub(super) fn region_switched(region: u32) -> Decoded<Event> {
    let region = known(region, "a wallet region")?;
    Ok(Event::RegionSwitched(RegionSwitched { region }))
}

pub(super) fn funds(received: schema::FundsReceived) -> Decoded<FundsReceived> {
    let outcome = match received.refused {
        None => Ok(Fen::new(received.balance_fen)),
        refused => Err(refusal(refused, ReceiveRefusal::from_number)?),
    };
    Ok(FundsReceived {
        kind: known(received.kind, "a kind of funds")?,
        amount: amount(received.amount_fen)?,
        outcome,
    })
}
