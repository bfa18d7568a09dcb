//! Which fault the journal has: a run with one must fail.

use std::num::NonZeroU64;

use waika_server::planted::{FaultKind, PlantedFault};

/// The one that `WAIKA_PLANTED_FAULT` names.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
pub(super) fn fault() -> Option<PlantedFault> {
    let name = std::env::var("WAIKA_PLANTED_FAULT").ok()?;
    let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == name);
    Some(PlantedFault {
        kind: found.unwrap_or_else(|| panic!("WAIKA_PLANTED_FAULT={name} is no fault")),
        one_in: NonZeroU64::MIN,
        nanoseconds: 0,
    })
}
