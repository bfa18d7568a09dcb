//! F14, its second half: nodes without state of their own decide over one row in a database by comparing
//! its version. Two nodes, three operations, lost connections and crashes, in every order: no limit is
//! passed, a key has one decision, nothing told is lost, and no decision is stale. Each guard that is
//! taken away is missed.
//!
//! `WAIKA_MODEL=large cargo test --release --test models -- --nocapture` is the long form: losses
//! and crashes together.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod bugs;
mod database;
mod nodes;
mod properties;
mod protocol;
mod steps;

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use bugs::Bug;
use properties::{DURABLE, FAILED, ONE_DECISION, RIGHT, TOLD_RIGHT, UNBOUND, USED};
use protocol::{Ask, Form, Protocol, Request};

/// The forms of the statements.
const FORMS: [Form; 3] = [Form::Versions, Form::Deltas, Form::Mixed];
/// A key, which some requests share.
const KEY_A: u8 = 0;
/// Another.
const KEY_B: u8 = 1;
/// The third.
const KEY_C: u8 = 2;

/// Three operations.
type Asked = [Request; 3];

/// What a caller asks for with a key, and where.
const fn request(ask: Ask, key: u8, home: u8) -> Request {
    Request { ask, key, home }
}

/// One key sent to both nodes, and another payment: the limit admits one of the two.
const PAYMENTS: Asked = [
    request(Ask::Pay(3), KEY_A, 0),
    request(Ask::Pay(3), KEY_A, 1),
    request(Ask::Pay(4), KEY_B, 1),
];
/// One key sent to both nodes, and the card is unbound meanwhile.
const UNBIND: Asked = [
    request(Ask::Pay(3), KEY_A, 0),
    request(Ask::Pay(3), KEY_A, 1),
    request(Ask::Unbind, KEY_C, 1),
];
/// Two payments, and the card is unbound meanwhile.
const ALL_KINDS: Asked = [
    request(Ask::Pay(3), KEY_A, 0),
    request(Ask::Pay(4), KEY_B, 1),
    request(Ask::Unbind, KEY_C, 0),
];

/// Three payments. The second is the first of another month, so what a node remembers is soon too much.
const MONTHS: Asked = [
    request(Ask::Pay(4), KEY_A, 1),
    request(Ask::Pay(2), KEY_B, 0),
    request(Ask::Pay(4), KEY_C, 1),
];

/// No planted bug needs so many steps.
const DEEPEST: usize = 20;

/// How many connections and nodes are lost: the one, and the other.
const SHORT: [(u8, u8); 2] = [(1, 0), (0, 1)];
/// In the long form: both together, and two connections.
const LONG: [(u8, u8); 2] = [(1, 1), (2, 0)];

/// A protocol that loses one connection.
fn honest(asked: Asked, form: Form) -> Protocol {
    Protocol {
        requests: asked.to_vec(),
        form,
        midnights: 0,
        losses: 1,
        crashes: 0,
        bug: None,
    }
}

/// Whether the long form is wanted.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn large() -> bool {
    std::env::var_os("WAIKA_MODEL").is_some_and(|value| value == "large")
}

/// What is found: its name, and how much was explored.
#[derive(Debug, Default)]
struct Found {
    /// Broken, or never seen.
    wrong: Vec<(Form, &'static str)>,
    /// The states of all forms together.
    states: usize,
    /// The most steps of a run.
    deepest: usize,
}

impl Found {
    /// Visits all the states of a protocol.
    fn explore(&mut self, protocol: Protocol) {
        let (form, expected) = (protocol.form, protocol.properties());
        let checker = protocol.checker().spawn_dfs().join();
        let found = checker.discoveries();
        let wrong = expected.iter().filter(|property| {
            found.contains_key(property.name) == property.expectation.discovery_is_failure()
        });
        self.wrong
            .extend(wrong.map(|property| (form, property.name)));
        self.states += checker.unique_state_count();
        self.deepest = self.deepest.max(checker.max_depth());
    }
}

/// Visits all the states of some operations, in all forms.
fn explored(asked: Asked, midnights: u8) -> Found {
    let mut found = Found::default();
    for (losses, crashes) in if large() { LONG } else { SHORT } {
        for form in FORMS {
            found.explore(Protocol {
                midnights,
                losses,
                crashes,
                ..honest(asked, form)
            });
        }
    }
    found
}

/// The payments of two months, without a loss.
fn over_midnight(form: Form) -> Protocol {
    Protocol {
        midnights: 1,
        losses: 0,
        ..honest(MONTHS, form)
    }
}

/// The same with one guard taken away, and a property that it breaks by that.
fn planted() -> Vec<(Bug, Protocol, &'static str)> {
    let payments = honest(PAYMENTS, Form::Versions);
    let deltas = honest(PAYMENTS, Form::Deltas);
    let months = over_midnight(Form::Versions);
    let months_by_deltas = over_midnight(Form::Deltas);
    let unbind = honest(UNBIND, Form::Deltas);
    let mixed = honest(PAYMENTS, Form::Mixed);
    vec![
        (Bug::ToldBeforeCommitted, payments.clone(), DURABLE),
        (Bug::DeclineFromCache, payments.clone(), DURABLE),
        (Bug::DeclineFromCache, months.clone(), TOLD_RIGHT),
        (Bug::FailedUnlooked, payments.clone(), FAILED),
        (Bug::FailedAfterLook, payments.clone(), FAILED),
        (Bug::FailedAfterLook, deltas.clone(), FAILED),
        (Bug::RetriedWithoutKey, payments.clone(), ONE_DECISION),
        (Bug::RetriedWithoutKey, deltas.clone(), ONE_DECISION),
        (Bug::RetriedUnderNewVersion, payments.clone(), USED),
        (Bug::VersionInferred, payments.clone(), DURABLE),
        (Bug::KeyOutlivesConflict, payments.clone(), USED),
        (Bug::DuplicateStillCounts, payments, USED),
        (Bug::DuplicateStillCounts, deltas, USED),
        (Bug::UnlockedDecline, months, RIGHT),
        (Bug::UnlockedDecline, months_by_deltas.clone(), RIGHT),
        (Bug::DeltaWithoutControl, unbind.clone(), UNBOUND),
        (Bug::DeltaKeepsVersion, mixed, USED),
        (Bug::MonthOfTheNode, months_by_deltas, USED),
        (Bug::ControlWritesCounters, unbind, USED),
    ]
}

/// The fewest steps to a state that breaks a property, and how many states were visited for that.
///
/// A search of stateright goes on after a discovery, and the last one stands; so the depth is raised.
fn shortest(protocol: &Protocol, breaks: &'static str) -> Option<(usize, usize)> {
    (2..DEEPEST).find_map(|depth| {
        let found = HasDiscoveries::AllOf(BTreeSet::from([breaks]));
        let checker = protocol.clone().checker().finish_when(found);
        let checker = checker.target_max_depth(depth).spawn_bfs().join();
        let path = checker.discovery(breaks)?;
        Some((path.into_actions().len(), checker.unique_state_count()))
    })
}

#[test]
fn f14_one_key_sent_to_two_nodes_is_decided_once_and_no_limit_is_passed() {
    let Found {
        wrong,
        states,
        deepest,
    } = explored(PAYMENTS, 0);
    println!("F14: 2 nodes, 3 operations (one key twice): {states} states, up to {deepest} steps");
    assert_eq!(wrong, []);
}

#[test]
fn f14_nothing_is_approved_once_the_card_is_unbound() {
    for (asked, which) in [(UNBIND, "one key twice"), (ALL_KINDS, "three keys")] {
        let Found {
            wrong,
            states,
            deepest,
        } = explored(asked, 0);
        println!(
            "F14: 2 nodes, 3 operations ({which}, an unbind): {states} states, up to {deepest} steps"
        );
        assert_eq!(wrong, [], "{which}");
    }
}

#[test]
fn f14_a_month_that_ends_for_one_node_first_is_never_opened_again() {
    let midnights = if large() { 2 } else { 1 };
    let Found {
        wrong,
        states,
        deepest,
    } = explored(MONTHS, midnights);
    println!(
        "F14: 2 nodes, 3 operations (midnight for {midnights}): {states} states, up to {deepest} steps"
    );
    assert_eq!(wrong, []);
}

#[test]
fn f14_each_guard_that_is_taken_away_is_missed() {
    for (bug, protocol, breaks) in planted() {
        let form = protocol.form;
        let protocol = Protocol {
            bug: Some(bug),
            ..protocol
        };
        let found = shortest(&protocol, breaks);
        let Some((steps, states)) = found else {
            panic!("{bug:?}, {form:?}: it was not found that not {breaks:?}");
        };
        println!("F14: {bug:?}, {form:?}: {steps} steps, {states} states: not {breaks:?}");
    }
}
