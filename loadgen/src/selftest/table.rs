//! Pure: one comparison, and the table of them.

use crate::figures::count_as_real;

/// How far a measured percentile may be from the one that follows from the stalls.
const TOLERANCE: f64 = 0.03;

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    name: String,
    expected: String,
    found: String,
    /// How it went.
    pub(crate) outcome: CheckOutcome,
}

/// How a comparison went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CheckOutcome {
    /// As it must.
    Pass,
    /// Not as it must, and no machine excuses that.
    Wrong,
    /// Too far from what must be measured, if the machine let it measure.
    Off,
    /// The machine did not let the instrument do its work.
    Unfit,
}

impl CheckOutcome {
    /// Passed, or otherwise this.
    pub(crate) fn or(self, is_right: bool) -> Self {
        if is_right { Self::Pass } else { self }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Wrong | Self::Off => "FAIL",
            Self::Unfit => "INVALID",
        }
    }
}

impl Check {
    /// In one sentence.
    pub(crate) fn told(&self) -> String {
        format!(
            "{} is {}, and should be {}",
            self.name, self.found, self.expected
        )
    }

    /// What must be, what was found, and how that went.
    pub(crate) fn new(name: &str, expected: String, found: String, outcome: CheckOutcome) -> Self {
        Self {
            name: name.to_owned(),
            expected,
            found,
            outcome,
        }
    }

    /// Two counts that must be equal.
    pub(crate) fn count(name: &str, expected: u64, found: u64) -> Self {
        Self::new(
            name,
            expected.to_string(),
            found.to_string(),
            CheckOutcome::Wrong.or(found == expected),
        )
    }

    /// A time that says whether the machine is fit.
    pub(crate) fn bound(name: &str, most_ns: u64, found_ns: u64) -> Self {
        Self::new(
            name,
            format!("at most {}", time(most_ns)),
            time(found_ns),
            CheckOutcome::Unfit.or(found_ns <= most_ns),
        )
    }

    /// A time that must be measured between two others, within the tolerance.
    pub(crate) fn between(name: &str, least_ns: u64, most_ns: u64, found_ns: u64) -> Self {
        let found = count_as_real(found_ns);
        let is_right = found >= count_as_real(least_ns) * (1.0 - TOLERANCE)
            && found <= count_as_real(most_ns) * (1.0 + TOLERANCE);
        Self::new(
            name,
            format!(
                "{} to {} ± {:.0} %",
                time(least_ns),
                time(most_ns),
                TOLERANCE * 100.0
            ),
            time(found_ns),
            CheckOutcome::Off.or(is_right),
        )
    }

    /// A time that must be measured, within the tolerance.
    pub(crate) fn near(name: &str, expected_ns: u64, found_ns: u64) -> Self {
        Self {
            expected: format!("{} ± {:.0} %", time(expected_ns), TOLERANCE * 100.0),
            ..Self::between(name, expected_ns, expected_ns, found_ns)
        }
    }
}

/// The checks as a table, a line each.
pub(crate) fn render(checks: &[Check]) -> String {
    let widest = |text: fn(&Check) -> &str| {
        let widths = checks.iter().map(|check| text(check).chars().count());
        widths.max().unwrap_or(0)
    };
    let name = widest(|check| &check.name);
    let expected = widest(|check| &check.expected).max("expected".len());
    let found = widest(|check| &check.found).max("found".len());
    let head = format!(
        "{:name$}  {:>expected$}  {:>found$}",
        "", "expected", "found"
    );
    let lines = checks.iter().map(|check| {
        format!(
            "{:name$}  {:>expected$}  {:>found$}  {}",
            check.name,
            check.expected,
            check.found,
            check.outcome.label()
        )
    });
    std::iter::once(head)
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A time for people: two digits after the point of milliseconds.
pub(crate) fn time(ns: u64) -> String {
    format!("{:.2} ms", count_as_real(ns) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_may_be_three_in_a_hundred_off() {
        let check = |found_ns, expected: CheckOutcome| {
            let check = Check::near("p99", 1_000_000_000, found_ns);
            assert_eq!(check.outcome, expected, "{found_ns}");
        };
        check(1_000_000_000, CheckOutcome::Pass);
        check(1_030_000_000, CheckOutcome::Pass);
        check(1_030_000_001, CheckOutcome::Off);
        check(970_000_000, CheckOutcome::Pass);
        check(969_999_999, CheckOutcome::Off);
        check(0, CheckOutcome::Off);
    }

    #[test]
    fn a_percentile_may_lie_between_two_others() {
        let check = |found_ns, expected: CheckOutcome| {
            let check = Check::between("p99", 1_000_000_000, 1_100_000_000, found_ns);
            assert_eq!(check.outcome, expected, "{found_ns}");
        };
        check(970_000_000, CheckOutcome::Pass);
        check(969_999_999, CheckOutcome::Off);
        check(1_133_000_000, CheckOutcome::Pass);
        check(1_133_000_001, CheckOutcome::Off);
    }

    #[test]
    fn counts_must_be_equal() {
        assert_eq!(Check::count("sent", 5, 5).outcome, CheckOutcome::Pass);
        assert_eq!(Check::count("sent", 5, 4).outcome, CheckOutcome::Wrong);
    }

    #[test]
    fn a_table_has_a_line_for_each_check() {
        let checks = [
            Check::count("short", 12_000, 12_000),
            Check::near("a longer name", 2_000_000, 3_000_000),
        ];
        let expected = [
            "                    expected    found",
            "short                  12000    12000  PASS",
            "a longer name  2.00 ms ± 3 %  3.00 ms  FAIL",
        ];
        assert_eq!(render(&checks).lines().collect::<Vec<_>>(), expected);
    }
}
