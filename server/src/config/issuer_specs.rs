//! How the sandbox's issuer behaves, as the command line writes it: latencies, errors, outages.

use std::ops::RangeInclusive;
use std::time::Duration;

use waika_domain::card::Scheme;

use super::values::{self, Expected};

/// How long the issuer of a scheme takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencySpec {
    /// None: every scheme that has no spec of its own.
    pub scheme: Option<Scheme>,
    /// How long.
    pub takes: TakesTime,
}

/// How long an answer takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakesTime {
    /// Always as long.
    Fixed(Duration),
    /// Log-normally distributed.
    LogNormal {
        /// The median, at least 1 µs.
        p50: Duration,
        /// The 99th percentile, not below the median.
        p99: Duration,
        /// So many calls in 1,000,000,000 take that long instead.
        tail: Option<(u32, Duration)>,
    },
}

/// What goes wrong with a share of the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorSpec {
    /// None: every scheme that has no spec of its own.
    pub scheme: Option<Scheme>,
    /// Of so many calls in 1,000,000,000.
    pub share: u32,
    /// What.
    pub kind: ErrorKind,
}

/// What goes wrong with a payment or a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is declined with this response code (DE39).
    Declined([u8; 2]),
    /// Nobody can be reached: gRPC UNAVAILABLE, not booked.
    Unavailable,
    /// It is never booked and never answered.
    Silent,
    /// It is decided and booked, and never answered.
    Mute,
    /// One fen more than was asked for is approved, booked and told.
    WrongAmount,
    /// The answer names another transaction.
    WrongId,
    /// The answer's response code means nothing.
    WrongCode,
}

/// When the issuer of a scheme is out, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutageSpec {
    /// None: every scheme.
    pub scheme: Option<Scheme>,
    /// When.
    pub times: OutageTimes,
    /// How.
    pub kind: OutageKind,
}

/// When the issuer is out, counted from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageTimes {
    /// Once.
    Once {
        /// From then on.
        from: Duration,
        /// Until just before then.
        until: Duration,
    },
    /// Again and again.
    Every {
        /// The first begins after this long, and each further one as long after the last began.
        every: Duration,
        /// Each lasts so long, which is less.
        lasts: Duration,
    },
}

/// How the issuer is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageKind {
    /// gRPC UNAVAILABLE, not booked.
    Unavailable,
    /// Never booked, never answered.
    Silent,
    /// Decided and booked, never answered.
    Mute,
}

const LATENCIES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);
const OUTAGES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

pub(super) fn latency(text: &str) -> Result<LatencySpec, Expected> {
    let (scheme, text) = scheme_before(text)?;
    let takes = if text.contains('=') {
        log_normal(text)?
    } else {
        TakesTime::Fixed(values::duration(text, &LATENCIES)?)
    };
    Ok(LatencySpec { scheme, takes })
}

fn log_normal(text: &str) -> Result<TakesTime, Expected> {
    let expected = || {
        "is not a latency: [SCHEME:]20ms, or [SCHEME:]p50=20ms,p99=80ms[,tail=0.1%@2s]".to_owned()
    };
    let parts: Vec<_> = text.split(',').collect();
    let (p50, p99, tail) = match *parts.as_slice() {
        [p50, p99] => (p50, p99, None),
        [p50, p99, tail] => (p50, p99, Some(tail)),
        _ => return Err(expected()),
    };
    let least = Duration::from_micros(1)..=*LATENCIES.end();
    let p50 = p50.strip_prefix("p50=").ok_or_else(expected)?;
    let p99 = p99.strip_prefix("p99=").ok_or_else(expected)?;
    let p50 = values::duration(p50, &least).map_err(|what| format!("has a p50 that {what}"))?;
    let p99 = values::duration(p99, &least).map_err(|what| format!("has a p99 that {what}"))?;
    if p99 < p50 {
        return Err("has a p99 below its p50".to_owned());
    }
    let tail = tail.map(|tail| {
        let tail = tail
            .strip_prefix("tail=")
            .and_then(|tail| tail.split_once('@'));
        let (rate, takes) = tail.ok_or_else(expected)?;
        let takes = values::duration(takes, &LATENCIES);
        let takes = takes.map_err(|what| format!("has a tail that {what}"))?;
        Ok::<_, Expected>((share(rate)?, takes))
    });
    Ok(TakesTime::LogNormal {
        p50,
        p99,
        tail: tail.transpose()?,
    })
}

pub(super) fn error(text: &str) -> Result<ErrorSpec, Expected> {
    let (scheme, text) = scheme_before(text)?;
    let (rate, kind) = text.split_once('=').ok_or_else(|| {
        "is not an error: [SCHEME:]RATE%=KIND, such as 1%=51 or visa:0.5%=silent".to_owned()
    })?;
    Ok(ErrorSpec {
        scheme,
        share: share(rate)?,
        kind: error_kind(kind)?,
    })
}

fn error_kind(text: &str) -> Result<ErrorKind, Expected> {
    match text {
        "unavailable" => return Ok(ErrorKind::Unavailable),
        "silent" => return Ok(ErrorKind::Silent),
        "mute" => return Ok(ErrorKind::Mute),
        "wrong-amount" => return Ok(ErrorKind::WrongAmount),
        "wrong-id" => return Ok(ErrorKind::WrongId),
        "wrong-code" => return Ok(ErrorKind::WrongCode),
        _ => {}
    }
    let code = <[u8; 2]>::try_from(text.as_bytes()).ok();
    let is_of_a_code = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    match code.filter(|code| code.iter().all(is_of_a_code)) {
        Some([b'0', b'0']) => {
            Err("has the response code 00, which is an approval: name another".to_owned())
        }
        Some(code) => Ok(ErrorKind::Declined(code)),
        None => Err(
            "has a kind that is not known: a response code such as 51, unavailable, silent, mute, \
             wrong-amount, wrong-id or wrong-code"
                .to_owned(),
        ),
    }
}

pub(super) fn outage(text: &str) -> Result<OutageSpec, Expected> {
    let (scheme, text) = scheme_before(text)?;
    let expected = || {
        "is not an outage: [SCHEME:]10s..15s[=KIND], or [SCHEME:]every=60s,for=5s[=KIND]".to_owned()
    };
    let (times, kind) = if let Some(text) = text.strip_prefix("every=") {
        let (every, lasts) = text.split_once(",for=").ok_or_else(expected)?;
        let (lasts, kind) = kind_after(lasts)?;
        let every = values::duration(every, &OUTAGES)?;
        let lasts = values::duration(lasts, &OUTAGES)?;
        if lasts.is_zero() || lasts >= every {
            return Err("must last for more than nothing and less than its every".to_owned());
        }
        (OutageTimes::Every { every, lasts }, kind)
    } else {
        let (from, until) = text.split_once("..").ok_or_else(expected)?;
        let (until, kind) = kind_after(until)?;
        let from = values::duration(from, &OUTAGES)?;
        let until = values::duration(until, &OUTAGES)?;
        if until <= from {
            return Err("must end after it begins".to_owned());
        }
        (OutageTimes::Once { from, until }, kind)
    };
    Ok(OutageSpec {
        scheme,
        times,
        kind,
    })
}

fn kind_after(text: &str) -> Result<(&str, OutageKind), Expected> {
    let Some((text, kind)) = text.split_once('=') else {
        return Ok((text, OutageKind::Unavailable));
    };
    match kind {
        "unavailable" => Ok((text, OutageKind::Unavailable)),
        "silent" => Ok((text, OutageKind::Silent)),
        "mute" => Ok((text, OutageKind::Mute)),
        _ => Err("has a kind that is not known: unavailable, silent or mute".to_owned()),
    }
}

/// A scheme as the command line names it.
pub(super) const fn scheme_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Visa => "visa",
        Scheme::Mastercard => "mastercard",
        Scheme::DinersClub => "diners",
        Scheme::Discover => "discover",
        Scheme::Jcb => "jcb",
    }
}

fn scheme_before(text: &str) -> Result<(Option<Scheme>, &str), Expected> {
    let Some((name, rest)) = text.split_once(':') else {
        return Ok((None, text));
    };
    let mut schemes = Scheme::ALL.into_iter();
    match schemes.find(|scheme| scheme_name(*scheme) == name) {
        Some(scheme) => Ok((Some(scheme), rest)),
        None => Err(
            "names no scheme that is known: visa, mastercard, diners, discover or jcb".to_owned(),
        ),
    }
}

/// A percentage with up to seven places after the point, as parts of 1,000,000,000.
fn share(text: &str) -> Result<u32, Expected> {
    const PLACES: usize = 7;
    let expected =
        || "has a rate that is not above 0% and up to 100%, such as 1% or 0.05%".to_owned();
    let number = text.strip_suffix('%').ok_or_else(expected)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = format!("{whole}{fraction:0<PLACES$}");
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.is_empty() || fraction.len() > PLACES || !all_digits {
        return Err(expected());
    }
    let share = digits.parse().ok();
    let in_range = share.filter(|share| (1..=1_000_000_000).contains(share));
    in_range.ok_or_else(expected)
}

#[cfg(test)]
#[path = "issuer_specs_tests.rs"]
mod tests;
