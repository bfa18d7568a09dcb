//! Where operators find the open tickets of one kind; the tickets themselves stand in their accounts.

use std::collections::BTreeMap;
use std::ops::Bound;

use parking_lot::Mutex;
use waika_domain::identifiers::{AccountId, TicketId};

/// The accounts of the open tickets, oldest first. A ticket that ended with its card may be
/// listed here still: its account knows better.
#[derive(Debug, Default)]
pub(crate) struct TicketDesk {
    open: Mutex<BTreeMap<TicketId, AccountId>>,
}

impl TicketDesk {
    /// Notes a ticket.
    pub(crate) fn open(&self, ticket: TicketId, account: AccountId) {
        self.open.lock().insert(ticket, account);
    }

    /// Forgets a ticket.
    pub(crate) fn close(&self, ticket: TicketId) {
        self.open.lock().remove(&ticket);
    }

    /// At most so many tickets after one, oldest first.
    pub(crate) fn after(&self, after: Option<TicketId>, most: usize) -> Vec<(TicketId, AccountId)> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let open = self.open.lock();
        let tickets = open.range((begin, Bound::Unbounded)).take(most);
        tickets
            .map(|(ticket, account)| (*ticket, account.clone()))
            .collect()
    }
}
