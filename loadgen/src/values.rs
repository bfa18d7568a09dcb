//! Pure: numbers, times and shares as people write them, on the command line and in plan files.

use std::time::Duration;

use crate::schedule::{MOST_A_SECOND, Rate};

/// A rate in requests a second, such as `1000` or `0.5`.
pub(crate) fn rate(text: &str) -> Result<Rate, String> {
    let thousandths = decimal(text, 1_000).ok_or("must be a number of requests a second")?;
    match Rate::from_thousandths(thousandths) {
        Some(rate) if thousandths <= MOST_A_SECOND * 1_000 => Ok(rate),
        Some(_) => Err(format!("must be at most {MOST_A_SECOND} a second")),
        None => Err("must be at least 0.001 a second".to_owned()),
    }
}

/// A time that is not nothing.
pub(crate) fn positive_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    Ok(time)
}

/// A time such as `500ms`, `20s` or `2m`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
    let (number, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let unit_ns = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err("must be a time such as 500ms, 20s or 2m".to_owned()),
    };
    let time = decimal(number, unit_ns)
        .map(Duration::from_nanos)
        .ok_or("must be a time such as 500ms, 20s or 2m")?;
    if time > LONGEST {
        return Err("must be at most a week".to_owned());
    }
    Ok(time)
}

/// A time as [`time`] reads it.
pub(crate) fn show_time(time: Duration) -> String {
    let ns = time.as_nanos();
    if ns.is_multiple_of(1_000_000_000) {
        format!("{}s", ns / 1_000_000_000)
    } else if ns.is_multiple_of(1_000_000) {
        format!("{}ms", ns / 1_000_000)
    } else if ns.is_multiple_of(1_000) {
        format!("{}us", ns / 1_000)
    } else {
        format!("{}.{:03}us", ns / 1_000, ns % 1_000)
    }
}

/// A share as parts in a million: `0.01` or `1%`.
pub(crate) fn share(text: &str) -> Result<u32, String> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 10_000),
        None => (text, 1_000_000),
    };
    decimal(number, whole)
        .and_then(|parts| u32::try_from(parts).ok())
        .filter(|&parts| parts <= 1_000_000)
        .ok_or_else(|| "must be a share from 0 to 1, or a percentage such as 1%".to_owned())
}

/// Parts in a million as a percentage, to the last part.
pub(crate) fn show_share(parts: u64) -> String {
    format!("{}%", fraction(parts, 4))
}

/// The exponent of Zipf's law.
pub(crate) fn exponent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(exponent) if (0.0..=3.0).contains(&exponent) => Ok(exponent),
        Ok(_) | Err(_) => Err("must be a number from 0 to 3".to_owned()),
    }
}

/// Up to 64 bits in hexadecimal digits.
pub(crate) fn hexadecimal(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| "must be up to 16 hexadecimal digits".to_owned())
}

/// So many thousandths, as a decimal number.
pub(crate) fn thousandths(number: u64) -> String {
    fraction(number, 3)
}

/// A decimal number times `unit`, exactly, cut after the last whole unit.
pub(crate) fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let number = whole.parse::<u64>().ok().map(u128::from)? * scale
        + fraction.parse::<u64>().ok().map(u128::from)?;
    u64::try_from(number.checked_mul(u128::from(unit))? / scale).ok()
}

/// A whole number over a power of ten, without zeros that say nothing.
fn fraction(number: u64, places: u32) -> String {
    let scale = 10_u64.pow(places);
    let width = usize::try_from(places).unwrap_or(0);
    let text = format!("{}.{:0width$}", number / scale, number % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_or_refused() {
        let thousandths = |text| rate(text).map(Rate::thousandths).ok();
        assert_eq!(thousandths("5000"), Some(5_000_000));
        assert_eq!(thousandths("0.5"), Some(500));
        for bad in [
            "0",
            "0.0001",
            "-1",
            "",
            "fast",
            "1e3",
            "10000001",
            "99999999999999999999",
        ] {
            assert_eq!(thousandths(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_exact_or_refused() {
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        assert!(positive_time("0s").is_err());
        for bad in ["", "s", "5", "-1s", "5 s", "5d", "169h", "1.s", ".5s"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_parts_in_a_million() {
        assert_eq!(share("1%"), Ok(10_000));
        assert_eq!(share("0.01"), Ok(10_000));
        assert_eq!(share("1"), Ok(1_000_000));
        assert_eq!(share("0.5%"), Ok(5_000));
        for bad in ["1.1", "101%", "-1", "", "%", "half"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for text in ["0%", "1%", "0.0001%", "33.3333%", "100%"] {
            assert_eq!(show_share(share(text).unwrap().into()), text);
        }
        for text in ["0s", "20s", "1500ms", "250us", "0.001us"] {
            assert_eq!(show_time(time(text).unwrap()), text);
        }
        for text in ["0.001", "0.5", "1000", "10000000"] {
            assert_eq!(rate(text).unwrap().to_string(), text);
        }
    }
}
