//! Pure: shapes of the rate as people write them, such as `burst:1x..3x@2s/10s`.

use std::fmt::{Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use super::shape::{Level, RateShape};
use crate::values;

/// How to write a shape.
const GRAMMAR: &str = "must be steady, ramp:500..2000, step:500@10s,1000@10s, \
     burst:1000..3000@2s/10s (a burst of 2 s at the end of every 10 s) or diurnal:500..1500/60s, \
     with levels in requests a second or as multiples of the rate such as 1.5x";

impl Display for Level {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(to, "{rate}"),
            Self::Times(thousandths) => write!(to, "{}x", values::thousandths(*thousandths)),
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(times) = text.strip_suffix('x') else {
            return values::rate(text).map(Self::PerSecond);
        };
        values::decimal(times, 1_000)
            .filter(|&thousandths| thousandths > 0)
            .map(Self::Times)
            .ok_or_else(|| format!("{text} must be a multiple such as 1.5x, at least 0.001x"))
    }
}

impl Display for RateShape {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        let time = |time: &Duration| values::show_time(*time);
        match self {
            Self::Steady => write!(to, "steady"),
            Self::Ramp(from, until) => write!(to, "ramp:{from}..{until}"),
            Self::Step(steps) => {
                write!(to, "step:")?;
                for (place, (level, length)) in steps.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(to, "{comma}{level}@{}", time(length))?;
                }
                Ok(())
            }
            Self::Burst {
                base,
                peak,
                length,
                period,
            } => write!(to, "burst:{base}..{peak}@{}/{}", time(length), time(period)),
            Self::Diurnal { low, high, period } => {
                write!(to, "diurnal:{low}..{high}")?;
                period.map_or(Ok(()), |period| write!(to, "/{}", time(&period)))
            }
        }
    }
}

impl FromStr for RateShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "steady" if rest.is_empty() => Ok(Self::Steady),
            "ramp" => {
                let (from, to) = levels(rest)?;
                Ok(Self::Ramp(from, to))
            }
            "step" => steps(rest).map(Self::Step),
            "burst" => burst(rest),
            "diurnal" => diurnal(rest),
            _ => Err(GRAMMAR.to_owned()),
        }
    }
}

fn levels(text: &str) -> Result<(Level, Level), String> {
    let (one, other) = text.split_once("..").ok_or(GRAMMAR)?;
    Ok((one.parse()?, other.parse()?))
}

fn steps(text: &str) -> Result<Vec<(Level, Duration)>, String> {
    const MOST: usize = 1_000;
    let steps: Vec<(Level, Duration)> = text
        .split(',')
        .map(|step| {
            let (level, length) = step.split_once('@').ok_or(GRAMMAR)?;
            Ok::<_, String>((level.parse()?, values::positive_time(length)?))
        })
        .collect::<Result<_, _>>()?;
    if steps.len() > MOST {
        return Err(format!("must have at most {MOST} steps"));
    }
    Ok(steps)
}

fn burst(text: &str) -> Result<RateShape, String> {
    let (rates, times) = text.split_once('@').ok_or(GRAMMAR)?;
    let (length, period) = times.split_once('/').ok_or(GRAMMAR)?;
    let (base, peak) = levels(rates)?;
    let length = values::positive_time(length)?;
    let period = values::positive_time(period)?;
    if length >= period {
        return Err("must have bursts that are shorter than the time from one to the next".into());
    }
    Ok(RateShape::Burst {
        base,
        peak,
        length,
        period,
    })
}

fn diurnal(text: &str) -> Result<RateShape, String> {
    let (rates, period) = match text.split_once('/') {
        Some((rates, period)) => (rates, Some(values::positive_time(period)?)),
        None => (text, None),
    };
    let (low, high) = levels(rates)?;
    Ok(RateShape::Diurnal { low, high, period })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_and_written_alike() {
        for text in [
            "steady",
            "ramp:500..2000",
            "ramp:1x..0.5x",
            "step:500@10s,1000@1500ms",
            "burst:1000..3000@2s/10s",
            "burst:1x..3x@500ms/10s",
            "diurnal:500..1500/60s",
            "diurnal:0.5x..2x",
        ] {
            assert_eq!(text.parse::<RateShape>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_shape_is_refused_with_the_mend() {
        let check = |text: &str, words: &str| {
            let error = text.parse::<RateShape>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        };
        for odd in ["", "saw", "steady:1", "ramp:5", "step:5", "burst:1..2@3s"] {
            check(odd, "ramp:500..2000");
        }
        check("ramp:0..5", "at least 0.001");
        check("ramp:1..0x", "at least 0.001x");
        check("ramp:-1..5", "number of requests");
        check("step:5@0s", "longer than nothing");
        check("step:5@10", "a time such as");
        check("burst:1..2@3s/3s", "shorter");
        check("diurnal:1..2/0s", "longer than nothing");
        check(&format!("step:{}", vec!["1@1s"; 1_001].join(",")), "1000");
    }
}
