//! What can be asked of a ledger that changes nothing. Every answer waits until what it saw is
//! durable.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::sync::Semaphore;
use waika_domain::account::Account;
use waika_domain::card::BoundCard;
use waika_domain::decline::Decline;
use waika_domain::event::{DecidedPayment, Scene};
use waika_domain::identifiers::{AccountId, AuthorisationId, MerchantId};
use waika_domain::money::{Amount, Fen};
use waika_domain::period::Timestamp;
use waika_domain::policy::Policy;
use waika_domain::rules::reverse::{Approved, GivenBack, Original};
use waika_domain::version::Client;

use super::decode::{Stored, StoredBody};
use super::journal::JournalReader;
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
        let (found, next) = self.walk(account, 1..=begin, size, is_decision).await?;
        #[cfg(feature = "planted-faults")]
        let found = self.authoriser.without_lost(found);
        Ok(History {
            decisions: self.stand(core, found).await?,
            next,
        })
    }

    /// Walks back through those of an account's entries that are among `entries`, from the last of
    /// them on, which must be the account's, and gathers what is wanted.
    pub(super) async fn walk(
        &self,
        account: &AccountId,
        entries: RangeInclusive<u64>,
        size: usize,
        wanted: fn(&Stored) -> bool,
    ) -> Result<Walked, LedgerError> {
        let account = account.clone();
        self.read_aside(move |reader| {
            let read = |sequence| read_own(reader, &account, sequence);
            walk_back(entries, size, wanted, read)
        })
        .await
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
            let adjustment = self.authoriser.adjusted.find(sequence);
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
        self.queue.wait_durable(core, seen).await?;
        Ok(decisions)
    }
}

/// Reads an entry of an account; the chain of its entries never leaves it.
fn read_own(
    reader: &JournalReader,
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

/// Entries that were wanted, and where to go on.
pub(super) type Walked = (Vec<(u64, Stored)>, Option<u64>);

/// Goes from the last entry to the account's one before it, and so on down to the first, and
/// gathers what is wanted.
fn walk_back(
    entries: RangeInclusive<u64>,
    size: usize,
    wanted: fn(&Stored) -> bool,
    read: impl Fn(u64) -> Result<Stored, LedgerError>,
) -> Result<Walked, LedgerError> {
    let mut found = Vec::new();
    let (first, mut sequence) = entries.into_inner();
    for _ in 0..ENTRIES_A_PAGE {
        if sequence < first || found.len() == size {
            break;
        }
        let stored = read(sequence)?;
        let previous = stored.previous;
        if wanted(&stored) {
            found.push((sequence, stored));
        }
        sequence = previous;
    }
    Ok((found, Some(sequence).filter(|&next| next >= first)))
}

fn is_decision(stored: &Stored) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten entries of one account, of which every third is wanted.
    fn walk(entries: RangeInclusive<u64>, size: usize) -> (Vec<u64>, Option<u64>) {
        let read = |sequence: u64| {
            Ok(Stored {
                account: "a".into(),
                previous: sequence - 1,
                at: Timestamp::from_unix_ms(i64::from(sequence.is_multiple_of(3))),
                call: None,
                body: StoredBody::KeyCheck(Box::default()),
            })
        };
        let wanted = |stored: &Stored| stored.at > Timestamp::from_unix_ms(0);
        let (found, next) = walk_back(entries, size, wanted, read).unwrap();
        (found.iter().map(|(sequence, _)| *sequence).collect(), next)
    }

    #[test]
    fn a_walk_goes_back_to_the_first_entry_that_is_asked_for_and_no_further() {
        assert_eq!(walk(1..=10, 100), (vec![9, 6, 3], None));
        assert_eq!(walk(1..=10, 2), (vec![9, 6], Some(5)));
        assert_eq!(walk(6..=10, 100), (vec![9, 6], None));
        assert_eq!(walk(7..=10, 1), (vec![9], Some(8)));
        assert_eq!(walk(RangeInclusive::new(11, 10), 100), (vec![], None));
        assert_eq!(walk(RangeInclusive::new(1, 0), 100), (vec![], None));
    }
}
