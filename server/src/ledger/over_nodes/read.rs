//! What is read over a database: whoever only looks around is told what can be seen there.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use waika_domain::account::Account;
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId, TicketId};
use waika_domain::period::{Day, Timestamp};
use waika_domain::policy::Policy;

use super::{Ledger, Tries};
use crate::adjusted::Adjusted;
use crate::ledger::decode::Stored;
use crate::ledger::node::{Node, Question, about, cards, column, stored};
use crate::ledger::operator_actions::ActionsAsked;
use crate::ledger::reading::is_decision;
use crate::ledger::walk::{ENTRIES_A_PAGE, Walked};
use crate::ledger::{Call, LedgerError};
use crate::settlement::{Settlement, Statement};

impl Ledger {
    /// Looks at an account as it stands in the database, or as it does here once that is durable.
    pub(in crate::ledger) async fn view_on<R>(
        &self,
        node: &Node,
        id: &AccountId,
        look: impl FnOnce(&Account, &Policy, Timestamp) -> R,
    ) -> Result<R, LedgerError> {
        let authoriser = &self.authoriser;
        let mut tries = Tries::until(None);
        loop {
            if !node.refresh(authoriser, id).await? {
                return Err(LedgerError::UnknownAccount);
            }
            let copy =
                |account: &mut Account| (account.clone(), node.wait(account.last_sequence()));
            if let Some((account, durable)) = authoriser.accounts.with_account(id, copy)
                && durable.await.is_ok()
            {
                let now = authoriser.clock.now();
                let policy = authoriser.policies.policy_at(now);
                return Ok(look(&account, &policy, now));
            }
            tries.pause().await?;
        }
    }

    /// The stored decision on a payment of an account.
    pub(in crate::ledger) async fn decision_on(
        &self,
        node: &Node,
        account: &AccountId,
        id: AuthorisationId,
    ) -> Result<Stored, LedgerError> {
        let stored = node.entry_of(account, id.sequence()).await?;
        stored
            .filter(is_decision)
            .ok_or(LedgerError::UnknownAuthorisation)
    }

    /// What happened to some authorisations of an account since.
    pub(in crate::ledger) async fn adjusted_on(
        &self,
        node: &Node,
        account: &AccountId,
        found: &[(u64, Stored)],
    ) -> Result<Adjusted, LedgerError> {
        let sequences: Vec<_> = found.iter().map(|(sequence, _)| *sequence).collect();
        if sequences.is_empty() {
            return Ok(Adjusted::default());
        }
        let (_, adjusted) = node.adjusted(account, &sequences).await?;
        Ok(adjusted)
    }

    /// Accounts with an open ticket of a kind, in no order.
    pub(in crate::ledger) async fn with_tickets_on<T>(
        &self,
        node: &Node,
        (kind, after, size): (i16, Option<TicketId>, usize),
        look: impl Fn(&AccountId, &Account) -> Vec<(TicketId, T)>,
    ) -> Result<(Vec<T>, Option<TicketId>), LedgerError> {
        let accounts = node.accounts(Question::Tickets, &[&kind]).await?;
        // Whether a risk still applies depends on who else has the card.
        let cards: Vec<_> = accounts
            .iter()
            .flat_map(|(_, account)| cards(account))
            .collect();
        node.look_for_holders(&self.authoriser, &cards).await?;
        let mut open: Vec<_> = accounts
            .iter()
            .flat_map(|(id, account)| look(id, account))
            .filter(|(ticket, _)| after.is_none_or(|after| *ticket > after))
            .collect();
        open.sort_unstable_by_key(|(ticket, _)| *ticket);
        let has_more = open.len() > size;
        open.truncate(size);
        let next = open.last().map(|(ticket, _)| *ticket).filter(|_| has_more);
        Ok((open.into_iter().map(|(_, of)| of).collect(), next))
    }

    /// A page of what operators did, newest first.
    pub(in crate::ledger) async fn operator_actions_on(
        &self,
        node: &Node,
        asked: &ActionsAsked,
    ) -> Result<Walked, LedgerError> {
        let most = i64::try_from(ENTRIES_A_PAGE).unwrap_or(i64::MAX);
        let begin = asked.begin.map_or(i64::MAX, u64::cast_signed);
        let read = node
            .reads()
            .entries(Question::Operated, &[&begin, &most])
            .await?;
        let is_last = read.len() < ENTRIES_A_PAGE;
        Ok(gather((1, read, is_last), asked.size, |stored| {
            asked.wants(stored)
        }))
    }

    /// What settled on a day. Reads every entry.
    pub(in crate::ledger) async fn settlement_on(
        &self,
        node: &Node,
        (day, merchant): (Day, Option<MerchantId>),
    ) -> Result<Statement, LedgerError> {
        let now = self.authoriser.clock.now();
        let mut settlement = Settlement::of(day, merchant);
        let (mut account, mut after) = (String::new(), 0_i64);
        let mut whose = HashMap::new();
        loop {
            let rows = node
                .reads()
                .rows(Question::All, &[&account, &after])
                .await?;
            let Some(last) = rows.last() else {
                break;
            };
            for row in &rows {
                let (sequence, stored) = stored(row, 1)?;
                if let Some(event) = stored.event() {
                    settlement.see(sequence, stored.at, event);
                    if let Some(about) = about(event) {
                        whose.insert(about, column::<String>(row, 0)?);
                    }
                }
            }
            account = column(last, 0)?;
            after = column(last, 1)?;
        }
        for sequence in settlement.missing() {
            let id = whose.get(&sequence).map(String::as_str).unwrap_or_default();
            let found = node
                .reads()
                .entry(Question::Entry, &[&id, &sequence.cast_signed()])
                .await?;
            if let Some((_, stored)) = found
                && let Some(event) = stored.event()
            {
                settlement.found(sequence, stored.at, event);
            }
        }
        settlement.finish(now).map_err(|error| {
            tracing::error!(%error, "what settled on a day cannot be told");
            LedgerError::Unreadable
        })
    }

    /// Whether a call's key has its answer already.
    pub(in crate::ledger) async fn is_used_on(
        &self,
        node: &Node,
        account: &AccountId,
        call: &Call,
    ) -> Result<bool, LedgerError> {
        let hash = self.authoriser.call_hash(account.as_str(), call);
        let known = self.known_on(node, account, hash, call).await?;
        // Whatever is done next is done over the account.
        node.ensure(&self.authoriser, account).await?;
        Ok(known.is_some())
    }
}

impl Node {
    /// An entry of an account.
    pub(in crate::ledger) async fn entry_of(
        &self,
        account: &AccountId,
        sequence: u64,
    ) -> Result<Option<Stored>, LedgerError> {
        let found = self
            .reads()
            .entry(
                Question::Entry,
                &[&account.as_str(), &sequence.cast_signed()],
            )
            .await?;
        Ok(found.map(|(_, stored)| stored))
    }

    /// Walks back through those of an account's entries that are among `entries`.
    pub(in crate::ledger) async fn walk_back(
        &self,
        account: &AccountId,
        entries: RangeInclusive<u64>,
        size: usize,
        wanted: fn(&Stored) -> bool,
    ) -> Result<Walked, LedgerError> {
        let (first, last) = entries.into_inner();
        let most = i64::try_from(ENTRIES_A_PAGE).unwrap_or(i64::MAX);
        // Most pages are found among so few.
        let few = i64::try_from(size.saturating_mul(4).max(64)).unwrap_or(most);
        let mut walked = None;
        for limit in [few.min(most), most] {
            let read = self
                .reads()
                .entries(
                    Question::Walk,
                    &[
                        &account.as_str(),
                        &first.cast_signed(),
                        &last.cast_signed(),
                        &limit,
                    ],
                )
                .await?;
            let is_last = i64::try_from(read.len()).is_ok_and(|read| read < limit);
            let page = gather((first, read, is_last), size, wanted);
            let is_enough = page.found.len() == size || page.next.is_none();
            walked = Some(page);
            if is_enough {
                break;
            }
        }
        walked.ok_or(LedgerError::Unreadable)
    }

    /// What changed an authorisation, oldest first.
    pub(in crate::ledger) async fn since(
        &self,
        account: &AccountId,
        authorisation: u64,
    ) -> Result<Vec<Stored>, LedgerError> {
        let which = [authorisation.cast_signed()];
        let rows = self
            .reads()
            .rows(Question::About, &[&account.as_str(), &which.as_slice()])
            .await?;
        let mut since = Vec::new();
        for row in &rows {
            if column::<Option<i64>>(row, 1)?.is_some() {
                since.push(stored(row, 2)?.1);
            }
        }
        Ok(since)
    }
}

/// A page of what was read, newest first: what is wanted of it, and where the next one begins.
fn gather(
    (first, read, is_last): (u64, Vec<(u64, Stored)>, bool),
    size: usize,
    wanted: impl Fn(&Stored) -> bool,
) -> Walked {
    let mut found = Vec::new();
    let mut next = None;
    let mut read = read.into_iter().peekable();
    while let Some((sequence, stored)) = read.next() {
        if wanted(&stored) {
            found.push((sequence, stored));
        }
        let there = read.peek().map(|(sequence, _)| *sequence);
        let below = sequence - 1;
        next = there.or_else(|| Some(below).filter(|_| !is_last && below >= first));
        if found.len() == size {
            break;
        }
    }
    Walked {
        found,
        next,
        pruned: None,
    }
}
