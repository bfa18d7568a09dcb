//! What must hold at every moment, and what must be seen at some moment.

use stateright::{Model, Property};

use crate::protocol::{
    Answer, Ask, Decision, Form, LIMIT, Outcome, Protocol, Request, State, Step,
};

/// The row agrees with the table.
pub(crate) const USED: &str = "what is used in the row is the sum of the approvals";
/// The id of the operation in the row.
pub(crate) const LAST: &str = "what wrote the row last is in the table";
/// Nothing above the limit.
pub(crate) const LIMITED: &str = "no month is above the limit";
/// One decision.
pub(crate) const ONE_DECISION: &str = "a key has at most one decision";
/// One answer.
pub(crate) const ONE_ANSWER: &str = "all answers for a key are the same";
/// Nothing told and lost.
pub(crate) const DURABLE: &str = "what was told is in the table";
/// No stale decision is stored.
pub(crate) const RIGHT: &str = "what is stored was right when it was written";
/// No stale decision is told.
pub(crate) const TOLD_RIGHT: &str = "what was told was right at that moment";
/// Unbinding is final.
pub(crate) const UNBOUND: &str = "no approval is written after the card was unbound";
/// No is no.
pub(crate) const FAILED: &str = "what was told as failed is not in the table";
/// Nobody is left waiting.
pub(crate) const ANSWERED: &str = "where nothing can happen any more, everyone has an answer";

/// The properties of a protocol.
pub(crate) fn all(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut all = vec![
        Property::always(USED, |_, state: &State| {
            approved(state, state.row.month) == u32::from(state.row.used)
        }),
        Property::always(LAST, |_, state: &State| {
            let wrote = |request| {
                let mut table = state.table.iter();
                table.any(|entry| entry.request == request && !entry.decision.declines())
            };
            state.row.last.is_none_or(wrote)
        }),
        Property::always(LIMITED, |_, state: &State| {
            (0..2).all(|month| approved(state, month) <= u32::from(LIMIT))
        }),
        Property::always(ONE_DECISION, |_, state: &State| {
            let mut keys = state.table.windows(2);
            !keys.any(|two| two[0].key == two[1].key)
        }),
        Property::always(ONE_ANSWER, one_answer),
        Property::always(DURABLE, durable),
        Property::always(RIGHT, |_, state: &State| {
            state.table.iter().all(|entry| entry.right)
        }),
        Property::always(TOLD_RIGHT, |_, state: &State| {
            let wrong = |step: &Step| matches!(step, Step::Told { right: false, .. });
            !state.steps.iter().any(wrong)
        }),
        Property::always(UNBOUND, |_, state: &State| {
            let mut approvals = state
                .table
                .iter()
                .filter(|entry| !entry.decision.declines());
            approvals.all(|entry| entry.bound)
        }),
        Property::always(FAILED, failed_never_happens),
        Property::always(ANSWERED, everyone_is_answered),
    ];
    all.extend(seen(protocol));
    all
}

/// What must be seen, so that the rest says something.
fn seen(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let mut seen = vec![
        Property::sometimes("an approval is told", |_, state: &State| {
            told(state).any(|(_, decision)| matches!(decision, Decision::Approved { .. }))
        }),
        Property::sometimes("a decline is told", |_, state: &State| {
            told(state).any(|(_, decision)| decision.declines())
        }),
        Property::sometimes(
            "an unknown outcome was never applied",
            |_, state: &State| {
                let answered = |step: &Step| matches!(step, Step::Told { .. });
                !state.flights.is_empty() && state.steps.iter().all(answered)
            },
        ),
        Property::sometimes(
            "one is applied after it was looked for",
            |_, state: &State| duplicate(state, |own, writer| own == writer),
        ),
    ];
    if protocol.losses > 0 {
        seen.push(Property::sometimes(
            "an unknown outcome was applied",
            |_, state: &State| {
                unknown(state).any(|(request, key)| {
                    let stored = state.stored(key);
                    stored.is_some_and(|entry| entry.request == request)
                })
            },
        ));
    }
    let asked = &protocol.requests;
    let shared = |one: &Request| asked.iter().filter(|two| two.key == one.key).count() > 1;
    if asked.iter().any(shared) {
        seen.push(Property::sometimes(
            "the decision of another request is answered",
            |_, state: &State| duplicate(state, |own, writer| own != writer),
        ));
    }
    let unbinds = asked.iter().any(|one| one.ask == Ask::Unbind);
    if unbinds || protocol.form != Form::Deltas {
        seen.push(Property::sometimes(
            "a conflict is met",
            |_, state: &State| {
                let mut steps = state.steps.iter();
                steps.any(|step| {
                    matches!(
                        step,
                        Step::Replied {
                            outcome: Outcome::Conflict,
                            ..
                        }
                    )
                })
            },
        ));
    }
    seen
}

/// The sum of the approvals that are counted in a month.
fn approved(state: &State, counted: u8) -> u32 {
    let amounts = state.table.iter().map(|entry| match entry.decision {
        Decision::Approved { amount, month } if month == counted => u32::from(amount),
        _ => 0,
    });
    amounts.sum()
}

/// The requests that were told a decision, and which.
fn told(state: &State) -> impl Iterator<Item = (usize, Decision)> {
    let steps = state.steps.iter().enumerate();
    steps.filter_map(|(request, step)| match step {
        Step::Told {
            answer: Answer::Decided(decision),
            ..
        } => Some((request, *decision)),
        _ => None,
    })
}

/// The requests whose outcome is unknown to the node that has them, with their keys.
fn unknown(state: &State) -> impl Iterator<Item = (u8, u8)> {
    state.steps.iter().filter_map(|step| match step {
        Step::Unknown { statement, .. } => Some((statement.request, statement.key)),
        _ => None,
    })
}

/// Whether a statement met its key, in the table because of a request that is so related to its own.
fn duplicate(state: &State, related: fn(u8, u8) -> bool) -> bool {
    state.steps.iter().any(|step| match step {
        Step::Replied {
            statement,
            outcome: Outcome::Duplicate,
            ..
        } => {
            let stored = state.stored(statement.key);
            stored.is_some_and(|entry| related(statement.request, entry.request))
        }
        _ => false,
    })
}

/// However often and by whatever node a key is answered.
fn one_answer(protocol: &Protocol, state: &State) -> bool {
    told(state).all(|(request, decision)| {
        let key = protocol.requests[request].key;
        told(state).all(|(other, second)| protocol.requests[other].key != key || second == decision)
    })
}

/// A decision that was told is stored with its key.
fn durable(protocol: &Protocol, state: &State) -> bool {
    told(state).all(|(request, decision)| {
        let key = protocol.requests[request].key;
        let mut table = state.table.iter();
        table.any(|entry| entry.key == key && entry.decision == decision)
    })
}

/// Told as failed: its operation is not in the table, at no later time either.
fn failed_never_happens(_: &Protocol, state: &State) -> bool {
    state.table.iter().all(|entry| {
        let told = state.steps[usize::from(entry.request)];
        !matches!(
            told,
            Step::Told {
                answer: Answer::Failed,
                ..
            }
        )
    })
}

/// No request ends without an answer: the steps lead nowhere else.
fn everyone_is_answered(protocol: &Protocol, state: &State) -> bool {
    let answered = |step: &Step| matches!(step, Step::Told { .. });
    if state.steps.iter().all(answered) {
        return true;
    }
    let mut actions = Vec::new();
    protocol.actions(state, &mut actions);
    !actions.is_empty()
}
