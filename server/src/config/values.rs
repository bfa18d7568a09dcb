//! Texts from outside, turned into values. An error says what would have been accepted, so
//! that it completes "`--flag`: `value` …".

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use crate::ledger::postgres::Address;
use crate::telemetry::LogFormat;

/// Where the ledger keeps what it has promised.
#[derive(Debug, Clone)]
pub enum Store {
    /// An append-only journal in this data folder.
    Journal(PathBuf),
    /// Nothing on disk: for measurements without one.
    Memory {
        /// How long a commit takes.
        delay: Duration,
    },
    /// A database that several nodes decide over.
    Postgres(Address),
}

/// Databases are the same if they are told by the same text.
impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Journal(one), Self::Journal(other)) => one == other,
            (Self::Memory { delay: one }, Self::Memory { delay: other }) => one == other,
            (Self::Postgres(one), Self::Postgres(other)) => one.to_string() == other.to_string(),
            (Self::Journal(_) | Self::Memory { .. } | Self::Postgres(_), _) => false,
        }
    }
}

impl Eq for Store {}

/// `journal:DIR`, `memory:`, `memory:delay=2ms` or a database's URL without its password.
impl std::fmt::Display for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Journal(folder) => write!(formatter, "journal:{}", folder.display()),
            Self::Memory { delay } if delay.is_zero() => formatter.write_str("memory:"),
            Self::Memory { delay } => write!(formatter, "memory:delay={delay:?}"),
            Self::Postgres(address) => address.fmt(formatter),
        }
    }
}

/// What would have been accepted.
pub(super) type Expected = String;

pub(super) fn store(text: &str) -> Result<Store, Expected> {
    let expected = || {
        "is not a store: journal:DIR, memory:, memory:delay=DURATION (such as memory:delay=2ms) or \
         postgres://USER@HOST/DATABASE"
            .to_owned()
    };
    match text.split_once(':').ok_or_else(expected)? {
        ("journal", "") => Err("names no folder: write journal:DIR".to_owned()),
        ("journal", folder) => Ok(Store::Journal(PathBuf::from(folder))),
        ("memory", "") => Ok(Store::Memory {
            delay: Duration::ZERO,
        }),
        ("memory", option) => {
            let delay = option.strip_prefix("delay=").ok_or_else(expected)?;
            let delay = duration(delay, &(Duration::ZERO..=Duration::from_secs(10)))?;
            Ok(Store::Memory { delay })
        }
        _ => Err(expected()),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, Expected> {
    text.parse().map_err(|_| {
        "is not an address and port, such as 127.0.0.1:50051 or [::1]:50051".to_owned()
    })
}

pub(super) fn number(text: &str, range: &RangeInclusive<u64>) -> Result<u64, Expected> {
    digits(text)
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("is not a number from {} to {}", range.start(), range.end()))
}

/// A switch, which may also be given a value: a variable always has one.
pub(super) fn switch(text: &str) -> Result<bool, Expected> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, Expected> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("is neither json nor text".to_owned()),
    }
}

pub(super) fn log_level(text: &str) -> Result<LevelFilter, Expected> {
    match text {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err("is not a level: error, warn, info, debug or trace".to_owned()),
    }
}

/// A whole number with its unit: `500us`, `2ms`, `10s`, `5m`, or `0`.
pub(super) fn duration(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, Expected> {
    let unit_at = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let micros_per_unit = match unit {
        "us" => Some(1),
        "ms" => Some(1_000),
        "s" => Some(1_000_000),
        "m" => Some(60_000_000),
        "h" => Some(3_600_000_000),
        "d" => Some(86_400_000_000),
        "" if number == "0" => Some(0),
        _ => None,
    };
    let micros = digits(number)
        .zip(micros_per_unit)
        .and_then(|(number, micros)| number.checked_mul(micros));
    micros
        .map(Duration::from_micros)
        .filter(|duration| range.contains(duration))
        .ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("is not a duration from {least:?} to {most:?}, such as 500us, 2ms, 10s or 5m")
        })
}

/// For how long the journal is kept at least, if not for ever, where payments settle after so many days:
/// longer than keys are (D18), and than a payment can be reversed by its key (D13, D25).
pub(crate) fn least_retention(settle_after_days: u8) -> Duration {
    const DAY: Duration = Duration::from_secs(86_400);
    DAY * u32::from(settle_after_days).saturating_add(2).max(3)
}

/// `0`, or a time of days.
pub(super) fn retention(text: &str) -> Result<Duration, Expected> {
    let longest = Duration::from_secs(36_500 * 86_400);
    let kept = duration(text, &(Duration::ZERO..=longest));
    kept.ok()
        .filter(|kept| kept.is_zero() || *kept >= least_retention(0))
        .ok_or_else(|| "is neither 0 nor from 3d to 36500d, such as 400d or 9600h".to_owned())
}

/// A value as a message shows it: quoted, escaped and cut, whatever was given.
pub(super) fn shown(value: &str) -> String {
    const MOST: usize = 60;
    let mut letters = value.chars();
    let mut text = String::new();
    let _ = write!(
        text,
        "{:?}",
        letters.by_ref().take(MOST).collect::<String>()
    );
    if letters.next().is_some() {
        text.push('…');
    }
    text
}

/// Digits only: no sign, no space, no underscore.
fn digits(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores() {
        let memory = |ms| Store::Memory {
            delay: Duration::from_millis(ms),
        };
        for (text, expected) in [
            ("journal:./data", Some(Store::Journal("./data".into()))),
            ("journal:C:odd", Some(Store::Journal("C:odd".into()))),
            ("memory:", Some(memory(0))),
            ("memory:delay=2ms", Some(memory(2))),
            ("journal:", None),
            ("journal", None),
            ("memory", None),
            ("memory:delay", None),
            ("memory:delay=2", None),
            ("memory:delay=11s", None),
            ("postgres://db", None),
            ("", None),
        ] {
            assert_eq!(store(text).ok(), expected, "{text}");
            if let Some(expected) = expected {
                assert_eq!(expected.to_string(), text);
            }
        }
    }

    #[test]
    fn durations() {
        let range = Duration::ZERO..=Duration::from_secs(3600);
        for (text, micros) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("500us", Some(500)),
            ("2ms", Some(2_000)),
            ("60m", Some(3_600_000_000)),
            ("61m", None),
            ("5", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5s", None),
            ("1h", Some(3_600_000_000)),
            ("1d", None),
            ("s", None),
            ("", None),
            ("99999999999999999999s", None),
            ("18446744073709551615m", None),
        ] {
            let expected = micros.map(Duration::from_micros);
            assert_eq!(duration(text, &range).ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_journal_is_kept_for_ever_or_for_longer_than_keys_are() {
        for (text, hours) in [
            ("0", Some(0)),
            ("3d", Some(72)),
            ("72h", Some(72)),
            ("400d", Some(9_600)),
            ("36500d", Some(876_000)),
            ("71h", None),
            ("2d", None),
            ("36501d", None),
            ("400", None),
            ("1y", None),
        ] {
            let expected = hours.map(|hours| Duration::from_secs(hours * 3_600));
            assert_eq!(retention(text).ok(), expected, "{text}");
        }
        for (days, least) in [(0, 3), (1, 3), (2, 4), (90, 92)] {
            assert_eq!(least_retention(days), Duration::from_secs(least * 86_400));
        }
    }

    #[test]
    fn numbers_and_switches() {
        for (text, expected) in [
            ("1", Some(1)),
            ("256", Some(256)),
            ("0", None),
            ("257", None),
            ("+1", None),
            (" 1", None),
            ("zero", None),
            ("", None),
        ] {
            assert_eq!(number(text, &(1..=256)).ok(), expected, "{text}");
        }
        assert_eq!(switch("true"), Ok(true));
        assert_eq!(switch("0"), Ok(false));
        assert!(switch("maybe").is_err());
        assert!(log_format("xml").is_err());
        assert!(log_level("loud").is_err());
    }

    #[test]
    fn what_is_shown_is_escaped_and_cut() {
        assert_eq!(shown("a\nb\u{1b}"), "\"a\\nb\\u{1b}\"");
        assert!(shown(&"x".repeat(5_000)).chars().count() < 70);
    }
}
