//! What becomes of a request, a cache and what is in flight at each step.

use crate::protocol::{Answer, Flight, Guard, Outcome, State, Statement, Step};

impl Statement {
    /// The old decision under another version, which is the bug.
    pub(crate) fn under(self, version: u8) -> Self {
        let mut changed = self;
        if let Guard::Version {
            expected, after, ..
        } = &mut changed.guard
        {
            *expected = version;
            after.version = version + 1;
        }
        changed
    }
}

impl State {
    /// Puts a statement on the way.
    pub(crate) fn put(&mut self, request: usize, node: u8, statement: Statement) {
        self.steps[request] = Step::Sent { node, statement };
        self.flights.push(Flight {
            statement,
            heard: true,
            refused: None,
        });
        self.flights.sort_unstable();
    }

    /// Nobody waits any more for what a request has in flight.
    pub(crate) fn unheard(&mut self, request: usize) {
        for flight in &mut self.flights {
            if usize::from(flight.statement.request) == request {
                flight.heard = false;
            }
        }
        self.flights.sort_unstable();
    }

    /// The connection is lost, before the statement was applied or after it.
    pub(crate) fn lose(&mut self, request: usize) {
        if let Step::Sent { node, statement }
        | Step::Replied {
            node, statement, ..
        } = self.steps[request]
        {
            self.unheard(request);
            self.steps[request] = Step::Unknown { node, statement };
        }
    }

    /// What the node does with the answer of the database.
    pub(crate) fn hear(&mut self, request: usize) {
        let Step::Replied {
            node,
            statement,
            outcome,
        } = self.steps[request]
        else {
            return;
        };
        match outcome {
            Outcome::Committed(decision, row) => {
                self.caches[usize::from(node)] = Some(row);
                let right = self.stored(statement.key).is_none_or(|entry| entry.right);
                let answer = Answer::Decided(decision);
                self.steps[request] = Step::Told { answer, right };
            }
            Outcome::Conflict => {
                self.caches[usize::from(node)] = None;
                self.steps[request] = Step::Taken {
                    node,
                    unkeyed: !statement.keyed,
                };
            }
            Outcome::Duplicate => {
                self.tell_stored(request, statement.key);
            }
        }
    }

    /// Tells what is stored with a key; or nothing is.
    pub(crate) fn tell_stored(&mut self, request: usize, key: u8) -> bool {
        let Some(entry) = self.stored(key) else {
            return false;
        };
        self.steps[request] = Step::Told {
            answer: Answer::Decided(entry.decision),
            right: entry.right,
        };
        true
    }

    /// The bug: a version that is one higher is taken for one's own.
    pub(crate) fn infer(&mut self, request: usize, node: u8, statement: Statement) -> bool {
        let Guard::Version {
            expected,
            decision,
            after,
        } = statement.guard
        else {
            return false;
        };
        if decision.declines() || self.row.version != expected + 1 {
            return false;
        }
        self.caches[usize::from(node)] = Some(after);
        self.steps[request] = Step::Told {
            answer: Answer::Decided(decision),
            right: true,
        };
        true
    }

    /// What the node remembered and was doing is gone; what it has sent is not.
    pub(crate) fn crash(&mut self, node: u8) {
        self.crashes -= 1;
        self.caches[usize::from(node)] = None;
        for request in 0..self.steps.len() {
            if self.steps[request].node() == Some(node) {
                self.unheard(request);
                self.steps[request] = Step::Waiting;
            }
        }
    }
}
