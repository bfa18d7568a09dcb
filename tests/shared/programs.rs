//! The programs that tests start, built with the profile of the test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The program of that name, built once. Cargo puts it two folders above this test's own file.
pub(crate) fn binary(name: &'static str) -> PathBuf {
    static BUILT: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(Path::parent).unwrap();
    // Where one program could not be built, the tests of the other go on.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains(name) {
        let outcome = build(name, folder.ends_with("release")).status();
        assert!(outcome.unwrap().success(), "{name} could not be built");
        built.insert(name);
    }
    folder.join(name)
}

/// Exactly what `cargo test` builds, so that it is there already and not built with other features: of
/// all packages, with what their tests ask of dependencies, which cargo grants to examples too.
fn build(name: &str, release: bool) -> Command {
    let mut places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let workspace = places.find(|place| place.join("Cargo.lock").is_file());
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--bin", name]);
    cargo.args(["--example", "journal_bench"]);
    if release {
        cargo.arg("--release");
    }
    // What cargo tells a test of its own package would make ring, and all that needs it, be built again.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
        if of_package.iter().any(|begin| name.starts_with(begin)) {
            cargo.env_remove(&variable);
        }
    }
    cargo.current_dir(workspace.unwrap());
    cargo
}
