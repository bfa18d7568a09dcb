//! The nodes: what each step of theirs does, and what may happen to them.

use stateright::{Model, Property};

use crate::bugs::Bug;
use crate::properties;
use crate::protocol::{
    Answer, Ask, Decision, Flight, Form, Guard, Protocol, Row, State, Statement, Step,
};

/// One step. A number is that of a request, but for the flights', which is their place, and the nodes'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A node takes a request that its caller sends again.
    Take { request: usize, node: u8 },
    /// A node that remembers nothing reads the row.
    Load { node: u8 },
    /// A node decides from what it remembers and sends the statement.
    Send { request: usize },
    /// The database applies a statement.
    Apply { flight: usize },
    /// A node hears what became of its statement.
    Hear { request: usize },
    /// The connection is lost.
    Lose { request: usize },
    /// A node looks for its own operation after an unknown outcome, and goes on.
    Look { request: usize },
    /// The caller's time is up: told that the outcome is unknown, it asks again with the same key.
    GiveUp { request: usize },
    /// A node crashes.
    Crash { node: u8 },
    /// The month ends by a node's clock.
    Midnight { node: u8 },
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            row: Row::new(),
            table: Vec::new(),
            flights: Vec::new(),
            caches: [None; 2],
            clocks: [0; 2],
            steps: self
                .requests
                .iter()
                .map(|one| Step::Taken {
                    node: one.home,
                    unkeyed: false,
                })
                .collect(),
            losses: self.losses,
            crashes: self.crashes,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (request, step) in state.steps.iter().enumerate() {
            actions_of(state, request, *step, actions);
        }
        actions.extend((0..state.flights.len()).map(|flight| Action::Apply { flight }));
        for node in 0..2 {
            let remembers = state.caches[usize::from(node)].is_some();
            let works = state.steps.iter().any(|step| step.node() == Some(node));
            let has = |step: &Step| matches!(step, Step::Taken { node: by, .. } if *by == node);
            if state.crashes > 0 && works {
                actions.push(Action::Crash { node });
            }
            if !remembers && state.steps.iter().any(has) {
                actions.push(Action::Load { node });
            }
            if node < self.midnights && state.clocks[usize::from(node)] == 0 {
                actions.push(Action::Midnight { node });
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::Take { request, node } => {
                next.steps[request] = Step::Taken {
                    node,
                    unkeyed: false,
                };
            }
            Action::Load { node } => next.caches[usize::from(node)] = Some(next.row),
            Action::Send { request } => self.send(&mut next, request),
            Action::Apply { flight } => self.apply(&mut next, flight),
            Action::Hear { request } => next.hear(request),
            Action::Lose { request } => {
                next.losses -= 1;
                next.lose(request);
            }
            Action::Look { request } => self.look(&mut next, request),
            Action::GiveUp { request } => next.steps[request] = Step::Waiting,
            Action::Crash { node } => next.crash(node),
            Action::Midnight { node } => next.clocks[usize::from(node)] = 1,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl Protocol {
    /// What a node makes of a request, from what it remembers of the row.
    fn compose(&self, state: &State, request: usize, node: u8) -> Option<(Statement, Decision)> {
        let seen = state.caches[usize::from(node)]?;
        let now = state.clocks[usize::from(node)];
        let asked = self.requests[request];
        let (decision, after) = seen.decide(asked.ask, now);
        let hot = match self.form {
            Form::Versions => false,
            Form::Deltas => true,
            Form::Mixed => node == 0 || asked.ask == Ask::Unbind,
        };
        let guard = match decision {
            _ if !hot => Guard::Version {
                expected: seen.version,
                decision,
                after,
            },
            Decision::Approved { .. } | Decision::OverLimit { .. } => Guard::Counters {
                control: seen.control,
            },
            Decision::NotBound | Decision::Unbound => Guard::Control {
                expected: seen.control,
                decision,
                seen,
            },
        };
        let statement = Statement {
            request: u8::try_from(request).ok()?,
            key: asked.key,
            keyed: true,
            ask: asked.ask,
            now,
            guard,
        };
        Some((statement, decision))
    }

    /// Decided and sent: between the two nothing is kept, so a crash between them is one before them.
    fn send(&self, state: &mut State, request: usize) {
        let Step::Taken { node, unkeyed } = state.steps[request] else {
            return;
        };
        let Some((mut statement, decision)) = self.compose(state, request, node) else {
            return;
        };
        statement.keyed = !unkeyed;
        let right = decision == state.row.decide(statement.ask, statement.now).0;
        let told = Step::Told {
            answer: Answer::Decided(decision),
            right,
        };
        match self.bug {
            Some(Bug::DeclineFromCache) if decision.declines() => state.steps[request] = told,
            Some(Bug::ToldBeforeCommitted) => {
                state.put(request, node, statement);
                state.lose(request);
                state.steps[request] = told;
            }
            _ => state.put(request, node, statement),
        }
    }

    /// The database goes on with a statement, and answers if a node waits.
    fn apply(&self, state: &mut State, flight: usize) {
        let Flight {
            statement, heard, ..
        } = state.flights[flight];
        let Some(outcome) = state.apply(flight, self.bug) else {
            state.flights.sort_unstable();
            return;
        };
        state.flights.remove(flight);
        let step = &mut state.steps[usize::from(statement.request)];
        if let (true, Step::Sent { node, .. }) = (heard, *step) {
            *step = Step::Replied {
                node,
                statement,
                outcome,
            };
        }
    }

    /// After an unknown outcome: what is stored with the key is the answer, whoever wrote it. If nothing
    /// is, the statement may still come: the same one is sent again, under the same check and key.
    fn look(&self, state: &mut State, request: usize) {
        let Step::Unknown {
            node,
            mut statement,
        } = state.steps[request]
        else {
            return;
        };
        let failed = Step::Told {
            answer: Answer::Failed,
            right: true,
        };
        if self.bug == Some(Bug::FailedUnlooked) {
            state.steps[request] = failed;
            return;
        }
        if self.bug == Some(Bug::VersionInferred) && state.infer(request, node, statement) {
            return;
        }
        if state.tell_stored(request, statement.key) {
            return;
        }
        match self.bug {
            Some(Bug::FailedAfterLook) => {
                state.steps[request] = failed;
                return;
            }
            Some(Bug::RetriedWithoutKey) => {
                state.caches[usize::from(node)] = None;
                state.steps[request] = Step::Taken {
                    node,
                    unkeyed: true,
                };
                return;
            }
            Some(Bug::RetriedUnderNewVersion) => statement = statement.under(state.row.version),
            _ => {}
        }
        state.put(request, node, statement);
    }
}

/// What may happen to a request.
fn actions_of(state: &State, request: usize, step: Step, actions: &mut Vec<Action>) {
    match step {
        Step::Waiting => {
            actions.extend((0..2).map(|node| Action::Take { request, node }));
        }
        Step::Taken { node, .. } => {
            if state.caches[usize::from(node)].is_some() {
                actions.push(Action::Send { request });
            }
        }
        Step::Sent { .. } | Step::Replied { .. } => {
            if matches!(step, Step::Replied { .. }) {
                actions.push(Action::Hear { request });
            }
            if state.losses > 0 {
                actions.push(Action::Lose { request });
            }
        }
        Step::Unknown { .. } => {
            actions.push(Action::Look { request });
            actions.push(Action::GiveUp { request });
        }
        Step::Told { .. } => {}
    }
}
