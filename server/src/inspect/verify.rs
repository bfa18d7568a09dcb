//! `journal verify`: is everything there, and as it was written?

use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, stdout};
use std::path::Path;
use std::time::Duration;

use super::progress::{Meter, Unit};
use super::{backup, interrupt, require_journal, text};
use crate::clock::monotonic;
use crate::config::VerifyConfig;
use crate::exit::{self, Failure, Reason};
use crate::ledger::decode;
use crate::ledger::journal::backup::MANIFEST;
use crate::ledger::journal::disk::RealDisk;
use crate::ledger::journal::{self, Verified};

/// There is nothing to clean up; this is for the bar to be cleared away.
const GRACE: Duration = Duration::from_millis(500);

/// Checks, and prints what was found.
pub(super) fn run(config: VerifyConfig) -> Result<(), Failure> {
    require_journal(&config.folder)?;
    if config.folder.join(MANIFEST).is_file() {
        return backup::verify(config.folder);
    }
    let VerifyConfig { folder, jobs } = config;
    let place = folder.clone();
    let (verified, took) = interrupt::run(GRACE, move |stop| {
        let began = monotonic();
        let meter = Meter::start("verify", Unit::Bytes, stop);
        let check = |_, entry: &[u8]| {
            let stored = decode::entry(entry);
            stored.map(drop).map_err(|error| error.to_string())
        };
        let disk = RealDisk::open_read_only(&folder)?;
        let verified = journal::verify(&disk, jobs.get(), &meter, &check)?;
        Ok((verified, began.elapsed()))
    })?;
    exit::print(&render(&place, &verified, took, Look::of_standard_output()))?;
    match verified.damages.len() {
        0 => Ok(()),
        count => {
            let places = if count == 1 { "place" } else { "places" };
            let text = format!(
                "the journal in {} is damaged in {count} {places}",
                place.display()
            );
            Err(Failure::new(Reason::Damaged, text))
        }
    }
}

/// Whether the verdict stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Coloured,
}

impl Look {
    /// Colours are for terminals.
    fn of_standard_output() -> Self {
        if stdout().is_terminal() {
            Self::Coloured
        } else {
            Self::Plain
        }
    }
}

fn render(folder: &Path, verified: &Verified, took: Duration, look: Look) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ =
        table(&mut text, folder, verified, took).and_then(|()| verdict(&mut text, verified, look));
    text
}

fn table(text: &mut String, folder: &Path, verified: &Verified, took: Duration) -> fmt::Result {
    let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let rate = text::per_second(verified.entries, ns).map_or_else(|| "-".to_owned(), text::grouped);
    let rows = [
        ("segments", text::grouped(verified.segments)),
        ("entries", text::grouped(verified.entries)),
        ("first sequence", text::grouped(verified.first)),
        ("last sequence", text::grouped(verified.last)),
        ("bytes", text::grouped(verified.bytes)),
        ("snapshots", text::grouped(verified.snapshots.len() as u64)),
        ("key runs", text::grouped(verified.key_runs)),
        ("took", format!("{} ({rate} entries/s)", text::time(ns))),
    ];
    writeln!(text, "journal:{}", folder.display())?;
    for (name, value) in rows {
        writeln!(text, "  {name:<16}{value}")?;
    }
    if verified.unfinished_bytes > 0 {
        writeln!(
            text,
            "  {:<16}{} bytes at the end: a write that is under way, or that a crash cut short; \
             nobody was told that it was done",
            "unfinished",
            text::grouped(verified.unfinished_bytes),
        )?;
    }
    Ok(())
}

fn verdict(text: &mut String, verified: &Verified, look: Look) -> fmt::Result {
    let coloured = |colour: &str, words: &str| match look {
        Look::Plain => words.to_owned(),
        Look::Coloured => format!("\u{1b}[{colour}m{words}\u{1b}[0m"),
    };
    if verified.damages.is_empty() {
        return writeln!(text, "{}", coloured("32", "no damage"));
    }
    for damage in &verified.damages {
        writeln!(
            text,
            "{} in {} at byte {}, sequence {}: {}\n  mend: {}",
            coloured("31", "DAMAGE"),
            damage.file,
            damage.offset,
            damage.sequence,
            damage.what,
            damage.mend(),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::journal::Damage;

    #[test]
    fn every_damage_is_told_with_its_place_and_mend() {
        let damage = |sequence| Damage {
            file: "journal-0000000000000002.seg".to_owned(),
            offset: 64,
            sequence,
            what: "it is wrong".to_owned(),
        };
        let mut verified = Verified {
            segments: 2,
            entries: 1_234,
            first: 1,
            last: 1_234,
            bytes: 9_000,
            unfinished_bytes: 7,
            snapshots: Vec::new(),
            key_runs: 0,
            damages: vec![damage(5), damage(9)],
        };
        let took = Duration::from_secs(2);
        let shown = render(Path::new("d"), &verified, took, Look::Plain);
        for part in [
            "1,234\n",
            "(617 entries/s)",
            "7 bytes",
            "sequence 5: it",
            "sequence 9: it",
        ] {
            assert!(shown.contains(part), "{part} not in {shown}");
        }
        assert_eq!(shown.matches("mend: nothing was changed").count(), 2);
        assert!(!shown.contains("no damage\n") && !shown.contains('\u{1b}'));
        verified.damages.clear();
        let shown = render(Path::new("d"), &verified, took, Look::Coloured);
        assert!(shown.ends_with("\u{1b}[32mno damage\u{1b}[0m\n"), "{shown}");
    }
}
