//! The oracle notices what is answered differently.

use tonic::{Code, Status};
use waika::v1;

use crate::call::{Answered, Request};
use crate::finding::{Kind, count};
use crate::oracle::Oracle;
use crate::people::pay;

fn payment(key: &str) -> Request {
    Request::Authorise(pay(6, key, "card_1"))
}

fn decided(id: &str) -> Answered {
    Answered::authorise(v1::AuthoriseResponse {
        authorisation: Some(v1::Authorisation {
            authorisation_id: id.to_owned(),
            ..v1::Authorisation::default()
        }),
        replayed: false,
        receipt: None,
        timing: None,
    })
}

fn replayed(id: &str) -> Answered {
    Answered {
        replayed: true,
        ..decided(id)
    }
}

/// One key's answers, each in one of the server's lives, and what is found.
fn check(answers: &[(u32, Answered)], expected: &[Kind]) {
    let mut oracle = Oracle::default();
    for (life, answered) in answers {
        oracle.life = *life;
        oracle.sends(&payment("k"));
        oracle.learns(&payment("k"), answered);
    }
    let found: Vec<_> = oracle.findings.iter().map(|found| found.kind).collect();
    assert_eq!(found, expected, "{:?}", oracle.findings);
}

#[test]
fn the_same_answer_again_is_as_it_should_be() {
    check(&[(1, decided("1")), (1, replayed("1"))], &[]);
    check(&[(1, decided("1")), (2, replayed("1"))], &[]);
    // Two sent it at the same time, and the second answer came first.
    check(&[(1, replayed("1")), (1, decided("1"))], &[]);
    // The first answer was lost on its way as the server was killed.
    check(&[(2, replayed("1")), (3, replayed("1"))], &[]);
}

#[test]
fn a_call_that_is_decided_anew_after_a_kill_was_lost() {
    let anew = [(1, decided("1")), (2, decided("2"))];
    check(&anew, &[Kind::Lost]);
    // Even if the new decision is the old one.
    let alike = [(1, decided("1")), (2, decided("1"))];
    check(&alike, &[Kind::Lost]);
    let seen_late = [(2, replayed("1")), (3, decided("1"))];
    check(&seen_late, &[Kind::Lost]);
}

#[test]
fn a_key_that_is_decided_twice_in_one_life_is_duplicated() {
    let twice = [(1, decided("1")), (1, decided("2"))];
    check(&twice, &[Kind::Duplicated]);
}

#[test]
fn another_answer_to_the_same_key_differs() {
    let other = [(1, decided("1")), (2, replayed("2"))];
    check(&other, &[Kind::Other]);
}

#[test]
fn only_a_dying_server_may_leave_a_call_without_answer() {
    for (dying, expected) in [(true, 0), (false, 1)] {
        let mut oracle = Oracle::default();
        oracle.dying = dying;
        oracle.sends(&payment("k"));
        oracle.misses(&payment("k"), &Status::unavailable("gone"));
        assert_eq!(count(&oracle.findings, Kind::Other), expected);
        assert_eq!(oracle.unknown(), [payment("k")]);
    }
}

#[test]
fn a_used_key_with_other_fields_is_a_conflict() {
    let conflict = Status::new(Code::AlreadyExists, "amount_fen");
    let (again, anew) = (replayed("1"), decided("2"));
    for (outcome, expected) in [
        (Err(&conflict), None),
        (Ok(&again), Some(Kind::Other)),
        (Ok(&anew), Some(Kind::Duplicated)),
    ] {
        let mut oracle = Oracle::default();
        oracle.learns_of_conflict(&payment("k"), outcome);
        assert_eq!(oracle.findings.first().map(|found| found.kind), expected);
    }
}

#[test]
fn what_is_shown_of_a_request_holds_no_secret() {
    let shown = payment("k").to_string();
    assert!(shown.contains("100 fen"), "{shown}");
    assert!(!shown.contains(crate::people::PASSWORD), "{shown}");
}
