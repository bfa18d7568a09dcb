//! The keys of a policy file, read one by one, so that every mistake is found, each with the
//! line that it is on.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue};

use super::values::{Expected, shown};

/// Every section with its keys. The first stands for the keys outside any section.
pub(super) const SECTIONS: [(&str, &[&str]); 14] = [
    ("", &["name", "effective_from", "effective_until"]),
    ("limits", &["single_fen", "month_fen", "year_fen"]),
    ("fee", &["rate", "waived_up_to_fen"]),
    ("cards", &["cap"]),
    (
        "password",
        &[
            "tries",
            "lock_seconds",
            "caller_wrong_per_minute",
            "token_valid_seconds",
        ],
    ),
    ("phone_code", &["valid_seconds", "resend_seconds", "tries"]),
    ("client", &["android", "ios", "google_play"]),
    ("passport", &["review"]),
    ("rollout", &["percent"]),
    ("settlement", &["after_days", "refund_restores_limit"]),
    ("quote", &["valid_seconds"]),
    ("payment_code", &["valid_seconds"]),
    (
        "issuer",
        &[
            "timeout_ms",
            "deadline_reserve_ms",
            "stand_in",
            "stand_in_single_fen",
            "stand_in_outstanding_fen",
        ],
    ),
    ("idempotency", &["most_keys"]),
];

/// More than there are keys. What goes on making mistakes after so many is no policy file.
const MOST_MISTAKES: usize = 40;

/// What happened to a key that the file has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Wrong,
    AsDefault,
    Differs,
}

/// A parsed file, and what was found wrong in it so far. Keys are dotted: `limits.single_fen`.
pub(super) struct Keys<'a> {
    source: &'a str,
    /// Where each line of the text ends.
    line_ends: Vec<usize>,
    table: DeTable<'a>,
    seen: BTreeMap<&'static str, (usize, State)>,
    mistakes: Vec<String>,
    /// Mistakes beyond those that are told.
    untold: usize,
}

impl<'a> Keys<'a> {
    /// Parses a text, whose mistakes are named after its source. One that is no TOML has nothing
    /// but its syntax to complain of.
    pub(super) fn parse(source: &'a str, text: &'a str) -> Result<Self, Vec<String>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut keys = Self {
            source,
            line_ends: text.match_indices('\n').map(|(at, _)| at).collect(),
            table: table.into_inner(),
            seen: BTreeMap::new(),
            mistakes: Vec::new(),
            untold: 0,
        };
        for error in errors {
            let line = keys.line(error.span().map_or(0, |span| span.start));
            keys.mistake(line, format_args!("{}", error.message().trim_end()));
        }
        if keys.mistakes.is_empty() {
            keys.refuse_unknown();
            Ok(keys)
        } else {
            Err(keys.into_mistakes())
        }
    }

    /// The value of a key, or the default where the file has none or a wrong one.
    pub(super) fn value<T: PartialEq>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&DeValue<'_>) -> Result<T, Expected>,
    ) -> T {
        let Some((value, at)) = self.find(key) else {
            return default;
        };
        let parsed = parse(value);
        let line = self.line(at);
        let (state, value) = match parsed {
            Ok(value) if value == default => (State::AsDefault, value),
            Ok(value) => (State::Differs, value),
            Err(expected) => {
                self.mistake(line, format_args!("{key} {expected}"));
                (State::Wrong, default)
            }
        };
        self.seen.insert(key, (line, state));
        value
    }

    /// The value of a key that holds a whole number.
    pub(super) fn number<T>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        default: T,
    ) -> T
    where
        T: PartialEq + TryFrom<i64>,
    {
        self.value(key, default, |value| {
            integer(value)
                .filter(|number| range.contains(number))
                .and_then(|number| T::try_from(number).ok())
                .ok_or_else(|| {
                    let (least, most) = (range.start(), range.end());
                    format!("must be a whole number from {least} to {most}")
                })
        })
    }

    /// True if the file has the key with a value that was refused.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        matches!(self.seen.get(key), Some((_, State::Wrong)))
    }

    /// Refuses two values that cannot both be meant, unless one of them is wrong by itself. Each
    /// is a key with what it says; the mend follows both.
    pub(super) fn contradiction(
        &mut self,
        one: (&'static str, &dyn Display),
        relation: &str,
        other: (&'static str, &dyn Display),
        mend: &str,
    ) {
        if self.is_wrong(one.0) || self.is_wrong(other.0) {
            return;
        }
        let [first, second] = [one.0, other.0].map(|key| self.seen.get(key).copied());
        let place = |seen: Option<(usize, State)>| match seen {
            Some((line, _)) => format!("line {line}"),
            None => "its default".to_owned(),
        };
        let line = first.or(second).map_or(1, |(line, _)| line);
        let (first, second) = (place(first), place(second));
        self.mistake(
            line,
            format_args!(
                "{} ({}, {first}) {relation} {} ({}, {second}){mend}",
                one.0, one.1, other.0, other.1
            ),
        );
    }

    /// Refuses changed values under the name of the policy that everybody knows, since every
    /// decision carries that name.
    pub(super) fn own_name(&mut self, name: &str, reserved: &str) {
        let changed = self
            .seen
            .iter()
            .find(|(key, (_, state))| **key != "name" && *state == State::Differs);
        if name != reserved {
            return;
        }
        if let Some((key, (line, _))) = changed {
            let (key, line) = (*key, *line);
            let named_at = self.seen.get("name").map_or(line, |(line, _)| *line);
            self.mistake(
                named_at,
                format_args!(
                    "name is \"{reserved}\", but {key} (line {line}) is not what that policy \
                     has: give this one a name of its own"
                ),
            );
        }
    }

    /// What was found wrong.
    pub(super) fn into_mistakes(mut self) -> Vec<String> {
        if self.untold > 0 {
            let more = format!("{}: and {} more", self.source, self.untold);
            self.mistakes.push(more);
        }
        self.mistakes
    }

    /// A value, and where its key stands in the text.
    fn find(&self, key: &str) -> Option<(&DeValue<'a>, usize)> {
        let (table, key) = match key.split_once('.') {
            Some((section, key)) => (self.table.get(section)?.get_ref().as_table()?, key),
            None => (&self.table, key),
        };
        let (name, value) = table.get_key_value(key)?;
        Some((value.get_ref(), name.span().start))
    }

    fn refuse_unknown(&mut self) {
        let mut found = Vec::new();
        let (root, sections) = (SECTIONS.first(), SECTIONS.get(1..).unwrap_or_default());
        for (name, value) in &self.table {
            let (word, at) = (name.get_ref().as_ref(), name.span().start);
            if root.is_some_and(|(_, keys)| keys.contains(&word)) {
                continue;
            }
            let Some((section, keys)) = sections.iter().find(|(section, _)| *section == word)
            else {
                found.push((at, format!("{} is no section or key here", shown(word))));
                continue;
            };
            let Some(table) = value.get_ref().as_table() else {
                found.push((
                    at,
                    format!("{section} must be a section: write [{section}]"),
                ));
                continue;
            };
            for (name, _) in table {
                let word = name.get_ref().as_ref();
                if !keys.contains(&word) {
                    let text = format!(
                        "{} is no key here; [{section}] has {}",
                        bare_or_shown(&format!("{section}.{word}")),
                        keys.join(", ")
                    );
                    found.push((name.span().start, text));
                }
            }
        }
        for (at, text) in found {
            let line = self.line(at);
            self.mistake(line, format_args!("{text}"));
        }
    }

    fn mistake(&mut self, line: usize, what: fmt::Arguments<'_>) {
        if self.mistakes.len() < MOST_MISTAKES {
            self.mistakes
                .push(format!("{}:{line}: {what}", self.source));
        } else {
            self.untold += 1;
        }
    }

    /// The line, counted from 1, of a place in the text.
    fn line(&self, at: usize) -> usize {
        1 + self.line_ends.partition_point(|end| *end < at)
    }
}

/// A key as it stands, if it could stand without quotes.
fn bare_or_shown(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if key.len() <= 60 && key.bytes().all(bare) {
        key.to_owned()
    } else {
        shown(key)
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
