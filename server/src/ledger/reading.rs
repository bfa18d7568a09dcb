//! What can be asked of a ledger that changes nothing. Every answer waits until what it saw is
//! durable.

use std::sync::Arc;

use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::decline::Decline;
use waika_domain::event::{Event, Scene};
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId, TicketId};
use waika_domain::merchant::Merchant;
use waika_domain::money::{Amount, Fen};
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::risk::{RiskReason, RiskTicket};
use waika_domain::rules::settlement::settles_at;
use waika_domain::sandbox_clock::ClockSetting;
use waika_domain::version::Client;

use super::decode::{Stored, StoredBody};
use super::{Answered, Ledger, LedgerError};

/// A payment to quote.
#[derive(Debug, Clone)]
pub struct QuoteAsked {
    /// Who would be paid.
    pub merchant: Option<MerchantId>,
    /// Principal.
    pub amount: Amount,
    /// What it would be for.
    pub scene: Scene,
    /// The payer's app; None for a server-side caller.
    pub client: Option<Client>,
}

/// What a payment would cost, and which cards could make it.
#[derive(Debug, Clone)]
pub struct Quoted {
    /// The fee.
    pub fee: Fen,
    /// Every bound card, oldest first.
    pub cards: Vec<QuotedCard>,
    /// Name of the policy.
    pub policy: Box<str>,
    /// When it was quoted.
    pub at: Timestamp,
    /// Until when the tokens hold.
    pub expires_at: Timestamp,
}

/// A card, and whether it could make the payment.
#[derive(Debug, Clone)]
pub struct QuotedCard {
    /// The card.
    pub card: BoundCard,
    /// The quote token, or what the payment would be declined with.
    pub token: Result<String, Decline>,
}

/// A decision on a payment, and how it stands now.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The decision.
    pub answered: Answered,
    /// How it stands.
    pub standing: Standing,
}

/// How an authorisation stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Principal given back so far.
    pub given_back: Fen,
    /// Fee given back so far.
    pub fee_given_back: Fen,
    /// Principal that is still authorised; nothing when declined.
    pub remaining: Fen,
    /// When it settles; None when declined.
    pub settles_at: Option<Timestamp>,
    /// It is settled.
    pub settled: bool,
}

/// A page of an account's decisions.
#[derive(Debug, Clone)]
pub struct History {
    /// Newest first.
    pub decisions: Vec<Decided>,
    /// Where the next page begins; None once the account's first entry was seen. What is left may
    /// hold no decision.
    pub next: Option<u64>,
}

/// An open risk ticket.
#[derive(Debug, Clone)]
pub struct OpenTicket {
    /// Whose.
    pub account: AccountId,
    /// The ticket.
    pub ticket: RiskTicket,
    /// Payments with the card would still be declined for it.
    pub still_applies: bool,
}

/// Entries that one page of history looks at: a page is short rather than slow where an account
/// has done much else than pay.
const ENTRIES_A_PAGE: usize = 1_000;

impl Ledger {
    /// Looks at an account, and answers once everything that was seen is durable.
    pub async fn view<R>(
        &self,
        core: usize,
        id: &AccountId,
        look: impl FnOnce(&Account, &Policy, Timestamp) -> R,
    ) -> Result<R, LedgerError> {
        let now = self.authoriser.clock.now();
        let policy = &self.authoriser.policy;
        let (seen, sequence) = self
            .authoriser
            .accounts
            .with_account(id, |account| {
                (look(account, policy, now), account.last_sequence())
            })
            .ok_or(LedgerError::UnknownAccount)?;
        let sequence = sequence.max(self.authoriser.clock.set_by());
        self.queue.wait_durable(core, sequence).await?;
        Ok(seen)
    }

    /// What a payment would cost and which cards could make it. Spends nothing.
    pub async fn quote(
        &self,
        core: usize,
        id: &AccountId,
        asked: &QuoteAsked,
    ) -> Result<Quoted, LedgerError> {
        let look =
            |account: &Account, _: &Policy, now| self.authoriser.quote(id, account, asked, now);
        let quoted = self.view(core, id, look).await?;
        // Merchants and other people's cards were seen too.
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok(quoted)
    }

    /// Reads a decision on a payment of an account again.
    pub async fn authorisation(
        &self,
        core: usize,
        account: &AccountId,
        id: AuthorisationId,
    ) -> Result<Decided, LedgerError> {
        let stored = self.decision(core, account, id).await?;
        self.stand(core, vec![(id.sequence(), stored)])
            .await?
            .pop()
            .ok_or(LedgerError::UnknownAuthorisation)
    }

    /// The account's decisions on payments, newest first: at most `size` of them, from the entry
    /// of sequence `begin` on, or from its latest.
    pub async fn history(
        &self,
        core: usize,
        account: &AccountId,
        begin: Option<u64>,
        size: usize,
    ) -> Result<History, LedgerError> {
        let latest = self.view(core, account, |account, _, _| account.last_sequence());
        let latest = latest.await?;
        let begin = begin.unwrap_or(latest).min(latest);
        let reading = self.reading.acquire().await;
        let _place = reading.map_err(|_| LedgerError::Stopped)?;
        let (reader, account) = (self.reader.clone(), account.clone());
        let walk = move || {
            walk_back(begin, size, |sequence| {
                read_own(&reader, &account, sequence)
            })
        };
        let walked = tokio::task::spawn_blocking(walk).await;
        let (found, next) = walked.map_err(|_| LedgerError::Unreadable)??;
        Ok(History {
            decisions: self.stand(core, found).await?,
            next,
        })
    }

    /// At most `size` open risk tickets after one, oldest first, and whether there may be more.
    pub async fn risk_tickets(
        &self,
        core: usize,
        after: Option<TicketId>,
        size: usize,
    ) -> Result<(Vec<OpenTicket>, Option<TicketId>), LedgerError> {
        let listed = self.authoriser.risk_desk.after(after, size + 1);
        let last = listed.get(..size).and_then(<[_]>::last);
        let next = last
            .map(|(ticket, _)| *ticket)
            .filter(|_| listed.len() > size);
        let open = listed.iter().take(size).filter_map(|(ticket, id)| {
            let look = |account: &mut Account| self.open_ticket(id, account, *ticket);
            let open = self.authoriser.accounts.with_account(id, look).flatten();
            if open.is_none() {
                // It went with its card.
                self.authoriser.risk_desk.close(*ticket);
            }
            open
        });
        let open = open.collect();
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok((open, next))
    }

    /// What the clock shows, and how it goes, once that is durable.
    pub async fn clock(&self, core: usize) -> Result<(Timestamp, ClockSetting), LedgerError> {
        let clock = &self.authoriser.clock;
        let seen = (clock.now(), clock.setting());
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok(seen)
    }

    /// The merchant of that id, once what was seen of it is durable.
    pub async fn merchant(
        &self,
        core: usize,
        id: &MerchantId,
    ) -> Result<Option<Arc<Merchant>>, LedgerError> {
        let merchant = self.authoriser.merchants.find(id);
        self.queue.wait_durable(core, self.queue.appended()).await?;
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
        self.queue.wait_durable(core, self.queue.appended()).await?;
        Ok(page)
    }

    /// The stored decision on a payment of an account.
    pub(super) async fn decision(
        &self,
        core: usize,
        account: &AccountId,
        id: AuthorisationId,
    ) -> Result<Stored, LedgerError> {
        let sequence = id.sequence();
        if sequence == 0 || sequence > self.queue.appended() {
            return Err(LedgerError::UnknownAuthorisation);
        }
        let stored = self.read(core, sequence).await?;
        if *stored.account == *account.as_str() && is_decision(&stored) {
            Ok(stored)
        } else {
            Err(LedgerError::UnknownAuthorisation)
        }
    }

    /// Adds to stored decisions how they stand now.
    async fn stand(
        &self,
        core: usize,
        found: Vec<(u64, Stored)>,
    ) -> Result<Vec<Decided>, LedgerError> {
        let now = self.authoriser.clock.now();
        let mut seen = self.authoriser.clock.set_by();
        let mut decisions = Vec::with_capacity(found.len());
        for (sequence, stored) in found {
            let adjustment = self.authoriser.adjusted.given_back(sequence);
            seen = seen.max(adjustment.last);
            let StoredBody::Event(event) = stored.body else {
                continue;
            };
            let principal = approved_principal(&event);
            let settles_at = principal.map(|_| settles_at(stored.at, &self.authoriser.policy));
            let given_back = adjustment.given_back;
            let standing = Standing {
                given_back: given_back.principal,
                fee_given_back: given_back.fee,
                remaining: principal.unwrap_or(Fen::ZERO).minus(given_back.principal),
                settles_at,
                settled: settles_at.is_some_and(|at| now >= at),
            };
            let answered = Answered {
                sequence,
                at: stored.at,
                event,
                replayed: false,
            };
            decisions.push(Decided { answered, standing });
        }
        self.queue.wait_durable(core, seen).await?;
        Ok(decisions)
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

/// Reads an entry of an account; the chain of its entries never leaves it.
fn read_own(
    reader: &super::journal::JournalReader,
    account: &AccountId,
    sequence: u64,
) -> Result<Stored, LedgerError> {
    let stored = super::read_entry(reader, sequence)?;
    if *stored.account == *account.as_str() {
        Ok(stored)
    } else {
        tracing::error!(sequence, "an account's history leads to another account");
        Err(LedgerError::Unreadable)
    }
}

/// Decisions, and where to go on.
type Walked = (Vec<(u64, Stored)>, Option<u64>);

/// Goes from an entry to the account's one before it, and so on, and gathers decisions.
fn walk_back(
    begin: u64,
    size: usize,
    read: impl Fn(u64) -> Result<Stored, LedgerError>,
) -> Result<Walked, LedgerError> {
    let mut found = Vec::new();
    let mut sequence = begin;
    for _ in 0..ENTRIES_A_PAGE {
        if sequence == 0 || found.len() == size {
            break;
        }
        let stored = read(sequence)?;
        let previous = stored.previous;
        if is_decision(&stored) {
            found.push((sequence, stored));
        }
        sequence = previous;
    }
    Ok((found, Some(sequence).filter(|&sequence| sequence != 0)))
}

fn is_decision(stored: &Stored) -> bool {
    match &stored.body {
        StoredBody::Event(event) => matches!(
            event,
            Event::Posted(_) | Event::Declined(_) | Event::Voided(_)
        ),
        StoredBody::KeyCheck(_) => false,
    }
}

/// The principal of an approved payment; None for a declined one.
fn approved_principal(event: &Event) -> Option<Fen> {
    if let Event::Posted(posted) = event {
        Some(posted.reservation.payment.amount.fen())
    } else {
        None
    }
}
