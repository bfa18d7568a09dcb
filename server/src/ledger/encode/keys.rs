//! Digests that carry their key's number.
//!
//! A digest under the first key is written as digests were before keys had numbers; one under another key is
//! longer by a byte, since its own last byte is that number.

use waika_domain::event::{MovedPassword, PasswordVerifier};
use waika_domain::fingerprints::{KeyNumber, OlderFingerprints};
use waika_domain::identifiers::Fingerprint;

use crate::ledger::schema;

/// Of a card or a document.
pub(in crate::ledger) fn fingerprint(fingerprint: Fingerprint) -> Vec<u8> {
    marked(fingerprint.0.to_vec(), fingerprint.key())
}

/// Of a card or a document, under keys beside the active one.
pub(in crate::ledger) fn older(older: OlderFingerprints) -> Vec<Vec<u8>> {
    older.into_iter().flatten().map(fingerprint).collect()
}

/// Salt and digest in one.
pub(in crate::ledger) fn verifier(verifier: &PasswordVerifier) -> Vec<u8> {
    let both = [&verifier.salt[..], &verifier.digest[..]].concat();
    marked(both, verifier.key())
}

fn marked(mut bytes: Vec<u8>, key: KeyNumber) -> Vec<u8> {
    if key != KeyNumber::FIRST {
        bytes.push(0);
    }
    bytes
}

/// A password that was right and is kept otherwise from now on.
pub(super) fn moved(password: MovedPassword) -> schema::PasswordEffect {
    let (digest, rest) = password.digest.split_at(8);
    let number = |half: &[u8]| half.first_chunk().copied().map_or(0, u64::from_le_bytes);
    schema::PasswordEffect {
        moved_digest: number(digest),
        moved_rest: number(rest),
        ..schema::PasswordEffect::default()
    }
}
