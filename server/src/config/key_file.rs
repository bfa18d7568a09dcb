//! Where the key file is: never inside the data folder, for a copy of that folder (a backup, a
//! stolen disk) must not carry the key to it.

use std::path::{Component, Path, PathBuf};

use super::values::Store;

/// The key file of somebody who names none.
pub(super) fn default_path() -> Option<PathBuf> {
    let state = absolute_folder("XDG_STATE_HOME")
        .or_else(|| absolute_folder("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("waika/waika.key"))
}

#[expect(clippy::disallowed_methods, reason = "part of the configuration")]
fn absolute_folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// The data folder, if the key file is inside it.
pub(super) fn folder_around<'a>(key_file: &Path, store: &'a Store) -> Option<&'a Path> {
    match store {
        Store::Journal(folder) => {
            let inside = resolved(key_file).starts_with(resolved(folder));
            inside.then_some(folder.as_path())
        }
        Store::Memory { .. } | Store::Postgres(_) => None,
    }
}

/// The path with links and dots resolved as far as it exists, and by its text from there on.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                result.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                result.push(component);
                result = result.canonicalize().unwrap_or(result);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_inside_the_data_folder_is_found_by_any_path() {
        let root = tempfile::tempdir().unwrap();
        let path = |below: &str| root.path().join(below);
        std::fs::create_dir(path("real")).unwrap();
        std::os::unix::fs::symlink(path("real"), path("link")).unwrap();
        for (key_file, folder, inside) in [
            ("real/key", "real", true),
            ("real/deep/key", "real", true),
            ("link/key", "real", true),
            ("real/key", "link", true),
            ("other/../real/key", "real", true),
            ("absent/key", "absent", true),
            ("absent/../key", "absent", false),
            ("real-key", "real", false),
            ("key", "real", false),
        ] {
            let store = Store::Journal(path(folder));
            let found = folder_around(&path(key_file), &store).is_some();
            assert_eq!(found, inside, "{key_file} in {folder}");
        }
        let store = Store::Memory {
            delay: std::time::Duration::ZERO,
        };
        assert!(folder_around(&path("real/key"), &store).is_none());
    }
}
