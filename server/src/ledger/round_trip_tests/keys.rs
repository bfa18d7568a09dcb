//! Digests that carry their key's number, and those from before there were numbers.

use waika_domain::event::{OlderOfBinding, PasswordVerifier};
use waika_domain::fingerprints::{Fingerprints, KeyNumber};
use waika_domain::identifiers::Fingerprint;

use crate::ledger::{decode, encode};

/// Of a card, under a key and an older one.
pub(super) fn of_a_card() -> Fingerprints {
    Fingerprints::with_older(Fingerprint([9; 16]), [Fingerprint([1; 16])])
}

/// Of a card under every older key that there can be, and of a document under one.
pub(super) fn older() -> OlderOfBinding {
    OlderOfBinding {
        card: [3, 4, 6].map(|number| Some(Fingerprint([number; 16]))),
        document: [Some(Fingerprint([5; 16])), None, None],
    }
}

#[test]
fn what_was_written_before_keys_had_numbers_is_under_the_first() {
    for last in [0, 1, 2, 255] {
        let mut old = [8; 16];
        old[15] = last;
        let read = decode::keys::fingerprint(&old).unwrap();
        assert_eq!(
            (read.key(), read.0[..15] == old[..15]),
            (KeyNumber::FIRST, true)
        );
        let salted = [&[7; 8][..], &old].concat();
        let read = decode::keys::verifier(&salted).unwrap().unwrap();
        assert_eq!((read.key(), read.salt), (KeyNumber::FIRST, [7; 8]));
    }
}

#[test]
fn a_digest_is_read_as_it_was_written_whichever_key_it_is_under() {
    for key in 1..=255 {
        let fingerprint = Fingerprint([8; 16]).under(KeyNumber(key));
        let written = encode::keys::fingerprint(fingerprint);
        assert_eq!(written.len(), if key == 1 { 16 } else { 17 });
        assert_eq!(decode::keys::fingerprint(&written).unwrap(), fingerprint);
        let verifier = PasswordVerifier {
            salt: [0; 8],
            digest: fingerprint.0,
        };
        let written = encode::keys::verifier(&verifier);
        assert_eq!(decode::keys::verifier(&written).unwrap(), Some(verifier));
    }
    for length in (0..40).filter(|length| ![16, 17].contains(length)) {
        assert!(
            decode::keys::fingerprint(&vec![0; length]).is_err(),
            "{length}"
        );
    }
    assert!(decode::keys::fingerprint(&[1; 17]).is_err());
}
