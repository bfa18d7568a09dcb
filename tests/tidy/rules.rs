//! Rules are a promise: R1 to R72 and D1 to D32 are each named by the code that enforces or tells
//! them, and by a test.
//!
//! `cargo test --test tidy every_rule -- --nocapture` prints where.

use crate::scan::{code_part, names_rule, test_part, tests_that_name};
use crate::{Source, files};

/// R1 to R72 and D1 to D32.
fn every_rule() -> impl Iterator<Item = String> {
    let rules = (1..=72).map(|number| format!("R{number}"));
    rules.chain((1..=32).map(|number| format!("D{number}")))
}

/// True for a file that holds nothing but tests.
fn is_test_file(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let in_tests = parts.iter().any(|part| {
        ["tests", "testing"].contains(part) || part.ends_with("_tests.rs") || *part == "tests.rs"
    });
    in_tests || name.ends_with("/testing.rs")
}

/// The code under a folder without its tests, and the contract.
fn code() -> Vec<Source> {
    let mut sources: Vec<Source> = files(&["server/src", "server/domain/src"], ".rs")
        .into_iter()
        .filter(|source| !is_test_file(&source.name))
        .map(|source| Source {
            text: code_part(&source.text).to_owned(),
            name: source.name,
        })
        .collect();
    sources.extend(files(&["proto"], ".proto"));
    sources
}

/// Every test, wherever it stands; not the checks of the house and not the load generator's report on
/// rules, which name rules to count them.
fn tests() -> Vec<Source> {
    let all = files(&["server", "tests", "loadgen"], ".rs").into_iter();
    let counting = [
        "tests/tidy",
        "loadgen/src/rules/",
        "loadgen/src/report/rules.rs",
    ];
    let counts = move |name: &str| counting.iter().any(|place| name.starts_with(place));
    all.filter(move |source| !counts(&source.name))
        .map(|source| Source {
            text: if is_test_file(&source.name) {
                source.text
            } else {
                test_part(&source.text).to_owned()
            },
            name: source.name,
        })
        .collect()
}

/// Where a rule is enforced or told: in the server's own code first.
fn where_in_code<'a>(rule: &str, code: &'a [Source]) -> Option<&'a str> {
    let named = |source: &&Source| names_rule(&source.text, rule);
    let in_order = ["server/domain/src/rules/", "server/domain/", "server/", ""];
    let found = in_order.iter().find_map(|place| {
        let mut there = code.iter().filter(|source| source.name.starts_with(place));
        there.find(named)
    });
    found.map(|source| &*source.name)
}

/// The test that bears a rule in its name, or else one whose text names it.
fn where_in_tests(rule: &str, tests: &[Source]) -> Option<String> {
    let by_name = tests.iter().find_map(|source| {
        let test = tests_that_name(&source.text, rule).into_iter().next()?;
        Some(format!("{}: {test}", source.name))
    });
    by_name.or_else(|| {
        let source = tests.iter().find(|source| names_rule(&source.text, rule))?;
        Some(source.name.clone())
    })
}

#[test]
fn every_rule_is_named_by_code_and_by_a_test() {
    let (code, tests) = (code(), tests());
    let mut missing = Vec::new();
    for rule in every_rule() {
        let (enforced, tested) = (where_in_code(&rule, &code), where_in_tests(&rule, &tests));
        println!(
            "{rule:4} {:52} {}",
            enforced.unwrap_or("-"),
            tested.as_deref().unwrap_or("-")
        );
        if enforced.is_none() {
            missing.push(format!("{rule} is named by no code"));
        }
        if tested.is_none() {
            missing.push(format!("{rule} is named by no test"));
        }
    }
    println!("{} rules, {} gaps", every_rule().count(), missing.len());
    crate::assert_none("enforce it, test it, name it", &missing);
}

#[test]
fn what_is_a_test_is_told_from_what_is_code() {
    for (name, expected) in [
        ("tests/e2e/bind.rs", true),
        ("server/domain/src/rules/bind_tests.rs", true),
        ("server/domain/src/rules/testing/wallet.rs", true),
        ("server/domain/tests/model.rs", true),
        ("server/src/settlement/testing.rs", true),
        ("server/src/grpc/bind.rs", false),
        ("server/domain/src/rules/bind.rs", false),
    ] {
        assert_eq!(is_test_file(name), expected, "{name}");
    }
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let sources = [
        source("server/src/a.rs", "// R71"),
        source("server/src/b.rs", "fn r7_is_tested() {} // R7"),
    ];
    assert_eq!(where_in_code("R7", &sources), Some("server/src/b.rs"));
    assert_eq!(where_in_code("R8", &sources), None);
}
