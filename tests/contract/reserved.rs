//! Numbers and names that nobody may use again.

use std::ops::Range;

use prost_types::{DescriptorProto, EnumDescriptorProto};

use crate::finding::{Finding, Rule};

/// What a message or an enum has reserved.
pub(crate) struct Reserved<'a> {
    ranges: Vec<Range<i64>>,
    names: &'a [String],
}

impl<'a> Reserved<'a> {
    /// Of a message, whose ranges leave out their ends.
    pub(crate) fn of_message(message: &'a DescriptorProto) -> Self {
        let ranges = message.reserved_range.iter();
        Self::sorted(
            ranges.map(|range| i64::from(range.start())..i64::from(range.end())),
            &message.reserved_name,
        )
    }

    /// Of an enum, whose ranges include their ends.
    pub(crate) fn of_enum(item: &'a EnumDescriptorProto) -> Self {
        let ranges = item.reserved_range.iter();
        Self::sorted(
            ranges.map(|range| i64::from(range.start())..i64::from(range.end()) + 1),
            &item.reserved_name,
        )
    }

    fn sorted(ranges: impl Iterator<Item = Range<i64>>, names: &'a [String]) -> Self {
        let mut ranges: Vec<_> = ranges.collect();
        ranges.sort_unstable_by_key(|range| range.start);
        Self { ranges, names }
    }

    /// What is not reserved of what is removed, in words; nothing if all of it is.
    fn missing(&self, number: i32, name: &str) -> Option<String> {
        let number = i64::from(number);
        let has_number = self.ranges.iter().any(|range| range.contains(&number));
        let has_name = self.names.iter().any(|reserved| reserved == name);
        match (has_number, has_name) {
            (true, true) => None,
            (false, true) => Some(format!("number {number}")),
            (true, false) => Some(format!("name \"{name}\"")),
            (false, false) => Some(format!("number {number} and name \"{name}\"")),
        }
    }

    /// Something that has a number and a name is gone.
    pub(crate) fn removal(&self, full_name: &str, number: i32, name: &str) -> Option<Finding> {
        let missing = self.missing(number, name)?;
        let is = format!("removed, and {missing} not reserved");
        let was = format!("number {number}");
        Some(Finding::new(Rule::Reserved, full_name, was, is))
    }

    /// The numbers from where on a range is not reserved here.
    fn gap(&self, wanted: &Range<i64>) -> Option<Range<i64>> {
        let mut next = wanted.start;
        for range in self.ranges.iter().filter(|range| range.end > wanted.start) {
            if range.start > next {
                break;
            }
            next = next.max(range.end);
        }
        (next < wanted.end).then_some(next..wanted.end)
    }

    /// What was reserved and is not any more.
    pub(crate) fn shrunk(&self, name: &str, now: &Self) -> Option<Finding> {
        let gaps = self.ranges.iter().filter_map(|range| now.gap(range));
        let mut free: Vec<_> = gaps.map(|gap| in_words(&gap)).collect();
        let names = self.names.iter().filter(|name| !now.names.contains(name));
        free.extend(names.map(|name| format!("\"{name}\"")));
        let was = format!("reserved: {}", free.join(", "));
        (!free.is_empty()).then(|| Finding::new(Rule::ReservedKept, name, was, "free"))
    }
}

fn in_words(range: &Range<i64>) -> String {
    let last = range.end - 1;
    if range.start == last {
        last.to_string()
    } else {
        format!("{} to {last}", range.start)
    }
}
