//! Pure: which rules a run has exercised, and which never.
//!
//! The catalogue has every rule of the guide (R1 to R72) and every decision where the guide is silent
//! (D1 to D32). Each has a function that counts, in a [`Tally`] of what a run did, the requests whose
//! answers depended on it.
//!
//! What asks for something (a verified wallet, a listed document) is exercised by whoever fulfils it
//! and by whoever is refused for it. What forbids something is exercised only by whoever tries it. A
//! bound is exercised where an answer tells of it, or where it is reached. So a rule that this
//! generator cannot reach counts nothing, however many requests pass it by.

mod binding;
mod calls;
mod decisions;
mod paying;
mod provisioned;
mod tally;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use self::calls::Said;
pub(crate) use self::provisioned::Provisioned;
pub(crate) use self::tally::{Paid, Tally};

/// One rule of the catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// `R1` to `R72`, `D1` to `D32`.
    pub(crate) id: &'static str,
    /// What it is about, in a few words.
    pub(crate) name: &'static str,
    /// Of which kind it is.
    pub(crate) kind: Kind,
    /// What is counted; where nothing can be, why.
    pub(crate) how: &'static str,
    count: fn(&Tally) -> u64,
}

/// What a rule is like. Two have two natures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Kind {
    /// Something is checked.
    #[serde(rename = "V")]
    Validation,
    /// Something goes on in steps.
    #[serde(rename = "S")]
    State,
    /// A number.
    #[serde(rename = "N")]
    Number,
    /// What must never be told, or must be kept.
    #[serde(rename = "P")]
    Privacy,
    /// A text, of which no answer depends.
    #[serde(rename = "I")]
    Information,
    /// A check against a number.
    #[serde(rename = "V/N")]
    ValidationOfNumber,
    /// A number that is told.
    #[serde(rename = "N/I")]
    NumberAndInformation,
    /// A decision where the guide says nothing.
    #[serde(rename = "D")]
    Decision,
}

impl Rule {
    /// How many requests of a run exercised it.
    pub(crate) fn count(&self, tally: &Tally) -> u64 {
        (self.count)(tally)
    }
}

/// The rules of the guide, in their order.
pub(crate) fn guide() -> impl Iterator<Item = &'static Rule> {
    binding::RULES.iter().chain(&paying::RULES)
}

/// The decisions where it is silent, in their order.
pub(crate) fn decisions() -> impl Iterator<Item = &'static Rule> {
    decisions::RULES.iter()
}

/// A rule that is exercised by what `count` counts.
const fn rule(
    id: &'static str,
    name: &'static str,
    kind: Kind,
    how: &'static str,
    count: fn(&Tally) -> u64,
) -> Rule {
    Rule {
        id,
        name,
        kind,
        how,
        count,
    }
}

/// A rule of which no answer to this generator can tell.
const fn untold(id: &'static str, name: &'static str, kind: Kind, why: &'static str) -> Rule {
    rule(id, name, kind, why, |_| 0)
}

/// A rule that only informs.
const fn text(id: &'static str, name: &'static str) -> Rule {
    untold(id, name, Kind::Information, "information for people")
}
