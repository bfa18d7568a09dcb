//! The commands for backups, and the folders that they work on.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Home, binary};

/// How a command ended: its exit code, and all that it said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

pub(crate) fn waika_server(arguments: &[&str]) -> Said {
    let output = Command::new(binary("waika-server"))
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    Said {
        code: output.status.code(),
        text: String::from_utf8(text).unwrap(),
    }
}

/// The folders of a server and of its backup.
pub(crate) struct Folders {
    pub(crate) store: String,
    pub(crate) backup: PathBuf,
    /// Where the store is put once its server is gone.
    pub(crate) aside: PathBuf,
}

impl Folders {
    pub(crate) fn of(home: &Home) -> Self {
        let beside = |name: &str| home.data().with_file_name(name);
        Self {
            store: format!("journal:{}", home.data().display()),
            backup: beside("backup"),
            aside: beside("aside"),
        }
    }

    pub(crate) fn backup(&self) -> &str {
        self.backup.to_str().unwrap()
    }

    pub(crate) fn back_up(&self) -> Said {
        waika_server(&[
            "backup",
            "--store",
            &self.store,
            "--backup-to",
            self.backup(),
        ])
    }

    pub(crate) fn restore(&self, more: &[&str]) -> Said {
        let from = [
            "restore",
            "--store",
            &self.store,
            "--backup-from",
            self.backup(),
        ];
        waika_server(&[&from, more].concat())
    }

    /// The last sequence that the backup holds.
    pub(crate) fn last(&self) -> u64 {
        let manifest = fs::read(self.backup.join("backup.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        manifest["last_sequence"].as_u64().unwrap()
    }
}

pub(crate) fn done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}", said.text);
}
