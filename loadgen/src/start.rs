//! Beginning at an instant of the wall clock, so that several hosts begin together.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::clock::{monotonic_ns, wall};
use crate::exit::Failure;
use crate::signals::StopSignals;
use crate::slice::Slice;
use crate::watch::{self, View};

/// How long before the start connections are made.
const CONNECT: Duration = Duration::from_secs(2);

/// The longest that a start may be away.
const FURTHEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// What part of a plan this host takes, and when it begins.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct PartArgs {
    /// Send only every N-th request of the plan, from the K-th on, as one of N hosts; all of them
    /// need the same --run-id
    #[arg(long, value_name = "K/N", requires = "run_id", conflicts_with_all = ["closed", "replay"])]
    pub(crate) slice: Option<Slice>,
    /// Begin at this instant of the wall clock, such as 2026-11-30T01:00:00Z; accounts are created
    /// before
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) start_at: Option<Timestamp>,
}

/// An instant as RFC 3339 writes it.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "must be an instant with its zone, such as 2026-11-30T01:00:00Z or \
         2026-11-30T09:00:00+08:00"
            .to_owned()
    })
}

/// Refuses a start that is over, or so far away that it must be a mistake.
pub(crate) fn check(at: Timestamp) -> Result<(), Failure> {
    check_at(at, now())
}

fn check_at(at: Timestamp, now: Timestamp) -> Result<(), Failure> {
    let mend = "give an instant that leaves time to create the accounts, such as";
    let soon = now
        .checked_add(Duration::from_secs(120))
        .unwrap_or(now)
        .strftime("%Y-%m-%dT%H:%M:%SZ");
    match until(at, now) {
        None => Err(Failure::Usage(format!(
            "--start-at {at} was {} ago: {mend} {soon}",
            shown(until(now, at).unwrap_or_default())
        ))),
        Some(left) if left > FURTHEST => Err(Failure::Usage(format!(
            "--start-at {at} is more than a week away: {mend} {soon}"
        ))),
        Some(_) => Ok(()),
    }
}

/// Waits until connections are to be made. A clock that is set meanwhile is followed.
pub(crate) async fn wait(at: Timestamp, signals: &mut StopSignals) -> Result<(), Failure> {
    /// The longest that goes by before the clock is read again.
    const LOOK: Duration = Duration::from_millis(200);
    if until(at, now()).is_none() {
        return Err(late(at));
    }
    let waiting = async {
        loop {
            let left = until(at, now()).unwrap_or_default();
            if left <= CONNECT {
                return;
            }
            tokio::time::sleep(left.saturating_sub(CONNECT).min(LOOK)).await;
        }
    };
    let view = View {
        title: "seconds until --start-at",
        total: None,
        every: Duration::from_secs(10),
    };
    let look = || {
        let left = until(at, now()).unwrap_or_default();
        (left.as_secs(), format!("beginning at {at}"))
    };
    tokio::select! {
        () = watch::while_working(view, look, waiting) => Ok(()),
        () = signals.received() => Err(Failure::Tool(
            "interrupted while waiting for --start-at; nothing was sent".to_owned(),
        )),
    }
}

/// That instant on the monotonic clock, if at least `lead_ns` are left until then.
pub(crate) fn monotonic_at(at: Timestamp, lead_ns: u64) -> Result<u64, Failure> {
    let (monotonic_ns, now) = (monotonic_ns(), now());
    let left = until(at, now).map(crate::clock::duration_ns);
    left.filter(|left_ns| *left_ns >= lead_ns)
        .map(|left_ns| monotonic_ns.saturating_add(left_ns))
        .ok_or_else(|| late(at))
}

/// What the wall clock shows, or will show, when the monotonic one shows this.
pub(crate) fn wall_at(at_ns: u64) -> SystemTime {
    let (monotonic_ns, wall) = (monotonic_ns(), wall());
    match at_ns.checked_sub(monotonic_ns) {
        Some(later_ns) => wall + Duration::from_nanos(later_ns),
        None => wall - Duration::from_nanos(monotonic_ns - at_ns),
    }
}

fn late(at: Timestamp) -> Failure {
    let by = until(now(), at).unwrap_or_default();
    Failure::Tool(format!(
        "--start-at {at}: everything was ready {} too late, and nothing was sent: give a later \
         instant; accounts that are there already take no time",
        shown(by)
    ))
}

fn now() -> Timestamp {
    Timestamp::try_from(wall()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How long `at` is after `now`; `None` if it is not.
fn until(at: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(at.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

fn shown(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_a_zone() {
        let expected = instant("2026-11-30T01:00:00Z");
        assert!(expected.is_ok());
        assert_eq!(instant("2026-11-30T09:00:00+08:00"), expected);
        for bad in [
            "",
            "now",
            "2026-11-30",
            "2026-11-30T01:00:00",
            "01:00:00Z",
            "1790000000",
        ] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_start_that_is_over_or_far_away_is_refused_with_a_mend() {
        let now = instant("2026-11-30T01:00:00Z").unwrap();
        let check = |at: &str, words: Option<&[&str]>| {
            let told = check_at(instant(at).unwrap(), now).map_err(|error| error.to_string());
            match (told, words) {
                (Ok(()), None) => {}
                (Err(told), Some(words)) => {
                    for word in words {
                        assert!(told.contains(word), "{at}: no {word:?} in {told}");
                    }
                }
                (told, words) => panic!("{at}: {told:?}, {words:?}"),
            }
        };
        check("2026-11-30T01:00:01Z", None);
        check("2026-12-06T01:00:00Z", None);
        check(
            "2026-11-30T00:59:30Z",
            Some(&["30.0 s ago", "2026-11-30T01:02:00Z"]),
        );
        check("2026-11-30T01:00:00Z", Some(&["0.0 s ago"]));
        check(
            "2026-12-08T01:00:00Z",
            Some(&["more than a week", "2026-11-30T01:02:00Z"]),
        );
    }

    #[test]
    fn both_clocks_tell_the_same_instant() {
        let later = Timestamp::try_from(wall() + Duration::from_secs(5)).unwrap();
        let at_ns = monotonic_at(later, 0).unwrap();
        let back = Timestamp::try_from(wall_at(at_ns)).unwrap();
        // A busy machine may stop between two clocks.
        assert!(back.duration_since(later).as_secs_f64().abs() < 2.0);
        assert!(monotonic_at(later, 60_000_000_000).is_err());
    }
}
