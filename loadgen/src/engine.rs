//! Sending calls and settling them, for one worker.
//!
//! The instant of sending is taken immediately before sending, that of being done when the answer
//! is read. Nothing here waits for the server: when too many calls are open, the request is counted
//! as dropped.

use std::sync::Arc;
use std::task::Context;

use crate::books::Books;
use crate::calls::{Calls, Place, Ticket};
use crate::connect::ConnectError;
use crate::errand::{Errand, Rpc};
use crate::journey::{Follower, Followers, Got, Journey};
use crate::lane::{Heard, Lane, Usable};
use crate::outcome::Outcome;
use crate::plan::{Discipline, Plan, Transport};
use crate::population::Payer;
use crate::progress::Progress;
use crate::recorder::Record;
use crate::side_calls::SideCalls;
use crate::wire::RequestWriter;
use crate::workload::Request;

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
    /// What is sent in one turn goes over one connection, and the next turn's over the next.
    next_lane: usize,
    calls: Calls,
    followers: Followers,
    most_open: usize,
    is_closed: bool,
    transport: Transport,
    writer: RequestWriter,
    side_calls: SideCalls,
}

/// What a connection is attended to for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attend {
    Read,
    Write,
}

/// A call at its turn.
struct Turn {
    index: u64,
    /// `None` in a closed loop, where nothing is due: it is measured from sending.
    due_ns: Option<u64>,
    rpc: Rpc,
    request: Request,
    journey: Option<Box<Journey>>,
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
            lanes.push(Lane::connect(&plan.target, &plan.template).await?);
        }
        Ok(Self {
            books: Books::new(plan, progress),
            lanes,
            next_lane: 0,
            calls: Calls::default(),
            followers: Followers::default(),
            most_open: plan.in_flight_of(number),
            is_closed: matches!(plan.discipline, Discipline::Closed { .. }),
            transport: plan.transport,
            writer: RequestWriter::new(plan.run_id, plan.details),
            side_calls: plan.side_calls,
        })
    }

    /// How many calls the server allows at once, over these connections; `None` if it sets no
    /// bound on one of them. Payments of a stream are no calls of their own.
    pub(crate) fn allowed(&self) -> Option<usize> {
        match self.transport {
            Transport::Unary { .. } => self.lanes.iter().map(Lane::bound).sum(),
            Transport::Stream { .. } => None,
        }
    }

    /// Says when the run starts, on the monotonic clock; times count from there.
    pub(crate) fn start_at(&mut self, start_ns: u64) {
        self.books.start_at(start_ns);
    }

    /// Nanoseconds since the run started.
    pub(crate) fn now(&self) -> u64 {
        self.books.now()
    }

    /// How much it has sent and heard so far: a number that differs after a turn with work.
    pub(crate) fn worked(&self) -> u64 {
        self.books.noted()
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

    /// When the next call is due that follows another.
    pub(crate) fn next_follower(&self) -> Option<u64> {
        self.followers.next_due()
    }

    /// Takes in the answers that have come; wakes `cx` when there are more.
    pub(crate) fn settle(&mut self, cx: &mut Context<'_>) {
        self.attend(cx, Attend::Read);
    }

    /// Sends what calls have put into the connections; wakes `cx` when they take more of it.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        self.next_lane = (self.next_lane + 1) % self.lanes.len().max(1);
        self.attend(cx, Attend::Write);
    }

    /// Turns to each connection, and writes down what is heard meanwhile.
    fn attend(&mut self, cx: &mut Context<'_>, attend: Attend) {
        let (books, calls, followers) = (&mut self.books, &mut self.calls, &mut self.followers);
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let on = &mut |heard: Heard<'_>| match heard {
                // An answer to what was given up already is late, and changes nothing.
                Heard::Answer(place, answer) => {
                    if let Some(ticket) = calls.take(place)
                        && let Some(follower) = books.finish(ticket, answer)
                    {
                        followers.add(follower);
                    }
                }
                Heard::StreamEnded(outcome) => {
                    for ticket in calls.take_streamed(number) {
                        books.finish(ticket, Err(outcome));
                    }
                }
            };
            match attend {
                Attend::Read => lane.poll(cx, on),
                Attend::Write => lane.flush(cx, on),
            }
        }
    }

    /// Gives up the calls that were due before `limit_ns`.
    pub(crate) fn give_up(&mut self, limit_ns: u64, outcome: Outcome) {
        let (books, lanes) = (&mut self.books, &mut self.lanes);
        self.calls.expire(limit_ns, |ticket| {
            if let (Some(stream), Some(lane)) = (ticket.stream, lanes.get_mut(ticket.lane)) {
                lane.give_up(stream);
            }
            books.finish(ticket, Err(outcome));
        });
    }

    /// Counts a request whose deadline has passed before its turn came.
    pub(crate) fn skip(&mut self, index: u64, due_ns: u64) {
        let rpc = self.books.plan.workload.request(index).errand.first();
        self.books.plan_one(rpc, due_ns);
        self.books.skip(rpc, due_ns);
    }

    /// Sends request `index`, which was due at `due_ns`, or counts why not.
    pub(crate) fn issue_due(&mut self, index: u64, due_ns: u64) {
        let turn = self.first_turn(index, Some(due_ns));
        self.issue_planned(turn, due_ns);
    }

    /// Sends the calls that follow others and are due, or counts why not.
    pub(crate) fn issue_followers(&mut self) {
        let now_ns = self.now();
        while let Some(follower) = self.followers.take_due(now_ns) {
            let Follower {
                due_ns,
                index,
                rpc,
                journey,
            } = follower;
            let turn = Turn {
                index,
                due_ns: Some(due_ns),
                rpc,
                request: journey.request,
                journey: Some(journey),
            };
            self.issue_planned(turn, due_ns);
        }
    }

    /// Forgets the calls that were to follow others later than now.
    pub(crate) fn abandon_followers(&mut self) {
        let count = self.followers.abandon();
        self.books.count_abandoned(count);
    }

    /// Sends request `index` of a closed loop: nothing is due there, it is measured from sending.
    pub(crate) fn issue_next(&mut self, index: u64) -> Issued {
        let turn = self.first_turn(index, None);
        let rpc = turn.rpc;
        let issued = self.issue(turn);
        if issued == Issued::NotConnected {
            let now_ns = self.now();
            self.books.plan_one(rpc, now_ns);
            self.books.count_not_connected(rpc, now_ns);
        }
        issued
    }

    /// What was measured, and how many connections had to be made again.
    pub(crate) fn into_record(self) -> (Record, u64) {
        let reconnects = self.lanes.iter().map(|lane| lane.reconnects).sum();
        (self.books.into_record(), reconnects)
    }

    fn first_turn(&self, index: u64, due_ns: Option<u64>) -> Turn {
        let request = self.books.plan.workload.request(index);
        let journey = (request.errand != Errand::Pay).then(|| {
            Box::new(Journey {
                request,
                got: Got::default(),
            })
        });
        Turn {
            index,
            due_ns,
            rpc: request.errand.first(),
            request,
            journey,
        }
    }

    fn issue_planned(&mut self, turn: Turn, due_ns: u64) {
        let rpc = turn.rpc;
        self.books.plan_one(rpc, due_ns);
        match self.issue(turn) {
            Issued::Sent | Issued::Failed => {}
            Issued::NotConnected => self.books.count_not_connected(rpc, due_ns),
            Issued::Dropped => self.books.drop_one(rpc, due_ns),
        }
    }

    fn issue(&mut self, turn: Turn) -> Issued {
        // A closed loop's place is free for what follows in its errand.
        let must_have_room = !self.is_closed || turn.due_ns.is_none();
        if must_have_room && self.is_full() {
            return Issued::Dropped;
        }
        match self.usable_lane() {
            Ok(lane) => self.send_on(lane, turn),
            Err(Usable::Full | Usable::Ready) => Issued::Dropped,
            Err(Usable::Lost) => Issued::NotConnected,
        }
    }

    /// The next connection that can take a call, or why there is none.
    fn usable_lane(&mut self) -> Result<usize, Usable> {
        let count = self.lanes.len();
        let mut reason = Usable::Lost;
        for step in 0..count {
            let place = (self.next_lane + step) % count;
            let Some(lane) = self.lanes.get(place) else {
                continue;
            };
            match lane.usable() {
                Usable::Ready => return Ok(place),
                Usable::Full => reason = Usable::Full,
                Usable::Lost => {}
            }
        }
        Err(reason)
    }

    fn send_on(&mut self, lane: usize, turn: Turn) -> Issued {
        let place = self.calls.take_place();
        let stamp =
            self.books
                .sending(turn.index, turn.rpc, &turn.request, turn.journey.as_deref());
        let sent_ns = self.books.now();
        let sent = self.put_on(lane, place, &turn);
        let due_ns = turn.due_ns.unwrap_or(sent_ns);
        if turn.due_ns.is_none() {
            self.books.plan_one(turn.rpc, due_ns);
        }
        self.books
            .count_sent(turn.rpc, due_ns, self.calls.len() - 1);
        let ticket = Ticket {
            index: turn.index,
            request: turn.request,
            rpc: turn.rpc,
            journey: turn.journey,
            stamp,
            due_ns,
            sent_ns,
            lane,
            stream: sent.unwrap_or_default(),
        };
        match sent {
            Ok(_) => {
                self.calls.fill(place, ticket);
                Issued::Sent
            }
            Err(outcome) => {
                self.calls.give_back(place);
                self.books.finish(ticket, Err(outcome));
                Issued::Failed
            }
        }
    }
}

/// Writing out what is sent.
impl Engine {
    /// Puts a call on this connection. The number of its stream, if it has one to itself.
    fn put_on(&mut self, lane: usize, place: Place, turn: &Turn) -> Result<Option<u32>, Outcome> {
        let population = &self.books.plan.population;
        let lane = self.lanes.get_mut(lane).ok_or(Outcome::TransportError)?;
        let journey = turn.journey.as_deref();
        let code = journey.and_then(|journey| journey.got.payment_code.as_deref());
        let (request, writer) = (&turn.request, &mut self.writer);
        // A merchant that was shown a code does not know whose it is.
        let account = match self.transport {
            Transport::Unary { account_hash: true } if code.is_none() => {
                population.payer(request.account).map(Payer::account_hash)
            }
            Transport::Unary { .. } | Transport::Stream { .. } => None,
        };
        match (turn.rpc, self.transport) {
            (Rpc::Authorise, Transport::Stream { batch }) => {
                let payment = writer.write_bare(request, population, code);
                lane.push(place, payment.ok_or(Outcome::Malformed)?, batch)
                    .map(|()| None)
            }
            (Rpc::Authorise, Transport::Unary { .. }) => {
                let message = writer.write(request, population, code);
                let message = message.ok_or(Outcome::Malformed)?;
                lane.send(Rpc::Authorise, place, message, account.as_ref())
                    .map(Some)
            }
            (rpc, _) => {
                let message = journey.and_then(|journey| {
                    self.side_calls
                        .message(rpc, journey, turn.index, population)
                });
                let message = message.ok_or(Outcome::Malformed)?;
                lane.send(rpc, place, &message, account.as_ref()).map(Some)
            }
        }
        .ok_or(Outcome::TransportError)
    }
}
