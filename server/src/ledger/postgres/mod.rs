//! PostgreSQL as the store of many nodes: one row an account, and compare-and-set (decisions 0034 and 0048).

mod address;
mod batch;
mod connection;
mod fitness;
mod found;
mod held;
mod lanes;
mod merged;
mod pauses;
mod ready;
mod schema;
mod verdict;

pub use self::address::Address;
pub use self::batch::{Became, CommitStatement, EntryRow, FoundBy, Links, Row};
pub(crate) use self::connection::said;
pub use self::connection::{NotConnected, Session};
pub use self::fitness::{Fitness, MOST_SKEW, Unfit};
pub use self::held::{Held, Turn};
pub use self::lanes::{LaneOptions, Lanes};
pub use self::merged::Outcome;
pub(crate) use self::merged::Tell;
pub use self::schema::{Migrated, SCHEMA, SchemaError, migrate};
