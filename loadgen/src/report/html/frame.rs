//! What every page has in common: its frame, its heading, the banner with the verdict, figures in
//! large letters, and lists of facts.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Written;
use super::words::{Safe, instant};

/// How pages look.
const STYLE: &str = include_str!("style.css");

/// How a page begins.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// Its heading, such as `Waika load report`.
    pub(super) heading: &'static str,
    /// Its verdict in a word, for the title of the window.
    pub(super) word: String,
    /// The version of this program that measured.
    pub(super) version: String,
    /// When, RFC 3339.
    pub(super) started_at: String,
    /// What was measured, in lines.
    pub(super) about: Vec<String>,
}

/// How a verdict is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// Something is wrong.
    Bad,
    /// Nobody knows.
    Unsure,
}

/// A verdict, where it cannot be overlooked.
#[derive(Clone, Debug)]
pub(super) struct Banner {
    /// How to take it.
    pub(super) tone: Tone,
    /// The verdict in a word.
    pub(super) word: String,
    /// The same in sentences.
    pub(super) sentences: Vec<String>,
    /// What speaks for it.
    pub(super) reasons: Vec<String>,
}

/// One figure: its name, itself, and a word on it.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) name: Cow<'static, str>,
    pub(super) value: String,
    pub(super) remark: String,
}

/// A name and what it has for a value.
pub(super) type Fact = (&'static str, String);

/// A whole page, well-formed as XML too.
pub(super) fn render(opening: &Opening, body: impl FnOnce(&mut String) -> Written) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = open(&mut page, opening)
        .and_then(|()| body(&mut page))
        .and_then(|()| writeln!(page, "</main>\n</body>\n</html>"));
    page
}

fn open(page: &mut String, opening: &Opening) -> Written {
    let began = instant(&opening.started_at);
    writeln!(
        page,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{heading}, {}, {}</title>
<link rel="icon" href="data:,"/>
<style>
{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{heading}</h1>
<p class="under">waika-loadgen {} &#183; <time datetime="{}">{}</time>"#,
        Safe(&opening.word),
        Safe(&began),
        Safe(&opening.version),
        Safe(&opening.started_at),
        Safe(&began),
        heading = opening.heading,
    )?;
    for line in &opening.about {
        writeln!(page, "<br/>{}", Safe(line))?;
    }
    writeln!(page, "</p>\n</header>")
}

impl Tone {
    /// The class that the style knows.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
        }
    }

    /// A sign that says the same without colour.
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "M5 12.5l4.5 4.5L19 7.5",
            Self::Bad => "M6.5 6.5l11 11m0 -11l-11 11",
            Self::Unsure => "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .6-1.5 1.2-1.5 2.3m0 3.4v.2",
        }
    }
}

impl Banner {
    pub(super) fn write(&self, page: &mut String) -> Written {
        writeln!(
            page,
            r#"<section class="verdict {}" aria-label="Verdict: {}">
<h2><svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>{}</h2>
<div>"#,
            self.tone.class(),
            Safe(&self.word),
            self.tone.sign(),
            Safe(&self.word)
        )?;
        for sentence in &self.sentences {
            writeln!(page, "<p>{}</p>", Safe(sentence))?;
        }
        bullets(page, &self.reasons)?;
        writeln!(page, "</div>\n</section>")
    }
}

/// Some figures in large letters under a heading.
pub(super) fn figures(page: &mut String, title: &str, figures: &[Figure]) -> Written {
    let columns = if figures.len().is_multiple_of(6) {
        "figures six"
    } else {
        "figures"
    };
    writeln!(
        page,
        "<section>\n<h2>{}</h2>\n<dl class=\"{columns}\">",
        Safe(title)
    )?;
    for figure in figures {
        writeln!(
            page,
            "<div><dt>{}</dt><dd><b>{}</b><small>{}</small></dd></div>",
            Safe(&figure.name),
            Safe(&figure.value),
            Safe(&figure.remark)
        )?;
    }
    writeln!(page, "</dl>\n</section>")
}

/// A list of facts under a heading.
pub(super) fn facts(page: &mut String, title: &str, facts: &[Fact]) -> Written {
    writeln!(
        page,
        "<section>\n<h2>{}</h2>\n<dl class=\"facts\">",
        Safe(title)
    )?;
    for (name, value) in facts {
        writeln!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", Safe(value))?;
    }
    writeln!(page, "</dl>\n</section>")
}

/// Sentences under a heading; nothing without any.
pub(super) fn notes(page: &mut String, title: &str, sentences: &[String]) -> Written {
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(page, "<section>\n<h2>{}</h2>", Safe(title))?;
    bullets(page, sentences)?;
    writeln!(page, "</section>")
}

/// A list of sentences; nothing without any.
pub(super) fn bullets(page: &mut String, sentences: &[String]) -> Written {
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(page, "<ul>")?;
    for sentence in sentences {
        writeln!(page, "<li>{}</li>", Safe(sentence))?;
    }
    writeln!(page, "</ul>")
}
