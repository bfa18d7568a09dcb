//! Pure: what is measured side by side, and in which order.

use serde::{Deserialize, Serialize};

use crate::server_process::{Speech, Store};

/// One thing that is measured: a server, and how it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Arm {
    /// Tonic as it comes, and no work: each payment a call of its own.
    DefaultEcho,
    /// A runtime on each core, and no work: each payment a call of its own.
    PercoreEcho,
    /// The server with its data in memory: each payment a call of its own.
    Memory,
    /// The server with its journal: each payment a call of its own.
    Journal,
    /// A runtime on each core, and no work: payments over streams.
    PercoreEchoStream,
    /// The server with its journal: payments over streams, each a message of its own.
    JournalStream,
    /// The server with its journal: payments over streams, many of them in a message.
    JournalBatch,
    /// Tonic as it comes, asked by h2load, which repeats one call.
    H2loadDefaultEcho,
    /// A runtime on each core, asked by h2load.
    H2loadPercoreEcho,
    /// The server with its journal, over mutual TLS: each payment a call of its own.
    JournalMtls,
    /// The server with its journal, over mutual TLS: payments over streams.
    JournalStreamMtls,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// A floor with this `--runtime`.
    Floor(&'static str),
    /// The server, with its data there, and spoken to like this.
    Server(Store, Speech),
}

/// What asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// This program, with calls.
    Calls,
    /// This program, over streams, each payment a message.
    Stream,
    /// This program, over streams, with many payments in a message.
    Batches,
    /// h2load.
    H2load,
}

impl Arm {
    /// What work costs, beside none; those that are compared stand beside each other.
    pub(super) const OF_WORK: [Self; 9] = [
        Self::DefaultEcho,
        Self::PercoreEcho,
        Self::Memory,
        Self::Journal,
        Self::PercoreEchoStream,
        Self::JournalStream,
        Self::JournalBatch,
        Self::H2loadDefaultEcho,
        Self::H2loadPercoreEcho,
    ];

    /// What mutual TLS costs, beside clear text.
    pub(super) const OF_MTLS: [Self; 4] = [
        Self::Journal,
        Self::JournalMtls,
        Self::JournalStream,
        Self::JournalStreamMtls,
    ];

    /// What answers.
    pub(super) fn serving(self) -> Serving {
        match self {
            Self::DefaultEcho | Self::H2loadDefaultEcho => Serving::Floor("multi"),
            Self::PercoreEcho | Self::PercoreEchoStream | Self::H2loadPercoreEcho => {
                Serving::Floor("per-core")
            }
            Self::Memory => Serving::Server(Store::Memory, Speech::Plain),
            Self::Journal | Self::JournalStream | Self::JournalBatch => {
                Serving::Server(Store::Journal, Speech::Plain)
            }
            Self::JournalMtls | Self::JournalStreamMtls => {
                Serving::Server(Store::Journal, Speech::MutualTls)
            }
        }
    }

    /// What asks.
    pub(super) fn asking(self) -> Asking {
        match self {
            Self::DefaultEcho
            | Self::PercoreEcho
            | Self::Memory
            | Self::Journal
            | Self::JournalMtls => Asking::Calls,
            Self::PercoreEchoStream | Self::JournalStream | Self::JournalStreamMtls => {
                Asking::Stream
            }
            Self::JournalBatch => Asking::Batches,
            Self::H2loadDefaultEcho | Self::H2loadPercoreEcho => Asking::H2load,
        }
    }

    /// It does what is asked of it, and does not only say so.
    pub(crate) fn does_work(self) -> bool {
        matches!(self.serving(), Serving::Server(..))
    }

    /// h2load asks.
    pub(crate) fn is_h2load(self) -> bool {
        self.asking() == Asking::H2load
    }

    /// Its name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::DefaultEcho => "default echo, calls",
            Self::PercoreEcho => "per-core echo, calls",
            Self::Memory => "waika memory:, calls",
            Self::Journal => "waika journal:, calls",
            Self::PercoreEchoStream => "per-core echo, stream",
            Self::JournalStream => "waika journal:, stream",
            Self::JournalBatch => "waika journal:, stream in batches",
            Self::H2loadDefaultEcho => "default echo, h2load",
            Self::H2loadPercoreEcho => "per-core echo, h2load",
            Self::JournalMtls => "waika journal:, calls, mTLS",
            Self::JournalStreamMtls => "waika journal:, stream, mTLS",
        }
    }

    /// Its name in figures of machines, as it is stored.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DefaultEcho => "default_echo",
            Self::PercoreEcho => "percore_echo",
            Self::Memory => "memory",
            Self::Journal => "journal",
            Self::PercoreEchoStream => "percore_echo_stream",
            Self::JournalStream => "journal_stream",
            Self::JournalBatch => "journal_batch",
            Self::H2loadDefaultEcho => "h2load_default_echo",
            Self::H2loadPercoreEcho => "h2load_percore_echo",
            Self::JournalMtls => "journal_mtls",
            Self::JournalStreamMtls => "journal_stream_mtls",
        }
    }
}

/// The arms of one round, counted from 0: every second round goes backwards, so that what changes
/// evenly over two rounds meets all of them alike.
pub(super) fn in_turn(arms: &[Arm], round: u32) -> Vec<Arm> {
    let mut turn = arms.to_vec();
    if !round.is_multiple_of(2) {
        turn.reverse();
    }
    turn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_two_rounds_each_arm_comes_as_late_as_every_other() {
        let all = Arm::OF_WORK;
        let place = |round, arm| {
            let turn = in_turn(&all, round);
            assert_eq!(turn.len(), all.len());
            turn.iter().position(|other| *other == arm).unwrap()
        };
        for arm in all {
            for round in [0, 2, 8] {
                let sum = place(round, arm) + place(round + 1, arm);
                assert_eq!(sum, all.len() - 1, "{arm:?}");
            }
        }
        assert_eq!(in_turn(&all, 0), all);
    }

    #[test]
    fn arms_are_stored_under_their_names() {
        for arm in Arm::OF_WORK.into_iter().chain(Arm::OF_MTLS) {
            let stored = serde_json::to_string(&arm).unwrap();
            assert_eq!(stored, format!("\"{}\"", arm.name()));
        }
    }

    #[test]
    fn h2load_never_asks_what_knows_a_key_again() {
        for arm in Arm::OF_WORK.into_iter().chain(Arm::OF_MTLS) {
            assert!(!(arm.is_h2load() && arm.does_work()), "{arm:?}");
        }
    }
}
