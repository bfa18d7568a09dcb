//! Pure: what creating the accounts of a run has exercised already.

use waika::v1::IdentityDocumentType;

use super::calls::{Calls, Said};
use crate::errand::Rpc;
use crate::scheme::CardScheme;

/// Documents that are on the guide's list, and one place for all others.
const DOCUMENTS: usize = 7;

/// Counts of what was done before the run; what the server only recognised is not among what was
/// done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provisioned {
    /// Calls of `SendPhoneCode` and `Bind`.
    pub(crate) calls: Calls,
    /// Accounts that got their first card now.
    pub(crate) opened: u64,
    /// Accounts that had theirs before.
    pub(crate) recognised: u64,
    /// Passport pages that were sent in.
    pub(crate) pages: u64,
    /// Faces that were.
    pub(crate) faces: u64,
    /// Reviews that an operator approved.
    pub(crate) reviews: u64,
    /// Merchants that were put.
    pub(crate) merchants: u64,
    documents: [u64; DOCUMENTS],
    schemes: [u64; CardScheme::ALL.len()],
}

impl Provisioned {
    /// Counts the answer to one call.
    pub(crate) fn note_call(&mut self, rpc: Rpc, said: Said) {
        self.calls.note(rpc, said, 1);
    }

    /// Counts an account that got its first card, by its holder's document and the card's scheme.
    pub(crate) fn note_opened(&mut self, document: IdentityDocumentType, scheme: CardScheme) {
        self.opened += 1;
        add(&mut self.documents, place_of(document), 1);
        add(&mut self.schemes, scheme as usize, 1);
    }

    /// Adds what another counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self {
            calls,
            opened,
            recognised,
            pages,
            faces,
            reviews,
            merchants,
            documents,
            schemes,
        } = other;
        self.calls.merge(calls);
        self.opened += opened;
        self.recognised += recognised;
        self.pages += pages;
        self.faces += faces;
        self.reviews += reviews;
        self.merchants += merchants;
        for (place, &accounts) in documents.iter().enumerate() {
            add(&mut self.documents, place, accounts);
        }
        for (place, &accounts) in schemes.iter().enumerate() {
            add(&mut self.schemes, place, accounts);
        }
    }

    /// Accounts opened with such a document.
    pub(super) fn with(&self, document: IdentityDocumentType) -> u64 {
        let count = self.documents.get(place_of(document)).copied();
        count.unwrap_or_default()
    }

    /// Accounts opened with a card of one of the five schemes.
    pub(super) fn of_listed_schemes(&self) -> u64 {
        self.schemes.iter().sum()
    }
}

/// The documents' numbers on the wire, from 1, are their places; what is not on the list is last.
fn place_of(document: IdentityDocumentType) -> usize {
    let number = usize::try_from(i32::from(document)).unwrap_or(0);
    number.checked_sub(1).unwrap_or(DOCUMENTS - 1)
}

fn add(counts: &mut [u64], place: usize, more: u64) {
    if let Some(count) = counts.get_mut(place) {
        *count += more;
    }
}
