//! The commands that change a store's keys, beside whatever server runs on it.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::crash_folders::{Said, waika_server};
use crate::support::{Home, Server};

/// The keys of the store in a home.
pub(crate) struct Keys {
    store: String,
    pub(crate) key_file: PathBuf,
}

impl Keys {
    /// With the key file that servers of that home are started with.
    pub(crate) fn of(home: &Home) -> Self {
        Self {
            store: format!("journal:{}", home.data().display()),
            key_file: home.data().with_file_name("keys").join("waika.key"),
        }
    }

    /// With a key file of another name beside it.
    pub(crate) fn with(home: &Home, name: &str) -> Self {
        let keys = Self::of(home);
        Self {
            key_file: keys.key_file.with_file_name(name),
            ..keys
        }
    }

    fn run(&self, command: &str, more: &[&str]) -> Said {
        let key_file = self.key_file.to_str().unwrap();
        let arguments = [command, "--store", &self.store, "--key-file", key_file];
        waika_server(&[&arguments, more].concat())
    }

    pub(crate) fn rotate(&self) -> Said {
        self.run("rotate-keys", &[])
    }

    pub(crate) fn rewrap(&self, more: &[&str]) -> Said {
        self.run("rewrap-keys", more)
    }

    /// What it tells of a data key: cards, documents, passwords.
    pub(crate) fn under(&self, key: u8) -> [u64; 3] {
        let said = self.rewrap(&[]);
        assert_eq!(said.code, Some(0), "{}", said.text);
        let name = format!("  data key {key} ");
        let mut lines = said.text.lines();
        let line = lines.find(|line| line.starts_with(&name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {}", said.text));
        ["cards ", "documents ", "passwords "].map(|kind| {
            let (_, rest) = line.split_once(kind).unwrap();
            let digits = rest.split([' ', '(']).next().unwrap();
            digits.replace(',', "").parse().unwrap()
        })
    }
}

/// Waits until a server goes on with so many data keys.
pub(crate) async fn goes_on_with(server: &Server, keys: f64) {
    let begun = Instant::now();
    while server.figure("waika_live_keys").await != Some(keys) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{keys} keys");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
