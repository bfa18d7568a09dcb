//! What the threads of the commit pipeline meet by. `server/schedules` builds the same pipeline upon
//! another file of this name, in which each of these lets another thread go first.

pub(crate) use std::sync::OnceLock;
pub(crate) use std::sync::atomic::AtomicU64;
pub(crate) use std::thread;

pub(crate) use parking_lot::{Condvar, Mutex};
pub(crate) use tokio::sync::Notify;
