//! The days around the end of a year, in less than a minute: months and years are restored at midnight
//! and not before, keys are kept for a day and then let go of, snapshots, segments and comparisons with
//! the store go on meanwhile. The long form is `python3 tests/soak.py`.

use std::process::Command;

use crate::support::binary;

#[test]
fn a_year_that_ends_under_load_ends_right() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = (binary("waika-server"), binary("waika-loadgen"));
    let soak = Command::new("python3")
        .args(["tests/soak.py", "--short", "--keep"])
        .arg(folder.path().join("soak"))
        .arg("--binaries")
        .arg(server.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap_or_else(|error| panic!("python3: {error}: apt-get install python3"));
    let said = String::from_utf8_lossy(&soak.stdout);
    let why = String::from_utf8_lossy(&soak.stderr);
    let held = soak.status.success();
    assert!(held, "{}\n{said}{why}", folder.keep().display());
    println!("{said}");
}
