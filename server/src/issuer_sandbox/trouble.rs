//! What goes wrong: errors by chance, and outages by the clock.

use std::time::{Duration, Instant};

use waika_domain::card::Scheme;

use super::chance::{Chance, Draw, place};
use super::schemes::ByScheme;
use crate::clock;
use crate::config::{ErrorKind, ErrorSpec, OutageKind, OutageSpec, OutageTimes};

/// Errors by chance, of every scheme.
#[derive(Debug)]
pub(crate) struct Errors {
    chance: Chance,
    /// Where each kind's share ends, of all places.
    of: ByScheme<Vec<(u32, ErrorKind)>>,
}

impl Errors {
    /// Lays the shares of each scheme side by side.
    pub(crate) fn new(chance: Chance, specs: &[ErrorSpec]) -> Self {
        let of = ByScheme::of(
            specs,
            |spec| spec.scheme,
            |found| {
                let mut end = 0_u32;
                let shares = found.iter().map(|spec| {
                    end = end.saturating_add(spec.share);
                    (end, spec.kind)
                });
                shares.collect()
            },
        );
        Self { chance, of }
    }

    /// What goes wrong with a call, if anything: a pure function of the seed, the card and the key.
    pub(crate) fn draw(&self, scheme: Scheme, card: &[u8], key: &[u8]) -> Option<ErrorKind> {
        let shares = self.of.scheme(scheme);
        if shares.is_empty() {
            return None;
        }
        let [drawn, _] = self.chance.draw(Draw::Trouble, card, key);
        let place = place(drawn);
        let found = shares.iter().find(|(end, _)| place < *end);
        found.map(|(_, kind)| *kind)
    }
}

/// Outages by the clock, counted from when the process started.
#[derive(Debug)]
pub(crate) struct Outages {
    started: Instant,
    specs: Vec<OutageSpec>,
}

impl Outages {
    /// Counts from this instant on.
    pub(crate) fn new(started: Instant, specs: Vec<OutageSpec>) -> Self {
        Self { started, specs }
    }

    /// How a scheme is out now, if it is. Of several outages at once the first that was named counts.
    pub(crate) fn now(&self, scheme: Scheme) -> Option<OutageKind> {
        if self.specs.is_empty() {
            return None;
        }
        self.after(clock::monotonic().duration_since(self.started), scheme)
    }

    fn after(&self, since_start: Duration, scheme: Scheme) -> Option<OutageKind> {
        let mut of_scheme = self.specs.iter().filter(|spec| match spec.scheme {
            Some(named) => named == scheme,
            None => true,
        });
        let found = of_scheme.find(|spec| is_out(&spec.times, since_start));
        found.map(|spec| spec.kind)
    }
}

fn is_out(times: &OutageTimes, since_start: Duration) -> bool {
    match *times {
        OutageTimes::Once { from, until } => (from..until).contains(&since_start),
        OutageTimes::Every { every, lasts } => {
            let into_round = since_start.as_nanos().checked_rem(every.as_nanos());
            since_start >= every && into_round.is_some_and(|into| into < lasts.as_nanos())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer_sandbox::chance::WHOLE;

    #[test]
    fn kinds_share_the_calls_as_asked() {
        let spec = |scheme, percent: u32, kind| ErrorSpec {
            scheme,
            share: WHOLE / 100 * percent,
            kind,
        };
        let specs = [
            spec(None, 10, ErrorKind::Silent),
            spec(None, 20, ErrorKind::Declined(*b"51")),
            spec(Some(Scheme::Jcb), 100, ErrorKind::WrongId),
        ];
        let errors = Errors::new(Chance::new(3), &specs);
        let all = |scheme| {
            let keys = (0..10_000_u32).map(u32::to_le_bytes);
            let drawn = keys.map(|key| errors.draw(scheme, b"card", &key));
            drawn.collect::<Vec<_>>()
        };
        let drawn = all(Scheme::Visa);
        let count = |kind| drawn.iter().filter(|drawn| **drawn == kind).count();
        assert!((900..1_100).contains(&count(Some(ErrorKind::Silent))));
        assert!((1_850..2_150).contains(&count(Some(ErrorKind::Declined(*b"51")))));
        assert_eq!(count(Some(ErrorKind::WrongId)), 0);
        let own = all(Scheme::Jcb);
        assert!(own.iter().all(|drawn| *drawn == Some(ErrorKind::WrongId)));
        assert_eq!(all(Scheme::Visa), drawn, "a pure function");
    }

    #[test]
    fn outages_begin_and_end_by_the_clock() {
        const fn s(seconds: u64) -> Duration {
            Duration::from_secs(seconds)
        }
        let outages = Outages::new(
            clock::monotonic(),
            vec![
                OutageSpec {
                    scheme: Some(Scheme::Visa),
                    times: OutageTimes::Once {
                        from: s(10),
                        until: s(15),
                    },
                    kind: OutageKind::Mute,
                },
                OutageSpec {
                    scheme: None,
                    times: OutageTimes::Every {
                        every: s(60),
                        lasts: s(5),
                    },
                    kind: OutageKind::Unavailable,
                },
            ],
        );
        let (mute, unavailable) = (Some(OutageKind::Mute), Some(OutageKind::Unavailable));
        for (after, scheme, expected) in [
            (0, Scheme::Visa, None),
            (9, Scheme::Visa, None),
            (10, Scheme::Visa, mute),
            (10, Scheme::Jcb, None),
            (14, Scheme::Visa, mute),
            (15, Scheme::Visa, None),
            (59, Scheme::Visa, None),
            (60, Scheme::Jcb, unavailable),
            (64, Scheme::Visa, unavailable),
            (65, Scheme::Visa, None),
            (121, Scheme::Discover, unavailable),
        ] {
            assert_eq!(outages.after(s(after), scheme), expected, "{after} s");
        }
        let last = Duration::from_millis(14_999);
        assert_eq!(outages.after(last, Scheme::Visa), mute);
    }
}
