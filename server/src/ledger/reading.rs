//! What can be asked of a ledger that changes nothing. Every answer waits until what it saw is
//! durable.

use std::sync::Arc;

use tokio::sync::Semaphore;
use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::decline::Decline;
use waika_domain::event::{Closure, DecidedPayment, Scene};
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules::closing::erasable_from;
use waika_domain::rules::reverse::{Approved, GivenBack, Original};
use waika_domain::version::Client;

use super::decode::{Stored, StoredBody};
use super::journal::JournalReader;
use super::walk::Walked;
use super::{Answered, KeptFrom, Ledger, LedgerError};

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
    /// The balance.
    pub balance: Fen,
    /// The quote token for the balance, or what the payment would be declined with.
    pub balance_token: Result<String, Decline>,
    /// Name of the policy.
    pub policy: Arc<str>,
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
    /// The sequence of the last step that is counted there: the end of its time line; 0 for none.
    pub last_step: u64,
}

/// How an authorisation stands now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Given back before it settled.
    pub reversed: GivenBack,
    /// Given back after it settled.
    pub refunded: GivenBack,
    /// Principal that was not given back; nothing when declined.
    pub remaining: Fen,
    /// When it settles or has settled; None when declined.
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
    /// The account's older entries were pruned.
    pub pruned: Option<KeptFrom>,
}

impl Ledger {
    /// Looks at an account that is open, and answers once everything that was seen is durable.
    pub async fn view<R>(
        &self,
        core: usize,
        id: &AccountId,
        look: impl FnOnce(&Account, &Policy, Timestamp) -> R,
    ) -> Result<R, LedgerError> {
        let look = |account: &Account, policy: &Policy, now| match account.closure() {
            None => Ok(look(account, policy, now)),
            Some(_) => Err(LedgerError::AccountClosed),
        };
        self.view_any(core, id, look).await?
    }

    /// How an account ended, and from when on personal data may be erased; None while it is open.
    pub(crate) async fn closure(
        &self,
        core: usize,
        id: &AccountId,
    ) -> Result<Option<(Closure, Timestamp)>, LedgerError> {
        let kept = self.authoriser.erasures.retention_seconds();
        let look = |account: &Account, _: &Policy, _| {
            let closure = account.closure()?;
            Some((closure, erasable_from(closure.closed_at, kept)))
        };
        self.view_any(core, id, look).await
    }

    /// The same, whether it is open or closed.
    pub(crate) async fn view_any<R>(
        &self,
        core: usize,
        id: &AccountId,
        look: impl FnOnce(&Account, &Policy, Timestamp) -> R,
    ) -> Result<R, LedgerError> {
        if let Some(node) = self.node() {
            return self.view_on(node, id, look).await;
        }
        let authoriser = &self.authoriser;
        let now = authoriser.clock.now();
        let policy = authoriser.policies.policy_at(now);
        let (seen, sequence) = authoriser
            .accounts
            .with_account(id, |account| {
                (look(account, &policy, now), account.last_sequence())
            })
            .ok_or(LedgerError::UnknownAccount)?;
        let sequence = sequence.max(authoriser.clock.set_by());
        let sequence = sequence.max(authoriser.policies.set_by());
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
        let look = |account: &Account, policy: &Policy, now| {
            self.authoriser.quote(id, account, asked, (policy, now))
        };
        let quoted = self.view(core, id, look).await?;
        // Merchants and other people's cards were seen too.
        self.kept(core).await?;
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
        self.stand(core, account, vec![(id.sequence(), stored)])
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
        let latest = self.view_any(core, account, |account, _, _| account.last_sequence());
        let latest = latest.await?;
        let begin = begin.unwrap_or(latest).min(latest);
        let walked = self.walk(account, 1..=begin, size, is_decision).await?;
        let Walked {
            found,
            next,
            pruned,
        } = walked;
        #[cfg(feature = "planted-faults")]
        let found = self.authoriser.without_lost(found);
        Ok(History {
            decisions: self.stand(core, account, found).await?,
            next,
            pruned,
        })
    }

    /// Reads many entries away from this core's runtime: few do so at once.
    pub(super) async fn read_aside<R: Send + 'static>(
        &self,
        read: impl FnOnce(&JournalReader) -> Result<R, LedgerError> + Send + 'static,
    ) -> Result<R, LedgerError> {
        self.read_in(&self.reading, read).await
    }

    /// Reads in one of some places. A caller who hangs up leaves its place taken until its reading
    /// has ended.
    pub(super) async fn read_in<R: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        read: impl FnOnce(&JournalReader) -> Result<R, LedgerError> + Send + 'static,
    ) -> Result<R, LedgerError> {
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(|_| LedgerError::Stopped)?;
        let reader = self.reader.clone();
        let read = tokio::task::spawn_blocking(move || {
            let read = read(&reader);
            drop(place);
            read
        });
        read.await.map_err(|_| LedgerError::Unreadable)?
    }

    /// The stored decision on a payment of an account.
    pub(super) async fn decision(
        &self,
        core: usize,
        account: &AccountId,
        id: AuthorisationId,
    ) -> Result<Stored, LedgerError> {
        if let Some(node) = self.node() {
            return self.decision_on(node, account, id).await;
        }
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
        account: &AccountId,
        found: Vec<(u64, Stored)>,
    ) -> Result<Vec<Decided>, LedgerError> {
        let read = match self.node() {
            None => None,
            Some(node) => Some(self.adjusted_on(node, account, &found).await?),
        };
        let adjusted = read.as_ref().unwrap_or(&self.authoriser.adjusted);
        let now = self.authoriser.clock.now();
        let mut seen = self.authoriser.clock.set_by();
        let mut decisions = Vec::with_capacity(found.len());
        for (sequence, stored) in found {
            let adjustment = adjusted.find(sequence);
            seen = seen.max(adjustment.last);
            let StoredBody::Event(event) = stored.body else {
                continue;
            };
            let standing = match event.decision() {
                Some(DecidedPayment::Approved(posted)) => standing_of(
                    Approved {
                        original: Original::of(&posted.reservation),
                        so_far: adjustment.so_far,
                    },
                    now,
                ),
                Some(DecidedPayment::Declined(_) | DecidedPayment::Voided(_)) | None => {
                    Standing::default()
                }
            };
            let answered = Answered {
                sequence,
                at: stored.at,
                event,
                replayed: false,
            };
            decisions.push(Decided {
                answered,
                standing,
                last_step: adjustment.last,
            });
        }
        if read.is_none() {
            self.queue.wait_durable(core, seen).await?;
        }
        Ok(decisions)
    }
}

pub(super) fn is_decision(stored: &Stored) -> bool {
    let event = stored.event();
    event.is_some_and(|event| event.decision().is_some())
}

fn standing_of(approved: Approved, now: Timestamp) -> Standing {
    let Approved { original, so_far } = approved;
    // What was reversed in full never settles: nothing of it is left to.
    let something = approved.remaining() > Fen::ZERO || so_far.refunded.principal > Fen::ZERO;
    Standing {
        reversed: so_far.reversed,
        refunded: so_far.refunded,
        remaining: approved.remaining(),
        settles_at: Some(so_far.settled_at.unwrap_or(original.settles_at)),
        settled: something && approved.is_settled(now),
    }
}
