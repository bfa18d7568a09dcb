//! Pure: what an answer must say whatever the state of its account is.

use waika::v1::{DeclineReason, ReversalRefusalReason};

use super::arithmetic::{fee_back_fen, fee_fen};
use super::asked::{Decision, Original, Refusal, Reversed, Terms, Window};
use super::calendar::{Span, settles_at_s};
use super::finding::{Blame, Broken, Promise, Side};

/// So much an instant may be told off, in seconds.
const SLACK_S: i64 = 60;

/// A payment as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payment {
    /// The price, in fen.
    pub(super) amount_fen: u64,
    /// It carries a password that is not the account's.
    pub(super) wrong_password: bool,
    /// The month that its decision says it was counted in.
    pub(super) counted: Span,
}

/// Looks at a decision by itself.
pub(super) fn judge_decision(asked: Payment, terms: &Terms, decision: &Decision, blame: Blame<'_>) {
    if !decision.is_for {
        blame(Broken {
            promise: Promise::AsAsked,
            expected: Side::Words("the account and the card that were asked for"),
            told: Side::Words("other ones"),
        });
    }
    expect_fen(
        Promise::AsAsked,
        asked.amount_fen,
        decision.amount_fen,
        blame,
    );
    if decision.approved {
        judge_approval(asked, terms, decision, blame);
    } else {
        expect_fen(Promise::Fee, 0, decision.fee_fen, blame);
        expect_fen(Promise::Total, 0, decision.total_fen, blame);
        judge_decline(asked, terms, decision.reason, blame);
    }
}

fn judge_approval(asked: Payment, terms: &Terms, decision: &Decision, blame: Blame<'_>) {
    if asked.amount_fen > terms.single_fen {
        blame(Broken {
            promise: Promise::Single,
            expected: Side::AtMost(terms.single_fen),
            told: Side::Fen(decision.amount_fen),
        });
    }
    let fee = if terms.guide_fee {
        fee_fen(asked.amount_fen)
    } else {
        decision.fee_fen.unsigned_abs()
    };
    expect_fen(Promise::Fee, fee, decision.fee_fen, blame);
    expect_fen(
        Promise::Total,
        asked.amount_fen.saturating_add(fee),
        decision.total_fen,
        blame,
    );
    if asked.wrong_password {
        blame(Broken {
            promise: Promise::Password,
            expected: Side::Words("a decline, for the password was wrong"),
            told: Side::Words("an approval"),
        });
    }
    judge_window(terms.month_fen, &decision.month, blame);
    judge_window(terms.year_fen, &decision.year, blame);
    let ends = |window: &Window, at_s: i64| window.ends_at_s == 0 || window.ends_at_s == at_s;
    let month_ends = ends(&decision.month, asked.counted.end_s);
    if !month_ends || !ends(&decision.year, asked.counted.year_end_s) {
        blame(Broken {
            promise: Promise::Period,
            expected: Side::Words("windows that end with their month and year in Shanghai"),
            told: Side::Words("another end"),
        });
    }
}

fn judge_window(limit_fen: u64, window: &Window, blame: Blame<'_>) {
    expect_fen(Promise::Limit, limit_fen, window.limit_fen, blame);
    let used = window.used_fen.unsigned_abs();
    if window.used_fen < 0 || used > limit_fen {
        blame(Broken {
            promise: Promise::WithinLimit,
            expected: Side::AtMost(limit_fen),
            told: Side::Fen(window.used_fen),
        });
    }
    let rest = limit_fen.saturating_sub(used);
    expect_fen(Promise::Remaining, rest, window.remaining_fen, blame);
}

/// The ladder's order is its numbers' order: what a later rung says, the earlier ones let pass.
fn judge_decline(asked: Payment, terms: &Terms, reason: i32, blame: Blame<'_>) {
    let Ok(reason) = DeclineReason::try_from(reason) else {
        // A newer server's: nothing is known of it here.
        return;
    };
    let told = |promise, expected| Broken {
        promise,
        expected: Side::Words(expected),
        told: Side::Words(reason.as_str_name()),
    };
    let above = asked.amount_fen > terms.single_fen;
    match reason {
        DeclineReason::PasswordWrong if !asked.wrong_password => {
            blame(told(Promise::Password, "no word of the password"));
        }
        DeclineReason::CardNotBound => blame(told(Promise::CardBound, "a card that is bound")),
        DeclineReason::LimitSingle if !above => {
            blame(told(Promise::DeclineFits, "a payment that fits"));
        }
        _ => {}
    }
    if asked.wrong_password && reason > DeclineReason::PasswordWrong {
        blame(told(Promise::Password, "PASSWORD_WRONG or PASSWORD_LOCKED"));
    } else if above && reason > DeclineReason::LimitSingle {
        blame(told(Promise::LimitOrder, "LIMIT_SINGLE"));
    }
}

/// Looks at a reversal or a refund by itself, but for the windows that it gives room back to.
pub(super) fn judge_back(
    back_fen: u64,
    original: &Original,
    reversed: &Reversed,
    blame: Blame<'_>,
) {
    let of_fen = original.of_fen;
    let back_fen = if back_fen == 0 { of_fen } else { back_fen };
    let fee = fee_back_fen(original.fee_fen, back_fen, of_fen);
    let total = back_fen.saturating_add(fee);
    let rest = of_fen.saturating_sub(back_fen);
    expect_fen(Promise::GivesBack, back_fen, reversed.amount_fen, blame);
    expect_fen(Promise::FeeBack, fee, reversed.fee_fen, blame);
    expect_fen(Promise::Total, total, reversed.total_fen, blame);
    expect_fen(Promise::GivesBack, rest, reversed.remaining_fen, blame);
}

/// An approval that was neither reversed nor settled before can be reversed until it settles by its
/// age, and nothing else speaks against it (D25). A refund is asked for once it is settled: then
/// nothing speaks against it at all, and `original` is none.
pub(super) fn judge_refusal(original: Option<&Original>, refusal: Refusal, blame: Blame<'_>) {
    let settled = ReversalRefusalReason::AlreadySettled;
    let by_its_age = original.is_some_and(|original| {
        refusal.decided_at_s + SLACK_S >= settles_at_s(original.decided_at_s)
    });
    if refusal.reason == i32::from(settled) && by_its_age {
        return;
    }
    blame(Broken {
        promise: Promise::Refusal,
        expected: Side::Words("no refusal"),
        told: ReversalRefusalReason::try_from(refusal.reason).map_or(
            Side::Number(refusal.reason.unsigned_abs().into()),
            |reason| Side::Words(reason.as_str_name()),
        ),
    });
}

/// Blames if an amount is not exactly what it must be.
fn expect_fen(promise: Promise, expected: u64, told_fen: i64, blame: Blame<'_>) {
    if u64::try_from(told_fen) != Ok(expected) {
        blame(Broken {
            promise,
            expected: Side::Between(expected, expected),
            told: Side::Fen(told_fen),
        });
    }
}
