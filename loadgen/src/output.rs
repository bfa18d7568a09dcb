//! Writing for people: results to standard output, what goes on to standard error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// A result could not be written: the command has failed, however it went on.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes a result and ends its line.
pub(crate) fn result(text: &str) {
    document(&format!("{text}\n"));
}

/// Writes a result that ends its last line itself. A reader that has gone away is no failure of
/// ours; anything else is told, and remembered.
pub(crate) fn document(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        note(&format!(
            "error: the result cannot be written to standard output: {error}"
        ));
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether a result could not be written.
pub(crate) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Says what goes on.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Whether results go to a terminal, where colours can be seen and are not unwanted.
pub(crate) fn is_coloured() -> bool {
    std::io::stdout().is_terminal() && wants_colours() && !is_dumb()
}

/// Whether a line on standard error can be written over.
pub(crate) fn can_redraw() -> bool {
    std::io::stderr().is_terminal() && !is_dumb()
}

/// Whether there is a terminal to draw a screen on, and it is ours to draw on: one that runs in the
/// background would be stopped for it.
pub(crate) fn has_screen() -> bool {
    let stdout = std::io::stdout();
    let is_in_front = || tcgetpgrp(&stdout).is_ok_and(|group| group == getpgrp());
    stdout.is_terminal() && can_redraw() && is_in_front()
}

/// Nobody said that colours are unwanted: <https://no-color.org>.
pub(crate) fn wants_colours() -> bool {
    variable("NO_COLOR").is_none()
}

/// The terminal can do nothing but show one line after the other.
fn is_dumb() -> bool {
    variable("TERM").is_none_or(|term| term == "dumb")
}

/// What the environment says of the terminal, unless that is nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "what is said of the terminal is no setting, and has no flag"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
