//! Digests under a key.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use waika_domain::identifiers::Fingerprint;
use zeroize::Zeroizing;

pub(super) type HmacSha256 = Hmac<Sha256>;

/// The key of one purpose that follows from a key.
pub(super) fn purpose(key: &[u8; 32], label: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(digest(&keyed(key), &[label.as_bytes()]))
}

/// A short key is padded with zeros to a block of the hash (RFC 2104), so doing it here takes a
/// key of any other length, and with it an error, out of the question.
pub(super) fn keyed(key: &[u8; 32]) -> HmacSha256 {
    let mut block = Zeroizing::new([0; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    HmacSha256::new((&*block).into())
}

pub(super) fn short(keyed: &HmacSha256, parts: &[&[u8]]) -> u64 {
    let full = digest(keyed, parts);
    u64::from_le_bytes(full.first_chunk().copied().unwrap_or_default())
}

/// Every part goes in with its length, so that no two lists of parts run together.
pub(super) fn digest(keyed: &HmacSha256, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Half of a digest: 128 bits.
pub(super) fn fingerprint(keyed: &HmacSha256, label: &str, parts: &[&[u8]]) -> Fingerprint {
    let mut labelled = vec![label.as_bytes()];
    labelled.extend_from_slice(parts);
    let full = digest(keyed, &labelled);
    Fingerprint(full.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_digest_do_not_run_together() {
        let keyed = keyed(&[7; 32]);
        assert_ne!(
            digest(&keyed, &[b"ab", b"c"]),
            digest(&keyed, &[b"a", b"bc"])
        );
    }
}
