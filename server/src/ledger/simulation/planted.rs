//! Servers that are wrong on purpose: histories of each must be found out.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::shrink::{failure, quietly};
use super::{ALL_STEPS, variable};
use crate::planted::{FaultKind, PlantedFault};

/// Histories within which each is found.
const MOST: u64 = 60;

thread_local! {
    static KIND: Cell<Option<FaultKind>> = const { Cell::new(None) };
}

/// Which fault the server of this thread has: the test's, or the one that `WAIKA_PLANTED_FAULT` names.
pub(super) fn fault() -> Option<PlantedFault> {
    let named = || {
        let name = variable("WAIKA_PLANTED_FAULT")?;
        let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == name);
        Some(found.unwrap_or_else(|| panic!("WAIKA_PLANTED_FAULT={name} is no fault")))
    };
    let kind = KIND.get().or_else(named)?;
    Some(PlantedFault {
        kind,
        one_in: NonZeroU64::MIN,
        nanoseconds: 0,
    })
}

#[test]
fn a_server_with_a_planted_fault_is_found_out() {
    for kind in [
        FaultKind::SyncSkipped,
        FaultKind::ToldEarly,
        FaultKind::SyncErrorIgnored,
        FaultKind::EventSkipped,
        FaultKind::WrongPeriod,
        FaultKind::ForgottenReservation,
        FaultKind::ReplayCounted,
    ] {
        KIND.set(Some(kind));
        let mut histories = 0..MOST;
        let found = quietly(|| histories.find_map(|seed| Some((seed, failure(seed, ALL_STEPS)?))));
        KIND.set(None);
        let (seed, why) = found.unwrap_or_else(|| panic!("{} was not found", kind.name()));
        let why: String = why.chars().take(160).collect();
        println!("{}: seed {seed}: {why}", kind.name());
    }
}
