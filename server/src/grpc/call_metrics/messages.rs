//! The messages of a stream of payments. Other calls have one each way, or few, and count none.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{CallMetrics, CoreCalls, Counted, Counters};
use crate::grpc::STREAM_PATH;
use crate::metrics::head;

/// Where one stream counts its messages: found once for all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Messages {
    calls: Option<Arc<CoreCalls>>,
    place: usize,
}

impl CallMetrics {
    /// Writes what all cores have counted.
    pub(super) fn write_messages(&self, page: &mut String) -> std::fmt::Result {
        let stream = self.table.places.get(STREAM_PATH).copied();
        let served = stream.and_then(|place| Some((place, self.table.methods.get(place)?)));
        let Some((place, served)) = served else {
            return Ok(());
        };
        let (labels, sum) = (served.labels(), self.sum(place));
        for (name, help, count) in [
            (
                "grpc_server_msg_received_total",
                "Messages that were read of a stream",
                sum.received,
            ),
            (
                "grpc_server_msg_sent_total",
                "Messages that a stream was given",
                sum.sent,
            ),
        ] {
            head(page, name, "counter", help)?;
            writeln!(page, "{name}{{{labels}}} {count}")?;
        }
        Ok(())
    }
}

impl Messages {
    /// One was read.
    pub(crate) fn received(&self) {
        if let Some(counters) = self.counters() {
            counters.received.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One was given to the connection.
    pub(crate) fn sent(&self) {
        if let Some(counters) = self.counters() {
            counters.sent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counters(&self) -> Option<&Counters> {
        self.calls.as_ref()?.counters.get(self.place)
    }
}

impl Counted {
    /// Where its messages are counted.
    pub(crate) fn messages(&self) -> Messages {
        Messages {
            calls: self.calls.clone(),
            place: self.place,
        }
    }
}
