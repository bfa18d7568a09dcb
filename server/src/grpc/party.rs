//! Who asks.

use std::time::Instant;

use tonic::Request;

use super::deadline;
use crate::caller::Caller;
use crate::identity::Pass;
use crate::vault::Vault;

/// Who asks, and the keys by which what is asked is digested.
pub(super) struct Party<'a> {
    pub(super) vault: &'a Vault,
    pub(super) caller: Caller,
    /// When it stops waiting, if it said so.
    pub(super) deadline: Option<Instant>,
}

impl<'a> Party<'a> {
    /// Of a call that was let in.
    pub(super) fn of<T>(request: &Request<T>, vault: &'a Vault) -> Self {
        Self {
            vault,
            caller: Self::caller_of(request),
            deadline: deadline::of(request.metadata().as_ref()),
        }
    }

    /// Who made a call that was let in.
    pub(super) fn caller_of<T>(request: &Request<T>) -> Caller {
        let pass = request.extensions().get::<Pass>();
        pass.map(Pass::caller).unwrap_or_default()
    }
}
