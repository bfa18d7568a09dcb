//! The sandbox's SMS gateway and identity verifier: pure functions of what they are asked.

/// True if the gateway takes messages for this number: not for one that ends in five zeros
/// (R24 can be tried that way).
pub(crate) fn sms_is_deliverable(phone: &str) -> bool {
    !phone.ends_with("00000")
}

/// True if the details match the document: not for a number that begins with `REJECT` (R36 can
/// be tried that way).
pub(crate) fn identity_is_confirmed(document_number: &str) -> bool {
    let beginning = document_number.get(..6);
    !beginning.is_some_and(|letters| letters.eq_ignore_ascii_case("REJECT"))
}

/// What a photo begins with whose face is not recognised (R54 can be tried that way).
const FACE_FAILS: &[u8] = b"FACE-FAILS";

/// The face check, which looks at a photo as it comes and keeps none of it.
#[derive(Debug, Default)]
pub(crate) struct FaceCheck {
    seen: usize,
    differs: bool,
}

impl FaceCheck {
    /// Looks at the next piece.
    pub(crate) fn look_at(&mut self, piece: &[u8]) {
        let expected = FACE_FAILS.get(self.seen..).unwrap_or_default();
        self.differs |= piece.iter().zip(expected).any(|(one, other)| one != other);
        self.seen = self.seen.saturating_add(piece.len());
    }

    /// The face is the document's.
    pub(crate) fn recognises(&self) -> bool {
        self.differs || self.seen < FACE_FAILS.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r54_a_face_that_fails_is_told_by_how_its_photo_begins() {
        for (pieces, recognised) in [
            (&["a face"][..], true),
            (&["FACE-FAILS"], false),
            (&["FACE", "-FAILS and more"], false),
            (&["FACE-FAIL"], true),
            (&["FACE-FINE and more"], true),
        ] {
            let mut check = FaceCheck::default();
            for piece in pieces {
                check.look_at(piece.as_bytes());
            }
            assert_eq!(check.recognises(), recognised, "{pieces:?}");
        }
    }
}
