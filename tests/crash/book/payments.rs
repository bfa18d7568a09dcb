//! Every acknowledged payment stands in the history once, with what was given back of it.

use std::collections::{BTreeMap, BTreeSet};

use waika::v1::{self, DeclineReason};

use super::{Book, declined};
use crate::finding::{Finding, Kind};

/// What was given back of one payment, in fen.
#[derive(Clone, Copy, Default)]
struct Sum {
    principal: i64,
    fee: i64,
}

pub(super) fn check(book: &mut Book<'_>, history: &[v1::AuthorisationRecord]) {
    let mut shown = BTreeMap::new();
    for line in history {
        let decided = line.authorisation.as_ref().unwrap();
        if shown.insert(&*decided.authorisation_id, line).is_some() {
            let what = format!("{} is listed twice", decided.authorisation_id);
            book.findings.push(Finding::new(Kind::Duplicated, what));
        }
    }
    let mut findings = every_payment_is_listed(book, &shown);
    findings.extend(nothing_else_is_listed(book, &shown));
    findings.extend(ahead_means_declined(book));
    book.findings.extend(findings);
}

type Lines<'a> = BTreeMap<&'a str, &'a v1::AuthorisationRecord>;

fn every_payment_is_listed(book: &Book<'_>, shown: &Lines<'_>) -> Vec<Finding> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for given in &book.given_back {
        let sum = sums.entry(&given.reversal.authorisation_id).or_default();
        sum.principal += given.reversal.amount_fen;
        sum.fee += given.reversal.fee_fen;
    }
    let mut findings = Vec::new();
    for (id, paid) in &book.paid {
        let mut finds = |kind, what: &str| {
            findings.push(Finding::new(kind, what).about(paid.request, Some(paid.answer)));
        };
        let Some(line) = shown.get(id) else {
            finds(Kind::Lost, "an acknowledged payment is not listed");
            continue;
        };
        if line.authorisation.as_ref() != Some(paid.decided) {
            finds(Kind::Other, "a payment is not listed as it was answered");
        }
        let sum = sums.remove(id).unwrap_or_default();
        let status = line.status.unwrap_or_default();
        if sum.principal > paid.decided.amount_fen || sum.fee > paid.decided.fee_fen {
            finds(
                Kind::Exceeded,
                "more was given back than was paid (D13, D14)",
            );
        }
        match status.reversed_fen.cmp(&sum.principal) {
            std::cmp::Ordering::Less => finds(Kind::Lost, "a reversal is gone"),
            std::cmp::Ordering::Greater => finds(Kind::Duplicated, "a reversal counts twice"),
            std::cmp::Ordering::Equal if status.reversed_fee_fen != sum.fee => {
                finds(
                    Kind::Other,
                    "the fee given back is not the sum of its parts",
                );
            }
            std::cmp::Ordering::Equal => {}
        }
        let approved = declined(paid.decided).is_none();
        let remains = i64::from(approved) * paid.decided.amount_fen - status.reversed_fen;
        if status.remaining_fen != remains {
            finds(Kind::Other, "what remains is not what was not given back");
        }
    }
    for id in sums.keys() {
        let what = format!("{id} was given back, and never paid");
        findings.push(Finding::new(Kind::Other, what));
    }
    findings
}

fn nothing_else_is_listed(book: &Book<'_>, shown: &Lines<'_>) -> Vec<Finding> {
    let unasked = shown.iter().filter(|(id, _)| !book.paid.contains_key(*id));
    unasked
        .map(|(id, line)| {
            let listed = line.authorisation.as_ref().unwrap();
            let twin = book.paid.values().find(|paid| {
                paid.asked.amount_fen == listed.amount_fen
                    && paid.asked.card_token == listed.card_token
                    && paid.asked.merchant_id == listed.merchant_id
            });
            if let Some(twin) = twin {
                let what = format!("{id} is listed too, which no key has: decided twice");
                return Finding::new(Kind::Duplicated, what).about(twin.request, Some(twin.answer));
            }
            let what = format!("{id} is listed, and no call of ours has it: {listed:?}");
            Finding::new(Kind::Other, what)
        })
        .collect()
}

/// D31, both ways.
fn ahead_means_declined(book: &Book<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut came = BTreeSet::new();
    for paid in book.paid.values() {
        let key = &*paid.asked.idempotency_key;
        came.insert(key);
        let declined = declined(paid.decided) == Some(DeclineReason::ReversedBeforeArrival);
        let ahead = book.ahead.get(key);
        let (kind, what) = match (ahead, declined) {
            (Some(_), false) => (Kind::Lost, "a reversal ahead of its payment is gone (D31)"),
            (None, true) => (
                Kind::Other,
                "declined for a reversal that nobody sent (D31)",
            ),
            (Some(_), true) | (None, false) => continue,
        };
        findings.push(Finding::new(kind, what).about(paid.request, Some(paid.answer)));
    }
    findings
}
