use std::sync::Arc;
use std::thread;
use std::time::Duration;

use waika_domain::event::ApprovalCode;

use super::*;
use crate::exit::Reason;
use crate::ledger::journal::disk::{Disk, MemoryDisk};
use crate::ledger::journal::{Batch, Journal, JournalOptions};

const CODE: ApprovalCode = ApprovalCode(*b"ABC123");
const APPROVED: Verdict = Verdict::Approved {
    code: CODE,
    one_more: false,
};
const ONE_MORE: Verdict = Verdict::Approved {
    code: CODE,
    one_more: true,
};

fn asked(number: u64, amount_fen: i64) -> Asked {
    Asked {
        id: TransactionId([0, number]),
        card: 7,
        amount_fen,
        scheme: Scheme::Visa,
        verification: false,
    }
}

fn reversal(advice: u64, number: u64, amount_fen: i64) -> Reversal {
    Reversal {
        advice: [0, advice],
        transaction: TransactionId([0, number]),
        amount_fen,
        scheme: Scheme::Visa,
    }
}

/// Asks and decides at once.
fn book(books: &Books, asked: &Asked, verdict: Verdict) -> Transaction {
    match books.begin(asked) {
        Begun::First(told) => {
            books.decide(asked.id, verdict).unwrap();
            told.blocking_recv().unwrap().what
        }
        Begun::Known(told) => told.what,
        other => panic!("{other:?}"),
    }
}

/// What a reversal gave back; None if its name was taken.
fn give_back(books: &Books, reversal: Reversal) -> Option<i64> {
    let given = books.reverse(&reversal).unwrap();
    given.ok().map(|given| given.what)
}

fn seen(books: &Books, number: u64) -> (State, String, i64, i64) {
    let told = books.look_up(TransactionId([0, number])).unwrap().what;
    let code = told.response_code().to_owned();
    (told.state(), code, told.amount_fen(), told.reversed_fen())
}

#[test]
fn a_transaction_is_decided_once() {
    let books = Books::empty();
    let asked = asked(1, 500);
    let Begun::First(first) = books.begin(&asked) else {
        panic!("nobody asked before");
    };
    let Begun::Joined(second) = books.begin(&asked) else {
        panic!("it is being decided");
    };
    assert_eq!(books.look_up(asked.id), None, "not decided yet");
    books.decide(asked.id, APPROVED).unwrap();
    books.decide(asked.id, Verdict::Declined(*b"05")).unwrap();
    let told = first.blocking_recv().unwrap();
    assert_eq!(second.blocking_recv().unwrap(), told);
    assert_eq!(told.what.approval_code(), "ABC123");
    assert_eq!(book(&books, &asked, Verdict::Declined(*b"05")), told.what);
}

#[test]
fn another_transaction_of_the_same_name_differs() {
    let books = Books::empty();
    let first = asked(1, 500);
    let others = [
        Asked { card: 8, ..first },
        Asked {
            amount_fen: 501,
            ..first
        },
        Asked {
            scheme: Scheme::Jcb,
            ..first
        },
        Asked {
            verification: true,
            ..first
        },
    ];
    let begun = books.begin(&first);
    let differs = |other: &Asked| matches!(books.begin(other), Begun::Differs);
    assert!(others.iter().all(differs), "while it is being decided");
    books.decide(first.id, APPROVED).unwrap();
    assert!(others.iter().all(differs), "once it is decided");
    assert!(matches!(begun, Begun::First(_)));
    assert_eq!(seen(&books, 1), (State::Approved, "00".into(), 500, 0));
}

#[test]
fn a_reversal_gives_back_what_remains_and_says_so() {
    let books = Books::empty();
    book(&books, &asked(1, 500), APPROVED);
    for (advice, amount_fen, gave) in [
        (1, 100, Some(100)),
        (1, 100, Some(100)),
        (1, 101, None),
        (2, 450, Some(400)),
        (3, 0, Some(0)),
        (1, 100, Some(100)),
    ] {
        assert_eq!(give_back(&books, reversal(advice, 1, amount_fen)), gave);
    }
    assert_eq!(give_back(&books, reversal(1, 2, 100)), None);
    assert_eq!(seen(&books, 1), (State::Approved, "00".into(), 500, 500));
    book(&books, &asked(3, 500), Verdict::Declined(*b"51"));
    assert_eq!(give_back(&books, reversal(4, 3, 0)), Some(0));
    assert_eq!(seen(&books, 3), (State::Declined, "51".into(), 0, 0));
}

#[test]
fn what_is_given_back_first_is_declined_when_it_comes() {
    let books = Books::empty();
    assert_eq!(give_back(&books, reversal(1, 1, 0)), Some(0));
    assert_eq!(
        seen(&books, 1),
        (State::GivenBackFirst, String::new(), 0, 0)
    );
    let late = book(&books, &asked(1, 500), APPROVED);
    assert_eq!((late.response_code(), late.amount_fen()), ("94", 0));
    assert_eq!(book(&books, &asked(1, 500), APPROVED), late);
    assert!(matches!(books.begin(&asked(1, 501)), Begun::Differs));
    assert_eq!(give_back(&books, reversal(2, 1, 0)), Some(0));
    assert_eq!(seen(&books, 1), (State::CameTooLate, "94".into(), 0, 0));
}

#[test]
fn a_reversal_wins_over_a_decision_that_is_on_its_way() {
    let books = Books::empty();
    let begun = books.begin(&asked(1, 500));
    assert_eq!(give_back(&books, reversal(1, 1, 200)), Some(0));
    books.decide(TransactionId([0, 1]), APPROVED).unwrap();
    let Begun::First(told) = begun else {
        panic!("{begun:?}");
    };
    let told = told.blocking_recv().unwrap().what;
    assert_eq!((told.response_code(), told.amount_fen()), ("94", 0));
}

#[test]
fn a_fen_too_many_is_taken_back_unless_something_was_given_back() {
    let books = Books::empty();
    let id = |number| TransactionId([0, number]);
    assert_eq!(book(&books, &asked(1, 500), ONE_MORE).amount_fen(), 501);
    let right = books.correct(id(1)).unwrap().unwrap().what;
    assert_eq!((right.amount_fen(), right.is_one_more()), (500, false));
    assert_eq!(books.correct(id(1)).unwrap().unwrap().what, right);

    book(&books, &asked(2, 500), ONE_MORE);
    assert_eq!(give_back(&books, reversal(1, 2, 0)), Some(501));
    books.correct(id(2)).unwrap();
    assert_eq!(seen(&books, 2), (State::Approved, "00".into(), 501, 501));
    assert_eq!(books.correct(id(3)), Ok(None));
}

type Row = (TransactionId, Transaction);
type GivenRow = ([u64; 2], Given);

/// Everything in the books, in an order of its own.
fn everything(books: &Books) -> (Vec<Row>, Vec<GivenRow>) {
    let parts = (0..).map_while(|number| books.part(number));
    let mut transactions: Vec<_> = parts.flat_map(|part| part.what).collect();
    transactions.sort_unstable_by_key(|(id, _)| *id);
    let reversals = books.reversals.iter();
    let mut reversals: Vec<_> = reversals.flat_map(|part| part.lock().clone()).collect();
    reversals.sort_unstable_by_key(|(advice, _)| *advice);
    (transactions, reversals)
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::new(Duration::ZERO))
}

const OPTIONS: JournalOptions = JournalOptions {
    segment_bytes: 4_096,
};

#[test]
fn books_are_replayed_as_they_were() {
    let disk = disk();
    let books = Books::replay(Arc::clone(&disk), OPTIONS, 1).unwrap();
    for number in 0..300 {
        let verdict = match number % 4 {
            0 => Verdict::Declined(*b"51"),
            1 => ONE_MORE,
            _ => APPROVED,
        };
        if number % 5 == 0 {
            give_back(&books, reversal(number, number, 0));
        }
        if number % 15 != 0 {
            book(&books, &asked(number, 500), verdict);
        }
        if number % 8 == 1 {
            books.correct(TransactionId([0, number])).unwrap();
        }
        if number % 3 == 0 {
            give_back(&books, reversal(1_000 + number, number, 100));
        }
    }
    // What was being decided is forgotten, and asked again.
    let Begun::First(_) = books.begin(&asked(1_000, 1)) else {
        panic!("nobody asked before");
    };
    books.close().unwrap();
    assert!(books.reverse(&reversal(5_000, 2, 1)).is_err(), "closed");
    let before = everything(&books);
    drop(books);
    let books = Books::replay(disk, OPTIONS, 1).unwrap();
    assert_eq!(everything(&books), before);
    assert_eq!(books.len(), 300);
    assert!(matches!(books.begin(&asked(1_000, 1)), Begun::First(_)));
}

#[test]
fn the_journal_of_something_else_is_no_books() {
    for entries in [
        vec![b"hello".to_vec()],
        vec![Happened::Corrected(TransactionId([1, 2])).encode()],
        vec![Happened::Begun.encode(), Happened::Begun.encode()],
    ] {
        let disk = disk();
        let none = |_: u64, _: &[u8]| Ok::<_, entry::Unknown>(());
        let mut journal = Journal::open(Arc::clone(&disk), OPTIONS, none).unwrap();
        let mut batch = Batch::new();
        for entry in &entries {
            batch.push(entry);
        }
        journal.commit(&mut batch).unwrap();
        drop(journal);
        let failure = Books::replay(disk, OPTIONS, 1).unwrap_err();
        assert_eq!(failure.reason, Reason::Damaged);
        assert!(failure.text.contains("--books"), "{failure}");
    }
}

/// Payments and their reversals race each other, in threads: nothing stands that was given back.
#[test]
fn whoever_comes_first_nothing_stands_that_was_given_back() {
    const TRANSACTIONS: u64 = 2_000;
    let books = Books::empty();
    let gave: i64 = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..TRANSACTIONS {
                book(&books, &asked(number, 500), APPROVED);
            }
        });
        let reversing = [(0, 200), (1, 0), (1, 0)].map(|(round, amount_fen)| {
            let books = &books;
            scope.spawn(move || {
                let given_back = (0..TRANSACTIONS)
                    .map(|number| reversal(round * TRANSACTIONS + number, number, amount_fen));
                let gave = given_back.map(|advice| give_back(books, advice).unwrap());
                gave.sum::<i64>()
            })
        });
        let [part, all, again] = reversing.map(|thread| thread.join().unwrap());
        assert_eq!(all, again, "the same advice twice");
        part + all
    });
    let (transactions, _) = everything(&books);
    assert_eq!(transactions.len() as u64, TRANSACTIONS);
    assert!(transactions.iter().all(|(_, of)| of.is_given_back()));
    let amounts = transactions.iter().map(|(_, of)| of.amount_fen());
    assert_eq!(amounts.sum::<i64>(), gave, "to the fen");
}
