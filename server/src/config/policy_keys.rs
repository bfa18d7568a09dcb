//! The keys of a policy file, read one by one, so that every mistake is found, each with the
//! line that it is on.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue};

use super::values::{Expected, shown};

/// Every section with its keys. The first stands for the keys outside any section.
const SECTIONS: [(&str, &[&str]); 11] = [
    ("", &["name"]),
    ("limits", &["single_fen", "month_fen", "year_fen"]),
    ("fee", &["rate", "waived_up_to_fen"]),
    ("cards", &["cap"]),
    ("password", &["tries", "lock_seconds"]),
    ("phone_code", &["valid_seconds", "resend_seconds", "tries"]),
    ("client", &["android", "ios", "google_play"]),
    ("passport", &["review"]),
    ("rollout", &["percent"]),
    ("settlement", &["after_days"]),
    ("quote", &["valid_seconds"]),
];

/// What happened to a key that the file has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Wrong,
    AsDefault,
    Differs,
}

/// A parsed file, and what was found wrong in it so far. Keys are dotted: `limits.single_fen`.
pub(super) struct Keys<'a> {
    file: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    seen: BTreeMap<&'static str, (usize, State)>,
    mistakes: Vec<String>,
}

impl<'a> Keys<'a> {
    /// Parses the file. One that is no TOML has nothing but its syntax to complain of.
    pub(super) fn parse(file: &'a str, text: &'a str) -> Result<Self, Vec<String>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut keys = Self {
            file,
            text,
            table: table.into_inner(),
            seen: BTreeMap::new(),
            mistakes: Vec::new(),
        };
        for error in errors {
            let line = keys.line(error.span().map_or(0, |span| span.start));
            keys.mistake(line, format_args!("{}", error.message().trim_end()));
        }
        if keys.mistakes.is_empty() {
            keys.refuse_unknown();
            Ok(keys)
        } else {
            Err(keys.mistakes)
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

    /// Refuses a first amount above a second one, unless one of them is wrong by itself.
    pub(super) fn in_order(&mut self, lower: (&'static str, i64), upper: (&'static str, i64)) {
        let wrong = |key| matches!(self.seen.get(key), Some((_, State::Wrong)));
        if lower.1 <= upper.1 || wrong(lower.0) || wrong(upper.0) {
            return;
        }
        let place = |key| match self.seen.get(key) {
            Some((line, _)) => format!("line {line}"),
            None => "its default".to_owned(),
        };
        let text = format!(
            "{} ({}, {}) is above {} ({}, {}): lower the one or raise the other",
            lower.0,
            lower.1,
            place(lower.0),
            upper.0,
            upper.1,
            place(upper.0)
        );
        let first_seen = [lower.0, upper.0]
            .into_iter()
            .find_map(|key| self.seen.get(key));
        let line = first_seen.map_or(1, |(line, _)| *line);
        self.mistake(line, format_args!("{text}"));
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
    pub(super) fn into_mistakes(self) -> Vec<String> {
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
                        "{section}.{word} is no key here; [{section}] has {}",
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

    fn mistake(&mut self, line: usize, what: std::fmt::Arguments<'_>) {
        self.mistakes.push(format!("{}:{line}: {what}", self.file));
    }

    /// The line, counted from 1, of a place in the text.
    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        1 + before.matches('\n').count()
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
