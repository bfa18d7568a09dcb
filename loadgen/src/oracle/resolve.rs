//! What becomes of calls that had no answer, once they were asked again under their keys.

use super::asked::{Decision, Told, What};
use super::judge::{self, Payment};
use super::keys::Compared;
use super::unknown::Unknown;
use super::{Oracle, all_or, told};

impl Oracle {
    /// Takes in the decision that a payment has after all. One that was made only now is counted;
    /// one that was told before may have been heard under another call of the key, and is given back
    /// for the account's list to decide.
    pub(super) fn resolve_payment(
        &self,
        unknown: &Unknown,
        decision: &Decision,
    ) -> Option<Decision> {
        let asked = &unknown.asked;
        let What::Authorise {
            amount_fen,
            wrong_password,
            by_code,
        } = asked.what
        else {
            return None;
        };
        let payment = Payment {
            amount_fen,
            wrong_password: wrong_password && !by_code,
            counted: self.calendar.at(decision.counted_at_s()),
        };
        judge::judge_decision(payment, &self.terms, decision, &mut |broken| {
            self.findings.blame_answer(asked, broken);
        });
        let mut book = self.book(asked.account)?.lock();
        book.pay_no_more(amount_fen.saturating_mul(unknown.times));
        if decision.replayed {
            return Some(*decision);
        }
        book.acknowledge(decision.id_hash);
        if decision.approved {
            book.count(decision.counted_in(), decision.amount_fen.unsigned_abs());
        }
        drop(book);
        self.count(asked, |tally| tally.decide(decision, Compared::First));
        None
    }

    /// Takes in what a reversal has come to after all. No answer to it was heard before, so it
    /// counts whether it was told before or not. False if it is no answer to a reversal.
    pub(super) fn resolve_reversal(&self, unknown: &Unknown, answer: &Told) -> bool {
        let asked = &unknown.asked;
        let (What::Reverse { back_fen, original }, Some(book)) =
            (asked.what, self.book(asked.account))
        else {
            return false;
        };
        let mut blame = |broken| self.findings.blame_answer(asked, broken);
        match answer {
            Told::Reversed(reversed) => {
                judge::judge_back(back_fen, &original, reversed, &mut blame);
                let mut heard = *reversed;
                heard.replayed = false;
                self.count(asked, |tally| tally.give_back(&heard, false));
                let back = told::restored(reversed);
                let mut book = book.lock();
                book.check_restored(&original, &back, &mut blame);
                book.restore(&original, &back);
            }
            Told::Refused(refusal) => {
                judge::judge_refusal(Some(&original), *refusal, &mut blame);
                self.count(asked, |tally| tally.refused += 1);
            }
            Told::Decision(_) | Told::Done | Told::NotDone => return false,
        }
        let open = all_or(back_fen, &original).saturating_mul(unknown.times);
        book.lock().give_back_no_more(open);
        true
    }

    /// Whether a payment without an answer was counted by another call of its key; then there is
    /// nothing to ask.
    pub(super) fn is_answered_elsewhere(&self, unknown: &Unknown) -> bool {
        let What::Authorise { amount_fen, .. } = unknown.asked.what else {
            return false;
        };
        let known = self.keys.was_counted(unknown.asked.key);
        if known && let Some(book) = self.book(unknown.asked.account) {
            book.lock()
                .pay_no_more(amount_fen.saturating_mul(unknown.times));
        }
        known
    }
}
