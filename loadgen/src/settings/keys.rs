//! Pure: the keys of a plan file, read one by one, so that every mistake is found, each with the
//! line that it is on.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::setting::Setting;

/// A plan file that was parsed, and what was found wrong in it so far. Keys are dotted, such as
/// `load.rate`; the section of those outside any has no name.
pub(crate) struct Keys<'a> {
    file: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    lines: BTreeMap<String, usize>,
    mistakes: Vec<String>,
}

/// A section's name with those of its keys.
pub(crate) type Section = (&'static str, &'static [&'static str]);

impl<'a> Keys<'a> {
    /// Parses a text, whose mistakes are named after its file. A text that is no TOML has nothing
    /// but that to complain of.
    pub(crate) fn parse(
        file: &'a str,
        text: &'a str,
        sections: &[Section],
    ) -> Result<Self, Vec<String>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut keys = Self {
            file,
            text,
            table: table.into_inner(),
            lines: BTreeMap::new(),
            mistakes: Vec::new(),
        };
        for error in errors {
            let line = keys.line(error.span().map_or(0, |span| span.start));
            keys.mistake(line, error.message().trim_end());
        }
        if !keys.mistakes.is_empty() {
            return Err(keys.mistakes);
        }
        keys.refuse_unknown(sections);
        Ok(keys)
    }

    /// The value of a key; `None` if the file has none or a wrong one.
    pub(crate) fn take<T: Setting>(&mut self, section: &str, key: &str) -> Option<T> {
        let (value, at) = self.find(section, key)?;
        let text = text_of(value).or_else(|| list_of(value).filter(|_| T::IS_LIST).map(Cow::Owned));
        let read = match text {
            Some(text) => T::read(&text).map_err(|must| format!("{text}: {must}")),
            None => Err("must be a text, a number or a switch".to_owned()),
        };
        let (name, line) = (dotted(section, key), self.line(at));
        self.lines.insert(name.clone(), line);
        match read {
            Ok(value) => Some(value),
            Err(what) => {
                self.mistake(line, &format!("{name} = {what}"));
                None
            }
        }
    }

    /// Whether the file has a key that was asked for.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.lines.contains_key(key)
    }

    /// Notes something that is wrong with a key, or with the lack of it.
    pub(crate) fn wrong(&mut self, key: &str, what: &str) {
        let line = self.lines.get(key).copied().unwrap_or(1);
        self.mistake(line, &format!("{key} {what}"));
    }

    /// The line of each key that was taken, and what was found wrong.
    pub(crate) fn finish(self) -> (BTreeMap<String, usize>, Vec<String>) {
        (self.lines, self.mistakes)
    }

    /// A value, and where its key stands in the text.
    fn find(&self, section: &str, key: &str) -> Option<(&DeValue<'a>, usize)> {
        let table = match section {
            "" => &self.table,
            _ => self.table.get(section)?.get_ref().as_table()?,
        };
        let (name, value) = table.get_key_value(key)?;
        Some((value.get_ref(), name.span().start))
    }

    fn refuse_unknown(&mut self, sections: &[Section]) {
        let mut found = Vec::new();
        let keys_of = |wanted: &str| {
            let known = sections.iter().find(|(section, _)| *section == wanted);
            known.map(|(_, keys)| *keys)
        };
        let names: Vec<&str> = sections
            .iter()
            .map(|(section, _)| *section)
            .filter(|section| !section.is_empty())
            .collect();
        for (name, value) in &self.table {
            let (word, at) = (name.get_ref().as_ref(), name.span().start);
            if keys_of("").is_some_and(|keys| keys.contains(&word)) {
                continue;
            }
            let Some(keys) = keys_of(word).filter(|_| !word.is_empty()) else {
                let known = names.join(", ");
                let what = format!("{word:?} is no section or key here: the sections are {known}");
                found.push((at, what));
                continue;
            };
            let Some(table) = value.get_ref().as_table() else {
                found.push((at, format!("{word} must be a section: write [{word}]")));
                continue;
            };
            for (name, _) in table {
                let key = name.get_ref().as_ref();
                if !keys.contains(&key) {
                    let known = keys.join(", ");
                    let what = format!("{key:?} is no key here: [{word}] has {known}");
                    found.push((name.span().start, what));
                }
            }
        }
        found.sort();
        for (at, what) in found {
            let line = self.line(at);
            self.mistake(line, &what);
        }
    }

    fn mistake(&mut self, line: usize, what: &str) {
        self.mistakes.push(format!("{}:{line}: {what}", self.file));
    }

    /// The line, counted from 1, of a place in the text.
    fn line(&self, at: usize) -> usize {
        1 + self
            .text
            .get(..at)
            .map_or(0, |before| before.matches('\n').count())
    }
}

/// A key's name with its section's.
pub(crate) fn dotted(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// The strings of a list, with commas between them; `None` if it is no list of strings.
fn list_of(value: &DeValue<'_>) -> Option<String> {
    let texts = value.as_array()?.iter().map(|one| one.get_ref().as_str());
    Some(texts.collect::<Option<Vec<&str>>>()?.join(","))
}

/// What stands between a string's quotes, or what stands for a number or a switch; `None` for
/// anything that is no single value.
fn text_of<'v>(value: &'v DeValue<'_>) -> Option<Cow<'v, str>> {
    if let Some(text) = value.as_str() {
        Some(text.into())
    } else if let Some(number) = value.as_integer() {
        let whole = u64::from_str_radix(number.as_str(), number.radix());
        Some(whole.map_or_else(|_| number.as_str().into(), |whole| whole.to_string().into()))
    } else if let Some(number) = value.as_float() {
        Some(number.as_str().into())
    } else {
        let switch = value.as_bool()?;
        Some(switch.to_string().into())
    }
}
