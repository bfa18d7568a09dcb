//! Pure: every field of a plan, in one list: its section, name, type, and a comment for people.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

use super::keys::{Keys, Section};
use super::setting::{RpcKind, ServerClock, Setting, Share, SomeTime, Time};
use crate::pacer::Pacing;
use crate::schedule::{Arrivals, Rate, RateShape};
use crate::scheme::Shares;
use crate::threshold::Thresholds;
use crate::workload::Spread;

/// A field that has a value, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) section: &'static str,
    pub(super) about: &'static str,
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) comment: &'static str,
}

macro_rules! sections {
    ($(
        #[doc = $about:literal]
        $section:ident: $name:ident {
            $($(#[doc = $comment:literal])+ $key:ident: $kind:ty,)*
        }
    )*) => {
        $(
            #[doc = $about]
            #[derive(Clone, Debug, Default, PartialEq)]
            pub(crate) struct $name {
                $($(#[doc = $comment])+ pub(crate) $key: Option<$kind>,)*
            }
        )*

        /// Everything that a plan can say, with a hole where it does not.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct Settings {
            $(#[doc = $about] pub(crate) $section: $name,)*
        }

        /// Every section with its keys. The first stands for the keys outside any section.
        pub(super) const SECTIONS: &[Section] = &[
            ("", &["version", "preset"]),
            $((stringify!($section), &[$(stringify!($key)),*]),)*
        ];

        impl Settings {
            /// Reads every field that a file has.
            pub(super) fn read(keys: &mut Keys<'_>) -> Self {
                Self {
                    $($section: $name {
                        $($key: keys.take(stringify!($section), stringify!($key)),)*
                    },)*
                }
            }

            /// Fills the holes from `base`.
            pub(super) fn filled(self, base: Self) -> Self {
                Self {
                    $($section: $name {
                        $($key: self.$section.$key.or(base.$section.$key),)*
                    },)*
                }
            }

            /// The fields that have a value.
            pub(super) fn lines(&self) -> Vec<Line> {
                let mut lines = Vec::new();
                $($(
                    if let Some(value) = &self.$section.$key {
                        lines.push(Line {
                            section: stringify!($section),
                            about: $about,
                            key: stringify!($key),
                            value: value.show(),
                            comment: concat!($($comment),+),
                        });
                    }
                )*)*
                lines
            }
        }
    };
}

sections! {
    /// When requests are sent.
    load: Load {
        /// How they are spread: poisson or constant.
        arrivals: Arrivals,
        /// How the rate goes over the measured part: steady, ramp:A..B, step:A@T,B@T,
        /// burst:A..B@L/P or diurnal:A..B/P.
        shape: RateShape,
        /// Requests a second; levels of the shape such as 1.5x are multiples of it.
        rate: Rate,
        /// A closed loop instead: so many calls are always open.
        closed: NonZeroUsize,
        /// The closed loop ends after so many requests, and warms up with none.
        requests: NonZeroU64,
        /// How long to measure.
        duration: SomeTime,
        /// How long to send before measuring, at the first rate of the shape.
        warm_up: Time,
        /// The server's clock: as-it-is, or month-end, which puts it so that the month ends in the
        /// middle of the measured part.
        clock: ServerClock,
    }
    /// Who takes part.
    people: People {
        /// Accounts that pay.
        accounts: NonZeroU32,
        /// Merchants that sell.
        merchants: NonZeroU32,
        /// The seed that people, arrivals and amounts are functions of.
        seed: u64,
        /// Schemes of the accounts' cards by share, such as visa=50,jcb=50.
        scheme: Shares,
    }
    /// What requests are like.
    traffic: Traffic {
        /// Which accounts pay: zipf:0.5 by Zipf's law, in-turn, or one for all.
        spread: Spread,
        /// Amounts, in per cent of what people spend at such a merchant.
        amount_percent: NonZeroU32,
        /// Every payment is so many fen.
        fixed_fen: NonZeroU32,
        /// A retry storm: every request is one of so many, under its key.
        keys: NonZeroU64,
        /// Share of requests that repeat an earlier one under its key.
        duplicates: Share,
        /// Share of requests with a wrong password.
        wrong_passwords: Share,
    }
    /// How payments are begun (R56): together 100%.
    modes: Modes {
        /// In an app or a mini-program, as the merchant has it.
        online: Share,
        /// The payer scans the merchant's code.
        merchant_qr: Share,
        /// The payer makes a payment code, and the merchant scans it. Of all arrivals.
        payment_code: Share,
    }
    /// Arrivals that are more than one payment: at most 100% together with the payment codes.
    errands: Errands {
        /// Paid and reversed: half of them in full.
        reversals: Share,
        /// How long after the payment's answer it is reversed.
        reverse_after: Time,
        /// Paid, settled and refunded: half of them in full.
        refunds: Share,
        /// A second card is bound and unbound again.
        churn: Share,
    }
    /// How requests travel.
    transport: Transmission {
        /// Calls of their own, or messages of a stream: unary or stream.
        rpc: RpcKind,
        /// Payments in one message of the stream.
        batch: NonZeroUsize,
        /// Each call's head names its account, as x-waika-account-hash, for proxies that send an account's calls to
        /// one server.
        account_hash: bool,
    }
    /// How the generator works.
    generator: Generator {
        /// The most calls open at once; what is due beyond them is counted as dropped.
        in_flight: NonZeroUsize,
        /// HTTP/2 connections, shared out among the workers.
        connections: NonZeroUsize,
        /// Threads that send and receive.
        workers: NonZeroUsize,
        /// How long after it was due a request is given up.
        deadline: SomeTime,
        /// How to wait until a request is due: sleep, hybrid or spin.
        pacing: Pacing,
    }
    /// What is found out besides.
    checks: Checks {
        /// Hold every answer against a model of every account.
        oracle: bool,
        /// Count how often each rule was met.
        rules: bool,
        /// Run although accounts are expected to meet their limits.
        allow_limits: bool,
        /// Ask the server where its time goes.
        timing: bool,
        /// Report the response times of each scheme of cards too.
        by_scheme: bool,
        /// What the run must keep to, such as ["p(99)<5ms", "errors<0.1%"].
        thresholds: Thresholds,
    }
}
