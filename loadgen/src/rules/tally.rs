//! Pure: what a run did, in counts, as far as rules go by it.

use std::collections::BTreeMap;

use waika::v1::{DeclineReason, PaymentMode, ReversalRefusalReason};

use super::calls::{Calls, Refusal, Said};
use super::provisioned::Provisioned;
use crate::errand::Rpc;
use crate::outcome::{GrpcCode, Outcome};

/// Up to here a payment has no fee (R71), in fen.
const FREE_FEN: u64 = 20_000;

/// The most that one payment may be (R63), in fen.
const SINGLE_LIMIT_FEN: u64 = 600_000;

/// What was asked for in a payment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paid {
    /// Principal, in fen.
    pub(crate) amount_fen: u64,
    /// How it was begun.
    pub(crate) mode: PaymentMode,
}

/// Counts of a run, or of a part of one: two of them are merged by adding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// What came before the run.
    pub(crate) provisioned: Provisioned,
    /// Decisions in a later month than the run's first.
    pub(crate) in_later_months: u64,
    /// Reversals and refunds that gave some of a fee back.
    pub(crate) fees_given_back: u64,
    /// Authorisations that were read again to prove them.
    pub(crate) proven: u64,
    payments: BTreeMap<Outcome, u64>,
    calls: Calls,
    approved: Approved,
}

/// Counts of approvals; the bands of amounts overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Approved {
    pub(super) all: u64,
    /// The amount is one fen.
    pub(super) least: u64,
    /// It is the largest without a fee.
    pub(super) largest_free: u64,
    /// It has a fee.
    pub(super) with_fee: u64,
    /// It is the largest that there may be.
    pub(super) largest: u64,
    /// It was begun in one of the guide's modes.
    pub(super) in_a_mode: u64,
    /// It was paid with a payment code.
    pub(super) by_code: u64,
}

impl Tally {
    /// Counts what became of one payment.
    pub(crate) fn note_payment(&mut self, paid: Paid, outcome: Outcome) {
        if outcome == Outcome::Approved {
            self.approved.note(paid);
        } else {
            *self.payments.entry(outcome).or_default() += 1;
        }
    }

    /// Counts answers to another call.
    pub(crate) fn note_call(&mut self, rpc: Rpc, said: Said, answers: u64) {
        self.calls.note(rpc, said, answers);
    }

    /// Adds what another counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        let Self {
            provisioned,
            in_later_months,
            fees_given_back,
            proven,
            payments,
            calls,
            approved,
        } = other;
        self.provisioned.merge(provisioned);
        self.in_later_months += in_later_months;
        self.fees_given_back += fees_given_back;
        self.proven += proven;
        for (&outcome, &count) in payments {
            *self.payments.entry(outcome).or_default() += count;
        }
        self.calls.merge(calls);
        self.approved.add(*approved);
    }

    /// The approvals.
    pub(super) fn approved(&self) -> Approved {
        self.approved
    }

    /// Approvals for which the password was given there and then.
    pub(super) fn approved_by_password(&self) -> u64 {
        self.approved.all.saturating_sub(self.approved.by_code)
    }

    /// Payments, and payment codes, that were declined for one of these reasons.
    pub(super) fn declined(&self, reasons: &[DeclineReason]) -> u64 {
        let counts = reasons.iter().map(|&reason| {
            let number = i32::from(reason);
            let codes = self.calls.of(Rpc::CreatePaymentCode, Said::Refused(number));
            self.became(Outcome::Declined(number)) + codes
        });
        counts.sum()
    }

    /// Calls that were done, before the run and in it.
    pub(super) fn done(&self, rpc: Rpc) -> u64 {
        self.calls.of(rpc, Said::Done) + self.provisioned.calls.of(rpc, Said::Done)
    }

    /// Calls that were refused for one of these reasons, before the run and in it.
    pub(super) fn refused<R: Refusal>(&self, reasons: &[R]) -> u64 {
        self.calls.refused(reasons) + self.provisioned.calls.refused(reasons)
    }

    /// Reversals, refunds and settlements that were refused for one of these reasons.
    pub(super) fn not_given_back(&self, reasons: &[ReversalRefusalReason]) -> u64 {
        let refused = |rpc: Rpc| -> u64 {
            let counts = reasons
                .iter()
                .map(|&reason| self.calls.of(rpc, Said::Refused(reason.into())));
            counts.sum()
        };
        [Rpc::Reverse, Rpc::Settle, Rpc::Refund]
            .into_iter()
            .map(refused)
            .sum()
    }

    /// Answers that were given again, and keys that were used for something else.
    pub(super) fn under_used_keys(&self) -> u64 {
        let conflict = Said::Failed(GrpcCode::AlreadyExists);
        let calls = [&self.calls, &self.provisioned.calls];
        let calls = calls
            .iter()
            .map(|calls| calls.of_any(Said::Replayed) + calls.of_any(conflict));
        self.became(Outcome::Replayed)
            + self.became(Outcome::Grpc(GrpcCode::AlreadyExists))
            + calls.sum::<u64>()
    }

    /// Calls that named an account, or an authorisation, that is not there.
    pub(super) fn not_found(&self) -> u64 {
        let said = Said::Failed(GrpcCode::NotFound);
        self.became(Outcome::Grpc(GrpcCode::NotFound)) + self.calls.of_any(said)
    }

    fn became(&self, outcome: Outcome) -> u64 {
        self.payments.get(&outcome).copied().unwrap_or_default()
    }
}

impl Approved {
    fn note(&mut self, paid: Paid) {
        let Paid { amount_fen, mode } = paid;
        self.add(Self {
            all: 1,
            least: u64::from(amount_fen == 1),
            largest_free: u64::from(amount_fen == FREE_FEN),
            with_fee: u64::from(amount_fen > FREE_FEN),
            largest: u64::from(amount_fen == SINGLE_LIMIT_FEN),
            in_a_mode: u64::from(mode != PaymentMode::Unspecified),
            by_code: u64::from(mode == PaymentMode::PaymentCode),
        });
    }

    fn add(&mut self, more: Self) {
        let Self {
            all,
            least,
            largest_free,
            with_fee,
            largest,
            in_a_mode,
            by_code,
        } = more;
        self.all += all;
        self.least += least;
        self.largest_free += largest_free;
        self.with_fee += with_fee;
        self.largest += largest;
        self.in_a_mode += in_a_mode;
        self.by_code += by_code;
    }
}
