//! What the oracle makes of each kind of answer: judged by itself, then against its account's book.

use waika::v1::{BindRefusalReason, DeclineReason, UnbindRefusalReason};

use super::asked::{Asked, Decision, Original, Refusal, Reversed, Told, What};
use super::book::{LimitDecline, Restored, Stamp};
use super::finding::{Broken, Promise, Side};
use super::judge::{self, Payment};
use super::keys::Compared;
use super::{Oracle, all_or};

/// Answers to payments.
impl Oracle {
    pub(super) fn decided(&self, asked: &Asked, stamp: Stamp, decision: &Decision) {
        let What::Authorise {
            amount_fen,
            wrong_password,
            by_code,
        } = asked.what
        else {
            return;
        };
        let mut blame = |broken| self.findings.blame_answer(asked, broken);
        let decided = self.calendar.at(decision.decided_at_s);
        let counted = self.calendar.at(decision.counted_at_s());
        let payment = Payment {
            amount_fen,
            wrong_password: wrong_password && !by_code,
            counted,
        };
        judge::judge_decision(payment, &self.terms, decision, &mut blame);
        let compared = self.compare(asked, decision);
        self.count(asked, |tally| tally.decide(decision, compared));
        let Some(book) = self.book(asked.account) else {
            return;
        };
        let mut book = book.lock();
        if decision.reason == DeclineReason::PasswordLocked as i32 && !book.may_be_locked() {
            blame(Broken {
                promise: Promise::Password,
                expected: Side::Words("a password that is not locked"),
                told: Side::Words("PASSWORD_LOCKED, and no wrong one was sent"),
            });
        }
        if !decision.replayed {
            book.decide((stamp, decided, counted.month), decision, &mut blame);
            if let Some(declined) = self.limit_decline(amount_fen, stamp, decision) {
                book.check_limit(&declined, &mut blame);
            }
        }
        book.pay_no_more(amount_fen);
    }

    /// D18: all answers under a key are the same, and one of them at most is no replay.
    fn compare(&self, asked: &Asked, decision: &Decision) -> Compared {
        if !self.keys.is_any() {
            return Compared::First;
        }
        let compared = self
            .keys
            .compare(asked.key, decision.body_hash, decision.replayed);
        let (promise, expected, told) = match compared {
            Compared::First | Compared::Same | Compared::Forgotten => return compared,
            Compared::Differs => (
                Promise::SameAnswer,
                "the answer that this key had before",
                "another one",
            ),
            Compared::SecondEffect => (
                Promise::OneEffect,
                "a replay, for this key was answered before",
                "a new decision",
            ),
        };
        self.findings.blame_answer(
            asked,
            Broken {
                promise,
                expected: Side::Words(expected),
                told: Side::Words(told),
            },
        );
        compared
    }

    fn limit_decline(
        &self,
        amount_fen: u64,
        stamp: Stamp,
        decision: &Decision,
    ) -> Option<LimitDecline> {
        let by_year = match DeclineReason::try_from(decision.reason) {
            Ok(DeclineReason::LimitMonth) => false,
            Ok(DeclineReason::LimitYear) => true,
            Ok(_) | Err(_) => return None,
        };
        Some(LimitDecline {
            stamp,
            amount_fen,
            decided_at_s: decision.decided_at_s,
            by_year,
            month_limit_fen: self.terms.month_fen,
            year_limit_fen: self.terms.year_fen,
        })
    }
}

/// Answers to reversals and refunds.
impl Oracle {
    pub(super) fn reversed(
        &self,
        asked: &Asked,
        (back_fen, original): (u64, &Original),
        told: &Reversed,
    ) {
        let mut blame = |broken| self.findings.blame_answer(asked, broken);
        judge::judge_back(back_fen, original, told, &mut blame);
        self.count(asked, |tally| tally.give_back(told, false));
        let Some(book) = self.book(asked.account) else {
            return;
        };
        let mut book = book.lock();
        if !told.replayed {
            let back = restored(told);
            book.check_restored(original, &back, &mut blame);
            book.restore(original, &back);
        }
        book.give_back_no_more(all_or(back_fen, original));
    }

    /// D13: a refund gives no room back.
    pub(super) fn refunded(
        &self,
        asked: &Asked,
        (back_fen, original): (u64, &Original),
        told: &Reversed,
    ) {
        let mut blame = |broken| self.findings.blame_answer(asked, broken);
        judge::judge_back(back_fen, original, told, &mut blame);
        self.count(asked, |tally| tally.give_back(told, true));
        if told.month_restored || told.year_restored {
            blame(Broken {
                promise: Promise::Restored,
                expected: Side::Words("no room given back by a refund"),
                told: Side::Words("room given back"),
            });
        }
    }

    pub(super) fn not_given_back(&self, asked: &Asked, refusal: Refusal) {
        let original = match &asked.what {
            What::Reverse { original, .. } => Some(original),
            _ => None,
        };
        judge::judge_refusal(original, refusal, &mut |broken| {
            self.findings.blame_answer(asked, broken);
        });
        self.count(asked, |tally| tally.refused += 1);
        self.no_longer_open(asked);
    }
}

pub(super) fn restored(told: &Reversed) -> Restored {
    Restored {
        amount_fen: told.amount_fen.unsigned_abs(),
        month: told.month_restored,
        year: told.year_restored,
        decided_at_s: told.decided_at_s,
    }
}

/// Answers to binds and unbinds.
impl Oracle {
    /// R39: three cards at most, and a bind is refused for that only where there may be three.
    pub(super) fn bound(&self, asked: &Asked, stamp: Stamp, told: &Told) {
        let Some(book) = self.book(asked.account) else {
            return;
        };
        let mut book = book.lock();
        let most = u64::from(self.terms.cards);
        let blame = |expected, told| {
            self.findings.blame_answer(
                asked,
                Broken {
                    promise: Promise::Cards,
                    expected,
                    told,
                },
            );
        };
        if let Told::Refused(refusal) = told {
            let full = refusal.reason == BindRefusalReason::CardCapReached as i32;
            if full && book.perhaps_bound_since(stamp) < most {
                blame(
                    Side::Words("room for a card"),
                    Side::Words("CARD_CAP_REACHED"),
                );
            }
            book.cards.bind_no_more(false);
            self.count(asked, |tally| tally.refused += 1);
            return;
        }
        book.cards.bind_no_more(true);
        if book.cards.surely() > most {
            blame(Side::Number(most), Side::Number(book.cards.surely()));
        }
        self.count(asked, |tally| tally.bound += 1);
    }

    pub(super) fn unbound(&self, asked: &Asked, told: &Told) {
        let done = matches!(told, Told::Done);
        if let Told::Refused(refusal) = told
            && refusal.reason == UnbindRefusalReason::PasswordWrong as i32
        {
            self.findings.blame_answer(
                asked,
                Broken {
                    promise: Promise::Password,
                    expected: Side::Words("no word of the password, for it was right"),
                    told: Side::Words("PASSWORD_WRONG"),
                },
            );
        }
        if let Some(book) = self.book(asked.account) {
            book.lock().cards.unbind_no_more(done);
        }
        self.count(asked, |tally| {
            tally.unbound += u64::from(done);
            tally.refused += u64::from(!done);
        });
    }
}
