//! The report as one page for a browser: no script, no network, nothing but itself.

mod axis;
mod breakdown;
mod chart;
mod head;
mod over_time;
mod percentiles;
mod proof;
mod spread;
mod tables;
mod words;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::Report;
use words::{Safe, instant};

/// How pages look.
const STYLE: &str = include_str!("style.css");

type Written = std::fmt::Result;

/// The page, well-formed as XML too.
pub(crate) fn render(report: &Report) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, report);
    page
}

fn write_page(page: &mut String, report: &Report) -> Written {
    let word = if report.verdict.valid {
        "VALID"
    } else {
        "INVALID"
    };
    writeln!(
        page,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>Waika load report, {word}, {}</title>
<link rel="icon" href="data:,"/>
<style>
{STYLE}</style>
</head>
<body>
<main>"#,
        Safe(&instant(&report.host.started_at)),
    )?;
    head::write(page, report)?;
    percentiles::write(page, report)?;
    breakdown::write(page, report)?;
    over_time::write(page, report)?;
    spread::write(page, report)?;
    proof::write(page, report)?;
    tables::write(page, report)?;
    writeln!(page, "</main>\n</body>\n</html>")
}
