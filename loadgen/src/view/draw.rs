//! Pure: a snapshot on a screen of any size.
//!
//! Where there is room there are charts; where there is little, lines in the order of their weight,
//! and what does not fit is left out.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::panels::{
    Points, QUIET, Theme, machine, outcomes, progress, rate_chart, rates, time_chart, times, title,
    verdict,
};
use super::snapshot::{Phase, Snapshot};

/// From this size on there is room for two columns with charts.
const ROOMY: (u16, u16) = (80, 21);

/// Lines that a chart needs to be of use.
const LEAST_CHART: u16 = 7;

/// Draws all that is known of a run.
pub(crate) fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, theme: Theme) {
    let area = frame.area();
    if area.width >= ROOMY.0 && area.height >= ROOMY.1 {
        roomy(frame, snapshot, theme);
    } else {
        narrow(frame, snapshot, theme);
    }
}

fn roomy(frame: &mut Frame<'_>, snapshot: &Snapshot, theme: Theme) {
    let area = frame.area();
    let half = area.width / 2;
    let outcomes = outcomes(snapshot, half.saturating_sub(2), theme);
    let times = times(snapshot);
    let rows = outcomes.len().max(times.len() + 1);
    let rows = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    let [head, charts, tables, foot] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Min(LEAST_CHART),
        Constraint::Length(rows),
        Constraint::Length(2),
    ])
    .areas(area);
    let halves = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]);

    let lines = vec![
        title(snapshot),
        progress(snapshot, area.width),
        verdict(snapshot, theme),
    ];
    let head_text = Paragraph::new(Text::from(lines)).wrap(Wrap { trim: true });
    frame.render_widget(head_text, head);

    let [left, right] = halves.areas(charts);
    let points = Points::of_rates(&snapshot.history);
    frame.render_widget(rate_chart(snapshot, &points, theme), left);
    let points = Points::of_times(&snapshot.history);
    frame.render_widget(time_chart(snapshot, &points, theme), right);

    let [left, right] = halves.areas(tables);
    let mut rows = times;
    rows.push(rates(snapshot));
    boxed(frame, " response ≈ ", rows, left);
    boxed(frame, " payments ", outcomes, right);

    let lines = vec![machine(snapshot, area.width), keys(snapshot)];
    frame.render_widget(Paragraph::new(lines), foot);
}

fn boxed(frame: &mut Frame<'_>, title: &'static str, lines: Vec<Line<'static>>, area: Rect) {
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn narrow(frame: &mut Frame<'_>, snapshot: &Snapshot, theme: Theme) {
    let area = frame.area();
    let mut lines = vec![
        verdict(snapshot, theme),
        progress(snapshot, area.width),
        rates(snapshot),
    ];
    lines.extend(times(snapshot));
    lines.push(machine(snapshot, area.width));
    lines.extend(outcomes(snapshot, area.width, theme));
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let [text, chart, foot] = Layout::vertical([
        Constraint::Length(count),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(lines), text);
    if chart.height >= LEAST_CHART {
        let points = Points::of_times(&snapshot.history);
        frame.render_widget(time_chart(snapshot, &points, theme), chart);
    }
    frame.render_widget(keys(snapshot), foot);
}

/// What can be done.
fn keys(snapshot: &Snapshot) -> Line<'static> {
    let words = match snapshot.phase {
        Phase::Stopping => "stopping; once more ends at once",
        Phase::WarmingUp | Phase::Measuring | Phase::Draining => "q or Ctrl-C stops and reports",
    };
    Line::styled(words, QUIET)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Cell;
    use ratatui::style::Color;

    use super::super::testing::snapshot;
    use super::*;

    const PLAIN: Theme = Theme { colours: false };

    fn screen(snapshot: &Snapshot, width: u16, height: u16, theme: Theme) -> TestBackend {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, snapshot, theme)).unwrap();
        terminal.backend().clone()
    }

    /// The lines of a screen, without what is blank at their ends.
    fn lines(snapshot: &Snapshot, width: u16, height: u16) -> Vec<String> {
        let backend = screen(snapshot, width, height, PLAIN);
        let cells = &backend.buffer().content;
        cells
            .chunks(width.into())
            .map(|row| {
                let text: String = row.iter().map(Cell::symbol).collect();
                text.trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn a_small_terminal_gets_lines_in_the_order_of_their_weight() {
        assert_eq!(
            lines(&snapshot(), 40, 12),
            [
                "VALID so far",
                "measuring ████████░░░░░░░░ 47 % 9 s left",
                "offered 2,000/s answered 1,990/s",
                "           p50     p99     max lag p99",
                "5 s     310 us 1.20 ms 9.80 ms 30.0 us",
                "whole   310 us 1.20 ms 9.80 ms 40.0 us",
                "open 3/1,000 gen 34 % srv 52 %",
                "approved      █████████   11,940  99.5 %",
                "replayed      ░░░░░░░░░        0   0.0 %",
                "declined      ░░░░░░░░░       60   0.5 %",
                "",
                "q or Ctrl-C stops and reports",
            ]
        );
    }

    #[test]
    fn every_size_is_drawn_and_what_matters_most_comes_first() {
        for width in 1..=130 {
            for height in [1, 2, 3, 5, 8, 12, 20, 21, 24, 40] {
                lines(&snapshot(), width, height);
            }
        }
        assert_eq!(lines(&snapshot(), 20, 2)[0], "VALID so far");
    }

    #[test]
    fn a_usual_terminal_gets_charts_and_tables() {
        let lines = lines(&snapshot(), 80, 24);
        let screen = lines.join("\n");
        let words = [
            "waika-loadgen http://127.0.0.1:50051  open loop, 4 connections, 1 worker",
            "47 % 9 s left, sent 16,012 of 34,000",
            "VALID so far",
            "per second: • offered ⠒ answered",
            "response ≈ p50 p99 • max",
            "100 us",
            "10 ms",
            "-20 s",
            "now",
            "5 s     310 us 1.20 ms 9.80 ms 30.0 us",
            "lag p99",
            "offered 2,000/s answered 1,990/s",
            "approved",
            "11,940  99.5 %",
            "open 3/1,000 CPU: generator 34 % server 52 % stolen 0.1 %",
            "q or Ctrl-C stops and reports",
        ];
        for word in words {
            assert!(screen.contains(word), "no {word:?} in\n{screen}");
        }
        assert_eq!(lines.len(), 24);
        assert!(screen.contains('•') && screen.contains('⠒'), "{screen}");
    }

    #[test]
    fn doubts_and_troubles_are_seen() {
        let mut run = snapshot();
        run.doubts = Some(vec!["the generator sent late".to_owned(), "x".to_owned()]);
        run.phase = Phase::Stopping;
        for (width, height) in [(80, 24), (120, 40)] {
            let screen = lines(&run, width, height).join("\n");
            for word in [
                "INVALID so far: the generator sent late (and 1 more)",
                "stopping; once more ends at once",
            ] {
                assert!(screen.contains(word), "no {word:?} in\n{screen}");
            }
        }
        run.doubts = None;
        assert_eq!(lines(&run, 40, 12)[0], "no verdict yet");
    }

    #[test]
    fn a_run_that_has_just_begun_has_no_figures_and_is_drawn() {
        let mut run = snapshot();
        run.history.clear();
        run.recent = super::super::snapshot::Tails::default();
        run.whole = run.recent;
        run.end_ns = None;
        run.planned = None;
        run.machine.server = None;
        run.machine.stolen = None;
        let screen = lines(&run, 100, 30).join("\n");
        assert!(
            screen.contains("5 s          -       -       -"),
            "{screen}"
        );
        assert!(!screen.contains("server 52"), "{screen}");
    }

    #[test]
    fn colours_are_only_used_where_they_are_wanted() {
        let coloured = |theme| {
            let backend = screen(&snapshot(), 80, 24, theme);
            let mut cells = backend.buffer().content.iter();
            cells.any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        };
        assert!(coloured(Theme { colours: true }));
        assert!(!coloured(PLAIN));
    }
}
