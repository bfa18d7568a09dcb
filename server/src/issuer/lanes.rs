//! The connections of one scheme on one core. Each scheme has its own, so that one whose issuer is
//! slow cannot take the streams of another.

use std::sync::Arc;

use metrics::Gauge;
use parking_lot::Mutex;

use crate::config::Target;
use crate::partner::{Line, Standing};

/// Calls on a connection above which another one is made.
const SHARE: usize = 256;

/// Lines to the issuer: one at first, and more as calls in flight need them.
pub(super) struct Lane {
    target: Target,
    most: usize,
    connections: Gauge,
    lines: Mutex<Vec<Arc<Line>>>,
}

impl Lane {
    pub(super) fn new(target: Target, most: usize, connections: Gauge) -> Self {
        Self {
            target,
            most,
            connections,
            lines: Mutex::default(),
        }
    }

    /// The line for the next call: the one with the fewest. If all have their share, another one
    /// is begun, and this call does not wait for it.
    pub(super) fn line(&self) -> Arc<Line> {
        let mut lines = self.lines.lock();
        let standings = lines.iter().map(|line| line.standing());
        let choice = choose(standings, self.most);
        let chosen = choice.line.and_then(|place| lines.get(place)).cloned();
        if !choice.grow
            && let Some(chosen) = chosen
        {
            return chosen;
        }
        let new = Line::new("issuer", self.target.clone(), self.connections.clone());
        new.begin();
        lines.push(Arc::clone(&new));
        chosen.unwrap_or(new)
    }
}

/// Which line a call takes, by its place, and whether there shall be one more.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    line: Option<usize>,
    grow: bool,
}

fn choose(standings: impl Iterator<Item = Standing>, most: usize) -> Choice {
    let mut least: Option<(usize, usize)> = None;
    let (mut connecting, mut failing) = (None, None);
    let (mut count, mut has_room) = (0, false);
    for (place, standing) in standings.enumerate() {
        count += 1;
        match standing {
            Standing::Up { load, streams } => {
                has_room |= load < streams.min(SHARE);
                if least.is_none_or(|(fewest, _)| load < fewest) {
                    least = Some((load, place));
                }
            }
            Standing::Connecting => connecting = connecting.or(Some(place)),
            Standing::Failing => failing = failing.or(Some(place)),
        }
    }
    // One that is being made is what there will be more of; one that fails would not be the last.
    let may_grow = connecting.is_none() && failing.is_none() && !has_room;
    Choice {
        line: least.map(|(_, place)| place).or(connecting).or(failing),
        grow: count == 0 || (may_grow && count < most),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Standing::{Connecting, Failing};

    fn up(load: usize) -> Standing {
        Standing::Up {
            load,
            streams: 1_000,
        }
    }

    fn narrow(load: usize) -> Standing {
        Standing::Up { load, streams: 100 }
    }

    #[test]
    fn a_call_takes_the_line_with_the_fewest() {
        for (standings, line, grow) in [
            (&[][..], None, true),
            (&[Connecting], Some(0), false),
            (&[Failing], Some(0), false),
            (&[Failing, Connecting], Some(1), false),
            (&[up(255)], Some(0), false),
            (&[up(256)], Some(0), true),
            (&[up(256), Connecting], Some(0), false),
            (&[up(256), Failing], Some(0), false),
            (&[up(256), up(3)], Some(1), false),
            (&[up(300), up(256)], Some(1), true),
            (&[up(300), up(256), up(256)], Some(1), false),
            (&[narrow(99)], Some(0), false),
            (&[narrow(100)], Some(0), true),
            (&[Connecting, up(5), Failing], Some(1), false),
        ] {
            let choice = choose(standings.iter().copied(), 3);
            assert_eq!(choice, Choice { line, grow }, "{standings:?}");
        }
    }
}
