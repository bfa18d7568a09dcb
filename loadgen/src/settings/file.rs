//! Reading a plan file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::check::contradictions;
use super::fields::{SECTIONS, Settings};
use super::keys::{Keys, dotted};
use crate::preset::Preset;

/// Far more than a plan with every field and a comment to each.
const MOST_BYTES: u64 = 65_536;

/// What a plan file says, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct PlanFile {
    /// Its name.
    pub(crate) name: String,
    /// The preset that it starts from.
    pub(crate) preset: Option<Preset>,
    /// Its fields.
    pub(crate) settings: Settings,
    /// The line of each field that it has.
    pub(crate) lines: BTreeMap<String, usize>,
    /// Everything that is wrong with a field by itself, with file, line, field, value and the mend.
    pub(crate) mistakes: Vec<String>,
}

impl PlanFile {
    /// Forgets where those fields stand that something above the file says.
    pub(crate) fn forget_lines_of(&mut self, above: &Settings) {
        for line in above.lines() {
            self.lines.remove(&dotted(line.section, line.key));
        }
    }

    /// Everything that is wrong: with its own fields, and with what the whole settings that came of
    /// it say together.
    pub(crate) fn with_contradictions(self, settings: &Settings) -> Vec<String> {
        let mut mistakes = self.mistakes;
        let found = contradictions(settings, &self.lines);
        mistakes.extend(found.into_iter().map(|what| {
            if self.name.is_empty() {
                what
            } else {
                format!("{}: {what}", self.name)
            }
        }));
        mistakes
    }
}

/// Reads a plan file. The error is for one that cannot be read or is no TOML.
pub(crate) fn read(path: &Path) -> Result<PlanFile, Vec<String>> {
    let name = path.display().to_string();
    let text = read_bounded(path).map_err(|what| vec![format!("--plan {name}: {what}")])?;
    parse(name, &text)
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // A byte more than fits tells a file that is too long.
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("a plan file has at most {MOST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "a plan file is text in UTF-8".to_owned())
}

/// Reads the text of a file of that name.
pub(crate) fn parse(name: String, text: &str) -> Result<PlanFile, Vec<String>> {
    let mut keys = Keys::parse(&name, text, SECTIONS)?;
    match keys.take::<u64>("", "version") {
        Some(1) => {}
        Some(other) => keys.wrong(
            "version",
            &format!("= {other}: this program reads version 1"),
        ),
        // What is there and wrong was told.
        None if keys.has("version") => {}
        None => keys.wrong("version", "is missing: begin the file with version = 1"),
    }
    let preset = keys.take("", "preset");
    let settings = Settings::read(&mut keys);
    let (lines, mistakes) = keys.finish();
    Ok(PlanFile {
        name,
        preset,
        settings,
        lines,
        mistakes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, mistakes: &[&[&str]]) {
        let found = match parse("plan.toml".to_owned(), text) {
            Ok(file) => file.mistakes,
            Err(mistakes) => mistakes,
        };
        assert_eq!(found.len(), mistakes.len(), "{found:#?}");
        for (found, words) in found.iter().zip(mistakes) {
            for word in *words {
                assert!(found.contains(word), "no {word:?} in {found}");
            }
        }
    }

    #[test]
    fn every_mistake_is_told_with_file_line_field_value_and_mend() {
        check("version = 1\n", &[]);
        check("", &[&["plan.toml:1", "version", "version = 1"]]);
        check(
            "version = 2",
            &[&["plan.toml:1", "version = 2", "version 1"]],
        );
        check("version = \"one\"", &[&["version = one", "whole number"]]);
        check("version = 1\n[load\n", &[&["plan.toml:2"]]);
        check(
            "version = 1\nspeed = 3\n[cars]\n[load]\nraet = 5\nrate = 0\n[people]\naccounts = 0\n",
            &[
                &["plan.toml:2", "\"speed\"", "load, people, traffic"],
                &["plan.toml:3", "\"cars\""],
                &["plan.toml:5", "\"raet\"", "[load]", "rate, closed"],
                &["plan.toml:6", "load.rate = 0", "at least 0.001"],
                &["plan.toml:8", "people.accounts = 0", "from 1"],
            ],
        );
        check(
            "version = 1\nload = 5\npeople.seed = [1]\ntraffic.duplicates = \"150%\"",
            &[
                &["plan.toml:2", "[load]"],
                &["plan.toml:3", "people.seed", "number"],
                &["plan.toml:4", "traffic.duplicates = 150%", "percentage"],
            ],
        );
        check(
            "version = 1\npreset = \"rush-hour\"",
            &[&["plan.toml:2", "preset = rush-hour", "steady, lunch-rush"]],
        );
    }

    #[test]
    fn numbers_and_texts_are_read_alike() {
        let text = "version = 1\n[load]\nrate = 0.5\nduration = \"2m\"\n[traffic]\nduplicates = 0.25\n\
                    [people]\nseed = 0xff\n[checks]\nrules = true\n";
        let settings = parse(String::new(), text).unwrap().settings;
        let shown: Vec<String> = settings
            .lines()
            .into_iter()
            .map(|line| line.value)
            .collect();
        assert_eq!(shown, ["0.5", "\"120s\"", "255", "\"25%\"", "true"]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = read(Path::new("/nowhere/plan.toml")).unwrap_err();
        assert!(error[0].contains("/nowhere/plan.toml"), "{error:?}");
        let error = read(Path::new("/dev/zero")).unwrap_err();
        assert!(error[0].contains("65536"), "{error:?}");
    }
}
