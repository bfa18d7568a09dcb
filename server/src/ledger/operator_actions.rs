//! The operator log, read back: newest first, by way of the entry before that each names.

use waika_domain::identifiers::AccountId;

use super::decode::Stored;
use super::journal::JournalReader;
use super::walk::{Walked, walk_back};
use super::{Ledger, LedgerError, read_entry};

/// A page of the operator log that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct ActionsAsked {
    /// At most so many.
    pub(crate) size: usize,
    /// The sequence that it begins with; None for the newest.
    pub(crate) begin: Option<u64>,
    /// What was done to this account alone.
    pub(crate) account: Option<AccountId>,
    /// What this caller did alone.
    pub(crate) caller: Option<Box<str>>,
}

impl ActionsAsked {
    pub(super) fn wants(&self, stored: &Stored) -> bool {
        let account = self.account.as_ref();
        let caller = stored.call.as_ref().map_or("", |call| &*call.caller);
        account.is_none_or(|account| *account.as_str() == *stored.account)
            && self.caller.as_ref().is_none_or(|asked| **asked == *caller)
    }
}

impl Ledger {
    /// A page of what operators did, newest first. It can have less than was asked for and still not be the
    /// last: of those that are not wanted only so many are passed over for one page.
    pub(crate) async fn operator_actions(
        &self,
        core: usize,
        asked: ActionsAsked,
    ) -> Result<Walked, LedgerError> {
        if let Some(node) = self.node() {
            return self.operator_actions_on(node, &asked).await;
        }
        let newest = self.authoriser.operator_log.last();
        self.queue.wait_durable(core, newest).await?;
        let begin = asked.begin.unwrap_or(newest).min(newest);
        self.read_aside(move |reader| {
            let wanted = |stored: &Stored| asked.wants(stored);
            let read = |sequence| read_operated(reader, sequence);
            walk_back(1..=begin, asked.size, wanted, read)
        })
        .await
    }
}

/// Reads an operators' entry, and the sequence of the one before; the chain of them never leads elsewhere.
fn read_operated(reader: &JournalReader, sequence: u64) -> Result<(u64, Stored), LedgerError> {
    let stored = read_entry(reader, sequence)?;
    match &stored.operated {
        Some(operated) if operated.previous < sequence => Ok((operated.previous, stored)),
        Some(_) | None => {
            tracing::error!(sequence, "the operator log leads to what is no part of it");
            Err(LedgerError::Unreadable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::call::Rpc;
    use crate::ledger::decode::{StoredBody, StoredCall};
    use waika_domain::identifiers::IdempotencyKey;
    use waika_domain::period::Timestamp;

    fn stored(account: &str, caller: Option<&str>) -> Stored {
        Stored {
            account: account.into(),
            previous: 0,
            at: Timestamp::from_unix_ms(0),
            call: caller.map(|caller| StoredCall {
                rpc: Rpc::SetClock,
                caller: caller.into(),
                key: IdempotencyKey::parse("k").unwrap(),
                fields: Vec::new(),
            }),
            operated: None,
            body: StoredBody::KeyCheck(Box::default()),
        }
    }

    #[test]
    fn what_is_asked_for_is_matched_whole() {
        for (account, caller, wanted) in [
            (None, None, [true, true, true]),
            (Some("a"), None, [true, false, false]),
            (None, Some("anna"), [true, true, false]),
            (Some("a"), Some("anna"), [true, false, false]),
            (None, Some("ann"), [false, false, false]),
            (Some("aa"), None, [false, false, false]),
        ] {
            let asked = ActionsAsked {
                size: 10,
                begin: None,
                account: account.map(|id| AccountId::parse(id).unwrap()),
                caller: caller.map(Into::into),
            };
            let found = [
                stored("a", Some("anna")),
                stored("", Some("anna")),
                stored("", None),
            ];
            assert_eq!(
                found.map(|stored| asked.wants(&stored)),
                wanted,
                "{asked:?}"
            );
        }
    }
}
