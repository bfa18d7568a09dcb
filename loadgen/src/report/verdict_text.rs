//! Pure: a verdict for people, as benchmarks and mesh taxes end with it.

use std::fmt::Write as _;

use super::Verdict;

/// The verdict with its reasons; with `colours`, it stands out on a terminal.
pub(crate) fn write(text: &mut String, verdict: &Verdict, colours: bool) -> std::fmt::Result {
    let (word, colour) = word(verdict);
    let (on, off) = if colours {
        (colour, "\u{1b}[0m")
    } else {
        ("", "")
    };
    if verdict.interrupted {
        writeln!(text, "Interrupted: this is what is known so far.")?;
    }
    write!(text, "{on}{word}{off}")?;
    for reason in &verdict.reasons {
        write!(text, "\n  - {reason}")?;
    }
    Ok(())
}

/// The verdict in a word, and its colour on a terminal.
pub(crate) fn word(verdict: &Verdict) -> (&'static str, &'static str) {
    if !verdict.valid {
        ("INVALID", "\u{1b}[31m")
    } else if verdict.interrupted {
        ("INTERRUPTED", "\u{1b}[33m")
    } else {
        ("VALID", "\u{1b}[32m")
    }
}
