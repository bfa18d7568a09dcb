//! The time line of an authorisation: what happened to it since, each step found from the one
//! after it.

use waika_domain::event::{DecidedPayment, Event, GiveBack};
use waika_domain::identifiers::AccountId;
use waika_domain::money::Fen;
use waika_domain::period::Timestamp;
use waika_domain::rules::reverse::GivenBack;

use super::decode::Stored;
use super::journal::JournalReader;
use super::{Decided, Ledger, LedgerError, Standing, read_entry};

/// Steps of one authorisation that are told: the latest.
const MOST_STEPS: usize = 1_000;

/// Something that happened to an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// When.
    pub at: Timestamp,
    /// Principal and fee that it was about.
    pub amounts: GivenBack,
}

/// What happened to an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// Money was held before the issuer was asked.
    Reserved,
    /// It was approved.
    Approved,
    /// It was declined.
    Declined,
    /// Some or all of it was reversed.
    Reversed,
    /// It settled.
    Settled,
    /// Some or all of it was refunded.
    Refunded,
    /// The issuer approved when nobody waited any more (D16).
    IssuerLate,
    /// The issuer agrees with what was approved in its place (D17).
    StandInConfirmed,
    /// It would have declined (D17).
    StandInDiverged,
}

impl Ledger {
    /// Everything that happened to an authorisation, oldest first.
    pub async fn steps(
        &self,
        core: usize,
        account: &AccountId,
        decided: &Decided,
    ) -> Result<Vec<Step>, LedgerError> {
        let Decided {
            answered,
            standing,
            last_step,
        } = decided;
        let last = *last_step;
        let since = match self.node() {
            None => {
                self.read_aside(move |reader| steps_since(reader, last))
                    .await?
            }
            Some(node) => {
                let since = node.since(account, answered.sequence).await?;
                let latest = since.len().saturating_sub(MOST_STEPS);
                let since = since.iter().skip(latest).map(step_of);
                let since: Result<Vec<_>, _> = since.collect();
                since?.into_iter().map(|(step, _)| step).collect()
            }
        };
        let amounts = amounts_of(&answered.event);
        let mut steps = Vec::new();
        if let Some(reserved_by) = answered.event.begun_by() {
            let reserved = match self.node() {
                None => self.read(core, reserved_by).await,
                Some(node) => {
                    let reserved = node.entry_of(account, reserved_by).await?;
                    reserved.ok_or(LedgerError::Unreadable)
                }
            };
            match reserved {
                // The oldest entry that is kept lies between the two.
                Err(LedgerError::AuthorisationPruned(_)) => {}
                reserved => steps.push(Step {
                    kind: StepKind::Reserved,
                    at: reserved?.at,
                    amounts,
                }),
            }
        }
        steps.push(Step {
            kind: match answered.event.decision() {
                Some(DecidedPayment::Approved(_)) => StepKind::Approved,
                Some(DecidedPayment::Declined(_) | DecidedPayment::Voided(_)) | None => {
                    StepKind::Declined
                }
            },
            at: answered.at,
            amounts,
        });
        steps.extend(since.into_iter().map(|step| in_parts(step, amounts)));
        let told = steps.iter().any(|step| step.kind == StepKind::Settled);
        if let Some(settled) = settled(standing, amounts).filter(|_| !told) {
            // D25: by its age, so no entry says so. It comes after what was reversed.
            let refund = |step: &Step| step.kind == StepKind::Refunded;
            let place = steps.iter().position(refund).unwrap_or(steps.len());
            steps.insert(place, settled);
        }
        Ok(steps)
    }
}

/// What an issuer said of a payment, as principal and fee.
fn in_parts(step: Step, whole: GivenBack) -> Step {
    let principal = whole.principal;
    let fee = match step.kind {
        StepKind::IssuerLate => step.amounts.principal.minus(principal),
        StepKind::StandInConfirmed | StepKind::StandInDiverged => whole.fee,
        StepKind::Reserved
        | StepKind::Approved
        | StepKind::Declined
        | StepKind::Reversed
        | StepKind::Settled
        | StepKind::Refunded => return step,
    };
    Step {
        amounts: GivenBack { principal, fee },
        ..step
    }
}

/// The settlement of what was not reversed; None if it has not settled, or nothing was left.
fn settled(standing: &Standing, whole: GivenBack) -> Option<Step> {
    let principal = whole.principal.minus(standing.reversed.principal);
    let fee = whole.fee.minus(standing.reversed.fee);
    let has_settled = standing.settled && principal > Fen::ZERO;
    Some(Step {
        kind: StepKind::Settled,
        at: standing.settles_at.filter(|_| has_settled)?,
        amounts: GivenBack { principal, fee },
    })
}

/// Principal and fee of a decision; a declined one has no fee.
fn amounts_of(event: &Event) -> GivenBack {
    let decision = event.decision();
    let principal = decision.map_or(Fen::ZERO, |decided| decided.payment().amount.fen());
    let reservation = decision.and_then(DecidedPayment::reservation);
    let fee = reservation.map_or(Fen::ZERO, |reservation| reservation.fee);
    GivenBack { principal, fee }
}

/// The steps of a time line that ends with an entry, oldest first. Blocks.
fn steps_since(reader: &JournalReader, last: u64) -> Result<Vec<Step>, LedgerError> {
    let mut steps = Vec::new();
    let mut sequence = last;
    while sequence != 0 && steps.len() < MOST_STEPS {
        let stored = read_entry(reader, sequence)?;
        let (step, previous) = step_of(&stored)?;
        steps.push(step);
        sequence = previous;
    }
    steps.reverse();
    Ok(steps)
}

/// What an entry is in a time line, and the sequence of the one before it.
fn step_of(stored: &Stored) -> Result<(Step, u64), LedgerError> {
    let event = stored.event().ok_or(LedgerError::Unreadable)?;
    let (kind, amounts, previous) = if let Event::ReversalDecided(decided) = event {
        let kind = match decided.kind {
            GiveBack::Reversal => StepKind::Reversed,
            GiveBack::Refund => StepKind::Refunded,
        };
        let given = decided.outcome.ok();
        let amounts = given.map(|given| GivenBack {
            principal: given.principal,
            fee: given.fee,
        });
        (kind, amounts, decided.previous)
    } else if let Event::SettleDecided(decided) = event {
        let amounts = decided.outcome.ok().map(|settled| GivenBack {
            principal: settled.principal,
            fee: settled.fee,
        });
        (StepKind::Settled, amounts, decided.previous)
    } else if let Event::IssuerLate(late) = event {
        // Principal and fee, which are told apart by whoever knows the payment.
        let amounts = GivenBack {
            principal: late.amount,
            fee: Fen::ZERO,
        };
        (StepKind::IssuerLate, Some(amounts), late.previous)
    } else if let Event::StandInReconciled(reconciled) = event {
        let kind = match reconciled.diverged {
            None => StepKind::StandInConfirmed,
            Some(_) => StepKind::StandInDiverged,
        };
        let amounts = GivenBack {
            principal: reconciled.principal,
            fee: Fen::ZERO,
        };
        (kind, Some(amounts), reconciled.previous)
    } else {
        return Err(LedgerError::Unreadable);
    };
    let step = Step {
        kind,
        at: stored.at,
        amounts: amounts.unwrap_or_default(),
    };
    Ok((step, previous))
}
