//! The database: how one statement is applied.

use crate::bugs::Bug;
use crate::protocol::{Ask, Decision, Entry, Flight, Guard, Outcome, Row, State, Statement};

impl Statement {
    /// What it decides and leaves of that row; nothing if its check fails.
    fn admitted(&self, row: Row, bug: Option<Bug>) -> Option<(Decision, Row)> {
        match self.guard {
            Guard::Version {
                expected,
                decision,
                after,
            } => {
                let after = if decision.declines() { row } else { after };
                (expected == row.version).then_some((decision, after))
            }
            Guard::Counters { control } => {
                let unchanged = control == row.control || bug == Some(Bug::DeltaWithoutControl);
                unchanged.then(|| self.delta(row, bug))
            }
            Guard::Control {
                expected,
                decision,
                seen,
            } => {
                let after = match decision {
                    Decision::Unbound if bug == Some(Bug::ControlWritesCounters) => Row {
                        used: seen.used,
                        ..row.unbind()
                    },
                    Decision::Unbound => row.unbind(),
                    _ => row,
                };
                (expected == row.control).then_some((decision, after))
            }
        }
    }

    /// The guarded delta: the database counts in the row that is there.
    fn delta(&self, row: Row, bug: Option<Bug>) -> (Decision, Row) {
        let Ask::Pay(amount) = self.ask else {
            return (Decision::NotBound, row);
        };
        let (mut decision, mut after) = row.count(amount, self.now);
        if let Decision::Approved { month, .. } = &mut decision
            && bug == Some(Bug::MonthOfTheNode)
        {
            *month = self.now;
        }
        if bug == Some(Bug::DeltaKeepsVersion) {
            after.version = row.version;
        }
        (decision, after)
    }
}

impl State {
    /// Goes on with a statement in flight: one step for all of it, but for the bug that takes two.
    pub(crate) fn apply(&mut self, at: usize, bug: Option<Bug>) -> Option<Outcome> {
        let Flight {
            statement, refused, ..
        } = self.flights[at];
        if bug == Some(Bug::UnlockedDecline) {
            if let Some(decision) = refused {
                return Some(self.insert_unless_there(&statement, decision));
            }
            if let Some((decision @ Decision::OverLimit { .. }, _)) =
                statement.admitted(self.row, bug)
            {
                self.flights[at].refused = Some(decision);
                return None;
            }
        }
        Some(self.execute(&statement, bug))
    }

    /// The one statement: the row is locked and checked, then the key is inserted if it is absent, then
    /// the row is written if both have passed.
    fn execute(&mut self, statement: &Statement, bug: Option<Bug>) -> Outcome {
        let there = statement.keyed && self.stored(statement.key).is_some();
        let Some((decision, mut after)) = statement.admitted(self.row, bug) else {
            if let Guard::Version { decision, .. } = statement.guard
                && bug == Some(Bug::KeyOutlivesConflict)
                && !there
            {
                self.insert(statement, decision);
            }
            return Outcome::Conflict;
        };
        if after != self.row {
            after.last = Some(statement.request);
        }
        if there {
            if bug == Some(Bug::DuplicateStillCounts) {
                self.row = after;
            }
            return Outcome::Duplicate;
        }
        self.insert(statement, decision);
        self.row = after;
        Outcome::Committed(decision, after)
    }

    /// Only the insert, which is what the bug of two steps has left.
    fn insert_unless_there(&mut self, statement: &Statement, decision: Decision) -> Outcome {
        if self.stored(statement.key).is_some() {
            return Outcome::Duplicate;
        }
        self.insert(statement, decision);
        Outcome::Committed(decision, self.row)
    }

    /// A line for the table, judged by the row as it is before the statement writes it.
    fn insert(&mut self, statement: &Statement, decision: Decision) {
        self.table.push(Entry {
            key: statement.key,
            request: statement.request,
            decision,
            right: decision == self.row.decide(statement.ask, statement.now).0,
            bound: self.row.bound,
        });
        self.table.sort_unstable();
    }

    /// What is stored with a key.
    pub(crate) fn stored(&self, key: u8) -> Option<&Entry> {
        self.table.iter().find(|entry| entry.key == key)
    }
}
