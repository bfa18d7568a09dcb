//! How long the issuer takes to answer: by scheme, fixed or drawn from a distribution.
//!
//! The distribution is laid out in a table when the process starts; a call only looks up a place.

use std::time::Duration;

use waika_domain::card::Scheme;

use super::chance::{Chance, Draw, falls_within};
use super::schemes::ByScheme;
use crate::config::{LatencySpec, TakesTime};

/// The table has this many places of equal share.
const PLACES_BITS: u32 = 14;
const PLACES: u32 = 1 << PLACES_BITS;

/// The 99th percentile of the normal distribution, in standard deviations.
const P99_DEVIATIONS: f64 = 2.326_347_874;

/// Latencies of every scheme.
#[derive(Debug)]
pub(crate) struct Latencies {
    chance: Chance,
    of: ByScheme<Latency>,
}

#[derive(Debug, Clone)]
enum Latency {
    Fixed(Duration),
    Drawn {
        /// Its quantiles, in order.
        places: Box<[Duration]>,
        /// A share of all calls takes this long instead.
        tail: Option<(u32, Duration)>,
    },
}

impl Latencies {
    /// Lays the tables out.
    pub(crate) fn new(chance: Chance, specs: &[LatencySpec]) -> Self {
        let of = ByScheme::of(
            specs,
            |spec| spec.scheme,
            |found| {
                found.last().map_or(Latency::Fixed(Duration::ZERO), |spec| {
                    Latency::of(&spec.takes)
                })
            },
        );
        Self { chance, of }
    }

    /// How long a call takes: a pure function of the seed, the card and the key.
    pub(crate) fn draw(&self, scheme: Scheme, card: &[u8], key: &[u8]) -> Duration {
        match self.of.scheme(scheme) {
            Latency::Fixed(takes) => *takes,
            Latency::Drawn { places, tail } => {
                let [first, second] = self.chance.draw(Draw::Latency, card, key);
                match tail {
                    Some((share, takes)) if falls_within(second, *share) => *takes,
                    Some(_) | None => {
                        let place = usize::try_from(first >> (u64::BITS - PLACES_BITS));
                        let takes = place.ok().and_then(|place| places.get(place));
                        takes.copied().unwrap_or_default()
                    }
                }
            }
        }
    }
}

impl Latency {
    fn of(takes: &TakesTime) -> Self {
        match *takes {
            TakesTime::Fixed(takes) => Self::Fixed(takes),
            TakesTime::LogNormal { p50, p99, tail } => Self::Drawn {
                places: log_normal(p50, p99),
                tail,
            },
        }
    }
}

/// The quantiles of the log-normal distribution with these percentiles.
fn log_normal(p50: Duration, p99: Duration) -> Box<[Duration]> {
    let median = p50.as_secs_f64().ln();
    let deviation = (p99.as_secs_f64().ln() - median) / P99_DEVIATIONS;
    let quantile = |deviations: f64| {
        let seconds = deviation.mul_add(deviations, median).exp();
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    };
    normal_quantiles().into_iter().map(quantile).collect()
}

/// The quantiles of the normal distribution in the middle of each place, by adding its density up.
fn normal_quantiles() -> Vec<f64> {
    const STEP: f64 = 1e-4;
    // What lies further out is less than a thousandth of a place.
    let (mut at, mut below) = (-6.0_f64, 0.0_f64);
    let scale = std::f64::consts::TAU.sqrt().recip() * STEP;
    let quantiles = (0..PLACES).map(|place| {
        let share = (f64::from(place) + 0.5) / f64::from(PLACES);
        while below < share && at < 6.0 {
            let middle = at + STEP / 2.0;
            below += (-middle * middle / 2.0).exp() * scale;
            at += STEP;
        }
        at
    });
    quantiles.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn spec(scheme: Option<Scheme>, takes: TakesTime) -> LatencySpec {
        LatencySpec { scheme, takes }
    }

    fn drawn(specs: &[LatencySpec], scheme: Scheme, count: u32) -> Vec<Duration> {
        let latencies = Latencies::new(Chance::new(1), specs);
        let keys = 0..count;
        let draw = |key: u32| latencies.draw(scheme, b"0-1", format!("key-{key}").as_bytes());
        let mut drawn: Vec<_> = keys.map(draw).collect();
        drawn.sort_unstable();
        drawn
    }

    fn assert_near(found: Duration, expected: Duration) {
        let (found, expected) = (found.as_secs_f64(), expected.as_secs_f64());
        let off = (found - expected).abs() / expected;
        assert!(off < 0.05, "{found} s instead of {expected} s");
    }

    #[test]
    fn median_and_p99_are_what_was_asked_for() {
        for (p50, p99) in [(20, 80), (1, 2), (100, 100), (5, 200)] {
            let takes = TakesTime::LogNormal {
                p50: ms(p50),
                p99: ms(p99),
                tail: None,
            };
            let drawn = drawn(&[spec(None, takes)], Scheme::Visa, 100_000);
            assert_near(drawn[50_000], ms(p50));
            assert_near(drawn[99_000], ms(p99));
        }
    }

    #[test]
    fn the_table_holds_the_percentiles_exactly() {
        let places = log_normal(ms(20), ms(80));
        for (hundredth, seconds) in [(50, 0.020), (99, 0.080)] {
            let place = places.len() * hundredth / 100;
            let off = places[place].as_secs_f64() / seconds - 1.0;
            assert!(off.abs() < 0.002, "p{hundredth} is off by {off}");
        }
        assert!(places.is_sorted());
    }

    #[test]
    fn a_tail_takes_its_share_and_leaves_the_rest_alone() {
        let takes = TakesTime::LogNormal {
            p50: ms(20),
            p99: ms(80),
            tail: Some((1_000_000, ms(2_000))),
        };
        let drawn = drawn(&[spec(None, takes)], Scheme::Jcb, 100_000);
        let slow = drawn.iter().filter(|takes| **takes == ms(2_000)).count();
        assert!((70..130).contains(&slow), "{slow} of 100,000 at 0.1 %");
        assert_near(drawn[50_000], ms(20));
    }

    #[test]
    fn a_scheme_of_its_own_comes_before_the_rest() {
        let specs = [
            spec(Some(Scheme::Visa), TakesTime::Fixed(ms(3))),
            spec(None, TakesTime::Fixed(ms(5))),
        ];
        assert_eq!(drawn(&specs, Scheme::Visa, 1), [ms(3)]);
        assert_eq!(drawn(&specs, Scheme::Discover, 1), [ms(5)]);
        assert_eq!(drawn(&[], Scheme::Visa, 1), [Duration::ZERO]);
    }

    #[test]
    fn one_key_always_takes_as_long() {
        let takes = TakesTime::LogNormal {
            p50: ms(20),
            p99: ms(80),
            tail: None,
        };
        let one = Latencies::new(Chance::new(1), &[spec(None, takes.clone())]);
        let other = Latencies::new(Chance::new(1), &[spec(None, takes.clone())]);
        let reseeded = Latencies::new(Chance::new(2), &[spec(None, takes)]);
        let draw = |latencies: &Latencies, key: &[u8]| latencies.draw(Scheme::Visa, b"c", key);
        assert_eq!(draw(&one, b"a"), draw(&other, b"a"));
        assert_ne!(draw(&one, b"a"), draw(&one, b"b"));
        assert_ne!(draw(&one, b"a"), draw(&reseeded, b"a"));
    }
}
