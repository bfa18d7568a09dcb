//! What a reconciliation found, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};
use waika_domain::identifiers::AuthorisationId;
use waika_domain::money::Fen;

use super::compare::{Comparison, Difference};
use super::ours::Sum;
use crate::inspect::text::grouped;

/// A table, and what it comes to.
pub(super) fn text(comparison: &Comparison) -> String {
    let Comparison {
        approved,
        given_back,
        standing,
        issuer_approved,
        issuer_given_back,
        issuer_standing,
        verifications,
        owed,
        open,
        unheard,
        late,
        stand_ins,
        pending,
        differing,
        differences,
    } = comparison;
    let mut out = String::new();
    let mut row = |name: &str, ours: &str, theirs: &str| {
        let _ = writeln!(out, "{name:<34}{ours:>24}{theirs:>24}");
    };
    row("principal and fee, in yuan", "Waika", "issuer");
    row("approved", &sum(*approved), &sum(*issuer_approved));
    row("given back", &sum(*given_back), &sum(*issuer_given_back));
    row("standing", &yuan(*standing), &yuan(*issuer_standing));
    row("of that, verification debits", "-", &sum(*verifications));
    row("declined for silence (91)", &grouped(*unheard), "-");
    row("approved too late", &grouped(*late), "-");
    row("advices owed", &grouped(*owed), "-");
    row("payments and binds held", &grouped(*open), "-");
    if stand_ins.approved.count > 0 {
        row("stood in for the issuer", &sum(stand_ins.approved), "-");
        row("  confirmed since", "-", &sum(stand_ins.confirmed));
        row("  diverged", "-", &sum(stand_ins.all_diverged()));
        for (reason, diverged) in &stand_ins.diverged {
            row(&format!("    {reason}"), "-", &sum(*diverged));
        }
        row("  not told yet", &sum(stand_ins.outstanding()), "-");
    }
    out.push('\n');
    for difference in differences {
        let _ = writeln!(out, "{}", in_words(difference));
    }
    let told = differences.len() as u64;
    if *differing > told {
        let _ = writeln!(out, "… and {} more", grouped(differing - told));
    }
    out.push_str(&verdict(comparison, *pending));
    out
}

fn verdict(comparison: &Comparison, pending: u64) -> String {
    if comparison.agrees() {
        return "Both books agree to the fen.\n".to_owned();
    }
    if comparison.differing > 0 {
        return format!(
            "The books differ in {} transactions: look them up by their ids.\n",
            grouped(comparison.differing)
        );
    }
    format!(
        "Not settled yet: {} transactions differ, for which an advice is owed or an answer awaited; \
         look again when nothing is.\n",
        grouped(pending)
    )
}

fn in_words(difference: &Difference) -> String {
    let Difference {
        id,
        decided_by,
        ours,
        theirs,
    } = difference;
    let decision = match decided_by {
        0 => "no decision of Waika's".to_owned(),
        &sequence => AuthorisationId::from_sequence(sequence).to_string(),
    };
    format!("transaction {id} ({decision}): {ours} by Waika's books, {theirs} by the issuer's")
}

/// The same for programs. Sums are in fen.
pub(super) fn json(comparison: &Comparison) -> Value {
    let of = |sum: &Sum| json!({ "count": sum.count, "fen": sum.fen.value() });
    let stand_ins = &comparison.stand_ins;
    let diverged: serde_json::Map<_, _> = stand_ins
        .diverged
        .iter()
        .map(|(reason, sum)| ((*reason).to_owned(), of(sum)))
        .collect();
    let differences = comparison.differences.iter().map(|difference| {
        json!({
            "transaction_id": difference.id.to_string(),
            "decided_by": difference.decided_by,
            "waika_fen": difference.ours.value(),
            "issuer_fen": difference.theirs.value(),
        })
    });
    json!({
        "agrees": comparison.agrees(),
        "waika": {
            "approved": of(&comparison.approved),
            "given_back": of(&comparison.given_back),
            "standing_fen": comparison.standing.value(),
            "unheard": comparison.unheard,
            "late": comparison.late,
            "advices_owed": comparison.owed,
            "held": comparison.open,
        },
        "issuer": {
            "approved": of(&comparison.issuer_approved),
            "given_back": of(&comparison.issuer_given_back),
            "standing_fen": comparison.issuer_standing.value(),
            "verifications": of(&comparison.verifications),
        },
        "stand_ins": {
            "approved": of(&stand_ins.approved),
            "confirmed": of(&stand_ins.confirmed),
            "diverged": of(&stand_ins.all_diverged()),
            "diverged_by_reason": diverged,
            "not_told_yet": of(&stand_ins.outstanding()),
        },
        "pending": comparison.pending,
        "differing": comparison.differing,
        "differences": differences.collect::<Vec<_>>(),
    })
}

fn sum(sum: Sum) -> String {
    format!("{} · {}", grouped(sum.count), yuan(sum.fen))
}

/// Yuan with commas between thousands.
fn yuan(fen: Fen) -> String {
    let whole = fen.value().unsigned_abs() / 100;
    let rest = fen.value().unsigned_abs() % 100;
    format!("{}.{rest:02}", grouped(whole))
}
