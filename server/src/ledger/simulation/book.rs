//! The books that are kept from the journal's entries alone, by sums of their own: what stands of each
//! account, and what a limit was at any entry. No rule of the server is asked.

use std::collections::{BTreeMap, BTreeSet};

use waika_domain::event::{Event, GiveBack, Reservation};
use waika_domain::period::Timestamp;

use super::asked::{account_id, merchant, policy};
use crate::ledger::decode::{self, Stored};
use crate::ledger::{Ledger, Numbered as _};

/// A month of the business zone as year and month; the year alone has the month 0.
type Period = (i32, u8);

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) entries: BTreeMap<u64, Stored>,
    accounts: BTreeMap<String, Books>,
    merchants: BTreeMap<String, u64>,
    /// By RPC, scope and key: where it began and where it was decided.
    keys: BTreeMap<(u32, String, String), [Option<u64>; 2]>,
}

#[derive(Debug, Default)]
struct Books {
    /// Fen that are held or approved and not given back.
    used: BTreeMap<Period, i64>,
    /// By the entry that holds it or has approved it.
    held: BTreeMap<u64, Held>,
    approved: BTreeMap<u64, Held>,
    cards: BTreeSet<u64>,
    binding: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Held {
    fen: i64,
    periods: [Period; 2],
    given_back: i64,
}

impl Book {
    /// Reads everything that is durable.
    pub(super) fn read(ledger: &Ledger) -> Self {
        let mut book = Self::default();
        let durable = ledger.queue.durable();
        let read = ledger.reader.read_all(1, durable, |sequence, entry| {
            book.enter(sequence, decode::entry(entry)?);
            Ok::<_, decode::NotUnderstood>(())
        });
        let last = read.unwrap_or_else(|error| panic!("the journal cannot be read: {error}"));
        assert!(
            last >= durable,
            "it ends at {last}, and {durable} are durable"
        );
        book
    }

    fn enter(&mut self, sequence: u64, stored: Stored) {
        if let Some(event) = stored.event() {
            self.enter_key(sequence, &stored, event);
            let books = self.accounts.entry(stored.account.to_string()).or_default();
            books.enter(sequence, stored.at, event);
            if let Event::MerchantPut(merchant) = event {
                self.merchants.insert(merchant.id.to_string(), sequence);
            }
        }
        self.entries.insert(sequence, stored);
    }

    /// A key has one effect.
    fn enter_key(&mut self, sequence: u64, stored: &Stored, event: &Event) {
        let Some(call) = &stored.call else { return };
        let scope = match event {
            Event::MerchantPut(merchant) => merchant.id.to_string(),
            _ => stored.account.to_string(),
        };
        let name = (call.rpc.number(), scope, call.key.as_str().to_owned());
        let [began, decided] = self.keys.entry(name).or_default();
        let place = if event.is_beginning() {
            &mut *began
        } else {
            &mut *decided
        };
        let before = place.replace(sequence);
        assert!(
            before.is_none(),
            "{:?} has an effect at {before:?} and at {sequence}",
            call.key
        );
        let is_in_order = began.is_none_or(|began| decided.is_none_or(|end| began < end));
        assert!(is_in_order, "{:?} ended before it began", call.key);
    }

    /// Where a key was decided.
    pub(super) fn decided(&self, (rpc, scope, key): (u32, &str, &str)) -> Option<u64> {
        let name = (rpc, scope.to_owned(), key.to_owned());
        self.keys.get(&name).and_then(|[_, decided]| *decided)
    }

    /// What operators did is one list through the journal, which ends where memory has it end.
    fn check_operator_log(&self, ledger: &Ledger) {
        let mut last = 0;
        for (sequence, stored) in &self.entries {
            let event = stored.event();
            let is_operators = event.is_some_and(|event| {
                matches!(
                    event,
                    Event::MerchantPut(_)
                        | Event::CardStatusSet(_)
                        | Event::ClockSet(_)
                        | Event::PasswordUnlocked(_)
                ) || event.is_about_policies()
            });
            let previous = stored.operated.as_ref().map(|operated| operated.previous);
            let expected = is_operators.then_some(last);
            assert_eq!(previous, expected, "entry {sequence}: {event:?}");
            if is_operators {
                last = *sequence;
            }
        }
        assert_eq!(ledger.authoriser.operator_log.last(), last);
    }

    /// Memory is what the books say. Nothing may be waiting to become durable.
    pub(super) fn compare(&self, ledger: &Ledger) {
        self.check_operator_log(ledger);
        for number in 0..2 {
            let id = account_id(number);
            let now = ledger.authoriser.clock.now();
            let here = ledger.authoriser.accounts.with_account(&id, |account| {
                let usage = account.usage().at(now);
                let cards: BTreeSet<_> = account
                    .cards()
                    .iter()
                    .map(|card| card.token.bits())
                    .collect();
                (usage.in_month.value(), usage.in_year.value(), cards)
            });
            let books = self.accounts.get(id.as_str());
            assert_eq!(here.is_some(), books.is_some(), "account {id}");
            let (Some(here), Some(books)) = (here, books) else {
                continue;
            };
            let [month, year] = periods(now).map(|period| books.used(period));
            assert_eq!(here, (month, year, books.cards.clone()), "account {id}");
        }
        for (id, sequence) in &self.merchants {
            let id = waika_domain::identifiers::MerchantId::parse(id).unwrap();
            let here = ledger
                .authoriser
                .merchants
                .find(&id)
                .map(|here| (*here).clone());
            let Some(Event::MerchantPut(there)) = self.entries[sequence].event() else {
                unreachable!("it was put by that entry");
            };
            assert_eq!(here.as_ref(), Some(there), "merchant {id}");
            assert!(
                (0..4).any(|version| *there == merchant(0, version)),
                "{there:?}"
            );
        }
    }
}

impl Books {
    fn used(&self, period: Period) -> i64 {
        self.used.get(&period).copied().unwrap_or_default()
    }

    fn enter(&mut self, sequence: u64, at: Timestamp, event: &Event) {
        match event {
            Event::Reserved(reservation) => {
                let held = self.hold(at, reservation);
                self.held.insert(sequence, held);
            }
            Event::Posted(posted) => {
                let held = match posted.reserved_by {
                    None => self.hold(at, &posted.reservation),
                    Some(began) => self.held.remove(&began).expect("what is approved is held"),
                };
                self.approved.insert(sequence, held);
            }
            Event::Voided(voided) => {
                let held = self.held.remove(&voided.reserved_by);
                let held = held.expect("what is voided is held");
                self.give_back(&held, held.fen);
            }
            Event::ReversalDecided(decided) => {
                let Ok(given) = decided.outcome else { return };
                let fen = given.principal.value();
                let original = self.approved.get_mut(&decided.original);
                let original = original.expect("what is given back was approved");
                original.given_back += fen;
                assert!(
                    fen > 0 && original.given_back <= original.fen,
                    "{decided:?}"
                );
                if decided.kind == GiveBack::Reversal {
                    let original = original.clone();
                    self.give_back(&original, fen);
                }
            }
            Event::BindReserved(_) => {
                self.binding.insert(sequence);
            }
            Event::BindDecided(decided) => {
                if let Some(began) = decided.reserved_by {
                    assert!(self.binding.remove(&began), "{decided:?}");
                }
                if let Ok(binding) = &decided.outcome {
                    assert!(self.cards.insert(binding.card.token.bits()), "bound twice");
                }
            }
            Event::UnbindDecided(decided) if decided.outcome.is_ok() => {
                assert!(self.cards.remove(&decided.card.bits()), "unbound twice");
            }
            _ => {}
        }
        assert!(
            self.cards.len() + self.binding.len() <= 3,
            "R39 at {sequence}"
        );
    }

    /// Counts what is held in its month and its year, which have a limit each.
    fn hold(&mut self, at: Timestamp, reservation: &Reservation) -> Held {
        let limits = match &*reservation.policy {
            "policy-0" => policy(0).limits,
            _ => waika_domain::policy::Policy::weixin_2023().limits,
        };
        let fen = reservation.payment.amount.fen().value();
        assert!(fen <= limits.single.value(), "R63: {reservation:?}");
        let periods = periods(at);
        for (period, limit) in periods.into_iter().zip([limits.month, limits.year]) {
            let used = self.used.entry(period).or_default();
            *used += fen;
            assert!(
                *used <= limit.value(),
                "R64, R65: {used} in {period:?}, {reservation:?}"
            );
        }
        Held {
            fen,
            periods,
            given_back: 0,
        }
    }

    fn give_back(&mut self, held: &Held, fen: i64) {
        for period in held.periods {
            *self.used.entry(period).or_default() -= fen;
        }
    }
}

/// Month and year of an instant in Asia/Shanghai, counted day by day.
fn periods(at: Timestamp) -> [Period; 2] {
    let mut days = (at.unix_ms() + 8 * 3_600_000).div_euclid(86_400_000);
    let mut year = 1970;
    let is_leap = |year: i32| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    [(year, month), (year, 0)]
}
