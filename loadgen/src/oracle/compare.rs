//! Pure: one account as the server shows it after the run, against its book.

use super::asked::Decision;
use super::book::Book;
use super::calendar::Month;
use super::finding::{Blame, Broken, Promise, Side};
use super::sums::Bounds;

/// With more candidates than this, nothing is proven unless all of them are new.
const MOST_CANDIDATES: usize = 12;

/// An account as the server shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The month that is open.
    pub(super) month: Month,
    /// Used of it, in fen.
    pub(super) month_used_fen: i64,
    /// Used of its year, in fen.
    pub(super) year_used_fen: i64,
    /// Cards that are bound.
    pub(super) cards: i64,
    /// What it lists.
    pub(super) listed: Listed,
}

/// The decisions that are listed, newest first, as far as they were read: as many as were
/// acknowledged, and one for each candidate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// So many were acknowledged.
    wanted: u64,
    /// So many were read of them.
    read: u64,
    /// The sum of their ids' hashes.
    ids: u128,
    /// The ids' hashes of those after them.
    further: Vec<u128>,
}

impl Listed {
    /// Nothing read yet, of so many.
    pub(super) fn of(wanted: u64) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Reads the next one.
    pub(super) fn read(&mut self, id_hash: u128) {
        if self.read < self.wanted {
            self.read += 1;
            self.ids = self.ids.wrapping_add(id_hash);
        } else {
            self.further.push(id_hash);
        }
    }

    /// How many were read.
    pub(super) fn count(&self) -> u64 {
        self.read + self.further.len() as u64
    }

    /// The sum of so many more ids than were acknowledged; none if there are not so many.
    fn sum_with(&self, more: usize) -> Option<u128> {
        let whole = self.read == self.wanted;
        let further = self.further.get(..more).filter(|_| whole)?;
        Some(
            further
                .iter()
                .fold(self.ids, |sum, id| sum.wrapping_add(*id)),
        )
    }
}

/// Compares an account with its book, which takes in those of the candidates that it turns out to
/// have: decisions that the server had told before, when nobody knows whether that was heard.
/// Gives back which they are.
pub(super) fn compare(
    book: &mut Book,
    candidates: &[Decision],
    shown: &Shown,
    card_cap: u8,
    blame: Blame<'_>,
) -> Vec<Decision> {
    let fits_all =
        candidates.len() <= MOST_CANDIDATES || sum_of(book, candidates, &shown.listed).is_some();
    if !fits_all {
        book.give_up_proof();
    }
    if book.is_unproven() {
        // A decision of which nobody knows stands somewhere in the list and in the sums: which of
        // the candidates are new cannot be told, and only what was acknowledged is certain.
        compare_least(book, shown, blame);
        compare_cards(book, shown, card_cap, blame);
        return candidates.to_vec();
    }
    let heard = missing_of(book, candidates, &shown.listed);
    let listed = heard.is_some();
    let missing = heard.unwrap_or_else(|| candidates.to_vec());
    for decision in &missing {
        book.acknowledge(decision.id_hash);
        if decision.approved {
            book.count(decision.counted_in(), decision.amount_fen.unsigned_abs());
        }
    }
    if !listed {
        let read = shown.listed.count();
        let (wanted, _) = book.acknowledged();
        let told = if read < wanted.into() {
            Side::Number(read)
        } else {
            Side::Words("as many, but not the same ones")
        };
        blame(Broken {
            promise: Promise::Listed,
            expected: Side::Number(wanted.into()),
            told,
        });
    }
    compare_sums(book, shown, blame);
    compare_cards(book, shown, card_cap, blame);
    missing
}

fn compare_cards(book: &Book, shown: &Shown, card_cap: u8, blame: Blame<'_>) {
    let cards = u64::try_from(shown.cards).unwrap_or(u64::MAX);
    let expected = book.cards.surely()..=book.cards.perhaps();
    if cards > card_cap.into() || !expected.contains(&cards) {
        blame(Broken {
            promise: Promise::Cards,
            expected: Side::Number(*expected.end()),
            told: Side::Number(cards),
        });
    }
}

/// What was acknowledged must be counted, whatever else is.
fn compare_least(book: &Book, shown: &Shown, blame: Blame<'_>) {
    if shown.month < book.month() {
        return;
    }
    let (month, year) = book.used_in(shown.month);
    let mut check = |promise, least: u64, told_fen: i64| {
        if u64::try_from(told_fen).is_ok_and(|told| told >= least) {
            return;
        }
        blame(Broken {
            promise,
            expected: Side::Between(least, u64::MAX),
            told: Side::Fen(told_fen),
        });
    };
    check(Promise::MonthUsed, month.least, shown.month_used_fen);
    check(Promise::YearUsed, year.least, shown.year_used_fen);
}

fn compare_sums(book: &Book, shown: &Shown, blame: Blame<'_>) {
    if shown.month < book.month() {
        blame(Broken {
            promise: Promise::Period,
            expected: Side::Words("a month that is over to stay so"),
            told: Side::Words("an earlier month"),
        });
        return;
    }
    let (month, year) = book.used_in(shown.month);
    let mut check = |promise, Bounds { least, most }: Bounds, told_fen: i64| {
        if u64::try_from(told_fen).is_ok_and(|told| (least..=most).contains(&told)) {
            return;
        }
        blame(Broken {
            promise,
            expected: Side::Between(least, most),
            told: Side::Fen(told_fen),
        });
    };
    check(Promise::MonthUsed, month, shown.month_used_fen);
    check(Promise::YearUsed, year, shown.year_used_fen);
}

/// The sum of the ids of what was acknowledged and chosen, if just that is listed.
fn sum_of(book: &Book, chosen: &[Decision], listed: &Listed) -> Option<u128> {
    let (_, acknowledged) = book.acknowledged();
    let sum = chosen.iter().fold(acknowledged, |sum, decision| {
        sum.wrapping_add(decision.id_hash)
    });
    (listed.sum_with(chosen.len()) == Some(sum)).then_some(sum)
}

/// Those of the candidates that the book has not acknowledged although they are listed: the choice
/// with which the list is exactly what was acknowledged. None if there is no such choice.
fn missing_of(book: &Book, candidates: &[Decision], listed: &Listed) -> Option<Vec<Decision>> {
    let fits = |chosen: &[Decision]| sum_of(book, chosen, listed).is_some();
    if fits(candidates) {
        return Some(candidates.to_vec());
    }
    // The largest choice: without the oldest in the list, a smaller one fits a shorter list as well.
    let mut choices: Vec<u32> = (0..1 << candidates.len()).collect();
    choices.sort_by_key(|choice| std::cmp::Reverse(choice.count_ones()));
    choices
        .into_iter()
        .map(|choice| {
            let chosen = candidates.iter().enumerate();
            let chosen = chosen.filter(|(place, _)| choice >> place & 1 == 1);
            chosen.map(|(_, decision)| *decision).collect::<Vec<_>>()
        })
        .find(|chosen| fits(chosen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::asked::{Baseline, Window};

    const NOW_S: i64 = 1_718_000_000;

    fn decision(id_hash: u128, amount_fen: i64) -> Decision {
        Decision {
            replayed: true,
            approved: true,
            reason: 0,
            amount_fen,
            fee_fen: 0,
            total_fen: amount_fen,
            decided_at_s: NOW_S,
            id_hash,
            body_hash: 0,
            month: Window::default(),
            year: Window::default(),
            is_for: true,
        }
    }

    /// Nothing was acknowledged; two payments were asked for again and had been decided, and a
    /// third cannot be asked for. The server lists and counts all three, newest first.
    fn blames_of(unproven: bool, used_fen: i64) -> usize {
        let mut book = Book::opened(&Baseline {
            month: Month::at(NOW_S),
            month_used_fen: 1_000,
            year_used_fen: 1_000,
            cards: 1,
            locked: false,
        });
        if unproven {
            book.give_up_proof();
        }
        let candidates = [decision(11, 200), decision(33, 300)];
        let mut listed = Listed::of(0);
        for id_hash in [33, 22, 11] {
            listed.read(id_hash);
        }
        let shown = Shown {
            month: Month::at(NOW_S),
            month_used_fen: used_fen,
            year_used_fen: used_fen,
            cards: 1,
            listed,
        };
        let mut blames = 0;
        compare(&mut book, &candidates, &shown, 3, &mut |_| blames += 1);
        blames
    }

    #[test]
    fn what_cannot_be_known_is_no_lie() {
        assert_eq!(blames_of(true, 1_000 + 200 + 300 + 40), 0);
        assert_eq!(blames_of(true, 1_000), 0);
        assert_eq!(
            blames_of(true, 999),
            2,
            "what was there before the run is gone"
        );
    }
}
