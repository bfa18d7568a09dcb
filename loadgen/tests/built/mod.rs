//! The real server, for tests that start it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::support::PROGRAM;

/// The server beside the program, built with the same profile once: only this package may have been.
pub(crate) fn server() -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--locked", "-p", "waika-server"]);
        if Path::new(PROGRAM)
            .components()
            .any(|part| part.as_os_str() == "release")
        {
            cargo.arg("--release");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let ended = cargo.current_dir(folder).status().unwrap();
        assert!(ended.success(), "waika-server could not be built");
    });
    let path = Path::new(PROGRAM).with_file_name("waika-server");
    assert!(path.is_file(), "{} was not built", path.display());
    path
}
