//! Names that operators have written down elsewhere: the server's variables (a flag has the name of its variable) and
//! its metrics. Each release's are kept in `tests/contract/names`; one that is gone must be told in the changelog.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::papers::{CHANGELOG, sections};
use crate::releases::{releases, written};
use crate::{assert_none, place, read};

/// Where the names of releases are kept.
pub(crate) const FOLDER: &str = "tests/contract/names";
/// For tests and measurements, and in no help.
const HIDDEN: [&str; 2] = ["WAIKA_PREFACE_TIMEOUT", "WAIKA_SEGMENT_BYTES"];
/// Literals that look like a metric and are none: a crate, and a function of an export's database.
const NO_METRICS: [&str; 2] = ["waika_server", "waika_fen"];

/// Variables and metrics of the server as it is, one a line.
pub(crate) fn names() -> String {
    let mut found = BTreeSet::new();
    for (folder, prefix) in [("server/src/config", "WAIKA_"), ("server/src", "waika_")] {
        sources(&place(folder), &mut |text| {
            found.extend(literals(text, prefix).map(str::to_owned));
        });
    }
    for other in HIDDEN.iter().chain(&NO_METRICS) {
        assert!(
            found.remove(*other),
            "{other} is not there any more: take it out here"
        );
    }
    let lines: Vec<_> = found.into_iter().collect();
    lines.join("\n") + "\n"
}

/// Every source below a folder but those of faults that are planted for tests.
fn sources(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let is_source = path.extension().is_some_and(|end| end == "rs");
        if path.is_dir() {
            sources(&path, look);
        } else if is_source && name.is_some_and(|name| !name.starts_with("planted")) {
            look(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The string literals that begin so and hold nothing but a name.
fn literals<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let parts = text.split('"').skip(1);
    parts.filter(move |part| {
        part.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(of_a_name))
    })
}

/// The names of a release that are gone, and that nobody is told of.
fn untold<'a>(kept: &'a str, now: &str, changelog: &str) -> Vec<&'a str> {
    let now: BTreeSet<_> = now.lines().collect();
    let gone = kept.lines().filter(|name| !now.contains(name));
    gone.filter(|name| !changelog.contains(&format!("`{name}`")))
        .collect()
}

#[test]
fn variables_and_metrics_of_a_release_are_there_or_told_to_be_gone() {
    let (now, changelog) = (names(), read(CHANGELOG));
    let told: Vec<_> = sections(&changelog).iter().map(|(_, text)| *text).collect();
    for (place, release) in releases().iter().rev().enumerate() {
        let version = written(release.version);
        let kept = read(&format!("{FOLDER}/{version}.txt"));
        // What went between that release and now stands in a section above its own.
        let since = told[..=place].concat();
        let offences: Vec<_> = untold(&kept, &now, &since)
            .into_iter()
            .map(|name| format!("{name} was in {version} and is gone"))
            .collect();
        assert_none(
            "keep it, or say under Removed in server/docs/changelog.md what it was",
            &offences,
        );
    }
}

#[test]
fn a_name_that_is_gone_is_found() {
    let text = r#"a("waika_calls_total", "waika_", "waika calls") + "WAIKA_STORE" + "waika_x y""#;
    let found: Vec<_> = literals(text, "waika_").collect();
    assert_eq!(found, ["waika_calls_total"]);
    assert_eq!(
        literals(text, "WAIKA_").collect::<Vec<_>>(),
        ["WAIKA_STORE"]
    );
    let kept = "WAIKA_A\nWAIKA_B\nwaika_c\n";
    assert_eq!(
        untold(kept, "WAIKA_A\nWAIKA_NEW\n", "- `WAIKA_B`, gone"),
        ["waika_c"]
    );
}
