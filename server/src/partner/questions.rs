//! Questions that a partner answers with yes or no, within a bound: counted, and each failure told.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, counter};
use tokio::time::timeout;
use tracing::warn;

use super::{CallFailed, Line};
use crate::config::Target;

/// How long a partner may take, while somebody waits at a screen.
const LIMIT: Duration = Duration::from_secs(3);

/// A partner did not answer in time, or not sensibly. Why, its log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoAnswer;

/// One partner: a line for each core, and what is counted.
pub(super) struct Questions {
    partner: &'static str,
    /// By core, so that a call stays on the runtime that it came from.
    lines: Vec<Arc<Line>>,
    yes: Counter,
    no: Counter,
    failed: Counter,
    not_sent: Counter,
    timed_out: Counter,
}

impl Questions {
    pub(super) fn new(partner: &'static str, target: &Target, cores: usize) -> Self {
        let outcome = |outcome| {
            counter!(
                "waika_partner_requests_total", "partner" => partner, "outcome" => outcome
            )
        };
        let line = |_| Line::new(partner, target.clone(), Gauge::noop());
        Self {
            partner,
            lines: (0..cores.max(1)).map(line).collect(),
            yes: outcome("yes"),
            no: outcome("no"),
            failed: outcome("failed"),
            not_sent: outcome("not_sent"),
            timed_out: outcome("timed_out"),
        }
    }

    /// The line of a core.
    pub(super) fn line(&self, core: usize) -> Result<&Arc<Line>, CallFailed> {
        let line = self.lines.get(core).or(self.lines.first());
        line.ok_or(CallFailed::NO_CONNECTION)
    }

    /// A step before the answer.
    pub(super) async fn step<T>(
        &self,
        doing: impl Future<Output = Result<T, CallFailed>>,
    ) -> Result<T, NoAnswer> {
        match timeout(LIMIT, doing).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(why)) => {
                let counter = if why.not_sent {
                    &self.not_sent
                } else {
                    &self.failed
                };
                counter.increment(1);
                warn!(partner = self.partner, %why, "did not answer");
                Err(NoAnswer)
            }
            Err(_) => {
                self.timed_out.increment(1);
                warn!(partner = self.partner, limit = ?LIMIT, "did not answer in time");
                Err(NoAnswer)
            }
        }
    }

    /// The answer.
    pub(super) async fn answer(
        &self,
        asking: impl Future<Output = Result<bool, CallFailed>>,
    ) -> Result<bool, NoAnswer> {
        let answer = self.step(asking).await?;
        let counter = if answer { &self.yes } else { &self.no };
        counter.increment(1);
        Ok(answer)
    }
}
