//! The issuer outside: whether it may be asked now, and asking it.
//!
//! Nothing is sent twice by itself. A call takes as long as its caller waits: dropping it resets
//! its stream, and the issuer may have done the work all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{Either, ready};
use prost::Message;
use waika::v1;
use waika_domain::card::Scheme;
use zeroize::Zeroize as _;

use super::breaker::{Breaker, Pass};
use super::lanes::Lane;
use super::metrics::{Ended, Operation, SchemeMetrics, of_breaker, scheme_name};
use crate::config::{IssuerConfig, Target};
use crate::partner::{CallFailed, Method, frame, secret_frame};

/// The issuers of all schemes.
pub(crate) struct IssuerClient {
    gates: Schemes<Arc<Gate>>,
    /// By core, so that a call stays on the runtime that it came from.
    lanes: Vec<Schemes<Lane>>,
    methods: Methods,
}

impl std::fmt::Debug for IssuerClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("IssuerClient")
            .finish_non_exhaustive()
    }
}

/// Why an issuer is not asked: nothing was sent, and nothing is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// It has not answered of late, and is left alone for a while.
    BreakerOpen,
    /// It is being asked for as much as may be.
    TooManyInFlight,
}

impl IssuerClient {
    /// Finds the handles of all metrics. Nothing is connected before it is needed.
    pub(crate) fn new(config: &IssuerConfig, cores: usize) -> Self {
        let gates = Schemes::of_each(|scheme| Arc::new(Gate::new(scheme, config.in_flight)));
        let lanes = || {
            Schemes::of_each(|scheme| {
                let connections = gates.of(scheme).metrics.connections.clone();
                Lane::new(config.target.clone(), config.connections, connections)
            })
        };
        Self {
            lanes: (0..cores.max(1)).map(|_| lanes()).collect(),
            gates,
            methods: Methods::new(&config.target),
        }
    }

    /// Whether a scheme's issuer may be asked now. Does not wait: it is for use under a lock.
    pub(crate) fn admit(&self, scheme: Scheme) -> Result<Permit, Turned> {
        let gate = self.gates.of(scheme);
        let turned = match gate.admit() {
            Ok(pass) => {
                return Ok(Permit {
                    gate: Arc::clone(gate),
                    pass: Some(pass),
                });
            }
            Err(turned) => turned,
        };
        let counter = match turned {
            Turned::BreakerOpen => &gate.metrics.breaker_open,
            Turned::TooManyInFlight => &gate.metrics.too_many,
        };
        counter.increment(1);
        Err(turned)
    }

    /// Asks for a payment to be authorised, or tells of one (0100, 0120). On the runtime of that
    /// core, for as long as the caller waits.
    ///
    /// The request is written at once: only its bytes wait for the answer.
    pub(crate) fn authorise(
        &self,
        core: usize,
        scheme: Scheme,
        request: &v1::AuthorisePaymentRequest,
    ) -> impl Future<Output = Result<v1::AuthorisePaymentResponse, CallFailed>> + Send + use<'_>
    {
        let way = (core, scheme, Operation::Authorise);
        self.call(way, &self.methods.authorise, frame(request))
    }

    /// Asks for a card to be verified (R37, D6). The number and the security code are wiped here.
    pub(crate) async fn verify_card(
        &self,
        core: usize,
        scheme: Scheme,
        mut request: v1::VerifyCardRequest,
    ) -> Result<v1::VerifyCardResponse, CallFailed> {
        let way = (core, scheme, Operation::VerifyCard);
        let frame = secret_frame(&request);
        request.pan.zeroize();
        request.cvv.zeroize();
        self.call(way, &self.methods.verify_card, frame).await
    }

    /// Gives a transaction back (0420).
    pub(crate) async fn reverse(
        &self,
        core: usize,
        scheme: Scheme,
        request: v1::ReversePaymentRequest,
    ) -> Result<v1::ReversePaymentResponse, CallFailed> {
        let way = (core, scheme, Operation::Reverse);
        let frame = frame(&request);
        self.call(way, &self.methods.reverse, frame).await
    }

    /// Asks what became of a transaction.
    pub(crate) async fn status(
        &self,
        core: usize,
        scheme: Scheme,
        request: v1::GetPaymentStatusRequest,
    ) -> Result<v1::GetPaymentStatusResponse, CallFailed> {
        let way = (core, scheme, Operation::Status);
        let frame = frame(&request);
        self.call(way, &self.methods.status, frame).await
    }

    fn call<'a, Q, A: Message + Default>(
        &'a self,
        (core, scheme, operation): (usize, Scheme, Operation),
        method: &'a Method<Q, A>,
        frame: Bytes,
    ) -> impl Future<Output = Result<A, CallFailed>> + use<'a, Q, A> {
        // There is always a core, whatever number was given.
        let Some(lanes) = self.lanes.get(core).or(self.lanes.first()) else {
            return Either::Left(ready(Err(CallFailed::NO_CONNECTION)));
        };
        let counting = self.gates.of(scheme).metrics.begin(operation);
        let answer = lanes.of(scheme).line().call(method, frame);
        Either::Right(answer.map(move |answered| {
            counting.end(match &answered {
                Ok(_) => Ended::Answered,
                Err(failed) if failed.not_sent => Ended::NotSent,
                Err(_) => Ended::Failed,
            });
            answered
        }))
    }
}

/// Leave to ask an issuer once. Dropping it gives its place back. Told nothing until then, it tells
/// nothing of the issuer.
pub(crate) struct Permit {
    gate: Arc<Gate>,
    /// Until it was told how the call ended.
    pass: Option<Pass>,
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl Permit {
    /// The issuer has answered, be it with a decline.
    pub(crate) fn heard(&mut self) {
        self.ended(Some(true));
    }

    /// The issuer could not be reached, did not answer in time, or not sensibly.
    pub(crate) fn not_heard(&mut self) {
        self.ended(Some(false));
    }

    fn ended(&mut self, heard: Option<bool>) {
        if let Some(pass) = self.pass.take() {
            self.gate.breaker.ended(pass, heard);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.ended(None);
        self.gate.leave();
    }
}

/// What stands before the issuer of one scheme.
struct Gate {
    breaker: Breaker,
    in_flight: AtomicUsize,
    most: usize,
    metrics: SchemeMetrics,
}

impl Gate {
    fn new(scheme: Scheme, most: usize) -> Self {
        Self {
            breaker: Breaker::new(scheme_name(scheme), of_breaker(scheme)),
            in_flight: AtomicUsize::new(0),
            most,
            metrics: SchemeMetrics::new(scheme),
        }
    }

    fn admit(&self) -> Result<Pass, Turned> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(Turned::TooManyInFlight);
        }
        let Some(pass) = self.breaker.admit() else {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(Turned::BreakerOpen);
        };
        self.metrics.in_flight.increment(1);
        Ok(pass)
    }

    fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.metrics.in_flight.decrement(1);
    }
}

/// What the issuer is asked for, by name.
struct Methods {
    authorise: Method<v1::AuthorisePaymentRequest, v1::AuthorisePaymentResponse>,
    verify_card: Method<v1::VerifyCardRequest, v1::VerifyCardResponse>,
    reverse: Method<v1::ReversePaymentRequest, v1::ReversePaymentResponse>,
    status: Method<v1::GetPaymentStatusRequest, v1::GetPaymentStatusResponse>,
}

impl Methods {
    fn new(target: &Target) -> Self {
        Self {
            authorise: Method::new(target, "/waika.v1.IssuerService/AuthorisePayment"),
            verify_card: Method::new(target, "/waika.v1.IssuerService/VerifyCard"),
            reverse: Method::new(target, "/waika.v1.IssuerService/ReversePayment"),
            status: Method::new(target, "/waika.v1.IssuerService/GetPaymentStatus"),
        }
    }
}

/// One thing for each scheme.
struct Schemes<T> {
    visa: T,
    mastercard: T,
    diners_club: T,
    discover: T,
    jcb: T,
}

impl<T> Schemes<T> {
    fn of_each(make: impl Fn(Scheme) -> T) -> Self {
        Self {
            visa: make(Scheme::Visa),
            mastercard: make(Scheme::Mastercard),
            diners_club: make(Scheme::DinersClub),
            discover: make(Scheme::Discover),
            jcb: make(Scheme::Jcb),
        }
    }

    fn of(&self, scheme: Scheme) -> &T {
        match scheme {
            Scheme::Visa => &self.visa,
            Scheme::Mastercard => &self.mastercard,
            Scheme::DinersClub => &self.diners_club,
            Scheme::Discover => &self.discover,
            Scheme::Jcb => &self.jcb,
        }
    }
}
