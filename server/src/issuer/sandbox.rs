//! The sandbox issuer: answers follow from the card, the idempotency key, the seed and the
//! status that an operator gave the card, so that two runs of one plan meet the same issuer
//! (RULES C4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use waika_domain::card::IssuerCardReference;
use waika_domain::decline::IssuerRefusal;
use waika_domain::event::{ApprovalCode, CardStatus};
use waika_domain::identifiers::Fingerprint;

use crate::pan::Pan;

/// A test card that the sandbox issuer does not approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpecialCard {
    /// The three digits before the check digit.
    pub(crate) selector: u16,
    /// What it answers.
    pub(crate) refusal: IssuerRefusal,
}

/// Numbers whose seventh to twelfth digits are zeros are special, in every test range: the
/// digits before the check digit select a row, and payments with the card are answered so.
/// 100 more than a row's selector refuses the verification debit at Bind already (R38). Any
/// other number is approved.
pub(crate) const TEST_CARDS: &[SpecialCard] = &[
    SpecialCard {
        selector: 1,
        refusal: IssuerRefusal::ExpiredCard,
    },
    SpecialCard {
        selector: 2,
        refusal: IssuerRefusal::LockedCard,
    },
    SpecialCard {
        selector: 3,
        refusal: IssuerRefusal::LostCard,
    },
    SpecialCard {
        selector: 4,
        refusal: IssuerRefusal::StolenCard,
    },
    SpecialCard {
        selector: 5,
        refusal: IssuerRefusal::PickupCard,
    },
    SpecialCard {
        selector: 6,
        refusal: IssuerRefusal::InsufficientFunds,
    },
    SpecialCard {
        selector: 7,
        refusal: IssuerRefusal::DoNotHonour,
    },
    SpecialCard {
        selector: 8,
        refusal: IssuerRefusal::Unavailable,
    },
];

/// When a card's issuer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Punctuality {
    /// At once.
    AtOnce,
    /// After this long, with an approval.
    After(Duration),
    /// Never.
    Never,
}

/// A test card whose issuer does not answer at once (RULES C4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnpunctualCard {
    /// The three digits before the check digit.
    pub(crate) selector: u16,
    /// When it answers.
    pub(crate) punctuality: Punctuality,
}

/// Selectors of cards that take their time: one is slow and in time, one never answers, one
/// answers when nobody waits any more (D16). 100 more does the same to the verification debit.
pub(crate) const UNPUNCTUAL_CARDS: &[UnpunctualCard] = &[
    UnpunctualCard {
        selector: 9,
        punctuality: Punctuality::After(Duration::from_millis(300)),
    },
    UnpunctualCard {
        selector: 10,
        punctuality: Punctuality::Never,
    },
    UnpunctualCard {
        selector: 11,
        punctuality: Punctuality::After(Duration::from_millis(1_500)),
    },
];

/// Added to a selector: refused at Bind, not only at payment.
const AT_BIND: u16 = 100;

/// The sandbox inside the process.
#[derive(Debug)]
pub(crate) struct SandboxIssuer {
    seed: u64,
    /// Cards whose status is not normal: few, or none.
    statuses: DashMap<IssuerCardReference, CardStatus>,
    /// There were some once: while there were none, nobody looks, for each look at a map takes its locks.
    was_told: AtomicBool,
}

impl SandboxIssuer {
    /// A sandbox whose approval codes follow from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            statuses: DashMap::new(),
            was_told: AtomicBool::new(false),
        }
    }

    /// Debits ¥0.01 to see whether the card can be used, and reverses it at once (R37, D6).
    /// Gives the reference that stands for the card from then on (D28).
    pub(crate) fn verification_debit(
        &self,
        card: &Pan,
        fingerprint: Fingerprint,
    ) -> Result<IssuerCardReference, IssuerRefusal> {
        let selector = selector(card);
        if let Some(special) = selector.and_then(|selector| selector.checked_sub(AT_BIND)) {
            refusal_of(special)?;
        }
        let reference = reference(selector.unwrap_or_default(), fingerprint);
        self.refusal_by_status(&reference)?;
        Ok(reference)
    }

    /// When the issuer answers the verification debit of a card.
    #[expect(
        clippy::unused_self,
        reason = "asked of the issuer like what stands around it"
    )]
    pub(crate) fn punctuality_at_bind(&self, card: &Pan) -> Punctuality {
        let selector = selector(card).and_then(|selector| selector.checked_sub(AT_BIND));
        selector.map_or(Punctuality::AtOnce, punctuality_of)
    }

    /// When the issuer answers payments with a card. What was told of a card by an operator is
    /// answered at once.
    pub(crate) fn punctuality(&self, reference: &IssuerCardReference) -> Punctuality {
        match self.refusal_by_status(reference) {
            Ok(()) => punctuality_of(selector_of(reference)),
            Err(_) => Punctuality::AtOnce,
        }
    }

    /// Answers a payment.
    pub(crate) fn authorise(
        &self,
        reference: &IssuerCardReference,
        key: &str,
    ) -> Result<ApprovalCode, IssuerRefusal> {
        self.refusal_by_status(reference)?;
        refusal_of(selector_of(reference))?;
        Ok(self.approval_code(reference, key))
    }

    /// The approval code of a payment that no issuer is asked for: from the balance (D12).
    pub(crate) fn without_issuer(&self, account: &str, key: &str) -> ApprovalCode {
        self.approval_code(&IssuerCardReference(account.into()), key)
    }

    /// Sets what is thought of a card from now on.
    pub(crate) fn set_status(&self, reference: &IssuerCardReference, status: CardStatus) {
        match status {
            CardStatus::Normal => {
                self.statuses.remove(reference);
            }
            CardStatus::Expired
            | CardStatus::Locked
            | CardStatus::Lost
            | CardStatus::Stolen
            | CardStatus::Pickup
            | CardStatus::NoFunds => {
                self.statuses.insert(reference.clone(), status);
                self.was_told.store(true, Ordering::Release);
            }
        }
    }

    /// What is thought of a card.
    pub(crate) fn status(&self, reference: &IssuerCardReference) -> CardStatus {
        let status = self.statuses.get(reference);
        status.map_or(CardStatus::Normal, |status| *status)
    }

    /// Every card whose status is not normal, for a snapshot.
    pub(crate) fn statuses(&self) -> Vec<(IssuerCardReference, CardStatus)> {
        self.statuses
            .iter()
            .map(|entry| (entry.key().clone(), *entry))
            .collect()
    }

    fn refusal_by_status(&self, reference: &IssuerCardReference) -> Result<(), IssuerRefusal> {
        if !self.was_told.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.statuses.get(reference).map(|status| *status) {
            None | Some(CardStatus::Normal) => Ok(()),
            Some(CardStatus::Expired) => Err(IssuerRefusal::ExpiredCard),
            Some(CardStatus::Locked) => Err(IssuerRefusal::LockedCard),
            Some(CardStatus::Lost) => Err(IssuerRefusal::LostCard),
            Some(CardStatus::Stolen) => Err(IssuerRefusal::StolenCard),
            Some(CardStatus::Pickup) => Err(IssuerRefusal::PickupCard),
            Some(CardStatus::NoFunds) => Err(IssuerRefusal::InsufficientFunds),
        }
    }

    /// Six letters and digits (DE38) that follow from seed, card and key.
    fn approval_code(&self, reference: &IssuerCardReference, key: &str) -> ApprovalCode {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let start = 0xcbf2_9ce4_8422_2325 ^ self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = |hash, bytes: &[u8]| {
            bytes.iter().fold(hash, |hash: u64, &byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        };
        let mut hash = mixed(start, reference.0.as_bytes());
        hash = mixed(mixed(hash, &[0]), key.as_bytes());
        // The low bits of this hash are its weakest: fold the high ones in.
        hash ^= hash >> 32;
        let mut code = [b'0'; 6];
        for letter in &mut code {
            *letter = ALPHABET.get((hash % 32) as usize).copied().unwrap_or(b'0');
            hash /= 32;
        }
        ApprovalCode(code)
    }
}

fn selector(card: &Pan) -> Option<u16> {
    let digits = card.expose();
    let before_check = digits.len().checked_sub(1)?;
    let zeros = digits.get(6..12)?;
    if zeros == "000000" {
        digits.get(12..before_check)?.parse().ok()
    } else {
        None
    }
}

fn refusal_of(selector: u16) -> Result<(), IssuerRefusal> {
    match TEST_CARDS.iter().find(|card| card.selector == selector) {
        Some(card) => Err(card.refusal),
        None => Ok(()),
    }
}

fn punctuality_of(selector: u16) -> Punctuality {
    let cards = UNPUNCTUAL_CARDS.iter();
    let card = cards.clone().find(|card| card.selector == selector);
    card.map_or(Punctuality::AtOnce, |card| card.punctuality)
}

/// The selector stands in the reference, so that the number need not be kept.
fn reference(selector: u16, fingerprint: Fingerprint) -> IssuerCardReference {
    // Eighty bits: no two cards of the sandbox share a name, and it takes little room.
    let number = u128::from_be_bytes(fingerprint.0) >> 48;
    IssuerCardReference(format!("{selector}-{number:020x}").into())
}

fn selector_of(reference: &IssuerCardReference) -> u16 {
    let reference = reference.0.as_str();
    let end = reference.as_bytes().iter().position(|&byte| byte == b'-');
    let selector = end.and_then(|end| reference.get(..end)?.parse().ok());
    selector.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Fingerprint = Fingerprint([3; 16]);

    fn with_check_digit(prefix: &str) -> String {
        (0..10)
            .map(|digit| format!("{prefix}{digit}"))
            .find(|number| Pan::parse(number.clone()).is_ok())
            .unwrap()
    }

    fn bind(issuer: &SandboxIssuer, prefix: &str) -> Result<IssuerCardReference, IssuerRefusal> {
        issuer.verification_debit(&Pan::parse(with_check_digit(prefix)).unwrap(), CARD)
    }

    #[test]
    fn every_row_of_test_cards_binds_and_then_declines() {
        let issuer = SandboxIssuer::new(1);
        for special in TEST_CARDS {
            let number = format!("411111000000{:03}", special.selector);
            let reference = bind(&issuer, &number).unwrap();
            assert_eq!(issuer.authorise(&reference, "k"), Err(special.refusal));
            let number = format!("411111000000{:03}", special.selector + AT_BIND);
            assert_eq!(bind(&issuer, &number), Err(special.refusal), "R38");
        }
        assert_eq!(
            bind(&issuer, "3056930000006").map(|reference| issuer.authorise(&reference, "k")),
            Ok(Err(IssuerRefusal::InsufficientFunds)),
            "fourteen digits leave one for the selector"
        );
    }

    #[test]
    fn any_other_card_is_approved_the_same_way_each_time() {
        let issuer = SandboxIssuer::new(1);
        let reference = bind(&issuer, "411111111111111").unwrap();
        let code = issuer.authorise(&reference, "k").unwrap();
        assert!(code.0.iter().all(u8::is_ascii_alphanumeric));
        assert_eq!(SandboxIssuer::new(1).authorise(&reference, "k"), Ok(code));
        assert_ne!(SandboxIssuer::new(2).authorise(&reference, "k"), Ok(code));
        assert_ne!(issuer.authorise(&reference, "l"), Ok(code));
    }

    #[test]
    fn a_status_holds_until_it_is_normal_again() {
        let issuer = SandboxIssuer::new(1);
        let reference = bind(&issuer, "411111111111111").unwrap();
        issuer.set_status(&reference, CardStatus::Stolen);
        assert_eq!(
            issuer.authorise(&reference, "k"),
            Err(IssuerRefusal::StolenCard)
        );
        assert_eq!(
            bind(&issuer, "411111111111111"),
            Err(IssuerRefusal::StolenCard)
        );
        issuer.set_status(&reference, CardStatus::Normal);
        assert!(issuer.authorise(&reference, "k").is_ok());
    }
}
