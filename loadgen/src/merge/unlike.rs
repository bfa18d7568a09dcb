//! Pure: whether logs are of one plan, each of another slice of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Part;
use crate::report::PlanFacts;
use crate::slice::Slice;

/// Facts of a plan that hosts may differ in.
const OF_A_HOST: [&str; 3] = ["slice", "in_flight", "in_flight_allowed"];

/// The section of a plan's text that hosts may differ in.
const GENERATOR: &str = "[generator]";

/// Puts the parts into the order of their slices, or says why they cannot be merged.
pub(super) fn check(parts: &mut [Part], incomplete: bool) -> Result<(), String> {
    if let Some((first, others)) = parts.split_first() {
        for other in others {
            same_plan(first, other)?;
        }
    }
    let mut slices: BTreeMap<Slice, &str> = BTreeMap::new();
    for part in parts.iter() {
        let slice = slice_of(part)?;
        if let Some(before) = slices.insert(slice, &part.file) {
            let what = if slice == Slice::WHOLE {
                "all of the plan".to_owned()
            } else {
                format!("slice {slice}")
            };
            return Err(format!(
                "{before} and {} are both of {what}: give each slice once",
                part.file
            ));
        }
    }
    let counts: BTreeMap<u64, &str> = slices
        .iter()
        .map(|(slice, file)| (slice.of(), *file))
        .collect();
    if let (Some((fewer, one)), Some((more, other))) =
        (counts.first_key_value(), counts.last_key_value())
        && fewer != more
    {
        return Err(format!(
            "{one} is of a plan in {fewer} slice(s) and {other} of one in {more}: give the slices of \
             one run"
        ));
    }
    let missing = missing(&slices.into_keys().collect::<Vec<_>>());
    if !missing.is_empty() && !incomplete {
        return Err(format!(
            "missing: slice {}: give their files too, or --incomplete to merge the others all the \
             same",
            told(&missing)
        ));
    }
    parts.sort_by_key(|part| slice_of(part).unwrap_or(Slice::WHOLE));
    Ok(())
}

/// Which slice a part is.
pub(super) fn slice_of(part: &Part) -> Result<Slice, String> {
    match &part.head.plan.slice {
        None => Ok(Slice::WHOLE),
        Some(text) => text
            .parse()
            .map_err(|what| format!("{}:2: its slice {text:?} {what}", part.file)),
    }
}

/// The slices that are not there.
pub(super) fn missing(slices: &[Slice]) -> Vec<String> {
    let of = slices.first().map_or(1, |slice| slice.of());
    (1..=of)
        .filter_map(|number| Slice::new(number, of))
        .filter(|slice| !slices.contains(slice))
        .map(|slice| slice.to_string())
        .collect()
}

/// The first ten of some slices, and how many more there are.
pub(crate) fn told(slices: &[String]) -> String {
    const MOST: usize = 10;
    let first: Vec<&str> = slices.iter().take(MOST).map(String::as_str).collect();
    let first = first.join(", ");
    match slices.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn same_plan(one: &Part, other: &Part) -> Result<(), String> {
    let unlike = |what: &str, mine: &str, theirs: &str| {
        Err(format!(
            "{} and {} are not of one plan: {what} is {mine} and {theirs}",
            one.file, other.file
        ))
    };
    let versions = [one, other].map(|part| part.head.generator.version.as_ref());
    if versions[0] != versions[1] {
        return unlike("the version of waika-loadgen", versions[0], versions[1]);
    }
    let protections = [one, other].map(|part| part.head.server.protection.label());
    if protections[0] != protections[1] {
        return unlike("how it was sent", protections[0], protections[1]);
    }
    let (mine, theirs) = (facts(&one.head.plan), facts(&other.head.plan));
    for (name, value) in &mine {
        let their = theirs.get(name).unwrap_or(&Value::Null);
        if their != value {
            return unlike(name, &value.to_string(), &their.to_string());
        }
    }
    let texts = [one, other].map(|part| plan_lines(part.head.plan_text.as_deref()));
    let [mine, theirs] = &texts;
    for place in 0..mine.len().max(theirs.len()) {
        let (mine, theirs) = (mine.get(place), theirs.get(place));
        if mine != theirs {
            let shown = |line: Option<&&str>| line.map_or("nothing", |line| *line).to_owned();
            return unlike("the plan", &shown(mine), &shown(theirs));
        }
    }
    Ok(())
}

/// What must be alike, by name.
fn facts(plan: &PlanFacts) -> BTreeMap<String, Value> {
    let value = serde_json::to_value(plan).unwrap_or_default();
    let fields = value.as_object().cloned().unwrap_or_default();
    fields
        .into_iter()
        .filter(|(name, _)| !OF_A_HOST.contains(&name.as_str()))
        .collect()
}

/// The lines of a plan's text that must be alike: no comments, and nothing of the generator.
fn plan_lines(text: Option<&str>) -> Vec<&str> {
    let mut section = "";
    let mut lines = Vec::new();
    for line in text.unwrap_or_default().lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        if section != GENERATOR && !line.is_empty() && !line.starts_with('#') {
            lines.push(line);
        }
    }
    lines
}
