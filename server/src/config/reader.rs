//! Reads what clap gathered, and remembers every mistake instead of stopping at the first.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::flags;
use super::moving::PLACES;
use super::values::{Expected, shown};

/// The values of one command, with the mistakes found in them.
pub(super) struct Reader<'a> {
    matches: &'a ArgMatches,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(matches: &'a ArgMatches) -> Self {
        Self {
            matches,
            mistakes: Vec::new(),
        }
    }

    /// The text as given, or its default.
    pub(super) fn text(&self, flag: &str) -> Option<&'a str> {
        let text = self.matches.try_get_one::<String>(flag).ok().flatten();
        text.map(String::as_str)
    }

    /// Somebody has set it: it does not have its default.
    pub(super) fn is_given(&self, flag: &str) -> bool {
        let source = self.matches.value_source(flag);
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    }

    /// The value of a flag that has a default. Nothing if it is wrong, which is then a mistake.
    pub(super) fn read<T>(
        &mut self,
        flag: &str,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        let text = self.text(flag)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.mistake(flag, format_args!("{} {expected}", shown(text)));
                None
            }
        }
    }

    /// The value of a flag that has no default text.
    pub(super) fn read_or<T>(
        &mut self,
        flag: &str,
        absent: T,
        parse: impl FnOnce(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        if self.text(flag).is_some() {
            self.read(flag, parse)
        } else {
            Some(absent)
        }
    }

    /// Every value of a flag that may be given more than once. Values hold no spaces, and stand
    /// between them where several come as one, as in a variable.
    pub(super) fn read_each<T>(
        &mut self,
        flag: &str,
        parse: impl Fn(&str) -> Result<T, Expected>,
    ) -> Option<Vec<T>> {
        let given = self.matches.try_get_many::<String>(flag).ok().flatten();
        let given: Vec<_> = given.into_iter().flatten().collect();
        let texts = given.iter().flat_map(|text| match text.trim() {
            // No value is a mistake, and not as if the flag were absent.
            "" => vec![""],
            text => text.split_whitespace().collect(),
        });
        let (mut values, mut is_whole) = (Vec::new(), true);
        for text in texts {
            match parse(text) {
                Ok(value) => values.push(value),
                Err(expected) => {
                    self.mistake(flag, format_args!("{} {expected}", shown(text)));
                    is_whole = false;
                }
            }
        }
        is_whole.then_some(values)
    }

    /// Notes a mistake under the name that the caller used.
    pub(super) fn mistake(&mut self, flag: &str, what: impl std::fmt::Display) {
        let line = format!("{}: {what}", self.name(flag));
        self.mistakes.push(line);
    }

    /// Notes mistakes that name their own place.
    pub(super) fn mistakes(&mut self, mistakes: impl IntoIterator<Item = String>) {
        self.mistakes.extend(mistakes);
    }

    /// The flag, or the variable if that is where the value is from.
    pub(super) fn name(&self, flag: &str) -> String {
        if PLACES.contains(&flag) {
            return flag.to_owned();
        }
        let from_variable = self.matches.value_source(flag) == Some(ValueSource::EnvVariable);
        let variable = flags::all()
            .find(|known| from_variable && known.name == flag)
            .map(|known| known.variable.to_owned());
        variable.unwrap_or_else(|| format!("--{flag}"))
    }

    /// All mistakes, in the order in which they were found.
    pub(super) fn into_mistakes(self) -> Vec<String> {
        self.mistakes
    }
}
