//! What is used of the month and the year is what was approved less what was given back.

use waika::v1::{self, authorisation};

use super::{Book, MONTH_LIMIT, SINGLE_LIMIT, YEAR_LIMIT, declined};
use crate::calendar::{month_before, month_of};
use crate::finding::{Finding, Kind};

pub(super) fn check(book: &mut Book<'_>, account: &v1::GetAccountResponse) {
    let (Some(month), Some(year)) = (&account.month, &account.year) else {
        return book
            .findings
            .push(Finding::new(Kind::Other, "an account without its limits"));
    };
    let mut findings = approvals_within_limits(book);
    let open = month_before(month.resets_at.as_ref().unwrap());
    let open_year = month_before(year.resets_at.as_ref().unwrap()).year;
    let (mut in_month, mut in_year) = (0, 0);
    for paid in book.paid.values() {
        if declined(paid.decided).is_none() {
            let counted = month_of(paid.decided.decided_at.as_ref().unwrap());
            in_month += i64::from(counted == open) * paid.decided.amount_fen;
            in_year += i64::from(counted.year == open_year) * paid.decided.amount_fen;
        }
    }
    for given in &book.given_back {
        let Some(paid) = book.paid.get(&*given.reversal.authorisation_id) else {
            continue;
        };
        let counted = month_of(paid.decided.decided_at.as_ref().unwrap());
        let given_at = month_of(given.decided_at);
        let (to_month, to_year) = (counted == given_at, counted.year == given_at.year);
        let said = (given.reversal.month_restored, given.reversal.year_restored);
        if said != (to_month, to_year) {
            let what = "given back to the wrong windows (D13)";
            findings.push(Finding::new(Kind::Other, what).about(given.request, Some(given.answer)));
        }
        in_month -= i64::from(to_month && counted == open) * given.reversal.amount_fen;
        in_year -= i64::from(to_year && counted.year == open_year) * given.reversal.amount_fen;
    }
    let id = &account.account_id;
    findings.extend(compare((id, "month"), month, in_month, MONTH_LIMIT));
    findings.extend(compare((id, "year"), year, in_year, YEAR_LIMIT));
    book.findings.extend(findings);
}

fn compare(
    (account, window): (&str, &str),
    shown: &v1::LimitWindow,
    used: i64,
    limit: i64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut finds = |kind, what: String| {
        let what = format!("{account}: the {window}'s {what}");
        findings.push(Finding::new(kind, what));
    };
    let listed = shown.used_fen;
    if listed < used {
        finds(Kind::Lost, format!("used is {listed} fen, and {used} were"));
    }
    if listed > used {
        finds(
            Kind::Duplicated,
            format!("used is {listed} fen, and {used} were"),
        );
    }
    if listed.max(used) > limit {
        finds(Kind::Exceeded, format!("{listed} or {used} fen of {limit}"));
    }
    if shown.limit_fen != limit {
        finds(Kind::Other, format!("limit is {} fen", shown.limit_fen));
    }
    findings
}

fn approvals_within_limits(book: &Book<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for paid in book.paid.values() {
        let Some(authorisation::Outcome::Approval(approval)) = &paid.decided.outcome else {
            continue;
        };
        let used = |window: &Option<v1::LimitWindow>| window.map_or(0, |window| window.used_fen);
        let exceeds = paid.decided.amount_fen > SINGLE_LIMIT
            || used(&approval.month) > MONTH_LIMIT
            || used(&approval.year) > YEAR_LIMIT;
        if exceeds {
            let what = "approved beyond a limit (R63, R64, R65)";
            findings
                .push(Finding::new(Kind::Exceeded, what).about(paid.request, Some(paid.answer)));
        }
    }
    findings
}
