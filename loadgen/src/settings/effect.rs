//! Pure: what whole settings come to, in the terms of those who carry them out.

use super::fields::Settings;
use super::setting::{RpcKind, Share};
use crate::args::RunArgs;
use crate::plan::Transport;
use crate::workload::{Amounts, Mix, Spread};

/// Puts a value where there is one.
fn put<T: Copy>(value: Option<T>, to: &mut T) {
    if let Some(value) = value {
        *to = value;
    }
}

impl Settings {
    /// Writes what there are flags for to where the flags stand.
    pub(crate) fn write_to(&self, args: &mut RunArgs) {
        let (load, people, traffic) = (&self.load, &self.people, &self.traffic);
        let (generator, checks) = (&self.generator, &self.checks);
        put(load.arrivals, &mut args.arrivals);
        if let Some(shape) = &load.shape {
            args.shape.clone_from(shape);
        }
        put(load.rate, &mut args.rate);
        args.closed = load.closed;
        args.requests = load.requests;
        put(load.duration.map(|time| time.0), &mut args.duration);
        put(load.warm_up.map(|time| time.0), &mut args.warm_up);
        put(people.accounts, &mut args.people.accounts);
        put(people.merchants, &mut args.people.merchants);
        put(people.seed, &mut args.people.seed);
        args.people.scheme.clone_from(&people.scheme);
        if let Some(Spread::Zipf(exponent)) = traffic.spread {
            args.traffic.zipf = exponent;
        }
        let parts = |share: Option<Share>| share.map(|share| share.0);
        put(parts(traffic.duplicates), &mut args.traffic.duplicates);
        put(
            parts(traffic.wrong_passwords),
            &mut args.traffic.wrong_passwords,
        );
        put(generator.in_flight, &mut args.engine.in_flight);
        put(generator.connections, &mut args.engine.connections);
        put(generator.workers, &mut args.engine.workers);
        put(
            generator.deadline.map(|time| time.0),
            &mut args.engine.deadline,
        );
        put(generator.pacing, &mut args.engine.pacing);
        put(checks.timing, &mut args.details.timing);
        put(checks.by_scheme, &mut args.details.by_scheme);
    }

    /// What purchases cost.
    pub(crate) fn amounts(&self) -> Amounts {
        match (self.traffic.fixed_fen, self.traffic.amount_percent) {
            (Some(fen), _) => Amounts::Fixed(fen),
            (None, Some(percent)) => Amounts::ByCategory(percent),
            (None, None) => Amounts::default(),
        }
    }

    /// What arrivals are there for.
    pub(crate) fn mix(&self) -> Mix {
        let (modes, errands, plain) = (&self.modes, &self.errands, Mix::default());
        let parts = |share: Option<Share>, plain| share.map_or(plain, |share| share.0);
        Mix {
            payment_code: parts(modes.payment_code, plain.payment_code),
            merchant_qr: parts(modes.merchant_qr, plain.merchant_qr),
            reversals: parts(errands.reversals, plain.reversals),
            refunds: parts(errands.refunds, plain.refunds),
            churn: parts(errands.churn, plain.churn),
        }
    }

    /// How payments travel.
    pub(crate) fn transport(&self) -> Transport {
        match self.transport.rpc {
            Some(RpcKind::Stream) => Transport::Stream {
                batch: self.transport.batch.map_or(1, std::num::NonZeroUsize::get),
            },
            Some(RpcKind::Unary) | None => Transport::Unary {
                account_hash: self.transport.account_hash == Some(true),
            },
        }
    }
}
