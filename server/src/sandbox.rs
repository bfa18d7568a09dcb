//! The sandbox's SMS gateway and identity verifier: pure functions of what they are asked.

/// True if the gateway takes messages for this number: not for one that ends in five zeros
/// (R24 can be tried that way).
pub(crate) fn sms_is_deliverable(phone: &str) -> bool {
    !phone.ends_with("00000")
}

/// True if the details match the document: not for a number that begins with `REJECT` (R36 can
/// be tried that way).
pub(crate) fn identity_is_confirmed(document_number: &str) -> bool {
    {
        let beginning = document_number.get(..6);
        !beginning.is_some_and(|letters| letters.eq_ignore_ascii_case("REJECT"))
    }
}
