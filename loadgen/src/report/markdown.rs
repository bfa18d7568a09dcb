//! Pure: a result in Markdown for a pull request: the verdict, what was asked, and the figures to be
//! unfolded. Its length is bounded, and no name in it can be more than a name.

use std::fmt::Write as _;

use super::document::{Document, Table};

/// Comments on GitHub may have 65,536 characters; some room is left for what stands around this.
const MOST_CHARACTERS: usize = 60_000;

/// The most rows of a table, and the most characters of one cell.
const MOST_ROWS: usize = 40;
const MOST_IN_CELL: usize = 400;

/// The whole result, or as much as fits with a word on the rest.
pub(crate) fn render(document: &impl Document) -> String {
    let word = document.exit().word();
    let mut text = format!("## {word}: {}\n\n", safe(&document.title()));
    text.push_str(&table(&Table {
        title: String::new(),
        head: ["", "verdict", "found"].map(str::to_owned).into(),
        rows: document
            .checks()
            .into_iter()
            .map(|check| vec![check.name, check.verdict.word().to_owned(), check.found])
            .collect(),
    }));
    let tables = document.tables();
    let mut left_out = 0;
    for (place, one) in tables.iter().enumerate() {
        let folded = folded(one, place == 0);
        if length(&text) + length(&folded) > MOST_CHARACTERS {
            left_out += 1;
        } else {
            text.push_str(&folded);
        }
    }
    if left_out > 0 {
        let _infallible = writeln!(
            text,
            "\n{left_out} more tables did not fit here; the JSON has everything."
        );
    }
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A table that is unfolded by a click; the first one is at once.
fn folded(one: &Table, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    format!(
        "\n<details{open}><summary>{}</summary>\n\n{}\n</details>\n",
        safe(&one.title),
        table(one)
    )
}

fn table(table: &Table) -> String {
    let mut text = row(&table.head);
    let lines: Vec<&str> = (0..table.head.len())
        .map(|column| if column == 0 { "---" } else { "--:" })
        .collect();
    // Words stand to the left, and only figures to the right.
    let has_words = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        cells.clone().any(|cell| !is_figure(cell))
    };
    let lines: Vec<&str> = lines
        .into_iter()
        .enumerate()
        .map(|(column, line)| if has_words(column) { "---" } else { line })
        .collect();
    let _infallible = writeln!(text, "|{}|", lines.join("|"));
    for cells in table.rows.iter().take(MOST_ROWS) {
        text.push_str(&row(cells));
    }
    let more = table.rows.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        let mut cells = vec![String::new(); table.head.len()];
        if let Some(first) = cells.first_mut() {
            *first = format!("and {more} more");
        }
        text.push_str(&row(&cells));
    }
    text
}

fn is_figure(cell: &str) -> bool {
    cell.is_empty() || cell.starts_with(|char: char| char.is_ascii_digit() || "+-–−".contains(char))
}

fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| safe(cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text that stays what it is: no markup, no line end, no mention, no link of its own.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for char in text.chars() {
        if safe.len() >= MOST_IN_CELL {
            safe.push('…');
            break;
        }
        match char {
            // Only what is cut in two by a comment is no mention, reference or link.
            '@' | '#' => {
                let _infallible = write!(safe, "&#{};<!-- -->", u32::from(char));
            }
            '/' if before == ':' => safe.push_str("<!-- -->/"),
            '.' if before.eq_ignore_ascii_case(&'w') => safe.push_str("<!-- -->."),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '!' | '|'
            | '~' | '$' | '&' | '"' | '\'' => {
                let _infallible = write!(safe, "&#{};", u32::from(char));
            }
            char if char.is_control() => safe.push(' '),
            // What turns the direction of writing could make one text look like another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.push(' '),
            char => safe.push(char),
        }
        before = char;
    }
    safe
}
