//! What a backup holds, as JSON that people can read too.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::{BackupError, Side, on};
use crate::ledger::journal::beginning::Beginning;
use crate::ledger::journal::disk::Disk;
use crate::ledger::journal::error::DiskError;
use crate::ledger::journal::file::{NamedFile, replace};
use crate::ledger::journal::{key_runs, keyring, segment, snapshot};

/// The manifest's name.
pub const FILE: &str = "backup.json";
const UNFINISHED: &str = "backup.tmp";
/// The newest format that this release reads.
const FORMAT: u32 = 3;
/// The format of a backup with a keyring: older releases read it too.
const WITH_KEYRING: u32 = 2;
/// The format of a backup without a keyring: releases from before keyrings read it too.
const WITHOUT_KEYRING: u32 = 1;
/// No manifest is longer, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The release that wrote it.
    pub(super) waika: String,
    /// The journal's identity, in hexadecimal digits.
    pub(super) journal: String,
    /// The first sequence, and the last; 0: nothing was finished yet.
    pub(super) first_sequence: u64,
    pub(super) last_sequence: u64,
    /// Where the journal began when the backup was begun, if not with sequence 1.
    pub(super) pruned: Option<Pruned>,
    /// When it was taken by the machine's clock, in milliseconds since 1970.
    pub(super) taken_at_ms: i64,
    /// The segments in their order.
    pub(super) segments: Vec<Copied>,
    /// Snapshots with what they need, oldest first.
    pub(super) states: Vec<State>,
    /// The store's keyring, wrapped as it was; a store from before keyrings has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keyring: Option<Copied>,
    /// Which of the journal's segments that were written anew are in it as they are now: those up to this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rewrites: Option<u64>,
    /// The digest of all of the above as it is written with an empty one.
    sha256: String,
}

/// What a [`Beginning`] says beside the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pruned {
    segment: u64,
    at_ms: i64,
    days_from_ms: i64,
}

impl Pruned {
    pub(super) fn of(beginning: Beginning) -> Self {
        Self {
            segment: beginning.segment,
            at_ms: beginning.at_ms,
            days_from_ms: beginning.days_from_ms,
        }
    }
}

/// A file: of its first so many bytes this is the digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Copied {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// The digest that it is about to have: of a crash in between it may have either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_sha256: Option<String>,
}

impl Copied {
    /// Whether bytes of this digest are what the manifest speaks of.
    pub(super) fn has(&self, digest: &str) -> bool {
        self.sha256 == digest || self.next_sha256.as_deref() == Some(digest)
    }
}

/// A snapshot, and the runs of used keys that it leaves keys to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// No journal that ends before this sequence may have these files.
    pub(super) proves: u64,
    pub(super) snapshot: Copied,
    pub(super) key_runs: Vec<Copied>,
}

impl State {
    pub(super) fn files(&self) -> impl Iterator<Item = &Copied> {
        std::iter::once(&self.snapshot).chain(&self.key_runs)
    }
}

impl Manifest {
    /// Of a backup that is begun.
    pub(super) fn begin(identity: u64) -> Self {
        Self {
            format: WITHOUT_KEYRING,
            waika: env!("CARGO_PKG_VERSION").to_owned(),
            journal: format!("{identity:016x}"),
            first_sequence: 0,
            last_sequence: 0,
            pruned: None,
            taken_at_ms: 0,
            segments: Vec::new(),
            states: Vec::new(),
            keyring: None,
            rewrites: None,
            sha256: String::new(),
        }
    }

    pub(super) fn identity(&self) -> Result<u64, BackupError> {
        let identity = u64::from_str_radix(&self.journal, 16);
        identity.map_err(|_| bad("its journal is not a number of 16 hexadecimal digits"))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Copied> {
        let of_states = self.states.iter().flat_map(State::files);
        self.segments.iter().chain(of_states).chain(&self.keyring)
    }

    /// Names the keyring that goes with all of it.
    pub(super) fn hold_keyring(&mut self, copied: Copied) {
        self.keyring = Some(copied);
        self.format = self.format.max(WITH_KEYRING);
    }

    /// Up to which number segments that were written anew are in it as they are.
    pub(super) fn rewrites(&self) -> u64 {
        self.rewrites.unwrap_or_default()
    }

    /// Says which of the segments that were written anew are in it as they are.
    pub(super) fn hold_rewrites(&mut self, number: u64) {
        (self.format, self.rewrites) = (FORMAT, Some(number));
    }

    /// Where the journal begins; `None`: with sequence 1.
    pub(super) fn beginning(&self) -> Result<Option<Beginning>, BackupError> {
        let identity = self.identity()?;
        Ok(self.pruned.map(|pruned| Beginning {
            identity,
            segment: pruned.segment,
            first: self.first_sequence,
            at_ms: pruned.at_ms,
            days_from_ms: pruned.days_from_ms,
        }))
    }

    /// `None` if there is no such file.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, BackupError> {
        let on = on(Side::Backup);
        let Some(file) = NamedFile::open_if_there(disk, FILE).map_err(&on)? else {
            return Ok(None);
        };
        let length = file.length().map_err(&on)?;
        if length > LONGEST {
            return Err(bad("it is too long"));
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let bytes = file.read(0, length).map_err(&on)?;
        Self::parse(&bytes).map(Some)
    }

    fn parse(bytes: &[u8]) -> Result<Self, BackupError> {
        /// What every later format has too.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let not_json = |error: serde_json::Error| bad(&error.to_string());
        let Format { format } = serde_json::from_slice(bytes).map_err(not_json)?;
        if format > FORMAT {
            let (found, supported) = (format, FORMAT);
            return Err(BackupError::NewerManifest { found, supported });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(not_json)?;
        if manifest.signed().map_err(not_json)?.sha256 != manifest.sha256 {
            return Err(bad("its SHA-256 is another"));
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// Whoever can write into a backup's folder can write a digest too: no name leads out of a folder, and no
    /// number counts on.
    fn check(&self) -> Result<(), BackupError> {
        let (first, last) = (self.first_sequence, self.last_sequence);
        let begun = last == 0 && self.segments.is_empty();
        if !begun && (first == 0 || last < first || last == u64::MAX) {
            return Err(bad("its sequences do not follow each other"));
        }
        let snapshots = self.states.iter().map(|state| &state.snapshot);
        let runs = self.states.iter().flat_map(|state| &state.key_runs);
        let wrong = [
            not_named(&self.segments, |name| segment::ordinal(name).is_some()),
            not_named(snapshots, snapshot::is_named_like_one),
            not_named(runs, key_runs::is_named_like_one),
            not_named(&self.keyring, keyring::is_named_like_a_copy),
        ];
        match wrong.into_iter().flatten().next() {
            Some(name) => Err(bad(&format!("it has no place for a file {name:?}"))),
            None => Ok(()),
        }
    }

    /// The same with its own digest.
    fn signed(&self) -> serde_json::Result<Self> {
        let mut manifest = self.clone();
        manifest.sha256.clear();
        manifest.sha256 = digest(&serde_json::to_vec(&manifest)?);
        Ok(manifest)
    }

    /// Puts it in the place of the one before it, durably.
    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), DiskError> {
        let bytes = self
            .signed()
            .and_then(|signed| serde_json::to_vec_pretty(&signed));
        let mut bytes = bytes.map_err(|error| DiskError::of("write", FILE)(error.into()))?;
        bytes.push(b'\n');
        replace(disk, UNFINISHED, FILE, &bytes)
    }
}

/// The first of these whose name is of another kind.
fn not_named<'a>(
    files: impl IntoIterator<Item = &'a Copied>,
    is_one: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let mut names = files.into_iter().map(|copied| &*copied.file);
    names.find(|name| !is_one(name))
}

fn bad(what: &str) -> BackupError {
    let what = what.to_owned();
    BackupError::BadManifest { what }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    hexadecimal(Sha256::digest(bytes).as_ref())
}

pub(super) fn hexadecimal(digest: &[u8]) -> String {
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(file: &str) -> Copied {
        Copied {
            file: file.to_owned(),
            bytes: 1,
            sha256: digest(b"x"),
            next_sha256: None,
        }
    }

    fn whole() -> Manifest {
        Manifest {
            first_sequence: 1,
            last_sequence: 9,
            segments: vec![copied("journal-0000000000000001.seg")],
            states: vec![State {
                proves: 5,
                snapshot: copied("snapshot-00000000000000000005.snap"),
                key_runs: vec![copied("keys-00000000000000000000-00000000000000000004.run")],
            }],
            ..Manifest::begin(7)
        }
    }

    /// With a digest that is right.
    fn read_again(manifest: &Manifest) -> Result<Manifest, String> {
        let signed = manifest.signed().unwrap();
        let read = Manifest::parse(&serde_json::to_vec(&signed).unwrap());
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        for manifest in [whole(), Manifest::begin(7)] {
            let read = read_again(&manifest).unwrap();
            assert_eq!(read.identity().unwrap(), 7);
            let names = |manifest: &Manifest| -> Vec<_> { manifest.files().cloned().collect() };
            assert_eq!(names(&read), names(&manifest));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        type Change = fn(&mut Manifest);
        let changes: [Change; 8] = [
            |manifest| manifest.segments[0].file = "../journal-0000000000000001.seg".to_owned(),
            |manifest| manifest.segments[0].file = "/etc/passwd".to_owned(),
            |manifest| manifest.segments[0].file = String::new(),
            |manifest| manifest.states[0].snapshot.file = "LOCK".to_owned(),
            |manifest| manifest.states[0].key_runs[0].file = "x/../y".to_owned(),
            |manifest| manifest.segments.push(copied("watermark")),
            |manifest| manifest.keyring = Some(copied("keyring")),
            |manifest| manifest.keyring = Some(copied("keyring-../00000000000.ring")),
        ];
        for change in changes {
            let mut manifest = whole();
            change(&mut manifest);
            let error = read_again(&manifest).unwrap_err();
            assert!(error.contains("it has no place for a file"), "{error}");
        }
    }

    #[test]
    fn sequences_follow_each_other() {
        for (first, last) in [(0, 9), (9, 8), (1, 0), (1, u64::MAX)] {
            let mut manifest = whole();
            (manifest.first_sequence, manifest.last_sequence) = (first, last);
            let error = read_again(&manifest).unwrap_err();
            assert!(error.contains("do not follow"), "{error}");
        }
    }
}
