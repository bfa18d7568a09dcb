//! Finding the payment that a reversal, a refund or a settlement names, and what happened to it since, with the version
//! of its account at which that is so.

use waika_domain::account::Account;
use waika_domain::identifiers::{AccountId, CallName, CodeDigest};

use super::Ledger;
use crate::adjusted::Adjusted;
use crate::authoriser::Passage;
use crate::ledger::LedgerError;
use crate::ledger::decode::{Stored, StoredBody};
use crate::ledger::node::{Node, Question, column, stored};
use crate::ledger::operation::OriginalNamed;
use crate::ledger::replay::code_scope;
use crate::ledger::reversal::{OriginalFound, ReadAt, ahead_caller, decided, payment_call};

impl Ledger {
    /// Finds the payment that an operation names, and what happened to it since.
    pub(super) async fn find_original_on(
        &self,
        node: &Node,
        passage: Passage<'_>,
        named: OriginalNamed,
    ) -> Result<OriginalFound, LedgerError> {
        let (account, caller) = (passage.account, &passage.call.caller);
        let (scope, name) = match named {
            OriginalNamed::Id(id) => {
                let stored = self.decision_on(node, account, id).await?;
                return self.found_on(node, account, (id.sequence(), &stored)).await;
            }
            OriginalNamed::Key(key) => {
                let caller = (&**caller).into();
                (account.as_str().to_owned(), CallName { caller, key })
            }
            OriginalNamed::KeyOfCode { code, key } => {
                let caller = ahead_caller(Some(code), caller).into();
                (code_scope(code), CallName { caller, key })
            }
        };
        // Before it is looked for: what comes later is of another version.
        let read = node.standing(account, 0).await?;
        let payment = payment_call(caller, &name.key);
        let hash = self.authoriser.call_hash(&scope, &payment);
        match self.known_on(node, account, hash, passage.call).await? {
            Some((sequence, stored)) => self.found_on(node, account, (sequence, &stored)).await,
            None => Ok(OriginalFound::NotYet {
                slot: passage.slot,
                name,
                read: Some(read), // D31
            }),
        }
    }

    async fn found_on(
        &self,
        node: &Node,
        account: &AccountId,
        (sequence, stored): (u64, &Stored),
    ) -> Result<OriginalFound, LedgerError> {
        let mut found = decided(sequence, stored)?;
        // What this node has decided itself has to be there.
        let last = |account: &mut Account| node.wait(account.last_sequence());
        if let Some(durable) = self.authoriser.accounts.with_account(account, last) {
            // Whatever became of it.
            let _ended = durable.await;
        }
        if let OriginalFound::Decided { read, .. } = &mut found {
            *read = Some(node.standing(account, sequence).await?);
        }
        Ok(found)
    }
}

impl Node {
    /// Whose a payment code is.
    pub(in crate::ledger) async fn account_of(
        &self,
        code: CodeDigest,
    ) -> Result<Option<AccountId>, LedgerError> {
        let rows = self
            .reads()
            .rows(Question::Code, &[&code.0.cast_signed()])
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let id = column::<&str>(row, 0)?;
        AccountId::parse(id)
            .map(Some)
            .map_err(|_| LedgerError::Unreadable)
    }

    /// What happened to an authorisation since, and at which version of its account that is so.
    pub(super) async fn standing(
        &self,
        account: &AccountId,
        authorisation: u64,
    ) -> Result<ReadAt, LedgerError> {
        let (version, adjusted) = self.adjusted(account, &[authorisation]).await?;
        Ok(ReadAt {
            version,
            adjustment: adjusted.find(authorisation),
        })
    }

    /// The same of several.
    pub(super) async fn adjusted(
        &self,
        account: &AccountId,
        authorisations: &[u64],
    ) -> Result<(u64, Adjusted), LedgerError> {
        let which: Vec<_> = authorisations.iter().map(|of| of.cast_signed()).collect();
        let rows = self
            .reads()
            .rows(Question::About, &[&account.as_str(), &which])
            .await?;
        let adjusted = Adjusted::default();
        let mut version = None;
        for row in &rows {
            version = Some(column::<i64>(row, 0)?.cast_unsigned());
            if column::<Option<i64>>(row, 1)?.is_none() {
                continue;
            }
            let (sequence, stored) = stored(row, 2)?;
            if let StoredBody::Event(event) = &stored.body {
                adjusted.apply(event, sequence, stored.at);
            }
        }
        let version = version.ok_or(LedgerError::UnknownAccount)?;
        Ok((version, adjusted))
    }
}
