//! Pure: one layer of settings over another, and what a value rules out below it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::fields::{
    Checks, Errands, Generator, Load, Modes, People, Settings, Traffic, Transmission,
};
use super::setting::{RpcKind, ServerClock, Share, SomeTime, Time};
use crate::args::RunArgs;
use crate::schedule::RateShape;
use crate::workload::{Mix, Spread, WHOLE};

impl Settings {
    /// These over `base`: what they do not say, it does, unless they rule it out.
    pub(crate) fn over(self, mut base: Self) -> Self {
        let load = &self.load;
        if load.closed.is_some() {
            (base.load.rate, base.load.arrivals) = (None, None);
            (base.generator.in_flight, base.generator.pacing) = (None, None);
            // The rate is not known beforehand, and a popular account would soon be at its limit.
            if let Some(Spread::Zipf(_)) = base.traffic.spread {
                base.traffic.spread = Some(Spread::InTurn);
            }
            base.traffic.duplicates = base.traffic.duplicates.map(|_| Share(0));
        }
        let has_shape = load
            .shape
            .as_ref()
            .is_some_and(|shape| *shape != RateShape::Steady);
        if load.rate.is_some() || load.arrivals.is_some() || has_shape {
            (base.load.closed, base.load.requests) = (None, None);
        }
        if load.shape.as_ref().is_some_and(|shape| !shape.uses_rate()) {
            base.load.rate = None;
        }
        if load.requests.is_some() {
            (base.load.duration, base.load.warm_up) = (None, None);
        }
        if load.duration.is_some() || load.warm_up.is_some() {
            base.load.requests = None;
        }
        if self.traffic.fixed_fen.is_some() {
            base.traffic.amount_percent = None;
        }
        if self.traffic.amount_percent.is_some() {
            base.traffic.fixed_fen = None;
        }
        self.filled(base)
    }

    /// What the flags say that were given.
    pub(crate) fn given(args: &RunArgs) -> Self {
        let mut given = Self::of_flags(args, &|field| args.given.has(field));
        let yes = |flag: bool| flag.then_some(true);
        given.load.closed = args.closed;
        given.load.requests = args.requests;
        given.people.scheme.clone_from(&args.people.scheme);
        given.transport.rpc = args.manner.transport.stream.then_some(RpcKind::Stream);
        given.transport.account_hash = yes(args.manner.transport.account_hash);
        given.checks = Checks {
            oracle: args.manner.no_oracle.then_some(false),
            rules: yes(args.manner.rules),
            allow_limits: yes(args.source.allow_limits),
            timing: yes(args.details.timing),
            by_scheme: yes(args.details.by_scheme),
            thresholds: args.threshold.given(),
        };
        given
    }

    /// What holds where nobody says anything: what the flags default to, and payments only. Those
    /// flags that were given stand here too, where nobody comes to look.
    pub(crate) fn plain(args: &RunArgs) -> Self {
        let mut plain = Self::of_flags(args, &|_| true);
        let mix = Mix::default();
        let online = WHOLE.saturating_sub(mix.merchant_qr);
        plain.load.clock = Some(ServerClock::AsItIs);
        plain.traffic.amount_percent = NonZeroU32::new(100);
        plain.modes = Modes {
            online: Some(Share(online)),
            merchant_qr: Some(Share(mix.merchant_qr)),
            payment_code: Some(Share(0)),
        };
        plain.errands = Errands {
            reversals: Some(Share(0)),
            reverse_after: Some(Time(Duration::ZERO)),
            refunds: Some(Share(0)),
            churn: Some(Share(0)),
        };
        plain.transport.rpc = Some(RpcKind::Unary);
        plain.transport.account_hash = Some(false);
        plain.checks = Checks {
            oracle: Some(true),
            rules: Some(false),
            allow_limits: Some(false),
            timing: Some(false),
            by_scheme: Some(false),
            thresholds: None,
        };
        plain
    }

    /// The flags that have a value, given or not, where `says` wants it.
    fn of_flags(args: &RunArgs, says: &dyn Fn(&str) -> bool) -> Self {
        let (people, traffic, engine) = (&args.people, &args.traffic, &args.engine);
        Self {
            load: Load {
                arrivals: says("arrivals").then_some(args.arrivals),
                shape: says("shape").then(|| args.shape.clone()),
                rate: says("rate").then_some(args.rate),
                duration: says("duration").then_some(SomeTime(args.duration)),
                warm_up: says("warm_up").then_some(Time(args.warm_up)),
                ..Load::default()
            },
            people: People {
                accounts: says("accounts").then_some(people.accounts),
                merchants: says("merchants").then_some(people.merchants),
                seed: says("seed").then_some(people.seed),
                scheme: None,
            },
            traffic: Traffic {
                spread: says("zipf").then_some(Spread::Zipf(traffic.zipf)),
                duplicates: says("duplicates").then_some(Share(traffic.duplicates)),
                wrong_passwords: says("wrong_passwords").then_some(Share(traffic.wrong_passwords)),
                ..Traffic::default()
            },
            transport: Transmission {
                rpc: None,
                batch: says("batch").then_some(args.manner.transport.batch),
                account_hash: None,
            },
            generator: Generator {
                in_flight: says("in_flight").then_some(engine.in_flight),
                connections: says("connections").then_some(engine.connections),
                workers: says("workers").then_some(engine.workers),
                deadline: says("deadline").then_some(SomeTime(engine.deadline)),
                pacing: says("pacing").then_some(engine.pacing),
            },
            ..Self::default()
        }
    }
}
