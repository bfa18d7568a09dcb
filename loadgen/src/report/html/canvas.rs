//! What pictures are drawn on: where things lie on it, its axes, and words beside things.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Written;
use super::words::Safe;
use crate::figures::{count_as_real, real_as_count};

/// Letters on a canvas are at most this wide, more or less.
const LETTER: f64 = 7.7;

const RIGHT: f64 = 22.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// How high a row of [`Shape::Rows`] is: with its words in one line, and in two.
const ROW: f64 = 44.0;
const NARROW_ROW: f64 = 62.0;

/// A surface to draw on, in units that are about a pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    /// The class that the style knows.
    pub(super) class: &'static str,
    /// Its width.
    pub(super) width: f64,
    /// Its height.
    pub(super) height: f64,
    left: f64,
    /// How many labels an axis along the bottom has room for.
    pub(super) most_labels: u64,
    /// It is for a wide screen, and has room for words beside marks.
    pub(super) is_wide: bool,
}

/// How a picture is laid out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// So high, with a scale at its left.
    Scale(f64),
    /// So many rows below each other, each with its name above it.
    Rows(usize),
}

/// A place on a canvas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// From the left.
    pub(super) x: f64,
    /// From the top.
    pub(super) y: f64,
}

impl Canvas {
    pub(super) fn wide(shape: Shape) -> Self {
        let (left, height) = match shape {
            Shape::Scale(height) => (60.0, height),
            Shape::Rows(rows) => (16.0, height_of(rows, ROW)),
        };
        Self {
            class: "wide",
            width: 880.0,
            height,
            left,
            most_labels: 11,
            is_wide: true,
        }
    }

    pub(super) fn narrow(shape: Shape) -> Self {
        let (left, height) = match shape {
            Shape::Scale(height) => (52.0, height.min(290.0)),
            Shape::Rows(rows) => (10.0, height_of(rows, NARROW_ROW)),
        };
        Self {
            class: "narrow",
            width: 344.0,
            height,
            left,
            most_labels: 5,
            is_wide: false,
        }
    }

    /// What the axes are.
    pub(super) fn names(&self, page: &mut String, upwards: &str, along: &str) -> Written {
        if !upwards.is_empty() {
            writeln!(
                page,
                r#"<text class="axis" x="0" y="14">{}</text>"#,
                Safe(upwards)
            )?;
        }
        writeln!(
            page,
            r#"<text class="axis" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            self.width - RIGHT,
            self.height - 6.0,
            Safe(along)
        )
    }

    /// Where this share of the width of the axes is.
    pub(super) fn x(&self, share: f64) -> f64 {
        self.left + share * (self.width - self.left - RIGHT)
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

    /// How many times have room beside each other along the bottom.
    pub(super) fn most_times(&self) -> usize {
        if self.is_wide { 10 } else { 4 }
    }

    /// The place in the middle of a row, counted from the top, under its words.
    pub(super) fn in_row(&self, width: f64, row: usize) -> Spot {
        let (height, middle) = if self.is_wide {
            (ROW, 26.0)
        } else {
            (NARROW_ROW, 44.0)
        };
        Spot {
            x: self.x(width),
            y: TOP + count_as_real(row as u64) * height + middle,
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
        writeln!(
            page,
            r#"<path class="grid" d="M{x:.1} {top:.1}V{bottom:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            self.middle(x, label),
            bottom + 18.0
        )
    }

    /// A line across of something that is not the grid's.
    pub(super) fn across(&self, page: &mut String, class: &str, share: f64) -> Written {
        let (left, right, y) = (self.x(0.0), self.x(1.0), self.y(share));
        writeln!(
            page,
            r#"<path class="line {class}" d="M{left:.1} {y:.1}H{right:.1}"/>"#
        )
    }

    /// A line upwards of something that is not the grid's.
    pub(super) fn upright(&self, page: &mut String, class: &str, share: f64) -> Written {
        let (top, bottom, x) = (self.y(1.0), self.y(0.0), self.x(share));
        writeln!(
            page,
            r#"<path class="line {class}" d="M{x:.1} {top:.1}V{bottom:.1}"/>"#
        )
    }

    /// Where the middle of a text must be so that it stays on the canvas.
    fn middle(&self, x: f64, text: &str) -> f64 {
        let half = width_of(text) / 2.0;
        x.min(self.width - half - 1.0).max(half + 1.0)
    }

    /// Words at a place, in their middle, kept within the canvas.
    pub(super) fn say(&self, page: &mut String, class: &str, spot: Spot, text: &str) -> Written {
        let text = shortened(text, self.width - self.left - RIGHT);
        writeln!(
            page,
            r#"<text class="say {class}" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            self.middle(spot.x, &text),
            spot.y,
            Safe(&text)
        )
    }

    /// The name of a row and a word on it, above what is drawn in it: in one line, or in two.
    pub(super) fn row(&self, page: &mut String, row: usize, name: &str, remark: &str) -> Written {
        let (left, right) = (self.x(0.0), self.x(1.0));
        let y = self.in_row(0.0, row).y - 14.0;
        let (above, room, x, anchor) = if self.is_wide {
            (y, right - left - width_of(remark), right, "end")
        } else {
            (y - 16.0, right - left, left, "start")
        };
        writeln!(
            page,
            r#"<text class="name" x="{left:.1}" y="{above:.1}">{}</text><text class="word" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
            Safe(&shortened(name, room - 10.0)),
            Safe(remark)
        )
    }

    /// A rectangle from the bottom, or from `from` of the height, up to `to`.
    pub(super) fn column(&self, class: &str, extent: Extent) -> String {
        let (left, right) = (self.x(extent.left), self.x(extent.right));
        let gap = if right - left > 4.0 { 1.0 } else { 0.0 };
        let (top, bottom) = (self.y(extent.to), self.y(extent.from));
        format!(
            r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
            (right - left - gap).max(0.0),
            (bottom - top).max(0.0)
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

fn height_of(rows: usize, row: f64) -> f64 {
    TOP + BOTTOM + row * count_as_real(rows as u64)
}

/// As much of a name as there is room for; names are in thick letters.
fn shortened(name: &str, room: f64) -> Cow<'_, str> {
    const THICK: f64 = 1.15;
    if width_of(name) * THICK <= room {
        return name.into();
    }
    let letters = real_as_count(room / LETTER / THICK).saturating_sub(1);
    let letters = usize::try_from(letters).unwrap_or(0);
    let kept: String = name.chars().take(letters).collect();
    format!("{}…", kept.trim_end()).into()
}

/// How wide a text is on a canvas, more or less.
pub(super) fn width_of(text: &str) -> f64 {
    count_as_real(text.chars().count() as u64) * LETTER
}

/// A rectangle in shares of the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_only_where_there_is_no_room() {
        let check = |name, room, expected: &str| assert_eq!(shortened(name, room), expected);
        check("commit", 100.0, "commit");
        check("network and client", 100.0, "network an…");
        check("network and client", 80.0, "network…");
        check("x", 0.0, "…");
        check("", 0.0, "");
    }
}
