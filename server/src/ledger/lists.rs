//! What operators and callers list: tickets, reviews, merchants; and the clock.

use std::sync::Arc;

use waika_domain::account::{Account, ReviewTicket};
use waika_domain::event::{PasswordTicket, PasswordTicketState};
use waika_domain::identifiers::{AccountId, MerchantId, TicketId};
use waika_domain::merchant::Merchant;
use waika_domain::period::{Day, Timestamp};
use waika_domain::risk::{RiskReason, RiskTicket};
use waika_domain::sandbox_clock::ClockSetting;

use super::decode::{self, NotUnderstood};
use super::journal::{JournalReader, OpenError};
use super::node::{PASSWORD, REVIEW, RISK};
use super::{Ledger, LedgerError, read_entry};
use crate::settlement::{Settlement, Statement};
use crate::ticket_desk::TicketDesk;

/// An open risk ticket.
#[derive(Debug, Clone)]
pub(crate) struct OpenTicket {
    /// Whose.
    pub(crate) account: AccountId,
    /// The ticket.
    pub(crate) ticket: RiskTicket,
    /// Payments with the card would still be declined for it.
    pub(crate) still_applies: bool,
}

/// A review that waits for an operator.
#[derive(Debug, Clone)]
pub(crate) struct PendingReview {
    /// Whose.
    pub(crate) account: AccountId,
    /// Which photo completed it, and when.
    pub(crate) review: ReviewTicket,
    /// Face checks that failed before.
    pub(crate) face_failures: u32,
}

/// A page of a list, and after which ticket the next one begins.
type Page<T> = (Vec<T>, Option<TicketId>);

impl Ledger {
    /// At most `size` open risk tickets after one, oldest first.
    pub(crate) async fn risk_tickets(
        &self,
        core: usize,
        after: Option<TicketId>,
        size: usize,
    ) -> Result<Page<OpenTicket>, LedgerError> {
        if let Some(node) = self.node() {
            let look = |id: &AccountId, account: &Account| {
                let tickets = account.risk_tickets().iter();
                let open = tickets.filter_map(|ticket| {
                    let open = self.open_ticket(id, account, ticket.id)?;
                    Some((ticket.id, open))
                });
                open.collect()
            };
            return self.with_tickets_on(node, (RISK, after, size), look).await;
        }
        let desk = &self.authoriser.risk_desk;
        let look =
            |id: &AccountId, account: &Account, ticket| self.open_ticket(id, account, ticket);
        self.tickets(core, (desk, after, size), look).await
    }

    /// At most `size` requests to reset a password that wait for an operator, oldest first.
    pub(crate) async fn password_tickets(
        &self,
        core: usize,
        after: Option<TicketId>,
        size: usize,
    ) -> Result<Page<(AccountId, PasswordTicket)>, LedgerError> {
        if let Some(node) = self.node() {
            let look = |id: &AccountId, account: &Account| {
                let open = account.password_ticket();
                let open = open.filter(|ticket| ticket.state == PasswordTicketState::Open);
                let open = open.map(|ticket| (ticket.id, (id.clone(), *ticket)));
                open.into_iter().collect()
            };
            return self
                .with_tickets_on(node, (PASSWORD, after, size), look)
                .await;
        }
        let look = |id: &AccountId, account: &Account, ticket| {
            let known = account.password_ticket()?;
            let is_open = known.id == ticket && known.state == PasswordTicketState::Open;
            is_open.then(|| (id.clone(), *known))
        };
        let desk = &self.authoriser.password_desk;
        self.tickets(core, (desk, after, size), look).await
    }

    /// At most `size` reviews that wait for an operator, oldest first.
    pub(crate) async fn reviews(
        &self,
        core: usize,
        after: Option<TicketId>,
        size: usize,
    ) -> Result<Page<PendingReview>, LedgerError> {
        let pending = |id: &AccountId, account: &Account| {
            Some(PendingReview {
                account: id.clone(),
                review: account.review_ticket()?,
                face_failures: account.face_failures(),
            })
        };
        if let Some(node) = self.node() {
            let look = |id: &AccountId, account: &Account| {
                let open = pending(id, account);
                let open = open.map(|open| (open.review.id, open));
                open.into_iter().collect()
            };
            return self
                .with_tickets_on(node, (REVIEW, after, size), look)
                .await;
        }
        let look = |id: &AccountId, account: &Account, ticket| {
            pending(id, account).filter(|open| open.review.id == ticket)
        };
        let desk = &self.authoriser.review_desk;
        self.tickets(core, (desk, after, size), look).await
    }

    /// What settled on a day. Reads every entry, away from this core's runtime.
    pub(crate) async fn settlement(
        &self,
        core: usize,
        day: Day,
        merchant: Option<MerchantId>,
    ) -> Result<Statement, LedgerError> {
        if let Some(node) = self.node() {
            return self.settlement_on(node, (day, merchant)).await;
        }
        // First: what is appended later is later than this.
        let now = self.authoriser.clock.now();
        let last = self.queue.appended();
        self.queue.wait_durable(core, last).await?;
        self.read_in(&self.long_reading, move |reader| {
            read_settlement(reader, last, (day, merchant), now)
        })
        .await
    }

    /// A page of a desk. A ticket that its account does not know any more is taken off it.
    async fn tickets<T>(
        &self,
        core: usize,
        (desk, after, size): (&TicketDesk, Option<TicketId>, usize),
        look: impl Fn(&AccountId, &Account, TicketId) -> Option<T>,
    ) -> Result<Page<T>, LedgerError> {
        let listed = desk.after(after, size + 1);
        let last = listed.get(..size).and_then(<[_]>::last);
        let next = last
            .map(|(ticket, _)| *ticket)
            .filter(|_| listed.len() > size);
        let open = listed.iter().take(size).filter_map(|(ticket, id)| {
            let look = |account: &mut Account| look(id, account, *ticket);
            let open = self.authoriser.accounts.with_account(id, look).flatten();
            if open.is_none() {
                desk.close(*ticket);
            }
            open
        });
        let open = open.collect();
        self.kept(core).await?;
        Ok((open, next))
    }

    /// What the clock shows, and how it goes, once that is durable.
    pub async fn clock(&self, core: usize) -> Result<(Timestamp, ClockSetting), LedgerError> {
        let clock = &self.authoriser.clock;
        let seen = (clock.now(), clock.setting());
        self.kept(core).await?;
        Ok(seen)
    }

    /// The merchant of that id, once what was seen of it is durable.
    pub async fn merchant(
        &self,
        core: usize,
        id: &MerchantId,
    ) -> Result<Option<Arc<Merchant>>, LedgerError> {
        let merchant = self.authoriser.merchants.find(id);
        self.kept(core).await?;
        Ok(merchant)
    }

    /// At most `size` merchants after one, in the order of their ids, and whether there are more.
    pub async fn merchants(
        &self,
        core: usize,
        after: Option<&MerchantId>,
        size: usize,
    ) -> Result<(Vec<Arc<Merchant>>, bool), LedgerError> {
        let page = self.authoriser.merchants.page(after, size);
        self.kept(core).await?;
        Ok(page)
    }

    fn open_ticket(
        &self,
        id: &AccountId,
        account: &Account,
        ticket: TicketId,
    ) -> Option<OpenTicket> {
        let ticket = *account.risk_ticket(ticket)?;
        let card = account.card(ticket.card)?;
        let shared_or_not = self.authoriser.risk_of(account, card);
        let still_applies = match ticket.reason {
            RiskReason::CardShared => shared_or_not == Some(RiskReason::CardShared),
            // Behind a shared card the other risk is not looked at: it stands until it is cleared.
            RiskReason::HolderMismatch => shared_or_not.is_some(),
        };
        Some(OpenTicket {
            account: id.clone(),
            ticket,
            still_applies,
        })
    }
}

/// Shows every entry up to one to a settlement. Blocks.
fn read_settlement(
    reader: &JournalReader,
    last: u64,
    (day, merchant): (Day, Option<MerchantId>),
    now: Timestamp,
) -> Result<Statement, LedgerError> {
    let mut settlement = Settlement::of(day, merchant);
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "what settled on a day cannot be told");
        LedgerError::Unreadable
    };
    let see = |sequence, entry: &[u8]| {
        let stored = decode::entry(entry)?;
        if let Some(event) = stored.event() {
            settlement.see(sequence, stored.at, event);
        }
        Ok::<_, NotUnderstood>(())
    };
    let first = first_for(reader, day)?;
    let read = reader.read_all(first, last, see);
    read.map_err(|error| match error {
        OpenError::Pruned(beginning) => LedgerError::DayPruned(beginning.into()),
        error => failed(&error),
    })?;
    for sequence in settlement.missing() {
        let stored = read_entry(reader, sequence).map_err(|error| match error {
            LedgerError::AuthorisationPruned(from) => LedgerError::DayPruned(from),
            error => error,
        })?;
        if let Some(event) = stored.event() {
            settlement.found(sequence, stored.at, event);
        }
    }
    settlement.finish(now).map_err(|error| failed(&error))
}

/// The first sequence that is kept, if the sums of a day need nothing from before.
fn first_for(reader: &JournalReader, day: Day) -> Result<u64, LedgerError> {
    match reader.beginning() {
        None => Ok(1),
        Some(kept) if day.start().unix_ms() < kept.days_from_ms => {
            Err(LedgerError::DayPruned(kept.into()))
        }
        Some(kept) => Ok(kept.first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::ledger::policies::tests::config;

    #[tokio::test]
    async fn nobodys_page_of_history_waits_for_an_export_which_waits_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&config(folder.path()), 1).unwrap();
        let waking = Arc::clone(&ledger);
        let waking = tokio::spawn(async move { waking.wake_waiters(0).await });
        let day = Timestamp::from_unix_ms(1_700_000_000_000).day();
        let other_export = ledger.long_reading.acquire().await.unwrap();
        let page = ledger.read_aside(|_| Ok(7)).await;
        assert_eq!(page, Ok(7));
        let export = ledger.settlement(0, day, None);
        let export = tokio::time::timeout(Duration::from_millis(50), export).await;
        assert!(export.is_err(), "one after the other");
        drop(other_export);
        let pages = ledger.reading.acquire_many(4).await.unwrap();
        assert!(ledger.settlement(0, day, None).await.is_ok());
        drop(pages);
        waking.abort();
        ledger.close();
    }
}
