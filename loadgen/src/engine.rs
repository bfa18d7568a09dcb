//! Sending calls and settling them, for one worker.
//!
//! The instant of sending is taken immediately before sending, that of being done when the answer
//! is read. Nothing here waits for the server: when too many calls are open, the request is counted
//! as dropped.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::answer::Answer;
use crate::call::outcome_of;
use crate::calls::{Calls, Ticket};
use crate::clock::monotonic_ns;
use crate::lane::{ConnectError, Lane, Usable};
use crate::outcome::Outcome;
use crate::plan::{Discipline, Plan};
use crate::progress::Progress;
use crate::recorder::{Record, Sample};
use crate::time_line::TimeLine;
use crate::wire::RequestWriter;

/// What came of one request's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issued {
    /// It is on its way.
    Sent,
    /// As many calls are open as may be.
    Dropped,
    /// Its connection did not take it: it has failed.
    Failed,
    /// There is no connection.
    NotConnected,
}

/// The connections and open calls of one worker, and what it measured.
pub(crate) struct Engine {
    books: Books,
    lanes: Vec<Lane>,
    next_lane: usize,
    calls: Calls,
    most_open: usize,
    writer: RequestWriter,
}

impl Engine {
    /// Makes the connections of the worker with this number.
    pub(crate) async fn connect(
        number: usize,
        plan: &Arc<Plan>,
        progress: &Arc<Progress>,
    ) -> Result<Self, ConnectError> {
        let mut lanes = Vec::new();
        for _ in 0..plan.connections_of(number) {
            lanes.push(Lane::connect(&plan.target).await?);
        }
        Ok(Self {
            books: Books {
                plan: Arc::clone(plan),
                progress: Arc::clone(progress),
                record: empty_record(plan),
                start_ns: 0,
            },
            lanes,
            next_lane: 0,
            calls: Calls::new(),
            most_open: plan.in_flight_of(number),
            writer: RequestWriter::new(plan.run_id, plan.details),
        })
    }

    /// How many calls the server allows at once, over these connections; `None` if it sets no
    /// bound on one of them.
    pub(crate) fn allowed(&self) -> Option<usize> {
        self.lanes.iter().map(Lane::bound).sum()
    }

    /// Says when the run starts, on the monotonic clock; times count from there.
    pub(crate) fn start_at(&mut self, start_ns: u64) {
        self.books.start_ns = start_ns;
    }

    /// Nanoseconds since the run started.
    pub(crate) fn now(&self) -> u64 {
        self.books.now()
    }

    /// How many calls are open.
    pub(crate) fn open_calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether as many calls are open as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.calls.len() >= self.most_open
    }

    /// When the next open call is to be given up.
    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        let due_ns = self.calls.oldest_due()?;
        // One more, for a call is given up once its deadline has passed.
        Some(
            due_ns
                .saturating_add(self.books.plan.deadline_ns)
                .saturating_add(1),
        )
    }

    /// Whether an open call has news; if not, `cx` is woken when one has.
    pub(crate) fn poll_news(&self, cx: &Context<'_>) -> Poll<()> {
        self.calls.poll_news(cx)
    }

    /// Takes in the answers that have come.
    pub(crate) fn settle(&mut self) {
        let (books, lanes) = (&mut self.books, &mut self.lanes);
        self.calls.settle(|ticket, answer| {
            leave(lanes, ticket);
            books.finish(ticket, answer);
        });
    }

    /// Gives up the calls that were due before `limit_ns`.
    pub(crate) fn give_up(&mut self, limit_ns: u64, outcome: Outcome) {
        let (books, lanes) = (&mut self.books, &mut self.lanes);
        self.calls.expire(limit_ns, |ticket| {
            leave(lanes, ticket);
            books.finish(ticket, outcome.into());
        });
    }

    /// Counts a request whose deadline has passed before its turn came.
    pub(crate) fn skip(&mut self, due_ns: u64) {
        self.books.plan_one(due_ns);
        self.books.record.counts.skipped += u64::from(self.books.is_measured(due_ns));
        self.books.count_not_sent(due_ns);
    }

    /// Sends request `index`, which was due at `due_ns`, or counts why not.
    pub(crate) fn issue_due(&mut self, index: u64, due_ns: u64, cx: &mut Context<'_>) {
        self.books.plan_one(due_ns);
        match self.issue(index, Some(due_ns), cx) {
            Issued::Sent | Issued::Failed | Issued::NotConnected => {}
            Issued::Dropped => {
                self.books.record.counts.dropped += u64::from(self.books.is_measured(due_ns));
                self.books.count_not_sent(due_ns);
            }
        }
    }

    /// Sends request `index` of a closed loop: nothing is due there, it is measured from sending.
    pub(crate) fn issue_next(&mut self, index: u64, cx: &mut Context<'_>) -> Issued {
        self.issue(index, None, cx)
    }

    /// What was measured, and how many connections had to be made again.
    pub(crate) fn into_record(self) -> (Record, u64) {
        let reconnects = self.lanes.iter().map(|lane| lane.reconnects).sum();
        (self.books.record, reconnects)
    }

    fn issue(&mut self, index: u64, due_ns: Option<u64>, cx: &mut Context<'_>) -> Issued {
        match self.usable_lane(cx) {
            Ok(place) => self.send_on(place, index, due_ns),
            Err(Usable::Full | Usable::Ready) => Issued::Dropped,
            Err(Usable::Lost) => {
                let due_ns = due_ns.unwrap_or_else(|| self.now());
                self.books.count_not_connected(due_ns);
                Issued::NotConnected
            }
        }
    }

    /// The next connection that can take a call, or why there is none.
    fn usable_lane(&mut self, cx: &mut Context<'_>) -> Result<usize, Usable> {
        if self.is_full() {
            return Err(Usable::Full);
        }
        let count = self.lanes.len();
        let mut reason = Usable::Lost;
        for step in 0..count {
            let place = (self.next_lane + step) % count;
            let Some(lane) = self.lanes.get_mut(place) else {
                continue;
            };
            match lane.poll_usable(cx) {
                Usable::Ready => {
                    self.next_lane = (place + 1) % count;
                    return Ok(place);
                }
                Usable::Full => reason = Usable::Full,
                Usable::Lost => {}
            }
        }
        Err(reason)
    }

    fn send_on(&mut self, place: usize, index: u64, due_ns: Option<u64>) -> Issued {
        let plan = &self.books.plan;
        let request = plan.workload.request(index);
        let message = self.writer.write(&request, &plan.population);
        let (Some(message), Some(lane)) = (message, self.lanes.get_mut(place)) else {
            return Issued::Dropped;
        };
        let sent_ns = self.books.now();
        let sent = lane.send(&plan.template, message);
        let due_ns = due_ns.unwrap_or(sent_ns);
        self.books.count_sent(due_ns, self.calls.len());
        let ticket = Ticket {
            index,
            account: request.account,
            due_ns,
            sent_ns,
            lane: place,
        };
        match sent {
            Ok(call) => {
                lane.in_flight += 1;
                self.calls.open(ticket, call);
                Issued::Sent
            }
            Err(error) => {
                self.books.finish(ticket, outcome_of(&error).into());
                Issued::Failed
            }
        }
    }
}

fn leave(lanes: &mut [Lane], ticket: Ticket) {
    if let Some(lane) = lanes.get_mut(ticket.lane) {
        lane.in_flight = lane.in_flight.saturating_sub(1);
    }
}

/// Nothing measured yet, with slices that suit the length of the plan, where it is known.
fn empty_record(plan: &Plan) -> Record {
    let mut record = Record::of(plan.details);
    match &plan.discipline {
        Discipline::Open { .. } | Discipline::Closed { requests: None, .. } => {
            let length_ns = plan.end_ns.saturating_sub(plan.warm_up_ns);
            record.time_line = TimeLine::for_length(length_ns);
        }
        Discipline::Closed {
            requests: Some(_), ..
        } => {}
    }
    record
}

/// What a worker writes down.
struct Books {
    plan: Arc<Plan>,
    progress: Arc<Progress>,
    record: Record,
    start_ns: u64,
}

impl Books {
    fn now(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }

    /// Those that were due while warming up are counted apart and are in no histogram.
    fn is_measured(&self, due_ns: u64) -> bool {
        due_ns >= self.plan.warm_up_ns
    }

    /// Counts a request of a schedule; a closed loop plans nothing but what it sends or tries to.
    fn plan_one(&mut self, due_ns: u64) {
        self.record.counts.planned += u64::from(self.is_measured(due_ns));
    }

    fn count_not_sent(&mut self, due_ns: u64) {
        Progress::count(&self.progress.not_sent);
        if let Some(since_ns) = due_ns.checked_sub(self.plan.warm_up_ns) {
            self.record.time_line.skip(since_ns);
        }
    }

    fn plan_one_if_closed(&mut self, due_ns: u64) {
        match &self.plan.discipline {
            Discipline::Open { .. } => {}
            Discipline::Closed { .. } => self.plan_one(due_ns),
        }
    }

    /// Counts a request that could not be sent for want of a connection: it has no times.
    fn count_not_connected(&mut self, due_ns: u64) {
        self.record.counts.not_connected += u64::from(self.is_measured(due_ns));
        self.count_not_sent(due_ns);
        self.plan_one_if_closed(due_ns);
    }

    fn count_sent(&mut self, due_ns: u64, open_calls: usize) {
        Progress::count(&self.progress.sent);
        if !self.is_measured(due_ns) {
            self.record.counts.warm_up_sent += 1;
            return;
        }
        self.record.counts.sent += 1;
        self.plan_one_if_closed(due_ns);
        let span_ns = self.plan.end_ns.saturating_sub(self.plan.warm_up_ns).max(1);
        let since_ns = due_ns.saturating_sub(self.plan.warm_up_ns);
        let tenth = u128::from(since_ns) * 10 / u128::from(span_ns);
        let place = usize::try_from(tenth).unwrap_or(9).min(9);
        if let Some(tenth) = self.record.tenths.get_mut(place) {
            tenth.sent += 1;
            tenth.in_flight_sum += open_calls as u64;
        }
    }

    fn finish(&mut self, ticket: Ticket, answer: Answer) {
        let sample = Sample {
            due_ns: ticket.due_ns,
            sent_ns: ticket.sent_ns,
            done_ns: self.now(),
        };
        Progress::count(&self.progress.done);
        let Some(since_ns) = sample.due_ns.checked_sub(self.plan.warm_up_ns) else {
            return;
        };
        let response_ns = sample.done_ns.saturating_sub(sample.due_ns);
        self.record.finish(answer.outcome, sample);
        self.record
            .time_line
            .finish(answer.outcome, since_ns, response_ns);
        if let Some(timing) = &mut self.record.timing
            && answer.outcome.is_decided()
        {
            let round_trip_ns = sample.done_ns.saturating_sub(sample.sent_ns);
            timing.finish(round_trip_ns, answer.timing);
        }
        if let Some(schemes) = &mut self.record.schemes
            && let Some(scheme) = self.plan.population.scheme_of(ticket.account)
        {
            schemes.finish(scheme, answer.outcome, response_ns);
        }
    }
}
