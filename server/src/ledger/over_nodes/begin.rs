//! Beginning a call: what can be decided at once is, so that whoever waits for the database holds little.

use std::sync::Arc;

use futures_util::future::{Either, ready};
use waika_domain::identifiers::AccountId;

use super::{Ledger, depends_on_memory};
use crate::authoriser::{Applied, Passage, ShadowSays, Taken};
use crate::ledger::call::Call;
use crate::ledger::log::NotDurable;
use crate::ledger::node::Node;
use crate::ledger::operation::Operation;
use crate::ledger::reversal::OriginalFound;
use crate::ledger::search::Search;
use crate::ledger::{Answered, LedgerError};
use crate::traces::around;

impl Ledger {
    /// Decides an operation, exactly once for its key, and answers when that is durable. It goes on if the caller
    /// stops waiting.
    ///
    /// A payment of an account in memory is decided here and now: what waits for the database then is small. All
    /// else, and what was decided in vain, is a task of its own.
    pub(in crate::ledger) fn begin_on(
        self: &Arc<Self>,
        node: Arc<Node>,
        core: usize,
        (account, call): (AccountId, Call),
        operation: Operation,
    ) -> impl Future<Output = Result<Answered, LedgerError>> + Send + use<> {
        // Of an account that others decide over too the row is held first.
        let first = if node.is_shared(&account) {
            None
        } else {
            self.decide_here(&account, &call, &operation)
        };
        let ledger = Arc::clone(self);
        match first {
            // No other node's account would change that.
            Some(Err(error)) => Either::Left(Either::Left(ready(Err(error)))),
            Some(Ok(applied)) if applied.going_on.is_none() => {
                let wait = node.wait(applied.sequence);
                let calling = Box::new((account, call, operation));
                Either::Left(Either::Right(async move {
                    match wait.await {
                        Ok(()) => {
                            ledger.compare_durable(&applied);
                            Ok(applied.into())
                        }
                        Err(why) => Box::pin(ledger.in_vain(node, core, *calling, why)).await,
                    }
                }))
            }
            first => {
                let first = first.and_then(Result::ok).map(Taken::Applied);
                let submitted = ledger.submit_on(node, core, (account, call, operation), first);
                Either::Right(Box::pin(submitted))
            }
        }
    }

    /// Decides a payment of an account in memory. None if something has to be read first.
    fn decide_here(
        &self,
        account: &AccountId,
        call: &Call,
        operation: &Operation,
    ) -> Option<Result<Applied, LedgerError>> {
        let Operation::Authorise(asked) = operation else {
            return None;
        };
        let merchant = asked.payment.merchant.as_ref();
        if merchant.is_some_and(|merchant| self.authoriser.merchants.find(merchant).is_none()) {
            return None;
        }
        let passage = Passage {
            queue: &self.queue,
            account,
            call,
            slot: self.slot(&Search::of(account.as_str(), call)),
        };
        match self.take(passage, operation, &OriginalFound::KeyKnown) {
            Ok(Taken::Applied(applied)) => Some(Ok(applied)),
            Err(error) if !depends_on_memory(error) => Some(Err(error)),
            // Decided again, and told, once it is known that this account was not an old one.
            Ok(Taken::Known(_) | Taken::LookAgain) | Err(_) => None,
        }
    }

    /// Goes on with a payment that the database has not taken.
    async fn in_vain(
        self: Arc<Self>,
        node: Arc<Node>,
        core: usize,
        (account, call, operation): (AccountId, Call, Operation),
        why: NotDurable,
    ) -> Result<Answered, LedgerError> {
        match why {
            NotDurable::Refused | NotDurable::Unknown => return Err(why.into()),
            // If by the same call, which came twice, that is found by the next try.
            NotDurable::Conflict => {}
            NotDurable::Known => {
                let hash = self.authoriser.call_hash(account.as_str(), &call);
                if let Some(known) = self.known_on(&node, &account, hash, &call).await? {
                    return self.replay(known, &call, operation.payment());
                }
            }
        }
        self.submit_on(node, core, (account, call, operation), None)
            .await
    }

    /// Counts what another policy would have said to a payment, now that it is durable.
    pub(super) fn compare_durable(&self, applied: &Applied) {
        if let ShadowSays::Would(would) = applied.shadow {
            self.authoriser.compare(&applied.event, would);
        }
    }

    /// Decides by a task of its own. `first` is what was decided already.
    async fn submit_on(
        self: Arc<Self>,
        node: Arc<Node>,
        core: usize,
        (account, call, operation): (AccountId, Call, Operation),
        first: Option<Taken>,
    ) -> Result<Answered, LedgerError> {
        let ledger = Arc::clone(&self);
        let submitted = around::spawn_on(&self.sagas, async move {
            ledger
                .decide_on(&node, core, (account, call, operation), first)
                .await
        });
        submitted.await.unwrap_or(Err(LedgerError::OutcomeUnknown))
    }
}
