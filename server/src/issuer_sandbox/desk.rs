//! Answers calls: waits as long as the issuer takes, books, and tells, or keeps its silence.
//!
//! What was begun goes on without its caller: one who hangs up changes nothing in the books.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use waika_domain::card::{IssuerCardReference, Scheme};

use super::books::{
    AdviceTaken, Asked, Begun, Books, DUPLICATE, Reversal, Told, Transaction, TransactionId,
    Verdict, text,
};
use super::issuer::{Course, Flaw, Issuer, NONSENSE_CODE, Payment, Plan, Verification};
use super::timer::Timer;
use super::trouble::Outages;
use crate::commit::Halted;
use crate::config::OutageKind;

/// What every core's desk has in common.
#[derive(Debug)]
pub(crate) struct Office {
    pub(crate) issuer: Issuer,
    pub(crate) outages: Outages,
    pub(crate) books: Books,
    /// The process is ending: silence ends too.
    pub(crate) stopping: CancellationToken,
}

/// The desk of one core.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) office: Arc<Office>,
    pub(crate) core: usize,
    pub(crate) timer: Timer,
}

/// There is no answer, which the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// As was asked for by `--errors` or `--outage`.
    #[error("the issuer cannot be reached, as --errors or --outage asked for")]
    Unavailable,
    /// The process is ending.
    #[error("the issuer's process is stopping")]
    Stopping,
    /// The books' disk has failed.
    #[error("the books cannot be written, so the outcome is unknown")]
    Halted,
}

impl From<Halted> for NoAnswer {
    fn from(_: Halted) -> Self {
        Self::Halted
    }
}

/// An answer as its caller hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Another transaction than was asked for, where the answer is wrong about that.
    pub(crate) names: Option<TransactionId>,
    pub(crate) response_code: String,
    pub(crate) approval_code: String,
    pub(crate) amount_fen: i64,
}

/// What is known of a call beside what it asks for.
struct Manner {
    /// The caller says whether it repeats itself; None where it cannot.
    repeat: Option<bool>,
    /// The answer is lost, whatever it is.
    mute: bool,
}

impl Desk {
    /// Answers a payment.
    pub(crate) async fn authorise(&self, payment: Payment) -> Result<Answer, NoAnswer> {
        let mute = self.pass_outage(payment.scheme).await?;
        let plan = self.office.issuer.plan_payment(&payment);
        let manner = Manner {
            repeat: Some(payment.repeat),
            mute,
        };
        self.answer(Issuer::payment(&payment), plan, manner).await
    }

    /// Answers a verification, with what stands for the card if the debit was made.
    pub(crate) async fn verify(
        &self,
        of: Verification,
    ) -> Result<(Answer, Option<IssuerCardReference>), NoAnswer> {
        let mute = self.pass_outage(of.scheme).await?;
        let issuer = &self.office.issuer;
        let card = issuer.fingerprint(&of.card);
        let plan = issuer.plan_verification(&of, card);
        let reference = issuer.reference(&of.card, card);
        let asked = Issuer::verification(&of, card);
        // The card's number is needed no more, and the wait may be long.
        drop(of);
        let manner = Manner { repeat: None, mute };
        let answer = self.answer(asked, plan, manner).await?;
        let reference = reference.filter(|_| answer.amount_fen > 0);
        Ok((answer, reference))
    }

    /// Gives a transaction back at once, and says so in due time.
    pub(crate) async fn reverse(
        &self,
        reversal: Reversal,
        reversal_id: &str,
    ) -> Result<Result<i64, AdviceTaken>, NoAnswer> {
        let mute = self.pass_outage(reversal.scheme).await?;
        let given = match self.office.books.reverse(&reversal)? {
            Ok(given) => given,
            Err(taken) => return Ok(Err(taken)),
        };
        self.durable(given.sequence).await?;
        if mute {
            return self.never().await.map(|never| match never {});
        }
        let issuer = &self.office.issuer;
        let takes = issuer.reversal_takes(reversal.scheme, reversal_id);
        self.timer.sleep(takes).await;
        Ok(Ok(given.what))
    }

    /// Looks a transaction up.
    pub(crate) async fn status(
        &self,
        id: TransactionId,
        scheme: Scheme,
    ) -> Result<Option<Transaction>, NoAnswer> {
        if self.pass_outage(scheme).await? {
            return self.never().await.map(|never| match never {});
        }
        let takes = self.office.issuer.status_takes(scheme, id);
        self.timer.sleep(takes).await;
        match self.office.books.look_up(id) {
            Some(told) => {
                self.durable(told.sequence).await?;
                Ok(Some(told.what))
            }
            None => Ok(None),
        }
    }

    /// Every transaction of one part of the books; None beyond the last part.
    pub(crate) async fn part(
        &self,
        number: usize,
    ) -> Result<Option<Vec<(TransactionId, Transaction)>>, NoAnswer> {
        match self.office.books.part(number) {
            Some(part) => {
                self.durable(part.sequence).await?;
                Ok(Some(part.what))
            }
            None => Ok(None),
        }
    }

    async fn answer(&self, asked: Asked, plan: Plan, manner: Manner) -> Result<Answer, NoAnswer> {
        let verdict = match plan.course {
            Course::Unavailable => return Err(NoAnswer::Unavailable),
            Course::Silent => return self.never().await.map(|never| match never {}),
            Course::Decide(verdict) => verdict,
        };
        let begun = self.office.books.begin(&asked);
        let is_first = matches!(begun, Begun::First(_));
        let told = match begun {
            Begun::First(told) => {
                self.decide_in_time(asked.id, verdict, plan.takes)?;
                told.await.map_err(|_| NoAnswer::Halted)?
            }
            Begun::Joined(told) => told.await.map_err(|_| NoAnswer::Halted)?,
            Begun::Known(told) => {
                self.timer.sleep(plan.takes).await;
                told
            }
            Begun::Differs => {
                self.timer.sleep(plan.takes).await;
                return Ok(Answer::duplicate());
            }
        };
        let flaw = match manner.repeat {
            Some(true) => None,
            None if !is_first => None,
            Some(false) | None => plan.flaw,
        };
        let told = self.corrected(asked.id, told, flaw)?;
        self.durable(told.sequence).await?;
        if manner.mute || flaw == Some(Flaw::Mute) {
            return self.never().await.map(|never| match never {});
        }
        Ok(Answer::of(asked.id, &told.what, flaw))
    }

    /// A transaction of which one fen too many is approved is put right before it is told rightly.
    fn corrected(
        &self,
        id: TransactionId,
        told: Told,
        flaw: Option<Flaw>,
    ) -> Result<Told, NoAnswer> {
        if told.what.is_one_more() && flaw.is_none() {
            let corrected = self.office.books.correct(id)?;
            return Ok(corrected.unwrap_or(told));
        }
        Ok(told)
    }

    /// Decides now, or later whoever waits for it.
    fn decide_in_time(
        &self,
        id: TransactionId,
        verdict: Verdict,
        takes: Duration,
    ) -> Result<(), Halted> {
        if takes.is_zero() {
            return self.office.books.decide(id, verdict);
        }
        let (office, timer) = (Arc::clone(&self.office), self.timer.clone());
        tokio::spawn(async move {
            timer.sleep(takes).await;
            // Those who wait learn of a failure, and the process ends by it.
            let _ = office.books.decide(id, verdict);
        });
        Ok(())
    }

    /// Ends here or never for whom the issuer is out; else tells whether the answer will be lost.
    async fn pass_outage(&self, scheme: Scheme) -> Result<bool, NoAnswer> {
        match self.office.outages.now(scheme) {
            None => Ok(false),
            Some(OutageKind::Mute) => Ok(true),
            Some(OutageKind::Unavailable) => Err(NoAnswer::Unavailable),
            Some(OutageKind::Silent) => self.never().await.map(|never| match never {}),
        }
    }

    async fn durable(&self, sequence: u64) -> Result<(), NoAnswer> {
        Ok(self.office.books.durable(self.core, sequence).await?)
    }

    /// Says nothing for as long as the process lives.
    async fn never(&self) -> Result<Infallible, NoAnswer> {
        self.office.stopping.cancelled().await;
        Err(NoAnswer::Stopping)
    }
}

impl Answer {
    fn of(id: TransactionId, transaction: &Transaction, flaw: Option<Flaw>) -> Self {
        let code = match flaw {
            Some(Flaw::WrongCode) => text(&NONSENSE_CODE),
            Some(Flaw::Mute | Flaw::WrongAmount | Flaw::WrongId) | None => {
                transaction.response_code()
            }
        };
        Self {
            names: (flaw == Some(Flaw::WrongId)).then(|| id.other()),
            response_code: code.to_owned(),
            approval_code: transaction.approval_code().to_owned(),
            amount_fen: transaction.amount_fen(),
        }
    }

    /// The name stands for another transaction.
    fn duplicate() -> Self {
        Self {
            names: None,
            response_code: text(&DUPLICATE).to_owned(),
            approval_code: String::new(),
            amount_fen: 0,
        }
    }
}
