//! What every picture on the page is made of: a canvas, axes, lines and a legend.
//!
//! Each picture is drawn twice, for wide screens and for narrow ones, and the style shows one of
//! them: letters keep a size that can be read.

use std::fmt::Write as _;

use super::Written;
use super::words::Safe;

/// Letters on a canvas are this wide, more or less.
const LETTER: f64 = 7.0;

/// A surface to draw on, in units that are about a pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    class: &'static str,
    width: f64,
    height: f64,
    /// How many labels an axis along the bottom has room for.
    pub(super) most_labels: u64,
}

const LEFT: f64 = 58.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// What a picture shows, besides what is drawn on it.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    /// Its heading.
    pub(super) title: &'static str,
    /// What its axes are, and what a reader must know; from here only.
    pub(super) remark: String,
    /// The height of its canvas.
    pub(super) height: f64,
}

/// A colour of a picture and what it stands for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// The class that the style knows.
    pub(super) class: &'static str,
    /// What it stands for.
    pub(super) name: &'static str,
}

/// A place on a canvas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// From the left.
    pub(super) x: f64,
    /// From the top.
    pub(super) y: f64,
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
        caption.title,
        Safe(&caption.remark)
    )?;
    if !keys.is_empty() {
        write!(page, r#"<ul class="legend">"#)?;
        for key in keys {
            write!(
                page,
                r#"<li class="{}"><i></i>{}</li>"#,
                key.class, key.name
            )?;
        }
        writeln!(page, "</ul>")?;
    }
    let wide = Canvas {
        class: "wide",
        width: 880.0,
        height: caption.height,
        most_labels: 11,
    };
    let narrow = Canvas {
        class: "narrow",
        width: 400.0,
        height: caption.height.min(280.0),
        most_labels: 5,
    };
    for canvas in [wide, narrow] {
        writeln!(
            page,
            r#"<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">"#,
            canvas.class, canvas.width, canvas.height, caption.title
        )?;
        draw(page, &canvas)?;
        writeln!(page, "</svg>")?;
    }
    writeln!(page, "</figure>")
}

/// Says why there is no picture.
pub(super) fn nothing(page: &mut String, title: &str, why: &str) -> Written {
    writeln!(
        page,
        r#"<figure><figcaption><h2>{title}</h2></figcaption><p class="nothing">{why}</p></figure>"#
    )
}

impl Canvas {
    /// Where this share of the width of the axes is.
    pub(super) fn x(&self, share: f64) -> f64 {
        LEFT + share * (self.width - LEFT - RIGHT)
    }

    /// Where this share of the height of the axes is, from the bottom.
    pub(super) fn y(&self, share: f64) -> f64 {
        self.height - BOTTOM - share * (self.height - TOP - BOTTOM)
    }

    /// A place by its shares of width and height.
    pub(super) fn spot(&self, width: f64, height: f64) -> Spot {
        Spot {
            x: self.x(width),
            y: self.y(height),
        }
    }

    /// A line across, with its label at the left.
    pub(super) fn level(&self, page: &mut String, share: f64, label: &str) -> Written {
        let (left, right, y) = (self.x(0.0), self.x(1.0), self.y(share));
        writeln!(
            page,
            r#"<path class="grid" d="M{left:.1} {y:.1}H{right:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
            left - 7.0,
            y + 4.0
        )
    }

    /// A line upwards, with its label at the bottom, kept within the canvas.
    pub(super) fn mark(&self, page: &mut String, share: f64, label: &str) -> Written {
        let (top, bottom, x) = (self.y(1.0), self.y(0.0), self.x(share));
        let half = crate::figures::count_as_real(label.chars().count() as u64) * LETTER / 2.0;
        let middle = x.min(self.width - half - 1.0);
        writeln!(
            page,
            r#"<path class="grid" d="M{x:.1} {top:.1}V{bottom:.1}"/><text x="{middle:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            bottom + 19.0
        )
    }

    /// A rectangle from the bottom, or from `from` of the height, up to `to`.
    pub(super) fn column(&self, class: &str, extent: Extent) -> String {
        let (left, right) = (self.x(extent.left), self.x(extent.right));
        let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
        let (top, bottom) = (self.y(extent.to), self.y(extent.from));
        format!(
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
            right - left - gap,
            bottom - top
        )
    }

    /// A whole column that shows a text under the pointer.
    pub(super) fn touch(&self, page: &mut String, extent: Extent, text: &str) -> Written {
        let (left, right) = (self.x(extent.left), self.x(extent.right));
        let (top, bottom) = (self.y(1.0), self.y(0.0));
        writeln!(
            page,
            r#"<rect class="touch" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"><title>{}</title></rect>"#,
            right - left,
            bottom - top,
            Safe(text)
        )
    }
}

/// A rectangle in shares of the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// A line through some places, broken where there is none; a place without neighbours is a dot.
pub(super) fn line(page: &mut String, class: &str, spots: &[Option<Spot>]) -> Written {
    for run in spots.split(Option::is_none) {
        let run: Vec<Spot> = run.iter().flatten().copied().collect();
        match run.as_slice() {
            [] => {}
            [spot] => dot(page, class, *spot, "")?,
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

/// The surface between a line and the bottom.
pub(super) fn area(page: &mut String, class: &str, canvas: &Canvas, spots: &[Spot]) -> Written {
    let (Some(first), Some(last)) = (spots.first(), spots.last()) else {
        return Ok(());
    };
    let bottom = canvas.y(0.0);
    write!(
        page,
        r#"<polygon class="area {class}" points="{:.1},{bottom:.1} "#,
        first.x
    )?;
    for Spot { x, y } in spots {
        write!(page, "{x:.1},{y:.1} ")?;
    }
    writeln!(page, r#"{:.1},{bottom:.1}"/>"#, last.x)
}

/// A dot that shows a text under the pointer, if there is one.
pub(super) fn dot(page: &mut String, class: &str, spot: Spot, text: &str) -> Written {
    let Spot { x, y } = spot;
    write!(
        page,
        r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="3.5">"#
    )?;
    if !text.is_empty() {
        write!(page, "<title>{}</title>", Safe(text))?;
    }
    writeln!(page, "</circle>")
}
