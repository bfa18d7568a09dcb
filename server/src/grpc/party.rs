//! Who asks.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use tonic::Request;

use super::deadline;
use crate::caller::Caller;
use crate::identity::Pass;
use crate::stopwatch::Stopwatch;
use crate::vault::Vault;

/// Who asks, until when, and what measures the call.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    pub(super) caller: Caller,
    /// When it stops waiting, if it said so.
    pub(super) deadline: Option<Instant>,
    /// None where nobody wants to know.
    pub(super) stopwatch: Option<Arc<Stopwatch>>,
}

impl Asker {
    /// Of a call with these headers, whose message is there.
    #[inline]
    pub(crate) fn new(
        caller: Caller,
        headers: &HeaderMap,
        stopwatch: Option<Arc<Stopwatch>>,
    ) -> Self {
        if let Some(stopwatch) = &stopwatch {
            stopwatch.note_whole();
        }
        Self {
            caller,
            deadline: deadline::of(headers),
            stopwatch,
        }
    }

    /// Of a call that was let in.
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let extensions = request.extensions();
        let caller = extensions.get::<Pass>().map(Pass::caller);
        let stopwatch = extensions.get::<Arc<Stopwatch>>().map(Arc::clone);
        Self::new(
            caller.unwrap_or_default(),
            request.metadata().as_ref(),
            stopwatch,
        )
    }

    /// Of one payment of a stream, which has no time of its own.
    #[inline]
    pub(super) fn in_stream(caller: Caller) -> Self {
        Self {
            caller,
            ..Self::default()
        }
    }
}

/// Who asks, and the keys by which what is asked is digested.
pub(super) struct Party<'a> {
    pub(super) vault: &'a Vault,
    pub(super) asker: Asker,
}

impl<'a> Party<'a> {
    /// Of a call that was let in.
    pub(super) fn of<T>(request: &Request<T>, vault: &'a Vault) -> Self {
        Self {
            vault,
            asker: Asker::of(request),
        }
    }
}
