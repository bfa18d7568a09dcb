//! Showing a run while it goes on: a screen on a terminal, a line a second elsewhere, or nothing.
//!
//! The [`Observer`] makes a [`Snapshot`] of counters; [`draw`] and [`line`](mod@line) tell it, and are pure.
//! What is shown here is rough and marked with ≈: the report that follows has the exact figures.

mod draw;
mod eye;
mod line;
mod observer;
mod panels;
mod screen;
mod snapshot;
#[cfg(test)]
mod testing;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::live::Live;
use crate::output;
use crate::pacer::Pacing;
use crate::plan::{Discipline, Plan};
use crate::progress::Progress;
use crate::watch;
use eye::Eye;
use observer::{Facts, Observer};
use screen::Screen;

/// What is wanted to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ViewMode {
    /// A screen where standard output and error are a terminal, and a line a second elsewhere.
    #[default]
    Auto,
    /// A line a second.
    Plain,
    /// Nothing while it sends.
    Off,
}

/// `--view`.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct ViewArgs {
    /// What to show while it sends: a screen where there is a terminal, a line a second, or nothing
    #[arg(long, value_enum, default_value = "auto", value_name = "VIEW")]
    pub(crate) view: ViewMode,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// On a screen of its own.
    Screen,
    /// As a line with the figures of the last second.
    Lines,
    /// As a line with what is known without asking the workers: for runs whose cost is compared.
    Counters,
    /// Not at all.
    Nothing,
}

impl Show {
    /// What suits this wish and the terminal, if there is one.
    pub(crate) fn of(mode: ViewMode) -> Self {
        Self::suited(mode, output::has_screen())
    }

    fn suited(mode: ViewMode, has_screen: bool) -> Self {
        match mode {
            ViewMode::Auto if has_screen => Self::Screen,
            ViewMode::Auto | ViewMode::Plain => Self::Lines,
            ViewMode::Off => Self::Nothing,
        }
    }

    /// Where workers note rough figures, if any are shown.
    pub(crate) fn live(self) -> Option<Arc<Live>> {
        match self {
            Self::Screen | Self::Lines => Some(Arc::default()),
            Self::Counters | Self::Nothing => None,
        }
    }
}

/// A run that is to be shown.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// What it does.
    pub(crate) plan: &'a Plan,
    /// How far it is.
    pub(crate) progress: &'a Arc<Progress>,
    /// Its rough figures, if any are noted.
    pub(crate) live: Option<&'a Arc<Live>>,
    /// The server's process, if it is on this machine.
    pub(crate) server: Option<NonZeroU32>,
    /// When it starts, on the monotonic clock.
    pub(crate) start_ns: u64,
}

/// Waits for `work` and shows the run while it goes on. `stop` is told when a key asks for its end.
pub(crate) async fn while_sending<W: Future>(
    show: Show,
    scene: Scene<'_>,
    stop: &Notify,
    work: W,
) -> W::Output {
    let view = watch::View {
        title: "sent",
        total: planned(scene.plan),
        every: Duration::from_secs(1),
    };
    let Some(live) = scene.live else {
        return match show {
            Show::Nothing => work.await,
            _ => watch::while_working(view, watch::looker(scene.progress), work).await,
        };
    };
    let eye = Eye::open(scene, live);
    let mut observer = Observer::new(facts(scene));
    if show == Show::Screen {
        match Screen::open() {
            Ok(screen) => return screen.show(observer, eye, stop, work).await,
            Err(error) => output::note(&format!("There is no screen to be had: {error}")),
        }
    }
    let look = || {
        let snapshot = observer.look(&eye.look());
        (snapshot.sent, line::remark(&snapshot))
    };
    watch::while_working(view, look, work).await
}

/// How many requests will be sent, if that is known.
fn planned(plan: &Plan) -> Option<u64> {
    match (&plan.discipline, &plan.replay) {
        (_, Some(turns)) => Some(turns.len() as u64),
        (Discipline::Open { schedule, .. }, None) => Some(plan.slice.count(schedule.len())),
        (Discipline::Closed { requests, .. }, None) => *requests,
    }
}

fn facts(scene: Scene<'_>) -> Facts {
    let plan = scene.plan;
    let (pacing, most_open, ends_by_count) = match &plan.discipline {
        Discipline::Open {
            in_flight, pacing, ..
        } => (Some(*pacing), *in_flight, false),
        Discipline::Closed {
            in_flight,
            requests,
        } => (None, *in_flight, requests.is_some()),
    };
    Facts {
        target: plan.target.to_string(),
        is_open: pacing.is_some(),
        most_open: most_open as u64,
        planned: planned(plan),
        warm_up_ns: plan.warm_up_ns,
        end_ns: (!ends_by_count).then_some(plan.end_ns),
        connections: plan.connections,
        workers: plan.workers,
        waits: pacing != Some(Pacing::Spin),
        start_ns: scene.start_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_only_shown_where_there_is_one_and_nobody_minds() {
        let check = |mode, has_screen, show| assert_eq!(Show::suited(mode, has_screen), show);
        check(ViewMode::Auto, true, Show::Screen);
        check(ViewMode::Auto, false, Show::Lines);
        check(ViewMode::Plain, true, Show::Lines);
        check(ViewMode::Plain, false, Show::Lines);
        check(ViewMode::Off, true, Show::Nothing);
        check(ViewMode::Off, false, Show::Nothing);
    }

    #[test]
    fn workers_note_nothing_where_nobody_looks() {
        assert!(Show::Screen.live().is_some());
        assert!(Show::Lines.live().is_some());
        assert!(Show::Counters.live().is_none());
        assert!(Show::Nothing.live().is_none());
        assert!(Progress::new(Show::Nothing.live()).board().is_none());
    }
}
