//! What concerns no account: one row that every node has in memory, changed by one after the other.

use waika_domain::event::{Event, PolicyActivated};
use waika_domain::identifiers::CodeDigest;
use waika_domain::policy::Policy;

use super::Ledger;
use crate::ledger::call::Call;
use crate::ledger::encode::Entry;
use crate::ledger::node::{Node, Question, WriteError};
use crate::ledger::operation::{AuthoriseOperation, GlobalOperation};
use crate::ledger::replay::{code_scope, global_scope, unknown_code_row};
use crate::ledger::{Answered, LedgerError};
use crate::policy_book::PolicyBook;

impl Ledger {
    /// Does what concerns no one account, exactly once for its key.
    pub(in crate::ledger) async fn submit_global_on(
        &self,
        node: &Node,
        call: &Call,
        operation: &GlobalOperation,
    ) -> Result<Answered, LedgerError> {
        let authoriser = &self.authoriser;
        let hash = authoriser.call_hash(&global_scope(operation), call);
        let make = || {
            let (event, at) = authoriser.global_event(operation)?;
            let bytes = authoriser.operated_bytes(&Entry::of_none(at, Some(call), &event));
            Ok((event, at, bytes))
        };
        match node.write_global(authoriser, Some(hash), &make).await {
            Ok((sequence, event, at)) => Ok(Answered {
                sequence,
                at,
                event,
                replayed: false,
            }),
            Err(WriteError::Known(by)) => {
                let id = "";
                let known = node
                    .reads()
                    .entry(Question::Entry, &[&id, &by.cast_signed()])
                    .await?;
                let known = known.ok_or(LedgerError::OutcomeUnknown)?;
                node.reads().confirm().await?;
                self.replay(known, call, None)
            }
            Err(WriteError::Ledger(error)) => {
                let known = node
                    .reads()
                    .entry(Question::OfCall, &[&"", &hash.as_slice()])
                    .await?;
                match known {
                    Some(known) => self.replay(known, call, None),
                    None => Err(error),
                }
            }
        }
    }

    /// Stores a policy that comes from a file and lets it hold, unless the book says that it is known well enough.
    /// Blocks.
    pub(in crate::ledger) fn adopt_policy_on(
        &self,
        node: &Node,
        policy: &Policy,
        is_known: fn(&PolicyBook, &str) -> bool,
    ) -> Result<bool, LedgerError> {
        let authoriser = &self.authoriser;
        let adopt = async {
            node.catch_up(authoriser).await?;
            let put = authoriser.policy_put(policy)?;
            if is_known(&authoriser.policies, &policy.name) {
                return Ok(false);
            }
            let name = put.name.clone();
            let events = [
                Event::PolicyPut(put),
                Event::PolicyActivated(PolicyActivated { name }),
            ];
            for event in events {
                let make = || {
                    let at = authoriser.clock.now();
                    let bytes = authoriser.operated_bytes(&Entry::of_none(at, None, &event));
                    Ok((event.clone(), at, bytes))
                };
                match node.write_global(authoriser, None, &make).await {
                    Ok(_) | Err(WriteError::Known(_)) => {}
                    Err(WriteError::Ledger(error)) => return Err(error),
                }
            }
            Ok(true)
        };
        node.block_on(adopt)
    }

    /// Declines a payment whose code leads to nobody: one row for each call.
    pub(super) async fn decline_unknown_code(
        &self,
        node: &Node,
        (digest, hash): (CodeDigest, [u8; 16]),
        call: &Call,
        asked: &AuthoriseOperation,
    ) -> Result<Answered, LedgerError> {
        let authoriser = &self.authoriser;
        let name = unknown_code_row(&code_scope(digest), hash);
        let known = async || {
            let known = node
                .reads()
                .entry(Question::OfCall, &[&name.as_str(), &hash.as_slice()])
                .await?;
            let Some(known) = known else {
                return Ok(None);
            };
            node.reads().confirm().await?;
            self.replay(known, call, Some(&asked.payment)).map(Some)
        };
        if let Some(answered) = known().await? {
            return Ok(answered);
        }
        let now = authoriser.clock.now();
        let event = authoriser.unknown_code(&self.queue, call, asked, now)?;
        let mut bytes = Vec::new();
        Entry::of_none(now, Some(call), &event).write(&mut bytes);
        match node.write_alone(&name, Some(hash), bytes).await {
            Ok(sequence) => {
                authoriser.metrics.count(&event);
                Ok(Answered {
                    sequence,
                    at: now,
                    event,
                    replayed: false,
                })
            }
            // The same call came twice at a time.
            Err(WriteError::Known(_) | WriteError::Ledger(LedgerError::Contended)) => {
                known().await?.ok_or(LedgerError::OutcomeUnknown)
            }
            Err(WriteError::Ledger(error)) => Err(error),
        }
    }
}
