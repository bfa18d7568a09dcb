//! What one decision of the ladder of `Authorise` costs, in allocations and, under callgrind, in
//! instructions: both are counts, so they are the same on a busy machine and on an idle one.
//!
//! `bash tests/ladder.sh` counts the instructions and holds them to the limits. Alone, with
//! `cargo bench -p waika-domain`, this tells the allocations.

#![expect(
    clippy::expect_used,
    reason = "a scenario that cannot be made counts nothing"
)]

#[path = "ladder/cases.rs"]
mod cases;
#[path = "../../../tests/guard/counting.rs"]
mod counting;

use std::io::Write;
use std::process::ExitCode;

use cases::{CASES, Case, Scenario};
use counting::{Counting, Counts};
use waika_domain::rules::authorise::Decision;

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

/// The only code that callgrind looks at: tests/ladder.sh names this module.
mod measured {
    use super::{Decision, Scenario};
    use waika_domain::event::Payment;
    use waika_domain::rules::authorise::{decide, decide_with_receipt};

    #[inline(never)]
    pub(super) fn plain(payment: Payment, scenario: &Scenario) -> Decision {
        let facts = scenario.facts();
        let (account, policy) = (&scenario.account, &scenario.policy);
        decide(account, payment, &facts, policy, scenario.now)
    }

    #[inline(never)]
    pub(super) fn with_receipt(payment: Payment, scenario: &Scenario) -> Decision {
        let facts = scenario.facts();
        let (account, policy) = (&scenario.account, &scenario.policy);
        decide_with_receipt(account, payment, &facts, policy, scenario.now)
    }
}

/// `ladder CASE TIMES` decides one case so often; anything else tells of all of them.
fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let told = match asked.as_slice() {
        [case, times] => {
            let case = CASES.iter().find(|known| known.name == *case);
            case.zip(times.parse().ok())
                .ok_or_else(|| "usage: ladder CASE TIMES".to_owned())
                .and_then(|(case, times)| run(case, times))
        }
        _ => CASES.iter().map(|case| run(case, 1_000)).collect(),
    };
    let (told, code) = match told {
        Ok(told) => (told, ExitCode::SUCCESS),
        Err(wrong) => (wrong + "\n", ExitCode::FAILURE),
    };
    let written = std::io::stdout().write_all(told.as_bytes());
    written.map_or(ExitCode::FAILURE, |()| code)
}

/// One line: the case, how often it was decided, and of all decisions together how often memory was
/// asked for, growing included, and the bytes of that.
fn run(case: &Case, times: u32) -> Result<String, String> {
    let scenario = Scenario::of(case);
    // Payments are made before, and decisions dropped after: neither is the ladder's work.
    let payments: Vec<_> = (0..times).map(|_| scenario.payment.clone()).collect();
    let mut decisions = Vec::with_capacity(payments.len());
    let decide = if case.with_receipt {
        measured::with_receipt
    } else {
        measured::plain
    };
    let before = ALLOCATOR.counts();
    for payment in payments {
        decisions.push(decide(payment, &scenario));
    }
    let Counts {
        allocations,
        reallocations,
        bytes,
    } = ALLOCATOR.counts().since(before);
    if let Some(wrong) = decisions.iter().find(|made| !case.is_outcome(made)) {
        return Err(format!("{} was decided otherwise: {wrong:?}", case.name));
    }
    let asked = allocations + reallocations;
    Ok(format!("{} {times} {asked} {bytes}\n", case.name))
}
