//! Events of a wallet's region, its balance, and a passport holder's review.

use super::{Review, WalletRegion};
use crate::identifiers::Fingerprint;
use crate::money::{Amount, Fen};
use crate::refusal::{ReceiveRefusal, Refused, VerificationRefusal};

/// The wallet's region was switched (R32, D19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionSwitched {
    /// Its region from now on.
    pub region: WalletRegion,
}

/// What came into the balance (R72, D12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FundsKind {
    /// A red packet.
    RedPacket,
    /// A transfer.
    Transfer,
}

/// Money came into the balance, or was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FundsReceived {
    /// What it was.
    pub kind: FundsKind,
    /// How much.
    pub amount: Amount,
    /// The balance afterwards, or why not.
    pub outcome: Result<Fen, Refused<ReceiveRefusal>>,
}

/// What a passport holder sends in for the review (R50 to R55).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Material {
    /// The passport's information page.
    PassportPage,
    /// The face.
    Face,
    /// The person holding the passport's page: the other method.
    HandHeldPage,
}

/// A photo was sent in, or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerificationSubmitted {
    /// What it shows.
    pub material: Material,
    /// Keyed digest of the photo; the photo itself is not kept (R4).
    pub digest: Fingerprint,
    /// The photo's length in bytes.
    pub bytes: u32,
    /// Whether it was taken.
    pub outcome: Result<(), Refused<VerificationRefusal>>,
    /// The review's state afterwards.
    pub review: Review,
}
