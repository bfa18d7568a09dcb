//! From digests that carry their key's number.

use waika_domain::event::{MovedPassword, PasswordEffect, PasswordVerifier};
use waika_domain::fingerprints::{Fingerprints, KeyNumber, MOST_OLDER_KEYS, OlderFingerprints};
use waika_domain::identifiers::Fingerprint;

use super::{Decoded, NotUnderstood, array};
use crate::ledger::schema;

/// Of a card or a document.
pub(in crate::ledger) fn fingerprint(bytes: &[u8]) -> Decoded<Fingerprint> {
    const WHAT: &str = "a fingerprint";
    match bytes {
        [digest @ .., 0] if bytes.len() == 17 => array(digest, WHAT).map(Fingerprint),
        digest => Ok(Fingerprint(array(digest, WHAT)?).under(KeyNumber::FIRST)),
    }
}

/// Of a card or a document, under keys beside the active one.
pub(in crate::ledger) fn older(stored: &[Vec<u8>]) -> Decoded<OlderFingerprints> {
    let mut older = [None; MOST_OLDER_KEYS];
    if stored.len() > older.len() {
        return Err(NotUnderstood("so many fingerprints of one thing"));
    }
    for (place, stored) in older.iter_mut().zip(stored) {
        *place = Some(fingerprint(stored)?);
    }
    Ok(older)
}

/// Of a card, under all keys that it was written under.
pub(in crate::ledger) fn fingerprints(active: &[u8], others: &[Vec<u8>]) -> Decoded<Fingerprints> {
    Ok(Fingerprints::new(fingerprint(active)?, older(others)?))
}

/// Salt and digest in one; empty where there is no password.
pub(in crate::ledger) fn verifier(bytes: &[u8]) -> Decoded<Option<PasswordVerifier>> {
    const WHAT: &str = "a password's verifier";
    let Some((salt, digest)) = bytes.split_at_checked(8) else {
        return Ok(None);
    };
    let salt = array(salt, WHAT)?;
    Ok(Some(match digest {
        [digest @ .., 0] if digest.len() == 16 => PasswordVerifier {
            salt,
            digest: array(digest, WHAT)?,
        },
        digest => {
            let digest = array(digest, WHAT)?;
            PasswordVerifier { salt, digest }.under(KeyNumber::FIRST)
        }
    }))
}

/// A password that was right, and may be kept otherwise from now on.
pub(super) fn matched(stored: schema::PasswordEffect) -> PasswordEffect {
    if stored.moved_rest == 0 {
        return PasswordEffect::Matched;
    }
    let mut digest = [0; 16];
    let halves = stored.moved_digest.to_le_bytes().into_iter();
    let halves = halves.chain(stored.moved_rest.to_le_bytes());
    for (place, byte) in digest.iter_mut().zip(halves) {
        *place = byte;
    }
    PasswordEffect::Moved(MovedPassword { digest })
}
