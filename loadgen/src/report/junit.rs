//! Pure: a result as JUnit XML, which every pipeline shows: a case for each thing that was asked of
//! it.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::document::{Check, Document};
use crate::exit::Exit;

/// A text without the two characters that no XML can hold and the library lets through.
fn held(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

/// One suite with a case for each check. What speaks against the server is a failure, what speaks
/// against the measurement an error, and what has no verdict is skipped.
pub(crate) fn render(document: &impl Document) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("waika-loadgen");
    let mut suite = TestSuite::new(held(&document.title()));
    suite.add_test_cases(document.checks().iter().map(case));
    let skipped = format!(" skipped=\"{}\"", suite.skipped);
    report.add_test_suite(suite);
    // Jenkins' xUnit holds reports against a schema that has no such attribute on the outermost
    // element, which is where it stands first.
    Ok(report.to_string()?.replacen(&skipped, "", 1))
}

fn case(check: &Check) -> TestCase {
    let check = &Check {
        name: held(&check.name),
        found: held(&check.found),
        ..check.clone()
    };
    let status = match check.verdict {
        Exit::Passed => TestCaseStatus::success(),
        Exit::Inconclusive => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(&check.found);
            status
        }
        Exit::Missed | Exit::Regressed | Exit::Violated => {
            not_passed(NonSuccessKind::Failure, check)
        }
        Exit::Invalid | Exit::Failed => not_passed(NonSuccessKind::Error, check),
    };
    let mut case = TestCase::new(&check.name, status);
    case.set_classname("waika-loadgen");
    case.set_system_out(&check.found);
    case
}

fn not_passed(kind: NonSuccessKind, check: &Check) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(&check.found);
    status.set_type(check.verdict.word());
    status
}
