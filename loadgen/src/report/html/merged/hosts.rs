//! The hosts beside each other.

use super::Written;
use super::axis::LatencyAxis;
use super::chart::{Caption, Key, Mark, Shape, bar, figure, put};
use super::curves::{Curve, Family, write};
use super::head::in_words;
use super::words::{latency, round_time};
use crate::merge::facts::{Likeness, Merged, PartFacts};
use crate::report::TimeFacts;

/// How the hosts' curves are told apart; more hosts begin again.
const CLASSES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// Response times by percentile of each host, and of all together.
pub(super) fn curves(page: &mut String, merged: &Merged) -> Written {
    let all = Curve {
        key: Key::new("together", Mark::Line, "all hosts together"),
        points: &merged.response_curve,
        facts: &merged.response,
        is_told: true,
    };
    let hosts = merged.parts.iter().zip(CLASSES.iter().cycle());
    let hosts = hosts.map(|(part, class)| Curve {
        key: Key::new(class, Mark::Line, part.name()),
        points: &part.response_curve,
        facts: &part.response,
        is_told: false,
    });
    write(
        page,
        &Family {
            id: "hosts",
            title: "Response times by percentile and host",
            remark:
                "The wide line is of all hosts together: their histograms added, and no percentile \
                     averaged. Each curve ends where its samples do."
                    .to_owned(),
            curves: std::iter::once(all).chain(hosts).collect(),
        },
    )
}

/// A row for each host: its middle and its tail, and whether they are like those of the others.
pub(super) fn likeness(page: &mut String, merged: &Merged) -> Written {
    let ends = |times: &TimeFacts| [times.p50_ns, times.p99_ns.or(times.max_ns)];
    let times = merged.parts.iter().flat_map(|part| ends(&part.response));
    let Some(axis) = LatencyAxis::around(times.flatten()) else {
        return Ok(());
    };
    let caption = Caption {
        id: "likeness".into(),
        title: "From p50 to p99, host by host".into(),
        remark:
            "A host differs if a percentile of it is further from that of the others than both \
                 chance and a tenth would explain."
                .to_owned(),
        told: merged
            .parts
            .iter()
            .map(|part| format!("{}: {}", part.name(), verdict(part)))
            .collect::<Vec<_>>()
            .join(". "),
        upwards: "",
        along: "response time, logarithmic",
        shape: Shape::Rows(merged.parts.len()),
    };
    let keys = [
        Key::new("alike", Mark::Dot, "like the others"),
        Key::new("differs", Mark::Cross, "differs"),
        Key::new("not-judged", Mark::Ring, "not judged"),
    ];
    let found: Vec<Key> = keys
        .into_iter()
        .filter(|key| merged.parts.iter().any(|part| mark(part).1 == key.class))
        .collect();
    figure(page, &caption, &found, |page, canvas| {
        for ns in axis.ticks_within(canvas.most_times()) {
            canvas.mark(page, axis.place(ns), &round_time(ns))?;
        }
        for (place, part) in merged.parts.iter().enumerate() {
            let (mark, class) = mark(part);
            let at = |ns: u64| canvas.in_row(axis.place(ns), place);
            canvas.row(page, place, &part.name(), &words(&part.response))?;
            if let [Some(p50), Some(p99)] = ends(&part.response) {
                bar(page, class, (at(p50), at(p99)), 4.0)?;
                for ns in [p50, p99] {
                    let text = format!("{}: {}", part.name(), in_words(&part.likeness));
                    put(page, mark, class, at(ns), &text)?;
                }
            }
        }
        Ok(())
    })
}

fn mark(part: &PartFacts) -> (Mark, &'static str) {
    match part.likeness {
        Likeness::Alike { .. } => (Mark::Dot, "alike"),
        Likeness::Different { .. } => (Mark::Cross, "differs"),
        Likeness::NotJudged { .. } => (Mark::Ring, "not-judged"),
    }
}

/// Whether a host is like the others, in a word.
pub(super) fn verdict(part: &PartFacts) -> &'static str {
    match part.likeness {
        Likeness::Alike { .. } => "alike",
        Likeness::Different { .. } => "differs",
        Likeness::NotJudged { .. } => "not judged",
    }
}

fn words(times: &TimeFacts) -> String {
    let named = [("p50", times.p50_ns), ("p99", times.p99_ns)];
    let named = named
        .into_iter()
        .filter_map(|(name, ns)| Some(format!("{name} {}", latency(ns?))));
    named.collect::<Vec<_>>().join(", ")
}
