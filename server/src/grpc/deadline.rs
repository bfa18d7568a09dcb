//! The caller's deadline, as gRPC gives it: `grpc-timeout`, up to eight digits and a unit.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName};

use crate::clock::monotonic;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// When the caller stops waiting, counted from now; None if it did not say, or not as the protocol
/// wants it.
pub(super) fn of(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    monotonic().checked_add(parse(text)?)
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=8).contains(&digits.len()) || !plain {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_in_every_unit_of_the_protocol() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3_600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("400m", Some(Duration::from_millis(400))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("7n", Some(Duration::from_nanos(7))),
            ("0m", Some(Duration::ZERO)),
            ("", None),
            ("m", None),
            ("5", None),
            ("5s", None),
            ("-5m", None),
            ("+5m", None),
            ("999999999m", None),
            ("5 m", None),
            ("五m", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
