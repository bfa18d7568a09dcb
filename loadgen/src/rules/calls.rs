//! Pure: how often which call but a payment was answered in which way.

use std::collections::BTreeMap;

use waika::v1::{BindRefusalReason, PhoneCodeRefusalReason, UnbindRefusalReason};

use crate::errand::Rpc;
use crate::outcome::GrpcCode;

/// What an answer to a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// It was done, now.
    Done,
    /// It was answered before under the same key.
    Replayed,
    /// It was refused, with the number of the reason in the RPC's own enum.
    Refused(i32),
    /// An error, and no answer.
    Failed(GrpcCode),
}

/// Counts by call and by what was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls(BTreeMap<(Rpc, Said), u64>);

impl Calls {
    /// Counts answers.
    pub(crate) fn note(&mut self, rpc: Rpc, said: Said, answers: u64) {
        *self.0.entry((rpc, said)).or_default() += answers;
    }

    /// Adds what another counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (&(rpc, said), &answers) in &other.0 {
            self.note(rpc, said, answers);
        }
    }

    /// How often a call was answered so.
    pub(crate) fn of(&self, rpc: Rpc, said: Said) -> u64 {
        self.0.get(&(rpc, said)).copied().unwrap_or_default()
    }

    /// How often any call was answered so.
    pub(crate) fn of_any(&self, said: Said) -> u64 {
        Rpc::ALL.iter().map(|&rpc| self.of(rpc, said)).sum()
    }

    /// How often a call was refused for one of these reasons.
    pub(crate) fn refused<R: Refusal>(&self, reasons: &[R]) -> u64 {
        let counts = reasons
            .iter()
            .map(|&reason| self.of(R::RPC, Said::Refused(reason.into())));
        counts.sum()
    }
}

/// A reason that belongs to one call.
pub(crate) trait Refusal: Copy + Into<i32> {
    /// The call that is refused with it.
    const RPC: Rpc;
}

impl Refusal for BindRefusalReason {
    const RPC: Rpc = Rpc::Bind;
}

impl Refusal for UnbindRefusalReason {
    const RPC: Rpc = Rpc::Unbind;
}

impl Refusal for PhoneCodeRefusalReason {
    const RPC: Rpc = Rpc::SendPhoneCode;
}
