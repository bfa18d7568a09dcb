//! The real server, for tests that start it.

#[path = "../../../tests/shared/programs.rs"]
mod programs;

use std::path::PathBuf;

/// The server beside the program: only this package may have been built.
pub(crate) fn server() -> PathBuf {
    programs::binary("waika-server")
}
