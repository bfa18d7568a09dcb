//! What a node that is gone had begun: its issuers are asked about payments, everything else is let go, and the
//! advices that it owed are sent by whoever finds them.

use std::sync::Arc;

use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use super::Ledger;
use crate::authoriser::Passage;
use crate::ledger::call::{Business, Call};
use crate::ledger::decode::Stored;
use crate::ledger::node::Node;
use crate::ledger::saga::Held;
use crate::ledger::search::Search;
use crate::owed::OwedAdvice;

impl Ledger {
    /// Takes up an entry that something has to follow, and whose node is gone. Others may do the same: one of them
    /// succeeds.
    pub(in crate::ledger) async fn take_up(
        self: &Arc<Self>,
        account: AccountId,
        sequence: u64,
        stored: Stored,
    ) {
        let Some(node) = self.node().cloned() else {
            return;
        };
        let (at, by) = (stored.at, stored.call.clone());
        let Some(event) = stored.into_event() else {
            return;
        };
        if let Some(owed) = event.owes() {
            if !self.authoriser.owed.is_owed(sequence) {
                let advice = OwedAdvice {
                    owed,
                    account,
                    since: at,
                };
                self.authoriser.owed.owe(sequence, advice);
            }
            return;
        }
        // Without a call nothing begins.
        let Some(by) = by.filter(|_| event.is_beginning()) else {
            return;
        };
        let call = Call::new(by.rpc, by.caller, by.key, Business::Payment);
        tracing::warn!(sequence, "a call was under way on a node that is gone");
        self.end_left_behind(&node, (account, call), sequence, event)
            .await;
    }

    async fn end_left_behind(
        self: &Arc<Self>,
        node: &Node,
        (account, call): (AccountId, Call),
        sequence: u64,
        begun: Event,
    ) {
        let slot = self.slot(&Search::of(account.as_str(), &call));
        if let Event::Reserved(reservation) = &begun
            && reservation.transaction.is_some()
        {
            let held = Held {
                reservation: (**reservation).clone(),
                going_on: self.authoriser.under_way.begin(sequence),
                account,
                call,
                slot,
                reserved_by: sequence,
            };
            self.resolve_left_over(0, held).await;
            return;
        }
        let write = || {
            let passage = Passage {
                queue: &self.queue,
                account: &account,
                call: &call,
                slot,
            };
            self.authoriser.let_go(passage, sequence, &begun)
        };
        let ended = self.aside_on(node, (&account, Some(sequence)), &write);
        if let Err(error) = ended.await {
            tracing::warn!(sequence, %error, "what a node left behind stays for now");
        }
    }
}
