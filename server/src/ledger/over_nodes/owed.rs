//! What issuers are owed, whichever server sends it.

use waika_domain::event::Event;
use waika_domain::identifiers::AccountId;

use super::Ledger;
use crate::ledger::LedgerError;
use crate::ledger::node::{Node, Question, column, stored};
use crate::owed::{Listed, OwedAdvice};

impl Ledger {
    /// At most `size` of it after one, oldest first, and how much there is. How the sending goes is known of what this
    /// server sends.
    pub(in crate::ledger) async fn owed_on(
        &self,
        node: &Node,
        after: u64,
        size: usize,
    ) -> Result<(Vec<Listed>, usize), LedgerError> {
        let (mut listed, mut count) = (Vec::new(), 0);
        let mut read = 0_i64;
        loop {
            let rows = node.reads().rows(Question::Awaiting, &[&read]).await?;
            let Some(last) = rows.last() else {
                return Ok((listed, count));
            };
            read = column(last, 1)?;
            for row in &rows {
                let (sequence, stored) = stored(row, 1)?;
                // Others are calls that are under way.
                let Some(owed) = stored.event().and_then(Event::owes) else {
                    continue;
                };
                count += 1;
                if sequence > after && listed.len() < size {
                    let account = AccountId::parse(column(row, 0)?);
                    let advice = OwedAdvice {
                        owed,
                        account: account.map_err(|_| LedgerError::Unreadable)?,
                        since: stored.at,
                    };
                    listed.push(self.authoriser.owed.listed(sequence, advice));
                }
            }
        }
    }
}
