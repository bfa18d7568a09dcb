//! The gRPC adapter: parse, ask, map. Nothing is decided here.

mod admin;
mod advices;
mod answer;
mod asked;
mod authorisation;
mod bind;
mod call_metrics;
mod card;
mod closing;
mod copies;
mod deadline;
mod enums;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod health;
pub(crate) mod issuer_sandbox;
mod merchant;
mod methods;
mod notifications;
mod operator_log;
mod operators;
mod outcome;
mod parse;
mod party;
mod password;
mod payment;
mod phone_code;
mod policy;
mod probe;
mod receipt;
mod reset;
mod reversal;
mod settlement;
mod status;
mod stream;
mod tickets;
mod unary;
mod unbind;
mod verification;
mod wallet;

pub(crate) use self::call_metrics::{CallMetrics, CoreCalls, Counted, Ended, Messages};
pub(crate) use self::methods::{methods, path_of};
pub(crate) use self::outcome::timestamp;
pub(crate) use self::party::Asker;
pub use self::probe::ask as ask_health;
pub(crate) use self::status::{broken_off, denied, panicked};
pub(crate) use self::stream::PATH as STREAM_PATH;
pub(crate) use self::unary::{Begun, PATH, Payments, Reply, Undurable};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use waika::v1::admin_service_server::AdminServiceServer;
use waika::v1::authorisation_service_server::AuthorisationServiceServer;
use waika::v1::card_service_server::CardServiceServer;

use self::party::Party;
use crate::ledger::Ledger;
use crate::partner::Ports;

/// Largest message in either direction, in bytes, unless said otherwise below.
const MESSAGE_BYTES: usize = 64 * 1024;
/// A stream's message holds up to 1,024 payments of at most some 330 bytes.
const STREAMED_BYTES: usize = 8 * MESSAGE_BYTES;
/// A page of a hundred declines is larger than what callers may send.
const ENCODED_BYTES: usize = 4 * MESSAGE_BYTES;

/// What the services need to know about the server around them.
#[derive(Debug)]
pub struct Doorway {
    /// Empty until recovery is done; calls answer UNAVAILABLE until then.
    pub ledger: OnceLock<Arc<Ledger>>,
    draining: AtomicBool,
    /// Tells streams what `draining` tells calls.
    stopping: CancellationToken,
    /// Places for streams of payments.
    streams: Arc<Semaphore>,
    /// Places for those who wait for service messages.
    watchers: Arc<Semaphore>,
    options: Options,
    /// Who answers beside the ledger.
    ports: Ports,
}

/// What the services may do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Card numbers outside the published test ranges are taken (D26).
    pub allow_live_pan: bool,
    /// Answers show the phone codes that they sent (D8).
    pub show_phone_codes: bool,
}

impl Doorway {
    /// A doorway for a server that has not recovered yet.
    pub(crate) fn new(options: Options, ports: Ports) -> Self {
        Self {
            ledger: OnceLock::new(),
            draining: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            streams: Arc::new(Semaphore::new(stream::MOST_STREAMS)),
            watchers: Arc::new(Semaphore::new(notifications::MOST_WATCHERS)),
            options,
            ports,
        }
    }

    /// From now on no new work is taken.
    pub fn begin_draining(&self) {
        self.draining.store(true, Ordering::Release);
        self.stopping.cancel();
    }
}

/// One core's way to the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    doorway: Arc<Doorway>,
    core: usize,
}

impl Desk {
    fn new(doorway: &Arc<Doorway>, core: usize) -> Self {
        Self {
            doorway: Arc::clone(doorway),
            core,
        }
    }

    fn ledger(&self) -> Result<&Arc<Ledger>, tonic::Status> {
        match self.doorway.ledger.get() {
            None => Err(status::not_serving("the server is starting")),
            Some(_) if self.doorway.draining.load(Ordering::Relaxed) => {
                Err(status::not_serving("the server is stopping"))
            }
            Some(ledger) => Ok(ledger),
        }
    }

    /// The same for what changes nothing, which has to stand back first.
    fn reading(&self) -> Result<&Arc<Ledger>, tonic::Status> {
        let ledger = self.ledger()?;
        ledger.admit_reading()?;
        Ok(ledger)
    }

    /// The ledger, and who asks something of it.
    fn asked_by<T>(
        &self,
        request: &tonic::Request<T>,
    ) -> Result<(&Arc<Ledger>, Party<'_>), tonic::Status> {
        let ledger = self.ledger()?;
        Ok((ledger, Party::of(request, ledger.vault())))
    }
}

/// The payments that one core serves to callers.
pub(crate) fn authorisation(
    doorway: &Arc<Doorway>,
    core: usize,
) -> AuthorisationServiceServer<Desk> {
    AuthorisationServiceServer::new(Desk::new(doorway, core))
        .max_decoding_message_size(STREAMED_BYTES)
        .max_encoding_message_size(ENCODED_BYTES)
}

/// The same payments where each is a call of its own, past tonic.
pub(crate) fn payments(doorway: &Arc<Doorway>, core: usize) -> Payments {
    Payments::new(Desk::new(doorway, core))
}

/// What else the listener for callers serves on one core.
pub fn rpc_routes(doorway: &Arc<Doorway>, core: usize) -> Routes {
    let card = CardServiceServer::new(Desk::new(doorway, core))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    Routes::new(card)
}

/// What the listener for operators serves on one core.
pub fn admin_routes(doorway: &Arc<Doorway>, core: usize) -> Routes {
    let admin = AdminServiceServer::new(Desk::new(doorway, core))
        .max_decoding_message_size(MESSAGE_BYTES)
        // A page of a thousand merchants is larger than what callers may send.
        .max_encoding_message_size(16 * MESSAGE_BYTES);
    Routes::new(admin)
}
