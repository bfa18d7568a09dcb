//! Every pair in the order of time.

use super::Written;
use super::axis::ChangeAxis;
use super::chart::{Canvas, Caption, Extent, Key, Mark, Shape, figure, put};
use super::head::{interval, upper};
use super::words::{change, plain_percent, quantity};
use crate::figures::count_as_real;
use crate::gate::facts::{MetricFacts, PairFacts};

pub(super) fn write(page: &mut String, place: usize, metric: &MetricFacts) -> Written {
    if metric.pairs.is_empty() {
        return Ok(());
    }
    let used = metric.pairs.iter().filter(|pair| pair.discarded.is_none());
    let ends = [
        metric.change.low,
        metric.change.high,
        Some(metric.change.tolerance),
    ];
    let axis = ChangeAxis::around(used.map(change_of).chain(ends.into_iter().flatten()));
    let aside = metric.pairs.len()
        - metric
            .pairs
            .iter()
            .filter(|pair| pair.discarded.is_none())
            .count();
    let caption = Caption {
        id: format!("pairs{place}").into(),
        title: format!("Pairs in order of time: {}", metric.label).into(),
        remark: format!(
            "Each mark is a pair: blocks of A and of B by turns. At each upright line fresh servers were \
             started.{}",
            if aside > 0 {
                " What was disturbed from outside was set aside, whatever it showed."
            } else {
                ""
            }
        ),
        told: format!(
            "{} pairs, {aside} set aside. {}.",
            metric.pairs.len(),
            interval(metric).map_or_else(|| "No interval".to_owned(), |text| upper(&text))
        ),
        upwards: "change of B against A",
        along: "pairs, by superblock",
        shape: Shape::Scale(if metric.gating { 290.0 } else { 230.0 }),
    };
    figure(page, &caption, &keys(metric, aside), |page, canvas| {
        for (at, label) in axis.ticks(6) {
            canvas.level(page, axis.place(at), &label)?;
        }
        superblocks(page, canvas, &metric.pairs)?;
        interval_band(page, canvas, (metric, axis));
        canvas.across(page, "zero", axis.place(0.0))?;
        canvas.across(page, "limit", axis.place(metric.change.tolerance))?;
        if let Some(estimate) = metric.change.estimate {
            canvas.across(page, "estimate", axis.place(estimate))?;
        }
        for (number, pair) in metric.pairs.iter().enumerate() {
            let spot = canvas.spot(
                along(number, metric.pairs.len()),
                axis.place(change_of(pair)),
            );
            let (mark, class) = match pair.discarded {
                None => (Mark::Dot, "pair-mark"),
                Some(_) => (Mark::Ring, "set-aside"),
            };
            put(
                page,
                mark,
                class,
                spot,
                &in_words(number, pair, &metric.unit),
            )?;
        }
        Ok(())
    })
}

/// The interval, from end to end of the picture.
fn interval_band(page: &mut String, canvas: &Canvas, (metric, axis): (&MetricFacts, ChangeAxis)) {
    let (Some(low), Some(high)) = (metric.change.low, metric.change.high) else {
        return;
    };
    let extent = Extent {
        left: 0.0,
        right: 1.0,
        from: axis.place(low),
        to: axis.place(high),
    };
    page.push_str(&canvas.column("interval", extent));
}

fn keys(metric: &MetricFacts, aside: usize) -> Vec<Key> {
    let mut keys = vec![Key::new("pair-mark", Mark::Dot, "a pair")];
    if aside > 0 {
        keys.push(Key::new(
            "set-aside",
            Mark::Ring,
            format!("{aside} set aside"),
        ));
    }
    if let Some(estimate) = metric.change.estimate {
        let name = format!("estimate {}", change(estimate));
        keys.push(Key::new("estimate", Mark::Line, name));
    }
    if metric.change.low.is_some() {
        keys.push(Key::new("interval", Mark::Fill, "its interval"));
    }
    let name = format!("tolerance {}", plain_percent(metric.change.tolerance));
    keys.push(Key::new("limit", Mark::Line, name));
    keys
}

/// The change that a pair shows.
pub(super) fn change_of(pair: &PairFacts) -> f64 {
    pair.log_ratio.exp_m1()
}

fn in_words(number: usize, pair: &PairFacts, unit: &str) -> String {
    let order = match pair.order.as_ref() {
        "" => String::new(),
        order => format!(", {order}"),
    };
    let why = match &pair.discarded {
        Some(why) => format!("; set aside: {why}"),
        None => String::new(),
    };
    format!(
        "pair {} (superblock {}{order}): A {}, B {}, {}{why}",
        number + 1,
        pair.superblock + 1,
        quantity(pair.a, unit),
        quantity(pair.b, unit),
        change(change_of(pair)),
    )
}

fn along(number: usize, of: usize) -> f64 {
    (count_as_real(number as u64) + 0.5) / count_as_real(of as u64)
}

/// A line where each begins, with its number where there is room.
fn superblocks(page: &mut String, canvas: &Canvas, pairs: &[PairFacts]) -> Written {
    let begins: Vec<(usize, u32)> = pairs
        .iter()
        .enumerate()
        .filter(|(place, pair)| {
            let before = place.checked_sub(1).and_then(|place| pairs.get(place));
            before.is_none_or(|before| before.superblock != pair.superblock)
        })
        .map(|(place, pair)| (place, pair.superblock))
        .collect();
    let most = usize::try_from(canvas.most_labels).unwrap_or(1) * 2;
    let each = begins.len().div_ceil(most).max(1);
    for (count, (place, superblock)) in begins.into_iter().enumerate() {
        let share = count_as_real(place as u64) / count_as_real(pairs.len() as u64);
        let label = if count.is_multiple_of(each) {
            (superblock + 1).to_string()
        } else {
            String::new()
        };
        canvas.mark(page, share, &label)?;
    }
    Ok(())
}
