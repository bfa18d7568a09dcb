//! Pure: what is known of one account, and the figures that an answer about it can have.
//!
//! Nothing is remembered of single calls: a book is sums, so its size does not depend on how long a
//! run is. What a call must know of the past is in the [`Stamp`] that it carries.

use super::asked::{Baseline, Decision, Original};
use super::calendar::{Month, Span};
use super::cards::Cards;
use super::finding::{Blame, Broken, Promise, Side};
use super::sums::{Bounds, Flow, Mark, Sum};

/// So long around a midnight two decisions may meet it in either order, in seconds: the instant of a
/// decision is taken before its turn comes, and an issuer answers after it.
const MIDNIGHT_S: i64 = 60;

/// What was known of an account when a call was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp {
    month: Month,
    in_month: Mark,
    in_year: Mark,
    cards: u8,
}

/// What is known of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// The latest month in which it is known to have been decided on.
    month: Month,
    /// Decisions acknowledged.
    decided: u32,
    /// The sum of their ids' hashes, in two halves.
    ids: [u64; 2],
    in_month: Sum,
    in_year: Sum,
    flow: Flow,
    /// Its cards.
    pub(super) cards: Cards,
    /// Wrong passwords were sent, or it was locked before.
    may_be_locked: bool,
    /// Something was asked of it.
    touched: bool,
    /// An answer is missing for good.
    unproven: bool,
}

impl Book {
    /// The book of an account that begins so.
    pub(super) fn opened(baseline: &Baseline) -> Self {
        Self {
            month: baseline.month,
            in_month: Sum::of(baseline.month_used_fen),
            in_year: Sum::of(baseline.year_used_fen),
            cards: Cards::begin(baseline.cards),
            may_be_locked: baseline.locked,
            ..Self::default()
        }
    }

    /// What is known at this moment.
    pub(super) fn stamp(&mut self) -> Stamp {
        self.touched = true;
        Stamp {
            month: self.month,
            in_month: self.in_month.mark(self.flow),
            in_year: self.in_year.mark(self.flow),
            cards: self.cards.mark(),
        }
    }

    /// A payment is about to be sent.
    pub(super) fn pay(&mut self, amount_fen: u64, wrong_password: bool) {
        self.flow.paying += amount_fen;
        self.may_be_locked |= wrong_password;
    }

    /// A payment is no longer open.
    pub(super) fn pay_no_more(&mut self, amount_fen: u64) {
        self.flow.paying = self.flow.paying.saturating_sub(amount_fen);
    }

    /// A reversal is about to be sent.
    pub(super) fn give_back(&mut self, back_fen: u64) {
        self.flow.returning += back_fen;
    }

    /// A reversal is no longer open.
    pub(super) fn give_back_no_more(&mut self, back_fen: u64) {
        self.flow.returning = self.flow.returning.saturating_sub(back_fen);
    }

    /// Takes in a decision that is no replay, while its payment is still open: counts it, and looks
    /// whether it fits with all the others. `decided` is the month that it was decided in, and
    /// `counted` the one that an approval was counted in.
    pub(super) fn decide(
        &mut self,
        (stamp, decided, counted): (Stamp, Span, Month),
        decision: &Decision,
        blame: Blame<'_>,
    ) {
        self.acknowledge(decision.id_hash);
        let amount_fen = decision.amount_fen.unsigned_abs();
        if decision.approved {
            check_period((stamp, decided, counted), decision, blame);
            self.move_on(counted);
            self.check_used((stamp, counted), decision, blame);
            self.count(counted, amount_fen);
        } else if is_issuers(decision.reason) {
            // It was held while the issuer was asked, and others may have seen it.
            self.flow.let_go += amount_fen;
        } else {
            self.move_on(decided.month);
        }
    }

    /// A decision is acknowledged that is no replay.
    pub(super) fn acknowledge(&mut self, id_hash: u128) {
        self.decided = self.decided.saturating_add(1);
        self.ids = halves(joined(self.ids).wrapping_add(id_hash));
    }

    /// Counts an approval in the windows that it belongs to, as far as they are open.
    pub(super) fn count(&mut self, month: Month, amount_fen: u64) {
        self.move_on(month);
        if month == self.month {
            self.in_month.counted += amount_fen;
        }
        if month.year() == self.month.year() {
            self.in_year.counted += amount_fen;
        }
    }

    /// Takes in what a reversal has restored, and when.
    pub(super) fn restore(&mut self, original: &Original, back: &Restored) {
        self.move_on(Month::at(back.decided_at_s));
        if back.month && original.month == self.month {
            self.in_month.restored += back.amount_fen;
        }
        if back.year && original.month.year() == self.month.year() {
            self.in_year.restored += back.amount_fen;
        }
    }

    /// A later month has begun: the windows that are over are empty again.
    fn move_on(&mut self, month: Month) {
        if month <= self.month {
            return;
        }
        if month.year() > self.month.year() {
            self.in_year = Sum::default();
        }
        self.in_month = Sum::default();
        self.month = month;
    }

    /// C2: what is used after an approval lies between what must have been counted by then and what
    /// may have been.
    fn check_used(&self, (stamp, month): (Stamp, Month), decision: &Decision, blame: Blame<'_>) {
        let amount_fen = decision.amount_fen.unsigned_abs();
        let mut check = |promise, bounds: Bounds, told_fen: i64| {
            let least = bounds.least.saturating_add(amount_fen);
            if u64::try_from(told_fen).is_ok_and(|told| (least..=bounds.most).contains(&told)) {
                return;
            }
            blame(Broken {
                promise,
                expected: Side::Between(least, bounds.most),
                told: Side::Fen(told_fen),
            });
        };
        if month == self.month {
            let bounds = self.month_bounds(stamp);
            check(Promise::MonthUsed, bounds, decision.month.used_fen);
        }
        if month.year() == self.month.year() {
            let bounds = self.year_bounds(stamp);
            check(Promise::YearUsed, bounds, decision.year.used_fen);
        }
    }

    /// A limit may only decline what perhaps did not fit; and the year's only what the month's did
    /// not decline for certain. To be asked after [`Book::decide`], while the payment is still open.
    pub(super) fn check_limit(&self, declined: &LimitDecline, blame: Blame<'_>) {
        let at = declined.decided_at_s;
        if Month::at(at).max(declined.stamp.month) < self.month {
            // It was decided in a window that is over, of which nothing is known any more.
            return;
        }
        let month = self.month_bounds(declined.stamp);
        let (bounds, limit_fen) = if declined.by_year {
            (self.year_bounds(declined.stamp), declined.year_limit_fen)
        } else {
            (month, declined.month_limit_fen)
        };
        if bounds.most <= limit_fen {
            blame(Broken {
                promise: Promise::DeclineFits,
                expected: Side::MoreThan(limit_fen),
                told: Side::AtMost(bounds.most),
            });
        }
        let month_is_certain = Month::at(at.saturating_add(MIDNIGHT_S)) == self.month;
        let with_it = month.least.saturating_add(declined.amount_fen);
        if declined.by_year && month_is_certain && with_it > declined.month_limit_fen {
            blame(Broken {
                promise: Promise::LimitOrder,
                expected: Side::Words("LIMIT_MONTH"),
                told: Side::Words("LIMIT_YEAR"),
            });
        }
    }

    /// D13: room goes back to the windows that are open when a reversal is decided, and to no other.
    pub(super) fn check_restored(&self, original: &Original, back: &Restored, blame: Blame<'_>) {
        let decided = Month::at(back.decided_at_s);
        let soon = Month::at(back.decided_at_s.saturating_add(MIDNIGHT_S)).max(self.month);
        let mut check = |told: bool, counted: u32, earliest: u32, latest: u32| {
            let (may, may_not) = (counted >= earliest, counted < latest);
            if if told { may } else { may_not } {
                return;
            }
            let words = |restored| {
                if restored {
                    "room given back"
                } else {
                    "no room given back"
                }
            };
            blame(Broken {
                promise: Promise::Restored,
                expected: Side::Words(words(!told)),
                told: Side::Words(words(told)),
            });
        };
        let of = original.month;
        check(back.month, of.ordinal(), decided.ordinal(), soon.ordinal());
        check(back.year, of.year(), decided.year(), soon.year());
    }

    fn month_bounds(&self, stamp: Stamp) -> Bounds {
        let same = stamp.month == self.month;
        self.in_month
            .bounds(self.flow, same.then_some(stamp.in_month))
    }

    fn year_bounds(&self, stamp: Stamp) -> Bounds {
        let same = stamp.month.year() == self.month.year();
        self.in_year
            .bounds(self.flow, same.then_some(stamp.in_year))
    }
}

/// D1: an approval counts in the month that it was decided in, and never in an earlier one than
/// an answer that was there before it was asked for.
fn check_period(
    (stamp, decided, counted): (Stamp, Span, Month),
    decision: &Decision,
    blame: Blame<'_>,
) {
    let earliest = decided.before(decision.decided_at_s, MIDNIGHT_S);
    let latest = decided.after(decision.decided_at_s, MIDNIGHT_S);
    // A clock that was set back does not open an older month again.
    let in_time = counted >= earliest && counted <= latest.max(stamp.month);
    if !in_time || counted < stamp.month {
        blame(Broken {
            promise: Promise::Period,
            expected: Side::Words("the month that it was decided in"),
            told: Side::Words("another month"),
        });
    }
}

/// What a reversal or refund did to the limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Restored {
    /// Principal, in fen.
    pub(super) amount_fen: u64,
    /// The month has it back.
    pub(super) month: bool,
    /// The year has it back.
    pub(super) year: bool,
    /// When it was decided.
    pub(super) decided_at_s: i64,
}

/// A payment that the limit of a window has declined.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitDecline {
    /// What was known when it was sent.
    pub(super) stamp: Stamp,
    /// Its principal, in fen.
    pub(super) amount_fen: u64,
    /// When it was decided.
    pub(super) decided_at_s: i64,
    /// It was the year's, not the month's.
    pub(super) by_year: bool,
    /// The month's limit, in fen.
    pub(super) month_limit_fen: u64,
    /// The year's limit, in fen.
    pub(super) year_limit_fen: u64,
}

/// What the audit compares.
impl Book {
    /// Decisions acknowledged, and the sum of their ids' hashes.
    pub(super) fn acknowledged(&self) -> (u32, u128) {
        (self.decided, joined(self.ids))
    }

    /// What must be used of the month and the year and what may be, seen from a month that is open
    /// now; both are the same where nothing is open any more.
    pub(super) fn used_in(&self, month: Month) -> (Bounds, Bounds) {
        let mut seen = self.clone();
        seen.move_on(month);
        let Flow {
            paying, returning, ..
        } = seen.flow;
        let bounds = |used: u64| Bounds {
            least: used.saturating_sub(returning),
            most: used.saturating_add(paying),
        };
        (bounds(seen.in_month.used()), bounds(seen.in_year.used()))
    }

    /// The latest month in which it is known to have been decided on.
    pub(super) fn month(&self) -> Month {
        self.month
    }

    /// It may be told that its password is locked (D7).
    pub(super) fn may_be_locked(&self) -> bool {
        self.may_be_locked
    }

    /// Cards that may have been bound at one moment since then, without one that was being bound.
    pub(super) fn perhaps_bound_since(&self, stamp: Stamp) -> u64 {
        self.cards.perhaps_since(stamp.cards).saturating_sub(1)
    }

    /// Something was asked of it.
    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }

    /// An answer is missing for good.
    pub(super) fn give_up_proof(&mut self) {
        self.unproven = true;
    }

    /// Whether an answer is missing for good.
    pub(super) fn is_unproven(&self) -> bool {
        self.unproven
    }
}

/// The issuer's reasons come last among all, and only they let go of something that was held.
fn is_issuers(reason: i32) -> bool {
    reason >= waika::v1::DeclineReason::IssuerExpiredCard as i32
}

fn joined([low, high]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn halves(wide: u128) -> [u64; 2] {
    let low = u64::try_from(wide & u128::from(u64::MAX)).unwrap_or(0);
    [low, u64::try_from(wide >> 64).unwrap_or(0)]
}
