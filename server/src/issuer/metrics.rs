//! What is counted of calls to the issuer. Handles are found once; counting one is an addition.

use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use waika_domain::card::Scheme;

use super::breaker::BreakerMetrics;
use crate::clock;

/// What the issuer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Authorise,
    VerifyCard,
    Reverse,
    Status,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::VerifyCard => "verify_card",
            Self::Reverse => "reverse",
            Self::Status => "status",
        }
    }
}

/// A scheme's name, as the contract has it.
pub(super) fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Visa => "VISA",
        Scheme::Mastercard => "MASTERCARD",
        Scheme::DinersClub => "DINERS_CLUB",
        Scheme::Discover => "DISCOVER",
        Scheme::Jcb => "JCB",
    }
}

/// The figures of one scheme.
pub(super) struct SchemeMetrics {
    pub(super) in_flight: Gauge,
    pub(super) connections: Gauge,
    pub(super) breaker_open: Counter,
    pub(super) too_many: Counter,
    authorise: OperationMetrics,
    verify_card: OperationMetrics,
    reverse: OperationMetrics,
    status: OperationMetrics,
}

impl SchemeMetrics {
    /// Finds every handle.
    pub(super) fn new(scheme: Scheme) -> Self {
        let name = scheme_name(scheme);
        let turned = |reason| counter!("waika_issuer_turned_away_total", "scheme" => name, "reason" => reason);
        let operation = |operation| OperationMetrics::new(name, operation);
        let in_flight = gauge!("waika_issuer_in_flight", "scheme" => name);
        let connections = gauge!("waika_issuer_connections", "scheme" => name);
        for gauge in [&in_flight, &connections] {
            gauge.set(0.0);
        }
        Self {
            in_flight,
            connections,
            breaker_open: turned("breaker_open"),
            too_many: turned("too_many_in_flight"),
            authorise: operation(Operation::Authorise),
            verify_card: operation(Operation::VerifyCard),
            reverse: operation(Operation::Reverse),
            status: operation(Operation::Status),
        }
    }

    /// Begins to count a call.
    pub(super) fn begin(&self, operation: Operation) -> Counting<'_> {
        let metrics = match operation {
            Operation::Authorise => &self.authorise,
            Operation::VerifyCard => &self.verify_card,
            Operation::Reverse => &self.reverse,
            Operation::Status => &self.status,
        };
        Counting {
            metrics,
            began: clock::monotonic(),
            ended: Ended::GivenUp,
        }
    }
}

/// The handles of a scheme's breaker.
pub(super) fn of_breaker(scheme: Scheme) -> BreakerMetrics {
    let name = scheme_name(scheme);
    BreakerMetrics {
        state: gauge!("waika_issuer_breaker_state", "scheme" => name),
        opened: counter!("waika_issuer_breaker_opened_total", "scheme" => name),
    }
}

struct OperationMetrics {
    answered: Counter,
    failed: Counter,
    not_sent: Counter,
    given_up: Counter,
    seconds: Histogram,
}

impl OperationMetrics {
    fn new(scheme: &'static str, operation: Operation) -> Self {
        let operation = operation.name();
        let outcome = |outcome| {
            counter!(
                "waika_issuer_requests_total",
                "scheme" => scheme, "operation" => operation, "outcome" => outcome
            )
        };
        Self {
            answered: outcome("answered"),
            failed: outcome("failed"),
            not_sent: outcome("not_sent"),
            given_up: outcome("given_up"),
            seconds: histogram!(
                "waika_issuer_seconds", "scheme" => scheme, "operation" => operation
            ),
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an answer, a decline or not.
    Answered,
    /// Without one.
    Failed,
    /// It was never sent.
    NotSent,
    /// Its caller waits no more.
    GivenUp,
}

/// A call that is being counted. Dropped before it ended, it was given up.
pub(super) struct Counting<'a> {
    metrics: &'a OperationMetrics,
    began: Instant,
    ended: Ended,
}

impl Counting<'_> {
    pub(super) fn end(mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let counter = match self.ended {
            Ended::Answered => &self.metrics.answered,
            Ended::Failed => &self.metrics.failed,
            Ended::NotSent => &self.metrics.not_sent,
            Ended::GivenUp => &self.metrics.given_up,
        };
        counter.increment(1);
        if self.ended != Ended::NotSent {
            self.metrics.seconds.record(self.began.elapsed());
        }
    }
}
