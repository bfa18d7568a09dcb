//! What the binaries are made of: no unsafe code of ours, and a licence of every crate.

use crate::scan::lines_that_say;
use crate::{all_rust, assert_none, files, read};

/// An allocator that counts, in a bench: it is in no binary.
const UNSAFE_FILE: &str = "tests/guard/counting.rs";

#[test]
fn no_code_of_ours_is_unsafe() {
    let mut offences = Vec::new();
    for source in all_rust() {
        // Not the name of the lint, nor a word of a style sheet's policy.
        let said = lines_that_say(&source.text, "unsafe ");
        let said = said.into_iter().filter(|_| source.name != UNSAFE_FILE);
        let this = file!();
        offences.extend(
            said.filter(|_| source.name != this)
                .map(|line| format!("{}:{line} is unsafe", source.name)),
        );
    }
    assert_none("write it safely", &offences);
}

#[test]
fn every_crate_of_ours_names_its_licence_and_forbids_unsafe_code() {
    let root = read("Cargo.toml");
    for said in ["license = \"Apache-2.0\"", "unsafe_code = \"deny\""] {
        assert!(root.contains(said), "Cargo.toml does not say {said}");
    }
    let mut offences = Vec::new();
    for manifest in files(&["server", "loadgen", "Cargo.toml"], "Cargo.toml") {
        let licence = ["license.workspace = true", "license = \"Apache-2.0\""];
        let lints = ["[lints]\nworkspace = true", "unsafe_code = \"forbid\""];
        for one_of in [licence, lints] {
            if !one_of.iter().any(|said| manifest.text.contains(said)) {
                offences.push(format!("{} does not say {}", manifest.name, one_of[0]));
            }
        }
    }
    assert_none("as all others do", &offences);
}

/// What a build for tests may do, none that serves anybody does.
#[test]
fn nobody_asks_for_features_of_tests_but_tests() {
    let mut offences = Vec::new();
    for manifest in files(&["server", "loadgen", "Cargo.toml"], "Cargo.toml") {
        let asks = manifest.text.contains("features = [\"fuzzing\"]");
        if asks && manifest.name != "server/fuzz/Cargo.toml" {
            offences.push(format!("{} asks for fuzzing", manifest.name));
        }
    }
    assert_none("only server/fuzz does", &offences);
}
