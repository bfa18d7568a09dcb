//! The hot path's client: calls over HTTP/2 connections of its own.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use foldhash::HashMap;
use tokio::task::JoinHandle;

use crate::call::Call;
use crate::call_template::{CallTemplate, STREAM_PATH, path};
use crate::calls::Place;
use crate::connect::{ConnectError, connect};
use crate::errand::Rpc;
use crate::http2::{Connection, Told};
use crate::outcome::{GrpcCode, Outcome};
use crate::population::AccountHash;
use crate::stream::PaymentStream;
use crate::target::Target;

/// Pause between tries to make a lost connection again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// One connection, which is made again when it is lost.
pub(crate) struct Lane {
    target: Target,
    template: Arc<CallTemplate>,
    state: LaneState,
    open: Open,
    /// How often it was made again.
    pub(crate) reconnects: u64,
}

/// What is open on a connection.
#[derive(Default)]
struct Open {
    /// Calls that have a stream to themselves, by its number.
    calls: HashMap<u32, Call>,
    /// Room of answers that are over.
    bodies: Vec<Vec<u8>>,
    /// The stream of payments.
    payments: Option<PaymentStream>,
    /// Streams that are over for us and not for the server.
    dropped: Vec<u32>,
}

enum LaneState {
    Up(Box<Connection>),
    Down(JoinHandle<Box<Connection>>),
}

/// What a lane has heard.
pub(crate) enum Heard<'a> {
    /// The answer to the call at this place, or why there is none.
    Answer(Place, Result<&'a [u8], Outcome>),
    /// The stream of payments has ended, which means this for those that are open.
    StreamEnded(Outcome),
}

/// Whether a lane can take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usable {
    /// It can.
    Ready,
    /// As many calls are open as the server allows, or as much is under way.
    Full,
    /// There is no connection at present.
    Lost,
}

/// Less room than this on a connection is none.
const LEAST_ROOM: usize = 4_096;

impl Lane {
    /// Makes a connection, and waits until the server has told its limits.
    pub(crate) async fn connect(
        target: &Target,
        template: &Arc<CallTemplate>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            target: target.clone(),
            template: Arc::clone(template),
            state: LaneState::Up(connect(target, template).await?),
            open: Open::default(),
            reconnects: 0,
        })
    }

    /// How many calls the server allows at once on this connection; `None` if it sets no bound.
    pub(crate) fn bound(&self) -> Option<usize> {
        match &self.state {
            LaneState::Up(connection) => connection.bound(),
            LaneState::Down(_) => Some(0),
        }
    }

    /// Whether a call can be sent now.
    pub(crate) fn usable(&self) -> Usable {
        let LaneState::Up(connection) = &self.state else {
            return Usable::Lost;
        };
        let open = self.open.streams();
        if connection.is_leaving() {
            Usable::Lost
        } else if connection.has_room(open, LEAST_ROOM) {
            Usable::Ready
        } else {
            Usable::Full
        }
    }

    /// Sends one call, which is kept at this place, and names its account to proxies if that is given. The
    /// number of its stream; `None` without a connection.
    pub(crate) fn send(
        &mut self,
        rpc: Rpc,
        place: Place,
        message: &[u8],
        account: Option<&AccountHash>,
    ) -> Option<u32> {
        let LaneState::Up(connection) = &mut self.state else {
            return None;
        };
        let stream = match rpc {
            Rpc::Authorise => connection.call(message, account),
            rpc => connection.call_other(path(rpc), message, account),
        };
        let body = self.open.bodies.pop().unwrap_or_default();
        self.open.calls.insert(stream, Call::new(place, body));
        Some(stream)
    }

    /// Puts one payment, which is kept at this place, on the stream of payments. `None` without a
    /// connection.
    pub(crate) fn push(&mut self, place: Place, payment: &[u8], batch: usize) -> Option<()> {
        let LaneState::Up(connection) = &mut self.state else {
            return None;
        };
        let stream = self
            .open
            .payments
            .get_or_insert_with(|| PaymentStream::new(connection.open_long(STREAM_PATH), batch));
        stream.push(connection.long_body()?, place.number(), payment);
        Some(())
    }

    /// Gives up the call that has this stream to itself. It is left to end by itself, for the
    /// server knows its deadline too, and one that has fallen behind would take many resets for an
    /// attack and close the connection; only where streams run short is it reset.
    pub(crate) fn give_up(&mut self, stream: u32) {
        let LaneState::Up(connection) = &mut self.state else {
            return;
        };
        let most = connection.bound().unwrap_or(usize::MAX);
        if self.open.streams() >= most
            && let Some(call) = self.open.calls.remove(&stream)
        {
            connection.cancel(stream);
            self.open.bodies.push(call.into_body());
        }
    }

    /// Takes in what has come, and tells it. A lost connection begins to be made again.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, on: &mut impl FnMut(Heard<'_>)) {
        if let LaneState::Down(attempt) = &mut self.state {
            match Pin::new(attempt).poll(cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(connection)) => {
                    self.reconnects += 1;
                    self.state = LaneState::Up(connection);
                }
                Poll::Ready(Err(_)) => return self.lose(cx, on),
            }
        }
        let LaneState::Up(connection) = &mut self.state else {
            return;
        };
        let open = &mut self.open;
        let polled = connection.poll(cx, &mut |number, told| match told {
            Told::Unseen => open.tell_unseen(number, on),
            told => open.tell(number, told, on),
        });
        for stream in open.dropped.drain(..) {
            connection.cancel(stream);
        }
        // It was told to whom it concerns, and its stream is closed with it.
        if open.payments.is_none() {
            connection.close_long();
        }
        let is_over = connection.is_leaving() && open.streams() == 0;
        if polled.is_err() || is_over {
            self.lose(cx, on);
        }
    }

    /// Sends what is to be sent. A lost connection begins to be made again.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>, on: &mut impl FnMut(Heard<'_>)) {
        let LaneState::Up(connection) = &mut self.state else {
            return;
        };
        if let (Some(stream), Some(body)) = (&mut self.open.payments, connection.long_body()) {
            stream.close_message(body);
        }
        if connection.flush(cx).is_err() {
            self.lose(cx, on);
        }
    }

    /// The connection is of no more use: what is open on it has failed, and another is made.
    fn lose(&mut self, cx: &mut Context<'_>, on: &mut impl FnMut(Heard<'_>)) {
        self.open.fail(Outcome::TransportError, |_| true, on);
        let mut attempt = tokio::spawn(reconnect(self.target.clone(), Arc::clone(&self.template)));
        // So that this task is woken once it is there; it cannot be yet.
        drop(Pin::new(&mut attempt).poll(cx));
        self.state = LaneState::Down(attempt);
    }
}

impl Open {
    fn streams(&self) -> usize {
        self.calls.len() + usize::from(self.payments.is_some())
    }

    /// Tells what came on one stream to the call or the stream of payments that it belongs to.
    fn tell(&mut self, number: u32, told: Told<'_>, on: &mut impl FnMut(Heard<'_>)) {
        let is_last = match told {
            Told::Head { is_last, .. } | Told::Data { is_last, .. } => is_last,
            Told::Reset(_) | Told::Unseen => true,
        };
        if let Some(payments) = &mut self.payments
            && payments.number == number
        {
            let ended = payments.take(told, &mut |correlation_id, answer| {
                on(Heard::Answer(Place::of_number(correlation_id), answer));
            });
            if let Some(outcome) = ended {
                self.payments = None;
                if !matches!(told, Told::Reset(_)) {
                    // Ours is still open, whoever ended the other half.
                    self.dropped.push(number);
                }
                on(Heard::StreamEnded(outcome));
            }
            return;
        }
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        let place = call.place;
        if let Some(answer) = call.take(told) {
            on(Heard::Answer(place, answer));
            if let Some(call) = self.calls.remove(&number) {
                self.bodies.push(call.into_body());
            }
            if !is_last {
                self.dropped.push(number);
            }
        }
    }

    /// The server is leaving, and looks at nothing beyond the stream `last`.
    fn tell_unseen(&mut self, last: u32, on: &mut impl FnMut(Heard<'_>)) {
        let unseen = Outcome::Grpc(GrpcCode::Unavailable);
        self.fail(unseen, |number| number > last, on);
    }

    /// What is open on these streams has ended so.
    fn fail(
        &mut self,
        outcome: Outcome,
        is_one: impl Fn(u32) -> bool,
        on: &mut impl FnMut(Heard<'_>),
    ) {
        for (_, call) in self.calls.extract_if(|number, _| is_one(*number)) {
            on(Heard::Answer(call.place, Err(outcome)));
        }
        if self
            .payments
            .take_if(|payments| is_one(payments.number))
            .is_some()
        {
            on(Heard::StreamEnded(outcome));
        }
    }
}

async fn reconnect(target: Target, template: Arc<CallTemplate>) -> Box<Connection> {
    loop {
        tokio::time::sleep(RECONNECT_PAUSE).await;
        if let Ok(connection) = connect(&target, &template).await {
            return connection;
        }
    }
}
