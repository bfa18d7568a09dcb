//! Figures for people.

use std::time::Duration;

/// A count with commas between thousands.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long something took.
pub(super) fn elapsed(took: Duration) -> String {
    time(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX))
}

/// A time in the unit that suits it, three figures.
pub(super) fn time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => scaled(ns, 1_000, "us"),
        1_000_000..1_000_000_000 => scaled(ns, 1_000_000, "ms"),
        _ => scaled(ns, 1_000_000_000, "s"),
    }
}

/// A number of bytes in the unit that suits it, three figures.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => scaled(bytes, 1_000, "kB"),
        1_000_000..1_000_000_000 => scaled(bytes, 1_000_000, "MB"),
        _ => scaled(bytes, 1_000_000_000, "GB"),
    }
}

/// How many a second, as a whole number; nothing can be said of no time at all.
pub(super) fn per_second(count: u64, ns: u64) -> Option<u64> {
    let rate = u128::from(count) * 1_000_000_000 / u128::from((ns > 0).then_some(ns)?);
    u64::try_from(rate).ok()
}

fn scaled(value: u64, unit: u64, name: &str) -> String {
    let whole = value / unit;
    let rest = value % unit;
    match whole {
        0..10 => format!("{whole}.{:02} {name}", rest * 100 / unit),
        10..100 => format!("{whole}.{} {name}", rest * 10 / unit),
        _ => format!("{} {name}", grouped(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_that_suits_them() {
        for (ns, expected) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 us"),
            (12_345, "12.3 us"),
            (123_456, "123 us"),
            (2_509_999, "2.50 ms"),
            (15_000_000_000, "15.0 s"),
            (1_500_000_000_000, "1,500 s"),
        ] {
            assert_eq!(time(ns), expected);
        }
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(8_388_608), "8.38 MB");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(per_second(3, 2_000_000_000), Some(1));
        assert_eq!(per_second(3, 0), None);
    }
}
