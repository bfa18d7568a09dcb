//! The contract is kept: the `.proto` files break nothing that a release has promised, and what is written beside
//! them (the service config, the changelog, the policy) agrees with them.
//!
//! `WAIKA_RECORD_RELEASE=0.2.0 cargo test --test contract` keeps the descriptor and the names of a release, once its
//! version is the workspace's.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a check that cannot read what it checks has failed"
)]

mod breaks;
mod fields;
mod finding;
mod index;
mod names;
mod papers;
mod planted;
mod planted_config;
mod releases;
mod reserved;
mod service_config;
mod shop;

use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// A place of the project.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(place(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The contract as it is now, without its comments.
fn contract() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(waika::v1::FILE_DESCRIPTOR_SET).unwrap();
    for file in &mut set.file {
        file.source_code_info = None;
    }
    set
}

/// Fails with every offence at once.
fn assert_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}
