//! Where the server has its ledger: here only what the pipeline writes to.

pub mod journal;
