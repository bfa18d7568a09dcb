//! Pure: what fields cannot say together.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fields::Settings;
use super::setting::{RpcKind, ServerClock, Setting, Share};
use crate::schedule::{RateShape, Span};
use crate::values;
use crate::workload::{MOST_FEN, WHOLE};

/// Beyond this there is nothing left to repeat, in parts in a million.
const MOST_DUPLICATES: u32 = 900_000;

/// The most per cent of what people spend.
const MOST_PERCENT: u32 = 10_000;

/// Everything that the fields of a plan cannot say together. `lines` is where those stand that a
/// file has.
pub(crate) fn contradictions(settings: &Settings, lines: &BTreeMap<String, usize>) -> Vec<String> {
    let mut found = Found {
        lines,
        mistakes: Vec::new(),
    };
    found.shares(settings);
    found.pace(settings);
    found.shape(settings);
    found.storm(settings);
    found.amounts(settings);
    found.transport(settings);
    found.mistakes
}

struct Found<'a> {
    lines: &'a BTreeMap<String, usize>,
    mistakes: Vec<String>,
}

impl Found<'_> {
    fn shares(&mut self, settings: &Settings) {
        let (modes, errands) = (&settings.modes, &settings.errands);
        let code = self.share("modes.payment_code", modes.payment_code);
        let (shares, sum) = sum(&[
            self.share("modes.online", modes.online),
            self.share("modes.merchant_qr", modes.merchant_qr),
            code.clone(),
        ]);
        if sum != u64::from(WHOLE) {
            let sum = values::show_share(sum);
            self.wrong(format!("{shares} make {sum}: together they must make 100%"));
        }
        let (shares, sum) = self::sum(&[
            code,
            self.share("errands.reversals", errands.reversals),
            self.share("errands.refunds", errands.refunds),
            self.share("errands.churn", errands.churn),
        ]);
        if sum > u64::from(WHOLE) {
            let sum = values::show_share(sum);
            self.wrong(format!(
                "{shares} make {sum}: together they must make at most 100%"
            ));
        }
        if let Some(Share(parts)) = settings.traffic.duplicates
            && parts > MOST_DUPLICATES
        {
            let (name, _) = self.share("traffic.duplicates", settings.traffic.duplicates);
            self.wrong(format!(
                "{name} leave too little to repeat: at most 90%, or give traffic.keys for a retry storm"
            ));
        }
    }

    fn pace(&mut self, settings: &Settings) {
        let (load, generator) = (&settings.load, &settings.generator);
        if load.closed.is_some() {
            let closed = self.named("load.closed", load.closed.as_ref());
            let shape = load
                .shape
                .as_ref()
                .filter(|shape| **shape != RateShape::Steady);
            let others = [
                self.named("load.shape", shape),
                self.named("load.rate", load.rate.as_ref()),
                self.named("load.arrivals", load.arrivals.as_ref()),
                self.named("generator.in_flight", generator.in_flight.as_ref()),
                self.named("generator.pacing", generator.pacing.as_ref()),
            ];
            self.both(
                &closed,
                &others,
                "a closed loop follows no schedule: leave out the one or the other",
            );
        }
        if load.requests.is_some() {
            let requests = self.named("load.requests", load.requests.as_ref());
            if load.closed.is_none() {
                self.wrong(format!(
                    "{requests} ends a closed loop only: give load.closed, or load.duration instead"
                ));
            }
            let others = [
                self.named("load.duration", load.duration.as_ref()),
                self.named("load.warm_up", load.warm_up.as_ref()),
                self.named(
                    "load.clock",
                    load.clock
                        .as_ref()
                        .filter(|clock| **clock == ServerClock::MonthEnd),
                ),
            ];
            self.both(
                &requests,
                &others,
                "nobody knows how long so many requests take: leave out the one or the other",
            );
        }
    }

    fn shape(&mut self, settings: &Settings) {
        let load = &settings.load;
        let Some(shape) = &load.shape else { return };
        let named = self.named("load.shape", Some(shape));
        if load.rate.is_some() && !shape.uses_rate() {
            let rate = self.named("load.rate", load.rate.as_ref());
            self.wrong(format!(
                "{rate} says nothing beside {named}: leave it out, or write levels such as 1.5x"
            ));
        }
        let Some(rate) = load.rate else { return };
        let span = Span {
            lead: Duration::ZERO,
            measured: load.duration.map_or(Duration::from_secs(1), |time| time.0),
        };
        if let Err(what) = shape.curve(rate, span) {
            self.wrong(format!("{named}: {what}"));
        }
    }

    fn storm(&mut self, settings: &Settings) {
        let Some(keys) = &settings.traffic.keys else {
            return;
        };
        let keys = self.named("traffic.keys", Some(keys));
        let (modes, errands) = (&settings.modes, &settings.errands);
        let some = |share: Option<Share>| share.filter(|share| share.0 > 0);
        let others = [
            ("traffic.duplicates", settings.traffic.duplicates),
            ("modes.payment_code", modes.payment_code),
            ("errands.reversals", errands.reversals),
            ("errands.refunds", errands.refunds),
            ("errands.churn", errands.churn),
        ]
        .map(|(name, share)| self.named(name, some(share).as_ref()));
        self.both(
            &keys,
            &others,
            "a retry storm repeats plain payments, all of them: make it \"0%\", or leave out the keys",
        );
    }

    fn amounts(&mut self, settings: &Settings) {
        let traffic = &settings.traffic;
        let fixed = self.named("traffic.fixed_fen", traffic.fixed_fen.as_ref());
        let percent = self.named("traffic.amount_percent", traffic.amount_percent.as_ref());
        if traffic.fixed_fen.is_some() {
            let others = [percent.clone()];
            self.both(&fixed, &others, "leave out the one or the other");
        }
        if traffic.fixed_fen.is_some_and(|fen| fen.get() > MOST_FEN) {
            self.wrong(format!(
                "{fixed} is more than one payment may be (R63): at most {MOST_FEN}"
            ));
        }
        if traffic
            .amount_percent
            .is_some_and(|percent| percent.get() > MOST_PERCENT)
        {
            self.wrong(format!("{percent} must be at most {MOST_PERCENT}"));
        }
    }

    fn transport(&mut self, settings: &Settings) {
        let transport = &settings.transport;
        let single = transport.rpc != Some(RpcKind::Stream);
        if !single && transport.account_hash == Some(true) {
            let hash = self.named("transport.account_hash", transport.account_hash.as_ref());
            self.wrong(format!(
                "{hash} needs transport.rpc = \"unary\": a stream holds payments of many accounts"
            ));
        }
        if single && transport.batch.is_some_and(|batch| batch.get() > 1) {
            let batch = self.named("transport.batch", transport.batch.as_ref());
            self.wrong(format!(
                "{batch} needs transport.rpc = \"stream\" (--stream): a call of its own holds one payment"
            ));
        }
    }

    /// Notes each of `others` that has a value, and so contradicts `one`.
    fn both(&mut self, one: &str, others: &[String], mend: &str) {
        let mistakes = others
            .iter()
            .filter(|other| !other.is_empty())
            .map(|other| format!("{one} and {other} contradict each other: {mend}"));
        self.mistakes.extend(mistakes);
    }

    /// A field with its value and line; nothing if it has no value.
    fn named(&self, name: &str, value: Option<&impl Setting>) -> String {
        let Some(value) = value else {
            return String::new();
        };
        let line = self.lines.get(name);
        let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
        format!("{name} = {}{line}", value.show())
    }

    fn share(&self, name: &str, share: Option<Share>) -> (String, u32) {
        let share = share.unwrap_or(Share(0));
        (self.named(name, Some(&share)), share.0)
    }

    fn wrong(&mut self, what: String) {
        self.mistakes.push(what);
    }
}

fn sum(shares: &[(String, u32)]) -> (String, u64) {
    let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
    let sum = shares.iter().map(|(_, parts)| u64::from(*parts)).sum();
    (names.join(" + "), sum)
}
