//! Pure: limits, read with their units.

use super::{Figure, Limit};
use crate::values::decimal;

impl Limit {
    /// Reads a number and its unit, as they suit a figure. The error says what they must be.
    pub(super) fn read(figure: &Figure, number: &str, unit: &str) -> Result<Self, &'static str> {
        match figure {
            Figure::Time(..) | Figure::ServerCpu | Figure::GeneratorCpu => time(number, unit),
            Figure::Share(_) | Figure::Unsent(_) => share(number, unit),
            Figure::Count(_) => count(number, unit),
            Figure::Throughput(_) => rate(number, unit),
        }
    }

    /// Whether it is nothing.
    pub(super) fn is_zero(self) -> bool {
        match self {
            Self::Time(limit) | Self::Count(limit) | Self::Rate(limit) => limit == 0,
            Self::Share(parts) => parts == 0,
        }
    }
}

fn time(number: &str, unit: &str) -> Result<Limit, &'static str> {
    const WHAT: &str = "a time needs a number and a unit: ns, us, ms or s, such as 20ms";
    let unit_ns = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(WHAT),
    };
    decimal(number, unit_ns).map(Limit::Time).ok_or(WHAT)
}

fn share(number: &str, unit: &str) -> Result<Limit, &'static str> {
    const WHAT: &str = "a share is a percentage such as 0.1%, or a number from 0 to 1, to a millionth; for a number \
                        of payments write count(errors)";
    let (whole, most_decimals) = match unit {
        "%" => (10_000, 4),
        "" => (1_000_000, 6),
        _ => return Err(WHAT),
    };
    let decimals = number.split_once('.').map_or("", |(_, decimals)| decimals);
    if decimals.len() > most_decimals {
        return Err(WHAT);
    }
    let parts = decimal(number, whole).and_then(|parts| u32::try_from(parts).ok());
    let parts = parts.filter(|parts| *parts <= 1_000_000);
    parts.map(Limit::Share).ok_or(WHAT)
}

fn count(number: &str, unit: &str) -> Result<Limit, &'static str> {
    let count = number.parse().ok().filter(|_| unit.is_empty());
    count
        .map(Limit::Count)
        .ok_or("a number of payments is a whole number, such as 1000")
}

fn rate(number: &str, unit: &str) -> Result<Limit, &'static str> {
    let rate = decimal(number, 1_000).filter(|_| unit == "/s");
    rate.map(Limit::Rate)
        .ok_or("a throughput needs a number and /s, such as 900/s")
}
