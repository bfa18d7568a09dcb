//! Threads that work beside the answers.

/// Lets other threads go before this one, by so much of a nice value (19 is the most).
pub(super) fn give_way(nice: i32) {
    let this = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(this), nice) {
        tracing::debug!(%error, "a thread in the background has the usual priority");
    }
}
