//! One gRPC connection, from its first byte to its end.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::{Reason, server};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::age::{Age, Due, MaxAge};
use super::calls::{Call, RpcService};
use super::entrance::Gate;
use super::keep_alive::KeepAlive;
use super::linger::{self, Lent};
use super::listen::Ticket;
use super::payments::Payments;
use super::preface::{self, Opening};
use super::transport::Transport;
use crate::clock;

const MAX_CONCURRENT_STREAMS: u32 = 1_024;
/// Streams that a caller's errors made us reset: without a bound it can go on for ever
/// (RUSTSEC-2024-0003).
const MAX_LOCAL_ERROR_RESET_STREAMS: usize = 256;
/// Streams that a caller reset before we came to them (CVE-2023-44487).
const MAX_PENDING_ACCEPT_RESET_STREAMS: usize = 20;
const MAX_HEADER_LIST_BYTES: u32 = 8 * 1_024;
const STREAM_WINDOW_BYTES: u32 = 1_024 * 1_024;
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1_024 * 1_024;
const MAX_SEND_BUFFER_BYTES: usize = 256 * 1_024;
/// Calls that a connection begins before others on its core have their turn: as many as an honest caller
/// can have sent. Fewer would leave some of them to be reset before we come to them, when their deadlines
/// expire together, and so few of those as above end a connection.
const MOST_AT_ONCE: usize = 1_024;

/// How a core speaks to all its connections.
pub(super) struct Protocol {
    http2: server::Builder,
    preface_timeout: Duration,
    goaway: CancellationToken,
    max_age: Option<MaxAge>,
}

impl Protocol {
    /// `goaway` should be the core's own token: its lock is taken each time that a connection
    /// wakes up.
    pub(super) fn new(preface_timeout: Duration, goaway: CancellationToken) -> Self {
        let mut http2 = server::Builder::new();
        http2
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
            .max_local_error_reset_streams(Some(MAX_LOCAL_ERROR_RESET_STREAMS))
            .max_pending_accept_reset_streams(MAX_PENDING_ACCEPT_RESET_STREAMS)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .max_send_buffer_size(MAX_SEND_BUFFER_BYTES);
        Self {
            http2,
            preface_timeout,
            goaway,
            max_age: None,
        }
    }

    /// Tells connections to go that are older, and ends them.
    pub(super) fn with_max_age(self, max_age: Option<MaxAge>) -> Self {
        Self { max_age, ..self }
    }

    /// Serves a connection until its caller closes it, or until it is told to go away and its
    /// calls in flight are answered.
    pub(super) async fn serve(&self, stream: TcpStream, ticket: Ticket, service: RpcService) {
        let until = Instant::from_std(clock::monotonic()) + self.preface_timeout;
        let opened = tokio::select! {
            opened = self.open(stream, &ticket, &service) => opened,
            () = self.goaway.cancelled() => return,
        };
        if let Some(transport) = opened {
            self.speak_http2(transport, &ticket, service, until).await;
        }
    }

    /// Nothing if the connection ends here.
    async fn open(
        &self,
        stream: TcpStream,
        ticket: &Ticket,
        service: &RpcService,
    ) -> Option<Transport> {
        if service.entrance().tls.is_some() {
            let opened = timeout(self.preface_timeout, service.entrance().open(stream)).await;
            let opened = opened.ok().flatten();
            if opened.is_none() {
                ticket.tls_failed();
            }
            return opened;
        }
        match preface::wait(&stream, self.preface_timeout).await {
            Opening::Http2 => return Some(Transport::Plain(stream)),
            Opening::Other => {
                ticket.not_http2();
                preface::turn_away(stream).await;
            }
            Opening::Silent => ticket.not_http2(),
        }
        None
    }

    async fn speak_http2(
        &self,
        transport: Transport,
        ticket: &Ticket,
        service: RpcService,
        until: Instant,
    ) {
        let gate = service.entrance().gate(&transport);
        let (lent, returned) = linger::lend(transport, ticket.control_frame_pauses());
        // Over TLS the preface has not been seen yet.
        let Ok(begun) = timeout_at(until, self.http2.handshake(lent)).await else {
            ticket.not_http2();
            return;
        };
        let ended = match begun {
            Ok(mut connection) => {
                let pings = connection.ping_pong();
                let session = Session {
                    connection,
                    keep_alive: pings.map(KeepAlive::new),
                    age: Age::begin(self.max_age),
                    payments: service.payments(),
                    service,
                    gate,
                };
                session.run(&self.goaway).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Err(error) => debug!(%error, "a connection broke"),
            Ok(End::ByCaller) => {}
            Ok(End::GivenUp) => debug!("a caller does not answer any more"),
            Ok(End::ByUs) => {
                if let Ok(stream) = returned.await {
                    linger::until_closed(stream.socket()).await;
                }
            }
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    ByCaller,
    ByUs,
    /// The caller was asked whether it is there, and has not said so.
    GivenUp,
}

/// What a connection needs while it serves.
struct Session {
    connection: server::Connection<Lent, Bytes>,
    keep_alive: Option<KeepAlive>,
    age: Age,
    payments: Option<Payments>,
    service: RpcService,
    gate: Gate,
}

impl Session {
    async fn run(mut self, goaway: &CancellationToken) -> Result<End, h2::Error> {
        let mut goaway = pin!(goaway.cancelled());
        let mut is_going = false;
        let desk = self.payments.as_ref().map(Payments::desk);
        let mut durable = pin!(None);
        poll_fn(|context| {
            if !is_going && goaway.as_mut().poll(context).is_ready() {
                is_going = true;
                self.connection.graceful_shutdown();
            }
            while let Poll::Ready(due) = self.age.poll_due(context) {
                is_going = true;
                self.grow_old(due);
            }
            if self.is_given_up(context) {
                return Poll::Ready(Ok(End::GivenUp));
            }
            loop {
                // What is answered now leaves with the turn of the connection that follows.
                let ended = self.poll_calls(context)?;
                if ended.is_ready() {
                    return Poll::Ready(Ok(if is_going { End::ByUs } else { End::ByCaller }));
                }
                let (Some(desk), Some(payments)) = (&desk, &mut self.payments) else {
                    return Poll::Pending;
                };
                let Some(next) = payments.next() else {
                    return Poll::Pending;
                };
                if durable.is_none() {
                    durable.set(Some(desk.wait_durable(next)));
                }
                let Some(Poll::Ready(outcome)) =
                    durable.as_mut().as_pin_mut().map(|wait| wait.poll(context))
                else {
                    return Poll::Pending;
                };
                durable.set(None);
                payments.answer(outcome);
            }
        })
        .await
    }

    fn grow_old(&mut self, due: Due) {
        match due {
            Due::ToGo => self.connection.graceful_shutdown(),
            Due::ToEnd => self.connection.abrupt_shutdown(Reason::NO_ERROR),
        }
    }

    fn is_given_up(&mut self, context: &mut Context<'_>) -> bool {
        let keep_alive = self.keep_alive.as_mut();
        keep_alive.is_some_and(|keep_alive| keep_alive.poll_given_up(context).is_ready())
    }

    /// Begins the calls that have come, and sends what is to be sent. Completes at the connection's end.
    fn poll_calls(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        for _ in 0..MOST_AT_ONCE {
            let Poll::Ready(next) = self.connection.poll_accept(context)? else {
                self.begin_coming(context);
                return Poll::Pending;
            };
            let Some((request, respond)) = next else {
                return Poll::Ready(Ok(()));
            };
            let (head, body) = request.into_parts();
            let counted = self.service.count(&head);
            let caller = match self.gate.check(&head) {
                Ok(caller) => caller,
                Err(denied) => {
                    self.service.deny(&denied, (&head, counted), respond);
                    continue;
                }
            };
            let call = Call::new((head, body), respond, (caller, counted));
            let call = match &mut self.payments {
                Some(payments) => payments.begin(call, context),
                None => Some(call),
            };
            if let Some(call) = call {
                let pass = self.gate.pass(&call.caller);
                self.service.serve(call, pass);
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Begins those whose message has come by now, which the connection has just read.
    fn begin_coming(&mut self, context: &mut Context<'_>) {
        let Some(payments) = &mut self.payments else {
            return;
        };
        for call in payments.begin_coming(context) {
            let pass = self.gate.pass(&call.caller);
            self.service.serve(call, pass);
        }
    }
}

#[cfg(test)]
mod tests;
