//! Pure: the schemes that cards belong to, and how a population's cards are shared out among them.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use waika::v1::Scheme;

/// The scheme of a card (R35). One byte, for every payer carries one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CardScheme {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// Diners Club International.
    DinersClub,
    /// Discover.
    Discover,
    /// JCB.
    Jcb,
}

impl CardScheme {
    /// All of them, in the contract's order.
    pub(crate) const ALL: [Self; 5] = [
        Self::Visa,
        Self::Mastercard,
        Self::DinersClub,
        Self::Discover,
        Self::Jcb,
    ];

    /// Its name on the command line and in reports.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::DinersClub => "diners_club",
            Self::Discover => "discover",
            Self::Jcb => "jcb",
        }
    }

    /// Its number on the wire.
    pub(crate) fn wire(self) -> Scheme {
        match self {
            Self::Visa => Scheme::Visa,
            Self::Mastercard => Scheme::Mastercard,
            Self::DinersClub => Scheme::DinersClub,
            Self::Discover => Scheme::Discover,
            Self::Jcb => Scheme::Jcb,
        }
    }
}

/// What parts of a population's accounts have cards of which scheme. Parts are relative to their
/// sum; no scheme is named twice, and at least one part is not zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shares(Vec<(CardScheme, u32)>);

impl Shares {
    /// The scheme of one account after the other, without end. However many are taken, each scheme
    /// has its share of them to within one account or so: schemes alternate and come in no blocks.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = CardScheme> {
        let total: i64 = self.0.iter().map(|(_, parts)| i64::from(*parts)).sum();
        let mut owed: Vec<(CardScheme, i64, i64)> = self
            .0
            .iter()
            .map(|&(scheme, parts)| (scheme, i64::from(parts), 0))
            .collect();
        std::iter::from_fn(move || {
            for (_, parts, owed) in &mut owed {
                *owed += *parts;
            }
            let (scheme, _, most) = owed
                .iter_mut()
                .filter(|(_, parts, _)| *parts > 0)
                // Of equals the last is taken, which is the first that was named.
                .rev()
                .max_by_key(|(_, _, owed)| *owed)?;
            *most -= total;
            Some(*scheme)
        })
    }
}

impl Shares {
    /// Which part of the accounts has a card of this scheme, 0 to 1.
    pub(crate) fn share_of(&self, wanted: CardScheme) -> f64 {
        let sum = |is_one: &dyn Fn(CardScheme) -> bool| -> u64 {
            let some = self.0.iter().filter(|(scheme, _)| is_one(*scheme));
            some.map(|(_, parts)| u64::from(*parts)).sum()
        };
        crate::figures::share(sum(&|scheme| scheme == wanted), sum(&|_| true))
    }
}

impl Display for Shares {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        for (place, (scheme, parts)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(to, "{comma}{}={parts}", scheme.label())?;
        }
        Ok(())
    }
}

impl FromStr for Shares {
    type Err = String;

    /// Reads `visa=50,jcb=50`. A scheme without a number has one part.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut shares = Vec::new();
        for share in text.split(',') {
            let (name, parts) = share.split_once('=').unwrap_or((share, "1"));
            let scheme = named(name)?;
            if shares.iter().any(|(known, _)| *known == scheme) {
                return Err(format!("names {name} twice"));
            }
            shares.push((scheme, parts_of(name, parts)?));
        }
        if shares.iter().all(|(_, parts)| *parts == 0) {
            return Err("must give at least one scheme a part".to_owned());
        }
        Ok(Self(shares))
    }
}

fn named(name: &str) -> Result<CardScheme, String> {
    let found = CardScheme::ALL
        .into_iter()
        .find(|scheme| scheme.label() == name);
    found.ok_or_else(|| {
        let known = CardScheme::ALL.map(CardScheme::label).join(", ");
        format!("{name:?} is no scheme: write shares such as visa=50,jcb=50, of {known}")
    })
}

fn parts_of(name: &str, text: &str) -> Result<u32, String> {
    const MOST: u32 = 1_000_000;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.parse().ok().filter(|parts| *parts <= MOST);
    parts.filter(|_| is_number).ok_or_else(|| {
        format!(
            "{name}={text}: a share must be a whole number from 0 to {MOST}, without a sign or %"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_written_alike() {
        let check = |text: &str, written: &str| {
            let shares = text.parse::<Shares>().unwrap();
            assert_eq!(shares.to_string(), written);
            assert_eq!(written.parse::<Shares>(), Ok(shares));
        };
        check("visa=50,jcb=50", "visa=50,jcb=50");
        check("visa", "visa=1");
        check("diners_club,discover=2", "diners_club=1,discover=2");
        check("mastercard=1000000,visa=0", "mastercard=1000000,visa=0");
    }

    #[test]
    fn what_is_no_share_is_named_with_the_mend() {
        let check = |text: &str, words: &[&str]| {
            let error = text.parse::<Shares>().unwrap_err();
            for word in words {
                assert!(error.contains(word), "{text}: no {word:?} in {error}");
            }
        };
        check("", &["no scheme", "visa=50,jcb=50"]);
        check("amex=50", &["\"amex\"", "diners_club", "jcb"]);
        check("Visa=50", &["\"Visa\"", "visa"]);
        check("visa=50,", &["no scheme"]);
        check("visa=50,visa=1", &["visa twice"]);
        check("visa=0,jcb=0", &["at least one"]);
        for bad in ["visa=", "visa=-1", "visa=+1", "visa=50%", "visa=1000001"] {
            check(bad, &[bad, "whole number"]);
        }
    }

    #[test]
    fn any_number_of_accounts_has_its_shares() {
        let check = |text: &str, expected: &[(CardScheme, f64)]| {
            let shares: Shares = text.parse().unwrap();
            for accounts in [1_u32, 2, 3, 10, 99, 1_000] {
                let taken: Vec<CardScheme> = shares
                    .in_turn()
                    .take(usize::try_from(accounts).unwrap())
                    .collect();
                let mut counted = 0;
                for (scheme, share) in expected {
                    let count = taken.iter().filter(|taken| *taken == scheme).count();
                    let wanted = share * f64::from(accounts);
                    let off = f64::from(u32::try_from(count).unwrap()) - wanted;
                    assert!(off.abs() < 1.0, "{text}: {count} for {wanted} {scheme:?}");
                    counted += count;
                }
                assert_eq!(counted, taken.len(), "{text}: others came too");
            }
        };
        check("jcb", &[(CardScheme::Jcb, 1.0)]);
        check(
            "visa=50,jcb=50",
            &[(CardScheme::Visa, 0.5), (CardScheme::Jcb, 0.5)],
        );
        check(
            "visa=9,discover=1,jcb=0",
            &[(CardScheme::Visa, 0.9), (CardScheme::Discover, 0.1)],
        );
    }

    #[test]
    fn every_scheme_is_the_contracts() {
        for scheme in CardScheme::ALL {
            let name = scheme.wire().as_str_name();
            let expected = format!("SCHEME_{}", scheme.label().to_uppercase());
            assert_eq!(name, expected);
        }
    }
}
