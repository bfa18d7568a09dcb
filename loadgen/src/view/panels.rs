//! Pure: the parts of the screen.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType};

use super::snapshot::{Moment, Snapshot, Tails};
use crate::figures::{count_as_real, real_as_count, share};
use crate::report::text::{grouped, grouped_real, time};

/// How things look: with colours, or told apart by weight alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    /// Colours are wanted.
    pub(crate) colours: bool,
}

impl Theme {
    fn style(self, colour: Color, modifier: Modifier) -> Style {
        let style = Style::new().add_modifier(modifier);
        if self.colours {
            style.fg(colour)
        } else {
            style
        }
    }

    /// As it should be.
    fn good(self) -> Style {
        self.style(Color::Green, Modifier::BOLD)
    }

    /// Not as it should be.
    fn bad(self) -> Style {
        self.style(Color::Red, Modifier::BOLD)
    }

    fn p50(self) -> Style {
        self.style(Color::Green, Modifier::empty())
    }

    fn p99(self) -> Style {
        self.style(Color::Yellow, Modifier::BOLD)
    }

    fn max(self) -> Style {
        self.style(Color::Magenta, Modifier::empty())
    }

    fn answered(self) -> Style {
        self.style(Color::Cyan, Modifier::BOLD)
    }
}

/// Of less weight, with colours and without.
pub(super) const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

/// What is measured.
pub(super) fn title(snapshot: &Snapshot) -> Line<'static> {
    let discipline = if snapshot.is_open {
        "open loop"
    } else {
        "closed loop"
    };
    Line::from(vec![
        Span::styled("waika-loadgen ", Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(snapshot.target.clone()),
        Span::styled(
            format!(
                "  {discipline}, {}, {}",
                several(snapshot.connections, "connection"),
                several(snapshot.workers, "worker"),
            ),
            QUIET,
        ),
    ])
}

fn several(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// Whether the measurement would be believed.
pub(super) fn verdict(snapshot: &Snapshot, theme: Theme) -> Line<'static> {
    match snapshot.doubts.as_deref() {
        None => Line::styled("no verdict yet", QUIET),
        Some([]) => Line::styled("VALID so far", theme.good()),
        Some([doubt, others @ ..]) => {
            let more = match others.len() {
                0 => String::new(),
                count => format!(" (and {count} more)"),
            };
            Line::from(vec![
                Span::styled("INVALID so far: ", theme.bad()),
                Span::raw(format!("{doubt}{more}")),
            ])
        }
    }
}

/// How far it is, in so many columns.
pub(super) fn progress(snapshot: &Snapshot, width: u16) -> Line<'static> {
    let left = snapshot
        .end_ns
        .map(|end_ns| end_ns.saturating_sub(snapshot.elapsed_ns))
        .map(|left_ns| format!("{} s left", left_ns.div_ceil(1_000_000_000)))
        .unwrap_or_default();
    let of = snapshot
        .planned
        .map(|planned| format!(" of {}", grouped(planned)))
        .unwrap_or_default();
    let label = snapshot.phase.label();
    let short = format!(" {:.0} % {left}", snapshot.done().unwrap_or(0.0) * 100.0);
    let long = format!("{short}, sent {}{of}", grouped(snapshot.sent));
    let room = usize::from(width).saturating_sub(label.len() + 1);
    let words = if long.len() + 10 <= room { long } else { short };
    let columns = room.saturating_sub(words.len());
    let bar = bar(snapshot.done().unwrap_or(0.0), columns);
    Line::raw(format!("{label} {bar}{words}"))
}

/// A bar of so many columns, filled so far.
pub(super) fn bar(share: f64, columns: usize) -> String {
    let full = real_as_count(share * count_as_real(columns as u64) + 0.5);
    let full = usize::try_from(full).unwrap_or(columns).min(columns);
    "█".repeat(full) + &"░".repeat(columns - full)
}

/// What is due, and what is answered.
pub(super) fn rates(snapshot: &Snapshot) -> Line<'static> {
    let now = &snapshot.now;
    let offered = if snapshot.is_open {
        format!("offered {}/s ", grouped_real(now.offered))
    } else {
        String::new()
    };
    Line::raw(format!(
        "{offered}answered {}/s",
        grouped_real(now.answered)
    ))
}

/// Response times and lag of the last five seconds and of the whole measured part, as a table.
pub(super) fn times(snapshot: &Snapshot) -> Vec<Line<'static>> {
    let cell = |ns: Option<u64>| format!("{:>8}", ns.map_or_else(|| "-".to_owned(), time));
    let row = |name: &str, tails: &Tails, lag_ns: Option<u64>| {
        let cells = [tails.p50_ns, tails.p99_ns, tails.max_ns, lag_ns].map(cell);
        Line::raw(format!("{name:<6}{}", cells.concat()))
    };
    vec![
        Line::styled(
            format!(
                "{:<6}{:>8}{:>8}{:>8}{:>8}",
                "", "p50", "p99", "max", "lag p99"
            ),
            QUIET,
        ),
        row("5 s", &snapshot.recent, snapshot.recent_lag_ns),
        row("whole", &snapshot.whole, snapshot.whole_lag_ns),
    ]
}

/// What became of payments, those first that should not be; with bars where there is room.
pub(super) fn outcomes(snapshot: &Snapshot, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut rows = snapshot.outcomes();
    rows.sort_by_key(|(_, _, is_fine)| *is_fine);
    let all: u64 = rows.iter().map(|(_, count, _)| count).sum();
    let columns = usize::from(width).saturating_sub(31).min(30);
    rows.into_iter()
        .map(|(name, count, is_fine)| {
            let part = share(count, all);
            let style = if is_fine { theme.p50() } else { theme.bad() };
            Line::from(vec![
                Span::raw(format!("{name:<14}")),
                Span::styled(bar(part, columns), style),
                Span::raw(format!("{:>9}{:>6.1} %", grouped(count), part * 100.0)),
            ])
        })
        .collect()
}

/// What is open, and what the machine gives: in so many columns, what is of less weight last.
pub(super) fn machine(snapshot: &Snapshot, width: u16) -> Line<'static> {
    let machine = snapshot.machine;
    let names = if width < 72 {
        ["gen", "srv", "stolen"]
    } else {
        ["CPU: generator", "server", "stolen"]
    };
    let [generator, server, stolen] = names;
    let percent = |name: &str, share: f64| format!("{name} {:.0} %", share * 100.0);
    let mut text = format!("open {}/{}", snapshot.open, grouped(snapshot.most_open));
    let parts = [
        Some(percent(generator, machine.generator)),
        machine.server.map(|share| percent(server, share)),
        machine
            .stolen
            .map(|share| format!("{stolen} {:.1} %", share * 100.0)),
    ];
    for part in parts.into_iter().flatten() {
        if text.len() + 1 + part.len() <= width.into() {
            text = format!("{text} {part}");
        }
    }
    Line::raw(text)
}

/// The seconds that a chart goes back, and its points.
struct Past {
    from_s: f64,
    to_s: f64,
}

impl Past {
    fn of(history: &[Moment]) -> Self {
        const SHORTEST_S: f64 = 20.0;
        const LONGEST_S: f64 = 120.0;
        let to_s = history.last().map_or(0.0, |moment| moment.at_s);
        let first_s = history.first().map_or(0.0, |moment| moment.at_s);
        let span_s = (to_s - first_s).clamp(SHORTEST_S, LONGEST_S);
        Self {
            from_s: to_s - span_s,
            to_s,
        }
    }

    fn axis(&self) -> Axis<'static> {
        let from = format!("-{:.0} s", self.to_s - self.from_s);
        Axis::default()
            .bounds([self.from_s, self.to_s])
            .labels([Line::raw(from), Line::raw("now")])
            .style(QUIET)
    }
}

fn points(history: &[Moment], value: impl Fn(&Moment) -> Option<f64>) -> Vec<(f64, f64)> {
    history
        .iter()
        .filter_map(|moment| Some((moment.at_s, value(moment)?)))
        .collect()
}

/// The points of a chart, which borrows them.
#[derive(Debug)]
pub(super) struct Points([Vec<(f64, f64)>; 3]);

impl Points {
    /// Of offered and answered.
    pub(super) fn of_rates(history: &[Moment]) -> Self {
        Self([
            points(history, |moment| Some(moment.offered)),
            points(history, |moment| Some(moment.answered)),
            Vec::new(),
        ])
    }

    /// Of response times, as decades of nanoseconds.
    pub(super) fn of_times(history: &[Moment]) -> Self {
        let decades = |ns: Option<u64>| ns.map(|ns| count_as_real(ns.max(1)).log10());
        Self([
            points(history, |moment| decades(moment.response.max_ns)),
            points(history, |moment| decades(moment.response.p50_ns)),
            points(history, |moment| decades(moment.response.p99_ns)),
        ])
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        let values = self.0.iter().flatten().map(|(_, value)| *value);
        let lowest = values.clone().reduce(f64::min)?;
        Some((lowest, values.reduce(f64::max)?))
    }
}

fn set(data: &[(f64, f64)], marker: Marker, style: Style) -> Dataset<'_> {
    Dataset::default()
        .data(data)
        .marker(marker)
        .graph_type(GraphType::Line)
        .style(style)
}

/// Rates over time.
pub(super) fn rate_chart<'a>(snapshot: &Snapshot, points: &'a Points, theme: Theme) -> Chart<'a> {
    let [offered, answered, _] = &points.0;
    let top = nice(points.bounds().map_or(1.0, |(_, highest)| highest));
    let labels = [0.0, top / 2.0, top].map(|rate| Line::raw(grouped(real_as_count(rate))));
    let mut title = vec![Span::raw(" per second: ")];
    let mut sets = Vec::new();
    if snapshot.is_open {
        title.push(Span::styled("• offered ", QUIET));
        sets.push(set(offered, Marker::Dot, QUIET));
    }
    title.push(Span::styled("⠒ answered ", theme.answered()));
    sets.push(set(answered, Marker::Braille, theme.answered()));
    Chart::new(sets)
        .block(Block::bordered().title(Line::from(title)))
        .legend_position(None)
        .x_axis(Past::of(&snapshot.history).axis())
        .y_axis(
            Axis::default()
                .bounds([0.0, top])
                .labels(labels)
                .style(QUIET),
        )
}

/// A round figure that is not lower than this one.
fn nice(value: f64) -> f64 {
    let decade = 10_f64.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].map(|step| step * decade);
    // Some room above, or the line is lost in the frame.
    let wanted = value * 1.05;
    steps
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or(20.0 * decade)
}

/// Response times over time, on a logarithmic axis.
pub(super) fn time_chart<'a>(snapshot: &Snapshot, points: &'a Points, theme: Theme) -> Chart<'a> {
    let [max, p50, p99] = &points.0;
    let (lowest, highest) = points.bounds().unwrap_or((5.0, 6.0));
    let from = lowest.floor();
    let to = highest.ceil().max(from + 1.0);
    let labels: Vec<Line<'_>> = (real_as_count(from)..=real_as_count(to))
        .map(|decade| Line::raw(decade_label(decade)))
        .collect();
    let title = Line::from(vec![
        Span::raw(" response ≈ "),
        Span::styled("p50 ", theme.p50()),
        Span::styled("p99 ", theme.p99()),
        Span::styled("• max ", theme.max()),
    ]);
    Chart::new(vec![
        set(max, Marker::Dot, theme.max()),
        set(p50, Marker::Braille, theme.p50()),
        set(p99, Marker::Braille, theme.p99()),
    ])
    .block(Block::bordered().title(title))
    .legend_position(None)
    .x_axis(Past::of(&snapshot.history).axis())
    .y_axis(
        Axis::default()
            .bounds([from, to])
            .labels(labels)
            .style(QUIET),
    )
}

/// Ten to this power of nanoseconds, in words.
fn decade_label(decade: u64) -> String {
    let units = ["ns", "us", "ms", "s"];
    let place = usize::try_from(decade / 3).unwrap_or(usize::MAX).min(3);
    let unit = units.get(place).unwrap_or(&"s");
    let zeros = usize::try_from(decade)
        .unwrap_or(0)
        .saturating_sub(place * 3);
    format!("1{} {unit}", "0".repeat(zeros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_have_short_names() {
        let check = |decade, label: &str| assert_eq!(decade_label(decade), label);
        check(0, "1 ns");
        check(5, "100 us");
        check(6, "1 ms");
        check(9, "1 s");
        check(10, "10 s");
        check(13, "10000 s");
    }

    #[test]
    fn a_rate_axis_ends_at_a_round_figure_above_the_line() {
        let check = |value, top: f64| assert!((nice(value) - top).abs() < 0.01, "{value}");
        check(0.0, 1.0);
        check(1_900.0, 2_000.0);
        check(2_000.0, 4_000.0);
        check(5_000.0, 6_000.0);
        check(9_900.0, 20_000.0);
    }

    #[test]
    fn bars_are_as_wide_as_they_shall_be() {
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(0.0, 2), "░░");
        assert_eq!(bar(7.0, 2), "██");
        assert_eq!(bar(0.5, 0), "");
    }
}
