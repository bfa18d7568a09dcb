//! How a payment is named that is to be given back.

use waika_domain::event::GiveBack;
use waika_domain::identifiers::{AuthorisationId, CodeDigest, IdempotencyKey};
use waika_domain::money::Amount;

/// A payment to give back.
#[derive(Debug, Clone)]
pub struct ReverseOperation {
    /// Before it settles or after.
    pub kind: GiveBack,
    /// Which.
    pub original: OriginalNamed,
    /// How much of its principal; None for all that remains.
    pub amount: Option<Amount>,
}

/// How a payment is named that is to be given back.
#[derive(Debug, Clone)]
pub enum OriginalNamed {
    /// By its id.
    Id(AuthorisationId),
    /// By the key that it was or will be asked for with (D31).
    Key(IdempotencyKey),
    /// The same of a payment with a code, whose keys belong to the code (D10).
    KeyOfCode {
        /// The code's digest.
        code: CodeDigest,
        /// The payment's key.
        key: IdempotencyKey,
    },
}
