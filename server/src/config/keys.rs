//! What the commands are asked that change a store's keys.

use std::path::{Path, PathBuf};

use super::Store;
use super::inspecting::{Inspection, read_folder};
use super::reader::Reader;
use super::serving::read_key_file;
use super::values::{self, Expected};

/// Whose keys.
#[derive(Debug, Clone)]
pub struct RotateConfig {
    /// The data folder.
    pub folder: PathBuf,
    /// What wraps its keyring.
    pub key_file: PathBuf,
}

/// Whose keys, and what becomes of them.
#[derive(Debug, Clone)]
pub struct RewrapConfig {
    /// The data folder.
    pub folder: PathBuf,
    /// What wraps its keyring now.
    pub key_file: PathBuf,
    /// What is to wrap it; None for the last key of that file.
    pub new_key_file: Option<PathBuf>,
    /// Data keys that nothing is under are removed.
    pub remove_old: bool,
}

pub(super) fn rotate(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let key_file = key_file(reader, folder.as_deref());
    Some(Inspection::RotateKeys(RotateConfig {
        folder: folder?,
        key_file: key_file?,
    }))
}

pub(super) fn rewrap(reader: &mut Reader<'_>) -> Option<Inspection> {
    let folder = read_folder(reader);
    let key_file = key_file(reader, folder.as_deref());
    let new_key_file = reader.read_or("new-key-file", None, |text| {
        outside(text, folder.as_deref()).map(Some)
    });
    let remove_old = reader.read_or("remove-old", false, values::switch);
    Some(Inspection::RewrapKeys(RewrapConfig {
        folder: folder?,
        key_file: key_file?,
        new_key_file: new_key_file?,
        remove_old: remove_old?,
    }))
}

fn key_file(reader: &mut Reader<'_>, folder: Option<&Path>) -> Option<PathBuf> {
    let named = reader.text("key-file").map(PathBuf::from);
    let store = folder.map(|folder| Store::Journal(folder.to_owned()));
    read_key_file(reader, named, store.as_ref())
}

fn outside(text: &str, folder: Option<&Path>) -> Result<PathBuf, Expected> {
    let path = PathBuf::from(text);
    let store = folder.map(|folder| Store::Journal(folder.to_owned()));
    let within = store.as_ref();
    let within = within.and_then(|store| super::key_file::folder_around(&path, store));
    match within {
        None if text.is_empty() => Err("names no file".to_owned()),
        None => Ok(path),
        Some(folder) => Err(format!(
            "is inside the data folder \"{}\": name a file outside it",
            folder.display()
        )),
    }
}
