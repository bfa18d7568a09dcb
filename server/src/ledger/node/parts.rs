//! Locks by account, and counts.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use metrics::{Counter, counter};
use waika_domain::identifiers::AccountId;

/// So many accounts can be read at the same time.
const STRIPES: u64 = 1_024;

/// Locks, of which an account has one.
#[derive(Debug)]
pub(super) struct Stripes(Box<[tokio::sync::Mutex<()>]>);

impl Stripes {
    pub(super) fn new() -> Self {
        Self(
            (0..STRIPES)
                .map(|_| tokio::sync::Mutex::default())
                .collect(),
        )
    }

    pub(super) fn of(&self, id: &AccountId) -> &tokio::sync::Mutex<()> {
        static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let mut hasher = DefaultHasher::new();
        id.as_str().hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % STRIPES).unwrap_or_default();
        self.0.get(place).unwrap_or(&ALONE)
    }
}

/// How often the database did not take a decision, and accounts came and went.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) conflicts: Counter,
    pub(super) known: Counter,
    pub(super) refused: Counter,
    pub(super) unknown: Counter,
    pub(super) loads: Counter,
    pub(super) let_go: Counter,
    pub(super) held_as_left: Counter,
    pub(super) held_changed: Counter,
}

impl Counts {
    pub(super) fn new() -> Self {
        let of = |outcome| counter!("waika_store_not_durable_total", "outcome" => outcome);
        let held = |found| counter!("waika_accounts_held_total", "found" => found);
        Self {
            conflicts: of("conflict"),
            known: of("known"),
            refused: of("refused"),
            unknown: of("unknown"),
            loads: counter!("waika_accounts_loaded_total"),
            let_go: counter!("waika_accounts_let_go_total"),
            held_as_left: held("as_left"),
            held_changed: held("changed"),
        }
    }
}
