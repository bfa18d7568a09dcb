//! Tables: they scroll inside themselves where a screen is too narrow for them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Written;
use super::frame::Tone;
use super::words::Safe;

/// A column of a table; the first names what its row is about.
#[derive(Clone, Debug)]
pub(super) struct Column {
    name: Cow<'static, str>,
    is_word: bool,
}

/// What stands in a row.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Words or a figure.
    Plain(String),
    /// A verdict, with how to take it.
    Verdict(Tone, String),
}

/// Figures, at the right.
pub(super) fn figure(name: impl Into<Cow<'static, str>>) -> Column {
    Column {
        name: name.into(),
        is_word: false,
    }
}

/// Words, at the left.
pub(super) fn word(name: impl Into<Cow<'static, str>>) -> Column {
    Column {
        name: name.into(),
        is_word: true,
    }
}

/// Cells of plain texts.
pub(super) fn plain(texts: impl IntoIterator<Item = String>) -> Vec<Cell> {
    texts.into_iter().map(Cell::Plain).collect()
}

/// A table that `label` names to those who cannot see it.
pub(super) fn write(
    page: &mut String,
    label: &str,
    columns: &[Column],
    rows: &[Vec<Cell>],
) -> Written {
    writeln!(
        page,
        r#"<div class="scroll" role="region" aria-label="{}" tabindex="0">
<table>
<thead><tr>"#,
        Safe(label)
    )?;
    for (place, column) in columns.iter().enumerate() {
        let class = if column.is_word || place == 0 {
            r#" class="word""#
        } else {
            ""
        };
        write!(
            page,
            r#"<th scope="col"{class}>{}</th>"#,
            Safe(&column.name)
        )?;
    }
    writeln!(page, "</tr></thead>\n<tbody>")?;
    for row in rows {
        write!(page, "<tr>")?;
        for (place, (cell, column)) in row.iter().zip(columns).enumerate() {
            write_cell(page, cell, column, place == 0)?;
        }
        writeln!(page, "</tr>")?;
    }
    writeln!(page, "</tbody>\n</table>\n</div>")
}

fn write_cell(page: &mut String, cell: &Cell, column: &Column, is_first: bool) -> Written {
    let (open, close) = match (is_first, column.is_word) {
        (true, _) => (r#"<th scope="row" class="word">"#, "</th>"),
        (false, true) => (r#"<td class="word">"#, "</td>"),
        (false, false) => ("<td>", "</td>"),
    };
    match cell {
        Cell::Plain(text) => write!(page, "{open}{}{close}", Safe(text)),
        Cell::Verdict(tone, text) => write!(
            page,
            r#"{open}<span class="chip {}">{}</span>{close}"#,
            tone.class(),
            Safe(text)
        ),
    }
}
