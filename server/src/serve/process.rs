//! What the process asks of the machine for itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::disable_transparent_huge_pages;
use tracing::warn;

/// Descriptors that are not connections: files, listeners, what runtimes need.
const OTHER_DESCRIPTORS: u64 = 256;

/// No core dumps, since memory holds keys and card numbers; no huge pages; and as many descriptors as allowed.
pub(crate) fn prepare(connections: usize) {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        warn!(%error, "core dumps stay on");
    }
    // Whoever touches the first byte of a huge page waits until all of it is cleared: decision 0031.
    if let Err(error) = disable_transparent_huge_pages(true) {
        warn!(%error, "memory grows by huge pages, and calls may wait for them");
    }
    let descriptors = raise_descriptors();
    let needed = (connections as u64).saturating_add(OTHER_DESCRIPTORS);
    if let Some(descriptors) = descriptors.filter(|allowed| *allowed < needed) {
        warn!(
            descriptors,
            connections, "fewer descriptors than connections: raise the limit (ulimit -n)"
        );
    }
}

/// How many there may be now; nothing if there is no limit.
fn raise_descriptors() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
}
