//! A wallet's region, its balance, and its owner's review.

use waika_domain::event::{Event, FundsKind, RegionSwitched, VerificationSubmitted, WalletRegion};
use waika_domain::money::Amount;
use waika_domain::rules;

use super::{Authoriser, Outcome, Passage};
use crate::ledger::VerificationOperation;

impl Authoriser {
    /// Switches the wallet's region (R32, D19). Opens the account (D27).
    pub(crate) fn switch_region(&self, passage: Passage<'_>, region: WalletRegion) -> Outcome {
        self.opening(passage, region, |_, _, _| {
            Ok(Event::RegionSwitched(RegionSwitched { region }))
        })
    }

    /// Takes a photo for a review (R50 to R55).
    pub(crate) fn submit_verification(
        &self,
        passage: Passage<'_>,
        photo: &VerificationOperation,
    ) -> Outcome {
        let VerificationOperation {
            material,
            digest,
            bytes,
            face_matches,
        } = *photo;
        self.existing(passage, |account, _, _| {
            let (outcome, review) = rules::review::submit(account, material, face_matches);
            Ok(Event::VerificationSubmitted(VerificationSubmitted {
                material,
                digest,
                bytes,
                outcome,
                review,
            }))
        })
    }

    /// Resolves a passport holder's review (D5).
    pub(crate) fn resolve_review(&self, passage: Passage<'_>, approve: bool) -> Outcome {
        self.operated(passage, |account, _, _| {
            let resolved = rules::review::resolve(account, approve);
            Ok(Event::ReviewResolved(resolved))
        })
    }

    /// Takes money into the balance (R72, D12).
    pub(crate) fn receive_funds(
        &self,
        passage: Passage<'_>,
        kind: FundsKind,
        amount: Amount,
    ) -> Outcome {
        self.existing(passage, |account, _, _| {
            let received = rules::receive::decide(account, kind, amount);
            Ok(Event::FundsReceived(received))
        })
    }
}
