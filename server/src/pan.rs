//! A card number while it is in memory: from the message to the issuer, and nowhere else (D28).

use secrecy::{ExposeSecret as _, SecretString};
use waika_domain::Malformed;
use waika_domain::card::{CardNumber, Scheme};

/// A primary account number (DE2) that parsed. Wiped when dropped; never printed.
#[derive(Debug)]
pub struct Pan {
    digits: SecretString,
    bin: u32,
    last_four: u16,
    scheme: Option<Scheme>,
    is_test: bool,
}

impl Pan {
    /// Takes a number as it was typed; spaces and hyphens are left out.
    pub(crate) fn parse(typed: String) -> Result<Self, Malformed> {
        let typed = SecretString::from(typed);
        // As long as what was typed, so that no shorter copy is left behind by growing.
        let mut digits = String::with_capacity(typed.expose_secret().len());
        let kept = typed.expose_secret().chars();
        digits.extend(kept.filter(|letter| !matches!(letter, ' ' | '-')));
        let digits = SecretString::from(digits);
        let number = CardNumber::parse(digits.expose_secret())?;
        let (bin, last_four) = (number.bin(), number.last_four());
        let (scheme, is_test) = (number.scheme(), number.is_test());
        Ok(Self {
            digits,
            bin,
            last_four,
            scheme,
            is_test,
        })
    }

    /// The digits themselves: secret.
    pub(crate) fn expose(&self) -> &str {
        self.digits.expose_secret()
    }

    /// The first six digits.
    pub(crate) fn bin(&self) -> u32 {
        self.bin
    }

    /// The last four digits.
    pub(crate) fn last_four(&self) -> u16 {
        self.last_four
    }

    /// The scheme by its first digits; None if it is not on the list (R17).
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// No bank has issued it: it is of the published test ranges (D26).
    pub(crate) fn is_test(&self) -> bool {
        self.is_test
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r4_a_card_number_is_not_printed() {
        let pan = Pan::parse("4111 1111-1111 1111".to_owned()).unwrap();
        assert_eq!((pan.bin(), pan.last_four()), (411_111, 1_111));
        assert_eq!(pan.expose(), "4111111111111111");
        assert!(!format!("{pan:?}").contains("4111111111"));
        assert!(Pan::parse("4111 1111 1111 1112".to_owned()).is_err());
    }
}
