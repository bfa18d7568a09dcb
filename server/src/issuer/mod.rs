//! The issuer port: who answers for a card, and what can be believed of an answer.
//!
//! The sandbox inside the process answers most of its cards at once, under the account's lock. Its
//! slow, silent and late cards, and every card of an issuer over the network, are asked without a
//! lock, between a reservation and its end.

mod answer;
mod breaker;
mod client;
#[cfg(test)]
mod client_tests;
mod lanes;
mod metrics;
mod remote;
mod sandbox;

use std::future::pending;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::Either;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waika_domain::card::{BoundCard, CardExpiry, IssuerCardReference, Scheme};
use waika_domain::event::{IssuerKind, OwedKind, Transaction, TransactionId};
use waika_domain::identifiers::Fingerprint;
use waika_domain::money::Fen;

pub(crate) use self::answer::{Heard, Settled, Unsettled, Verified};
pub(crate) use self::client::{IssuerClient, Permit, Turned};
pub(crate) use self::sandbox::{Punctuality, SandboxIssuer};
use crate::clock::sleep;
use crate::ledger::Secret;
use crate::owed::OwedAdvice;
use crate::pan::Pan;
use crate::vault;

/// Everybody who may answer for a card.
#[derive(Debug)]
pub(crate) struct Issuers {
    /// The sandbox inside the process.
    pub(crate) sandbox: SandboxIssuer,
    /// Answers in its place, if there is one.
    remote: Option<IssuerClient>,
    /// Places for listening to answers that nobody waits for any more.
    late: Arc<Semaphore>,
}

/// Answers that are listened to after nobody waits: an eighth of the questions to one scheme by default.
const MOST_LATE: usize = 1_024;

/// A question that is not answered at once.
#[derive(Debug)]
pub(crate) struct Question {
    /// What the issuer knows it by.
    pub(crate) transaction: Transaction,
    /// Its place among the questions to a remote issuer, which goes back when it is dropped.
    permit: Option<Permit>,
    /// Of the sandbox: when it answers.
    punctuality: Punctuality,
}

impl Question {
    /// Its place among the questions, for whoever sees how it ends.
    pub(crate) fn take_place(&mut self) -> Place {
        Place(self.permit.take())
    }
}

/// A place among the questions to an issuer. It goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<Permit>);

impl Place {
    /// Tells the breaker of its scheme what became of the question: that the issuer has answered, be
    /// it with a refusal; that it has not; or nothing that says anything of it.
    pub(crate) fn ended(&mut self, of_issuer: Option<bool>) {
        match (&mut self.0, of_issuer) {
            (None, _) | (Some(_), None) => {}
            (Some(permit), Some(true)) => permit.heard(),
            (Some(permit), Some(false)) => permit.not_heard(),
        }
    }
}

/// How the issuer of a card can be asked.
#[derive(Debug)]
pub(crate) enum Opening {
    /// The sandbox inside answers at once.
    AtOnce,
    /// It has to be asked.
    Ask(Question),
    /// It did not answer lately, and is left alone. The transaction is the one by which it can be told
    /// of the payment later.
    Absent(Transaction),
    /// It is not asked: it is being asked for as much as may be, it is not this server's, or no name
    /// could be drawn.
    Busy,
}

/// A payment, as its issuer hears of it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) transaction: Transaction,
    /// The card.
    pub(crate) reference: IssuerCardReference,
    /// Principal and fee (D3).
    pub(crate) amount: Fen,
    /// Who is paid.
    pub(crate) merchant: String,
    /// The caller's name for it.
    pub(crate) key: String,
}

/// A card to verify. Secrets are wiped when dropped and never printed.
pub(crate) struct CardToVerify<'a> {
    pub(crate) pan: &'a Pan,
    /// The same for as long as the store lasts, and its sandbox.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) expiry: CardExpiry,
    pub(crate) cvv: &'a Secret,
    /// The caller's name for the bind.
    pub(crate) key: &'a str,
}

impl Issuers {
    /// The sandbox, and whoever answers in its place.
    pub(crate) fn new(sandbox: SandboxIssuer, remote: Option<IssuerClient>) -> Self {
        let late = Arc::new(Semaphore::new(MOST_LATE));
        Self {
            sandbox,
            remote,
            late,
        }
    }

    /// A place for listening to one that is late, if there is one.
    pub(crate) fn listen_late(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.late).try_acquire_owned().ok()
    }

    /// True if an issuer over the network answers for the cards.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Who names the cards that are bound now.
    pub(crate) fn kind(&self) -> IssuerKind {
        match self.remote {
            None => IssuerKind::Sandbox,
            Some(_) => IssuerKind::Remote,
        }
    }

    /// How the issuer of a card can be asked about a payment. Waits for nothing. A card that another
    /// issuer has named than the one that this server was started with is asked about nowhere: the
    /// sandbox would approve what a real issuer never hears of.
    pub(crate) fn open(&self, card: &BoundCard) -> Opening {
        match (&self.remote, card.issuer) {
            (None, IssuerKind::Sandbox) => {
                let punctuality = self.sandbox.punctuality(&card.issuer_reference);
                open_sandbox(punctuality, card.scheme)
            }
            (Some(remote), IssuerKind::Remote) => open_remote(remote, card.scheme),
            (None, IssuerKind::Remote) | (Some(_), IssuerKind::Sandbox) => Opening::Busy,
        }
    }

    /// How the issuer can be asked for a verification debit. Waits for nothing.
    pub(crate) fn open_verification(&self, pan: &Pan, scheme: Scheme) -> Opening {
        match &self.remote {
            None => open_sandbox(self.sandbox.punctuality_at_bind(pan), scheme),
            Some(remote) => open_remote(remote, scheme),
        }
    }

    /// Asks about a payment, for as long as that takes. Whoever gives up keeps it going elsewhere.
    /// What is asked need not be kept until the answer comes.
    pub(crate) fn authorise<'a>(
        &'a self,
        core: usize,
        question: &Question,
        asked: &Asked,
    ) -> impl Future<Output = Heard> + Send + use<'a> {
        if let Some(remote) = self.remote_of(question.transaction) {
            return Either::Left(remote::authorise(remote, core, asked));
        }
        let (reference, key) = (asked.reference.clone(), asked.key.clone());
        let late = wait_for(question.punctuality).map(move |()| {
            let answer = self.sandbox.authorise(&reference, &key);
            answer.map_or_else(Heard::Refused, Heard::Approved)
        });
        Either::Right(Box::pin(late))
    }

    /// Asks for the debit that shows whether a card can be used (R37).
    pub(crate) async fn verify(
        &self,
        core: usize,
        question: &Question,
        card: CardToVerify<'_>,
    ) -> Verified {
        let Some(remote) = self.remote_of(question.transaction) else {
            wait_for(question.punctuality).await;
            return self.verify_at_once(&card);
        };
        remote::verify(remote, core, question.transaction, card).await
    }

    /// The same of a card whose issuer is the sandbox and answers at once.
    pub(crate) fn verify_at_once(&self, card: &CardToVerify<'_>) -> Verified {
        let answer = self.sandbox.verification_debit(card.pan, card.fingerprint);
        answer.map_or_else(Verified::Refused, Verified::Usable)
    }

    /// Asks what became of a payment whose answer a stopped server may have missed.
    pub(crate) async fn status(&self, core: usize, transaction: Transaction, amount: Fen) -> Heard {
        match self.remote_of(transaction) {
            // The sandbox inside has forgotten.
            None => Heard::Silence,
            Some(remote) => remote::status(remote, core, transaction, amount).await,
        }
    }

    /// Sends an advice. `name` is its own, the same each time that it is sent.
    pub(crate) async fn advise(
        &self,
        core: usize,
        name: &str,
        advice: &OwedAdvice,
        repeat: bool,
    ) -> Result<Settled, Unsettled> {
        let owed = &advice.owed;
        match (owed.transaction.issuer, &self.remote) {
            // It has approved nothing that it would have to give back.
            (IssuerKind::Sandbox, _) => Ok(match owed.kind {
                OwedKind::StandIn(_) => Settled::Agreed,
                OwedKind::NoAnswer
                | OwedKind::Reversal
                | OwedKind::Refund
                | OwedKind::Verification => Settled::Reversed(owed.amount),
            }),
            (IssuerKind::Remote, None) => Err(Unsettled {
                why: "this server was started without --issuer".to_owned(),
                answered: false,
            }),
            (IssuerKind::Remote, Some(remote)) => {
                remote::advise(remote, core, name, advice, repeat).await
            }
        }
    }

    fn remote_of(&self, transaction: Transaction) -> Option<&IssuerClient> {
        match transaction.issuer {
            IssuerKind::Sandbox => None,
            IssuerKind::Remote => self.remote.as_ref(),
        }
    }
}

fn open_sandbox(punctuality: Punctuality, scheme: Scheme) -> Opening {
    if punctuality == Punctuality::AtOnce {
        return Opening::AtOnce;
    }
    match new_transaction(IssuerKind::Sandbox, scheme) {
        None => Opening::Busy,
        Some(transaction) => Opening::Ask(Question {
            transaction,
            permit: None,
            punctuality,
        }),
    }
}

fn open_remote(remote: &IssuerClient, scheme: Scheme) -> Opening {
    let transaction = new_transaction(IssuerKind::Remote, scheme);
    match (transaction, remote.admit(scheme)) {
        (Some(transaction), Ok(permit)) => Opening::Ask(Question {
            transaction,
            permit: Some(permit),
            punctuality: Punctuality::AtOnce,
        }),
        (Some(transaction), Err(Turned::BreakerOpen)) => Opening::Absent(transaction),
        (None, _) | (Some(_), Err(Turned::TooManyInFlight)) => Opening::Busy,
    }
}

/// None if the system gives no randomness: then nobody can be asked.
fn new_transaction(issuer: IssuerKind, scheme: Scheme) -> Option<Transaction> {
    let id = vault::random_id().ok()?;
    Some(Transaction {
        id: TransactionId::from_number(id),
        issuer,
        scheme,
    })
}

async fn wait_for(punctuality: Punctuality) {
    match punctuality {
        Punctuality::AtOnce => {}
        Punctuality::After(time) => sleep(time).await,
        Punctuality::Never => pending().await,
    }
}
