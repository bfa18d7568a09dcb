//! What of a journal must never be shown: found with the tags of its schema alone, so that an
//! export is not checked by its own code.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use waika_server::ledger::journal::disk::RealDisk;
use waika_server::ledger::journal::{Journal, JournalOptions};

/// A digest as it stands there, and in the shapes in which somebody could print it.
pub(crate) fn ways_to_write(digest: &[u8]) -> Vec<Vec<u8>> {
    let mut hex = String::new();
    for byte in digest {
        write!(hex, "{byte:02x}").unwrap();
    }
    let mut ways = vec![digest.to_vec(), hex.to_uppercase().into(), hex.into()];
    if let Ok(number) = <[u8; 8]>::try_from(digest) {
        let number = u64::from_le_bytes(number);
        let signed = number.cast_signed();
        let numbers = [
            number.to_string(),
            signed.to_string(),
            format!("{number:x}"),
        ];
        ways.extend(numbers.map(String::into_bytes));
    }
    ways
}

/// What of an entry must not be seen, by the tags of the journal's schema.
#[derive(Clone, PartialEq, Message)]
struct Hidden {
    #[prost(message, optional, tag = "4")]
    call: Option<HiddenCall>,
    #[prost(bytes, tag = "8")]
    key_check: Vec<u8>,
    #[prost(message, optional, tag = "9")]
    phone_code: Option<HiddenPhoneCode>,
    #[prost(message, optional, tag = "11")]
    bind_decided: Option<HiddenBind>,
    #[prost(message, optional, tag = "13")]
    posted: Option<HiddenPosted>,
    #[prost(message, optional, tag = "15")]
    declined: Option<HiddenDeclined>,
    #[prost(message, optional, tag = "18")]
    card_status_set: Option<HiddenStatus>,
    #[prost(message, optional, tag = "25")]
    password_verified: Option<HiddenToken>,
    #[prost(message, optional, tag = "26")]
    password_changed: Option<HiddenBytes>,
    #[prost(message, optional, tag = "30")]
    verification_submitted: Option<HiddenBytes>,
    #[prost(message, optional, tag = "32")]
    payment_code: Option<HiddenCode>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenCall {
    #[prost(fixed64, repeated, tag = "4")]
    fields: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenPhoneCode {
    #[prost(bytes, tag = "2")]
    phone: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    sent: Option<HiddenNonce>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenNonce {
    #[prost(fixed64, tag = "1")]
    nonce: u64,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenBind {
    #[prost(message, optional, tag = "5")]
    binding: Option<HiddenBinding>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenBinding {
    #[prost(bytes, tag = "2")]
    card: Vec<u8>,
    #[prost(bytes, tag = "3")]
    issuer_reference: Vec<u8>,
    #[prost(bytes, tag = "11")]
    document: Vec<u8>,
    /// Salt and digest.
    #[prost(bytes, tag = "13")]
    password: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenPosted {
    #[prost(message, optional, tag = "2")]
    reservation: Option<HiddenReservation>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenReservation {
    #[prost(message, optional, tag = "1")]
    payment: Option<HiddenPayment>,
    #[prost(message, optional, tag = "13")]
    spent: Option<HiddenNonce>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenDeclined {
    #[prost(message, optional, tag = "1")]
    payment: Option<HiddenPayment>,
    #[prost(message, optional, tag = "5")]
    spent: Option<HiddenNonce>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenPayment {
    /// Digest of a payment code.
    #[prost(fixed64, optional, tag = "7")]
    code: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenToken {
    #[prost(fixed64, tag = "5")]
    nonce: u64,
}

#[derive(Clone, PartialEq, Message)]
struct HiddenCode {
    #[prost(fixed64, tag = "4")]
    nonce: u64,
    #[prost(fixed64, tag = "5")]
    digest: u64,
}

/// A password's salt and digest, or a photo's digest.
#[derive(Clone, PartialEq, Message)]
struct HiddenBytes {
    #[prost(bytes, tag = "2")]
    bytes: Vec<u8>,
}

impl Hidden {
    /// What stands for passwords in payments, and the passwords and photos of other calls.
    fn credentials(self) -> Vec<Vec<u8>> {
        let (mut numbers, mut bytes) = (Vec::new(), Vec::new());
        let reservation = self.posted.and_then(|posted| posted.reservation);
        let approved = reservation.map(|reserved| (reserved.payment, reserved.spent));
        let declined = self
            .declined
            .map(|declined| (declined.payment, declined.spent));
        for (payment, spent) in approved.into_iter().chain(declined) {
            numbers.extend(payment.and_then(|payment| payment.code));
            numbers.extend(spent.map(|spent| spent.nonce));
        }
        numbers.extend(self.password_verified.map(|minted| minted.nonce));
        if let Some(code) = self.payment_code {
            numbers.extend([code.nonce, code.digest]);
        }
        bytes.extend(self.verification_submitted.map(|photo| photo.bytes));
        if let Some(changed) = self.password_changed {
            let (salt, digest) = changed.bytes.split_at(8);
            bytes.extend([salt.to_vec(), digest.to_vec()]);
        }
        // None is written as 0.
        numbers.retain(|number| *number != 0);
        bytes.extend(
            numbers
                .into_iter()
                .map(|number| number.to_le_bytes().to_vec()),
        );
        bytes
    }
}

#[derive(Clone, PartialEq, Message)]
struct HiddenStatus {
    #[prost(bytes, tag = "2")]
    issuer_reference: Vec<u8>,
}

/// Every digest, nonce and issuer's reference in a copy of a journal.
pub(crate) fn digests(folder: &Path) -> Vec<Vec<u8>> {
    let copy = crate::journal::copy_of(folder);
    let disk = Arc::new(RealDisk::open(copy.path()).unwrap());
    let mut found = Vec::new();
    Journal::open(disk, JournalOptions::default(), |_, entry| {
        let hidden = Hidden::decode(entry)?;
        found.extend(hidden.clone().credentials());
        found.push(hidden.key_check);
        let fields = hidden.call.into_iter().flat_map(|call| call.fields);
        found.extend(fields.map(|field| field.to_le_bytes().to_vec()));
        if let Some(decided) = hidden.phone_code {
            found.push(decided.phone);
            let nonce = decided.sent.map(|sent| sent.nonce.to_le_bytes().to_vec());
            found.extend(nonce);
        }
        if let Some(binding) = hidden.bind_decided.and_then(|decided| decided.binding) {
            let (salt, digest) = binding.password.split_at(16);
            found.extend([salt.to_vec(), digest.to_vec()]);
            found.extend([binding.card, binding.issuer_reference, binding.document]);
        }
        found.extend(hidden.card_status_set.map(|set| set.issuer_reference));
        Ok::<_, prost::DecodeError>(())
    })
    .unwrap();
    found.retain(|digest| !digest.is_empty());
    found
}
