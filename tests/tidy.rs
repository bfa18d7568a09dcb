//! Holds the house to its own rules: who may import whom, how long a file may be, that the
//! contract is commented, and that every rule which is built is named where it is enforced.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check that cannot read what it checks has failed"
)]

#[path = "tidy/metrics.rs"]
mod metrics;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/scan.rs"]
mod scan;
#[path = "tidy/supply.rs"]
mod supply;
#[path = "tidy/tables.rs"]
mod tables;

use std::path::{Path, PathBuf};

use scan::{
    expects_without_reason, lines_that_say, names_in_table, names_item, uncommented_declarations,
};

/// The most lines that a source file may have.
const LONGEST_FILE: usize = 400;

/// The only files of the server that know dashmap: each keeps its guards to itself.
const MAP_FILES: [&str; 9] = [
    "server/src/accounts.rs",
    "server/src/adjusted.rs",
    "server/src/bound_cards.rs",
    "server/src/idempotency/recent.rs",
    "server/src/issuer/sandbox.rs",
    "server/src/ledger/node/cache.rs",
    "server/src/ledger/node/pending.rs",
    "server/src/merchants.rs",
    "server/src/payment_codes.rs",
];

/// A file, named from the root of the project.
struct Source {
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files below some places whose name ends so, in the order of their names.
fn files(places: &[&str], ending: &str) -> Vec<Source> {
    let mut names = Vec::new();
    for place in places {
        collect(&root().join(place), ending, &mut names);
    }
    names.sort();
    names
        .iter()
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            Source {
                name: name.to_owned(),
                text: read(name),
            }
        })
        .collect()
}

fn collect(path: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), ending, found);
        }
    } else if path.to_str().is_some_and(|name| name.ends_with(ending)) {
        found.push(path.to_owned());
    }
}

fn all_rust() -> Vec<Source> {
    files(&["server", "loadgen", "tests", "proto", "build.rs"], ".rs")
}

/// Fails with every offence at once.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

/// Every line of code that says something where it is not allowed.
fn said_outside(sources: &[Source], words: &str, allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let outside = sources.iter().filter(|source| !allowed(&source.name));
    outside
        .flat_map(|source| {
            let lines = lines_that_say(&source.text, words);
            lines
                .into_iter()
                .map(|line| format!("{}:{line} says {words}", source.name))
        })
        .collect()
}

#[test]
fn the_domain_depends_on_nothing_but_decimals_errors_and_short_strings() {
    let manifest = read("server/domain/Cargo.toml");
    let names = names_in_table(&manifest, "[dependencies]");
    assert_eq!(names, ["compact_str", "rust_decimal", "thiserror"]);
}

#[test]
fn only_the_grpc_folder_knows_the_contract_s_types() {
    // What the server calls speaks the contract too, and it makes its messages where it calls.
    let places = [
        "server/src/grpc/",
        "server/src/serve",
        "server/src/partner/",
        "server/src/issuer/",
        "server/src/inspect/reconcile/books.rs",
    ];
    let allowed = |name: &str| places.iter().any(|place| name.starts_with(place));
    let server = files(&["server/src"], ".rs");
    assert_none(
        "only server/src/grpc, serve, and what calls partners may use the generated types",
        &said_outside(&server, "waika::", allowed),
    );
}

#[test]
fn only_the_grpc_folder_knows_grpc_statuses() {
    let offences: Vec<String> = files(&["server/src"], ".rs")
        .into_iter()
        .filter(|source| !source.name.starts_with("server/src/grpc/"))
        // The tests' own partners are servers. What calls them has a type of its own for failures.
        .filter(|source| source.name != "server/src/partner/testing.rs")
        .filter(|source| {
            ["Status", "Code"]
                .iter()
                .any(|item| names_item(&source.text, "tonic", item))
        })
        .map(|source| source.name)
        .collect();
    assert_none("a status is made in server/src/grpc", &offences);
}

#[test]
fn the_load_generator_and_the_server_never_meet() {
    let loadgen = files(&["loadgen/src"], ".rs");
    let server = files(&["server"], ".rs");
    let mut offences = said_outside(&loadgen, "waika_server", |_| false);
    offences.extend(said_outside(&loadgen, "waika_domain", |_| false));
    offences.extend(said_outside(&server, "waika_loadgen", |_| false));
    assert_none("they share the contract and nothing else", &offences);
}

#[test]
fn only_the_map_files_know_dashmap() {
    let server = files(&["server/src", "server/domain"], ".rs");
    let allowed = |name: &str| MAP_FILES.contains(&name);
    let offences = said_outside(&server, "dashmap", allowed);
    assert_none("a guard never leaves its file", &offences);
}

#[test]
fn only_clocks_read_the_clock() {
    let sources = files(&["server/src", "server/domain", "loadgen/src"], ".rs");
    let allowed = |name: &str| name.ends_with("/clock.rs");
    let mut offences = said_outside(&sources, "Instant::now", allowed);
    offences.extend(said_outside(&sources, "SystemTime::now", allowed));
    assert_none("time comes from clock.rs", &offences);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let offences: Vec<String> = all_rust()
        .iter()
        .map(|source| (&source.name, source.text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(name, lines)| format!("{name} has {lines} lines"))
        .collect();
    assert_none("cut it where its subject changes", &offences);
}

#[test]
fn everything_in_the_contract_has_a_comment() {
    let offences: Vec<String> = files(&["proto"], ".proto")
        .iter()
        .flat_map(|source| {
            uncommented_declarations(&source.text)
                .into_iter()
                .map(|line| format!("{}:{line}", source.name))
        })
        .collect();
    assert_none("needs a comment right above", &offences);
}

#[test]
fn nothing_is_left_for_later() {
    let mut sources = all_rust();
    sources.extend(files(&["proto"], ".proto"));
    let mut offences = Vec::new();
    // Written in two parts, so that this file does not say them.
    for words in [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["#[", "ignore"]] {
        let words = words.concat();
        for source in sources.iter().filter(|source| source.text.contains(&words)) {
            offences.push(format!("{} says {words}", source.name));
        }
    }
    assert_none("do it, or take it out", &offences);
}

#[test]
fn a_lint_is_suppressed_with_a_reason() {
    let sources = all_rust();
    let mut offences: Vec<String> = sources
        .iter()
        .flat_map(|source| {
            expects_without_reason(&source.text)
                .into_iter()
                .map(|line| format!("{}:{line} gives no reason", source.name))
        })
        .collect();
    let allowed = |name: &str| name == "proto/lib.rs";
    for hash in ["#[", "#!["] {
        offences.extend(said_outside(&sources, &format!("{hash}allow("), allowed));
    }
    assert_none(
        "expect, with a reason; allow only generated code",
        &offences,
    );
}

#[test]
fn what_is_said_outside_is_found() {
    let source = |name: &str| Source {
        name: name.to_owned(),
        text: "use dashmap::DashMap; // R7".to_owned(),
    };
    let sources = [source("a.rs"), source("b.rs")];
    let offences = said_outside(&sources, "dashmap", |name| name == "a.rs");
    assert_eq!(offences, ["b.rs:1 says dashmap"]);
}
