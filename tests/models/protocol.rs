//! What the model is made of: the row of an account, what callers ask for, the statements, and where
//! each request stands.

use crate::bugs::Bug;

/// The most that may be approved in a month.
pub(crate) const LIMIT: u8 = 6;

/// The row of the account, as the database has it or as a node remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Every write of the row raises it.
    pub(crate) version: u8,
    /// Every change but the counters raises it too.
    pub(crate) control: u8,
    /// Whether the card is bound.
    pub(crate) bound: bool,
    /// The month that is counted. It only grows.
    pub(crate) month: u8,
    /// What was approved in that month.
    pub(crate) used: u8,
    /// The request whose operation wrote the row last.
    pub(crate) last: Option<u8>,
}

/// What a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ask {
    /// To approve an amount.
    Pay(u8),
    /// To unbind the card.
    Unbind,
}

/// What was decided, as it is stored and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Decision {
    /// Approved, and counted in a month.
    Approved { amount: u8, month: u8 },
    /// Declined over the limit, with what remains.
    OverLimit { left: u8 },
    /// Declined: no card is bound.
    NotBound,
    /// The card was unbound.
    Unbound,
}

impl Decision {
    /// Whether it leaves the row as it is.
    pub(crate) fn declines(self) -> bool {
        matches!(self, Self::OverLimit { .. } | Self::NotBound)
    }
}

impl Row {
    /// The row of a new account.
    pub(crate) fn new() -> Self {
        Self {
            version: 0,
            control: 0,
            bound: true,
            month: 0,
            used: 0,
            last: None,
        }
    }

    /// The one ladder: what is decided from this row, and the row that it leaves.
    pub(crate) fn decide(self, ask: Ask, now: u8) -> (Decision, Self) {
        match ask {
            _ if !self.bound => (Decision::NotBound, self),
            Ask::Pay(amount) => self.count(amount, now),
            Ask::Unbind => (Decision::Unbound, self.unbind()),
        }
    }

    /// The rung of the limit alone. A decline leaves the row as it is, its version too.
    pub(crate) fn count(self, amount: u8, now: u8) -> (Decision, Self) {
        let month = self.month.max(now);
        let used = if month > self.month { 0 } else { self.used };
        if used + amount > LIMIT {
            return (Decision::OverLimit { left: LIMIT - used }, self);
        }
        let after = Self {
            version: self.version + 1,
            month,
            used: used + amount,
            ..self
        };
        (Decision::Approved { amount, month }, after)
    }

    /// Without the card. The counters stay.
    pub(crate) fn unbind(self) -> Self {
        Self {
            version: self.version + 1,
            control: self.control + 1,
            bound: false,
            ..self
        }
    }
}

/// A request of a caller. Its place in the list is the id of its operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// What is asked.
    pub(crate) ask: Ask,
    /// The idempotency key.
    pub(crate) key: u8,
    /// The node that it is sent to first.
    pub(crate) home: u8,
}

/// What a statement is checked against, and what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Guard {
    /// Decided by the node: the row must be of that version still.
    Version {
        expected: u8,
        decision: Decision,
        after: Row,
    },
    /// The guarded delta: the database decides by the limit, if nothing but the counters has changed.
    Counters { control: u8 },
    /// Decided by the node from what is no counter, and writing no counter.
    Control {
        expected: u8,
        decision: Decision,
        seen: Row,
    },
}

/// One statement: all of it happens at one moment, or nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Statement {
    /// The id of the operation.
    pub(crate) request: u8,
    /// The key that is inserted.
    pub(crate) key: u8,
    /// Whether the key is unique. Only a planted bug leaves that out.
    pub(crate) keyed: bool,
    /// What was asked.
    pub(crate) ask: Ask,
    /// The month by the clock of the node, when it decided.
    pub(crate) now: u8,
    /// The check.
    pub(crate) guard: Guard,
}

/// What the database answers to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Written, with the row that is there now.
    Committed(Decision, Row),
    /// The check failed, nothing is written.
    Conflict,
    /// The key is there already, nothing is written.
    Duplicate,
}

/// A line of the table of authorisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The idempotency key.
    pub(crate) key: u8,
    /// Whose operation wrote it.
    pub(crate) request: u8,
    /// The stored decision.
    pub(crate) decision: Decision,
    /// For the properties: whether the ladder said the same of the row as it was at that moment.
    pub(crate) right: bool,
    /// For the properties: whether the card was bound at that moment.
    pub(crate) bound: bool,
}

/// A statement that the database has not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Flight {
    /// The statement.
    pub(crate) statement: Statement,
    /// Whether a node still waits for its answer. If not, it may be applied at any later time, or
    /// never: no step depends on its end, so one that comes to nothing is one that stays here.
    pub(crate) heard: bool,
    /// A refusal that a planted bug has checked in a step of its own.
    pub(crate) refused: Option<Decision>,
}

/// What a caller was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// The decision.
    Decided(Decision),
    /// That it did not happen, and will not. Only planted bugs say so.
    Failed,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Not answered: its caller sends it again, to either node.
    Waiting,
    /// Taken by a node. `unkeyed` is of the bug that tries again without the key.
    Taken { node: u8, unkeyed: bool },
    /// Its statement is on the way.
    Sent { node: u8, statement: Statement },
    /// The answer of the database is on the way.
    Replied {
        node: u8,
        statement: Statement,
        outcome: Outcome,
    },
    /// The connection was lost after the statement was sent.
    Unknown { node: u8, statement: Statement },
    /// The caller has its answer. For the properties: whether it was right.
    Told { answer: Answer, right: bool },
}

impl Step {
    /// The node that has the request.
    pub(crate) fn node(self) -> Option<u8> {
        match self {
            Self::Waiting | Self::Told { .. } => None,
            Self::Taken { node, .. }
            | Self::Sent { node, .. }
            | Self::Replied { node, .. }
            | Self::Unknown { node, .. } => Some(node),
        }
    }
}

/// Which statements the nodes use for payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Both compare the version.
    Versions,
    /// Both use the guarded delta.
    Deltas,
    /// Node 0 uses the delta, node 1 compares the version.
    Mixed,
}

/// The protocol with what is asked of it and what may go wrong.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    /// What is asked.
    pub(crate) requests: Vec<Request>,
    /// The statements that are used.
    pub(crate) form: Form,
    /// For how many nodes the month ends, by the clock of each.
    pub(crate) midnights: u8,
    /// How many connections may be lost.
    pub(crate) losses: u8,
    /// How many nodes may crash.
    pub(crate) crashes: u8,
    /// What is wrong with it.
    pub(crate) bug: Option<Bug>,
}

/// The database, the nodes and the callers at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// The row of the account.
    pub(crate) row: Row,
    /// The table of authorisations, in order, so that states which differ in nothing else are one.
    pub(crate) table: Vec<Entry>,
    /// What the database has not finished, in order.
    pub(crate) flights: Vec<Flight>,
    /// What the nodes remember.
    pub(crate) caches: [Option<Row>; 2],
    /// The month by the nodes' clocks.
    pub(crate) clocks: [u8; 2],
    /// Where the requests stand.
    pub(crate) steps: Vec<Step>,
    /// Connections that may still be lost.
    pub(crate) losses: u8,
    /// Crashes that may still come.
    pub(crate) crashes: u8,
}
