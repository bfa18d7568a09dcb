//! A wallet's region, its balance, and what a passport holder sends in.

use waika_domain::event::{
    AccountClosed, ErasureBegun, FundsReceived, RegionSwitched, VerificationSubmitted,
};

use super::super::columns::Row;
use super::super::facts;
use super::super::names::Named as _;

pub(super) fn region_switched(row: &mut Row, switched: RegionSwitched) -> &'static str {
    let RegionSwitched { region } = switched;
    row.wallet_region = Some(region.name().into());
    "region_switched"
}

/// Leaves out the photo's digest.
pub(super) fn verification(row: &mut Row, submitted: &VerificationSubmitted) -> &'static str {
    let VerificationSubmitted {
        material,
        digest: _,
        bytes,
        outcome,
        review,
    } = *submitted;
    row.material = Some(material.name().into());
    row.photo_bytes = Some(bytes.into());
    row.review = Some(review.name().into());
    match outcome {
        Ok(()) => row.decision = Some("taken".into()),
        Err(refused) => facts::refused(row, refused),
    }
    "verification_submitted"
}

pub(super) fn funds_received(row: &mut Row, received: &FundsReceived) -> &'static str {
    let FundsReceived {
        kind,
        amount,
        outcome,
    } = *received;
    row.funds_kind = Some(kind.name().into());
    row.amount_fen = Some(amount.fen().value());
    match outcome {
        Ok(balance) => {
            row.decision = Some("received".into());
            row.balance_left_fen = Some(balance.value());
        }
        Err(refused) => facts::refused(row, refused),
    }
    "funds_received"
}

/// Leaves out the cards' digests.
pub(super) fn closed(row: &mut Row, closed: &AccountClosed) -> &'static str {
    match &closed.outcome {
        Ok(_) => row.decision = Some("closed".into()),
        Err(refused) => facts::refused(row, *refused),
    }
    "account_closed"
}

pub(super) fn erasure_begun(row: &mut Row, begun: ErasureBegun) -> &'static str {
    match begun.outcome {
        Ok(()) => row.decision = Some("begun".into()),
        Err(refused) => facts::refused(row, refused),
    }
    "erasure_begun"
}
