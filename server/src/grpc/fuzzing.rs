//! The fuzz target `decoder`: bytes as the messages of calls, through what reads them, the rules and a ledger
//! in memory.

#![expect(
    clippy::expect_used,
    reason = "what cannot begin has nothing to show, and ends as a target does that has found something"
)]

mod calls;
#[cfg(test)]
pub(crate) mod seeds;
mod wallet;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{sleep, timeout};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use waika::v1::authorisation_service_server::{
    AuthorisationServiceServer, SERVICE_NAME as AUTHORISATION,
};
use waika_domain::identifiers::{AccountId, AuthorisationId};

pub(crate) use self::calls::{Rpc, rpc};
pub(crate) use self::wallet::PAYER;
use self::wallet::{CARD, CODE, LAST, Told};
use super::{Asker, Begun, Desk, Doorway, Options, PATH, Payments, STREAM_PATH};
use crate::fuzzing::Input;
use crate::ledger::Ledger;
use crate::partner::Ports;

/// A ledger is left for a new one after so many entries: its memory is bounded, and its limits are not used
/// up for ever.
const MOST_ENTRIES: u64 = 256;
/// Messages in an input.
const MOST_MESSAGES: usize = 8;
/// The longest message: as much as a call takes, and more than it may.
const MOST_BYTES: usize = 72 * 1_024;
/// Whatever takes longer hangs. An issuer that never answers is waited for nearly as long.
const LIMIT: Duration = Duration::from_secs(20);
/// What a message has before it: a flag, and its length.
const PREFIX_BYTES: usize = 5;
/// So many digits in a row may be a secret, and are in no text of ours.
const SECRET_DIGITS: usize = 6;

/// Takes inputs, one after the other.
#[derive(Debug, Default)]
pub struct Decoder {
    world: Option<World>,
}

impl Decoder {
    /// Makes the calls that an input holds: a byte says which RPC, a number how long its message is.
    ///
    /// # Panics
    ///
    /// Where one changes something and is refused, takes too long, passes a limit, or tells a secret.
    pub fn run(&mut self, input: &[u8]) {
        let world = World::renewed(&mut self.world);
        let mut input = Input::new(input);
        for _ in 0..MOST_MESSAGES {
            if input.is_at_end() {
                break;
            }
            if let Some(rpc) = rpc(input.byte()) {
                let message = input.delimited();
                world.check(rpc, message.get(..MOST_BYTES).unwrap_or(message));
            }
        }
        world.check_limits();
    }
}

/// A ledger with what calls need to be more than refused, and the runtime that they are answered on.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) doorway: Arc<Doorway>,
    services: Services,
    told: Told,
    /// Tasks that are there as long as the ledger is.
    tasks: usize,
    /// Its limits are those of the guide, and its clock stands.
    is_the_guides: bool,
    /// The account that pays may have come to its end.
    is_closed: bool,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("World(…)")
    }
}

impl World {
    fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let ledger = Ledger::in_memory().expect("a ledger in memory");
        let options = Options {
            allow_live_pan: false,
            show_phone_codes: true,
        };
        let doorway = Arc::new(Doorway::new(options, Ports::default()));
        let _ = doorway.ledger.set(Arc::clone(&ledger));
        let services = Services::of(&doorway);
        let wakes = Arc::clone(&ledger);
        runtime.spawn(async move { wakes.wake_waiters(0).await });
        let tasks = runtime.metrics().num_alive_tasks();
        let told = runtime.block_on(wallet::open(&services));
        let is_open = told.card_token.len() == CARD.len() && told.phone_code.len() == CODE.len();
        assert!(is_open, "the wallet that pays could not be opened");
        Self {
            tasks,
            runtime,
            ledger,
            doorway,
            services,
            told,
            is_the_guides: true,
            is_closed: false,
        }
    }

    /// The one that is there, or another in its place.
    pub(crate) fn renewed(world: &mut Option<Self>) -> &mut Self {
        if world.as_ref().is_some_and(Self::is_used_up) {
            *world = None;
        }
        world.get_or_insert_with(Self::open)
    }

    pub(crate) fn is_used_up(&self) -> bool {
        self.ledger.written() > MOST_ENTRIES || !self.is_the_guides || self.is_closed
    }

    /// A message in which what an input cannot know is put in.
    pub(crate) fn with_names(&self, message: &[u8]) -> Vec<u8> {
        let last = AuthorisationId::from_sequence(self.ledger.written()).to_string();
        let mut named = message.to_vec();
        for (word, text) in [
            (CARD, &self.told.card_token),
            (CODE, &self.told.phone_code),
            (LAST, &last),
        ] {
            replace(&mut named, word.as_bytes(), text.as_bytes());
        }
        named
    }

    /// Makes one call.
    fn check(&mut self, rpc: &Rpc, message: &[u8]) {
        let message = self.with_names(message);
        calls::is_read_alike(&message);
        let is_read = (rpc.reads)(&message);
        self.runtime.block_on(self.until_quiet());
        let written = self.ledger.written();
        let answered = async { timeout(LIMIT, self.services.answer(rpc.path, &message)).await };
        let answered = self.runtime.block_on(answered).ok();
        assert!(answered.is_some(), "{} hangs", rpc.path);
        match answered {
            Some(Ok(_)) => {
                self.is_the_guides &= !rpc.moves_limits();
                self.is_closed |= rpc.ends_accounts();
            }
            Some(Err(status)) => {
                let is_ours = !matches!(status.code(), Code::Internal | Code::Unknown);
                assert!(is_ours || !is_read, "{}: {status}", rpc.path);
                let is_same = self.ledger.written() == written;
                assert!(is_same || rpc.is_in_parts(), "{}: {status}", rpc.path);
                let said = [status.message().as_bytes(), status.details()].concat();
                // What cannot be read has numbers of its own kind told: those of keys that are none.
                let may_quote = rpc.may_quote() || !is_read;
                let is_silent = may_quote || digits(&message).all(|run| !is_in(run, &said));
                assert!(is_silent, "{} tells what it was told", rpc.path);
            }
            None => {}
        }
    }

    /// Waits for what goes on after its answer.
    pub(crate) async fn until_quiet(&self) {
        let metrics = Handle::current().metrics();
        let quiet = async {
            while metrics.num_alive_tasks() > self.tasks {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = timeout(LIMIT, quiet).await;
        assert!(in_time.is_ok(), "a task is left");
    }

    /// What was approved is within the guide's limits, as long as they are in force, of a closed account too.
    fn check_limits(&self) {
        let Ok(payer) = AccountId::parse(PAYER) else {
            return;
        };
        let seen = self.ledger.view_any(0, &payer, |account, policy, _| {
            let (usage, limits) = (account.usage(), policy.limits);
            usage.in_month <= limits.month && usage.in_year <= limits.year
        });
        let is_within = self.runtime.block_on(seen);
        let is_within = !self.is_the_guides || is_within.unwrap_or_default();
        assert!(is_within, "a limit is passed");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.ledger.close();
    }
}

/// What serves calls, without a connection before it.
struct Services {
    callers: Routes,
    operators: Routes,
    authorisation: AuthorisationServiceServer<Desk>,
    payments: Payments,
}

impl Services {
    fn of(doorway: &Arc<Doorway>) -> Self {
        Self {
            callers: super::rpc_routes(doorway, 0).prepare(),
            operators: super::admin_routes(doorway, 0).prepare(),
            authorisation: super::authorisation(doorway, 0),
            payments: super::payments(doorway, 0),
        }
    }

    /// What is answered to a message: the bytes of the body, or why there are none.
    async fn answer(&self, path: &str, message: &[u8]) -> Result<Bytes, Status> {
        let body = framed(message);
        if path == PATH {
            let begun = self.payments.begin(Asker::default(), &body);
            match begun {
                Some(Begun::Undurable(decided)) => {
                    let durable = self.payments.wait_durable(decided.sequence()).await;
                    return decided.told(durable);
                }
                Some(Begun::Other(other)) => return other.await,
                None => {}
            }
        }
        let request = Request::post(path).header(CONTENT_TYPE, "application/grpc");
        let request = request.body(Body::new(Full::new(body)));
        let request = request.expect("a path of ours");
        said(self.respond(path, request).await).await
    }

    async fn respond(&self, path: &str, request: Request<Body>) -> Response<Body> {
        if path == STREAM_PATH {
            return self.payments.serve_stream(request).await;
        }
        let service = path.split('/').nth(1).unwrap_or_default();
        let answered = if service == AUTHORISATION {
            let mut service = self.authorisation.clone();
            tower::Service::call(&mut service, request).await
        } else if service.ends_with("AdminService") {
            tower::Service::call(&mut self.operators.clone(), request).await
        } else {
            tower::Service::call(&mut self.callers.clone(), request).await
        };
        let Ok(response) = answered;
        response
    }
}

/// A message as it goes over the wire.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

/// The body of a response, unless its status is another than OK.
async fn said(response: Response<Body>) -> Result<Bytes, Status> {
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return match status.code() {
            Code::Ok => Ok(Bytes::new()),
            _ => Err(status),
        };
    }
    let body = body.collect().await?;
    let status = body.trailers().and_then(Status::from_header_map);
    match status {
        Some(status) if status.code() == Code::Ok => Ok(body.to_bytes()),
        Some(status) => Err(status),
        None => Err(Status::unknown("no status")),
    }
}

/// Puts a text in the place of a word that is as long.
fn replace(bytes: &mut [u8], word: &[u8], text: &[u8]) {
    let mut at = 0;
    while let Some(place) = bytes.get_mut(at..at + word.len()) {
        if place == word && text.len() == word.len() {
            place.copy_from_slice(text);
        }
        at += 1;
    }
}

/// Every row of digits that is long enough to be a secret.
fn digits(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let runs = bytes.split(|byte| !byte.is_ascii_digit());
    runs.filter(|run| run.len() >= SECRET_DIGITS)
}

fn is_in(run: &[u8], text: &[u8]) -> bool {
    text.windows(run.len()).any(|window| window == run)
}

#[cfg(test)]
mod tests;
