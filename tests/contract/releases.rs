//! The proto as it is now, against the descriptor of each release in `proto/released`.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::breaks::breaks;
use crate::finding::Rule;
use crate::shop::with_deprecated_admin;
use crate::{assert_none, contract, place};

/// Where releases are kept.
const FOLDER: &str = "proto/released";

/// Major, minor, patch.
pub(crate) type Version = [u64; 3];

/// What a release has promised.
pub(crate) struct Release {
    /// Its version.
    pub(crate) version: Version,
    /// Its contract.
    pub(crate) set: FileDescriptorSet,
}

/// A version as its users write it.
pub(crate) fn written([major, minor, patch]: Version) -> String {
    format!("{major}.{minor}.{patch}")
}

/// Of `1.2.3`, and of nothing that is written otherwise.
pub(crate) fn version(text: &str) -> Option<Version> {
    let parts: Vec<_> = text.split('.').map(str::parse).collect();
    let parts: Result<Vec<u64>, _> = parts.into_iter().collect();
    let version = Version::try_from(parts.ok()?).ok()?;
    (written(version) == text).then_some(version)
}

/// All releases that are kept, oldest first.
pub(crate) fn releases() -> Vec<Release> {
    releases_in(&place(FOLDER))
}

fn releases_in(folder: &Path) -> Vec<Release> {
    let entries = fs::read_dir(folder).unwrap();
    let mut releases: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let shown = path.display();
            let is_set = path.extension().is_some_and(|end| end == "binpb");
            let name = path.file_stem().and_then(|name| name.to_str());
            let version = name.and_then(version).filter(|_| is_set);
            let version = version.unwrap_or_else(|| panic!("{shown} is not named VERSION.binpb"));
            let set = FileDescriptorSet::decode(fs::read(&path).unwrap().as_slice());
            let set = set.unwrap_or_else(|error| panic!("{shown} is damaged: {error}"));
            Release { version, set }
        })
        .collect();
    releases.sort_unstable_by_key(|release| release.version);
    releases
}

/// What breaks, from each release to the next, and from each to what is now.
///
/// Whether something was deprecated before it went is asked of the last release that had it, and not of older ones.
fn against(releases: &[Release], now: &FileDescriptorSet) -> Vec<String> {
    let mut found = Vec::new();
    for (place, release) in releases.iter().enumerate() {
        let since = written(release.version);
        if let Some(next) = releases.get(place + 1) {
            let to = written(next.version);
            let told = breaks(&release.set, &next.set);
            found.extend(
                told.iter()
                    .map(|finding| format!("{since} to {to}: {finding}")),
            );
        }
        let is_newest = place + 1 == releases.len();
        let told = breaks(&release.set, now).into_iter();
        let told = told.filter(|finding| is_newest || finding.rule != Rule::Deprecated);
        found.extend(told.map(|finding| format!("since {since}: {finding}")));
    }
    found
}

/// Keeps what is now as a release, unless that would hide a break or change what was kept.
fn record(
    folder: &Path,
    name: &str,
    workspace: &str,
    now: &FileDescriptorSet,
) -> Result<PathBuf, String> {
    let wanted = version(name).ok_or_else(|| format!("{name} is no version such as 1.2.3"))?;
    if name != workspace {
        let mend = "raise it in Cargo.toml first";
        return Err(format!(
            "the workspace's version is {workspace}, not {name}: {mend}"
        ));
    }
    let releases = releases_in(folder);
    if let Some(newest) = releases.last().filter(|newest| newest.version >= wanted) {
        let newest = written(newest.version);
        return Err(format!(
            "{newest} is kept already: a release is kept once and never changed"
        ));
    }
    let broken = against(&releases, now);
    if !broken.is_empty() {
        return Err(format!(
            "it breaks what was released:\n  {}",
            broken.join("\n  ")
        ));
    }
    let path = folder.join(format!("{name}.binpb"));
    // Not even in a race is one written over.
    let file = fs::File::create_new(&path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, &now.encode_to_vec()))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// A variable that asks for something else than the test.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn asked_to_record() -> Option<String> {
    std::env::var("WAIKA_RECORD_RELEASE").ok()
}

#[test]
fn the_contract_breaks_nothing_that_was_released() {
    let now = contract();
    if let Some(name) = asked_to_record() {
        let kept = record(&place(FOLDER), &name, env!("CARGO_PKG_VERSION"), &now);
        let kept = kept.unwrap_or_else(|why| panic!("{name} is not recorded: {why}"));
        let names = place(&format!("{}/{name}.txt", crate::names::FOLDER));
        fs::write(&names, crate::names::names()).unwrap();
        println!("kept {} and {}", kept.display(), names.display());
    }
    let releases = releases();
    assert!(!releases.is_empty(), "{FOLDER} has no release");
    assert_none("it breaks its callers", &against(&releases, &now));
}

#[test]
fn a_kept_release_is_whole_and_without_comments() {
    for release in releases() {
        let shown = written(release.version);
        let named = |name: &str| release.set.file.iter().any(|file| file.name() == name);
        assert!(named("waika/v1/authorisation.proto"), "{shown}");
        for file in &release.set.file {
            assert!(file.source_code_info.is_none(), "{shown}: {}", file.name());
            for import in &file.dependency {
                assert!(named(import), "{shown}: {import} is missing");
            }
        }
    }
}

#[test]
fn a_release_is_kept_once_and_hides_no_break() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |name: &str, set: &FileDescriptorSet| record(folder.path(), name, name, set);
    let now = contract();
    let kept = keep("0.9.0", &now).unwrap();
    let bytes = fs::read(&kept).unwrap();
    assert!(keep("0.10.0", &now).is_ok());
    let mut broken = now.clone();
    broken
        .file
        .retain(|file| file.name() != "waika/v1/admin.proto");
    for (name, set, why) in [
        ("0.9.0", &broken, "0.10.0 is kept already"),
        ("0.10.0", &now, "0.10.0 is kept already"),
        ("0.9.1", &now, "0.10.0 is kept already"),
        ("v0.11.0", &now, "is no version"),
        ("0.11", &now, "is no version"),
        ("0.011.0", &now, "is no version"),
        ("0.11.0", &broken, "waika.v1.AdminService"),
    ] {
        let refused = keep(name, set).unwrap_err();
        assert!(refused.contains(why), "{name}: {refused}");
    }
    let other = record(folder.path(), "0.11.0", "0.10.0", &now).unwrap_err();
    assert!(
        other.contains("the workspace's version is 0.10.0"),
        "{other}"
    );
    assert_eq!(fs::read(&kept).unwrap(), bytes);
    let versions: Vec<_> = releases_in(folder.path())
        .iter()
        .map(|r| r.version)
        .collect();
    assert_eq!(versions, [[0, 9, 0], [0, 10, 0]]);
}

#[test]
fn what_is_deprecated_in_one_release_may_go_in_the_next() {
    let release = |minor, set: FileDescriptorSet| Release {
        version: [0, minor, 0],
        set,
    };
    let whole = contract();
    let deprecated = with_deprecated_admin(&whole);
    let mut without = whole.clone();
    without
        .file
        .retain(|file| file.name() != "waika/v1/admin.proto");
    let both = [release(1, whole.clone()), release(2, deprecated)];
    assert_none("it was deprecated in 0.2.0", &against(&both, &without));
    assert_ne!(against(&both[..1], &without), Vec::<String>::new());
    let gone_at_once = [release(1, whole.clone()), release(2, without)];
    let found = against(&gone_at_once, &whole);
    assert!(
        found
            .iter()
            .all(|finding| finding.starts_with("0.1.0 to 0.2.0: "))
    );
    assert_ne!(found, Vec::<String>::new());
}
