//! Logs: to standard error, as text or JSON lines, never with a secret in them.

use std::fmt;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::panic::PanicHookInfo;

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::exit::Failure;
use crate::traces::around;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// The look of a line.
    pub format: LogFormat,
    /// The least severe level that is logged.
    pub level: LevelFilter,
}

/// Begins to log. A second call in one process changes nothing.
pub fn begin(config: LogConfig) {
    let filter = targets(config.level);
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match config.format {
        LogFormat::Json => registry
            .with(lines.json().map_event_format(WithTrace))
            .try_init(),
        LogFormat::Text => registry
            .with(lines.with_ansi(stderr().is_terminal()))
            .try_init(),
    };
    if begun.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// Lines of JSON that name the trace within which they are written, as OpenTelemetry has it for such logs.
struct WithTrace<F>(F);

impl<S, N, F> FormatEvent<S, N> for WithTrace<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some((trace, span)) = around::ids() else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        match line.trim_end().strip_suffix('}') {
            Some(open) => writeln!(
                writer,
                "{open},\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"}}"
            ),
            None => writer.write_str(&line),
        }
    }
}

/// Tells why the process ends, as a log line, or plainly if logs have not begun. Gives it back.
pub fn tell(failure: &Failure) -> &Failure {
    if tracing::dispatcher::has_been_set() {
        tracing::error!(target: "waika_server", "{failure}");
    } else {
        // Standard error may be closed, and there is nobody else to tell.
        let _ = writeln!(stderr(), "waika-server: {failure}");
    }
    failure
}

/// Libraries are heard from `warn` up only: below that they print frames and headers, and a
/// caller's secrets could be among them.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("waika_server", level)
        .with_default(level.min(LevelFilter::WARN))
}

/// Says where it happened, and what only if the text was written in the source: one that was
/// put together at run time could carry a secret.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let text = panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("text withheld");
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, text, "a panic, which is a bug: please report it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn libraries_stay_silent_below_warnings() {
        for (level, ours, theirs) in [
            (LevelFilter::TRACE, Level::TRACE, Level::WARN),
            (LevelFilter::INFO, Level::INFO, Level::WARN),
            (LevelFilter::ERROR, Level::ERROR, Level::ERROR),
        ] {
            let targets = targets(level);
            assert!(targets.would_enable("waika_server::serve", &ours));
            assert!(targets.would_enable("h2", &theirs));
            assert!(!targets.would_enable("h2", &Level::INFO));
        }
        assert!(!targets(LevelFilter::ERROR).would_enable("h2", &Level::WARN));
        assert!(!targets(LevelFilter::INFO).would_enable("waika_server", &Level::DEBUG));
    }
}
