//! Waika's authorisation service: what stands around the rules of `waika-domain`.
//!
//! Begin at [`serve`], which keeps the service alive until it is stopped, or at
//! [`ledger::Ledger::submit`], which takes one operation from the wire to the disk.

mod accounts;
mod authoriser;
pub mod clock;
pub mod commit;
pub mod config;
mod decision_metrics;
pub mod exit;
pub mod grpc;
mod idempotency;
mod issuer;
pub mod ledger;
mod merchants;
pub mod metrics;
pub mod pan;
mod sandbox;
pub mod serve;
pub mod telemetry;
mod under_way;
pub mod vault;
