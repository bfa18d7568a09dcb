//! What is written about the contract agrees with it: `server/docs/changelog.md` and
//! `server/docs/compatibility.md`.

use std::fmt::Write as _;

use prost_types::{EnumOptions, EnumValueOptions, MessageOptions, MethodOptions, ServiceOptions};

use crate::finding::Rule;
use crate::index::{Index, joined};
use crate::releases::{Version, releases, version, written};
use crate::{assert_none, contract, place, read};

pub(crate) const CHANGELOG: &str = "server/docs/changelog.md";
const POLICY: &str = "server/docs/compatibility.md";
const RETRIES: &str = "server/docs/retries.md";

/// What comes between a changelog's heading and the next one, and the heading.
pub(crate) fn sections(changelog: &str) -> Vec<(&str, &str)> {
    let sections = changelog.split("\n## ").skip(1);
    sections
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
        .collect()
}

/// A heading such as `[1.2.3] - 2026-12-02`.
fn released(heading: &str) -> Option<Version> {
    let (name, date) = heading.strip_prefix('[')?.split_once("] - ")?;
    let parts: Vec<_> = date.split('-').map(str::len).collect();
    let is_date = date.chars().all(|c| c.is_ascii_digit() || c == '-') && parts == [4, 2, 2];
    version(name).filter(|_| is_date)
}

/// Services and RPCs by their names within the package.
fn calls(index: &Index<'_>) -> Vec<String> {
    let mut calls = Vec::new();
    for service in index.services.values() {
        calls.push(service.item.name().to_owned());
        let methods = service.item.method.iter();
        calls.extend(methods.map(|method| joined(service.item.name(), method.name())));
    }
    calls
}

/// The relative paths that a document names in backticks or links.
fn paths(document: &str) -> impl Iterator<Item = &str> {
    let words = document.split(['`', '(', ')', ' ', '\n', ',']);
    let endings = [".rs", ".sh", ".py", ".json", ".proto", ".toml", ".mjs"];
    words.filter(move |word| {
        word.contains('/')
            && !word.contains(['*', ':', '<'])
            && endings.iter().any(|ending| word.ends_with(ending))
    })
}

/// What stands between two marks.
fn marked<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = document.split_once(&format!("<!-- {name}:begin -->\n"))?;
    let (block, _) = after.split_once(&format!("<!-- {name}:end -->"))?;
    Some(block)
}

#[test]
fn the_changelog_has_the_releases_that_are_kept_and_what_is_not_released() {
    let changelog = read(CHANGELOG);
    let mut sections = sections(&changelog).into_iter();
    let first = sections.next().map(|(heading, _)| heading);
    assert_eq!(first, Some("[Unreleased]"), "{CHANGELOG}");
    let told: Vec<_> = sections
        .map(|(heading, _)| {
            let version = released(heading);
            version.unwrap_or_else(|| panic!("{CHANGELOG}: {heading} is not [1.2.3] - 2026-12-02"))
        })
        .map(written)
        .collect();
    let mut kept: Vec<_> = releases().iter().map(|r| written(r.version)).collect();
    kept.reverse();
    assert_eq!(told, kept, "{CHANGELOG} and proto/released, newest first");
    let workspace = version(env!("CARGO_PKG_VERSION"));
    let newest = kept.first().and_then(|newest| version(newest));
    assert!(workspace >= newest, "Cargo.toml is older than {newest:?}");
}

#[test]
fn what_is_new_or_deprecated_in_the_contract_is_in_the_changelog() {
    let (now, changelog) = (contract(), read(CHANGELOG));
    let unreleased = sections(&changelog).first().map_or("", |(_, text)| *text);
    let releases = releases();
    let newest = &releases.last().unwrap().set;
    let (before, after) = (Index::of(newest), Index::of(&now));
    let old = calls(&before);
    let mut offences: Vec<_> = calls(&after)
        .into_iter()
        .filter(|call| !old.contains(call) && !unreleased.contains(&format!("`{call}`")))
        .map(|call| format!("`{call}` is new"))
        .collect();
    let (old, new) = (deprecated(&before), deprecated(&after));
    let new = new.into_iter().filter(|name| !old.contains(name));
    let untold = new.filter(|name| !unreleased.contains(&format!("`{name}`")));
    offences.extend(untold.map(|name| format!("`{name}` is newly deprecated")));
    assert_none(
        "say so under Unreleased in server/docs/changelog.md",
        &offences,
    );
}

/// Everything that is announced to go, by its name within the package.
fn deprecated(index: &Index<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |is_announced: bool, name: String| found.extend(is_announced.then_some(name));
    for service in index.services.values().map(|placed| placed.item) {
        let options = service.options.as_ref();
        add(
            options.is_some_and(ServiceOptions::deprecated),
            service.name().to_owned(),
        );
        for rpc in &service.method {
            let options = rpc.options.as_ref();
            let name = joined(service.name(), rpc.name());
            add(options.is_some_and(MethodOptions::deprecated), name);
        }
    }
    for message in index.messages.values().map(|placed| placed.item) {
        let options = message.options.as_ref();
        add(
            options.is_some_and(MessageOptions::deprecated),
            message.name().to_owned(),
        );
        for field in &message.field {
            let name = joined(message.name(), field.name());
            add(crate::fields::is_deprecated(field), name);
        }
    }
    for item in index.enums.values().map(|placed| placed.item) {
        let options = item.options.as_ref();
        add(
            options.is_some_and(EnumOptions::deprecated),
            item.name().to_owned(),
        );
        for value in &item.value {
            let options = value.options.as_ref();
            add(
                options.is_some_and(EnumValueOptions::deprecated),
                value.name().to_owned(),
            );
        }
    }
    found
}

#[test]
fn the_policy_tells_every_rule_of_the_check() {
    let mut table =
        "| what must not change | `buf breaking` calls it | instead |\n|---|---|---|\n".to_owned();
    for rule in Rule::ALL {
        let of_buf = rule.of_buf().iter().map(|name| format!("`{name}`"));
        let of_buf: Vec<_> = of_buf.collect();
        let (what, of_buf, mend) = (rule.what(), of_buf.join(", "), rule.mend());
        writeln!(table, "| {what} | {of_buf} | {mend} |").unwrap();
    }
    let policy = read(POLICY);
    let found = marked(&policy, "contract-rules").unwrap_or_default();
    assert!(
        found == table,
        "{POLICY}, between the marks of contract-rules, should be:\n\n{table}"
    );
}

#[test]
fn the_tests_that_keep_promises_are_there() {
    for document in [POLICY, RETRIES, CHANGELOG] {
        let text = read(document);
        let missing: Vec<_> = paths(&text)
            .filter(|path| !place(path).exists() && !place("server/docs").join(path).exists())
            .map(|path| format!("{document} names {path}"))
            .collect();
        assert_none("no such file", &missing);
    }
    assert!(paths(&read(POLICY)).count() > 10, "{POLICY} names no tests");
}

#[test]
fn a_heading_and_a_path_are_told_from_other_words() {
    for (heading, expected) in [
        ("[0.1.0] - 2026-12-02", Some([0, 1, 0])),
        ("[0.1.0]", None),
        ("[0.1] - 2026-12-02", None),
        ("[0.1.0] - 2.12.2026", None),
        ("0.1.0 - 2026-12-02", None),
    ] {
        assert_eq!(released(heading), expected, "{heading}");
    }
    let text = "see `tests/a.rs`, [b](../b.py) and `c.rs`, or `d/e`";
    assert_eq!(paths(text).collect::<Vec<_>>(), ["tests/a.rs", "../b.py"]);
    let changelog = "# C\n\n## [Unreleased]\n\nx\n\n## [0.1.0] - 2026-12-02\n";
    assert_eq!(sections(changelog)[0], ("[Unreleased]", "\nx\n"));
}
