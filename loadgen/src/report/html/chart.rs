//! What every picture on a page is made of: a canvas, lines, marks and a legend.
//!
//! Each picture is drawn twice, for wide screens and for narrow ones, and the style shows one of
//! them: letters keep a size that can be read. Marks differ in shape, width or dashes and not only
//! in colour, for not everybody sees colours.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Written;
pub(super) use super::canvas::{Canvas, Extent, Shape, Spot, width_of};
use super::words::Safe;

/// What a picture shows, besides what is drawn on it.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    /// Sets it apart from the others of its page: letters and digits only.
    pub(super) id: Cow<'static, str>,
    /// Its heading.
    pub(super) title: Cow<'static, str>,
    /// What a reader must know.
    pub(super) remark: String,
    /// What it shows, for those who cannot see it.
    pub(super) told: String,
    /// What its scale is; empty for rows.
    pub(super) upwards: &'static str,
    /// What goes along it.
    pub(super) along: &'static str,
    /// How it is laid out.
    pub(super) shape: Shape,
}

/// What a colour and a mark of a picture stand for.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The class that the style knows.
    pub(super) class: &'static str,
    /// How it is drawn.
    pub(super) mark: Mark,
    /// What it stands for.
    pub(super) name: Cow<'static, str>,
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A surface.
    Fill,
    /// A line; the style gives width and dashes.
    Line,
    /// A filled circle.
    Dot,
    /// A hollow circle.
    Ring,
    /// A cross.
    Cross,
}

impl Key {
    pub(super) fn new(class: &'static str, mark: Mark, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self { class, mark, name }
    }
}

/// Draws a picture with its legend.
pub(super) fn figure(
    page: &mut String,
    caption: &Caption,
    keys: &[Key],
    draw: impl Fn(&mut String, &Canvas) -> Written,
) -> Written {
    writeln!(
        page,
        "<figure>\n<figcaption><h2>{}</h2><p>{}</p></figcaption>",
        Safe(&caption.title),
        Safe(&caption.remark)
    )?;
    legend(page, keys)?;
    for canvas in [Canvas::wide(caption.shape), Canvas::narrow(caption.shape)] {
        let (id, class) = (&caption.id, canvas.class);
        writeln!(
            page,
            r#"<svg class="chart {class}" viewBox="0 0 {} {}" role="img" aria-labelledby="{id}-{class}-name {id}-{class}-told">
<title id="{id}-{class}-name">{}</title><desc id="{id}-{class}-told">{}</desc>"#,
            canvas.width,
            canvas.height,
            Safe(&caption.title),
            Safe(&caption.told)
        )?;
        canvas.names(page, caption.upwards, caption.along)?;
        draw(page, &canvas)?;
        writeln!(page, "</svg>")?;
    }
    writeln!(page, "</figure>")
}

/// What the colours and marks stand for.
fn legend(page: &mut String, keys: &[Key]) -> Written {
    if keys.is_empty() {
        return Ok(());
    }
    write!(page, r#"<ul class="legend">"#)?;
    for Key { class, mark, name } in keys {
        write!(
            page,
            r#"<li><svg class="key" viewBox="0 0 24 12" aria-hidden="true">"#
        )?;
        let spot = Spot { x: 12.0, y: 6.0 };
        match mark {
            Mark::Fill => write!(
                page,
                r#"<rect class="{class}" x="4" y="0" width="16" height="12" rx="2"/>"#
            )?,
            Mark::Line => write!(page, r#"<path class="line {class}" d="M1 6H23"/>"#)?,
            Mark::Dot | Mark::Ring | Mark::Cross => put(page, *mark, class, spot, "")?,
        }
        write!(page, "</svg>{}</li>", Safe(name))?;
    }
    writeln!(page, "</ul>")
}

/// Says why there is no picture.
pub(super) fn nothing(page: &mut String, title: &str, why: &str) -> Written {
    writeln!(
        page,
        r#"<section><h2>{}</h2><p class="nothing">{}</p></section>"#,
        Safe(title),
        Safe(why)
    )
}

/// A line through some places, broken where there is none; a place without neighbours is a dot.
pub(super) fn line(page: &mut String, class: &str, spots: &[Option<Spot>]) -> Written {
    for run in spots.split(Option::is_none) {
        let run: Vec<Spot> = run.iter().flatten().copied().collect();
        match run.as_slice() {
            [] => {}
            [spot] => put(page, Mark::Dot, class, *spot, "")?,
            _ => {
                write!(page, r#"<polyline class="line {class}" points=""#)?;
                for Spot { x, y } in run {
                    write!(page, "{x:.1},{y:.1} ")?;
                }
                writeln!(page, r#""/>"#)?;
            }
        }
    }
    Ok(())
}

/// A bar along a row, so thick, around its middle.
pub(super) fn bar(page: &mut String, class: &str, (from, to): (Spot, Spot), thick: f64) -> Written {
    writeln!(
        page,
        r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="{:.1}" height="{thick}" rx="{:.1}"/>"#,
        from.x,
        from.y - thick / 2.0,
        (to.x - from.x).max(1.0),
        (thick / 2.0).min(2.0)
    )
}

/// A mark that shows a text under the pointer, if there is one.
pub(super) fn put(page: &mut String, mark: Mark, class: &str, spot: Spot, text: &str) -> Written {
    let Spot { x, y } = spot;
    let title = match text {
        "" => String::new(),
        text => format!("<title>{}</title>", Safe(text)),
    };
    match mark {
        Mark::Cross => writeln!(
            page,
            r#"<path class="cross {class}" d="M{:.1} {:.1}l8 8m0 -8l-8 8">{title}</path>"#,
            x - 4.0,
            y - 4.0
        ),
        Mark::Ring => writeln!(
            page,
            r#"<circle class="ring {class}" cx="{x:.1}" cy="{y:.1}" r="4">{title}</circle>"#
        ),
        Mark::Dot | Mark::Fill | Mark::Line => writeln!(
            page,
            r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="4">{title}</circle>"#
        ),
    }
}
