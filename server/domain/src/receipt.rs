//! Receipts: every rung of the ladder of `Authorise` with what it saw, from the same evaluation
//! that decided (RULES C1).

use crate::decline::{Decline, DeclineReason, Evidence};

macro_rules! rungs {
    ($($(#[$rule:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// A rung of the ladder of `Authorise`, by its number there.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rung {
            $($(#[$rule])* $variant = $number,)*
        }

        impl Rung {
            /// Every rung, in the order of the ladder.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in the contract.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its number in the contract and in the journal; never renumbered.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// Undoes [`Self::number`].
            pub const fn from_number(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

rungs! {
    /// A reversal for this key came first (D31).
    ReversedAhead = 3, "REVERSED_AHEAD";
    /// The feature is rolled out to this wallet (R3, D21).
    RollOut = 4, "ROLL_OUT";
    /// The wallet is the mainland's (R30).
    WalletRegion = 5, "WALLET_REGION";
    /// The app is new enough (R7).
    ClientVersion = 6, "CLIENT_VERSION";
    /// Somebody is verified by real name (R29).
    RealName = 7, "REAL_NAME";
    /// The identity document is in date (R5).
    IdentityDocument = 8, "IDENTITY_DOCUMENT";
    /// The password or the token (R42, D7).
    Password = 9, "PASSWORD";
    /// The passport holder's review (R49, D5).
    PassportReview = 10, "PASSPORT_REVIEW";
    /// The card is bound here.
    Card = 11, "CARD";
    /// The scene is open to the funding (R72).
    Scene = 12, "SCENE";
    /// The merchant (R60, R61).
    Merchant = 13, "MERCHANT";
    /// The payment code (D10).
    PaymentCode = 14, "PAYMENT_CODE";
    /// The card's risk (R67).
    Risk = 15, "RISK";
    /// The quote (D32).
    Quote = 16, "QUOTE";
    /// The limit of one payment (R63).
    LimitSingle = 17, "LIMIT_SINGLE";
    /// The month's limit (R64).
    LimitMonth = 18, "LIMIT_MONTH";
    /// The year's limit (R65).
    LimitYear = 19, "LIMIT_YEAR";
    /// The balance (D12).
    Balance = 20, "BALANCE";
    /// The card's issuer (R70).
    Issuer = 21, "ISSUER";
}

impl DeclineReason {
    /// The rung that gives it (RULES C1).
    pub const fn rung(self) -> Rung {
        match self {
            Self::ReversedBeforeArrival => Rung::ReversedAhead,
            Self::NotRolledOut => Rung::RollOut,
            Self::WalletRegion => Rung::WalletRegion,
            Self::ClientTooOld => Rung::ClientVersion,
            Self::WalletNotVerified => Rung::RealName,
            Self::IdentityExpired => Rung::IdentityDocument,
            Self::PasswordLocked
            | Self::PasswordWrong
            | Self::PaymentTokenInvalid
            | Self::PaymentTokenExpired
            | Self::PaymentTokenUsed => Rung::Password,
            Self::ReviewRequired | Self::ReviewRejected => Rung::PassportReview,
            Self::CardNotBound => Rung::Card,
            Self::SceneNotPermitted => Rung::Scene,
            Self::MerchantUnknown | Self::MerchantOverseas | Self::MerchantNotEnabled => {
                Rung::Merchant
            }
            Self::PaymentCodeInvalid | Self::PaymentCodeExpired | Self::PaymentCodeUsed => {
                Rung::PaymentCode
            }
            Self::RiskCardShared | Self::RiskHolderMismatch => Rung::Risk,
            Self::QuoteExpired | Self::QuoteMismatch => Rung::Quote,
            Self::LimitSingle => Rung::LimitSingle,
            Self::LimitMonth => Rung::LimitMonth,
            Self::LimitYear => Rung::LimitYear,
            Self::BalanceNotPermitted | Self::BalanceInsufficient => Rung::Balance,
            Self::IssuerExpiredCard
            | Self::IssuerLockedCard
            | Self::IssuerLostCard
            | Self::IssuerStolenCard
            | Self::IssuerPickupCard
            | Self::IssuerInsufficientFunds
            | Self::IssuerDoNotHonour
            | Self::IssuerUnavailable => Rung::Issuer,
        }
    }
}

/// What a rung said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does not object.
    Passed,
    /// It objects: the first that does is the answer.
    Rejected,
    /// It was not tried: it does not concern this payment, or an earlier one objected.
    Skipped,
}

/// One rung, what it said, and the numbers that it saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RungSeen {
    /// Which.
    pub rung: Rung,
    /// What it said.
    pub verdict: Verdict,
    /// The numbers behind it.
    pub evidence: Evidence,
}

/// Every rung, in the order of the ladder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The rungs.
    pub rungs: Vec<RungSeen>,
}

impl Receipt {
    /// Nothing yet, with room for the whole ladder.
    pub fn begun() -> Self {
        Self {
            rungs: Vec::with_capacity(Rung::ALL.len()),
        }
    }

    /// The rest of the ladder once it was decided: the rung that objected, if one did, and what
    /// was not tried after it. Rungs are told of in the order of the ladder; one that was never
    /// told of did not concern the payment.
    #[must_use]
    pub fn ended(mut self, decline: Option<&Decline>) -> Self {
        let objected = decline.map(|decline| (decline.reason.rung(), decline.evidence));
        let mut told = std::mem::take(&mut self.rungs).into_iter().peekable();
        let seen = |&rung: &Rung| {
            let before = told.next_if(|seen| seen.rung == rung);
            let (verdict, evidence) = match (objected, before) {
                (Some((by, evidence)), _) if by == rung => (Verdict::Rejected, evidence),
                (Some(_) | None, Some(seen)) => (seen.verdict, seen.evidence),
                (Some(_) | None, None) => (Verdict::Skipped, Evidence::None),
            };
            RungSeen {
                rung,
                verdict,
                evidence,
            }
        };
        self.rungs = Rung::ALL.iter().map(seen).collect();
        self
    }
}

/// Who is told of the rungs that a payment passes. Nobody, unless a receipt was asked for: then
/// what a rung saw is not even put together.
pub trait Witness {
    /// A rung does not object.
    fn passed(&mut self, rung: Rung, evidence: impl FnOnce() -> Evidence);
}

impl Witness for () {
    fn passed(&mut self, _: Rung, _: impl FnOnce() -> Evidence) {}
}

impl Witness for Receipt {
    fn passed(&mut self, rung: Rung, evidence: impl FnOnce() -> Evidence) {
        self.rungs.push(RungSeen {
            rung,
            verdict: Verdict::Passed,
            evidence: evidence(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_tells_every_rung_once_and_in_order() {
        let mut receipt = Receipt::default();
        receipt.passed(Rung::ReversedAhead, || Evidence::None);
        receipt.passed(Rung::RollOut, || Evidence::None);
        let decline = Decline::because(DeclineReason::WalletRegion);
        let receipt = receipt.ended(Some(&decline));
        let rungs: Vec<_> = receipt.rungs.iter().map(|seen| seen.rung).collect();
        assert_eq!(rungs, Rung::ALL);
        let verdict = |rung| receipt.rungs.iter().find(|seen| seen.rung == rung);
        assert_eq!(verdict(Rung::RollOut).unwrap().verdict, Verdict::Passed);
        assert_eq!(
            verdict(Rung::WalletRegion).unwrap().verdict,
            Verdict::Rejected
        );
        assert_eq!(verdict(Rung::Issuer).unwrap().verdict, Verdict::Skipped);
        for &rung in Rung::ALL {
            assert_eq!(Rung::from_number(rung.number()), Some(rung));
        }
        assert_eq!(Rung::from_number(0), None);
    }

    #[test]
    fn reasons_follow_the_order_of_their_rungs() {
        let rungs: Vec<_> = DeclineReason::ALL
            .iter()
            .map(|reason| reason.rung())
            .collect();
        assert!(rungs.is_sorted(), "{rungs:?}");
        let mut all = rungs.clone();
        all.dedup();
        assert_eq!(all, Rung::ALL, "every rung has a reason");
    }
}
