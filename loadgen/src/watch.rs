//! Showing how far something is while it goes on: one line that is written over on a terminal, and
//! a line now and then elsewhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::{SECOND_NS, monotonic_ns};
use crate::output;
use crate::progress::Progress;

/// What to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// What goes on.
    pub(crate) title: &'a str,
    /// Where it ends, in whatever is counted, if that is known.
    pub(crate) total: Option<u64>,
    /// How often to write a line where it cannot be written over.
    pub(crate) every: Duration,
}

/// Waits for `work` and shows `look`, the count so far and a remark, while it goes on.
pub(crate) async fn while_working<W: Future>(
    view: View<'_>,
    mut look: impl FnMut() -> (u64, String),
    work: W,
) -> W::Output {
    const REDRAW: Duration = Duration::from_millis(250);
    let bar = bar(view);
    let redraws = output::can_redraw();
    let mut ticks = tokio::time::interval(if redraws { REDRAW } else { view.every });
    ticks.tick().await;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => {
                bar.finish_and_clear();
                return result;
            }
            _ = ticks.tick() => {
                let (count, remark) = look();
                if redraws {
                    bar.set_position(count);
                    bar.set_message(remark);
                } else {
                    output::note(&line(view, count, &remark));
                }
            }
        }
    }
}

/// Looks at the counters of a run: what was sent, and what that says.
pub(crate) fn looker(progress: &Arc<Progress>) -> impl FnMut() -> (u64, String) {
    let progress = Arc::clone(progress);
    let mut before = (monotonic_ns(), 0);
    move || {
        let (now_ns, done) = (monotonic_ns(), progress.done.load(Ordering::Relaxed));
        let elapsed_ns = (now_ns - before.0).max(1);
        let rate = u128::from(done - before.1) * u128::from(SECOND_NS) / u128::from(elapsed_ns);
        before = (now_ns, done);
        let remark = format!(
            "ended {rate}/s, open {}, not sent {}",
            progress.in_flight(),
            progress.not_sent.load(Ordering::Relaxed),
        );
        (progress.sent.load(Ordering::Relaxed), remark)
    }
}

fn line(view: View<'_>, count: u64, remark: &str) -> String {
    let of = view
        .total
        .map(|total| format!(" of {total}"))
        .unwrap_or_default();
    let gap = if remark.is_empty() { "" } else { ", " };
    format!("{}: {count}{of}{gap}{remark}", view.title)
}

fn bar(view: View<'_>) -> ProgressBar {
    if !output::can_redraw() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(view.total, ProgressDrawTarget::stderr());
    bar.set_prefix(view.title.to_owned());
    let template = match view.total {
        Some(_) => "{prefix} {bar:30} {pos} of {len} {msg}",
        None => "{prefix} {pos} {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}
