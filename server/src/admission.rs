//! Whether anything new is begun: not while more waits for the disk than it can take in time.
//!
//! Two bounds. So many entries may wait, of which each class of calls may fill its share: what frees people
//! and money longest, what only looks around least. And while the disk stands still, far longer than it takes of
//! late, nothing is begun that would wait behind it. Whatever was begun goes on, and used keys are answered.

use std::time::{Duration, Instant};

use metrics::{Counter, counter};

use crate::clock::monotonic;
use crate::ledger::log::Log;
use crate::ledger::{LedgerError, Rpc};

/// Below so many nobody waits long enough that it has to be looked at.
const FEW: u64 = 64;
/// What stands still for no longer than this may only have been interrupted, the whole machine for example.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// And this many times as long as a commit takes of late.
const PATIENCE_COMMITS: u32 = 4;

/// Who is refused first when too much waits: the last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Gives something back or takes a card away, or is an operator's.
    Relief,
    /// Payments.
    Payment,
    /// What else changes something.
    Change,
    /// What changes nothing.
    Read,
}

impl Class {
    const ALL: [Self; 4] = [Self::Relief, Self::Payment, Self::Change, Self::Read];

    /// Of an RPC that changes something.
    pub(crate) fn of(rpc: Rpc) -> Self {
        match rpc {
            Rpc::Unbind
            | Rpc::Reverse
            | Rpc::Refund
            | Rpc::Settle
            | Rpc::ResolveReview
            | Rpc::SetCardStatus
            | Rpc::PutMerchant
            | Rpc::ResolveRiskTicket
            | Rpc::SetClock
            | Rpc::ResolvePasswordTicket
            | Rpc::UnlockPassword
            | Rpc::PutPolicy
            | Rpc::ActivatePolicy
            | Rpc::SetShadowPolicy
            | Rpc::CloseAccount
            | Rpc::EraseAccount => Self::Relief,
            Rpc::Authorise => Self::Payment,
            Rpc::SendPhoneCode
            | Rpc::Bind
            | Rpc::VerifyPassword
            | Rpc::ChangePassword
            | Rpc::ResetPassword
            | Rpc::SubmitVerification
            | Rpc::SwitchWalletRegion
            | Rpc::CreatePaymentCode
            | Rpc::ReceiveFunds => Self::Change,
        }
    }

    /// How much of what may wait this class may fill, in eighths.
    const fn eighths(self) -> u64 {
        match self {
            Self::Relief => 9,
            Self::Payment => 8,
            Self::Change => 6,
            Self::Read => 4,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Relief => "relief",
            Self::Payment => "payment",
            Self::Change => "change",
            Self::Read => "read",
        }
    }
}

/// The bounds, and how often they were met.
#[derive(Debug)]
pub(crate) struct Admission {
    most: u64,
    by_count: [Counter; 4],
    by_age: [Counter; 4],
    by_deadline: Counter,
}

impl Admission {
    /// With so many entries that may wait.
    pub(crate) fn new(most: u64) -> Self {
        let of = |bound| {
            Class::ALL.map(|class| {
                counter!("waika_admission_refused_total", "class" => class.name(), "bound" => bound)
            })
        };
        Self {
            most,
            by_count: of("count"),
            by_age: of("age"),
            by_deadline: counter!("waika_admission_refused_total", "class" => "any", "bound" => "deadline"),
        }
    }

    /// Says whether something of a class may be begun that has to be durable by a deadline.
    pub(crate) fn check(
        &self,
        class: Class,
        queue: &Log,
        deadline: Option<Instant>,
    ) -> Result<(), LedgerError> {
        let pace = queue.pace();
        if let Some(deadline) = deadline
            && deadline <= monotonic() + pace.commit
        {
            self.by_deadline.increment(1);
            return Err(LedgerError::DeadlineTooShort);
        }
        if pace.pending < FEW {
            return Ok(());
        }
        if pace.pending >= self.most / 8 * class.eighths() {
            count(&self.by_count, class);
            return Err(LedgerError::Overloaded {
                wait: pushback(pace.commit),
            });
        }
        if queue.still_for() > patience(pace.commit) {
            count(&self.by_age, class);
            return Err(LedgerError::Overloaded {
                wait: pushback(patience(pace.commit)),
            });
        }
        Ok(())
    }
}

fn count(counters: &[Counter; 4], class: Class) {
    let place = Class::ALL.iter().position(|known| *known == class);
    if let Some(counter) = place.and_then(|place| counters.get(place)) {
        counter.increment(1);
    }
}

fn patience(commit: Duration) -> Duration {
    (commit * PATIENCE_COMMITS).max(LEAST_PATIENCE)
}

/// When it may be tried again: once what is being written has been.
fn pushback(wait: Duration) -> Duration {
    wait.clamp(Duration::from_millis(10), Duration::from_secs(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_back_is_taken_longest_and_what_looks_around_least() {
        let mut classes = Class::ALL;
        classes.sort_by_key(|class| std::cmp::Reverse(class.eighths()));
        assert_eq!(classes, Class::ALL);
        for (rpc, class) in [
            (Rpc::Unbind, Class::Relief),
            (Rpc::Reverse, Class::Relief),
            (Rpc::Authorise, Class::Payment),
            (Rpc::Bind, Class::Change),
        ] {
            assert_eq!(Class::of(rpc), class, "{rpc:?}");
        }
    }

    #[test]
    fn patience_grows_with_what_a_commit_takes() {
        let milliseconds = Duration::from_millis;
        assert_eq!(patience(milliseconds(1)), LEAST_PATIENCE);
        assert_eq!(patience(milliseconds(200)), LEAST_PATIENCE);
        assert_eq!(patience(milliseconds(400)), milliseconds(1_600));
        assert_eq!(pushback(Duration::ZERO), milliseconds(10));
        assert_eq!(pushback(milliseconds(200)), milliseconds(200));
        assert_eq!(pushback(milliseconds(60_000)), milliseconds(5_000));
    }
}
