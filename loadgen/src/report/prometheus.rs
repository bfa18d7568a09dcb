//! Pure: a result in the text format that Prometheus collects, for a node exporter's folder of text
//! files or a push gateway.

use std::fmt::Write as _;

use super::document::{Document, Gauge};

/// All gauges of a result. Those of one name stand together, below one HELP and one TYPE, wherever
/// they came from; those that all have a quantile are a summary, by the format's own rules.
pub(crate) fn render(document: &impl Document) -> String {
    let gauges = document.gauges();
    let mut names: Vec<&str> = Vec::new();
    for gauge in &gauges {
        if !names.contains(&gauge.name) {
            names.push(gauge.name);
        }
    }
    let mut text = String::new();
    for name in names {
        let family: Vec<&Gauge> = gauges.iter().filter(|gauge| gauge.name == name).collect();
        // Writing to a string cannot fail.
        let _ = write_family(&mut text, name, &family);
    }
    text
}

fn write_family(text: &mut String, name: &str, family: &[&Gauge]) -> std::fmt::Result {
    let help = family.first().map_or("", |gauge| gauge.help);
    let has_quantile = |gauge: &&Gauge| gauge.labels.iter().any(|(label, _)| *label == "quantile");
    let kind = if family.iter().all(has_quantile) {
        "summary"
    } else {
        "gauge"
    };
    writeln!(text, "# HELP {name} {}", escaped(help))?;
    writeln!(text, "# TYPE {name} {kind}")?;
    for gauge in family {
        text.push_str(name);
        for (place, (label, value)) in gauge.labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            write!(text, "{before}{label}=\"{}\"", escaped_value(value))?;
        }
        if !gauge.labels.is_empty() {
            text.push('}');
        }
        writeln!(text, " {}", gauge.value)?;
    }
    Ok(())
}

/// The value of a label with what ends a line or a value escaped, as the format wants it.
fn escaped_value(value: &str) -> String {
    escaped(value).replace('"', "\\\"")
}

/// A text with what ends a line escaped.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => safe.push_str("\\\\"),
            '\n' => safe.push_str("\\n"),
            char => safe.push(char),
        }
    }
    safe
}
