//! Writing for people: results to standard output, what goes on to standard error.

use std::io::{IsTerminal as _, Write as _};

/// Writes a result. A reader that has gone away is no failure of ours.
pub(crate) fn result(text: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(writeln!(stdout, "{text}").and_then(|()| stdout.flush()));
}

/// Says what goes on.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Whether results go to a terminal, where colours can be seen.
pub(crate) fn is_coloured() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether a line on standard error can be written over.
pub(crate) fn can_redraw() -> bool {
    std::io::stderr().is_terminal()
}
