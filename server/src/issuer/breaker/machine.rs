//! When an issuer is left alone: a pure machine, to which time is an argument.

use std::time::Duration;

/// Over how many seconds calls are counted, up to the present one: as many as a window has places.
const WINDOW_SECONDS: u64 = 10;
/// Fewer calls than these in the window say nothing.
const FEWEST_CALLS: u32 = 20;
/// How long nobody is let through at first, and at most.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// Probes that may be out at once, and those that must be heard.
const PROBES: u32 = 5;

/// Whether calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::issuer) enum Standing {
    /// All are.
    Closed,
    /// Some are, to see.
    HalfOpen,
    /// None is.
    Open,
}

/// What a call was let through by. What became of it counts only while that still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::issuer) struct Pass {
    pub(super) era: u64,
}

/// How an issuer has answered of late, and what follows from it.
#[derive(Debug)]
pub(super) struct Machine {
    state: State,
    /// Counts the changes of state.
    pub(super) era: u64,
    pub(super) rest: Duration,
}

#[derive(Debug)]
enum State {
    Closed(Window),
    Open { until: Duration },
    HalfOpen { out: u32, heard: u32, missed: u32 },
}

/// Calls of the last seconds, one place for each.
#[derive(Debug, Default, Clone, Copy)]
struct Window([Second; 10]);

#[derive(Debug, Default, Clone, Copy)]
struct Second {
    number: u64,
    calls: u32,
    not_heard: u32,
}

impl Window {
    fn count(&mut self, heard: bool, now: Duration) {
        let number = now.as_secs();
        let place = usize::try_from(number % WINDOW_SECONDS).unwrap_or_default();
        let Some(second) = self.0.get_mut(place) else {
            return;
        };
        if second.number != number {
            *second = Second {
                number,
                ..Second::default()
            };
        }
        second.calls = second.calls.saturating_add(1);
        second.not_heard = second.not_heard.saturating_add(u32::from(!heard));
    }

    /// Enough calls, and at least half of them not heard.
    fn is_bad(&self, now: Duration) -> bool {
        let is_recent = |second: &&Second| second.number + WINDOW_SECONDS > now.as_secs();
        let (calls, not_heard) = self.0.iter().filter(is_recent).fold((0, 0), |sum, second| {
            let (calls, not_heard): (u32, u32) = sum;
            (
                calls.saturating_add(second.calls),
                not_heard.saturating_add(second.not_heard),
            )
        });
        calls >= FEWEST_CALLS && not_heard >= calls - not_heard
    }
}

impl Machine {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed(Window::default()),
            era: 0,
            rest: FIRST_REST,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.state {
            State::Closed(_) => Standing::Closed,
            State::Open { .. } => Standing::Open,
            State::HalfOpen { .. } => Standing::HalfOpen,
        }
    }

    /// Before this instant nobody is let through; zero if everybody is, and the greatest if nobody
    /// is until a probe has come back.
    pub(super) fn shut_until(&self) -> Duration {
        match self.state {
            State::Closed(_) => Duration::ZERO,
            State::Open { until } => until,
            State::HalfOpen { out, .. } if out >= PROBES => Duration::MAX,
            // Anything that is past already, for it must be asked first.
            State::HalfOpen { .. } => Duration::from_nanos(1),
        }
    }

    pub(super) fn admit(&mut self, now: Duration) -> Option<Pass> {
        match &mut self.state {
            State::Closed(_) => {}
            State::Open { until } if now < *until => return None,
            State::Open { .. } => self.enter(State::HalfOpen {
                out: 1,
                heard: 0,
                missed: 0,
            }),
            State::HalfOpen { out, .. } if *out >= PROBES => return None,
            State::HalfOpen { out, .. } => *out += 1,
        }
        Some(Pass { era: self.era })
    }

    /// A call ended. None for one that was let through and not made.
    pub(super) fn ended(&mut self, pass: Pass, heard: Option<bool>, now: Duration) {
        if pass.era != self.era {
            return;
        }
        match (&mut self.state, heard) {
            (State::Closed(window), Some(heard)) => {
                window.count(heard, now);
                if !heard && window.is_bad(now) {
                    self.rest = FIRST_REST;
                    self.open(now);
                }
            }
            (State::HalfOpen { out, heard, .. }, Some(true)) => {
                *out = out.saturating_sub(1);
                *heard += 1;
                if *heard >= PROBES {
                    self.enter(State::Closed(Window::default()));
                }
            }
            (State::HalfOpen { heard: 0, .. }, Some(false)) => {
                self.rest = self.rest.saturating_mul(2).min(LONGEST_REST);
                self.open(now);
            }
            // One that answers most of its probes is there: a card that never does must not keep its
            // scheme away.
            (State::HalfOpen { out, heard, missed }, Some(false)) => {
                *out = out.saturating_sub(1);
                *missed += 1;
                if missed > heard {
                    self.rest = FIRST_REST;
                    self.open(now);
                }
            }
            (State::HalfOpen { out, .. }, None) => *out = out.saturating_sub(1),
            (State::Closed(_), None) | (State::Open { .. }, _) => {}
        }
    }

    fn open(&mut self, now: Duration) {
        let until = now.saturating_add(self.rest);
        self.enter(State::Open { until });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Each line is an instant in milliseconds and what happens then, so many times.
    fn play(script: &str) -> Vec<String> {
        let mut machine = Machine::new();
        let mut passes = Vec::new();
        let mut told = Vec::new();
        for line in script.lines().map(str::trim) {
            let words: Vec<_> = line.split(' ').collect();
            let now = Duration::from_millis(words[0].parse().unwrap());
            for _ in 0..words[2].parse::<u32>().unwrap() {
                match words[1] {
                    "ask" => passes.extend(machine.admit(now)),
                    "heard" => machine.ended(passes.remove(0), Some(true), now),
                    "silence" => machine.ended(passes.remove(0), Some(false), now),
                    "dropped" => machine.ended(passes.remove(0), None, now),
                    other => panic!("{other}"),
                }
            }
            told.push(format!("{:?} {}", machine.standing(), passes.len()));
        }
        told
    }

    fn check(script: &str, expected: &[&str]) {
        assert_eq!(play(script), expected, "{script}");
    }

    #[test]
    fn it_opens_at_half_of_twenty() {
        check("0 ask 19\n0 silence 19", &["Closed 19", "Closed 0"]);
        check("0 ask 20\n0 silence 20", &["Closed 20", "Open 0"]);
        check(
            "0 ask 40\n0 heard 11\n0 silence 10\n0 silence 1",
            &["Closed 40", "Closed 29", "Closed 19", "Open 18"],
        );
        // A call that was let through and not made says nothing.
        check(
            "0 ask 40\n0 dropped 20\n0 silence 19",
            &["Closed 40", "Closed 20", "Closed 1"],
        );
    }

    #[test]
    fn what_is_older_than_ten_seconds_is_forgotten() {
        check(
            "0 ask 60\n0 silence 19\n9999 heard 18\n9999 silence 1",
            &["Closed 60", "Closed 41", "Closed 23", "Open 22"],
        );
        check(
            "0 ask 60\n0 silence 19\n10000 heard 18\n10000 silence 1",
            &["Closed 60", "Closed 41", "Closed 23", "Closed 22"],
        );
    }

    #[test]
    fn five_probes_at_a_time_and_five_that_are_heard_close_it() {
        let opened = "0 ask 20\n0 silence 20\n";
        check(
            &format!("{opened}999 ask 9\n1000 ask 9\n1100 heard 2\n1100 ask 9\n1200 heard 3"),
            &[
                "Closed 20",
                "Open 0",
                "Open 0",
                "HalfOpen 5",
                "HalfOpen 3",
                "HalfOpen 5",
                "Closed 2",
            ],
        );
        // Probes that were not made give their places back.
        check(
            &format!("{opened}1000 ask 9\n1000 dropped 5\n1000 ask 9"),
            &[
                "Closed 20",
                "Open 0",
                "HalfOpen 5",
                "HalfOpen 0",
                "HalfOpen 5",
            ],
        );
    }

    #[test]
    fn a_miss_among_probes_that_are_heard_does_not_open_it() {
        let opened = "0 ask 20\n0 silence 20\n";
        check(
            &format!("{opened}1000 ask 5\n1100 heard 3\n1200 silence 1\n1300 ask 9\n1400 heard 2"),
            &[
                "Closed 20",
                "Open 0",
                "HalfOpen 5",
                "HalfOpen 2",
                "HalfOpen 1",
                "HalfOpen 5",
                "Closed 3",
            ],
        );
        check(
            &format!("{opened}1000 ask 5\n1100 heard 1\n1200 silence 2"),
            &["Closed 20", "Open 0", "HalfOpen 5", "HalfOpen 4", "Open 2"],
        );
    }

    #[test]
    fn its_rest_doubles_to_thirty_seconds_and_begins_anew() {
        let mut script = "0 ask 20\n0 silence 20".to_owned();
        let mut expected = vec!["Closed 20".to_owned(), "Open 0".to_owned()];
        let mut now = 0;
        for rest in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let (before, after) = (now + rest - 1, now + rest);
            write!(script, "\n{before} ask 1\n{after} ask 1\n{after} silence 1").unwrap();
            expected.extend(["Open 0", "HalfOpen 1", "Open 0"].map(str::to_owned));
            now = after;
        }
        let later = now + 30_000;
        let last = later + 1_000;
        write!(
            script,
            "\n{later} ask 5\n{later} heard 5\n{later} ask 20\n{later} silence 20\n{last} ask 1"
        )
        .unwrap();
        let end = [
            "HalfOpen 5",
            "Closed 0",
            "Closed 20",
            "Open 0",
            "HalfOpen 1",
        ];
        expected.extend(end.map(str::to_owned));
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check(&script, &expected);
    }

    #[test]
    fn what_began_before_a_change_does_not_count_after_it() {
        check(
            "0 ask 60\n0 silence 20\n1000 ask 1\n1000 silence 39\n1000 heard 1",
            &[
                "Closed 60",
                "Open 40",
                "HalfOpen 41",
                "HalfOpen 2",
                "HalfOpen 1",
            ],
        );
    }
}
